"""Execute one transition: begin what is ready, record what came of it, stop at the first surprise.

A surprise is anything that the plan does not know of: an outcome that is not success, an event that
is not ours, a node lost, lease or quorum lost. Nothing more is begun then; what is in flight ends by
itself or by its own time-out; and the caller looks anew. A failed fencing is no surprise: the actions
that wait for it cannot begin, and the rest of the plan is as right as before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from reconciler.controller import perform
from reconciler.controller.session import Session, View
from reconciler.model import action, outcome, plan
from reconciler.transition import limits, machine

STOPPED = "asked to stop"
OUT_OF_TIME = "out of time"


class Execution:
    """One transition on its way; ``run`` it once."""

    def __init__(self, session: Session, view: View, due: plan.Plan) -> None:
        self._session = session
        self._view = view
        self._limits = limits.of(session.wanted)
        self._flying: dict[asyncio.Task[outcome.Outcome], str] = {}
        self.transition = machine.begin(due)

    async def run(self, *, stop: asyncio.Event, until: float) -> machine.Transition:
        """Go as far as it goes.

        Args:
            stop: when set, nothing more is begun.
            until: monotonic time at which nothing more is begun.
        """
        signals: list[asyncio.Task[object]] = [
            asyncio.ensure_future(self._session.alarm.wait()),
            asyncio.ensure_future(stop.wait()),
        ]
        try:
            while True:
                self._judge(stop=stop, until=until)
                self._begin_ready()
                if not self._flying:
                    return self.transition
                if not await self._next(signals, until):
                    return self.transition
        finally:
            await _ended([*signals, *self._flying])

    def _judge(self, *, stop: asyncio.Event, until: float) -> None:
        """Abort where there is a reason to."""
        session = self._session
        if session.lease is not None and session.lease.lost:
            self._abort(session.lease.lost)
        if not session.may_act():
            self._abort("lease or quorum are not held any more")
        if session.alarm.rung:
            self._abort(session.alarm.reason)
        if stop.is_set():
            self._abort(STOPPED)
        if session.context.clock.monotonic() >= until:
            self._abort(OUT_OF_TIME)

    def _abort(self, reason: str) -> None:
        if not self.transition.aborted:
            self._session.context.progress.note(f"no further actions: {reason}")
        self.transition = machine.abort(self.transition, reason)

    def _begin_ready(self) -> None:
        for step in machine.ready(self.transition, self._limits):
            self.transition = machine.dispatch(self.transition, step.key)
            task = asyncio.ensure_future(perform.perform(self._session, self._view, step))
            self._flying[task] = step.key

    async def _next(self, signals: list[asyncio.Task[object]], until: float) -> bool:
        """Wait for something to happen; false where waiting any longer makes no sense."""
        aborted = self.transition.aborted
        bounds = self._session.context.bounds
        if aborted in {STOPPED, OUT_OF_TIME}:
            timeout: float | None = bounds.drain_s
        elif aborted:
            timeout = None
        else:
            timeout = max(0.0, until - self._session.context.clock.monotonic())
        waited = [*self._flying, *([] if aborted else signals)]
        done, _ = await asyncio.wait(waited, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        for task in [task for task in self._flying if task in done]:
            self._record(self._flying.pop(task), task.result())
        return bool(done) or not aborted

    def _record(self, key: str, result: outcome.Outcome) -> None:
        step = self.transition.actions[key]
        self.transition = machine.record(self.transition, key, result)
        if not result.ok and step.kind is not action.ActionKind.FENCE:
            self._abort(f"{key}: {result.kind.value}")


async def _ended(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel what is left, and see it end."""
    left = list(tasks)
    for task in left:
        task.cancel()
    await asyncio.wait(left)
