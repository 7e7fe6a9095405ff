"""Cleanup: what is removed is forgotten, and nodes that leave are let go."""

from __future__ import annotations

from reconciler.model.action import ActionKind, Task
from reconciler.model.reason import Reason, ReasonCode
from reconciler.scheduler.circumstance import Circumstances
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.situation import Situation
from reconciler.scheduler.step import Link, Steps, link, link_all


def create(steps: Steps, case: Circumstances) -> None:
    """Enter the deleting of what is configured no longer, and of what stops where that is asked."""
    situation = case.situation
    for one in situation.expansion.all:
        if one.is_primitive and one.orphaned:
            _forget(steps, situation, one, everywhere=case.settings.remove_after_stop)
        elif one.is_primitive and case.settings.remove_after_stop:
            _remove(steps, situation, one)


def _remove(steps: Steps, situation: Situation, one: Instance) -> None:
    """Enter the deleting of a resource's history wherever it stops, before it starts again.

    Not of one that failed (measured).
    """
    places = steps.places[one.index]
    if places is None or situation.standing[one.index].failed:
        return
    for where, stop in places.stops.items():
        if stop.done_by_fencing or not situation.nodes[where].comes:
            continue
        delete = steps.resource(one, Task.DELETE, where)
        link(stop, delete, Link.NEEDS | Link.PULLS_THEN)
        link_all(list(places.stops.values()), [delete], Link.ORDER)
        link(delete, places.start, Link.ORDER)


def _forget(steps: Steps, situation: Situation, one: Instance, *, everywhere: bool) -> None:
    """Enter the deleting of a removed resource's history, once it has stopped.

    A node in maintenance forgets, too, what does not run there; one that is to run nothing does if
    what stops is to be forgotten everywhere (both measured).
    """
    standing = situation.standing[one.index]
    if not standing.managed or standing.failed:
        # A failed one is recovered from first: the history is needed until it is known stopped.
        return
    places = steps.at(one)
    for where in sorted(situation.known.get(one.history_name, {})):
        node = situation.nodes[where]
        kept = node.leaves and not (everywhere and where in places.stops)
        if kept or not node.stays:
            continue
        step = steps.add(f"{one.name}_delete_0", ActionKind.RESOURCE, Task.DELETE, one, where)
        step.require(Reason(ReasonCode.REMOVED, one.base))
        for stop in places.stops.values():
            link(stop, step, Link.NEEDS_IF_REQUIRED)


def shut_down(steps: Steps, situation: Situation, dc: str) -> None:
    """Enter the leaving of nodes that asked for it, after everything on them has stopped.

    The one that coordinates leaves last, after all fencing. One that should be fenced leaves by
    itself where it cannot be, as nothing is managed (measured).
    """
    for node in situation.nodes:
        if not node.shutdown or not node.online or node.pending or node.remote is not None:
            continue
        fence = steps.fences.get(node.index)
        if node.unclean is not None and (fence is None or fence.runnable):
            continue
        step = steps.add(
            f"do_shutdown-{node.name}", ActionKind.CLUSTER, Task.SHUTDOWN, None, node.index
        )
        step.require(Reason(ReasonCode.SHUTDOWN, node.name))
        steps.shutdowns[node.index] = step
        for one in situation.expansion.all:
            places = steps.places[one.index]
            stop = places.stops.get(node.index) if places else None
            standing = situation.standing[one.index]
            if stop is not None and (
                standing.managed or (standing.blocked and not standing.maintenance)
            ):
                link(stop, step, Link.NEEDS_IF_REQUIRED)
    for index, last in steps.shutdowns.items():
        if situation.nodes[index].name == dc:
            for other in (*steps.shutdowns.values(), *steps.fences.values()):
                link(other, last, Link.ORDER)
