"""A session: connections, what was last seen, the lease while one acts, and the alarm.

The alarm rings when something happens that the plan in execution does not know of. It carries no
decision: whoever hears it stops beginning actions and looks anew.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from reconciler.controller import capability, fold, lease, observe, quorum, records
from reconciler.controller.context import Context
from reconciler.errors.diagnostic import InvalidInputError
from reconciler.frozen import frozen
from reconciler.model import desired as desired_model
from reconciler.model import observed as observed_model
from reconciler.ports import fencing, nodes

_RESTORE_S = 20.0
"""How long the end of a session waits for fenced nodes to be switched on again."""

_OWN_ATTRIBUTES = ("fail-count-", "last-failure-")
"""Attributes that only change together with an operation, which is told by itself."""


class Alarm:
    """Rings when the world is not what the present plan was made from."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.reason = ""

    @property
    def rung(self) -> bool:
        """Whether it has rung since it was last cleared."""
        return self._event.is_set()

    def ring(self, reason: str) -> None:
        """Ring; the first reason is kept."""
        self.reason = self.reason or reason
        self._event.set()

    def clear(self) -> None:
        """Be silent: what rang will be seen by the observation that follows."""
        self.reason = ""
        self._event.clear()

    async def wait(self) -> None:
        """Wait until it rings."""
        await self._event.wait()


@frozen
class View:
    """One look at the cluster."""

    reports: Mapping[str, nodes.NodeReport | None]
    known: records.Records
    observed: observed_model.Observed

    @property
    def silent(self) -> tuple[str, ...]:
        """The nodes that do not answer, sorted."""
        return tuple(sorted(name for name, report in self.reports.items() if report is None))

    @property
    def running(self) -> tuple[tuple[str, nodes.Running], ...]:
        """What executors carry out right now, recurring monitors left out."""
        return tuple(
            (name, one)
            for name, report in sorted(self.reports.items())
            if report is not None
            for one in report.running
            if not one.interval_ms
        )


