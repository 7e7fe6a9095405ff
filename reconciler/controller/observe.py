"""Connections to the nodes, and what they say. Silence is None, and None is never "stopped".

All nodes are talked to at once, bounded by ``fan_out``; every wait has a deadline that follows from
the membership time-out. While a connection is open its executor pushes events and a heartbeat every
second; a connection that is silent for the membership time-out is closed, and its node is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping

from reconciler.controller import quorum, records
from reconciler.controller.context import Context
from reconciler.model import desired as desired_model
from reconciler.model import node as node_model
from reconciler.ports import nodes

_AGAIN_S = 1.0
_RETRY_S = 0.1

Listener = Callable[[str, nodes.NodeEvent | None], None]
"""Told of every event of a node, and with None that its connection is lost."""


class Peers:
    """The open connections to the nodes of one manifest; close them when done."""

    def __init__(self, context: Context, wanted: desired_model.Desired, listener: Listener) -> None:
        self._context = context
        self._listener = listener
        self._open: dict[str, nodes.NodeConnection] = {}
        self._readers: dict[str, asyncio.Task[None]] = {}
        self._heard: dict[str, float] = {}
        self._gone: dict[str, asyncio.Event] = {}
        self._silent_since: dict[str, float] = {}
        self._refused_at: dict[str, float] = {}
        self._met: set[str] = set()
        self._turns = asyncio.Semaphore(context.bounds.fan_out)
        self._closing: set[asyncio.Task[None]] = set()
        self.remembered: dict[str, nodes.NodeReport] = {}
        self.wanted = wanted

    @property
    def timeout_s(self) -> float:
        """How long a node may be silent, seconds."""
        return self.wanted.membership_timeout_ms / 1000

    @property
    def answering(self) -> tuple[str, ...]:
        """The nodes with an open connection, sorted."""
        return tuple(sorted(self._open))

    @property
    def quorate(self) -> bool:
        """Whether a majority has an open connection."""
        return quorum.holds(self.wanted, self._open)

    def get(self, name: str) -> nodes.NodeConnection | None:
        """Return the open connection to a node."""
        return self._open.get(name)

    def gone(self, name: str) -> asyncio.Event:
        """Return what is set when the present connection to a node is given up."""
        return self._gone.setdefault(name, asyncio.Event())

    def adopt(self, wanted: desired_model.Desired) -> None:
        """Follow a changed manifest: nodes that moved or went are let go, new ones come next."""
        before = {one.name: one for one in self.wanted.nodes}
        after = {one.name: one for one in wanted.nodes}
        for name in [name for name in self._open if before.get(name) != after.get(name)]:
            self.drop(name, tell=False)
        self._met &= {name for name in after if before.get(name) == after[name]}
        self.wanted = wanted

    async def observe(self) -> dict[str, nodes.NodeReport | None]:
        """Ask every node what it sees; connects where there is no connection."""
        targets = [one for one in self.wanted.nodes if one.kind is not node_model.NodeKind.PING]
        reports = await self.fan_out(targets, self._report)
        self.remembered.update({name: one for name, one in reports.items() if one is not None})
        return reports

    async def fan_out(
        self,
        targets: Iterable[node_model.Node],
        ask: Callable[[node_model.Node], Awaitable[nodes.NodeReport | None]],
    ) -> dict[str, nodes.NodeReport | None]:
        """Ask nodes at once, so many at a time; the answers by node, in the manifest's order."""

        async def one(target: node_model.Node) -> nodes.NodeReport | None:
            async with self._turns:
                return await ask(target)

        wanted = list(targets)
        answers = await asyncio.gather(*(one(target) for target in wanted))
        return {target.name: answer for target, answer in zip(wanted, answers, strict=True)}

    async def answers(self, name: str) -> nodes.NodeReport | None:
        """Ask a node by a fresh connection, whatever the old one is worth."""
        target = next((one for one in self.wanted.nodes if one.name == name), None)
        if target is None:
            return None
        deadline_s = self._again_s
        try:
            async with asyncio.timeout(deadline_s):
                connection = await self._context.transport.connect(target, deadline_s=deadline_s)
                try:
                    report = await connection.observe(deadline_s=deadline_s)
                finally:
                    await connection.close()
        except (nodes.NodeUnreachableError, TimeoutError):
            self._not_there(name)
            return None
        self._silent_since.pop(name, None)
        self._refused_at.pop(name, None)
        return report

    async def outlasts(self, name: str) -> bool:
        """Wait until a node has been silent for the membership time-out, asking it all the while.

        Returns:
            False as soon as it answers. True only right after it was asked in vain.
        """
        clock = self._context.clock
        while True:
            if not self._just_asked(name) and await self.answers(name) is not None:
                return False
            if clock.monotonic() - self._silent_since[name] >= self.timeout_s:
                return True
            await clock.sleep(_RETRY_S)

    async def everywhere(
        self,
        send: Callable[[nodes.NodeConnection], Awaitable[None]],
        names: Collection[str] | None = None,
    ) -> set[str]:
        """Send the same to all open connections at once; return the nodes that took it.

        Raises:
            nodes.StaleTokenError: any node has seen a higher token.
        """

        async def one(name: str, connection: nodes.NodeConnection) -> str | None:
            try:
                async with self._turns, asyncio.timeout(self.timeout_s):
                    await send(connection)
            except (nodes.NodeUnreachableError, TimeoutError):
                self.drop(name)
                return None
            return name

        chosen = [
            (name, connection)
            for name, connection in sorted(self._open.items())
            if names is None or name in names
        ]
        answers = await asyncio.gather(
            *(one(name, connection) for name, connection in chosen), return_exceptions=True
        )
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return {answer for answer in answers if isinstance(answer, str)}

    async def put(self, token: int, values: Mapping[str, nodes.Record]) -> bool:
        """Store records on every node that answers; true where a majority has all of them.

        Raises:
            nodes.StaleTokenError: another controller took over.
        """

        async def store(connection: nodes.NodeConnection) -> None:
            for key, record in values.items():
                await connection.put_record(token, key, record)

        return quorum.holds(self.wanted, await self.everywhere(store))

    async def mend(self, token: int, reports: records.Reports) -> None:
        """Bring nodes that were away up to the newest records. Raises nodes.StaleTokenError."""
        for name, stale in records.outdated(reports).items():

            async def store(
                connection: nodes.NodeConnection, stale: dict[str, nodes.Record] = stale
            ) -> None:
                for key, record in stale.items():
                    await connection.put_record(token, key, record)

            await self.everywhere(store, {name})

    def drop(self, name: str, *, tell: bool = True) -> None:
        """Close a connection that is good for nothing any more; the node counts as lost."""
        connection = self._open.pop(name, None)
        heard = self._heard.pop(name, None)
        if heard is not None:
            self._silent_since.setdefault(name, heard)
        gone = self._gone.pop(name, None)
        if gone is not None:
            gone.set()
        reader = self._readers.pop(name, None)
        if reader is not None and reader is not asyncio.current_task():
            reader.cancel()
        if connection is None:
            return
        task = asyncio.ensure_future(_close(connection, self.timeout_s))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        if tell:
            self._listener(name, None)

    def overdue(self) -> tuple[str, ...]:
        """Drop and return the nodes that were silent for longer than they may be."""
        now = self._context.clock.monotonic()
        late = [name for name, heard in self._heard.items() if now - heard > self.timeout_s]
        for name in late:
            self.drop(name)
        return tuple(sorted(late))

    async def supervise(self) -> None:
        """Look for silent nodes, for ever; cancel it to end it."""
        while True:
            await self._context.clock.sleep(self.timeout_s / 4)
            self.overdue()

    async def close(self) -> None:
        """Close every connection; bounded, never raises."""
        readers = list(self._readers.values())
        for name in list(self._open):
            self.drop(name, tell=False)
        if readers or self._closing:
            await asyncio.wait([*readers, *self._closing], timeout=self.timeout_s)

    async def _report(self, target: node_model.Node) -> nodes.NodeReport | None:
        """Observe a node, by a new connection where the old one fails."""
        name = target.name
        for _ in range(2):
            fresh = name not in self._open
            connection = self._open.get(name) or await self._connected(target)
            if connection is None:
                return None
            try:
                async with asyncio.timeout(self.timeout_s):
                    report = await connection.observe(deadline_s=self.timeout_s)
            except (nodes.NodeUnreachableError, TimeoutError):
                self.drop(name)
                if fresh:
                    return None
            else:
                self._there(name)
                return report
        return None

    async def _connected(self, target: node_model.Node) -> nodes.NodeConnection | None:
        name = target.name
        if self._just_asked(name):
            return None
        first_s = self.timeout_s * self._context.bounds.first_connect
        deadline_s = self._again_s if name in self._met else first_s
        self._met.add(name)
        try:
            async with asyncio.timeout(deadline_s):
                connection = await self._context.transport.connect(target, deadline_s=deadline_s)
        except (nodes.NodeUnreachableError, TimeoutError):
            self._not_there(name)
            return None
        if connection.node != name:
            await _close(connection, self.timeout_s)
            self._not_there(name)
            return None
        self._open[name] = connection
        self._there(name)
        self._readers[name] = asyncio.ensure_future(self._read(name, connection))
        return connection

    @property
    def _again_s(self) -> float:
        """How long a node that was met before may take to accept a connection, seconds."""
        return min(self.timeout_s, _AGAIN_S)

    def _there(self, name: str) -> None:
        self._heard[name] = self._context.clock.monotonic()
        self._silent_since.pop(name, None)
        self._refused_at.pop(name, None)

    def _not_there(self, name: str) -> None:
        now = self._context.clock.monotonic()
        self._silent_since.setdefault(name, now)
        self._refused_at[name] = now

    def _just_asked(self, name: str) -> bool:
        """Whether the node was asked in vain so lately that asking again tells nothing new."""
        at = self._refused_at.get(name)
        return at is not None and self._context.clock.monotonic() - at < self._again_s

    async def _read(self, name: str, connection: nodes.NodeConnection) -> None:
        """Pass events on until the connection ends."""
        with contextlib.suppress(nodes.NodeUnreachableError):
            async for event in connection.events():
                self._there(name)
                if event.kind != nodes.EventKind.HEARTBEAT:
                    self._listener(name, event)
        if self._open.get(name) is connection:
            self.drop(name)


async def _close(connection: nodes.NodeConnection, timeout_s: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await connection.close()
