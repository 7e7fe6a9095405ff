"""Quorum: what may be done without a majority (Pacemaker Explained, "no-quorum-policy")."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from reconciler.model import observed
from reconciler.model.reason import Reason, ReasonCode
from reconciler.model.role import Role
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.nodes import Node
from reconciler.scheduler.options import Cluster, QuorumPolicy, Requires

if TYPE_CHECKING:
    from reconciler.scheduler.situation import Standing

_LOST = "no-quorum-panic"
_NO_QUORUM = Reason(ReasonCode.NO_QUORUM)
_LITTLE = frozenset({Requires.QUORUM, Requires.NOTHING})
"""What may be required that no fencing is waited for."""


def requirement(one: Instance, settings: Cluster) -> Requires:
    """Return what an instance needs before it starts."""
    written = one.meta.requires
    if one.is_fence_device:
        return Requires.NOTHING if written is Requires.NOTHING else Requires.QUORUM
    if written in {Requires.FENCING, Requires.UNFENCING} and not settings.fencing_enabled:
        return Requires.QUORUM
    if written is not None:
        return written
    return Requires.FENCING if settings.fencing_enabled else Requires.QUORUM


def spares_fencing(one: Instance, settings: Cluster) -> bool:
    """Tell whether people said that an instance need not wait for the fencing there is."""
    return settings.fencing_enabled and requirement(one, settings) in _LITTLE


def doom(nodes: Iterable[Node], settings: Cluster, seen: observed.Observed) -> None:
    """Mark every member of a partition that lost quorum and must fence itself for it.

    It need not where it is not known that quorum was ever had: then it only stops (measured).
    """
    if seen.quorate or settings.no_quorum_policy is not QuorumPolicy.FENCE:
        return
    if not settings.fencing_enabled or seen.attributes.get(_LOST) == "false":
        return
    for node in nodes:
        if node.online and node.unclean is None and node.remote is None:
            node.unclean = Reason(ReasonCode.NO_QUORUM, node.name)


def may_be_promoted(one: Instance, role: Role, settings: Cluster, *, quorate: bool) -> bool:
    """Tell whether quorum, or the lack of it, lets an instance be promoted, or stay so (measured)."""
    kept = role is Role.PROMOTED or not freezes(settings, quorate=quorate)
    return kept and not demotes(one, role, settings, quorate=quorate)


def freezes(settings: Cluster, *, quorate: bool) -> bool:
    """Tell whether all stays as it is until there is quorum again."""
    return not quorate and settings.no_quorum_policy is QuorumPolicy.FREEZE


def demotes(one: Instance, role: Role, settings: Cluster, *, quorate: bool) -> bool:
    """Tell whether what runs is unpromoted until there is quorum again."""
    if quorate or settings.no_quorum_policy is not QuorumPolicy.DEMOTE:
        return False
    return role is not Role.STOPPED and requirement(one, settings) is not Requires.NOTHING


def forbids(
    one: Instance, standing: Standing, next_role: Role, settings: Cluster, *, quorate: bool
) -> Reason | None:
    """Return why a start or promotion is not allowed, or None."""
    if quorate or settings.no_quorum_policy is QuorumPolicy.IGNORE:
        return None
    if requirement(one, settings) is Requires.NOTHING:
        return None
    if settings.no_quorum_policy is QuorumPolicy.FREEZE:
        order = list(Role)
        rises = order.index(next_role) > order.index(standing.role)
        return _NO_QUORUM if not standing.running or rises else None
    if settings.no_quorum_policy is QuorumPolicy.DEMOTE:
        idle = not standing.running or not one.promotable
        return _NO_QUORUM if next_role is Role.PROMOTED or idle else None
    return _NO_QUORUM
