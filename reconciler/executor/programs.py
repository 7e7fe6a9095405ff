"""Programs that are run without an intent: recurring monitors, meta-data, fence agents.

The process group of each is noted in the state directory while it runs (not flushed: it is of
use in the same boot only), so that the next daemon can end what a killed one left behind.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import List, NamedTuple, Tuple

from reconciler.executor import launch, output, process
from reconciler.executor import loop as event_loop

_LINGER_S = 30.0


class Finished(NamedTuple):
    """How a program ended, and the last parts of what it wrote."""

    ending: process.Ending
    stdout: bytes
    stderr: bytes


class Programs:
    """The programs that run now.

    Args:
        loop: The daemon's loop.
        state_dir: The state directory: notes and output files are made there.
    """

    def __init__(self, loop: event_loop.Loop, state_dir: str) -> None:
        self._loop = loop
        self._state_dir = state_dir
        self._notes = f"{state_dir}/running"
        self._runs: List[process.Run] = []
        self._lingering: List[output.Capture] = []
        os.makedirs(self._notes, mode=0o700, exist_ok=True)  # noqa: PTH103  pathlib costs memory

    def begin(self, program: launch.Launch) -> Tuple[launch.Process, output.Capture]:
        """Launch a program behind its gate.

        Raises:
            OSError: It could not be; nothing runs.
        """
        capture = output.Capture(self._state_dir)
        try:
            return launch.Process(self._loop, program, capture), capture
        except OSError:
            capture.hand_over()
            capture.close()
            raise

    def close(self, capture: output.Capture) -> None:
        """Let go of a finished run's files.

        A resource's own processes may keep them as their standard output for weeks: such a file
        is kept in sight and cut now and then, or it would fill the disk without a name.
        """
        if not capture.held():
            capture.close()
            return
        if not self._lingering:
            self._loop.call_later(_LINGER_S, self._look_after)
        self._lingering.append(capture)

    def _look_after(self) -> None:
        held = []
        for capture in self._lingering:
            if capture.held():
                capture.trim()
                held.append(capture)
            else:
                capture.close()
        self._lingering = held
        if held:
            self._loop.call_later(_LINGER_S, self._look_after)

    async def run(
        self, program: launch.Launch, timeout_ms: int, limit: int = output.TAIL_MAX
    ) -> Finished:
        """Run a program to its end or time-out, keeping `limit` bytes of what it writes.

        Raises:
            OSError: It could not be launched.
        """
        started, capture = self.begin(program)
        self._note(started)
        run = process.Run(self._loop, started, capture)
        self._runs.append(run)
        try:
            ending = await run.finish(timeout_ms)
            return Finished(ending, *capture.read(limit))
        finally:
            self.close(capture)
            self._runs.remove(run)
            self._forget(started.pid)

    def busy(self) -> bool:
        """Return whether any of them runs."""
        return bool(self._runs)

    def interrupt(self) -> None:
        """End all of them: the daemon is going down."""
        for run in self._runs:
            run.interrupt()

    def _note(self, started: launch.Process) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(f"{self._notes}/{started.pid}", flags, 0o600)
            try:
                os.write(descriptor, str(started.start_ticks).encode())
            finally:
                os.close(descriptor)
        except OSError as error:  # a full disk must not make a healthy resource look failed
            print(f"cannot note {started.pid}: {error}", file=sys.stderr, flush=True)  # noqa: T201  the daemon's log

    def _forget(self, pid: int) -> None:
        try:
            os.unlink(f"{self._notes}/{pid}")  # noqa: PTH108  pathlib costs memory
        except FileNotFoundError:
            return  # it could not be noted

    def end_left_behind(self) -> None:
        """Kill what an earlier daemon left running, and drop its notes."""
        for name in os.listdir(self._notes):  # noqa: PTH208  pathlib costs memory
            path = f"{self._notes}/{name}"
            with open(path, "rb") as source:  # noqa: PTH123  pathlib costs memory
                ticks = source.read(32)
            if name.isdigit() and ticks.isdigit():
                kill_left_behind(int(name), int(ticks))
            os.unlink(path)  # noqa: PTH108  pathlib costs memory


def kill_left_behind(pid: int, ticks: int) -> bool:
    """Kill a process group if its leader is still the process that was noted.

    A leader that has ended may have left the resource itself behind: that is not killed, and
    neither is a stranger that got the same number.
    """
    if launch.start_ticks(pid) != ticks:
        return False
    return launch.signal_group(pid, signal.SIGKILL)
