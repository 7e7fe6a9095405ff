"""Creation: the steps that lead every primitive from its role now to its role next.

Only this file knows which steps a change of node or role takes, and how the steps of one primitive
follow each other: demote, stop, start, promote. Steps that are not needed are entered, too, so
that a restart of something else can require them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from reconciler.model.action import ActionKind, Task
from reconciler.model.reason import Reason, ReasonCode
from reconciler.model.role import Role
from reconciler.scheduler import notification, options, quorum
from reconciler.scheduler.circumstance import Circumstances
from reconciler.scheduler.instance import Instance, Variant
from reconciler.scheduler.nodes import NOWHERE, Node
from reconciler.scheduler.situation import Situation, Standing
from reconciler.scheduler.step import Link, Places, Step, Steps, link, link_all, present

_IN_TURN = (Task.START, Task.STOP, Task.PROMOTE, Task.DEMOTE)
"""What the instances of an ordered clone do one after the other."""
_OF_ROLES = frozenset({Task.PROMOTE, Task.DEMOTE})
"""What a group is done with once each of its members is, which only those with a role can do."""
_WHILE_IDLE = (Task.START, Task.STOP)
"""What they do in turn also where others between them have nothing to do."""


class Creation:
    """Enters steps; lives inside ``create`` only."""

    def __init__(self, steps: Steps, case: Circumstances) -> None:
        self.steps = steps
        self.situation = case.situation
        self.assignment = case.assignment
        self.settings = case.settings
        self.quorate = case.seen.quorate

    def primitive(self, one: Instance) -> None:
        """Enter the steps of a primitive."""
        standing = self.situation.standing[one.index]
        target = self.assignment.chosen[one.index]
        next_role = self.assignment.next_role[one.index]
        if not standing.running and not standing.dangling and target == NOWHERE:
            return
        places = self.steps.at(one)
        for where in (*standing.running, *standing.dangling):
            self._leaving(one, standing, places, where)
        if target != NOWHERE:
            self._arriving(one, standing, places, target, next_role)
        self._require(one, standing, places, target, next_role)
        _relate(places, standing)

    def _leaving(self, one: Instance, standing: Standing, places: Places, where: int) -> None:
        node = self.situation.nodes[where]
        stop = self.steps.resource(one, Task.STOP, where)
        places.stops[where] = stop
        unpromoted = one.promotable and self.situation.role(one) is Role.UNPROMOTED
        if standing.role is Role.PROMOTED or unpromoted:
            demote = places.demotes[where] = self.steps.resource(one, Task.DEMOTE, where)
            # What is not promoted need not be demoted for anything (measured).
            demote.pinned = standing.role is not Role.PROMOTED
        for step in (stop, places.demotes.get(where)):
            if step is None:
                continue
            if not standing.managed and step is not stop and _in_group(one):
                # A group stops as one, but each member gives up its role without it (measured).
                step.pinned = True
            elif not standing.managed:
                step.stop_short(standing.unmanaged_by)
                if standing.blocked and step is stop:
                    step.require(standing.unmanaged_by)
                    step.held = True
                # A group stops as one, so a member that may not be stopped holds up the others.
                step.pinned = step.pinned or not _in_group(one)
            elif not node.comes or node.pending:
                step.runnable = node.unclean is not None
                if not step.runnable:
                    step.blocked = Reason(ReasonCode.NODE_UNAVAILABLE, node.name)

    def _arriving(
        self, one: Instance, standing: Standing, places: Places, target: int, next_role: Role
    ) -> None:
        node = self.situation.nodes[target]
        start = places.start = self.steps.resource(one, Task.START, target)
        rising = [start]
        if next_role is Role.PROMOTED:
            places.promote = self.steps.resource(one, Task.PROMOTE, target)
            rising.append(places.promote)
        elif one.promotable:
            pass
        staying = target in standing.running
        for step in rising:
            role = next_role if step is not start else _started(one)
            obstacle = None
            step.pinned = staying and not standing.managed
            if not standing.managed and (not staying or not node.comes):
                # What is on a lost node is as good as stopped to those that follow it (measured).
                obstacle = standing.unmanaged_by or Reason(ReasonCode.UNMANAGED, one.base)
            elif standing.managed and not node.reachable:
                obstacle = Reason(ReasonCode.NODE_UNAVAILABLE, node.name)
            else:
                obstacle = quorum.forbids(one, standing, role, self.settings, quorate=self.quorate)
            if obstacle is not None:
                step.stop_short(obstacle)

    def _require(
        self, one: Instance, standing: Standing, places: Places, target: int, next_role: Role
    ) -> None:
        """Mark the steps that are needed for the change itself."""
        if not standing.managed:
            return
        staying = target != NOWHERE and target in standing.running
        reason = self._why(one, standing, target)
        alone = len(standing.running) == 1
        unexpected = _keeps_expected(one, standing, next_role)
        for where, stop in places.stops.items():
            left = where in standing.dangling
            sound = not left and not standing.states[where].spent
            if where == target and sound and (alone or unexpected):
                stop.pinned = stop.pinned or not alone
                continue
            stop.require(reason)
            if standing.role is Role.PROMOTED:
                places.demotes[where].require(reason)
        if places.start is not None:
            self._require_start(one, standing, places, target, reason)
        if staying and not any(stop.required for stop in places.stops.values()):
            self._change_role(one, standing, places, target, next_role)
        elif places.promote is not None:
            places.promote.require(Reason(ReasonCode.PROMOTION, one.base))

    def _require_start(
        self, one: Instance, standing: Standing, places: Places, target: int, reason: Reason
    ) -> None:
        """Mark the start as needed, unless it runs well where it stays."""
        start = present(places.start)
        staying = target in standing.running
        alone = len(standing.running) == 1
        unexpected = _keeps_expected(one, standing, self.assignment.next_role[one.index])
        again = staying and standing.states[target].pending == "start"
        if again and not start.runnable:
            # What was begun and may not go on is not left half done.
            places.stops[target].require(start.blocked)
        elif not staying or standing.spent or not alone or _is_down(standing, target):
            start.require(reason)
        elif again:
            start.resumed, start.reason = True, reason
        if unexpected and staying and not standing.states[target].spent and not alone:
            start.kind = ActionKind.PSEUDO

    def _change_role(
        self, one: Instance, standing: Standing, places: Places, target: int, next_role: Role
    ) -> None:
        role = standing.states[target].role
        if role is Role.PROMOTED and next_role is Role.STARTED and places.start is not None:
            # It is no promotable resource any more: only a stop takes the role from it.
            for step in (places.demotes[target], places.stops[target], places.start):
                step.require(Reason(ReasonCode.NOT_PROMOTABLE, one.base, origin=one.origin))
        elif role is Role.PROMOTED and (next_role is not role or standing.failed):
            may = quorum.may_be_promoted(one, role, self.settings, quorate=self.quorate)
            code = ReasonCode.PROMOTION if may else ReasonCode.NO_QUORUM
            places.demotes[target].require(Reason(code, one.base))
            if places.promote is not None:
                places.promote.require(Reason(ReasonCode.PROMOTION, one.base))
        elif role is Role.PROMOTED and places.promote and not places.promote.runnable:
            # Without quorum it may not stay what it may not become.
            places.demotes[target].require(places.promote.blocked)
            places.promote.require(places.promote.blocked)
        elif role is not Role.PROMOTED and next_role is Role.PROMOTED and places.promote:
            places.promote.require(Reason(ReasonCode.PROMOTION, one.base))

    def _why(self, one: Instance, standing: Standing, target: int) -> Reason:
        """Return why an instance changes its node or role."""
        if standing.failed:
            return _failure(one, standing)
        if standing.multiple or not standing.running:
            code = ReasonCode.MULTIPLE_ACTIVE if standing.multiple else ReasonCode.PLACED
            return Reason(code, one.base, origin=one.origin)
        if one.removed:
            code = ReasonCode.REMOVED if one.parent is None else ReasonCode.EXCESS_INSTANCE
            return Reason(code, one.base)
        if one.meta.target_role is Role.STOPPED or self.settings.stop_all:
            return Reason(ReasonCode.TARGET_ROLE, one.base, origin=one.origin)
        code = ReasonCode.MOVED if target != NOWHERE else ReasonCode.NO_NODE
        left = _leaves(self.situation.nodes[standing.running[0]])
        return left or Reason(code, one.base, origin=one.origin)


def _is_down(standing: Standing, where: int) -> bool:
    """Tell whether an instance counts as being where it was seen stopped."""
    return standing.states[where].role is Role.STOPPED


def _keeps_expected(one: Instance, standing: Standing, next_role: Role) -> bool:
    """Tell whether something that is active too often stays up where it is wanted.

    Not where only a stop can take the promoted role from it (measured).
    """
    sinks = standing.role is Role.PROMOTED and next_role is Role.STARTED
    return one.meta.multiple_active is options.MultipleActive.STOP_UNEXPECTED and not sinks


def _failure(one: Instance, standing: Standing) -> Reason:
    """Return which operation failed."""
    state = next((state for state in standing.states.values() if state.failed), None)
    record = state.failure if state is not None else None
    detail = record.operation if record is not None else ""
    return Reason(ReasonCode.FAILED, one.base, detail, one.origin)


def _leaves(node: Node) -> Reason | None:
    """Return why a node is to be left, or None."""
    if node.unclean is not None:
        return Reason(ReasonCode.NODE_UNAVAILABLE, node.name)
    if node.shutdown:
        return Reason(ReasonCode.SHUTDOWN, node.name)
    if node.standby or node.standby_on_fail:
        return Reason(ReasonCode.STANDBY, node.name, origin=node.desired.origin)
    return None


def _in_group(one: Instance) -> bool:
    return one.parent is not None and one.parent.variant is Variant.GROUP


def _started(one: Instance) -> Role:
    return Role.UNPROMOTED if one.promotable else Role.STARTED


def _relate(places: Places, standing: Standing) -> None:
    """Bind the steps of one primitive to each other."""
    start, promote = places.start, places.promote
    for where, stop in places.stops.items():
        demote = places.demotes.get(where)
        if demote is not None:
            promoted = standing.role is Role.PROMOTED
            flags = Link.NEEDS_IF_REQUIRED | (Link.PULLS_FIRST if promoted else Link.ORDER)
            # What is promoted somewhere is demoted everywhere before it is stopped (measured).
            for other in places.stops.values():
                link(demote, other, flags)
            link(demote, start, Link.ORDER)
            link(demote, promote, Link.NEEDS_IF_REQUIRED)
        if start is not None and where in standing.dangling:
            # What is up elsewhere stays up, though what is left of it cannot be stopped (measured).
            link(stop, start, Link.NEEDS_IF_WANTED)
        elif start is not None:
            stays = start.node == where and not _is_down(standing, where)
            flags = Link.NEEDS_IF_REQUIRED | Link.PULLS_THEN
            unexpected = len(standing.running) > 1 and start.kind is ActionKind.PSEUDO
            if stays and standing.managed and not unexpected:
                flags |= Link.RESTART
            link(stop, start, flags)
    if start is not None and promote is not None:
        link(start, promote, Link.NEEDS)


def create(steps: Steps, case: Circumstances) -> None:
    """Enter the steps of all primitives, and the joining steps of groups and clones."""
    creation = Creation(steps, case)
    for one in case.situation.expansion.all:
        if one.is_primitive:
            creation.primitive(one)
    for one in reversed(case.situation.expansion.all):
        if not one.is_primitive:
            _collect(steps, case, one)


def resume(steps: Steps) -> None:
    """Let starts go on that were under way; what follows them is up, and stays up (measured)."""
    for step in steps.all:
        if step.resumed:
            step.require(step.reason)


def beginnings(steps: Steps, one: Instance, task: Task) -> list[Step]:
    """Return the steps with which a child of a group or clone does a task."""
    if one.is_primitive:
        places = steps.places[one.index]
        if places is None:
            return []
        match task:
            case Task.START:
                return [] if places.start is None else [places.start]
            case Task.PROMOTE:
                return [] if places.promote is None else [places.promote]
            case Task.STOP:
                return list(places.stops.values())
            case _:
                return list(places.demotes.values())
    whole = steps.wholes[one.index]
    found = None
    if whole is not None:
        found = {
            Task.START: whole.start,
            Task.STOP: whole.stop,
            Task.PROMOTE: whole.promote,
            Task.DEMOTE: whole.demote,
        }[task]
    return [] if found is None else [found]


def ends(steps: Steps, one: Instance, task: Task) -> list[Step]:
    """Return the steps with which a resource rises, whatever is notified after them."""
    whole = steps.wholes[one.index]
    if whole is None:
        return beginnings(steps, one, task)
    found = whole.promoted if task is Task.PROMOTE else whole.running
    return [] if found is None else [found]


def endings(steps: Steps, one: Instance, task: Task) -> list[Step]:
    """Return the steps with which a child of a group or clone has done a task."""
    if one.is_primitive:
        return beginnings(steps, one, task)
    whole = steps.wholes[one.index]
    found = None
    if whole is not None:
        framed = whole.frames.get(task)
        if framed is not None:
            return [framed.post_done]
        found = {
            Task.START: whole.running,
            Task.STOP: whole.stopped,
            Task.PROMOTE: whole.promoted,
            Task.DEMOTE: whole.demoted,
        }[task]
    return [] if found is None else [found]


def _collect(steps: Steps, case: Circumstances, one: Instance) -> None:
    """Bind the joining steps of a group or clone to its children's."""
    whole = steps.whole(one)
    for task, begin, end in whole.spans():
        _join(steps, one, task, begin, end)
    if one.bundle is None or one.has_roles:
        # What is done inside of a bundle without roles has an order of its own (measured).
        link(whole.stopped, whole.start, Link.ORDER)
        link(whole.demoted, whole.promote, Link.ORDER)
        link(whole.demoted, whole.stop, Link.ORDER)
        link(whole.demoted, whole.start, Link.ORDER)
        # What is to start as a whole, and cannot, is not promoted in part (measured).
        link(whole.running, whole.promote, Link.NEEDS_IF_REQUIRED)
    if one.chained:
        _chain(steps, one)
        _halt(steps, case, one)
    elif one.variant is Variant.GROUP:
        link(whole.stopped, whole.start, Link.ORDER)
    else:
        # Others are promoted once those that go are gone (measured; not so in a group).
        link(whole.stopped, whole.promote, Link.ORDER)
    if one.clone is not None and one.clone.ordered:
        _in_turn(steps, one)
    if one.clone is not None and one.clone.notify:
        notification.frame(steps, one, whole)


