"""Progress as plain lines on stderr: for logs, pipes and terminals without cursor movement."""

from __future__ import annotations

import contextlib

from reconciler.cli import terminal
from reconciler.cli.quit import Quit
from reconciler.model import action, outcome, plan
from reconciler.ports import fencing, progress
from reconciler.render import levels, moment, plan_text
from reconciler.render.styled import Line, Span, Style, line, span

_OUTCOMES: dict[outcome.OutcomeKind, tuple[str, Style]] = {
    outcome.OutcomeKind.SUCCESS: ("ok", Style.GOOD),
    outcome.OutcomeKind.FAILURE: ("FAILED", Style.BAD),
    outcome.OutcomeKind.UNKNOWN: ("UNKNOWN", Style.BAD),
    outcome.OutcomeKind.REFUSED: ("refused", Style.WARNING),
}
_STATUS_COLUMN = 9


class Lines:
    """The progress port as lines; never raises, whoever has stopped reading."""

    def __init__(self, screen: terminal.Screen | None = None) -> None:
        self._screen = screen or terminal.error()

    def say(self, one: Line) -> None:
        """Write a line; nothing happens where nobody reads any more."""
        with contextlib.suppress(OSError, ValueError, Quit):
            self._screen.lines([one])

    def phase(self, phase: progress.Phase, detail: str = "") -> None:
        """Phases show by what they bring about."""

    def planned(self, number: int, due: plan.Plan) -> None:
        """Tell that a further plan is executed; the first one was shown before."""
        if number > 1:
            spans = plan_text.summary(due).spans
            rest = spans[1:] if spans[0].text == "Plan: " else spans
            head = span(f"{f'plan {number}':<{_STATUS_COLUMN}}", Style.STRONG)
            self.say(line(head, *rest, hang=_STATUS_COLUMN))

    def began(self, step: action.Action) -> None:
        """Tell of what usually takes long."""
        if step.kind is action.ActionKind.FENCE:
            self.say(began_line(step))

    def ended(self, step: action.Action, result: outcome.Outcome) -> None:
        """Tell what came of an action."""
        self.say(ended_line(step, result))

    def fencing(self, target: str, step: fencing.FenceStep) -> None:
        """Tell of a step of fencing a node."""
        if step.reply is not None:
            self.say(fencing_line(target, step))

    def note(self, message: str) -> None:
        """Tell of something else."""
        self.say(
            line(span(f"{'note':<{_STATUS_COLUMN}}", Style.NOTE), message, hang=_STATUS_COLUMN)
        )


def began_line(step: action.Action) -> Line:
    """Return the line for an action that was begun."""
    return line(
        span(f"{'...':<{_STATUS_COLUMN}}", Style.FAINT), levels.phrase(step), hang=_STATUS_COLUMN
    )


def ended_line(step: action.Action, result: outcome.Outcome) -> Line:
    """Return the line for an action that ended: how, what, how long, and the agent's words."""
    word, style = _OUTCOMES[result.kind]
    took = result.ended_at - result.began_at if result.began_at else 0.0
    detail = ""
    if not result.ok:
        code = f"rc {result.rc}" if result.rc is not None else ""
        refusal = result.refusal.value if result.refusal else ""
        parts = [part for part in (code, refusal, result.message) if part]
        detail = f": {', '.join(parts)}" if parts else ""
    return line(
        Span(f"{word:<{_STATUS_COLUMN}}", style),
        levels.phrase(step),
        span(f"  {moment.length(took)}", Style.FAINT),
        detail,
        hang=_STATUS_COLUMN,
    )


def fencing_line(target: str, step: fencing.FenceStep) -> Line:
    """Return the line for one call to a fence device."""
    reply = step.reply
    answer = "" if reply is None else reply.power.value if reply.ok else "failed"
    if reply is not None and reply.ok and reply.power.value == "unknown":
        answer = "done"
    fault = f" ({reply.fault.value})" if reply is not None and reply.fault else ""
    words = f": {reply.message}" if reply is not None and reply.message and not reply.ok else ""
    style = Style.FENCE if reply is None or reply.ok else Style.BAD
    again = f", attempt {step.attempt}" if step.attempt > 1 else ""
    return line(
        span(f"{'fencing':<{_STATUS_COLUMN}}", Style.FENCE),
        f"{target}: {step.device} (level {step.level}) {step.verb.value}{again}: ",
        Span(f"{answer}{fault}", style),
        words,
        hang=_STATUS_COLUMN,
    )
