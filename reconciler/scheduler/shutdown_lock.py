"""Shutdown lock: what ran on a node that is shut down cleanly waits for that node to come back.

Instances of clones are never locked. A lock ends with ``shutdown-lock-limit``, or where the
resource is active, be it there. Pacemaker Explained, "Cluster Options" (shutdown-lock).
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.action import ActionKind, Task
from reconciler.model.reason import Reason, ReasonCode
from reconciler.model.score import INFINITY, Term, TermKind
from reconciler.scheduler import options
from reconciler.scheduler.circumstance import Circumstances
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.ranking import Ranking
from reconciler.scheduler.situation import Situation
from reconciler.scheduler.step import Steps


def apply(ranking: Ranking, situation: Situation, settings: options.Cluster) -> None:
    """Forbid every node but the one that a resource is locked to."""
    for one in situation.expansion.all if settings.shutdown_lock else ():
        where = _locked_to(one, situation, settings)
        if where is None:
            continue
        term = Term(TermKind.SHUTDOWN_LOCK, -INFINITY, one.origin, situation.nodes[where].name)
        for node in situation.nodes:
            if node.index != where:
                ranking.add(one, node.index, term)


def forget(steps: Steps, case: Circumstances) -> None:
    """Enter the removal of the histories whose locks hold no longer.

    What is over is removed whatever it is about, be it an instance of a clone; nothing is of what
    nobody may act on (measured).
    """
    situation, settings = case.situation, case.settings
    names = situation.expansion.by_base if settings.shutdown_lock else {}
    for found in names.values():
        one = found[0]
        if not one.is_primitive or not situation.standing[one.index].managed:
            continue
        for where in _over(one, situation, settings):
            step = steps.add(
                f"{one.name}_lrm_delete_0", ActionKind.CLUSTER, Task.DELETE, one, where
            )
            step.require(Reason(ReasonCode.CLEANUP, one.base))


def _over(one: Instance, situation: Situation, settings: options.Cluster) -> Iterator[int]:
    """Yield the nodes whose locks hold no longer."""
    recorded = _recorded(one, situation)
    yield from (where for where, since in recorded if _expired(since, settings))
    held = _held(one, situation, settings)
    if held is not None and _lockable(one) and situation.standing[one.index].running:
        yield held


def _lockable(one: Instance) -> bool:
    return one.is_primitive and one.in_clone is None and not one.is_fence_device


def _locked_to(one: Instance, situation: Situation, settings: options.Cluster) -> int | None:
    """Return the node that a resource is locked to, managed or not (measured), or None.

    What is active although it is locked is locked no longer, nor anew while that is on record
    (measured).
    """
    standing = situation.standing[one.index]
    if not _lockable(one):
        return None
    held = _held(one, situation, settings)
    if held is not None or len(standing.running) != 1:
        return None if standing.running else held
    where = standing.running[0]
    node = situation.nodes[where]
    return where if node.shutdown and node.online and node.unclean is None else None


def _held(one: Instance, situation: Situation, settings: options.Cluster) -> int | None:
    """Return the node whose lock was recorded last, be the node lost (measured)."""
    recorded = _recorded(one, situation)
    return next(
        (where for where, since in reversed(recorded) if not _expired(since, settings)), None
    )


def _recorded(one: Instance, situation: Situation) -> list[tuple[int, float]]:
    """Return the nodes whose histories hold a lock, with its beginning, as recorded."""
    found = [
        (node.observed.place, node.index, history.locked_at)
        for node in situation.nodes
        if (history := node.observed.histories.get(one.history_name)) and history.locked_at
    ]
    return [(where, since) for _, where, since in sorted(found)]


def _expired(since: float, settings: options.Cluster) -> bool:
    limit_s = settings.shutdown_lock_limit_ms / 1000
    return bool(limit_s) and settings.clock.now > since + limit_s
