"""Running what changes the cluster: progress shown, signals heard, the result told."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator

from reconciler.cli import compose, lines, running, terminal, verdict
from reconciler.controller.context import Context
from reconciler.controller.result import Result, State
from reconciler.model.desired import Desired
from reconciler.ports import progress

Work = Callable[[Context, running.Stop], Awaitable[Result]]


def carry_out(
    wanted: Desired, command: str, work: Work, *, done: Callable[[Result], str] | None = None
) -> tuple[Result, int]:
    """Do the work, show its progress on stderr, and tell what came of it.

    Args:
        wanted: the manifest.
        command: the verb, for whoever meets the lease of this run.
        work: what is to be done.
        done: says in a sentence what was done, where a command was carried out.

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
    if result.state is State.DONE and done is not None:
        terminal.note(done(result))
    else:
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
