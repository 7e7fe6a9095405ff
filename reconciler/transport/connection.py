"""The node port over a link to an executor.

An action whose reply got lost is asked for again by its id, over a new link: the executor keeps
every result, so an action is sent once and its outcome is still known. Where it is not, it is
UNKNOWN.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TypeVar

from reconciler.frozen import frozen
from reconciler.model import action, outcome
from reconciler.ports import clock as clock_port
from reconciler.ports import nodes
from reconciler.transport import fields, wire
from reconciler.transport import link as links

_Said = TypeVar("_Said")
_Meant = TypeVar("_Meant")
Reach = Callable[[], Awaitable[links.Link]]
"""Opens a new link to the same executor; raises OSError or nodes.NodeUnreachableError."""


@frozen
class Timing:
    """The waits of a connection, in seconds.

    Attributes:
        request_s: for a reply to anything but an action or an observation.
        margin_s: on top of an action's own time-out.
        silence_s: after which a connection without any byte is lost.
        recovery_s: for reaching the executor again after an action's reply got lost.
        poll_s: between questions after an action that still runs.
    """

    request_s: float = 5.0
    margin_s: float = 5.0
    silence_s: float = 3.0
    recovery_s: float = 3.0
    poll_s: float = 0.5


DEFAULT = Timing()
"""The waits that hold unless others are given."""
METADATA_S = 30.0
"""For an agent to describe itself."""


async def opened(
    name: str, reach: Reach, clock: clock_port.Clock, *, deadline_s: float, timing: Timing = DEFAULT
) -> Connection:
    """Return a connection to the executor of the node ``name``.

    Raises:
        nodes.NodeUnreachableError: no answer in time, none that the protocol knows, or that of
            another node.
    """
    try:
        async with asyncio.timeout(deadline_s):
            link = await _reached(reach)
            try:
                who = await _greet(link, name, deadline_s)
                await _asked(link, "subscribe", {}, deadline_s)
            except BaseException:
                await link.close()
                raise
    except TimeoutError:
        raise nodes.NodeUnreachableError(f"{name} does not answer in {deadline_s:.1f} s") from None
    link.watch(timing.silence_s)
    return Connection(who, link, reach, clock, timing)


class Connection:
    """An open connection; see ``ports.nodes.NodeConnection``. Made by ``opened``."""

    def __init__(
        self,
        who: wire.Hello,
        link: links.Link,
        reach: Reach,
        clock: clock_port.Clock,
        timing: Timing,
    ) -> None:
        self._who = who
        self._link = link
        self._reach = reach
        self._clock = clock
        self._timing = timing

    @property
    def node(self) -> str:
        """The node's name."""
        return self._who.node

    @property
    def boot_id(self) -> str:
        """The boot that answered when the connection was opened."""
        return self._who.boot_id

    @property
    def executor_id(self) -> str:
        """The run of the executor that answered when the connection was opened."""
        return self._who.executor_id

    async def observe(self, *, deadline_s: float) -> nodes.NodeReport:
        """Return what the node says of itself. Raises NodeUnreachableError."""
        body = await self._ask("observe", {}, deadline_s)
        report = _understood(wire.report, body)
        if report.node != self.node:
            raise nodes.NodeUnreachableError(f"{report.node} answers in the place of {self.node}")
        return report

    async def perform(
        self,
        step: action.Action,
        *,
        action_id: str,
        token: int,
        boot_id: str,
        params: Mapping[str, str],
    ) -> outcome.Outcome:
        """Have an action done; see the port. Never raises but for cancellation."""
        began_at = self._clock.now()
        wanted = wire.request(
            step, action_id=action_id, token=token, boot_id=boot_id, params=params
        )
        if wanted is None:
            words = f"{step.task.value} is nothing that an executor does"
            result = _refused(outcome.RefusalCode.OTHER, words)
        else:
            result = await self._perform(wanted, step, action_id, boot_id)
        return dataclasses.replace(
            result,
            began_at=result.began_at or began_at,
            ended_at=result.ended_at or self._clock.now(),
        )

    async def _perform(
        self, wanted: wire.Request, step: action.Action, action_id: str, boot_id: str
    ) -> outcome.Outcome:
        wait_s = self._timing.margin_s
        if wanted.runs:
            wait_s += (step.timeout_ms + step.start_delay_ms) / 1000
        give_up_at = asyncio.get_running_loop().time() + wait_s
        try:
            body = await self._link.ask(wanted.op, wanted.body, deadline_s=wait_s)
        except links.RefusedError as error:
            return wire.refused(error.refusal)
        except links.NotSentError as error:
            return _refused(outcome.RefusalCode.UNREACHABLE, str(error))
        except nodes.NodeUnreachableError as error:
            if wanted.runs:
                return await self._recovered(action_id, boot_id, give_up_at, str(error))
            return _unknown(str(error))
        return _read(body) if wanted.runs else outcome.Outcome(outcome.OutcomeKind.SUCCESS)

    async def _recovered(
        self, action_id: str, boot_id: str, give_up_at: float, lost: str
    ) -> outcome.Outcome:
        """Ask for the result of an action whose reply did not come."""
        loop = asyncio.get_running_loop()
        reach_until = loop.time() + self._timing.recovery_s
        words = lost
        while True:
            limit = max(give_up_at, reach_until)
            try:
                async with asyncio.timeout_at(limit), self._another(reach_until) as (link, who):
                    if who.boot_id != boot_id:
                        return _unknown(f"{lost}; the node has booted since")
                    return await self._awaited(link, action_id, lost)
            except TimeoutError:
                return _unknown(f"{words}; no result of the action could be had")
            except nodes.NodeUnreachableError as error:
                words = f"{lost}; then: {error}"
            if loop.time() + self._timing.poll_s >= reach_until:
                return _unknown(words)
            await asyncio.sleep(self._timing.poll_s)

    @contextlib.asynccontextmanager
    async def _another(self, reach_until: float) -> AsyncIterator[tuple[links.Link, wire.Hello]]:
        """Hold a new link open. Raises nodes.NodeUnreachableError."""
        remaining_s = reach_until - asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(remaining_s):
                link = await _reached(self._reach)
        except TimeoutError:
            raise nodes.NodeUnreachableError("it cannot be reached again") from None
        try:
            yield link, await _greet(link, self.node, max(0.1, remaining_s))
        finally:
            await link.close()

    async def _awaited(self, link: links.Link, action_id: str, lost: str) -> outcome.Outcome:
        """Return the outcome once the action has ended; the caller bounds the wait."""
        while True:
            body = await _asked(link, "result", {"action_id": action_id}, self._timing.request_s)
            match body.get("state"):
                case "done" if body.get("operation") is not None:
                    return _read(body)
                case "done":
                    return _unknown(f"{lost}; the action was done, its result is gone")
                case "running":
                    await asyncio.sleep(self._timing.poll_s)
                case _:
                    # It may still be on its way: that it is not known does not mean it never runs.
                    return _unknown(f"{lost}; the executor does not know the action")

    async def acquire_lease(self, holder: nodes.LeaseHolder, token: int, ttl_s: float) -> None:
        """Take the lease. Raises LeaseHeldError, StaleTokenError, NodeUnreachableError."""
        await self._request("lease", wire.lease_request("acquire", holder, token, ttl_s))

    async def renew_lease(self, holder: nodes.LeaseHolder, token: int, ttl_s: float) -> None:
        """Hold the lease longer. Raises like acquire_lease."""
        await self._request("lease", wire.lease_request("renew", holder, token, ttl_s))

    async def release_lease(self, holder: nodes.LeaseHolder, token: int) -> None:
        """Give the lease back. Raises like acquire_lease."""
        await self._request("lease", wire.lease_request("release", holder, token))

    async def put_record(self, token: int, key: str, record: nodes.Record) -> None:
        """Store a cluster record. Raises StaleTokenError, NodeUnreachableError."""
        await self._request(
            "record",
            {"token": token, "key": key, "value": record.value, "version": list(record.version)},
        )

    async def put_attribute(
        self, token: int, name: str, value: str | None, *, permanent: bool
    ) -> None:
        """Set or, with None, delete a node attribute. Raises like put_record."""
        scope = "permanent" if permanent else "transient"
        await self._request(
            "attribute", {"token": token, "scope": scope, "name": name, "value": value}
        )

    async def forget(self, token: int, resource: str) -> None:
        """Drop the history and fail counts of a resource. Raises like put_record."""
        await self._request("forget", {"token": token, "resource": resource})

    async def agents(self) -> tuple[str, ...]:
        """Return the names of the agents that are installed there. Raises NodeUnreachableError."""
        return _understood(_agents, await self._request("agents", {}))

    async def metadata(self, agent_name: str) -> str:
        """Return an agent's meta-data, XML. Raises NodeUnreachableError."""
        body = await self._ask("metadata", {"agent": agent_name}, METADATA_S)
        return _understood(lambda found: fields.text(found, "xml"), body)

    async def events(self) -> AsyncIterator[nodes.NodeEvent]:
        """Yield what the executor pushes until the connection ends."""
        async for event in self._link.events():
            yield nodes.NodeEvent(self.node, event.kind, event.body)

    async def close(self) -> None:
        """Close the connection; never raises."""
        await self._link.close()

    async def _request(self, op: str, body: fields.Document) -> fields.Document:
        return await self._ask(op, body, self._timing.request_s)

    async def _ask(self, op: str, body: fields.Document, deadline_s: float) -> fields.Document:
        return await _asked(self._link, op, body, deadline_s)


