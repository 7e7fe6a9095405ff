"""Shutdown lock: what ran on a node that is shut down cleanly waits for that node to come back.

Instances of clones are never locked. A lock ends with ``shutdown-lock-limit``, or where the
resource is active elsewhere. Pacemaker Explained, "Cluster Options" (shutdown-lock).
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
    """Enter the removal of the histories whose locks hold no longer."""
    situation, settings = case.situation, case.settings
    for one in situation.expansion.all if settings.shutdown_lock else ():
        if not _lockable(one):
            continue
        active = bool(situation.standing[one.index].running)
        for where, since in _recorded(one, situation):
            if active or _expired(since, settings):
                step = steps.add(
                    f"{one.name}_lrm_delete_0", ActionKind.CLUSTER, Task.DELETE, one, where
                )
                step.require(Reason(ReasonCode.CLEANUP, one.base))


def _lockable(one: Instance) -> bool:
    return one.is_primitive and one.in_clone is None and not one.is_fence_device


def _locked_to(one: Instance, situation: Situation, settings: options.Cluster) -> int | None:
    """Return the node that a resource is locked to, managed or not (measured), or None."""
    standing = situation.standing[one.index]
    if not _lockable(one):
        return None
    if standing.running:
        where = standing.running[0]
        node = situation.nodes[where]
        leaves = node.shutdown and node.online and node.unclean is None
        return where if leaves and len(standing.running) == 1 else None
    held = [where for where, since in _recorded(one, situation) if not _expired(since, settings)]
    return held[0] if held else None


def _recorded(one: Instance, situation: Situation) -> Iterator[tuple[int, float]]:
    """Yield the nodes whose histories hold a lock, with its beginning."""
    for node in situation.nodes:
        history = node.observed.histories.get(one.history_name)
        if history is not None and history.locked_at and node.unclean is None:
            yield node.index, history.locked_at


def _expired(since: float, settings: options.Cluster) -> bool:
    limit_s = settings.shutdown_lock_limit_ms / 1000
    return bool(limit_s) and settings.clock.now > since + limit_s
