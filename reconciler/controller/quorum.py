"""Quorum: a majority of the manifest's member nodes. Only this file decides what a majority is.

Remote and ping nodes have no vote (Pacemaker Remote, "Remote nodes do not count toward quorum").
"""

from __future__ import annotations

from collections.abc import Collection

from reconciler.model import desired as desired_model
from reconciler.model import node


def members(wanted: desired_model.Desired) -> tuple[str, ...]:
    """Return the names of the nodes that have a vote."""
    return tuple(one.name for one in wanted.nodes if one.kind is node.NodeKind.MEMBER)


def needed(wanted: desired_model.Desired) -> int:
    """Return how many members are a majority."""
    return len(members(wanted)) // 2 + 1


def holds(wanted: desired_model.Desired, answering: Collection[str]) -> bool:
    """Tell whether the members among ``answering`` are a majority."""
    return sum(name in answering for name in members(wanted)) >= needed(wanted)
