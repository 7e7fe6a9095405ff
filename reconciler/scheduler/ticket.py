"""Tickets: what a site may run only while it holds a ticket.

A ticket that is not granted, or in standby, bans the resource (or its promoted role). The loss
policy says whether losing it also fences nodes, or leaves the resource as it is.
Pacemaker Explained, "Multi-site clusters and tickets".
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model import constraint, desired, observed
from reconciler.model.constraint import LossPolicy, ResourceDiscovery
from reconciler.model.reason import Reason, ReasonCode
from reconciler.model.role import Role
from reconciler.model.score import INFINITY, TermKind
from reconciler.scheduler import location
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.location import Wish
from reconciler.scheduler.situation import Situation

_UNKNOWN = observed.TicketState(granted=False)


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
        for name in one.resources:
            for instance in location.expanded(situation.expansion, wanted.tags, name):
                spared: list[Instance] = []
                if not state.granted:
                    spared = _lose(one, instance, situation, fencing=fencing)
                found.extend(_bans(one, instance, situation, spared))
    return tuple(found)


def _policy(one: constraint.Ticket) -> LossPolicy:
    if one.loss_policy is not None:
        return one.loss_policy
    return LossPolicy.DEMOTE if one.role is Role.PROMOTED else LossPolicy.STOP


def _lose(
    one: constraint.Ticket, instance: Instance, situation: Situation, *, fencing: bool
) -> list[Instance]:
    """Carry out the loss policy; return what is frozen."""
    reason = Reason(ReasonCode.TICKET, one.ticket, origin=one.origin)
    frozen = []
    for each in _using(one, instance, situation):
        standing = situation.standing[each.index]
        match _policy(one):
            case LossPolicy.FENCE if fencing:
                for where in standing.running:
                    node = situation.nodes[where]
                    if node.unclean is None:
                        node.unclean = reason
            case LossPolicy.FREEZE:
                standing.managed, standing.blocked = False, True
                standing.unmanaged_by = reason
                frozen.append(each)
            case _:
                pass
    return frozen


def _using(one: constraint.Ticket, instance: Instance, situation: Situation) -> Iterator[Instance]:
    """Yield the primitives that need the ticket now: active, or promoted if that needs it."""
    for each in instance.primitives():
        standing = situation.standing[each.index]
        if standing.running and (one.role is not Role.PROMOTED or standing.role is Role.PROMOTED):
            yield each


def _bans(
    one: constraint.Ticket, instance: Instance, situation: Situation, spared: list[Instance]
) -> Iterator[Wish]:
    """Yield what keeps a resource from running, or from being promoted, anywhere."""
    promoted_only = one.role is Role.PROMOTED and _policy(one) is not LossPolicy.STOP
    scores = tuple((node.index, -INFINITY) for node in situation.nodes)
    targets = [instance]
    if spared and not promoted_only:
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
