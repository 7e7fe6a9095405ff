"""Sequences: order constraints lowered to pairs, one task of a resource before one of another.

Pacemaker Explained, "Specifying the order in which resources should start/stop" and "Ordering sets
of resources"; what a pair does to steps is told in ``ordering``.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator

from reconciler.errors import position
from reconciler.frozen import frozen
from reconciler.model import constraint, desired
from reconciler.model.action import Task
from reconciler.model.constraint import OrderKind
from reconciler.scheduler import colocation, location
from reconciler.scheduler.expansion import Expansion
from reconciler.scheduler.instance import Instance


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    """One task before another, of two resources.

    Attributes:
        require_all: whether every instance of a clone ``first`` must be up.
        alternatives: resources of a set of which one suffices instead of ``first``.
        held: those of them that stop after ``then``: of a sequence the last.
        finds: whether a probe counts as a stop would, since what it finds may have to be stopped.
        restarts: whether ``then`` does its task anew where ``first`` does.
        in_set: whether it is of a set, which asks for no clone's minimum (measured).
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
    held: tuple[Instance, ...] = ()
    finds: bool = True
    restarts: bool = True
    in_set: bool = False

    @property
    def least(self) -> int:
        """How many instances of a clone ``first`` must be up; 0: nothing is said of it."""
        return 0 if self.in_set else self.first.spread.minimum


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


@frozen
class _Members:
    """A set with its resources resolved."""

    written: constraint.ResourceSet
    task: Task
    resources: tuple[Instance, ...]


def _sets(
    expansion: Expansion, wanted: desired.Desired, one: constraint.OrderSets
) -> Iterator[Sequence]:
    previous: _Members | None = None
    for each in one.sets:
        resources = tuple(colocation.members_of(expansion, wanted, each))
        members = _Members(each, _task(each.action), resources)
        for first, then in _in_sequence(one, members):
            yield _of_set(one, first, then, (members, members))
        if previous is not None and resources:
            yield from _between(one, previous, members)
        previous = members if resources else previous


def _in_sequence(
    one: constraint.OrderSets, members: _Members
) -> Iterable[tuple[Instance, Instance]]:
    """Return the pairs in a set; what is kept apart is so from all of it, in any set (measured)."""
    if one.kind is OrderKind.SERIALIZE:
        return itertools.combinations(members.resources, 2)
    return itertools.pairwise(members.resources) if members.written.in_sequence else ()


def _of_set(
    one: constraint.OrderSets, first: Instance, then: Instance, sets: tuple[_Members, _Members]
) -> Sequence:
    return Sequence(
        id=one.id,
        first=first,
        first_task=sets[0].task,
        then=then,
        then_task=sets[1].task,
        kind=one.kind,
        symmetrical=_symmetrical(one.symmetrical, one.kind),
        require_all=sets[0].written.require_all,
        origin=one.origin,
        in_set=True,
    )


def _between(one: constraint.OrderSets, earlier: _Members, later: _Members) -> Iterator[Sequence]:
    """Yield the pairs between two sets.

    It is all of one with all of the other, but of what is said to be in sequence only the last and
    the first. Where one of the earlier is enough, each of the later waits for it, and those that
    are up stop without it in an order one way only, too (all measured).
    """
    lasts = earlier.resources[-1:] if earlier.written.sequential else earlier.resources
    heads = later.resources[:1] if later.written.sequential else later.resources
    if not earlier.written.require_all:
        for then in later.resources:
            pair = _of_set(one, earlier.resources[0], then, (earlier, later))
            held = lasts if then in heads else ()
            yield dataclasses.replace(pair, alternatives=earlier.resources, held=held)
        return
    for first, then in itertools.product(lasts, heads):
        yield _of_set(one, first, then, (earlier, later))
