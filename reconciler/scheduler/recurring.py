"""Recurring monitors: which run, which have to be started, changed or cancelled."""

from __future__ import annotations

from reconciler.model import resource
from reconciler.model.action import ActionKind, Task
from reconciler.model.observed import OperationRecord, OperationStatus, Rc
from reconciler.model.reason import Reason, ReasonCode
from reconciler.model.role import Role
from reconciler.scheduler import digest, quorum
from reconciler.scheduler.circumstance import Circumstances
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.nodes import NOWHERE
from reconciler.scheduler.state import State
from reconciler.scheduler.step import Link, Steps, link


def create(steps: Steps, case: Circumstances) -> None:
    """Enter the recurring monitors that are due, and the cancelling of those that are not."""
    recurring = _Recurring(steps, case)
    for one in case.situation.expansion.all:
        if one.is_primitive:
            recurring.enter(one)


class _Recurring:
    def __init__(self, steps: Steps, case: Circumstances) -> None:
        self.steps = steps
        self.situation = case.situation
        self.assignment = case.assignment
        self.settings = case.settings
        self.operations = case.operations
        self.parameters = case.parameters
        self.quorate = case.seen.quorate

    def enter(self, one: Instance) -> None:
        """Enter the recurring monitors of one primitive."""
        standing = self.situation.standing[one.index]
        if one.removed and not (one.orphaned or standing.managed):
            # One too many that is left alone is let be altogether (measured).
            return
        chosen = self.assignment.chosen[one.index]
        # Only maintenance of the node where it counts as active silences it (measured).
        quiet = self._rests(one) or (chosen != NOWHERE and self.situation.nodes[chosen].maintenance)
        wanted = [
            each
            for each in one.definition.operations
            if each.interval_ms and each.enabled and each.name not in {"start", "stop"}
        ]
        seen: set[tuple[str, int]] = set()
        for each in wanted:
            key = (each.name, each.interval_ms)
            if key in seen:
                continue
            seen.add(key)
            if sum(1 for other in wanted if (other.name, other.interval_ms) == key) > 1:
                continue
            if standing.blocked:
                continue
            if each.role is Role.STOPPED:
                # Where it is down it is watched even beside a node in maintenance (measured).
                if not self._rests(one):
                    self._inactive(one, each)
            elif not quiet:
                self._active(one, each)
        self._cancel(one, wanted, quiet=quiet)

    def _active(self, one: Instance, each: resource.Operation) -> None:
        where = self.assignment.chosen[one.index]
        if where == NOWHERE:
            return
        node = self.situation.nodes[where]
        next_role = self.assignment.next_role[one.index]
        if not _fits(each.role, next_role) or not node.reachable:
            return
        standing = self.situation.standing[one.index]
        state = standing.states.get(where)
        step = self.steps.resource(one, Task.MONITOR, where, each.interval_ms)
        step.agent_task = each.name
        if each.name != "monitor":
            step.name = f"{one.name}_{each.name}_{each.interval_ms}"
        step.expected_rc = int(Rc.PROMOTED) if next_role is Role.PROMOTED else 0
        places = self.steps.at(one)
        # A reload starts them anew, whatever they were started with (measured).
        if places.reload is not None or self._due(one, each, where, state):
            step.require(Reason(ReasonCode.RECURRING, one.base))
        places.monitors.append(step)
        if not standing.managed:
            obstacle = quorum.forbids(one, standing, next_role, self.settings, quorate=self.quorate)
            if obstacle is not None:
                step.stop_short(obstacle)
            return
        link(places.start, step, Link.NEEDS | Link.PULLS_THEN)
        link(places.promote, step, Link.NEEDS)
        demote = places.demotes.get(where)
        if demote is not None:
            link(demote, step, Link.NEEDS_IF_REQUIRED)

    def _due(
        self, one: Instance, each: resource.Operation, where: int, state: State | None
    ) -> bool:
        """Tell whether a monitor has to be started: it does not run, or not as it should.

        On a node that is to run nothing it may go on as it is (measured).
        """
        record = state.recurring.get((each.name, each.interval_ms)) if state else None
        if record is None or state is None or record.status is OperationStatus.PENDING:
            return True
        if self.situation.nodes[where].leaves:
            return False
        return state.has_expired(record) or any(
            self._changed(one, each, where, told) for told in _told(state, record)
        )

    def _changed(
        self, one: Instance, each: resource.Operation, where: int, record: OperationRecord
    ) -> bool:
        """Tell whether a monitor was started with other parameters, or does not say with which."""
        found = self.operations.options(one.definition, each.name, each.interval_ms, each)
        extra = digest.beyond(found.params, each.interval_ms, found.timeout_ms)
        return not digest.fits(record.digests, self.parameters.of(one, where), extra)

    def _inactive(self, one: Instance, each: resource.Operation) -> None:
        """Enter a monitor that watches that a resource stays stopped.

        Of an anonymous clone none can tell which instance it has found (measured).
        """
        if _alike(one):
            return
        where = self.assignment.chosen[one.index]
        standing = self.situation.standing[one.index]
        known = self.situation.known.get(one.history_name, {})
        for node in self.situation.nodes:
            if node.index == where or not node.reachable:
                continue
            if node.index in standing.running and not standing.managed:
                continue
            state = known.get(node.index)
            record = state.latest.get((each.name, each.interval_ms)) if state else None
            live = record is not None and record.expected_rc == Rc.NOT_RUNNING
            step = self.steps.resource(one, Task.MONITOR, node.index, each.interval_ms)
            step.expected_rc = int(Rc.NOT_RUNNING)
            if not live or node.index in standing.running:
                step.require(Reason(ReasonCode.RECURRING, one.base))
            places = self.steps.at(one)
            for probe in places.probes if standing.managed else ():
                if probe.node == node.index:
                    link(probe, step, Link.NEEDS)
            link(places.stops.get(node.index), step, Link.NEEDS_IF_REQUIRED)

    def _cancel(self, one: Instance, wanted: list[resource.Operation], *, quiet: bool) -> None:
        """Enter the cancelling of monitors that are not, or no longer, wanted here."""
        standing = self.situation.standing[one.index]
        chosen = self.assignment.chosen[one.index]
        states = self.situation.eventful.get(one.history_name, {})
        if one.in_clone is not None:
            states = standing.states
        written = [(each.name, each.interval_ms) for each in one.definition.operations]
        by_key = {(each.name, each.interval_ms): each for each in reversed(wanted)}
        for where, state in sorted(states.items()):
            if not self.situation.nodes[where].stays:
                continue
            for key in sorted(state.recurring):
                each = by_key.get(key)
                if written.count(key) > 1 and not quiet:
                    continue
                if each is None and (not state.active or state.ended or self._outlived(one, where)):
                    continue
                if where == chosen and each is not None and not quiet:
                    if self._may_misfit(one, each, where, state.recurring[key]):
                        self._cancel_misfit(one, each, where)
                elif each is None or (state.active and self._is_quiet(one, where)):
                    self._cancel_one(one, key, where, removed=each is None)

    def _may_misfit(
        self, one: Instance, each: resource.Operation, where: int, record: OperationRecord
    ) -> bool:
        """Tell whether what was begun may be cancelled as a monitor of another role.

        One that has not answered yet runs in no role. One with other parameters is no monitor of
        today's; but what watches that nothing runs has to go all the same (both measured).
        """
        if record.status is OperationStatus.PENDING:
            return False
        return each.role is Role.STOPPED or not self._changed(one, each, where, record)

    def _is_quiet(self, one: Instance, where: int) -> bool:
        """Tell whether a resource is not watched on a node: maintenance of another counts for nothing.

        A node that is to run nothing is left alone (both measured).
        """
        node = self.situation.nodes[where]
        return (self._rests(one) or node.maintenance) and not node.leaves

    def _rests(self, one: Instance) -> bool:
        return self.settings.maintenance or one.meta.maintenance

    def _outlived(self, one: Instance, where: int) -> bool:
        """Tell whether a monitor that is no longer configured is left to end by itself.

        It does with the stop of a resource that will run nowhere, on a node that is to run nothing,
        and where the whole resource is configured no longer; with ``cancel-removed-actions=false``
        people said so, but a resource in maintenance is left without monitors all the same
        (measured).
        """
        if self.assignment.chosen[one.index] == NOWHERE or self.situation.nodes[where].leaves:
            return True
        if one.removed and one.parent is None:
            return True
        quiet = self.situation.standing[one.index].maintenance
        return not (self.settings.cancel_removed or quiet)

    def _cancel_misfit(self, one: Instance, each: resource.Operation, where: int) -> None:
        """Enter the cancelling of a monitor of another role than the resource is to have.

        One that watches that nothing runs has to go wherever something will, but of an anonymous
        clone it is left alone, as it is never begun; so it is where a failure blocks the resource
        (measured).
        """
        inactive = each.role is Role.STOPPED
        blocked = self.situation.standing[one.index].blocked
        if inactive and (blocked or _alike(one)):
            return
        role = self.assignment.next_role[one.index]
        fits = not inactive and (blocked or _fits(each.role, role))
        if not fits and (inactive or not self._ends(one, where)):
            self._cancel_one(one, (each.name, each.interval_ms), where, inactive=inactive)

    def _ends(self, one: Instance, where: int) -> bool:
        """Tell whether a resource is stopped for its own sake, which ends its monitors.

        Where it is stopped only for the sake of others, they are cancelled all the same; so they
        are where it failed while promoted and does not become so again, and where it is not up
        again since there is no quorum, unless it was redefined (all measured).
        """
        standing = self.situation.standing[one.index]
        sinks = self.assignment.next_role[one.index] is not Role.PROMOTED
        if standing.role is Role.PROMOTED and sinks and standing.failed:
            return False
        places = self.steps.at(one)
        stop, start = places.stops.get(where), places.start
        if start is not None and not (start.runnable or places.redefined):
            return False
        return stop is not None and stop.required and stop.runnable

    def _cancel_one(
        self,
        one: Instance,
        key: tuple[str, int],
        where: int,
        *,
        removed: bool = False,
        inactive: bool = False,
    ) -> None:
        places = self.steps.at(one)
        step = self.steps.add(
            f"{one.name}_cancel_{key[0]}_{key[1]}", ActionKind.RESOURCE, Task.CANCEL, one, where
        )
        step.interval_ms = key[1]
        step.agent_task = key[0]
        step.require(Reason(ReasonCode.CANCELLED, one.base))
        places.cancels.append(step)
        if removed:
            # What migrates is not waited for (measured).
            for stop in places.stops.values() if places.migrate_from is None else ():
                link(stop, step, Link.ORDER)
            return
        # One that watches that nothing runs must end before a start, the others with the role.
        rises = places.start if inactive else places.promote
        for then in (rises, places.demotes.get(where)):
            link(step, then, Link.ORDER)


def _told(state: State, record: OperationRecord) -> list[OperationRecord]:
    """Return the record of a monitor that is live, and of its last failure where that is since."""
    key = (record.operation, record.interval_ms)
    failed = [one for one in state.life if one is state.remembered and one is not record]
    return [record, *(one for one in failed if (one.operation, one.interval_ms) == key)]


def _alike(one: Instance) -> bool:
    """Tell whether it cannot be told from the other instances of its clone."""
    return one.in_clone is not None and not one.unique


def _fits(role: Role | None, next_role: Role) -> bool:
    if role is not None:
        return next_role is role
    return next_role in {Role.STARTED, Role.UNPROMOTED}
