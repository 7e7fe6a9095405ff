"""Watch: keep the cluster as the manifests say, for as long as it runs.

Level-triggered: an event, a lost node, a changed file or a timer only wakes it; what it does follows
from looking anew. The lease is held only while it acts, so that commands and other runs get their
turn in between. A manifest that cannot be read, or that holds no resources any more, leaves the last
good one in force, and says so.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from reconciler.controller import loop, session
from reconciler.controller.context import Context
from reconciler.controller.result import Result, State
from reconciler.errors import diagnostic
from reconciler.model import desired as desired_model

Load = Callable[[], desired_model.Desired]
"""Reads the manifests. Raises diagnostic.InvalidInputError."""

Rejected = Callable[[diagnostic.InvalidInputError], None]
"""Told of an edit that was refused; the last good manifest stays in force."""

_SHORTEST_S = 1.0
_FLOOR_S = 2.0


def no_word(_error: diagnostic.InvalidInputError) -> None:
    """Say nothing more about a refused edit than the progress note does."""


async def watch(  # noqa: PLR0913 - the options of a run, by keyword
    context: Context,
    load: Load,
    changes: AsyncIterator[str],
    *,
    stop: asyncio.Event,
    rejected: Rejected = no_word,
    pass_deadline_s: float = 3600.0,
    passed: Callable[[Result], None] | None = None,
) -> Result:
    """Converge again and again until ``stop`` is set.

    Args:
        context: the world.
        load: reads the manifests anew.
        changes: yields whenever they may have changed (see ``files.changes``).
        stop: when set, nothing more is begun; what is in flight is waited for, bounded.
        rejected: told of edits that are no valid manifest.
        pass_deadline_s: bound of one pass.
        passed: told what came of each pass.

    Returns:
        What came of the last pass.

    Raises:
        diagnostic.InvalidInputError: the manifest is invalid at the beginning.
    """
    wanted = load()
    if not wanted.resources:
        return Result(State.EMPTY)
    async with session.opened(context, wanted) as held:
        watcher = _Watcher(held, load, rejected, stop)
        async with watcher.following(changes):
            while True:
                result = await watcher.once(pass_deadline_s)
                if passed is not None:
                    passed(result)
                if stop.is_set():
                    return result
                await watcher.rest(result)


class _Watcher:
    """One watch within its session."""

    def __init__(
        self, held: session.Session, load: Load, rejected: Rejected, stop: asyncio.Event
    ) -> None:
        self._session = held
        self._load = load
        self._rejected = rejected
        self._stop = stop
        self._edited = asyncio.Event()
        self._interrupt = asyncio.Event()
        self._failures = 0

    @contextlib.asynccontextmanager
    async def following(self, changes: AsyncIterator[str]) -> AsyncIterator[None]:
        """Listen to changes of the manifests and to the wish to stop, in the background."""
        tasks = [
            asyncio.ensure_future(self._follow(changes)),
            asyncio.ensure_future(self._until_stop()),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def once(self, deadline_s: float) -> Result:
        """Make one pass with the manifest that is in force, and give the lease back."""
        if self._edited.is_set():
            self._edited.clear()
            if not self._stop.is_set():
                self._interrupt.clear()
            self._adopt()
        held = self._session
        run = loop.Run(
            held,
            until=held.context.clock.monotonic() + deadline_s,
            approve=loop.approve_all,
            lock_timeout_s=0.0,
            stop=self._interrupt,
        )
        try:
            return await run.settle()
        finally:
            await held.give_lease()

    async def rest(self, result: Result) -> None:
        """Wait until there is a reason to look again."""
        bounds = self._session.context.bounds
        if result.ok:
            self._failures = 0
            await self._wait(self._timer(result), self._session.wake)
            return
        self._failures = min(self._failures + 1, 16)
        wait_s = min(bounds.retry_s * 2**self._failures, bounds.retry_max_s)
        if not await self._wait(min(wait_s, _FLOOR_S)):
            await self._wait(max(0.0, wait_s - _FLOOR_S), self._session.wake)

    def _timer(self, result: Result) -> float:
        """Return how long everything may stay as it is, seconds."""
        context = self._session.context
        wait_s = context.bounds.full_pass_s
        if result.silent:
            wait_s = min(wait_s, context.bounds.revisit_s)
        if result.plan is not None and result.plan.recheck_at is not None:
            wait_s = min(wait_s, result.plan.recheck_at - context.clock.now())
        return max(_SHORTEST_S, wait_s)

    async def _wait(self, seconds: float, *wakes: asyncio.Event) -> bool:
        """Wait for the time, an edit, the wish to stop, or one of ``wakes``; false: the time."""
        sleeping = asyncio.ensure_future(self._session.context.clock.sleep(seconds))
        waiting = [
            asyncio.ensure_future(one.wait()) for one in (self._interrupt, self._edited, *wakes)
        ]
        try:
            done, _ = await asyncio.wait([sleeping, *waiting], return_when=asyncio.FIRST_COMPLETED)
            return any(one in done for one in waiting)
        finally:
            for one in (sleeping, *waiting):
                one.cancel()
            await asyncio.wait([sleeping, *waiting])

    def _adopt(self) -> None:
        """Put an edited manifest in force, if it is one."""
        note = self._session.context.progress.note
        try:
            wanted = self._load()
        except diagnostic.InvalidInputError as error:
            note(f"the edited manifest is refused ({error}); the last good one stays in force")
            self._rejected(error)
            return
        if not wanted.resources:
            note("the edited manifest holds no resources; the last good one stays in force")
            return
        if wanted != self._session.wanted:
            note("the manifest changed")
            self._failures = 0
            self._session.adopt(wanted)

    async def _follow(self, changes: AsyncIterator[str]) -> None:
        note = self._session.context.progress.note
        try:
            async for _ in changes:
                self._edited.set()
                self._interrupt.set()
        except OSError as error:
            note(f"the manifests are not watched any more: {error}")

    async def _until_stop(self) -> None:
        await self._stop.wait()
        self._interrupt.set()
