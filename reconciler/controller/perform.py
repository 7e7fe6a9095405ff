"""Carry out one action: journal the intent, resolve secrets, send it, and say what became of it.

Whatever happens is an ``Outcome``; nothing is raised but cancellation. What was not begun for certain
is REFUSED; what may have been begun, and is not known to have ended well, is UNKNOWN.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from reconciler.controller import isolate, records
from reconciler.controller.session import Session, View
from reconciler.model import action, outcome
from reconciler.ports import nodes, secrets

_NOT_KEPT = "what became of it could not be journaled"


async def perform(session: Session, view: View, step: action.Action) -> outcome.Outcome:
    """Carry out an action of a plan that was made from ``view``."""
    context = session.context
    action_id = context.new_id()
    facts = {
        "key": step.key,
        "task": step.task.value,
        "resource": step.resource,
        "node": step.node,
        "action": action_id,
    }
    try:
        context.note_event(
            "action-began",
            **facts,
            token=session.lease.token if session.lease else 0,
            observation=view.observed.id,
        )
    except OSError as error:
        return refused(session, outcome.RefusalCode.STATE_NOT_WRITABLE, str(error))
    context.progress.began(step)
    if step.kind is action.ActionKind.FENCE:
        result = await isolate.fence(session, view, step)
    else:
        result = await _sent(session, view, step, action_id)
    context.progress.ended(step, result)
    try:
        context.note_event(
            "action-ended",
            **facts,
            outcome=result.kind.value,
            rc=result.rc,
            refusal=result.refusal.value if result.refusal else None,
            message=context.secrets.redact(result.message),
        )
    except OSError:
        session.alarm.ring(_NOT_KEPT)
    return result


def refused(session: Session, code: outcome.RefusalCode, message: str) -> outcome.Outcome:
    """Return the outcome of an action that was not begun."""
    now = session.context.clock.now()
    return outcome.Outcome(
        outcome.OutcomeKind.REFUSED, message=message, refusal=code, began_at=now, ended_at=now
    )


async def _sent(  # noqa: PLR0911 - one return for each guard
    session: Session, view: View, step: action.Action, action_id: str
) -> outcome.Outcome:
    """Have an executor carry it out."""
    name = step.router or step.node
    connection = session.peers.get(name)
    seen = view.observed.nodes.get(name)
    if connection is None or seen is None:
        return refused(session, outcome.RefusalCode.UNREACHABLE, f"{name} does not answer")
    try:
        params = session.context.secrets.resolve_all(step.params)
    except secrets.SecretUnavailableError as error:
        return refused(session, outcome.RefusalCode.SECRET_UNAVAILABLE, str(error))
    if session.lease is None or not session.may_act():
        return refused(session, outcome.RefusalCode.LEASE_LOST, "lease or quorum are not held")
    began = session.context.clock.now()
    session.sent(action_id)
    limit_s = (
        step.timeout_ms + step.start_delay_ms
    ) / 1000 + session.context.bounds.answer_margin_s
    work = connection.perform(
        step,
        action_id=action_id,
        token=session.lease.token,
        boot_id=seen.boot_id,
        params=params,
    )
    try:
        async with asyncio.timeout(limit_s):
            result = await _unless_gone(work, session.peers.gone(name))
    except TimeoutError:
        return _unknown(session, began, "no answer within the action's time")
    except nodes.NodeUnreachableError as error:
        session.peers.drop(name)
        return _unknown(session, began, str(error))
    except nodes.StaleTokenError as error:
        session.lease.lose(f"another controller took over with token {error.highest}")
        return refused(session, outcome.RefusalCode.STALE_TOKEN, str(error))
    session.answered(action_id, result.rc)
    if result.refusal is outcome.RefusalCode.STALE_TOKEN:
        session.lease.lose(f"another controller took over: {result.message}")
    if step.task is action.Task.SHUTDOWN and result.ok:
        return await _left(session, step, seen.boot_id, result)
    return result


async def _unless_gone(
    work: Coroutine[Any, Any, outcome.Outcome], gone: asyncio.Event
) -> outcome.Outcome:
    """Wait for an answer for as long as the connection lasts."""
    answering = asyncio.ensure_future(work)
    ending = asyncio.ensure_future(gone.wait())
    try:
        await asyncio.wait([answering, ending], return_when=asyncio.FIRST_COMPLETED)
        if answering.done():
            return answering.result()
        raise nodes.NodeUnreachableError("the connection was lost")
    finally:
        answering.cancel()
        ending.cancel()
        await asyncio.wait([answering, ending])


async def _left(
    session: Session, step: action.Action, boot_id: str, result: outcome.Outcome
) -> outcome.Outcome:
    """Record that a node left cleanly: from now on its silence means that it is down."""
    left = records.Seen(boot_id, session.context.clock.now(), expected_up=False)
    if await session.put({records.node_key(step.node): left.value()}):
        session.leaving.add(step.node)
        return result
    return _unknown(session, result.began_at, f"that {step.node} left could not be recorded")


def _unknown(session: Session, began: float, message: str) -> outcome.Outcome:
    return outcome.Outcome(
        outcome.OutcomeKind.UNKNOWN,
        message=message,
        began_at=began,
        ended_at=session.context.clock.now(),
    )