def _join(steps: Steps, one: Instance, task: Task, begin: Step, end: Step) -> None:
    """Bind one task of a group or clone to that of its children."""
    link(begin, end, Link.ORDER)
    parts: list[Step] = []
    for child in one.children:
        for step in beginnings(steps, child, task):
            link(begin, step, Link.PULLS_FIRST | Link.NEEDS)
        for step in endings(steps, child, task):
            link(step, end, Link.PULLS_THEN)
            parts.append(step)
    # Containers are not promoted: what runs inside of them says whether a bundle can be.
    if task is Task.START or (task in _OF_ROLES and one.bundle is None):
        end.parts = parts
        end.need = _need(one, parts)
    elif task is Task.STOP and one.variant is Variant.GROUP:
        # Where a member cannot be stopped, nobody waits for the others' stops (measured).
        end.parts, end.need = parts, len(parts)


def take_turns(steps: Steps, situation: Situation) -> None:
    """Let instances of ordered clones start and stop in turn, over others with nothing to do.

    Before settling: who restarts only for something else has no turn. Groups have none, and nobody
    is promoted or demoted in turn but next to each other (all measured).
    """
    for one in situation.expansion.all:
        if one.clone is not None and one.clone.ordered:
            for task, children in _turns(one, _WHILE_IDLE):
                due = [
                    step
                    for child in children
                    if child.is_primitive
                    for step in beginnings(steps, child, task)
                    if step.required and _has_turn(steps, situation, child, step)
                ]
                for first, then in itertools.pairwise(due):
                    if task is Task.START or not _migrates(steps, first):
                        link(first, then, Link.ADVISORY)


