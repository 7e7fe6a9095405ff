"""Quorum: what may be done without a majority (Pacemaker Explained, "no-quorum-policy")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.reason import Reason, ReasonCode
from reconciler.model.role import Role
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.options import Cluster, QuorumPolicy, Requires

if TYPE_CHECKING:
    from reconciler.scheduler.situation import Standing

_NO_QUORUM = Reason(ReasonCode.NO_QUORUM)


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
        return _NO_QUORUM if next_role is Role.PROMOTED or not standing.running else None
    return _NO_QUORUM
