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
        if not (standing.managed or _without_device(standing)):
            _hold(ranking, one, standing)
            continue
        if len(standing.running) != 1:
            continue
        amount = _value(one)
        where = standing.running[0]
        if amount and (settings.symmetric or ranking.rows[one.index][where] > -INFINITY):
            ranking.add(one, where, Term(TermKind.STICKINESS, amount, one.origin, one.base))


def _without_device(standing: Standing) -> bool:
    """Tell whether something is left alone since nothing could be fenced: its scores do not tell."""
    reason = standing.unmanaged_by
    return reason is not None and reason.code is ReasonCode.CANNOT_FENCE


def _hold(ranking: Ranking, one: Instance, standing: Standing) -> None:
    """Bind what is not managed to where it runs.

    Not where running twice blocks it, or a lost ticket freezes it (measured).
    """
    reason = standing.unmanaged_by
    if reason is not None and reason.code in _UNBOUND:
        return
    term = Term(TermKind.UNMANAGED, INFINITY, one.origin, one.base)
    for where in standing.running:
        ranking.add(one, where, term)


def ban(ranking: Ranking, situation: Situation, settings: options.Cluster) -> None:
    """Forbid nodes where a resource failed too often, or must not be tried again."""
    banned: set[tuple[int, int, TermKind]] = set()
    seen: set[str] = set()
    inside = guest.contents(situation.expansion)
    for one in situation.expansion.all:
        if not one.is_primitive or one.history_name in seen:
            continue
        seen.add(one.history_name)
        whole = one.in_clone if one.in_clone is not None and not one.unique else one
        for node, kind in _bans(one, inside.get(one.index, ()), situation, settings.clock.now):
            if (whole.index, node, kind) in banned:
                continue
            banned.add((whole.index, node, kind))
            told = whole if kind is not TermKind.FAILED_STOP else _there(one, node, situation)
            for target in _targets(told, kind):
                ranking.add(target, node, Term(kind, -INFINITY, one.origin, one.base))


def _bans(
    one: Instance, inside: Sequence[Instance], situation: Situation, now: float
) -> Iterator[tuple[int, TermKind]]:
    """Yield the nodes that a primitive is banned from by what happened, also inside of it."""
    threshold = one.meta.migration_threshold
    counts: dict[int, int] = {}
    for each in (one, *inside) if threshold else ():
        for where, count in situation.failures.get(each.history_name, {}).items():
            if (each.history_name, where) in situation.outdated:
                continue
            effective = count.effective(each.meta.failure_timeout_ms, now)
            counts[where] = add(counts.get(where, 0), effective)
    over = [where for where, total in counts.items() if total and total >= threshold]
    for where in over if over and not _overlooked(one, situation) else ():
        yield where, TermKind.FAILURE_THRESHOLD
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
            if node in situation.standing[each.index].running
        ),
        one,
    )


def _targets(whole: Instance, kind: TermKind) -> list[Instance]:
    """Return what a ban of a primitive, or of its anonymous clone, is for.

    For all that is in the clone; but what is to stay down is told of the clone alone, and a failed
    stop bans only the instance that did not stop (measured).
    """
    return [whole] if kind is TermKind.TARGET_ROLE else list(whole.below())
