"""Elements of a CIB with ids that are valid and that no other element has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree as ET

from reconciler.model import score

_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9_.-]+")
_FIRST = re.compile(r"[A-Za-z_]")


class Ids:
    """Gives out ids; an id that is taken gets a number."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def reserve(self, identity: str) -> None:
        """Take an id that must stay as it is, such as a resource's name."""
        self._taken.add(identity)

    def new(self, wanted: str) -> str:
        """Return an id like the one that is wanted."""
        base = _NOT_IN_IDS.sub("_", wanted)
        base = base if _FIRST.match(base) else f"_{base}"
        found, number = base, 2
        while found in self._taken:
            found, number = f"{base}-{number}", number + 1
        self._taken.add(found)
        return found


def add(parent: ET.Element, tag: str, attributes: Mapping[str, str | int | None], /) -> ET.Element:
    """Add an element with the attributes that have a value."""
    return ET.SubElement(
        parent, tag, {name: str(value) for name, value in attributes.items() if value is not None}
    )


def flag(value: bool | None) -> str | None:
    """Return a truth value as a CIB has it."""
    return None if value is None else "true" if value else "false"


def number(value: int) -> str:
    """Return a score as a CIB has it."""
    return score.text(value)


def milliseconds(value: int) -> str:
    """Return a duration as a CIB has it."""
    return f"{value // 1_000}s" if value % 1_000 == 0 else f"{value}ms"
