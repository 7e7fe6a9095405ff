"""Stickiness and bans by failures: what the past of a resource adds to its scores.

Pacemaker Explained, "Resource meta-attributes" (resource-stickiness, migration-threshold).
"""

from __future__ import annotations

from reconciler.model.score import INFINITY, TermKind
from reconciler.scheduler import options
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.location import affected
from reconciler.scheduler.ranking import Ranking
from reconciler.scheduler.situation import Situation


def value(one: Instance) -> int:
    """Return the stickiness of a primitive; 1 by default inside clones."""
    if one.meta.stickiness is not None:
        return one.meta.stickiness
    return 1 if one.in_clone is not None else 0


def apply(ranking: Ranking, situation: Situation, settings: options.Cluster) -> None:
    """Add stickiness to the nodes where resources run."""
    for one in situation.expansion.all:
        standing = situation.standing[one.index]
        if not one.is_primitive or not standing.managed or len(standing.running) != 1:
            continue
        amount = value(one)
        where = standing.running[0]
        if amount and (settings.symmetric or ranking.rows[one.index][where] > -INFINITY):
            ranking.add(one, where, amount, TermKind.STICKINESS, one.origin, one.base)


def ban(ranking: Ranking, situation: Situation, settings: options.Cluster) -> None:
    """Forbid nodes where a resource failed too often, or must not be tried again."""
    now = settings.clock.now
    banned: set[tuple[int, int, TermKind]] = set()

    def forbid(one: Instance, node: int, kind: TermKind) -> None:
        whole = one.in_clone if one.in_clone is not None and not one.unique else one
        key = (whole.index, node, kind)
        if key in banned:
            return
        banned.add(key)
        targets = list(affected(whole)) if whole is not one else [one]
        if one not in targets and one.parent is not None:
            targets.extend(
                each for each in situation.expansion.by_base[one.base] if each not in targets
            )
        for target in targets:
            ranking.add(target, node, -INFINITY, kind, one.origin, one.base)

    seen: set[str] = set()
    for one in situation.expansion.all:
        if not one.is_primitive or one.history_name in seen:
            continue
        seen.add(one.history_name)
        threshold = one.meta.migration_threshold
        for node in situation.nodes if threshold else ():
            count = situation.count(one, node.index)
            if count.count and count.effective(one.meta.failure_timeout_ms, now) >= threshold:
                forbid(one, node.index, TermKind.FAILURE_THRESHOLD)
        for where, state in situation.known.get(one.history_name, {}).items():
            for kind, everywhere in state.bans:
                for node in situation.nodes:
                    if everywhere or node.index == where:
                        forbid(one, node.index, kind)