def _has_turn(steps: Steps, situation: Situation, one: Instance, step: Step) -> bool:
    """Tell whether an instance that starts or stops waits for its turn (all measured).

    None does that cannot stop, nor one that stops for changed parameters, if it has no roles; nor
    one that starts without the promoted role that it had, but for changed parameters.
    """
    redefined = step.reason is not None and step.reason.code is ReasonCode.PARAMETERS_CHANGED
    if step.task is Task.STOP:
        return step.runnable and (one.promotable or not redefined)
    sinks = situation.standing[one.index].role is Role.PROMOTED and steps.at(one).promote is None
    return redefined or not sinks


def _migrates(steps: Steps, step: Step) -> bool:
    """Tell whether a step only ends a migration, which is nobody's turn (measured)."""
    places = steps.places[present(step.instance).index]
    return places is not None and places.migrate_from is not None


def _turns(clone: Instance, tasks: Sequence[Task]) -> Iterator[tuple[Task, list[Instance]]]:
    """Yield in which order an ordered clone's instances do what: what takes away, in reverse."""
    for task in tasks:
        rises = task in {Task.START, Task.PROMOTE}
        yield task, clone.children if rises else list(reversed(clone.children))


def _in_turn(steps: Steps, clone: Instance) -> None:
    """Let the instances of an ordered clone start one after the other, and stop in reverse."""
    for task, children in _turns(clone, _IN_TURN):
        for earlier, later in itertools.pairwise(children):
            firsts, thens = endings(steps, earlier, task), beginnings(steps, later, task)
            link_all(firsts, thens, Link.ADVISORY)


