"""Summary: what the settled steps mean for each instance, in the words of a transition summary."""

from __future__ import annotations

import dataclasses
import operator

from reconciler.frozen import frozen
from reconciler.model.plan import Change, ChangeKind
from reconciler.model.reason import Reason, ReasonCode
from reconciler.model.role import Role
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.nodes import NOWHERE
from reconciler.scheduler.placement import Assignment
from reconciler.scheduler.situation import Situation, Standing
from reconciler.scheduler.step import Places, Steps, present


def changes(steps: Steps, situation: Situation, assignment: Assignment) -> tuple[Change, ...]:
    """Return the changes of every primitive instance, in the order of the configuration."""
    summary = _Summary(steps, situation, assignment)
    found: list[Change] = []
    for one in situation.expansion.all:
        if one.is_primitive:
            found.extend(summary.of(one))
    return tuple(found)


@frozen
class _Move:
    """From where to where an instance goes, and what it becomes."""

    one: Instance
    source: int
    target: int
    next_role: Role


class _Summary:
    def __init__(self, steps: Steps, situation: Situation, assignment: Assignment) -> None:
        self.steps = steps
        self.situation = situation
        self.assignment = assignment

    def of(self, one: Instance) -> list[Change]:
        """Return what happens to one primitive."""
        standing = self.situation.standing[one.index]
        places = self.steps.places[one.index]
        move = _Move(
            one,
            _current(standing),
            self.assignment.chosen[one.index],
            self.assignment.next_role[one.index],
        )
        if places is None or (places.start is None and not places.stops):
            return [self._change(move, ChangeKind.LEAVE, None)]
        if move.source == NOWHERE:
            return [self._starting(move, places)]
        start = places.start
        if start is not None and start.required:
            if places.migrate_from is not None and start.runnable:
                # What gets another role on its way is told to move (measured).
                turns = one.promotable and move.next_role is not self.situation.role(one)
                kind = ChangeKind.MOVE if turns else ChangeKind.MIGRATE
                return [self._change(move, kind, places.migrate_from.reason)]
            # It left, and may have arrived here.
            again = move.source == move.target and standing.role is Role.STOPPED
            if start.runnable and (again or standing.spent or self._stops(places, standing)):
                return [self._restarting(move, places, standing)]
        if move.target == NOWHERE or self._stops(places, standing):
            return self._stopping(move, places, standing)
        return [self._role_change(move, places, standing)]

    def _stops(self, places: Places, standing: Standing) -> bool:
        told = standing.running or standing.dangling
        return any(stop.required for where, stop in places.stops.items() if where in told)

    def _starting(self, move: _Move, places: Places) -> Change:
        start = present(places.start)
        promoting = move.next_role is Role.PROMOTED and places.promote is not None
        kind = ChangeKind.PROMOTE if promoting else ChangeKind.START
        if not start.required:
            nowhere = dataclasses.replace(move, target=NOWHERE, next_role=Role.STOPPED)
            return self._change(nowhere, ChangeKind.LEAVE, None)
        if not start.runnable:
            return self._change(move, kind, start.blocked, blocked=True)
        if promoting and not present(places.promote).runnable:
            return self._change(move, kind, present(places.promote).blocked, blocked=True)
        return self._change(move, kind, start.reason)

    def _stopping(self, move: _Move, places: Places, standing: Standing) -> list[Change]:
        """Return the stops, that where it is told to be first if it only cannot start again."""
        one, start = move.one, places.start
        again = start is not None and start.required
        found = []
        for where, stop in places.stops.items():
            left = where not in standing.running
            if not stop.required or not standing.managed or (left and standing.running):
                continue
            blocked = not stop.runnable
            reason = stop.blocked if blocked else stop.reason
            if start is not None and not start.runnable and not blocked:
                reason = start.blocked or reason
            found.append(
                Change(
                    resource=one.base,
                    kind=ChangeKind.STOP,
                    instance=one.number,
                    source=self.situation.nodes[where].name,
                    role=self.situation.role(one),
                    reason=reason,
                    blocked=blocked,
                    further=again and where != move.source,
                    origin=one.origin,
                )
            )
        found.sort(key=operator.attrgetter("further"))
        stays = dataclasses.replace(move, target=move.source, next_role=standing.role)
        return found or [self._change(stays, ChangeKind.LEAVE, standing.unmanaged_by)]

    def _restarting(self, move: _Move, places: Places, standing: Standing) -> Change:
        kind = ChangeKind.RECOVER
        if not standing.failed:
            kind = ChangeKind.RESTART if move.source == move.target else ChangeKind.MOVE
        stop = places.stops.get(move.source)
        reason = stop.reason if stop is not None and stop.reason else present(places.start).reason
        return self._change(move, kind, reason)

    def _role_change(self, move: _Move, places: Places, standing: Standing) -> Change:
        if places.postponed is not None:
            return self._change(move, ChangeKind.RESTART, places.postponed, blocked=True)
        demote = places.demotes.get(move.target)
        demoting = demote is not None and demote.required
        promoting = places.promote is not None and places.promote.required
        move = dataclasses.replace(move, source=move.target)
        # A step that others ask for leads to no other role than the one that it keeps (measured).
        keeps = move.next_role is standing.role and not (demoting and promoting)
        if not standing.managed or not (demoting or promoting) or keeps:
            if places.reload is not None and places.reload.required:
                return self._change(move, ChangeKind.RELOAD, places.reload.reason)
            return self._change(move, ChangeKind.LEAVE, standing.unmanaged_by)
        kind = ChangeKind.PROMOTE if promoting else ChangeKind.DEMOTE
        step = present(places.promote if promoting else demote)
        if demoting and promoting:
            kind = ChangeKind.RE_PROMOTE
            if not step.runnable:
                step, kind = present(demote), ChangeKind.DEMOTE
                move = dataclasses.replace(move, next_role=Role.UNPROMOTED)
        reason = step.reason if step.runnable else step.blocked
        return self._change(move, kind, reason, blocked=not step.runnable)

    def _change(
        self, move: _Move, kind: ChangeKind, reason: Reason | None, *, blocked: bool = False
    ) -> Change:
        one, source = move.one, move.source
        nodes = self.situation.nodes
        idle = kind is ChangeKind.LEAVE and reason is None and source == NOWHERE
        if idle and one.meta.target_role is not Role.STOPPED and not one.removed:
            reason = Reason(ReasonCode.NO_NODE, one.base, origin=one.origin)
        return Change(
            resource=one.base,
            kind=kind,
            instance=one.number,
            source="" if source == NOWHERE else nodes[source].name,
            target="" if move.target == NOWHERE else nodes[move.target].name,
            role=Role.STOPPED if source == NOWHERE else self.situation.role(one),
            next_role=move.next_role,
            reason=reason,
            blocked=blocked,
            origin=one.origin,
        )


def _current(standing: Standing) -> int:
    """Return where an instance is told to be, or to have been left."""
    if not standing.running:
        return standing.dangling[0] if standing.dangling else NOWHERE
    if standing.partial is not None and standing.partial[1] in standing.running:
        return standing.partial[1]
    return standing.running[0]
