"""Progress on a terminal: what is running where and for how long, what waits for what.

Finished steps scroll up as plain lines; the part below them is drawn anew several times a second
and is gone at the end.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live as RichLive
from rich.text import Text

from reconciler.cli import lines as plain
from reconciler.cli import terminal
from reconciler.frozen import frozen
from reconciler.model import action, outcome, plan
from reconciler.ports import fencing, progress
from reconciler.render import levels, moment, styled, waiting
from reconciler.render.styled import Line, Span, Style, line, span

_FRAMES = "|/-\\"
_RUNNING_MAX = 8
_WAITING_MAX = 4
_PER_SECOND = 8
_WORDS: dict[progress.Phase, str] = {
    progress.Phase.LOCKING: "taking the lease",
    progress.Phase.OBSERVING: "asking the nodes",
    progress.Phase.PLANNING: "planning",
    progress.Phase.EXECUTING: "working",
    progress.Phase.CONVERGED: "converged",
    progress.Phase.BLOCKED: "blocked",
    progress.Phase.TIMED_OUT: "out of time",
}


@frozen
class _Running:
    step: action.Action
    since: float
    detail: str = ""


class Live(plain.Lines):
    """The progress port on a terminal; use it as a context manager."""

    def __init__(
        self, screen: terminal.Screen, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(screen)
        self._clock = clock
        self._began = clock()
        self._phase = progress.Phase.OBSERVING
        self._running: dict[str, _Running] = {}
        self._over: frozenset[str] = frozenset()
        self._plan = plan.Plan()
        self._before: waiting.Before = {}
        console = Console(file=sys.stderr, highlight=False, no_color=not screen.colours)
        self._live = RichLive(
            console=console,
            get_renderable=self._drawn,
            refresh_per_second=_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def say(self, one: Line) -> None:
        """Write a line above the part that is drawn anew."""
        for row in styled.fold([one], self._screen.width):
            self._live.console.print(
                Text.from_ansi(self._screen.painted(row)), soft_wrap=True, overflow="ignore"
            )

    def phase(self, phase: progress.Phase, detail: str = "") -> None:  # noqa: ARG002 - the port's signature
        """Show the phase."""
        self._phase = phase

    def planned(self, number: int, due: plan.Plan) -> None:
        """Know what is going to be done, so that it can be said what waits for what."""
        super().planned(number, due)
        self._plan, self._before = due, waiting.before(due)
        self._over = frozenset()

    def began(self, step: action.Action) -> None:
        """Show a running action."""
        self._running = {**self._running, step.key: _Running(step, self._clock())}

    def ended(self, step: action.Action, result: outcome.Outcome) -> None:
        """Take an action out and leave its line."""
        self._running = {key: one for key, one in self._running.items() if key != step.key}
        self._over |= {step.key}
        super().ended(step, result)

    def fencing(self, target: str, step: fencing.FenceStep) -> None:
        """Show what a fencing is doing."""
        super().fencing(target, step)
        detail = f"{step.device} {step.verb.value}"
        self._running = {
            key: dataclasses.replace(one, detail=detail)
            if one.step.kind is action.ActionKind.FENCE and one.step.node == target
            else one
            for key, one in self._running.items()
        }

    def rows(self) -> tuple[Line, ...]:
        """Return what is shown below the finished steps."""
        now = self._clock()
        running = tuple(self._running.values())
        real = len(self._before)
        frame = _FRAMES[int(now * _PER_SECOND / 2) % len(_FRAMES)]
        count = f"  {len(self._over)} of {real} steps" if real else ""
        rows = [
            line(
                Span(f"{frame} ", Style.NOTE),
                span(_WORDS[self._phase], Style.STRONG),
                span(f"{count}  {moment.length(now - self._began)}", Style.FAINT),
            )
        ]
        for one in running[:_RUNNING_MAX]:
            detail = f"  ({one.detail})" if one.detail else ""
            rows.append(
                line(
                    Span("  > ", Style.CHANGE),
                    levels.phrase(one.step),
                    span(f"  {moment.length(now - one.since)}{detail}", Style.FAINT),
                )
            )
        if len(running) > _RUNNING_MAX:
            rows.append(line(span(f"    and {len(running) - _RUNNING_MAX} more", Style.FAINT)))
        held = waiting.waiting(self._plan, self._before, self._over, frozenset(self._running))
        if running:
            rows += self._waiting(held)
        return tuple(rows)

    def _waiting(
        self, held: tuple[tuple[action.Action, tuple[action.Action, ...]], ...]
    ) -> list[Line]:
        rows = []
        for step, missing in held[:_WAITING_MAX]:
            rest = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            words = f"    {levels.phrase(step)}  waits for {levels.phrase(missing[0])}{rest}"
            rows.append(line(span(words, Style.FAINT)))
        if len(held) > _WAITING_MAX:
            rows.append(line(span(f"    {len(held) - _WAITING_MAX} more wait", Style.FAINT)))
        return rows

    def _drawn(self) -> Group:
        return Group(
            *(
                Text.from_ansi(self._screen.painted(one), no_wrap=True, overflow="ellipsis")
                for one in self.rows()
            )
        )
