"""What a run came to, as an exit status and a sentence."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.cli import terminal
from reconciler.cli.running import Stop
from reconciler.controller.result import Result, State
from reconciler.errors.exit_status import ExitStatus
from reconciler.model.reason import Reason, ReasonCode
from reconciler.render import moment, sentences
from reconciler.render.styled import Line, Span, Style, line, span

STATUSES: dict[State, ExitStatus] = {
    State.CONVERGED: ExitStatus.SUCCESS,
    State.DONE: ExitStatus.SUCCESS,
    State.BLOCKED: ExitStatus.NOT_CONVERGED,
    State.TIMED_OUT: ExitStatus.NOT_CONVERGED,
    State.NO_PROGRESS: ExitStatus.NOT_CONVERGED,
    State.NO_QUORUM: ExitStatus.NOT_CONVERGED,
    State.LEASE_LOST: ExitStatus.NOT_CONVERGED,
    State.DECLINED: ExitStatus.APPROVAL_NEEDED,
    State.STALE: ExitStatus.STALE,
    State.LEASE_HELD: ExitStatus.ERROR,
    State.UNREACHABLE: ExitStatus.ERROR,
    State.EMPTY: ExitStatus.ERROR,
    State.REFUSED: ExitStatus.ERROR,
    State.STATE_NOT_WRITABLE: ExitStatus.ERROR,
    State.STOPPED: ExitStatus.ERROR,
}
"""Every state; STOPPED is told by the signal's own number. A test holds the table complete."""

_WORDS: dict[State, str] = {
    State.CONVERGED: "Converged",
    State.DONE: "Done",
    State.BLOCKED: "Blocked",
    State.TIMED_OUT: "Not converged in time",
    State.NO_PROGRESS: "No progress: the same plan again and again, and nothing changes",
    State.NO_QUORUM: "No quorum: a majority of the nodes does not answer; nothing was done",
    State.LEASE_LOST: "Another controller took over, or the majority was lost",
    State.DECLINED: "Nothing was done: the plan was not approved",
    State.STALE: "Nothing was done: stale plan, other steps are due now than were approved",
    State.LEASE_HELD: "Somebody else acts",
    State.UNREACHABLE: "No node answers; nothing was done",
    State.EMPTY: "Refused: the manifests hold no resources at all",
    State.REFUSED: "Refused",
    State.STATE_NOT_WRITABLE: "The journal cannot be written, so nothing may be begun",
    State.STOPPED: "Stopped",
}
_ADVICE: dict[State, str] = {
    State.BLOCKED: "",
    State.TIMED_OUT: "see what is missing: reconcile plan; or give it longer: --timeout",
    State.NO_PROGRESS: "see: reconcile status, reconcile history",
    State.LEASE_LOST: "run it again: it resumes from what the nodes know",
    State.STALE: "look at it anew: reconcile plan",
    State.LEASE_HELD: "wait for it with --lock-timeout",
    State.UNREACHABLE: "is the cluster up? see: reconcile sandbox status",
    State.EMPTY: "if everything shall be stopped, say so: properties: {stop-all-resources: true}",
    State.STOPPED: "run it again: it resumes from what the nodes know",
}


def status(result: Result, stop: Stop) -> int:
    """Return the exit status of a run."""
    if result.state is State.STOPPED and stop.number is not None:
        return stop.status
    return int(STATUSES[result.state])


def tell(result: Result, elapsed_s: float | None = None) -> None:
    """Write what came of a run to stderr."""
    terminal.error().lines(lines(result, elapsed_s))


def lines(result: Result, elapsed_s: float | None = None) -> tuple[Line, ...]:
    """Return what came of a run: a sentence, what is blocked and why, what to do."""
    style = Style.GOOD if result.ok else Style.WARNING
    tail = f": {result.message}" if result.message else ""
    if result.holder is not None:
        one = result.holder
        tail = (
            f": {one.command} by {one.user} on {one.host} (pid {one.pid}),"
            f" since {moment.rfc3339(one.since)}"
        )
    if result.state is State.CONVERGED:
        done = f"{result.actions} action{'s' * (result.actions != 1)}"
        took = f" in {moment.length(elapsed_s)}" if elapsed_s is not None else ""
        tail = f": {done}{took}." if result.actions else ": nothing had to be done."
    rows = [line(Span(_WORDS[result.state], style), tail, hang=2)]
    if result.silent:
        rows.append(
            line("  ", Span("no answer from ", Style.WARNING), ", ".join(result.silent), hang=4)
        )
    rows += _blocked(result)
    if _ADVICE.get(result.state):
        rows.append(line("  ", span(_ADVICE[result.state], Style.NOTE), hang=2))
    return tuple(rows)


def _blocked(result: Result) -> Iterable[Line]:
    for one in result.blocked:
        where = f" on {one.node}" if one.node and one.node != one.subject else ""
        words, fix = one.code, ""
        if one.code in {code.value for code in ReasonCode}:
            reason = Reason(ReasonCode(one.code), detail=one.detail)
            words = sentences.sentence(reason, subject_known=one.subject)
            fix = sentences.advice(reason, one.subject.rpartition(":")[0] or one.subject)
        yield line(
            "  ",
            Span("! ", Style.WARNING),
            span(one.subject, Style.STRONG),
            f"{where}: {words}",
            hang=4,
        )
        if fix:
            yield line("    to do: ", span(fix, Style.NOTE), hang=11)
