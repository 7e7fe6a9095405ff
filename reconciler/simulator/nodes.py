"""The node ports over the simulated world: messages take time, get lost, and come late.

A message that was sent is on its way whatever becomes of its sender: a request may arrive long after
nobody waits for it any more. That is what tokens, boot ids and revisions are for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TypeVar, cast

from reconciler.model import action, node, outcome
from reconciler.ports import nodes
from reconciler.simulator.life import Life
from reconciler.simulator.machine import Machine
from reconciler.simulator.world import World

HEARTBEAT_S = 1.0

T = TypeVar("T")


class SimulatedTransport:
    """The ``Transport`` port of one controller."""

    def __init__(self, world: World, life: Life) -> None:
        self._world = world
        self._life = life
        self._open: list[SimulatedConnection] = []
        life.on_death.append(self._break)

    async def connect(self, target: node.Node, *, deadline_s: float) -> nodes.NodeConnection:
        """Open a connection, if the machine answers in time."""
        await self._life.step()
        world, name = self._world, target.name
        if name not in world.machines:
            raise nodes.NodeUnreachableError(f"{name}: no such machine")
        try:
            async with asyncio.timeout(deadline_s):
                await world.travel(self._life.name, name)
                await world.travel(self._life.name, name)
        except TimeoutError:
            raise nodes.NodeUnreachableError(f"{name}: no answer") from None
        connection = SimulatedConnection(world, self._life, world.machines[name])
        self._open.append(connection)
        await self._life.step()
        return connection

    def _break(self) -> None:
        """Let every connection break: the process at this end is gone."""
        for connection in self._open:
            connection.broken()


class SimulatedConnection:
    """The ``NodeConnection`` port; it belongs to one boot of its machine."""

    def __init__(self, world: World, life: Life, there: Machine) -> None:
        self._world = world
        self._life = life
        self._there = there
        self._boots = there.boots
        self._closed = asyncio.Event()
        self._queue: asyncio.Queue[nodes.NodeEvent] = asyncio.Queue()
        there.queues.add(self._queue)
        world.spawn(self._until_restart())

    @property
    def node(self) -> str:
        """The machine's name."""
        return self._there.name

    async def observe(self, *, deadline_s: float) -> nodes.NodeReport:
        """Return the executor's report."""
        return await self._ask(self._there.report, deadline_s)

    async def perform(
        self,
        step: action.Action,
        *,
        action_id: str,
        token: int,
        boot_id: str,
        params: Mapping[str, str],
    ) -> outcome.Outcome:
        """Have an action done; the parameters reach the agent and nothing else."""
        del params
        await self._life.step()
        asked = self._world.spawn(self._requested(step, action_id, token, boot_id))
        result = await self._answered(asked)
        await self._life.step()
        return result

    async def acquire_lease(self, holder: nodes.LeaseHolder, token: int, ttl_s: float) -> None:
        """Take the lease."""
        await self._ask(lambda: self._there.acquire(holder, token, ttl_s, renew=False))

    async def renew_lease(self, holder: nodes.LeaseHolder, token: int, ttl_s: float) -> None:
        """Hold the lease longer."""
        await self._ask(lambda: self._there.acquire(holder, token, ttl_s, renew=True))

    async def release_lease(self, holder: nodes.LeaseHolder, token: int) -> None:
        """Give the lease back."""
        await self._ask(lambda: self._there.release(holder, token))

    async def put_record(self, token: int, key: str, record: nodes.Record) -> None:
        """Store a cluster record."""
        await self._ask(lambda: self._there.store(token, key, record, self._life.name))

    async def put_attribute(
        self, token: int, name: str, value: str | None, *, permanent: bool
    ) -> None:
        """Set a node attribute."""

        def put() -> None:
            self._there.accept(token, self._life.name)
            self._there.set_attribute(name, value, permanent=permanent)

        await self._ask(put)

    async def forget(self, token: int, resource: str) -> None:
        """Drop the history of a resource."""
        await self._ask(lambda: self._there.forget(token, resource, self._life.name))

    async def agents(self) -> tuple[str, ...]:
        """Return the only agent that there is here."""
        return ("ocf:heartbeat:Dummy",)

    async def metadata(self, agent_name: str) -> str:
        """Return meta-data that says nothing."""
        return f'<resource-agent name="{agent_name}"/>'

    async def events(self) -> AsyncIterator[nodes.NodeEvent]:
        """Yield events and heartbeats until the connection ends."""
        name = self._there.name
        while not self._closed.is_set():
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    event = await self._queue.get()
            except TimeoutError:
                event = nodes.NodeEvent(name, nodes.EventKind.HEARTBEAT)
            await self._passed()
            if self._closed.is_set():
                return
            yield event

    async def close(self) -> None:
        """Close this end; the other end learns of it if the link is there."""
        self.broken()

    def broken(self) -> None:
        """End the connection; the executor then cuts short a lease that hangs on it."""
        if not self._closed.is_set():
            self._closed.set()
            self._there.queues.discard(self._queue)
            if self._alive() and self._world.linked(self._life.name, self._there.name):
                self._there.orphan(self._life.name)

    async def _until_restart(self) -> None:
        """Break with the daemon at the other end."""
        restarted = asyncio.ensure_future(self._there.restarted.wait())
        closing = asyncio.ensure_future(self._closed.wait())
        await asyncio.wait([restarted, closing], return_when=asyncio.FIRST_COMPLETED)
        restarted.cancel()
        closing.cancel()
        self.broken()

    def _alive(self) -> bool:
        return self._there.listening and self._there.boots == self._boots

    async def _passed(self) -> None:
        """Let one message pass, in this boot of the machine; else wait for the end."""
        closing = asyncio.ensure_future(self._closed.wait())
        passing = asyncio.ensure_future(self._world.travel(self._life.name, self._there.name))
        try:
            await asyncio.wait([closing, passing], return_when=asyncio.FIRST_COMPLETED)
            if self._there.boots != self._boots:
                self.broken()
        finally:
            closing.cancel()
            passing.cancel()

    async def _ask(self, work: Callable[[], T], deadline_s: float = 10.0) -> T:
        """Send a request, have it done there, and bring the answer back."""
        await self._life.step()

        async def there() -> T:
            await self._world.travel(self._life.name, self._there.name)
            if self._there.boots != self._boots:
                raise nodes.NodeUnreachableError(f"{self.node}: the connection is broken")
            try:
                return work()
            finally:
                if self._closed.is_set():
                    self._there.orphan(self._life.name)

        asked = self._world.spawn(_kept(there()))
        try:
            async with asyncio.timeout(deadline_s):
                answer = await self._unless_closed(asked)
                await self._passed()
        except TimeoutError:
            raise nodes.NodeUnreachableError(f"{self.node}: no answer") from None
        if self._closed.is_set() or answer is None:
            raise nodes.NodeUnreachableError(f"{self.node}: the connection is broken")
        await self._life.step()
        value, error = answer
        if error is not None:
            raise error
        return cast("T", value)

    async def _unless_closed(self, asked: asyncio.Task[T]) -> T | None:
        closing = asyncio.ensure_future(self._closed.wait())
        try:
            await asyncio.wait([asked, closing], return_when=asyncio.FIRST_COMPLETED)
        finally:
            closing.cancel()
        return asked.result() if asked.done() and not asked.cancelled() else None

    async def _requested(
        self, step: action.Action, action_id: str, token: int, boot_id: str
    ) -> outcome.Outcome | None:
        """Deliver a request for an action and wait for its end there; None: it never ends."""
        world = self._world
        if world.chance(world.weather.late_request):
            await asyncio.sleep(world.random.uniform(1, world.weather.late_s))
        await world.travel(self._life.name, self._there.name)
        began = self._there.act(step, action_id, token, boot_id, self._life.name)
        if isinstance(began, outcome.Outcome):
            return began
        await asyncio.wait([began])
        return None if began.cancelled() else began.result()

    async def _answered(self, asked: asyncio.Task[outcome.Outcome | None]) -> outcome.Outcome:
        """Wait for the answer; where it is lost, nobody knows."""
        answer = await self._unless_closed(asked)
        if answer is not None:
            await self._passed()
        lost = self._world.chance(self._world.weather.lost_answer)
        if answer is None or lost or self._closed.is_set():
            if not self._closed.is_set() and answer is None:
                await self._closed.wait()
            now = self._world.clock.now()
            return outcome.Outcome(
                outcome.OutcomeKind.UNKNOWN, message="no answer", began_at=now, ended_at=now
            )
        return answer


async def _kept(work: Awaitable[T]) -> tuple[T | None, Exception | None]:
    """Return what came of something, errors of the port as values."""
    try:
        return await work, None
    except (nodes.NodeUnreachableError, nodes.LeaseHeldError, nodes.StaleTokenError) as error:
        return None, error
