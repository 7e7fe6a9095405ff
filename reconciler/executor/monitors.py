"""Recurring monitors: run here on a fixed beat, told only when what they say has changed.

A monitor is due at its first start plus whole intervals, however long a run takes; a beat that
falls into an action or another monitor of the resource runs right after it, and beats missed
meanwhile are not made up for. Parameters are in memory only: after a restart of the daemon no
monitor is scheduled, and the history holds no entry that says otherwise.
"""

from __future__ import annotations

import sys
from typing import Any, Dict, List, Optional, Tuple

from reconciler.executor import (
    agents,
    clock,
    dialects,
    output,
    programs,
    recording,
    request,
    slots,
)
from reconciler.executor import loop as event_loop
from reconciler.executor import node as shared
from reconciler.executor import operation as op

MONITORS_MAX = 4096
_LAUNCH_FAILURES_IGNORED = 1  # a passing lack of processes is not the resource's failure
Key = Tuple[str, str, int]


class Scheduled:
    """One recurring monitor.

    Args:
        act: The request that scheduled it.
        agent: The resolved agent.
        started: Monotonic time of its first run: the beat.
    """

    __slots__ = ("act", "agent", "cancelled", "due", "last_run_at", "launch_failures", "timer")

    def __init__(self, act: request.Act, agent: agents.Agent, started: float) -> None:
        self.act = act
        self.agent = agent
        self.due = started
        self.cancelled = False
        self.last_run_at = 0.0
        self.launch_failures = 0
        self.timer: Optional[event_loop.Timer] = None


class Monitors:
    """All recurring monitors of this node."""

    def __init__(
        self, node: shared.Node, free: slots.Slots, cap: slots.Cap, runner: programs.Programs
    ) -> None:
        self._node = node
        self._slots = free
        self._cap = cap
        self._programs = runner
        self._scheduled: Dict[Key, Scheduled] = {}
        self._overdue: List[Scheduled] = []
        cap.on_free = self.pump

    def schedule(self, act: request.Act, agent: agents.Agent, started: float) -> None:
        """Run this monitor on its beat, whose first run began at `started` (monotonic)."""
        self.cancel(act.resource, act.key())
        scheduled = Scheduled(act, agent, started)
        self._scheduled[(act.resource, *act.key())] = scheduled
        self._arm(scheduled)

    def full(self) -> bool:
        """Return whether no more can be scheduled."""
        return len(self._scheduled) >= MONITORS_MAX

    def cancel(self, resource: str, key: op.Key) -> None:
        """Stop a monitor; what a run under way says is ignored."""
        scheduled = self._scheduled.pop((resource, *key), None)
        if scheduled is None:
            return
        scheduled.cancelled = True
        if scheduled.timer is not None:
            scheduled.timer.cancel()
        if scheduled in self._overdue:
            self._overdue.remove(scheduled)

    def cancel_resource(self, resource: str) -> None:
        """Stop all monitors of a resource."""
        for name, operation, interval_ms in list(self._scheduled):
            if name == resource:
                self.cancel(name, (operation, interval_ms))

    def stop(self) -> None:
        """Stop all: the daemon is going down."""
        for name, operation, interval_ms in list(self._scheduled):
            self.cancel(name, (operation, interval_ms))

    def shown(self) -> List[Dict[str, Any]]:
        """Return what is scheduled, as `observe` shows it."""
        return [
            {
                "resource": resource,
                "operation": operation,
                "interval_ms": interval_ms,
                "last_run_at": scheduled.last_run_at or None,
            }
            for (resource, operation, interval_ms), scheduled in sorted(self._scheduled.items())
        ]

    def pump(self) -> None:
        """Start what is due and may run; called whenever something has become free."""
        for scheduled in tuple(self._overdue):
            if not self._slots.free_for_monitor(scheduled.act.resource):
                continue
            if not self._cap.try_take():
                return
            self._overdue.remove(scheduled)
            self._slots.begin_monitor(scheduled.act.resource)
            self._node.loop.background(self._round(scheduled))

    def _arm(self, scheduled: Scheduled) -> None:
        interval_s = scheduled.act.interval_ms / 1000
        late_s = clock.monotonic() - scheduled.due
        scheduled.due += interval_s * max(1, int(late_s / interval_s) + 1)
        scheduled.timer = self._node.loop.call_at(scheduled.due, lambda: self._due(scheduled))

    def _due(self, scheduled: Scheduled) -> None:
        if not scheduled.cancelled:
            self._overdue.append(scheduled)
            self.pump()

    async def _round(self, scheduled: Scheduled) -> None:
        try:
            await self._once(scheduled)
        finally:
            self._slots.end_monitor(scheduled.act.resource)
            self._cap.give()
            self.pump()
            if not scheduled.cancelled:
                self._arm(scheduled)

    async def _once(self, scheduled: Scheduled) -> None:
        act = scheduled.act
        program = dialects.prepare(scheduled.agent, act.call(), self._node.surroundings)
        began, started_at = clock.monotonic(), clock.wall()
        try:
            finished = await self._programs.run(program, act.timeout_ms)
        except OSError as error:
            scheduled.launch_failures += 1
            print(f"monitor of {act.resource}: {error}", file=sys.stderr, flush=True)  # noqa: T201  the daemon's log
            if scheduled.launch_failures <= _LAUNCH_FAILURES_IGNORED:
                return
            result = dialects.Result(op.ERROR, op.RC_GENERIC, f"not started: {error}", "")
        else:
            scheduled.launch_failures = 0
            written = (finished.stdout, finished.stderr)
            result = dialects.result(scheduled.agent, act.operation, finished.ending, written)
        scheduled.last_run_at = started_at
        if not scheduled.cancelled:
            await self._note(scheduled, result, started_at, clock.monotonic() - began)

    async def _note(
        self, scheduled: Scheduled, result: dialects.Result, started_at: float, took_s: float
    ) -> None:
        """Record and push a result that differs from the last one."""
        act, history = scheduled.act, self._node.history
        known = history.resources.get(act.resource)
        before = None if known is None else known.entries.get(act.key())
        if before is None or (before["rc"], before["status"]) == (result.rc, result.status):
            return
        operation = dict(before)
        secrets = act.secrets()
        operation.update(
            call=history.next_call(),
            rc=result.rc,
            status=result.status,
            reason=output.redacted(result.reason, secrets),
            output=output.redacted(result.output, secrets),
            queued_at=started_at,
            started_at=started_at,
            ended_at=clock.wall(),
            exec_ms=round(took_s * 1000),
        )
        await recording.record(self._node, operation)
