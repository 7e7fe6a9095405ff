"""One stream to an executor: requests and their replies, events, and the watch over silence.

A link is good until it is lost, and then for nothing: end of the stream, a line that is none, one
that is too long, events that nobody fetches, or no byte for some seconds (executors send a heartbeat
every second to those who subscribed). Whatever waited is told at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable

from reconciler.ports import nodes
from reconciler.transport import wire
from reconciler.transport.fields import Document, OddAnswerError

EVENTS_MAX = 1024
"""Events that may wait to be fetched."""
PENDING_MAX = 1000
"""Requests that may wait for their replies; the executor takes 1024."""
CHUNK = 256 * 1024
CLOSE_S = 1.0
SECOND_LOOK_S = 0.1

Closer = Callable[[], Awaitable[None]]


class RefusedError(Exception):
    """An error reply."""

    def __init__(self, refusal: wire.Refusal) -> None:
        self.refusal = refusal
        super().__init__(f"{refusal.code}: {refusal.message}")


class NotSentError(nodes.NodeUnreachableError):
    """The request was not sent: the link had been lost before."""


class Link:
    """A stream with an executor at its other end.

    Args:
        reader: what it says.
        writer: the way to it.
        closer: ends what stands behind the stream, e.g. a program; bounded, never raises.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        closer: Closer | None = None,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._closer = closer
        self._numbers = itertools.count(1)
        self._pending: dict[int, asyncio.Future[wire.Reply]] = {}
        self._events: asyncio.Queue[wire.Event | None] = asyncio.Queue(EVENTS_MAX + 1)
        self._listened = False
        self._lost = ""
        self._closing: asyncio.Future[None] | None = None
        self._heard_at = asyncio.get_running_loop().time()
        self._tasks = [asyncio.ensure_future(self._receive())]

    @property
    def lost(self) -> str:
        """Why it is good for nothing any more; empty: it is good."""
        return self._lost

    async def ask(self, op: str, body: Document, *, deadline_s: float) -> Document:
        """Return the result of a request.

        Raises:
            RefusedError: the executor refuses.
            NotSentError: the link had been lost before.
            nodes.NodeUnreachableError: no answer in time, or the link was lost.
        """
        if self._lost:
            raise NotSentError(self._lost)
        if len(self._pending) >= PENDING_MAX:
            raise NotSentError(f"{PENDING_MAX} requests wait already")
        number = next(self._numbers)
        try:
            line = wire.encode({**body, "id": number, "op": op})
        except ValueError as error:
            raise NotSentError(str(error)) from None
        answer: asyncio.Future[wire.Reply] = asyncio.get_running_loop().create_future()
        self._pending[number] = answer
        try:
            async with asyncio.timeout(deadline_s):
                self._writer.write(line)
                reply = await answer
        except TimeoutError:
            raise nodes.NodeUnreachableError(f"no answer to {op} in {deadline_s:.1f} s") from None
        finally:
            self._pending.pop(number, None)
        if reply.refusal is not None:
            raise RefusedError(reply.refusal)
        return reply.result or {}

    async def events(self) -> AsyncIterator[wire.Event]:
        """Yield what is pushed until the link is lost."""
        self._listened = True
        while True:
            event = await self._events.get()
            if event is None:
                self._events.put_nowait(None)
                return
            yield event

    def watch(self, silence_s: float) -> None:
        """From now on, count it as lost when no byte comes for this long."""
        self._heard_at = asyncio.get_running_loop().time()
        self._tasks.append(asyncio.ensure_future(self._watch(silence_s)))

    async def close(self) -> None:
        """Close it and what stands behind it; bounded, never raises.

        Whoever waits for it may be cancelled; it is closed nevertheless.
        """
        if self._closing is None:
            self._closing = asyncio.ensure_future(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        self._lose("closed")
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._writer.wait_closed()
        if self._closer is not None:
            await self._closer()

    async def _watch(self, silence_s: float) -> None:
        loop = asyncio.get_running_loop()
        while not self._lost:
            await asyncio.sleep(silence_s / 8)
            if loop.time() - self._heard_at <= silence_s:
                continue
            # Where it was this process that stood still, what came meanwhile is read first.
            before = self._heard_at
            await asyncio.sleep(min(SECOND_LOOK_S, silence_s / 8))
            if self._heard_at == before:
                self._lose(f"nothing came for {silence_s:.1f} s")

    async def _receive(self) -> None:
        received = bytearray()
        try:
            while not self._lost:
                chunk = await self._reader.read(CHUNK)
                if not chunk:
                    self._lose("the other side closed the connection")
                    return
                self._heard_at = asyncio.get_running_loop().time()
                searched = len(received)
                received += chunk
                self._take_lines(received, searched)
        except OddAnswerError as error:
            self._lose(f"the executor's answer is none: {error}")
        except OSError as error:
            self._lose(f"the connection broke: {error}")

    def _take_lines(self, received: bytearray, searched: int) -> None:
        start = 0
        while not self._lost:
            end = received.find(b"\n", max(start, searched))
            if end < 0:
                break
            self._take(bytes(received[start:end]))
            start = end + 1
        del received[:start]
        if len(received) > wire.LINE_MAX:
            raise OddAnswerError(f"a line takes more than {wire.LINE_MAX} bytes")

    def _take(self, line: bytes) -> None:
        message = wire.decode(line)
        if isinstance(message, wire.Event):
            self._push(message)
        elif message.id is None:
            words = message.refusal.message if message.refusal else "a reply without a request"
            self._lose(f"the executor closed the connection: {words}")
        else:
            # A reply that nobody waits for any more came late, or twice.
            answer = self._pending.pop(message.id, None)
            if answer is not None and not answer.done():
                answer.set_result(message)

    def _push(self, event: wire.Event) -> None:
        if event.kind == nodes.EventKind.HEARTBEAT and not self._events.empty():
            return
        if self._events.qsize() < EVENTS_MAX:
            self._events.put_nowait(event)
        elif self._listened:
            self._lose(f"{EVENTS_MAX} events were not fetched")

    def _lose(self, why: str) -> None:
        if self._lost:
            return
        self._lost = why
        self._writer.close()
        for answer in self._pending.values():
            if not answer.done():
                answer.set_exception(nodes.NodeUnreachableError(why))
        self._pending.clear()
        self._events.put_nowait(None)
