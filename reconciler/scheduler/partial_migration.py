"""Live migrations that were left half done: what one node's history says of the other node.

A migration is two operations on two nodes, so neither history is the whole truth (all measured):
what left may have arrived, what did not arrive may still be where it left. "Since" goes by time,
as operations on different nodes have no other order.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING

from reconciler.frozen import frozen
from reconciler.model.observed import OperationRecord, OperationStatus
from reconciler.model.resource import OnFail
from reconciler.model.role import Role
from reconciler.scheduler import history
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.nodes import Node
from reconciler.scheduler.state import IDLE, State

if TYPE_CHECKING:
    from reconciler.scheduler.situation import Situation

_TELLING = frozenset({"start", "stop", "monitor"})
"""Operations after which it is known whether a resource runs; a failed arrival is one, too."""


def settle(situation: Situation, names: Iterable[str]) -> None:
    """Find out where resources are that were migrated.

    Args:
        situation: what the histories said one by one; it is changed.
        names: history names of resources in whose histories is a migration.
    """
    for name in sorted(names):
        one = situation.expansion.by_name.get(name)
        if one is None or not one.is_primitive or (one.in_clone is not None and not one.unique):
            _look_after(situation, name)
            continue
        review = _Review(situation, one)
        for where in review.read:
            review.leaving(where)
            review.arriving(where)


def _look_after(situation: Situation, name: str) -> None:
    """Find out which instances of an anonymous clone went to a node that is not there.

    They cannot be told apart, so nothing else follows from what others say (measured).
    """
    places = {node.name: node for node in situation.nodes}
    for state in situation.eventful.get(name, {}).values():
        record = state.departed
        if record is not None and not state.failure_of(record):
            target = places.get(record.target)
            if target is None or not _is_there(target):
                _fail(state, record)


@frozen
class _Trip:
    """A departure, and what the node says of it that it went to.

    Attributes:
        came: the arrival there, if it is on record.
        asked: that node answers, and was asked about the resource before.
        silent: it was, but not since the departure.
        over: nobody minds any more that it did not arrive well, but it may be there (measured).
    """

    source: int
    target: Node
    record: OperationRecord
    came: OperationRecord | None
    asked: bool
    silent: bool
    over: bool

    @property
    def open(self) -> bool:
        """Whether nobody can say if it arrived."""
        return self.silent and self.came is None

    @property
    def pending(self) -> bool:
        """Whether the arrival is under way."""
        return self.came is not None and self.came.status is OperationStatus.PENDING


class _Review:
    """One resource's migrations; lives inside ``settle`` only.

    Attributes:
        read: numbers of the nodes that say more than most, in the order in which they are recorded.
    """

    def __init__(self, situation: Situation, one: Instance) -> None:
        self.situation = situation
        self.one = one
        self.standing = situation.standing[one.index]
        self.read = tuple(situation.eventful.get(one.history_name, ()))
        self.states = situation.known[one.history_name]
        self.places = {node.name: node for node in situation.nodes}

    def leaving(self, where: int) -> None:
        """Draw the consequences of an operation that sent it to another node."""
        state = self.states[where]
        self._under_way(where, state)
        record = state.departed
        target = None if record is None else self.places.get(record.target)
        if record is not None and target is not None:
            self._left(state, self._trip(where, target, record))
        elif record is not None and not (state.moved_on or state.failure_of(record)):
            _fail(state, record)

    def _left(self, state: State, trip: _Trip) -> None:
        """Draw the consequences of a departure to a node of the cluster."""
        other = self._told_by(trip.target)
        if state.failure_of(trip.record):
            self._stuck(trip, other)
        elif state.moved_on:
            if trip.open:
                self._may_run(trip.target, told_by=trip.source, after=True)
                self.states[trip.target.index].spent = True
        elif trip.over:
            self._may_run(trip.target, told_by=trip.source)
        elif trip.came is not None and _went_well(other, trip.came):
            self._dangle(trip.source)
        elif trip.open or (trip.asked and trip.pending):
            self._half(trip.source, trip.target)
        elif other is not None or not _is_there(trip.target):
            _fail(state, trip.record)
            if trip.came is not None and other is not None and other.active:
                self._told_first(trip.source, trip.target)

    def _told_by(self, target: Node) -> State | None:
        """Return what a node says; nothing yet while something is under way for the first time."""
        found = self.states.get(target.index)
        waits = found is not None and found.pending and not (found.known or found.active)
        return None if waits else found

    def _trip(self, where: int, target: Node, record: OperationRecord) -> _Trip:
        """Return what there is to say of a departure."""
        other = self._told_by(target)
        came = _arrival(other, self.situation.nodes[where])
        asked = other is not None and _is_there(target)
        over = came is not None and self.states[target.index].has_expired(came)
        told_twice = over and came is not None and self._told_since(came, target)
        return _Trip(
            where,
            target,
            record,
            came=None if told_twice else came,
            asked=asked,
            silent=asked and self._silent_since(record, target),
            over=over and asked and not told_twice,
        )

    def _under_way(self, where: int, state: State) -> None:
        """Have it stopped on the node that it is going to, where the one that it left is lost."""
        target = self.places.get(state.migrating_to)
        if target is not None and target.answers and self._is_lost(self.situation.nodes[where]):
            if target.index not in self.standing.running:
                self.standing.dangling.append(target.index)
            self.standing.states.setdefault(target.index, IDLE)

    def _is_lost(self, node: Node) -> bool:
        """Tell whether a node has to be fenced, by what is recorded of it before this (measured)."""
        if node.unclean is not None or node.online:
            return node.unclean is not None
        histories = node.observed.histories
        place = histories[self.one.history_name].place
        return any(
            self.situation.known[name][node.index].active
            for name, found in histories.items()
            if found.place < place and node.index in self.situation.known.get(name, ())
        )

    def _stuck(self, trip: _Trip, other: State | None) -> None:
        """Draw the consequences of a departure that failed: it may have gone all the same."""
        came = trip.came
        if trip.open or (trip.silent and came is not None and _failed(other, came)):
            self._may_run(trip.target, told_by=trip.source, role=self.states[trip.source].role)
        if came is not None and other is not None and other.active:
            self._told_first(trip.source, trip.target)

    def arriving(self, where: int) -> None:
        """Draw the consequences of an arrival that failed: it may still be where it came from."""
        state = self.states[where]
        record = state.arrived
        source = None if record is None else self.places.get(record.source)
        if record is None or source is None or not source.online:
            return
        other = self.states.get(source.index)
        if other is None or not state.failure_of(record):
            return
        if other.migrating_to == self.situation.nodes[where].name:
            return  # It has not left, as far as is known there.
        sent = other.departed
        if sent is not None and not other.failure_of(sent):
            if other.active:
                self._told_first(where, source)
            return
        if self._silent_since(record, source):
            self._may_run(source, told_by=where, role=state.role)

    def _half(self, source: int, target: Node) -> None:
        """Note that it left, and that nothing says that it has not arrived.

        Where it is known to be gone from, it must be started properly.
        """
        self._may_run(target, told_by=source, after=True)
        if self.states[source].active:
            self.standing.partial = (source, target.index)
        else:
            self.states[target.index].spent = True

    def _dangle(self, where: int) -> None:
        """Note that it arrived elsewhere, and that what is left behind must be stopped."""
        state = self.states[where]
        if state.returned:
            return
        state.role = Role.STOPPED
        standing = self.standing
        if where in standing.running:
            standing.running.remove(where)
        if not standing.running:
            standing.role = Role.STOPPED
        standing.dangling.append(where)

    def _told_first(self, teller: int, node: Node) -> None:
        """Look earlier at a node of which another told that was recorded before it."""
        if self.read.index(teller) < self.read.index(node.index):
            self.standing.running.remove(node.index)
            self._count_in(node, teller)

    def _count_in(self, node: Node, teller: int) -> None:
        """Count a resource as running on a node, before the one that told of it (measured)."""
        earlier = set(self.read[: self.read.index(teller)])
        running = self.standing.running
        running.insert(sum(where in earlier for where in running), node.index)

    def _may_run(
        self, node: Node, *, told_by: int, after: bool = False, role: Role = Role.STARTED
    ) -> None:
        """Count a resource as running on a node, before or after the one that told of it."""
        state = self.states[node.index]
        running = self.standing.running
        if state.active:
            if not after:
                running.remove(node.index)
                self._count_in(node, told_by)
            return
        role = Role.STARTED if role not in {Role.UNKNOWN, Role.STOPPED} else Role.STOPPED
        state = dataclasses.replace(state, role=role, reprobe=state.doubted)
        self.states[node.index] = state
        self.standing.states[node.index] = state
        self.situation.eventful.setdefault(self.one.history_name, {})[node.index] = state
        if after and told_by in running:
            running.insert(running.index(told_by) + 1, node.index)
        else:
            self._count_in(node, told_by)
        if role is Role.STARTED and self.standing.role in {Role.UNKNOWN, Role.STOPPED}:
            self.standing.role = Role.STARTED

    def _told_since(self, came: OperationRecord, target: Node) -> bool:
        """Tell whether a node was asked since an arrival, or has another one on record."""
        found = target.observed.histories[self.one.history_name].operations
        return any(
            one.operation == "migrate_from" or (one.operation in _TELLING and one.call > came.call)
            for one in found
            if one is not came
        )

    def _silent_since(self, record: OperationRecord, node: Node) -> bool:
        """Tell whether a node has not told since an operation if the resource runs there.

        Migrations left out; of an operation without a time nobody knows what came after it.
        """
        if not record.changed_at:
            return True
        found = node.observed.histories[self.one.history_name].operations
        told = [
            one.changed_at
            for one in history.in_order(found)
            if one.operation in _TELLING or (one.operation == "migrate_from" and one.rc)
        ]
        return not told or told[-1] < record.changed_at


def _fail(state: State, record: OperationRecord) -> None:
    """Count a migration that did not get through as a failure, unless it was seen stopped."""
    if state.active and not state.failed:
        state.failed = state.spent = True
        state.on_fail, state.failure = state.on_fail or OnFail.RESTART, record


def _is_there(node: Node) -> bool:
    """Tell whether a node may say something; of one that is joining it is on record (measured)."""
    return node.online and node.unclean is None


def _arrival(state: State | None, source: Node) -> OperationRecord | None:
    """Return the arrival from a node that is on record."""
    if state is None or state.arrived is None or state.arrived.source != source.name:
        return None
    return state.arrived


def _failed(state: State | None, record: OperationRecord) -> bool:
    return state is not None and state.failure_of(record)


def _went_well(state: State | None, record: OperationRecord) -> bool:
    pending = record.status is OperationStatus.PENDING
    return state is not None and not pending and not state.failure_of(record)