async def _reached(reach: Reach) -> links.Link:
    try:
        return await reach()
    except OSError as error:
        raise nodes.NodeUnreachableError(str(error)) from None


async def _greet(link: links.Link, name: str, deadline_s: float) -> wire.Hello:
    """Return who answers, which must be the node meant. Raises nodes.NodeUnreachableError."""
    who = _understood(wire.hello, await _asked(link, "hello", {}, deadline_s))
    if who.node != name:
        raise nodes.NodeUnreachableError(f"{who.node} answers in the place of {name}")
    return who


async def _asked(
    link: links.Link, op: str, body: fields.Document, deadline_s: float
) -> fields.Document:
    """Ask; raises what a refusal means, in the words of the port."""
    try:
        return await link.ask(op, body, deadline_s=deadline_s)
    except links.RefusedError as error:
        raise _understood(wire.raised, error.refusal) from None


def _understood(read: Callable[[_Said], _Meant], said: _Said) -> _Meant:
    """Return what an answer means. Raises nodes.NodeUnreachableError where it means nothing."""
    try:
        return read(said)
    except fields.OddAnswerError as error:
        raise nodes.NodeUnreachableError(f"the executor's answer is none: {error}") from None


def _agents(body: fields.Document) -> tuple[str, ...]:
    listed = fields.sequence(body.get("agents"), "agents")
    return tuple(fields.text(fields.document(one, "agent"), "agent") for one in listed)


def _read(body: fields.Document) -> outcome.Outcome:
    try:
        return wire.result(body)
    except fields.OddAnswerError as error:
        return _unknown(f"the executor's answer is none: {error}")


def _refused(code: outcome.RefusalCode, message: str) -> outcome.Outcome:
    return outcome.Outcome(outcome.OutcomeKind.REFUSED, message=message, refusal=code)


def _unknown(message: str) -> outcome.Outcome:
    return outcome.Outcome(outcome.OutcomeKind.UNKNOWN, message=message)
