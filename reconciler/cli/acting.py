"""Running what changes the cluster: progress shown, signals heard, the result told."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator

from reconciler.cli import compose, lines, running, terminal, verdict
from reconciler.controller.context import Context
from reconciler.controller.result import Result
from reconciler.model.desired import Desired
from reconciler.ports import progress

Work = Callable[[Context, running.Stop], Awaitable[Result]]


def carry_out(wanted: Desired, command: str, work: Work) -> tuple[Result, int]:
    """Do the work, show its progress on stderr, and tell what came of it.

    Returns:
        The result, and the exit status that it means.
    """
    began = time.monotonic()
    stopped: list[running.Stop] = []
    with watching() as told:
        world = compose.world(wanted, command=command, told=told)

        async def under(stop: running.Stop) -> Result:
            stopped.append(stop)
            return await work(world.context, stop)

        result = running.to_end(under)
    verdict.tell(result, time.monotonic() - began)
    return result, verdict.status(result, stopped[0])


@contextlib.contextmanager
def watching() -> Iterator[progress.Progress]:
    """Give what shows progress: drawn on a terminal, plain lines elsewhere."""
    screen = terminal.error()
    if not screen.interactive or not terminal.can_draw():
        yield lines.Lines(screen)
        return
    from reconciler.cli import live

    with live.Live(screen) as drawn:
        yield drawn
