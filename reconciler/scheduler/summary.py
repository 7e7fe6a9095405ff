"""Summary: what the settled steps mean for each instance, in the words of a transition summary."""

from __future__ import annotations

from reconciler.model.plan import Change, ChangeKind
from reconciler.model.reason import Reason, ReasonCode
from reconciler.model.role import Role
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.placement import NOWHERE, Assignment
from reconciler.scheduler.situation import Situation, Standing
from reconciler.scheduler.step import Places, Step, Steps, present


def changes(steps: Steps, situation: Situation, assignment: Assignment) -> tuple[Change, ...]:
    """Return the changes of every primitive instance, in the order of the configuration."""
    summary = _Summary(steps, situation, assignment)
    found: list[Change] = []
    for one in situation.expansion.all:
        if one.is_primitive:
            found.extend(summary.of(one))
    return tuple(found)


class _Summary:
    def __init__(self, steps: Steps, situation: Situation, assignment: Assignment) -> None:
        self.steps = steps
        self.situation = situation
        self.assignment = assignment

    def of(self, one: Instance) -> list[Change]:
        """Return what happens to one primitive."""
        standing = self.situation.standing[one.index]
        places = self.steps.places[one.index]
        target = self.assignment.chosen[one.index]
        next_role = self.assignment.next_role[one.index]
        source = _current(standing, target)
        if places is None or (places.start is None and not places.stops):
            return [self._change(one, ChangeKind.LEAVE, source, target, next_role, None)]
        start = places.start
        if source == NOWHERE:
            return [self._starting(one, places, target, next_role)]
        if target == NOWHERE or start is None:
            return self._stopping(one, places, standing)
        if places.migrate_to is not None and start.required and start.runnable:
            reason = places.migrate_to.reason
            return [self._change(one, ChangeKind.MIGRATE, source, target, next_role, reason)]
        if start.required and (standing.failed or self._stops(places)):
            return self._restarting(one, places, standing, source, target, next_role)
        stop = places.stops.get(source)
        if stop is not None and stop.required:
            return self._stopping(one, places, standing)
        return [self._role_change(one, places, standing, target, next_role)]

    def _stops(self, places: Places) -> bool:
        return any(stop.required for stop in places.stops.values())

    def _starting(self, one: Instance, places: Places, target: int, next_role: Role) -> Change:
        start = present(places.start)
        promoting = next_role is Role.PROMOTED and places.promote is not None
        kind = ChangeKind.PROMOTE if promoting else ChangeKind.START
        if not start.required:
            return self._change(one, ChangeKind.LEAVE, NOWHERE, NOWHERE, Role.STOPPED, None)
        blocked = not start.runnable
        decisive: Step = start
        if promoting and places.promote is not None and not places.promote.runnable:
            blocked, decisive = True, start if blocked else places.promote
        reason = decisive.blocked if blocked else decisive.reason
        return self._change(one, kind, NOWHERE, target, next_role, reason, blocked=blocked)

    def _stopping(self, one: Instance, places: Places, standing: Standing) -> list[Change]:
        found = []
        for where, stop in places.stops.items():
            if not stop.required or not standing.managed:
                continue
            blocked = not stop.runnable
            start = places.start
            reason = stop.blocked if blocked else stop.reason
            if start is not None and not start.runnable and not blocked:
                reason = start.blocked or reason
            role = standing.states[where].role
            found.append(
                Change(
                    resource=one.base,
                    kind=ChangeKind.STOP,
                    instance=one.number,
                    source=self.situation.nodes[where].name,
                    role=role,
                    reason=reason,
                    blocked=blocked,
                    origin=one.origin,
                )
            )
        return found or [
            self._change(
                one,
                ChangeKind.LEAVE,
                _current(standing, NOWHERE),
                NOWHERE,
                standing.role,
                standing.unmanaged_by,
            )
        ]

    def _restarting(
        self,
        one: Instance,
        places: Places,
        standing: Standing,
        source: int,
        target: int,
        next_role: Role,
    ) -> list[Change]:
        start = present(places.start)
        if not start.runnable:
            return self._stopping(one, places, standing)
        failed = standing.failed
        moving = source != target
        if failed:
            kind = ChangeKind.RECOVER
        else:
            kind = ChangeKind.MOVE if moving else ChangeKind.RESTART
        stop = places.stops.get(source)
        reason = stop.reason if stop is not None and stop.reason else start.reason
        return [self._change(one, kind, source, target, next_role, reason)]

    def _role_change(
        self, one: Instance, places: Places, standing: Standing, target: int, next_role: Role
    ) -> Change:
        role = standing.states[target].role if target in standing.states else standing.role
        demote = places.demotes.get(target)
        demoting = demote is not None and demote.required
        promoting = places.promote is not None and places.promote.required
        if demoting and promoting and places.promote is not None:
            kind, step = ChangeKind.RE_PROMOTE, places.promote
            if not places.promote.runnable:
                kind, next_role = ChangeKind.DEMOTE, Role.UNPROMOTED
        elif promoting and places.promote is not None:
            kind, step = ChangeKind.PROMOTE, places.promote
        elif demoting and demote is not None:
            kind, step = ChangeKind.DEMOTE, demote
        else:
            return self._change(
                one, ChangeKind.LEAVE, target, target, next_role, standing.unmanaged_by
            )
        blocked = not step.runnable and kind is not ChangeKind.RE_PROMOTE
        reason = step.blocked if blocked else step.reason
        change = self._change(one, kind, target, target, next_role, reason, blocked=blocked)
        del role
        return change

    def _change(
        self,
        one: Instance,
        kind: ChangeKind,
        source: int,
        target: int,
        next_role: Role,
        reason: Reason | None,
        *,
        blocked: bool = False,
    ) -> Change:
        standing = self.situation.standing[one.index]
        nodes = self.situation.nodes
        role = standing.role if source != NOWHERE else Role.STOPPED
        if kind is ChangeKind.LEAVE and reason is None and source == NOWHERE:
            if one.meta.target_role is not Role.STOPPED and not one.removed:
                reason = Reason(ReasonCode.NO_NODE, one.base, origin=one.origin)
        return Change(
            resource=one.base,
            kind=kind,
            instance=one.number,
            source="" if source == NOWHERE else nodes[source].name,
            target="" if target == NOWHERE else nodes[target].name,
            role=role,
            next_role=next_role,
            reason=reason,
            blocked=blocked,
            origin=one.origin,
        )


def _current(standing: Standing, target: int) -> int:
    if not standing.running:
        return NOWHERE
    return target if target in standing.running else standing.running[0]
