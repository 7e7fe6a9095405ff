"""Roles of a resource and the table of steps that lead from one to another."""

from __future__ import annotations

import enum


class Role(enum.Enum):
    """What a resource is, or shall be, on a node (Pacemaker Explained, "Resource roles")."""

    # Members are unique, so identity will do; the hash of Enum is a function that is called often.
    __hash__ = object.__hash__

    UNKNOWN = "Unknown"
    STOPPED = "Stopped"
    STARTED = "Started"
    UNPROMOTED = "Unpromoted"
    PROMOTED = "Promoted"

    @property
    def active(self) -> bool:
        """Whether something runs, or may run, in this role."""
        return self is not Role.STOPPED


ALIASES = {"Master": Role.PROMOTED, "Slave": Role.UNPROMOTED}
"""Names of older releases."""


def parse(text: str) -> Role | None:
    """Return the role that a word names, old names included, or None."""
    wanted = text.strip().lower()
    for role in Role:
        if role.value.lower() == wanted:
            return role
    for name, role in ALIASES.items():
        if name.lower() == wanted:
            return role
    return None
