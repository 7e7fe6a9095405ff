"""Progress as log events: for ``watch``, whose reader is a log and not a person at a terminal."""

from __future__ import annotations

from typing import Any

from reconciler.controller.result import Result, State
from reconciler.errors.diagnostic import InvalidInputError
from reconciler.model import action, outcome, plan
from reconciler.ports import fencing, progress
from reconciler.render import diagnostics, levels, plan_text
from reconciler.telemetry import log


class Logged:
    """The progress port as log events."""

    def __init__(self) -> None:
        self._log = log.logger()
        self._last: tuple[Any, ...] = ()

    def phase(self, phase: progress.Phase, detail: str = "") -> None:
        """Phases are what makes up a pass; only what it came to is logged, by ``passed``."""

    def planned(self, number: int, due: plan.Plan) -> None:
        """Log what is going to be done."""
        self._log.info("planned", number=number, summary=plan_text.summary(due).text)

    def began(self, step: action.Action) -> None:
        """Log the start of an action."""
        self._log.info("began", step=levels.phrase(step), **_facts(step))

    def ended(self, step: action.Action, result: outcome.Outcome) -> None:
        """Log the end of an action; an error where it did not do what was asked."""
        facts = {
            **_facts(step),
            "outcome": result.kind.value,
            "seconds": round(result.ended_at - result.began_at, 3),
        }
        if result.ok:
            self._log.info("ended", step=levels.phrase(step), **facts)
            return
        refusal = result.refusal.value if result.refusal else None
        self._log.error(
            "ended",
            step=levels.phrase(step),
            rc=result.rc,
            refusal=refusal,
            reason=result.message,
            **facts,
        )

    def fencing(self, target: str, step: fencing.FenceStep) -> None:
        """Log a call to a fence device when it is over."""
        if step.reply is None:
            return
        facts = {
            "node": target,
            "device": step.device,
            "level": step.level,
            "verb": step.verb.value,
            "attempt": step.attempt,
            "power": step.reply.power.value,
        }
        if step.reply.ok:
            self._log.info("fencing", **facts)
        else:
            fault = step.reply.fault.value if step.reply.fault else None
            self._log.error("fencing", fault=fault, reason=step.reply.message, **facts)

    def note(self, message: str) -> None:
        """Log something else."""
        self._log.warning("note", text=message)

    def passed(self, result: Result) -> None:
        """Log what a pass came to, where it did something or something is new."""
        news = (result.state, result.blocked, result.silent, result.message)
        if news == self._last and not result.actions:
            return
        self._last = news
        tell = self._log.info if result.ok or result.state is State.STOPPED else self._log.error
        facts: dict[str, Any] = {"actions": result.actions}
        if result.message:
            facts["reason"] = result.message
        if result.silent:
            facts["silent"] = ",".join(result.silent)
        if result.holder is not None:
            facts["holder"] = f"{result.holder.command} on {result.holder.host}"
        tell(result.state.value, **facts)
        for one in result.blocked:
            self._log.error(
                "blocked", subject=one.subject, node=one.node, code=one.code, detail=one.detail
            )

    def rejected(self, error: InvalidInputError) -> None:
        """Log every finding of an edit that was refused."""
        for one in error.diagnostics:
            self._log.error(
                "manifest refused",
                at=str(one.position),
                code=one.code,
                finding=diagnostics.sentence(one),
            )


def _facts(step: action.Action) -> dict[str, Any]:
    facts = {"task": step.task.value, "node": step.node}
    if step.resource:
        facts["resource"] = levels.instance(step)
    if step.reason is not None:
        facts["why"] = step.reason.code.value
    return facts