def _need(one: Instance, parts: list[Step]) -> int:
    """Return how many children must be able to do a task for the whole to count as done."""
    if one.variant is Variant.GROUP:
        return max(len(parts), len(one.children))
    return 1


def _chain(steps: Steps, group: Instance) -> None:
    """Let a group's members start one after the other, and stop in reverse.

    What cannot stop holds up only the member right before it: none beyond one that is down anyway.
    Roles are taken away in turn where they can be given, from one and the member right before it
    (all measured).
    """
    for task in (Task.START, Task.PROMOTE):
        firsts: list[Step] = []
        for member in group.children:
            thens = beginnings(steps, member, task)
            link_all(firsts, thens, Link.NEEDS | Link.PULLS_THEN)
            firsts = thens or firsts
    for task in (Task.STOP, Task.DEMOTE) if group.has_roles else (Task.STOP,):
        firsts, needs = [], Link.NEEDS_IF_REQUIRED
        for member in reversed(group.children):
            thens = beginnings(steps, member, task)
            link_all(firsts, thens, needs | Link.PULLS_FIRST)
            if task is Task.STOP:
                thens, needs = thens or firsts, Link.NEEDS_IF_REQUIRED if thens else Link.ORDER
            firsts = thens


def _halt(steps: Steps, case: Circumstances, group: Instance) -> None:
    """Start nothing behind a member that will not run; where all are together, none has a node."""
    down: Instance | None = None
    for member in group.children if not group.gathered else ():
        if down is not None:
            for start in beginnings(steps, member, Task.START):
                start.stop_short(Reason(ReasonCode.WAITS_FOR_BLOCKED, down.base))
        elif case.assignment.chosen[member.index] == NOWHERE:
            down = member
