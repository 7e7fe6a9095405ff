"""Running the actions that controllers ask for: check, intent, run, result, reply.

The order is the safety: nothing runs before its intent is durable, and an action id that was
seen once never runs again, whoever asks and however often.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from reconciler.executor import (
    agents,
    clock,
    dialects,
    launch,
    monitors,
    output,
    process,
    programs,
    recording,
    refusal,
    request,
    slots,
)
from reconciler.executor import history as node_history
from reconciler.executor import loop as event_loop
from reconciler.executor import node as shared
from reconciler.executor import operation as op


class Running:
    """An action that was accepted and has no result yet."""

    __slots__ = ("act", "answer", "cancelled", "queued_at", "run")

    def __init__(self, loop: event_loop.Loop, act: request.Act) -> None:
        self.act = act
        self.queued_at = clock.wall()
        self.answer: Optional[event_loop.Future[Dict[str, Any]]] = None
        self.cancelled: event_loop.Future[None] = event_loop.Future(loop)
        self.run: Optional[process.Run] = None


class Actions:
    """All actions of this node."""

    def __init__(
        self,
        node: shared.Node,
        free: slots.Slots,
        cap: slots.Cap,
        recurring: monitors.Monitors,
        runner: programs.Programs,
    ) -> None:
        self._node = node
        self._slots = free
        self._cap = cap
        self._monitors = recurring
        self._programs = runner
        self._running: Dict[str, Running] = {}

    async def act(self, act: request.Act) -> Dict[str, Any]:
        """Run an action, or return the result of the same one.

        Raises:
            RefusedError: Nothing was run.
        """
        node = self._node
        if node.lease.check(act.token):
            await node.journal.commit("token")
            node.lease.check(act.token)
        if act.boot_id != node.boot_id:
            raise refusal.RefusedError(
                refusal.WRONG_BOOT, "the node has booted since", boot_id=node.boot_id
            )
        earlier = self._running.get(act.action_id)
        if earlier is not None and earlier.answer is not None:
            return await earlier.answer
        known = node.history.result(act.action_id)
        if known is not None:
            return self._reply(known)
        self._check(act)
        agent = agents.find(act.agent, node.settings.roots)
        running = Running(node.loop, act)
        self._running[act.action_id] = running
        running.answer = node.loop.start(self._accepted(running, agent))
        return await running.answer

    def _check(self, act: request.Act) -> None:
        node = self._node
        self._check_open()
        if act.action_id in node.history.done_ids:
            raise refusal.RefusedError(
                refusal.ALREADY_DONE, "this action was done; its result has been superseded"
            )
        revision = node.history.revision(act.resource)
        if act.revision is not None and act.revision != revision:
            raise refusal.RefusedError(
                refusal.REVISION_CHANGED,
                f"{act.resource} has revision {revision}, not {act.revision}",
                revision=revision,
            )
        if act.interval_ms > 0 and self._monitors.full():
            raise refusal.RefusedError(refusal.BUSY, "too many recurring monitors")
        self._check_free(act.resource)

    def _check_open(self) -> None:
        if self._node.shutting_down:
            raise refusal.RefusedError(refusal.SHUTTING_DOWN, "the executor is ending")

    def _check_free(self, resource: str) -> None:
        claimant = self._slots.claimant(resource)
        if claimant:
            raise refusal.RefusedError(
                refusal.BUSY, f"an action of {resource} is under way", action_id=claimant
            )

    async def _accepted(self, running: Running, agent: agents.Agent) -> Dict[str, Any]:
        act = running.act
        try:
            if act.start_delay_ms > 0:
                await self._delay(running)
            monitored = self._slots.claim(act.resource, act.action_id)
            try:
                await monitored
                return await self._claimed(running, agent)
            finally:
                self._slots.release(act.resource)
                self._monitors.pump()
        finally:
            del self._running[act.action_id]

    async def _delay(self, running: Running) -> None:
        act = running.act
        if await self._node.loop.within(running.cancelled, act.start_delay_ms / 1000):
            raise refusal.RefusedError(refusal.CANCELLED, "cancelled before its first run")
        self._node.lease.check(act.token)
        self._check_free(act.resource)

    async def _claimed(self, running: Running, agent: agents.Agent) -> Dict[str, Any]:
        """Run with the resource claimed."""
        if agent.path is None and agent.standard != agents.SYSTEMD:
            return await self._missing(running)
        if running.act.operation == "monitor":
            return await self._asked(running, agent)
        return await self._launched(running, agent)

    async def _missing(self, running: Running) -> Dict[str, Any]:
        """Record that there is no such agent: nothing can be run."""
        await self._intended(running, None)
        result = dialects.Result(
            op.NOT_INSTALLED,
            op.RC_NOT_INSTALLED,
            f"{running.act.agent} is not installed",
            "",
        )
        return await self._finish(running, result, 0.0)

    async def _asked(self, running: Running, agent: agents.Agent) -> Dict[str, Any]:
        """Run a monitor once a place is free; many intents are durable before the first runs."""
        act, node = running.act, self._node
        before = await self._intended(running, None)
        self._supersede_monitors(act)
        await self._cap.take()
        try:
            self._check_open()
            began = clock.monotonic()
            self._began(act.resource)
            program = dialects.prepare(agent, act.call(), node.surroundings)
            finished = await self._programs.run(program, act.timeout_ms)
            took_s = clock.monotonic() - began
        except (OSError, refusal.RefusedError) as error:
            self._take_back(act.resource, before)
            node.journal.commit("history")
            node.journal.retry()
            if isinstance(error, refusal.RefusedError):
                raise
            raise refusal.RefusedError(refusal.NOT_STARTED, f"not started: {error}") from None
        finally:
            self._cap.give()
        written = (finished.stdout, finished.stderr)
        result = dialects.result(agent, act.operation, finished.ending, written)
        reply = await self._finish(running, result, took_s)
        if act.interval_ms > 0 and running.cancelled.done:
            await self.cancel(act.resource, act.key())
        elif act.interval_ms > 0 and not node.shutting_down:
            self._monitors.schedule(act, agent, began)
        return reply

    async def _launched(self, running: Running, agent: agents.Agent) -> Dict[str, Any]:
        """Run an action whose process is named in its intent."""
        act, node = running.act, self._node
        program = dialects.prepare(agent, act.call(), node.surroundings)
        try:
            started, capture = self._programs.begin(program)
        except OSError as error:
            raise refusal.RefusedError(refusal.NOT_STARTED, f"not started: {error}") from None
        try:
            try:
                await self._intended(running, started)
            except refusal.RefusedError:
                started.abandon()
                raise
            self._supersede_monitors(act)
            began = clock.monotonic()
            self._began(act.resource)
            running.run = process.Run(node.loop, started, capture)
            if running.cancelled.done:
                running.run.interrupt()
            ending = await running.run.finish(act.timeout_ms)
            took_s = clock.monotonic() - began
            result = dialects.result(agent, act.operation, ending, capture.read())
        finally:
            self._programs.close(capture)
        return await self._finish(running, result, took_s)

    async def _intended(
        self, running: Running, started: Optional[launch.Process]
    ) -> Optional[node_history.Resource]:
        """Make the intent durable; returns what was known before.

        Raises:
            RefusedError: The disk refused; nothing has changed and nothing may run.
        """
        before = self._intend(running, started)
        try:
            await self._node.journal.commit("history")
        except refusal.RefusedError:
            self._take_back(running.act.resource, before)
            raise
        self._node.changed()
        return before

    def _began(self, resource: str) -> None:
        """Note when the agent really began: the intent may have waited."""
        known = self._node.history.resources[resource]
        if known.pending is not None:
            known.pending["started_at"] = clock.wall()

    def _intend(
        self, running: Running, started: Optional[launch.Process]
    ) -> Optional[node_history.Resource]:
        """Put the intent into the history; returns what was there, to take it back."""
        act, history = running.act, self._node.history
        known = history.resources.get(act.resource)
        before = None if known is None else known.copy()
        if known is None:
            known = history.resources[act.resource] = node_history.Resource(act.agent)
        known.agent, known.meta = act.agent, dict(act.meta)
        known.pending = request.pending(
            act, history.node, history.next_call(), running.queued_at, clock.wall()
        )
        if started is not None:
            known.pending["process"] = [started.pid, started.start_ticks]
        if act.operation in op.ENDS_MONITORS:
            for key in [key for key in known.entries if key[1] > 0]:
                del known.entries[key]
        history.revise(act.resource)
        return before

    def _take_back(self, resource: str, before: Optional[node_history.Resource]) -> None:
        if before is None:
            del self._node.history.resources[resource]
        else:
            self._node.history.resources[resource] = before

    def _supersede_monitors(self, act: request.Act) -> None:
        """Stop the monitors that this action makes meaningless, or that it schedules anew."""
        if act.operation in op.ENDS_MONITORS:
            self._monitors.cancel_resource(act.resource)
            self._cancel_delayed(act.resource, None, act.action_id)
        elif act.interval_ms > 0:
            self._monitors.cancel(act.resource, act.key())

    async def _finish(
        self, running: Running, result: dialects.Result, took_s: float
    ) -> Dict[str, Any]:
        """Record the result and return the reply."""
        secrets = running.act.secrets()
        known = self._node.history.resources[running.act.resource]
        operation: op.Operation = dict(known.pending or {})
        operation.update(
            status=result.status,
            rc=result.rc,
            reason=output.redacted(result.reason, secrets),
            output=output.redacted(result.output, secrets),
            ended_at=clock.wall(),
            exec_ms=round(took_s * 1000),
        )
        durable = await recording.record(self._node, operation)
        reply = self._reply(operation)
        return reply if durable else {**reply, "durable": False}

    def _reply(self, operation: op.Operation) -> Dict[str, Any]:
        revision = self._node.history.revision(operation["resource"])
        return {"operation": operation, "revision": revision}

    def result(self, action_id: str) -> Dict[str, Any]:
        """Return what is known of an action."""
        if action_id in self._running:
            return {"state": "running"}
        known = self._node.history.result(action_id)
        if known is not None:
            return {"state": "done", **self._reply(known)}
        done = action_id in self._node.history.done_ids
        return {"state": "done" if done else "unknown"}

    def shown(self) -> List[Dict[str, Any]]:
        """Return the actions under way, as `observe` shows them."""
        return [
            {
                "action_id": action_id,
                "resource": running.act.resource,
                "operation": running.act.operation,
                "interval_ms": running.act.interval_ms,
                "since": running.queued_at,
            }
            for action_id, running in self._running.items()
        ]

    async def cancel(self, resource: str, key: op.Key) -> None:
        """Stop a recurring monitor and drop its entry."""
        self._monitors.cancel(resource, key)
        self._cancel_delayed(resource, key, "")
        history = self._node.history
        known = history.resources.get(resource)
        if known is None or known.entries.pop(key, None) is None:
            return
        history.revise(resource)
        await self._persist()

    def _cancel_delayed(self, resource: str, key: Optional[op.Key], but: str) -> None:
        for running in self._running.values():
            act = running.act
            same = act.resource == resource and act.interval_ms > 0
            if same and key in (None, act.key()) and act.action_id != but:
                running.cancelled.set(None)

    async def forget(self, resource: str, key: Optional[op.Key], *, counts_only: bool) -> int:
        """Drop what is known of a resource (or one of its operations); returns its revision.

        Raises:
            RefusedError: An action of it is under way.
        """
        self._check_free(resource)
        history = self._node.history
        gone = history.drop_failures(resource, key)
        known = history.resources.get(resource)
        if known is not None and not counts_only:
            if key is None:
                self._monitors.cancel_resource(resource)
                self._cancel_delayed(resource, None, "")
                del history.resources[resource]
                history.touch()
            else:
                self._monitors.cancel(resource, key)
                known.entries.pop(key, None)
                history.revise(resource)
                if not known.entries:
                    del history.resources[resource]
        elif gone:
            history.touch()
        events = [self._node.attribute_event("transient", name, None) for name in gone]
        await self._persist(*events)
        return history.revision(resource)

    async def _persist(self, *happened: Dict[str, Any]) -> None:
        """Make a removal durable; where the disk refuses it is tried again, and the caller told."""
        try:
            await self._node.journal.commit("history")
        except refusal.RefusedError:
            self._node.journal.retry()
            raise
        self._node.changed(*happened)

    def busy(self) -> bool:
        """Return whether any action is under way."""
        return bool(self._running)

    def interrupt(self) -> None:
        """End all that run: the daemon is going down and has waited long enough."""
        for running in tuple(self._running.values()):
            running.cancelled.set(None)
            if running.run is not None:
                running.run.interrupt()
