"""Running asynchronous work under signals.

The first SIGINT, SIGTERM or SIGHUP asks the work to stop: nothing more is begun, what is in flight
is waited for, bounded. The second one ends it at once; the next run resumes from what the nodes know.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from collections.abc import Awaitable, Callable
from typing import TypeVar

from reconciler.cli import terminal
from reconciler.cli.quit import Quit
from reconciler.errors.exit_status import ExitStatus

T = TypeVar("T")
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop:
    """The wish to stop.

    Attributes:
        event: set by the first signal.
        number: which signal it was; None: none came.
    """

    def __init__(self) -> None:
        self.event = asyncio.Event()
        self.number: int | None = None

    @property
    def status(self) -> int:
        """The exit status of a command that a signal has ended."""
        return 128 + self.number if self.number is not None else int(ExitStatus.ERROR)


def to_end(
    work: Callable[[Stop], Awaitable[T]],
    *,
    at_once: bool = False,
    say: Callable[[str], None] = terminal.note,
) -> T:
    """Run work to its end.

    Args:
        work: what is to be done; it is given the wish to stop.
        at_once: it changes nothing, so the first signal ends it.
        say: tells that the first signal was heard.

    Raises:
        Quit: a signal ended it.
    """
    gc.enable()
    return asyncio.run(_under_signals(work, at_once=at_once, say=say))


async def _under_signals(
    work: Callable[[Stop], Awaitable[T]], *, at_once: bool, say: Callable[[str], None]
) -> T:
    stop = Stop()
    task = asyncio.ensure_future(work(stop))
    loop = asyncio.get_running_loop()

    def heard(number: int) -> None:
        if stop.number is None and not at_once:
            stop.number = number
            stop.event.set()
            with contextlib.suppress(OSError, Quit):
                say("stopping: nothing more is begun; once more to leave at once")
            return
        stop.number = number
        task.cancel()

    for number in _SIGNALS:
        loop.add_signal_handler(number, heard, number)
    try:
        return await task
    except asyncio.CancelledError:
        if stop.number is None:
            raise
        raise Quit(stop.status, "interrupted") from None
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
