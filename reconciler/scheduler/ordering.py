"""Order constraints: lowered to typed relations between steps.

Pacemaker Explained, "Specifying the order in which resources should start/stop". A mandatory order
needs and pulls; an optional one only sorts; Serialize only keeps apart.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from reconciler.errors import position
from reconciler.model import constraint, desired
from reconciler.model.action import Task
from reconciler.model.constraint import OrderKind
from reconciler.model.reason import Reason, ReasonCode
from reconciler.model.role import Role
from reconciler.model.score import INFINITY
from reconciler.scheduler import colocation, creation, location
from reconciler.scheduler.expansion import Expansion
from reconciler.scheduler.instance import Instance, Variant
from reconciler.scheduler.placement import NOWHERE, Assignment
from reconciler.scheduler.situation import Situation
from reconciler.scheduler.step import Link, Step, Steps, link

_OPPOSITE: Mapping[Task, Task] = {
    Task.START: Task.STOP,
    Task.STOP: Task.START,
    Task.PROMOTE: Task.DEMOTE,
    Task.DEMOTE: Task.PROMOTE,
}
_UP = frozenset({Task.START, Task.PROMOTE})


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    """One task before another, of two resources.

    Attributes:
        require_all: whether every instance of a clone ``first`` must be up.
        alternatives: resources of a set of which one suffices instead of ``first``.
    """

    id: str
    first: Instance
    first_task: Task
    then: Instance
    then_task: Task
    kind: OrderKind
    symmetrical: bool
    require_all: bool
    origin: position.Position
    alternatives: tuple[Instance, ...] = ()


def _task(word: str | None) -> Task:
    return {
        "stop": Task.STOP,
        "promote": Task.PROMOTE,
        "demote": Task.DEMOTE,
    }.get(word or "start", Task.START)


def lower(wanted: desired.Desired, expansion: Expansion) -> tuple[Sequence, ...]:
    """Return every order constraint as pairs."""
    found: list[Sequence] = []
    for one in wanted.constraints:
        match one:
            case constraint.Order():
                found.extend(_pairs(expansion, wanted, one))
            case constraint.OrderSets():
                found.extend(_sets(expansion, wanted, one))
            case _:
                pass
    return tuple(found)


def _pairs(
    expansion: Expansion, wanted: desired.Desired, one: constraint.Order
) -> Iterator[Sequence]:
    action = _task(one.first_action)
    for first in location.expanded(expansion, wanted.tags, one.first):
        for then in location.expanded(expansion, wanted.tags, one.then):
            if first is then:
                continue
            yield Sequence(
                id=one.id,
                first=first,
                first_task=action,
                then=then,
                then_task=_task(one.then_action) if one.then_action else action,
                kind=one.kind,
                symmetrical=_symmetrical(one.symmetrical, one.kind),
                require_all=one.require_all,
                origin=one.origin,
            )


def _symmetrical(written: bool | None, kind: OrderKind) -> bool:
    return kind is not OrderKind.SERIALIZE if written is None else written


def _sets(
    expansion: Expansion, wanted: desired.Desired, one: constraint.OrderSets
) -> Iterator[Sequence]:
    def pair(
        first: Instance, then: Instance, tasks: tuple[Task, Task], require_all: bool
    ) -> Sequence:
        return Sequence(
            id=one.id,
            first=first,
            first_task=tasks[0],
            then=then,
            then_task=tasks[1],
            kind=one.kind,
            symmetrical=_symmetrical(one.symmetrical, one.kind),
            require_all=require_all,
            origin=one.origin,
        )

    previous: tuple[list[Instance], Task, constraint.ResourceSet] | None = None
    for each in one.sets:
        members = list(colocation.members_of(expansion, wanted, each))
        task = _task(each.action)
        if each.sequential and each.require_all:
            for first, then in zip(members, members[1:], strict=False):
                yield pair(first, then, (task, task), True)
        if previous is not None and members:
            earlier, earlier_task, earlier_set = previous
            if not earlier_set.require_all and one.kind is OrderKind.MANDATORY:
                for then in members[:1] if each.sequential else members:
                    yield dataclasses.replace(
                        pair(earlier[0], then, (earlier_task, task), False),
                        alternatives=tuple(earlier),
                    )
                previous = (members, task, each)
                continue
            lasts = earlier[-1:] if earlier_set.sequential else earlier
            firsts = members[:1] if each.sequential else members
            for first in lasts:
                for then in firsts:
                    yield pair(first, then, (earlier_task, task), earlier_set.require_all)
        if members:
            previous = (members, task, each)


class Ordering:
    """Applies lowered orders to steps; lives inside ``apply`` only."""

    def __init__(self, steps: Steps, situation: Situation, assignment: Assignment) -> None:
        self.steps = steps
        self.situation = situation
        self.assignment = assignment
        self._joins: dict[tuple[object, ...], Step] = {}

    def bind(self, one: Sequence) -> None:
        """Bind the steps of one pair, and of its opposite."""
        if one.alternatives:
            self._one_of(one)
            return
        self._one_way(one, one.first, one.first_task, one.then, one.then_task, forward=True)
        if one.symmetrical and one.kind is not OrderKind.SERIALIZE:
            self._one_way(
                one,
                one.then,
                _OPPOSITE[one.then_task],
                one.first,
                _OPPOSITE[one.first_task],
                forward=False,
            )

    def _one_way(
        self,
        one: Sequence,
        first: Instance,
        first_task: Task,
        then: Instance,
        then_task: Task,
        *,
        forward: bool,
    ) -> None:
        if self._suffices(one):
            self._enough(one, first, first_task, then, then_task, forward=forward)
            return
        if self._interleaves(one) and first.variant is Variant.CLONE:
            self._interleaved(one, first, first_task, then, then_task, forward=forward)
            return
        self._relate(one, first, first_task, then, then_task, forward=forward)

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
                for step in creation.endings(self.steps, each, one.first_task):
                    link(step, join, Link.PULLS_THEN)
                    parts.append(step)
            join.parts, join.need = parts, 1
        asleep = not one.symmetrical and self._is_active(one.then)
        for after in creation.beginnings(self.steps, one.then, one.then_task):
            link(join, after, Link.ORDER if asleep else Link.NEEDS)
        if not one.symmetrical:
            return
        for each in one.alternatives:
            for before in creation.endings(self.steps, one.then, _OPPOSITE[one.then_task]):
                for after in creation.beginnings(self.steps, each, _OPPOSITE[one.first_task]):
                    link(before, after, Link.ORDER)

    def _suffices(self, one: Sequence) -> bool:
        """Tell whether some instances of ``first`` are enough for ``then``."""
        clone = one.first.clone
        if clone is None or one.kind is not OrderKind.MANDATORY:
            return False
        return (not one.require_all or clone.minimum > 0) and one.first_task in _UP

    def _enough(
        self,
        one: Sequence,
        first: Instance,
        first_task: Task,
        then: Instance,
        then_task: Task,
        *,
        forward: bool,
    ) -> None:
        """Let ``then`` follow without pulling it along: other instances may still be there."""
        for before in creation.endings(self.steps, first, first_task):
            for after in creation.beginnings(self.steps, then, then_task):
                link(before, after, Link.NEEDS if forward else Link.ORDER)

    def _interleaves(self, one: Sequence) -> bool:
        first, then = one.first, one.then
        return (
            first.variant is Variant.CLONE
            and then.variant is Variant.CLONE
            and then.clone is not None
            and then.clone.interleave
        )

    def _interleaved(
        self,
        one: Sequence,
        first: Instance,
        first_task: Task,
        then: Instance,
        then_task: Task,
        *,
        forward: bool,
    ) -> None:
        """Pair the instances that are on the same node."""
        for child in then.children:
            where = self._where(child, then_task)
            for other in first.children:
                if where and where & self._where(other, first_task):
                    self._relate(one, other, first_task, child, then_task, forward=forward)
                    break
            else:
                if forward and one.kind is OrderKind.MANDATORY:
                    self._missing(one, child, then_task, first)

    def _where(self, child: Instance, task: Task) -> set[int]:
        if task in _UP:
            where = self.assignment.chosen[child.index]
            return set() if where == NOWHERE else {where}
        return set(self.situation.standing[child.index].running)

    def _missing(self, one: Sequence, then: Instance, task: Task, first: Instance) -> None:
        for step in creation.beginnings(self.steps, then, task):
            if task in _UP and not (one.symmetrical is False and self._is_active(then)):
                step.stop_short(Reason(ReasonCode.WAITS_FOR_BLOCKED, first.base, origin=one.origin))

    def _is_active(self, one: Instance) -> bool:
        return bool(self.situation.standing[one.index].running)

    def _relate(
        self,
        one: Sequence,
        first: Instance,
        first_task: Task,
        then: Instance,
        then_task: Task,
        *,
        forward: bool,
    ) -> None:
        firsts = creation.endings(self.steps, first, first_task)
        thens = creation.beginnings(self.steps, then, then_task)
        if first_task is Task.STOP and first.is_primitive:
            # What a probe finds may have to be stopped, so it counts as a stop would.
            for probe in probe_steps(self.steps, first):
                for after in thens:
                    link(probe, after, Link.ORDER)
        if one.kind is not OrderKind.MANDATORY:
            for before in firsts:
                for after in thens:
                    link(before, after, Link.ADVISORY)
            return
        if forward and first_task in _UP:
            self._mandatory_up(one, first, firsts, then, then_task, thens)
        elif forward:
            self._mandatory_down_first(one, first, firsts, then, then_task, thens)
        else:
            self._mandatory_back(first, first_task, firsts, then_task, thens)

    def _mandatory_up(
        self,
        one: Sequence,
        first: Instance,
        firsts: list[Step],
        then: Instance,
        then_task: Task,
        thens: list[Step],
    ) -> None:
        """``first`` must be up before ``then`` does its task."""
        asleep = not one.symmetrical
        for after in thens:
            if asleep and self._is_active(then) and then_task is Task.START:
                for before in firsts:
                    link(before, after, Link.ORDER)
                continue
            if not firsts:
                if then_task in _UP:
                    after.stop_short(
                        Reason(ReasonCode.WAITS_FOR_BLOCKED, first.base, origin=one.origin)
                    )
                continue
            for before in firsts:
                link(before, after, Link.NEEDS)
        if not asleep and first.variant is not Variant.CLONE:
            for before in firsts:
                for entry in self._entries(then, then_task):
                    link(before, entry, Link.PULLS_THEN)

    def _mandatory_down_first(
        self,
        one: Sequence,
        first: Instance,
        firsts: list[Step],
        then: Instance,
        then_task: Task,
        thens: list[Step],
    ) -> None:
        """``first`` goes down before ``then`` does its task."""
        for before in firsts:
            for after in thens:
                link(before, after, Link.NEEDS_IF_REQUIRED)

    def _mandatory_back(
        self,
        first: Instance,
        first_task: Task,
        firsts: list[Step],
        then_task: Task,
        thens: list[Step],
    ) -> None:
        """The opposite of a mandatory order: what depends goes down before what it needs."""
        for before in firsts:
            for after in thens:
                link(before, after, Link.NEEDS_IF_REQUIRED)
        if first_task in _UP or then_task in _UP:
            return
        for entry in self._entries(first, first_task):
            for after in thens:
                link(entry, after, Link.PULLS_FIRST)

    def _entries(self, one: Instance, task: Task) -> list[Step]:
        """Return the steps that must be required for a whole resource to do a task."""
        match one.variant:
            case Variant.PRIMITIVE:
                return creation.beginnings(self.steps, one, task)
            case Variant.GROUP:
                found = []
                for child in one.children:
                    steps = creation.beginnings(self.steps, child, task)
                    found.extend(steps)
                    if steps:
                        break
                return found
            case Variant.CLONE:
                return [step for child in one.children for step in self._entries(child, task)]


def apply(
    steps: Steps,
    situation: Situation,
    assignment: Assignment,
    sequences: tuple[Sequence, ...],
    pairs: colocation.Pairs,
) -> None:
    """Bind steps as the order constraints and anti-colocations want it."""
    ordering = Ordering(steps, situation, assignment)
    for one in sequences:
        ordering.bind(one)
    for pair in pairs.all:
        if pair.score <= -INFINITY and pair.dependent_role is None and pair.primary_role is None:
            for first, then in (
                (pair.primary, pair.dependent),
                (pair.dependent, pair.primary),
            ):
                _apart(steps, first, then)
        elif pair.mandatory and not pair.internal and pair.attribute is None:
            _together(steps, assignment, pair)


def _apart(steps: Steps, first: Instance, then: Instance) -> None:
    """Let one leave a node before the other, that must not be with it, comes."""
    if not (first.is_primitive and then.is_primitive):
        for after in creation.beginnings(steps, then, Task.START):
            for before in creation.endings(steps, first, Task.STOP):
                link(before, after, Link.ADVISORY)
            if first.is_primitive or then.is_primitive:
                for probe in probe_steps(steps, first):
                    link(probe, after, Link.ORDER)
        return
    places = steps.places[then.index]
    start = places.start if places is not None else None
    if start is None:
        return
    link(steps.at(first).stops.get(start.node), start, Link.ADVISORY)
    for probe in probe_steps(steps, first):
        if probe.node == start.node:
            link(probe, start, Link.ORDER)


def _together(steps: Steps, assignment: Assignment, pair: colocation.Pair) -> None:
    """Let a dependent not rise where its primary cannot, without saying which is first."""
    promoted = pair.primary_role is Role.PROMOTED
    firsts = creation.ends(steps, pair.primary, Task.PROMOTE if promoted else Task.START)
    rises = pair.dependent_role is Role.PROMOTED
    task = Task.PROMOTE if rises else Task.START
    both = pair.primary.variant is Variant.CLONE and pair.dependent.variant is Variant.CLONE
    if both and pair.dependent.spread.interleave:
        return
    dependent = pair.dependent
    if dependent.variant is Variant.GROUP and dependent.children:
        dependent = dependent.children[0]
    for first in firsts:
        for then in creation.beginnings(steps, dependent, task):
            link(first, then, Link.NEEDS | Link.UNORDERED)


def probe_steps(steps: Steps, one: Instance) -> Iterator[Step]:
    """Yield the probes of everything in a resource."""
    for each in one.primitives():
        places = steps.places[each.index]
        if places is not None:
            yield from places.probes


def apply_groups(steps: Steps, situation: Situation) -> None:
    """Let a member's probes come before the stop of the member that it needs."""
    for group in situation.expansion.all:
        if group.variant is not Variant.GROUP:
            continue
        for before, member in zip(group.children, group.children[1:], strict=False):
            for probe in probe_steps(steps, member):
                for stop in creation.beginnings(steps, before, Task.STOP):
                    link(probe, stop, Link.ORDER)


def probes_before_restarts(steps: Steps, situation: Situation) -> None:
    """Let the probes of a resource come before what needs it is restarted; after settling."""
    for one in situation.expansion.all:
        places = steps.places[one.index]
        if places is None or not places.probes or places.start is None:
            continue
        seen: set[int] = set()
        todo = [places.start]
        while todo:
            for then, flags in todo.pop().after:
                other = then.instance
                if then.index in seen or other is None or other is one:
                    continue
                if not flags & (Link.NEEDS | Link.PULLS_THEN):
                    continue
                if then.task not in {Task.START, Task.NOTHING}:
                    continue
                seen.add(then.index)
                todo.append(then)
                if not other.is_primitive or not then.required or not then.runnable:
                    continue
                there = steps.at(other)
                for probe in places.probes if any_required(there.stops) else ():
                    for stop in there.stops.values():
                        link(probe, stop, Link.ORDER)
                    link(probe, then, Link.ORDER)


def any_required(stops: Mapping[int, Step]) -> bool:
    """Tell whether any of a resource's stops is going to be done."""
    return any(stop.required for stop in stops.values())
