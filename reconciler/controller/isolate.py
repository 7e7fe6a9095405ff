"""Fence one node, and prove it. Only this file turns "the device said so" into a fact.

In this order, and every step must hold: the limits allow it; where its silence is the reason, the node
has been silent for the membership time-out, and is asked until then; the intent is recorded on a
majority; the devices act, asking before every switching whether lease and quorum are still held; the
node does not answer from the same boot any more; the confirmation is recorded on a majority. Until
then nothing that depends on it begins. Switching it on again is not waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from reconciler.controller import quorum, records
from reconciler.controller.session import Session, View
from reconciler.model import action, outcome
from reconciler.model import fencing as fencing_model
from reconciler.model.reason import ReasonCode
from reconciler.ports import fencing

_BY_SILENCE = frozenset({ReasonCode.NODE_LOST, ReasonCode.NODE_UNSEEN})
_SLACK_S = 120.0


async def fence(  # noqa: PLR0911 - one return for each guard
    session: Session, view: View, step: action.Action, *, by_hand: bool = False
) -> outcome.Outcome:
    """Fence ``step.node``; SUCCESS only with proof that is recorded.

    Args:
        session: holds the lease.
        view: what the decision was taken on.
        step: a fencing action, OFF or REBOOT.
        by_hand: a person asked for it, so the limit per hour does not apply.
    """
    clock = session.context.clock
    began = clock.now()
    if step.task not in {action.Task.OFF, action.Task.REBOOT}:
        return _refused(outcome.RefusalCode.OTHER, "only off and reboot are known", began)
    against = await _objection(session, view, step, by_hand=by_hand)
    if against is not None:
        return against
    name = step.node
    code = step.reason.code.value if step.reason is not None else ReasonCode.REQUESTED.value
    boot_id = _boot(view, name)
    intent = records.Fence(
        state="intent",
        boot_id=boot_id,
        at=began,
        token=session.lease.token if session.lease else 0,
        reason=code,
    )
    times = [*records.times(view.known, name, began), began]
    stored = await session.put(
        {records.fence_key(name): intent.value(), records.times_key(name): times}
    )
    if not stored:
        return _refused(outcome.RefusalCode.NO_QUORUM, "the intent could not be recorded", began)
    session.leaving.add(name)
    result, contradicted = await _switched(session, step, boot_id)
    if not result.confirmed_off:
        return _ended(session, began, result.message or "no device could prove it off")
    if contradicted:
        session.leaving.discard(name)
        word = f"{result.device} says off, yet {name} answers from the same boot"
        return _ended(session, began, word)
    proof = records.Fence(
        state="confirmed",
        boot_id=boot_id,
        at=clock.now(),
        token=intent.token,
        device=result.device,
        reason=code,
    )
    if not await session.put({records.fence_key(name): proof.value()}):
        return _ended(
            session, began, "it is off, but that could not be recorded", outcome.OutcomeKind.UNKNOWN
        )
    session.peers.drop(name)
    return _ended(session, began, result.device, outcome.OutcomeKind.SUCCESS)


async def _objection(
    session: Session, view: View, step: action.Action, *, by_hand: bool
) -> outcome.Outcome | None:
    """Return why the node must not be fenced now, or None."""
    context, name = session.context, step.node
    now = context.clock.now()
    if not session.may_act():
        return _refused(outcome.RefusalCode.LEASE_LOST, "lease or quorum are not held", now)
    if not quorum.holds(session.wanted, [one for one in session.peers.answering if one != name]):
        word = "the nodes that would be left are no majority"
        return _refused(outcome.RefusalCode.NO_QUORUM, word, now)
    recent = len(records.times(view.known, name, now))
    if not by_hand and recent >= context.bounds.fences_per_hour:
        word = f"{name} was fenced {recent} times within an hour"
        return _refused(outcome.RefusalCode.FENCE_LIMIT, word, now)
    by_silence = step.reason is not None and step.reason.code in _BY_SILENCE
    if by_silence and not await session.peers.outlasts(name):
        return _refused(outcome.RefusalCode.OTHER, f"{name} answers again", now)
    return None


async def _switched(
    session: Session, step: action.Action, boot_id: str
) -> tuple[fencing.FenceResult, bool]:
    """Have the devices act; return the result, and whether the node itself contradicts it.

    While the devices are asked the second time, so is the node: whoever answers from the boot that
    is said to be off was not switched off.
    """
    name = step.node
    asked: asyncio.Task[bool] | None = None

    def told(one: fencing.FenceStep) -> None:
        nonlocal asked
        session.context.progress.fencing(name, one)
        says_off = one.reply is not None and one.reply.power is fencing_model.PowerState.OFF
        if says_off and one.verb is fencing.FenceVerb.STATUS and asked is None:
            asked = asyncio.ensure_future(_alive(session, name, boot_id))

    proof: asyncio.Future[fencing.FenceResult] = asyncio.get_running_loop().create_future()
    devices = asyncio.ensure_future(_devices(session, step, told, proof))
    try:
        await asyncio.wait([devices, proof], return_when=asyncio.FIRST_COMPLETED)
        if proof.done() and not devices.done():
            session.restoring.add(devices)
            devices.add_done_callback(session.restoring.discard)
        result = proof.result() if proof.done() else devices.result()
        if not result.confirmed_off:
            return result, False
        return result, await (asked or _alive(session, name, boot_id))
    finally:
        for task in (asked, devices):
            if task is not None and task not in session.restoring:
                task.cancel()


async def _alive(session: Session, name: str, boot_id: str) -> bool:
    """Whether a node answers from the given boot."""
    answer = await session.peers.answers(name)
    return answer is not None and answer.boot_id == boot_id


async def _devices(
    session: Session,
    step: action.Action,
    told: Callable[[fencing.FenceStep], None],
    proof: asyncio.Future[fencing.FenceResult],
) -> fencing.FenceResult:
    """Have the devices act, within a bound that leaves each its own time-outs."""
    name = step.node

    def proven(result: fencing.FenceResult) -> None:
        if not proof.done():
            proof.set_result(result)

    try:
        async with asyncio.timeout(_bound_s(session, name)):
            return await session.fencer.fence(
                name,
                reboot=step.task is action.Task.REBOOT,
                report=told,
                may_act=session.may_act,
                proven=proven,
            )
    except TimeoutError:
        return fencing.FenceResult(
            name,
            confirmed_off=False,
            fault=fencing.FenceFault.TIMEOUT,
            message="the devices did not come to an end in time",
        )


def _bound_s(session: Session, name: str) -> float:
    """Return an upper limit for fencing a node: every call of every device, and slack."""
    calls_s = sum(
        (one.timeout_ms * 4 * (one.retries + 1) + one.delay_base_ms + one.delay_max_ms) / 1000
        for level in session.wanted.fencing.topology(name)
        for one in level
    )
    return calls_s + _SLACK_S


def _boot(view: View, name: str) -> str:
    report = view.reports.get(name)
    return report.boot_id if report is not None else records.seen(view.known, name).boot_id


def _refused(code: outcome.RefusalCode, message: str, at: float) -> outcome.Outcome:
    return outcome.Outcome(
        outcome.OutcomeKind.REFUSED, message=message, refusal=code, began_at=at, ended_at=at
    )


def _ended(
    session: Session,
    began: float,
    message: str,
    kind: outcome.OutcomeKind = outcome.OutcomeKind.FAILURE,
) -> outcome.Outcome:
    ended = session.context.clock.now()
    return outcome.Outcome(kind, message=message, began_at=began, ended_at=ended)
