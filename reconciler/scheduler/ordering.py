"""Order constraints: sequences become typed relations between steps.

Pacemaker Explained, "Specifying the order in which resources should start/stop". A mandatory order
needs and pulls; an optional one only sorts; Serialize only keeps apart.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from reconciler.model.action import Task
from reconciler.model.constraint import OrderKind
from reconciler.model.reason import Reason, ReasonCode
from reconciler.model.role import Role
from reconciler.scheduler import creation, probe_order
from reconciler.scheduler.instance import Instance, Variant
from reconciler.scheduler.nodes import NOWHERE
from reconciler.scheduler.placement import Assignment
from reconciler.scheduler.sequence import Sequence
from reconciler.scheduler.situation import Situation
from reconciler.scheduler.step import Link, Step, Steps, link, link_all

OPPOSITE: Mapping[Task, Task] = {
    Task.START: Task.STOP,
    Task.STOP: Task.START,
    Task.PROMOTE: Task.DEMOTE,
    Task.DEMOTE: Task.PROMOTE,
}
_UP = frozenset({Task.START, Task.PROMOTE})


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Way:
    """One direction of a sequence: as written, or its opposite."""

    rule: Sequence
    first: Instance
    first_task: Task
    then: Instance
    then_task: Task
    forward: bool

    @property
    def mandatory(self) -> bool:
        return self.rule.kind is OrderKind.MANDATORY

    @property
    def why(self) -> Reason:
        return Reason(ReasonCode.WAITS_FOR_BLOCKED, self.first.base, origin=self.rule.origin)


class Ordering:
    """Applies lowered orders to steps; lives inside ``apply`` only."""

    def __init__(self, steps: Steps, situation: Situation, assignment: Assignment) -> None:
        self.steps = steps
        self.situation = situation
        self.assignment = assignment
        self._joins: dict[tuple[object, ...], Step] = {}
        self._partners: dict[int, list[_Way]] = {}
        self._leads: dict[tuple[Sequence, int], Instance] = {}
        self._without: set[int] = set()
        self.leading: set[int] = set()
        """Numbers of the primitives for whose start something waits, by the orders up to now.

        And of the clones of which some instances are enough for something, by any order (measured).
        """
        self.followings: list[probe_order.Following] = []

    def bind_all(self, sequences: tuple[Sequence, ...]) -> None:
        """Bind the steps of all pairs."""
        self.leading.update(one.first.index for one in sequences if self._suffices(one))
        for one in sequences:
            self.bind(one)

    def bind(self, one: Sequence) -> None:
        """Bind the steps of one pair, and of its opposite."""
        if one.alternatives:
            self._one_of(one)
            return
        self._one_way(_Way(one, one.first, one.first_task, one.then, one.then_task, forward=True))
        if one.symmetrical and one.kind is not OrderKind.SERIALIZE:
            down, up = OPPOSITE[one.then_task], OPPOSITE[one.first_task]
            self._one_way(_Way(one, one.then, down, one.first, up, forward=False))

    def _one_way(self, way: _Way) -> None:
        self._bind(way)
        self._lead_by(way.first, way.first_task)

    def _lead_by(self, first: Instance, task: Task) -> None:
        """Note that something waits for what a resource does."""
        if first.is_primitive and task is Task.START:
            self.leading.add(first.index)

    def _bind(self, way: _Way) -> None:
        if self._suffices(way.rule):
            # Other instances may still be there, so nothing is pulled along; nor is it waited for
            # that they were notified. Even a weak order needs them to rise (both measured).
            lasting = way.mandatory and way.rule.symmetrical
            flags = Link.NEEDS if lasting else Link.NEEDS | Link.ONE_WAY
            if not way.forward:
                flags = Link.ORDER if way.mandatory else Link.ADVISORY
            done = creation.ends if way.forward else creation.endings
            firsts = done(self.steps, way.first, way.first_task)
            thens = creation.beginnings(self.steps, way.then, way.then_task)
            link_all(firsts, thens, flags)
            link_all(self._findings(way.first, way.first_task), thens, Link.ORDER)
            if way.forward and way.rule.least > 1:
                link_all([self._enough(way)], thens, Link.NEEDS | Link.UNORDERED)
        else:
            self._follow(way)
            relate = self._interleaved if self._interleaves(way.rule) else self._relate
            relate(way)

    def _one_of(self, one: Sequence) -> None:
        """Let ``then`` follow as soon as one of several resources is up."""
        key = (one.id, tuple(each.index for each in one.alternatives), one.first_task)
        join = self._joins.get(key)
        if join is None:
            join = self.steps.pseudo(
                f"one-or-more:{one.id}:{len(self._joins)}", Task.NOTHING, one.first
            )
            self._joins[key] = join
            parts: list[Step] = []
            for each in one.alternatives:
                self._lead_by(each, one.first_task)
                for step in creation.endings(self.steps, each, one.first_task):
                    link(step, join, Link.PULLS_THEN)
                    parts.append(step)
            join.parts, join.need = parts, 1
        link_all([join], creation.beginnings(self.steps, one.then, one.then_task), Link.NEEDS)
        if not one.symmetrical:
            return
        lasts = creation.endings(self.steps, one.then, OPPOSITE[one.then_task])
        found = self._findings(one.then, OPPOSITE[one.then_task])
        for each in one.held:
            starts = creation.beginnings(self.steps, each, OPPOSITE[one.first_task])
            link_all((*lasts, *found), starts, Link.ORDER)

    def _suffices(self, one: Sequence) -> bool:
        """Tell whether some instances of ``first`` are enough for ``then``, and so many a must.

        Of primitives they are, of whatever kind the order is (measured).
        """
        if one.first.clone is None or one.first_task not in _UP:
            return False
        grouped = any(child.variant is Variant.GROUP for child in one.first.children)
        if grouped and one.kind is not OrderKind.MANDATORY:
            return False
        return not one.require_all or one.least > 0

    def _enough(self, way: _Way) -> Step:
        """Return a step that can run if as many instances as the clone's minimum can."""
        key = (way.rule.id, way.first.index, way.first_task)
        join = self._joins.get(key)
        if join is None:
            join = self.steps.pseudo(
                f"enough:{way.rule.id}:{way.first.name}", Task.NOTHING, way.first
            )
            self._joins[key] = join
            join.parts = [
                step
                for child in way.first.children
                for step in creation.endings(self.steps, child, way.first_task)
            ]
            join.need = way.rule.least
        return join

    def _interleaves(self, one: Sequence) -> bool:
        first, then = one.first, one.then
        return (
            first.variant is Variant.CLONE
            and then.variant is Variant.CLONE
            and then.clone is not None
            and then.clone.interleave
            and one.kind is not OrderKind.OPTIONAL
        )

    def _interleaved(self, way: _Way) -> None:
        """Pair the instances that are on the same node; both clones still go one after the other.

        What has no roles makes no partner wait for one. Where a node has several instances, one of
        them is the partner, and the others go without who stays with that (both measured).
        """
        firsts = creation.endings(self.steps, way.first, way.first_task)
        thens = creation.beginnings(self.steps, way.then, way.then_task)
        link_all(firsts, thens, Link.ADVISORY)
        never = way.first_task is Task.PROMOTE and not way.first.promotable
        for child in way.then.children:
            where = self._where(child, way.then_task)
            pair = dataclasses.replace(way, then=child)
            for other in way.first.children:
                if where & self._where(other, way.first_task):
                    if not way.forward and self._stays_with_another(pair, other):
                        continue
                    self._leads.setdefault((way.rule, child.index), other)
                    pair = dataclasses.replace(pair, first=other)
                    if not never:
                        self._relate(pair)
                    self._partners.setdefault(other.index, []).append(pair)
                    break
            if pair.first is way.first or pair.first.index in self._without:
                self._without_partner(pair)

    def _stays_with_another(self, way: _Way, follower: Instance) -> bool:
        """Tell whether what follows an instance of its node stays there with another one."""
        lead = self._leads.get((way.rule, follower.index), way.then)
        stays = self.assignment.chosen[follower.index] in self._where(way.then, way.first_task)
        return way.first_task not in _UP and lead is not way.then and stays

    def _without_partner(self, way: _Way) -> None:
        """Keep an instance down that has nothing on its node to follow; it is not even missed.

        So also where it would only be promoted after its partner. The same goes for those that
        would follow it, in clones that interleave, too. Monitors are left as they are, as with
        whatever is to run nowhere (all measured).
        """
        child = way.then
        lasting = way.forward and way.mandatory and way.rule.symmetrical
        if not lasting or way.first_task not in _UP or way.then_task not in _UP:
            return
        self._without.add(child.index)
        for follower in self._partners.get(child.index, ()):
            if follower.then.index not in self._without:
                self._without_partner(follower)
        for each in child.primitives():
            places = self.steps.at(each)
            for step in (places.start, places.promote, *places.monitors, *places.cancels):
                if step is not None:
                    step.required, step.pinned = False, True
        for task in {Task.START, way.then_task}:
            for step in creation.beginnings(self.steps, child, task):
                step.stop_short(way.why)

    def _where(self, child: Instance, task: Task) -> set[int]:
        """Return where an instance does a task; one that is blocked does none (measured)."""
        if self.situation.is_blocked(child):
            return set()
        if task in _UP:
            where = self.assignment.chosen[child.index]
            return set() if where == NOWHERE else {where}
        return set(self.situation.standing[child.index].running)

    def _is_active(self, one: Instance) -> bool:
        return bool(self.situation.standing[one.index].running)

    def _relate(self, way: _Way) -> None:
        firsts = creation.endings(self.steps, way.first, way.first_task)
        thens = creation.beginnings(self.steps, way.then, way.then_task)
        if way.rule.finds:
            link_all(self._findings(way.first, way.first_task), thens, Link.ORDER)
        if not way.mandatory:
            link_all(firsts, thens, Link.ADVISORY)
        elif way.forward:
            self._lead(way, firsts, thens)
        else:
            link_all(firsts, thens, Link.NEEDS_IF_REQUIRED)
            whole = way.then.variant is not Variant.CLONE and way.rule.restarts
            if whole and way.first_task is Task.STOP and way.then_task not in _UP:
                # A clone that stops in places takes nothing down that only needs it to be up, and
                # no role is taken away for what was needed to rise into it (measured).
                entries = self._entries(way.first, way.first_task)
                link_all(entries, thens, Link.PULLS_FIRST | Link.UNORDERED)

    def _follow(self, way: _Way) -> None:
        """Note what starts after what, for the probes."""
        lasting = way.mandatory and way.rule.symmetrical and way.rule.restarts
        if way.forward and lasting and way.first_task is Task.START and way.first.bundle is None:
            led = way.then.index in self.leading
            self.followings.append(
                probe_order.Following(way.first, way.then, way.then_task, led=led)
            )

    def _findings(self, first: Instance, task: Task) -> list[Step]:
        """Return the probes that count as a stop would: what they find may have to be stopped."""
        stops = task is Task.STOP and first.is_primitive
        return list(probe_order.steps_of(self.steps, first)) if stops else []

    def _lead(self, way: _Way, firsts: list[Step], thens: list[Step]) -> None:
        """``first`` must do its task before ``then`` does its own."""
        loose = not way.rule.symmetrical
        rises = way.first_task in _UP
        promoted = self.situation.standing[way.first.index].role is Role.PROMOTED
        # What is not promoted is not demoted, which only an order one way minds (measured).
        lacks = not firsts if rises else loose and way.first_task is Task.DEMOTE and not promoted
        leaving = self._leaving(way.first) if loose and way.first_task is Task.STOP else []
        if loose and way.then_task is Task.START and self._is_active(way.then):
            if lacks:
                leaving = [self._never(way)]
            # Each member waits for itself: those that are up stay up (measured).
            for each in way.then.primitives():
                starts = creation.beginnings(self.steps, each, Task.START)
                link_all(firsts, starts, Link.NEEDS_IF_WANTED)
                link_all(leaving, starts, Link.NEEDS_IF_WANTED | Link.UNORDERED)
            return
        link_all(leaving, thens, Link.NEEDS | Link.UNORDERED)
        if lacks:
            for after in thens:
                after.stop_short(way.why)
        link_all(firsts, thens, Link.NEEDS if rises or loose else Link.NEEDS_IF_REQUIRED)
        if not loose and way.rule.restarts:
            entries = self._entries(way.then, way.then_task)
            link_all(self._pulling(way, firsts), entries, Link.PULLS_THEN)

    def _leaving(self, first: Instance) -> list[Step]:
        """Return steps that can run if a resource can be stopped: all of a group, some of a clone.

        An order one way asks that, of a clone that runs nowhere, too (measured).
        """
        if first.is_primitive:
            return creation.beginnings(self.steps, first, Task.STOP)
        join = self.steps.pseudo(f"leaving:{first.name}", Task.NOTHING, first)
        join.parts = [step for child in first.children for step in self._leaving(child)]
        join.need = len(join.parts) if first.variant is Variant.GROUP else 1
        return [join]

    def _never(self, way: _Way) -> Step:
        """Return a step in place of those that ``first`` does not even have."""
        found = self.steps.pseudo(f"never:{way.rule.id}:{way.then.name}", Task.NOTHING, way.first)
        found.stop_short(way.why)
        return found

    def _pulling(self, way: _Way, firsts: list[Step]) -> list[Step]:
        """Return the steps of ``first`` that make ``then`` do its task anew (measured).

        Of a clone it is all of it for another clone, else what it does on the node of ``then``; but
        an instance that cannot do it is no news. A bundle counts as a whole, since what follows it
        needs not be where its containers are. It starts with these: what only starts inside is no
        news to those that are up.
        """
        if way.first.bundle is not None and way.first_task is Task.START:
            held = way.first.children
            return [step for one in held for step in creation.endings(self.steps, one, Task.START)]
        if way.first.variant is not Variant.CLONE or way.first.bundle is not None:
            return firsts
        done = {
            child: creation.endings(self.steps, child, way.first_task)
            for child in way.first.children
        }
        able = {child: [one for one in ends if _can_be_done(one)] for child, ends in done.items()}
        if way.then.variant is Variant.CLONE:
            return firsts if able == done else [self._news(way, able)]
        where = self._where(way.then, way.then_task)
        return [
            step
            for child, ends in able.items()
            if where & self._where(child, way.first_task)
            for step in ends
        ]

    def _news(self, way: _Way, done: Mapping[Instance, list[Step]]) -> Step:
        """Return a step that is required if any instance of a clone is to do what it can."""
        join = self.steps.pseudo(f"news:{way.rule.id}:{way.first.name}", Task.NOTHING, way.first)
        for ends in done.values():
            link_all(ends, [join], Link.PULLS_THEN)
        return join

    def _entries(self, one: Instance, task: Task) -> list[Step]:
        """Return the steps that must be required for a whole resource to do a task.

        What nobody manages is left out of a group, though the group stops as one (measured).
        """
        match one.variant:
            case Variant.PRIMITIVE:
                return creation.beginnings(self.steps, one, task)
            case Variant.GROUP:
                found = []
                for child in one.children:
                    if task not in _UP and not self.situation.standing[child.index].managed:
                        continue
                    steps = creation.beginnings(self.steps, child, task)
                    found.extend(steps)
                    if steps:
                        break
                return found
            case Variant.CLONE:
                return [step for child in one.children for step in self._entries(child, task)]


def _can_be_done(step: Step) -> bool:
    return step.runnable and not step.lacks_parts()


def apply(
    steps: Steps,
    situation: Situation,
    assignment: Assignment,
    sequences: tuple[Sequence, ...],
) -> tuple[list[probe_order.Following], set[int]]:
    """Bind steps as the order constraints want it.

    Returns:
        What follows what in its start, for the probes; and the numbers of the primitives for whose
        start something waits, whatever comes of it.
    """
    ordering = Ordering(steps, situation, assignment)
    ordering.bind_all(sequences)
    return ordering.followings, ordering.leading