class Session:
    """What one run of the controller holds open; made by ``opened``."""

    def __init__(self, context: Context, wanted: desired_model.Desired) -> None:
        self.context = context
        self.alarm = Alarm()
        self.wake = asyncio.Event()
        self.peers = observe.Peers(context, wanted, self._heard)
        self.lease: lease.Lease | None = None
        self.fencer = context.fencers(wanted)
        self.leaving: set[str] = set()
        self.restoring: set[asyncio.Task[fencing.FenceResult]] = set()
        self._keeper: asyncio.Task[None] | None = None
        self._mine: dict[str, int | None] = {}

    @property
    def wanted(self) -> desired_model.Desired:
        """The manifest in force."""
        return self.peers.wanted

    def adopt(self, wanted: desired_model.Desired) -> None:
        """Put another manifest in force."""
        self.peers.adopt(wanted)
        self.fencer = self.context.fencers(wanted)

    def may_act(self) -> bool:
        """Tell whether the lease and the quorum are held right now."""
        return self.lease is not None and self.lease.held() and self.peers.quorate

    def sent(self, action_id: str) -> None:
        """Remember an action as ours, so that its own events do not ring the alarm."""
        self._mine[action_id] = None

    def answered(self, action_id: str, rc: int | None) -> None:
        """Remember what came of it: a recurring monitor that says something else is news."""
        self._mine[action_id] = rc

    async def look(self) -> View:
        """Observe everything anew; under a lease, keep it on nodes that have come."""
        self.alarm.clear()
        self.wake.clear()
        self.leaving.clear()
        reports = await self.peers.observe()
        if self.lease is not None:
            await self.lease.spread(reports)
            there = self.peers.answering
            reports = {name: one if name in there else None for name, one in reports.items()}
        known = records.merge(reports)
        now = self.context.clock.now()
        view = fold.fold(self.wanted, reports, known, now, remembered=self.peers.remembered)
        return View(reports, known, view)

    async def take_lease(self, view: View, *, wait_s: float) -> bool:
        """Become the one who acts; false where less than a majority answers.

        Raises:
            nodes.LeaseHeldError: somebody else acts.
        """
        self.lease = await lease.acquire(self.context, self.peers, view.reports, wait_s=wait_s)
        if self.lease is None:
            return False
        self._keeper = asyncio.ensure_future(self.lease.keep(self.alarm.ring))
        return True

    async def raise_token(self, view: View) -> bool:
        """Take the lease anew with a higher token, so that what is still on its way is refused.

        A request whose answer never came may arrive at any later time. Once the nodes have seen a
        higher token, it cannot do anything any more.
        """
        await self.end_keeping()
        try:
            return await self.take_lease(view, wait_s=0.0)
        except nodes.LeaseHeldError:
            return False

    async def end_keeping(self) -> None:
        """Stop renewing the lease."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.wait([keeper])

    async def give_lease(self) -> None:
        """Stop acting; never raises but for cancellation."""
        held, self.lease = self.lease, None
        await self.end_keeping()
        if held is not None:
            await held.release()

    async def put(self, values: Mapping[str, Any]) -> bool:
        """Write records on a majority; false where that failed, and then the lease is lost."""
        if self.lease is None or not self.lease.held():
            return False
        fresh = {
            key: nodes.Record(value, self.lease.version()) for key, value in sorted(values.items())
        }
        try:
            stored = await self.peers.put(self.lease.token, fresh)
        except nodes.StaleTokenError as error:
            self.lease.lose(f"another controller took over with token {error.highest}")
            return False
        return stored and self.lease.held()

    def arrivals(self, view: View) -> dict[str, Any]:
        """Return the records of nodes that answer from a boot that was not recorded."""
        now = self.context.clock.now()
        fresh = {}
        for name, report in view.reports.items():
            if report is None:
                continue
            seen = records.seen(view.known, name)
            back = not seen.expected_up and not view.observed.nodes[name].shutdown
            if seen.boot_id != report.boot_id or back:
                fresh[records.node_key(name)] = records.Seen(report.boot_id, now).value()
        return fresh

    async def register(self, view: View) -> bool:
        """Record who is there, on a majority, and mend nodes that were away.

        It comes before any action: once something may run in a boot, that boot must be known to
        every later majority, or a confirmed fencing of an earlier one would be taken for proof.
        """
        if self.lease is None:
            return False
        try:
            await self.peers.mend(self.lease.token, view.reports)
        except nodes.StaleTokenError as error:
            self.lease.lose(f"another controller took over with token {error.highest}")
            return False
        fresh = self.arrivals(view)
        return await self.put(fresh) if fresh else self.lease.held()

    async def restored(self, *wakes: asyncio.Event) -> None:
        """Wait until fenced nodes are switched on again, or until one of ``wakes`` is set."""
        if not self.restoring:
            return
        waiting = [
            asyncio.ensure_future(self.alarm.wait()),
            *(asyncio.ensure_future(one.wait()) for one in wakes),
        ]
        ending = asyncio.ensure_future(asyncio.wait([*self.restoring]))
        try:
            await asyncio.wait([ending, *waiting], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in (ending, *waiting):
                one.cancel()
            await asyncio.wait([ending, *waiting])

    async def close(self) -> None:
        """Give everything back; bounded."""
        if self.restoring:
            await asyncio.wait(self.restoring, timeout=_RESTORE_S)
        for one in tuple(self.restoring):
            one.cancel()
        try:
            await self.give_lease()
        finally:
            await self.peers.close()

    def _heard(self, name: str, event: nodes.NodeEvent | None) -> None:
        """Judge what a node pushed, or that it is lost."""
        self.wake.set()
        if event is None:
            if name not in self.leaving:
                self.alarm.ring(f"{name} does not answer any more")
            if not self.peers.quorate and self.lease is not None:
                self.alarm.ring("a majority of the nodes does not answer any more")
            return
        if event.kind == nodes.EventKind.OPERATION:
            operation = event.body.get("operation")
            if not self._ours(operation if isinstance(operation, Mapping) else {}):
                self.alarm.ring(f"{event.body.get('resource', 'something')} changed on {name}")
        elif event.kind == nodes.EventKind.ATTRIBUTE:
            attribute = str(event.body.get("name", ""))
            if not attribute.startswith(_OWN_ATTRIBUTES):
                self.alarm.ring(f"attribute {attribute} changed on {name}")

    def _ours(self, operation: Mapping[str, Any]) -> bool:
        action_id = operation.get("action_id")
        if action_id not in self._mine:
            return False
        known = self._mine[action_id]
        return known is None or known == operation.get("rc")


@contextlib.asynccontextmanager
async def opened(context: Context, wanted: desired_model.Desired) -> AsyncIterator[Session]:
    """Hold a session open; everything is given back when it ends, however it ends.

    Raises:
        InvalidInputError: part of what is wanted cannot be run.
    """
    refused = tuple(capability.missing(wanted))
    if refused:
        raise InvalidInputError(refused)
    session = Session(context, wanted)
    watching = asyncio.ensure_future(session.peers.supervise())
    try:
        yield session
    finally:
        watching.cancel()
        await asyncio.wait([watching])
        await session.close()


def majority_answers(wanted: desired_model.Desired, view: View) -> bool:
    """Tell whether a majority of the members answered."""
    return quorum.holds(wanted, [name for name, one in view.reports.items() if one is not None])
