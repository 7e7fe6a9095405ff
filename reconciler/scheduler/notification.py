"""Notifications: clone instances are told before and after each change to any of them.

Pacemaker Administration, "Clone resource agent requirements: notifications". Before a change every
instance that is active is told; after it, every instance that is active then.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.frozen import frozen
from reconciler.model.action import Task
from reconciler.model.reason import Reason, ReasonCode
from reconciler.model.role import Role
from reconciler.scheduler import quorum
from reconciler.scheduler.circumstance import Circumstances
from reconciler.scheduler.expansion import Expansion
from reconciler.scheduler.instance import Instance, Variant
from reconciler.scheduler.nodes import NOWHERE
from reconciler.scheduler.step import Link, Step, Steps, Whole, link

_DONE = {
    Task.START: "running",
    Task.STOP: "stopped",
    Task.PROMOTE: "promoted",
    Task.DEMOTE: "demoted",
}
_LISTS = (
    "active",
    "inactive",
    "promoted",
    "unpromoted",
    "master",
    "slave",
    *(task.value for task in _DONE),
)
"""What a notification lists: instances and their nodes, by state and by what is done to them."""
_SEQUENCE = (
    (Task.DEMOTE, Task.STOP),
    (Task.DEMOTE, Task.START),
    (Task.DEMOTE, Task.PROMOTE),
    (Task.STOP, Task.START),
    (Task.STOP, Task.PROMOTE),
    (Task.START, Task.PROMOTE),
)
"""Whose notifications come before whose."""
_OTHER_THAN_WANTED = frozenset({ReasonCode.AGENT_CHANGED, ReasonCode.NOT_PROMOTABLE})
"""For what an instance restarts that is told of no fencing."""
_ALSO_WITH_ROLES = _OTHER_THAN_WANTED | {ReasonCode.PARAMETERS_CHANGED}
"""The same for an instance that can be promoted (measured)."""


@frozen
class Frame:
    """The joining steps round one task of a clone: before it, and after it."""

    pre: Step
    pre_done: Step
    post: Step
    post_done: Step


def frame(steps: Steps, one: Instance, whole: Whole) -> None:
    """Enter the joining steps of a clone that wants notifications."""
    for task, begin, end in whole.spans():
        name, done = task.value, _DONE[task]
        found = Frame(
            steps.pseudo(f"{one.name}_pre_notify_{name}_0", Task.NOTIFY, one),
            steps.pseudo(f"{one.name}_confirmed-pre_notify_{name}_0", Task.NOTIFY, one),
            steps.pseudo(f"{one.name}_post_notify_{done}_0", Task.NOTIFY, one),
            steps.pseudo(f"{one.name}_confirmed-post_notify_{done}_0", Task.NOTIFY, one),
        )
        link(found.pre, found.pre_done, Link.PULLS_FIRST)
        link(found.pre_done, begin, Link.PULLS_FIRST)
        link(end, found.post, Link.PULLS_THEN | Link.NEEDS)
        link(found.post, found.post_done, Link.PULLS_THEN | Link.NEEDS)
        whole.frames[task] = found
    for first, then in _SEQUENCE:
        if first in whole.frames and then in whole.frames:
            link(whole.frames[first].post_done, whole.frames[then].pre, Link.ORDER)


def create(steps: Steps, case: Circumstances) -> None:
    """Enter the notifications of every clone that changes; after settling."""
    for one in _notifying(case.situation.expansion):
        whole = steps.whole(one)
        if whole.frames:
            _Notes(steps, case, one, whole).create()


def are_wanted(expansion: Expansion) -> bool:
    """Tell whether any clone is told what it does."""
    return next(_notifying(expansion), None) is not None


def _notifying(expansion: Expansion) -> Iterator[Instance]:
    return (one for one in expansion.tops if one.variant is Variant.CLONE and one.spread.notify)


class _Notes:
    def __init__(self, steps: Steps, case: Circumstances, clone: Instance, whole: Whole) -> None:
        self.steps = steps
        self.case = case
        self.situation = case.situation
        self.assignment = case.assignment
        self.clone = clone
        self.whole = whole
        self.members = list(clone.primitives())

    def _doing(self, one: Instance, task: Task) -> list[Step]:
        places = self.steps.places[one.index]
        if places is None:
            return []
        by_task: dict[Task, list[Step | None]] = {
            Task.START: [places.start],
            Task.PROMOTE: [places.promote],
            Task.STOP: list(places.stops.values()),
            Task.DEMOTE: list(places.demotes.values()),
        }
        candidates = by_task[task]
        return [step for step in candidates if step and step.required and step.runnable]

    def create(self) -> None:
        """Enter what is told about each task that is going to be done.

        A start that only goes on is no news: it was told of when it was begun (measured).
        """
        told = self._words()
        for task, frame_ in self.whole.frames.items():
            acting = [one for one in self.members if self._news(one, task)]
            if not acting:
                for step in (frame_.pre, frame_.pre_done, frame_.post, frame_.post_done):
                    step.required = False
                continue
            loss = self._loss() if task is Task.STOP else None
            for one in self.members:
                if not self.situation.standing[one.index].managed:
                    continue
                self._pre(one, task, frame_, told)
                if loss is not None:
                    self._after_loss(one, frame_, loss, told)
                elif frame_.post.runnable:
                    self._post(one, task, frame_, told)

    def _news(self, one: Instance, task: Task) -> list[Step]:
        """Return what is done with an instance, but for a start that only goes on."""
        goes_on = not self._should_go(one)
        return [step for step in self._doing(one, task) if not (step.resumed and goes_on)]

    def _tell(self, one: Instance, step: Step, begin: Step | None, end: Step) -> None:
        """Put a telling between the steps that join all of its kind.

        The instance is not watched before all were told (measured).
        """
        link(begin, step)
        link(step, end)
        for monitor in self.steps.at(one).monitors:
            link(end, monitor)

    def _runs(self, one: Instance) -> list[int]:
        nodes = self.situation.nodes
        running = self.situation.standing[one.index].running
        return [where for where in running if nodes[where].reachable]

    def _hears(self, one: Instance) -> list[int]:
        """Return where an instance can be told something now: not where it was lost with a guest."""
        return [where for where in self._runs(one) if self.situation.nodes[where].online]

    def _should_go(self, one: Instance) -> bool:
        """Tell whether an instance is to stop, even if it cannot."""
        places = self.steps.places[one.index]
        return places is not None and any(stop.required for stop in places.stops.values())

    def _starts_in(self, child: Instance) -> bool:
        return any(self._doing(one, Task.START) for one in child.primitives())

    def _held_up(self, one: Instance) -> list[int]:
        """Return where an instance cannot start, but counts as up when others do, or are promoted.

        Where it has to stop, and where its group starts, only after they started; inside of what
        goes itself, never (measured).
        """
        places = self.steps.places[one.index]
        start = None if places is None else places.start
        if start is None or start.runnable or not start.required:
            return []
        node = self.situation.nodes[start.node]
        leaves = node.remote is not None and node.remote.fading
        return [start.node] if node.reachable and not leaves else []

    def _lacks_quorum(self, one: Instance) -> bool:
        """Tell whether an instance itself may not start without quorum.

        Who waits for others, whatever these lack, is told only after the start (measured).
        """
        case, standing = self.case, self.situation.standing[one.index]
        role = Role.UNPROMOTED if one.promotable else Role.STARTED
        why = quorum.forbids(one, standing, role, case.settings, quorate=case.seen.quorate)
        return why is not None

    def _pre(self, one: Instance, task: Task, frame_: Frame, told: dict[str, str]) -> None:
        stopping = self._doing(one, Task.STOP)
        alive = self._hears(one)
        if task in {Task.START, Task.PROMOTE} and self._should_go(one):
            alive = []
        elif (
            task is Task.START and not self._starts_in(one.clone_child) and self._lacks_quorum(one)
        ):
            alive += self._held_up(one)
        if task is Task.PROMOTE:
            # A start that goes on where it was begun is where the instance counts as running.
            starting = [step.node for step in self._doing(one, Task.START)]
            alive += [where for where in starting or self._held_up(one) if where not in alive]
        for where in alive:
            step = self._notify(one, where, ("pre", task.value), ("pre", task.value), told)
            link(frame_.pre, step)
            link(step, frame_.pre_done)
            for acting in stopping if task is Task.STOP else ():
                link(step, acting)

    def _post(self, one: Instance, task: Task, frame_: Frame, told: dict[str, str]) -> None:
        stopping = self._doing(one, Task.STOP)
        starting = self._news(one, Task.START)
        if task is Task.DEMOTE:
            for where in self._hears(one):
                self._told_after(one, where, task, frame_, told)
            return
        if task is Task.STOP and (stopping or starting):
            return
        where = self.assignment.chosen[one.index]
        alive = where in self._runs(one) and not stopping
        held_up = task in {Task.START, Task.PROMOTE} and self._held_up(one)
        if not alive and not starting and not held_up:
            return
        if where == NOWHERE or not self.situation.nodes[where].reachable:
            return
        self._told_after(one, where, task, frame_, told)

    def _told_after(
        self, one: Instance, where: int, task: Task, frame_: Frame, told: dict[str, str]
    ) -> None:
        step = self._notify(one, where, ("post", _DONE[task]), ("post", task.value), told)
        self._tell(one, step, frame_.post, frame_.post_done)

    def _loss(self) -> Step | None:
        """Return the step that closes what is told of fencings, if they do some of the stops.

        Also if what they stop could not be stopped otherwise (measured).
        """
        places = [self.steps.places[one.index] for one in self.members]
        stops = [step for each in places if each is not None for step in each.stops.values()]
        lost = {step.node for step in stops if step.done_by_fencing and step.required}
        nodes = lost & set(self.steps.fences)
        if not nodes:
            return None
        name = f"{self.clone.name}_confirmed-post_notify_stonith_0"
        told = self.steps.pseudo(name, Task.NOTIFY, self.clone)
        told.require(Reason(ReasonCode.NOTIFICATION, self.clone.base))
        for node in sorted(nodes):
            link(self.steps.fences[node], told)
        return told

    def _after_loss(self, one: Instance, frame_: Frame, loss: Step, told: dict[str, str]) -> None:
        """Tell of a fencing where an instance runs and will run, in place of the stop (measured).

        One that restarts for others is told as soon as the node is fenced; one that does so since it
        failed, or is not what it should be, is not told.
        """
        where = self.assignment.chosen[one.index]
        if where not in self._runs(one) or self._restarts_for_itself(one):
            return
        step = self._notify(one, where, ("post", "stonith"), ("post", "stonith"), told)
        for fence, _ in loss.before:
            if fence is self.steps.fences.get(fence.node):
                link(fence, step)
        self._tell(one, step, None, loss)
        if not (self._doing(one, Task.STOP) or self._news(one, Task.START)):
            self._tell(one, step, frame_.post, frame_.post_done)

    def _restarts_for_itself(self, one: Instance) -> bool:
        grounds = _ALSO_WITH_ROLES if one.promotable else _OTHER_THAN_WANTED
        return self.situation.standing[one.index].spent or any(
            stop.reason is not None and stop.reason.code in grounds
            for stop in self._doing(one, Task.STOP)
        )

    def _notify(
        self,
        one: Instance,
        where: int,
        key: tuple[str, str],
        words: tuple[str, str],
        told: dict[str, str],
    ) -> Step:
        step = self.steps.resource(one, Task.NOTIFY, where)
        step.name = f"{one.name}_{key[0]}_notify_{key[1]}_0"
        step.require(Reason(ReasonCode.NOTIFICATION, one.base))
        step.detail = {
            **told,
            "notify_type": words[0],
            "notify_operation": words[1],
            "notify_key_type": key[0],
            "notify_key_operation": key[1],
        }
        return step

    def _words(self) -> dict[str, str]:
        """Return the lists of instances and nodes that every notification carries."""
        lists: dict[str, list[tuple[str, str]]] = {name: [] for name in _LISTS}
        nodes = self.situation.nodes
        for one in self.members:
            standing = self.situation.standing[one.index]
            if not standing.running:
                lists["inactive"].append((one.name, ""))
            for where in standing.running:
                entry = (one.name, nodes[where].name)
                lists["active"].append(entry)
                if standing.role is Role.PROMOTED:
                    lists["promoted"].append(entry)
                    lists["master"].append(entry)
                elif one.promotable:
                    lists["unpromoted"].append(entry)
                    lists["slave"].append(entry)
            for task in _DONE:
                for step in self._doing(one, task):
                    lists[task.value].append((one.name, nodes[step.node].name))
        told: dict[str, str] = {}
        for name, entries in lists.items():
            told[f"notify_{name}_resource"] = " ".join(first for first, _ in entries)
            if name != "inactive":
                told[f"notify_{name}_uname"] = " ".join(second for _, second in entries)
        return told
