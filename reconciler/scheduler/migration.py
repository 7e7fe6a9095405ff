"""Live migration: who can move without being stopped first, and in which order.

Pacemaker Explained, "Migrating resources". A resource migrates if its agent can, it runs well on
one node, and nothing that it is ordered after moves in another way.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.action import ActionKind, Task
from reconciler.model.reason import Reason, ReasonCode
from reconciler.scheduler import creation, guest, remote
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.nodes import NOWHERE
from reconciler.scheduler.placement import Assignment
from reconciler.scheduler.situation import Situation
from reconciler.scheduler.step import Link, Step, Steps, link, present

_PULLS = Link.PULLS_THEN | Link.PULLS_FIRST
_LOOSE = Link.ADVISORY | Link.UNORDERED | Link.NEEDS_IF_WANTED | Link.ONE_WAY
"""What makes nobody stop who runs."""
_WHOLE = (Task.NOTHING, Task.NOTIFY)
"""What closes the starts or stops of a clone: the last is that all were told of them."""


def candidates(situation: Situation, assignment: Assignment) -> set[int]:
    """Return the numbers of the primitives that could migrate, seen on their own."""
    found = set()
    for one in situation.expansion.all:
        if not one.is_primitive or not one.meta.allow_migrate:
            continue
        standing = situation.standing[one.index]
        target = assignment.chosen[one.index]
        if len(standing.running) != 1 or target in {NOWHERE, standing.running[0]}:
            continue
        if standing.failed or standing.spent or standing.dangling:
            continue
        if not standing.managed:
            continue
        # Whatever else is under way ends before (measured).
        if standing.states[standing.running[0]].pending == "start":
            continue
        source = situation.nodes[standing.running[0]]
        if source.stays and situation.nodes[target].reachable:
            found.add(one.index)
    return found


def resume(situation: Situation, assignment: Assignment) -> None:
    """Let what has begun to migrate to where it belongs be only where it comes from."""
    for one in situation.expansion.all:
        standing = situation.standing[one.index]
        if standing.partial is None or not one.meta.allow_migrate or not standing.managed:
            continue
        source, target = standing.partial
        sound = not standing.failed and len(standing.running) == len(standing.partial)
        if sound and assignment.chosen[one.index] == target:
            standing.running = [source]


def create(steps: Steps, situation: Situation, assignment: Assignment, migrating: set[int]) -> None:
    """Enter the steps of migrations in place of a real start."""
    for index in sorted(migrating):
        one = situation.expansion.all[index]
        source = situation.standing[index].running[0]
        target = assignment.chosen[index]
        places = steps.at(one)
        start, stop = present(places.start), places.stops[source]
        come = steps.resource(one, Task.MIGRATE_FROM, target)
        begun = situation.standing[index].partial is not None
        to = None if begun else steps.resource(one, Task.MIGRATE_TO, source)
        reason = stop.reason or Reason(ReasonCode.MOVED, one.base)
        for step in (come,) if to is None else (to, come):
            step.require(reason)
            step.detail = {
                "migrate_source": situation.nodes[source].name,
                "migrate_target": situation.nodes[target].name,
            }
        start.kind = ActionKind.PSEUDO
        # Nothing leaves while its role is taken from it, though the reference lets it.
        link(places.demotes.get(source), to or come, Link.ORDER)
        link(to, come, Link.NEEDS)
        link(come, stop, Link.NEEDS)
        link(come, start, Link.NEEDS)
        places.migrate_to, places.migrate_from = to, come


def order(steps: Steps, situation: Situation, migrating: set[int]) -> None:
    """Bind migrations to what comes before and after them, and let them pull nothing along."""
    holders = {
        node.index: holder
        for node in situation.nodes
        if (holder := guest.holder(situation.expansion, node)) is not None
    }
    for index in sorted(migrating):
        one = situation.expansion.all[index]
        places = steps.at(one)
        start = present(places.start)
        to = places.migrate_to or present(places.migrate_from)
        stop = next(iter(places.stops.values()))
        _after_rising(steps, one, start, to)
        # What is on a guest is carried along, and stops before its connection moves (measured).
        left = [each for each in stop.before if holders.get(each[0].node) is not one]
        _after_leaving(one, left, to, migrating)
        _leave_others(one, stop)
        _let_go(one, start, forward=True)
        _let_go(one, stop, forward=False)


def _after_rising(steps: Steps, one: Instance, start: Step, to: Step) -> None:
    """Let a migration begin after what a start would wait for, if that rises.

    A member does not wait for what only its group or clone must follow, and nobody for others to be
    stopped, or looked for; nor for what begins in a group or clone that does not get up as a whole
    (all measured).
    """
    for first, flags in list(start.before):
        if flags & (Link.UNORDERED | Link.ONE_WAY) or _has_sunk(steps, first):
            continue
        if _follows(one, first, flags):
            ups = [first] if _closes(first, one) else _ups(steps, first, one)
            for up in ups:
                link(up, to, flags & Link.ADVISORY)
        if first.probe and present(first.instance).top is one.top:
            link(first, to)
        if first.kind is ActionKind.FENCE:
            link(first, to, flags)


def _follows(one: Instance, first: Step, flags: int) -> bool:
    """Tell whether a start follows another one by an order that names it, and not what it is in.

    What only has to be done anew with the first, or waits one way for what its group or clone does,
    is named by none, nor is a partner in another clone (measured).
    """
    clone = None if first.instance is None else first.instance.in_clone
    if one.in_clone and clone and clone is not one.in_clone:
        return False
    return flags != Link.PULLS_THEN and not (one.parent and flags & Link.NEEDS_IF_WANTED)


def _after_leaving(
    one: Instance, left: list[tuple[Step, int]], to: Step, migrating: set[int]
) -> None:
    """Let a migration begin after what a stop would wait for."""
    for first, flags in left:
        other = first.instance
        if _closes(first, one) or _counts_as_stop(first, one, flags):
            link(first, to, flags & Link.ADVISORY)
        if first.task is not Task.STOP or other is None or other is one:
            continue
        if other.is_primitive and other.index not in migrating:
            link(first, to, flags & Link.ADVISORY)


def _counts_as_stop(first: Step, one: Instance, flags: int) -> bool:
    """Tell whether a step is the probe of something that would have to stop before (measured).

    Other probes only come before a restart.
    """
    other, whole = first.instance, one.parent
    if not first.probe or other is None or not flags & Link.ADVISORY:
        return first.probe
    if whole is None or other.parent is not whole:
        return False
    return whole.children.index(other) > whole.children.index(one)


def _leave_others(one: Instance, stop: Step) -> None:
    """Let what it only prefers to be after stop without waiting for it to be gone.

    Other instances of its clone, too, but no members of its group (both measured).
    """
    for then, flags in list(stop.after):
        other = then.instance
        if not flags & Link.ADVISORY or other is None:
            continue
        if other.top is one.top and (one.in_clone is None or other.parent is not one.in_clone):
            continue
        if then.task in {Task.STOP, Task.DEMOTE}:
            stop.after.remove((then, flags))
            then.before.remove((stop, flags))


def _has_sunk(steps: Steps, first: Step) -> bool:
    """Tell whether a step closes the stops or demotions of a group or clone."""
    whole = first.instance
    if whole is None or whole.is_primitive:
        return False
    sinking = (creation.endings(steps, whole, task) for task in (Task.STOP, Task.DEMOTE))
    return any(first in each for each in sinking)


def _closes(first: Step, one: Instance) -> bool:
    """Tell whether a step closes what a group or clone does, its notifications included."""
    whole = first.instance
    if whole is None or whole.is_primitive or one in whole.below():
        return False
    return first.kind is ActionKind.PSEUDO and first.task in _WHOLE


def _ups(steps: Steps, first: Step, one: Instance) -> Iterator[Step]:
    """Yield what must be up before a migration begins."""
    if first.instance is None or first.probe or one in first.instance.below():
        return
    if first.task not in {Task.START, Task.PROMOTE, Task.NOTHING}:
        return
    for other in first.instance.primitives():
        places = steps.places[other.index]
        if places is None or other is one:
            continue
        if places.migrate_from is not None:
            yield places.migrate_from
        elif places.start is not None:
            yield places.start


def _let_go(one: Instance, step: Step, *, forward: bool) -> None:
    """Take the pulling away from relations with other resources: none restarts for a migration.

    Groups and clones that it is in do not say how they move, so what follows these restarts; so does
    what follows a clone on the node where one of its primitives goes, but no partner of that (all
    measured).
    """
    told = forward and one.in_clone is not None and one.clone_child is one
    own = {one, one.parent or one, one.top}
    entries = step.after if forward else step.before
    for position, (other, flags) in enumerate(entries):
        if other.instance in own or not flags & _PULLS:
            continue
        if told and other.instance is not None and other.instance.in_clone is None:
            continue
        entries[position] = (other, flags & ~_PULLS)
        back = other.before if forward else other.after
        for place, (same, same_flags) in enumerate(back):
            if same is step:
                back[place] = (same, same_flags & ~_PULLS)


def degraded(steps: Steps, situation: Situation, migrating: set[int]) -> set[int]:
    """Return the numbers of those that cannot migrate after all, once the steps are settled."""
    found = set()
    for index in migrating:
        one = situation.expansion.all[index]
        places = steps.at(one)
        start = present(places.start)
        stop = next(iter(places.stops.values()))
        if not start.runnable or not stop.runnable or not start.required:
            found.add(index)
            continue
        for first, flags in start.before:
            other = first.instance
            if other is None or other is one or first.probe or flags & _LOOSE:
                continue
            if not _follows(one, first, flags):
                continue
            # A connection leads to the node, whether it is started there or by a migration.
            if other.index in migrating or remote.is_connection(other):
                continue
            rises = (Task.START,) if other.is_primitive else _WHOLE
            sinks = _has_sunk(steps, first)
            if first.task in rises and first.required and not sinks and _goes(steps, other, first):
                found.add(index)
    return found


def _goes(steps: Steps, other: Instance, risen: Step) -> bool:
    """Tell whether any of a resource stops: who follows it has to stop before (measured).

    Who follows its promotion has to where any of it is demoted, and only there.
    """
    if other.is_primitive:
        return any(stop.required for stop in steps.at(other).stops.values())
    whole = steps.whole(other)
    promoted = risen in creation.endings(steps, other, Task.PROMOTE)
    return present(whole.demote if promoted else whole.stop).required
