"""Tickets: what a site may run only while it holds a ticket.

A ticket that is not granted, or in standby, bans the resource (or its promoted role). The loss
policy says whether losing it also fences nodes, or leaves the resource as it is.
Pacemaker Explained, "Multi-site clusters and tickets".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.model import constraint, desired, observed
from reconciler.model.constraint import LossPolicy, ResourceDiscovery
from reconciler.model.reason import Reason, ReasonCode
from reconciler.model.role import Role
from reconciler.model.score import INFINITY, TermKind
from reconciler.scheduler import location
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.location import Wish
from reconciler.scheduler.situation import Situation, Standing

_UNKNOWN = observed.TicketState(granted=False)
_CARELESS: Mapping[LossPolicy, frozenset[Role]] = {
    LossPolicy.FENCE: frozenset({Role.STOPPED}),
    LossPolicy.FREEZE: frozenset({Role.STOPPED, Role.UNPROMOTED}),
}
"""Policy to the roles for which a lost ticket does nothing to what runs (measured)."""


def resolve(
    wanted: desired.Desired, seen: observed.Observed, situation: Situation, *, fencing: bool
) -> tuple[Wish, ...]:
    """Return the bans of tickets that do not hold; fence and freeze where the policies say so.

    Args:
        wanted: with the ticket constraints.
        seen: with the tickets; one that is not known is not granted.
        situation: nodes are marked unclean and instances unmanaged in it.
        fencing: whether nodes can be fenced.
    """
    found: list[Wish] = []
    for one in wanted.constraints:
        if not isinstance(one, constraint.Ticket):
            continue
        state = seen.tickets.get(one.ticket, _UNKNOWN)
        if state.granted and not state.standby:
            continue
        policy = _policy(one, fencing=fencing)
        for name in one.resources:
            for instance in location.expanded(situation.expansion, wanted.tags, name):
                spared: list[Instance] = []
                if not state.granted:
                    spared = _lose(one, policy, instance, situation)
                found.extend(_bans(one, policy, instance, situation, spared))
    return tuple(found)


def _policy(one: constraint.Ticket, *, fencing: bool) -> LossPolicy:
    """Return what a lost ticket leads to; without fencing what would be fenced stops (measured)."""
    if one.loss_policy is LossPolicy.FENCE and not fencing:
        return LossPolicy.STOP
    if one.loss_policy is not None:
        return one.loss_policy
    return LossPolicy.DEMOTE if one.role is Role.PROMOTED else LossPolicy.STOP


def _lose(
    one: constraint.Ticket, policy: LossPolicy, instance: Instance, situation: Situation
) -> list[Instance]:
    """Carry out the loss policy; return what the loss does not ban.

    It is what is frozen, and what runs without the role that fencing is about (measured).
    """
    reason = Reason(ReasonCode.TICKET, one.ticket, origin=one.origin)
    spared = []
    for each in instance.primitives():
        standing = situation.standing[each.index]
        if not standing.running:
            continue
        if one.role in _CARELESS.get(policy, ()):
            spared.append(each)
            continue
        uses = _uses(one, policy, standing)
        if policy is LossPolicy.FENCE:
            for where in standing.running if uses else ():
                node = situation.nodes[where]
                if node.unclean is None:
                    node.unclean = reason
            if not uses:
                spared.append(each)
        elif policy is LossPolicy.FREEZE and uses:
            if standing.managed:
                standing.unmanaged_by = reason
            standing.managed, standing.blocked = False, True
            spared.append(each)
    return spared


def _uses(one: constraint.Ticket, policy: LossPolicy, standing: Standing) -> bool:
    """Tell whether an active primitive has a role that needs the ticket.

    Only where nodes are fenced for it the unpromoted role is told from the started one (measured).
    """
    narrow = {Role.PROMOTED, Role.UNPROMOTED} if policy is LossPolicy.FENCE else {Role.PROMOTED}
    return one.role not in narrow or standing.role is one.role


def _bans(
    one: constraint.Ticket,
    policy: LossPolicy,
    instance: Instance,
    situation: Situation,
    spared: list[Instance],
) -> Iterator[Wish]:
    """Yield what keeps a resource from running, or from being promoted, anywhere.

    It is said of each primitive, and of nothing that they are in (measured).
    """
    promoted_only = one.role is Role.PROMOTED and policy is not LossPolicy.STOP
    scores = tuple((node.index, -INFINITY) for node in situation.nodes)
    targets = [instance]
    if not promoted_only:
        targets = [each for each in instance.primitives() if each not in spared]
    for target in targets:
        yield Wish(
            instance=target,
            scores=scores,
            role=Role.PROMOTED if promoted_only else None,
            discovery=ResourceDiscovery.ALWAYS,
            origin=one.origin,
            id=one.id,
            kind=TermKind.TICKET,
        )
