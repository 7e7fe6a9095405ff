"""Stickiness and bans by failures: what the past of a resource adds to its scores.

Pacemaker Explained, "Resource meta-attributes" (resource-stickiness, migration-threshold).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.model.reason import ReasonCode
from reconciler.model.resource import OnFail
from reconciler.model.score import INFINITY, Term, TermKind, add
from reconciler.scheduler import guest, options
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.ranking import Ranking
from reconciler.scheduler.situation import Situation, Standing

_UNBOUND = frozenset({ReasonCode.MULTIPLE_ACTIVE, ReasonCode.TICKET})
"""Why something may be left alone, and yet not be bound to its node."""


def _value(one: Instance) -> int:
    """Return the stickiness of a primitive; 1 by default inside clones, and none below 0."""
    if one.meta.stickiness is not None:
        return max(0, one.meta.stickiness)
    return 1 if one.in_clone is not None else 0


def apply(ranking: Ranking, situation: Situation, settings: options.Cluster) -> None:
    """Add stickiness to the nodes where resources run; what is not managed stays at any price."""
    for one in situation.expansion.all:
        standing = situation.standing[one.index]
        if not one.is_primitive:
            continue
        if standing.left_alone:
            _hold(ranking, one, standing, opt_in=not settings.symmetric)
            continue
        if len(standing.running) != 1:
            continue
        amount = _value(one)
        where = standing.running[0]
        if amount and (settings.symmetric or ranking.rows[one.index][where] > -INFINITY):
            ranking.add(one, where, Term(TermKind.STICKINESS, amount, one.origin, one.base))


def _hold(ranking: Ranking, one: Instance, standing: Standing, *, opt_in: bool) -> None:
    """Bind what is not managed to where it runs.

    Not where running twice blocks it, or a lost ticket freezes it, nor to nodes that were read
    before the failure that blocks it; and in an opt-in cluster a node that is not there is closed
    to it instead (all measured).
    """
    reason = standing.unmanaged_by
    if reason is not None and reason.code in _UNBOUND:
        return
    for where in standing.running:
        closed = opt_in and not ranking.nodes[where].online
        amount = -INFINITY if closed else INFINITY
        if where not in standing.unbound:
            ranking.add(one, where, Term(TermKind.UNMANAGED, amount, one.origin, one.base))


_Ban = tuple[int, TermKind]
"""The number of a node, and why something is banned from it."""


def ban(ranking: Ranking, situation: Situation) -> None:
    """Forbid nodes where a resource must not be tried again, by how it failed there."""
    for one in _distinct(situation):
        _forbid(ranking, situation, one, _told(one, situation))


def limit(ranking: Ranking, situation: Situation, settings: options.Cluster) -> None:
    """Forbid nodes where a resource failed too often, or what it contains.

    Connections into a bundle's containers are bound to them less than that: they can be held
    elsewhere (measured).
    """
    inside, bundled = guest.contents(situation.expansion), situation.expansion.owners
    for one in _distinct(situation):
        held = [each for each in inside.get(one.index, ()) if each.name not in bundled]
        _forbid(ranking, situation, one, _overrun(one, held, situation, settings.clock.now))


def _distinct(situation: Situation) -> Iterator[Instance]:
    """Yield the primitives, of those that share a history only the first."""
    seen: set[str] = set()
    for one in situation.expansion.all:
        if one.is_primitive and one.history_name not in seen:
            seen.add(one.history_name)
            yield one


def _forbid(ranking: Ranking, situation: Situation, one: Instance, bans: Iterator[_Ban]) -> None:
    """Enter bans of a primitive, or of the anonymous clone that it is in, each of them once."""
    whole = one.in_clone if one.in_clone is not None and not one.unique else one
    for node, kind in dict.fromkeys(bans):
        told = whole if kind is not TermKind.FAILED_STOP else _there(one, node, situation)
        for target in _targets(told, kind):
            ranking.add(target, node, Term(kind, -INFINITY, one.origin, one.base))


def _overrun(
    one: Instance, inside: Sequence[Instance], situation: Situation, now: float
) -> Iterator[_Ban]:
    """Yield the nodes where a primitive failed too often, with what failed inside of it.

    What failed with another definition than today's counts for nothing, but for an anonymous clone
    until it is cleared (measured).
    """
    alike = one.in_clone is not None and not one.unique
    threshold = one.meta.migration_threshold
    counts: dict[int, int] = {}
    for each in (one, *inside) if threshold else ():
        timeout_ms = 0 if is_lasting(each, situation) else each.meta.failure_timeout_ms
        for where, count in situation.failures.get(each.history_name, {}).items():
            if not alike and (each.history_name, where) in situation.outdated:
                continue
            effective = count.effective(timeout_ms, now)
            counts[where] = add(counts.get(where, 0), effective)
    over = [where for where, total in counts.items() if total and total >= threshold]
    for where in over if over and not _overlooked(one, situation) else ():
        yield where, TermKind.FAILURE_THRESHOLD


def is_lasting(one: Instance, situation: Situation) -> bool:
    """Tell whether no failure of a primitive expires, since one blocks that a node has counted.

    That is so on every node (measured).
    """
    counts = situation.failures.get(one.history_name, {})
    states = situation.eventful.get(one.history_name, {})
    return any(
        state.lasting and where in counts and counts[where].count for where, state in states.items()
    )


def _told(one: Instance, situation: Situation) -> Iterator[_Ban]:
    """Yield the nodes that a primitive is banned from by how it failed."""
    for where, state in situation.eventful.get(one.history_name, {}).items():
        bans = state.bans
        if state.on_fail is OnFail.STOP:
            bans = (*bans, (TermKind.TARGET_ROLE, True))
        for kind, everywhere in bans:
            for node in situation.nodes:
                if everywhere or node.index == where:
                    yield node.index, kind


def _overlooked(one: Instance, situation: Situation) -> bool:
    """Tell whether failures of a primitive are not counted, since one of them is to be ignored.

    Of an anonymous clone every instance must have such a failure (measured).
    """
    if one.in_clone is None or one.unique:
        return any(state.ignored for state in situation.eventful.get(one.history_name, {}).values())
    return all(
        any(state.ignored for state in situation.standing[each.index].states.values())
        for each in situation.expansion.by_base[one.base]
    )


def _there(one: Instance, node: int, situation: Situation) -> Instance:
    """Return the instance that is active on a node, of those that are alike."""
    return next(
        (
            each
            for each in situation.expansion.by_base[one.base]
            if each.history_name == one.history_name
            and node in situation.standing[each.index].running
        ),
        one,
    )


def _targets(whole: Instance, kind: TermKind) -> list[Instance]:
    """Return what a ban of a primitive, or of its anonymous clone, is for.

    For all that is in the clone; but what is to stay down is told of the clone alone, and a failed
    stop bans only the instance that did not stop (measured).
    """
    return [whole] if kind is TermKind.TARGET_ROLE else list(whole.below())
