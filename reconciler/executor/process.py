"""Waiting for a released program, and ending it with its whole group when its time is over."""

from __future__ import annotations

import os
import signal
from typing import NamedTuple

from reconciler.executor import launch, output
from reconciler.executor import loop as event_loop

TERM_GRACE_S = 2.0
KILL_GRACE_S = 5.0  # a process in uninterruptible sleep survives SIGKILL: nobody waits longer
_POLL_S = 0.05
_TRIM_S = 0.25

EXITED = "exited"
SIGNALLED = "signalled"
TIMED_OUT = "timed-out"
NOT_EXECUTED = "not-executed"
KILLED = "killed"


class Ending(NamedTuple):
    """How a run ended.

    Args:
        kind: One of the constants of this module.
        code: Exit code, signal number or errno, by kind; 0 for the others.
        survives: Whether something of the group was still there after SIGKILL.
    """

    kind: str
    code: int
    survives: bool = False


class Run:
    """One released program with its deadline."""

    def __init__(
        self, loop: event_loop.Loop, process: launch.Process, capture: output.Capture
    ) -> None:
        self.process = process
        self._loop = loop
        self._capture = capture
        self._interrupted: event_loop.Future[None] = event_loop.Future(loop)
        self._over = False

    def interrupt(self) -> None:
        """End it now (the daemon is going down); its ending will be KILLED."""
        self._interrupted.set(None)

    async def finish(self, timeout_ms: int) -> Ending:
        """Release the program and return how it ended, at the latest 7 s after its time-out."""
        self.process.release()
        self._loop.call_later(_TRIM_S, self._trim)
        first: event_loop.Future[str] = event_loop.Future(self._loop)
        self.process.ended.when_done(lambda: first.set(EXITED))
        self._interrupted.when_done(lambda: first.set(KILLED))
        timer = self._loop.call_later(timeout_ms / 1000, lambda: first.set(TIMED_OUT))
        kind = await first
        timer.cancel()
        survives = False
        if kind != EXITED:  # whatever exit code follows the TERM says nothing
            survives = await self._end_group()
        self._over = True
        error = self.process.exec_error()
        if kind != EXITED:
            return Ending(kind, 0, survives)
        if error:
            return Ending(NOT_EXECUTED, error)
        status = self.process.ended.result()
        if os.WIFSIGNALED(status):
            return Ending(SIGNALLED, os.WTERMSIG(status))
        return Ending(EXITED, os.WEXITSTATUS(status))

    async def _end_group(self) -> bool:
        """TERM, grace, KILL; returns whether anything survived."""
        for number, grace_s in ((signal.SIGTERM, TERM_GRACE_S), (signal.SIGKILL, KILL_GRACE_S)):
            if not self.process.signal_group(number):
                return False
            self.process.signal_group(signal.SIGCONT)  # a stopped process would sit on its TERM
            for _poll in range(int(grace_s / _POLL_S)):
                await self._loop.sleep(_POLL_S)
                if not self.process.signal_group(0):
                    return False
        return True

    def _trim(self) -> None:
        if not self._over:
            self._capture.trim()
            self._loop.call_later(_TRIM_S, self._trim)
