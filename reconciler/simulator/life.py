"""The life of a simulated controller: every use of a port is a step, at which it can be killed.

Killed means as by SIGKILL: from that step on nothing that it does reaches the world, and its
connections break. Stopped means as by SIGSTOP: what it was about to send is sent when it goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Life:
    """One controller's life.

    Args:
        name: who it is.
        dies_at: the step, from 1, at which it is killed; 0: never.
    """

    def __init__(self, name: str, dies_at: int = 0) -> None:
        self.name = name
        self.dies_at = dies_at
        self.steps = 0
        self.dead = False
        self.task: asyncio.Task[object] | None = None
        self.on_death: list[Callable[[], None]] = []
        self._going = asyncio.Event()
        self._going.set()

    async def step(self) -> None:
        """Pass one step, if alive and not stopped; the dead stay here until they are cancelled."""
        self.count()
        while not self.dead and not self._going.is_set():
            await self._going.wait()
        if self.dead:
            await asyncio.get_running_loop().create_future()

    def count(self) -> None:
        """Pass a step that cannot wait."""
        if self.dead:
            return
        self.steps += 1
        if self.steps == self.dies_at:
            self.kill()

    def kill(self) -> None:
        """Kill it now."""
        if self.dead:
            return
        self.dead = True
        for tell in self.on_death:
            tell()
        if self.task is not None:
            self.task.cancel()

    def stop(self) -> None:
        """Stop it, as by SIGSTOP."""
        self._going.clear()

    def go_on(self) -> None:
        """Let it go on, as by SIGCONT."""
        self._going.set()
