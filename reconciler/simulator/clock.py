"""Virtual time: an event loop that jumps to the next timer as soon as nothing else is to be done.

Time-outs of asyncio and the ``Clock`` port read the same time, so hours of a cluster's life pass in
milliseconds, and always in the same order.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

EPOCH = 1_750_000_000.0
"""The wall clock at the beginning of every simulation, seconds since 1970."""

T = TypeVar("T")


class DeadlockError(RuntimeError):
    """Everything waits, and nothing can ever happen."""


class OutOfTimeError(RuntimeError):
    """The simulation went on for longer than it was allowed to."""


class _Selector(selectors.SelectSelector):
    """Never waits: moves the time of its loop instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.limit = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise DeadlockError("nothing can ever happen any more")
        self.now += max(timeout, 1e-6)
        if self.now > self.limit:
            raise OutOfTimeError(f"{self.limit} simulated seconds are over")
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is virtual; ``limit_s`` bounds it."""

    def __init__(self, limit_s: float) -> None:
        self._virtual = _Selector()
        self._virtual.limit = limit_s
        super().__init__(self._virtual)

    def time(self) -> float:
        """Return the virtual seconds since the loop was made."""
        return self._virtual.now


class VirtualClock:
    """The ``Clock`` port in virtual time; the wall clock may be set off by ``skew_s``."""

    def __init__(self, skew_s: float = 0.0) -> None:
        self.skew_s = skew_s

    def now(self) -> float:
        """Return the simulated wall clock."""
        return EPOCH + self.skew_s + self.monotonic()

    def monotonic(self) -> float:
        """Return the virtual time."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Wait in virtual time."""
        await asyncio.sleep(seconds)


def run(main: Coroutine[Any, Any, T], *, limit_s: float = 100_000.0) -> T:
    """Run a coroutine in virtual time, and end everything that it has left behind.

    Raises:
        DeadlockError: everything waits for ever.
        OutOfTimeError: it took longer than ``limit_s`` virtual seconds.
    """
    loop = VirtualLoop(limit_s)
    task = loop.create_task(main)
    try:
        return loop.run_until_complete(task)
    finally:
        left = asyncio.all_tasks(loop)
        for one in left:
            one.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
