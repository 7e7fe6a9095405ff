"""The loop: look, plan, act, until nothing is left to do. Level-triggered: only what is seen counts.

``plan_only`` takes no lease and writes nothing. ``converge`` does the same first, so that a run that
finds nothing to do disturbs nobody; where something is due, it becomes the one who acts, looks again,
and goes on until the plan is empty, or says exactly why it is not.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import enum
from collections import Counter
from collections.abc import Awaitable, Callable

from reconciler.controller import execute, session
from reconciler.controller.context import Context
from reconciler.controller.result import Blockage, Result, State
from reconciler.frozen import frozen
from reconciler.model import action, outcome
from reconciler.model import desired as desired_model
from reconciler.model import observed as observed_model
from reconciler.model import plan as plan_model
from reconciler.model.reason import ReasonCode
from reconciler.ports import nodes, progress
from reconciler.transition import machine

_POLL_S = 0.25


class Approval(enum.Enum):
    """What somebody says to a plan."""

    YES = "yes"
    NO = "no"
    STALE = "stale"
    """It is not what was approved before."""


Approve = Callable[[plan_model.Plan, observed_model.Observed, int], Awaitable[Approval]]
"""Asked before each plan is executed; the number counts from 1, and plans after the first follow from
what became of the earlier ones."""


@frozen
class Preview:
    """What would be done.

    Attributes:
        silent: nodes that did not answer.
        holder: who acts at the moment, as far as the answering nodes know.
    """

    plan: plan_model.Plan
    observed: observed_model.Observed
    silent: tuple[str, ...]
    holder: nodes.LeaseHolder | None = None


async def approve_all(
    _due: plan_model.Plan, _seen: observed_model.Observed, _number: int
) -> Approval:
    """Approve every plan."""
    return Approval.YES


async def plan_only(context: Context, desired: desired_model.Desired) -> Preview:
    """Look and plan. Takes no lease and writes nothing, on no node."""
    async with session.opened(context, desired) as held:
        context.progress.phase(progress.Phase.OBSERVING)
        view = await held.look()
        context.progress.phase(progress.Phase.PLANNING)
        due = context.schedule(desired, view.observed)
        holders = [one.holder for one in view.reports.values() if one is not None]
        common = Counter(one for one in holders if one is not None).most_common(1)
        return Preview(due, view.observed, view.silent, common[0][0] if common else None)


async def converge(  # noqa: PLR0913 - the options of a run, by keyword
    context: Context,
    desired: desired_model.Desired,
    *,
    deadline_s: float,
    approve: Approve = approve_all,
    lock_timeout_s: float = 0.0,
    stop: asyncio.Event | None = None,
    allow_empty: bool = False,
) -> Result:
    """Bring the cluster to what the manifest says.

    Args:
        context: the world.
        desired: what is wanted; it stays the same for the whole run.
        deadline_s: nothing is begun after it; what is in flight is waited for, bounded.
        approve: asked before each plan.
        lock_timeout_s: how long to wait for somebody else who acts.
        stop: when set, nothing more is begun, and the run ends in an orderly way.
        allow_empty: a manifest without resources is meant.
    """
    if not desired.resources and not allow_empty:
        return Result(State.EMPTY)
    async with session.opened(context, desired) as held:
        run = Run(
            held,
            until=context.clock.monotonic() + deadline_s,
            approve=approve,
            lock_timeout_s=lock_timeout_s,
            stop=stop or asyncio.Event(),
        )
        return await run.settle()


class Run:
    """One way from looking to an end, within an open session."""

    def __init__(
        self,
        held: session.Session,
        *,
        until: float,
        approve: Approve,
        lock_timeout_s: float,
        stop: asyncio.Event,
    ) -> None:
        self._session = held
        self._context = held.context
        self._until = until
        self._approve = approve
        self._lock_timeout_s = lock_timeout_s
        self._stop = stop
        self._view: session.View | None = None
        self._plan: plan_model.Plan | None = None
        self._cycles = 0
        self._actions = 0
        self._tried: Counter[tuple[str, tuple[str, ...]]] = Counter()
        self._unfenced: Counter[str] = Counter()
        self._failures: dict[str, str] = {}
        self._waited_until: float | None = None
        self._doubt = False

    async def settle(self) -> Result:
        """Look, plan and act until there is a result."""
        while True:
            result = await self._cycle()
            if result is not None:
                self._tell(result)
                return result

    async def _cycle(self) -> Result | None:  # noqa: PLR0911 - one return for each stage
        """Go round once; None: again."""
        held, context = self._session, self._context
        ending = self._ending()
        if ending is not None:
            return ending
        context.progress.phase(progress.Phase.OBSERVING)
        view = self._view = await held.look()
        self._plan = None
        against = self._against(view)
        if against is not None:
            return against
        if view.running and (self._led_by_another(view) or self._patient()):
            return await self._let_run(view)
        context.progress.phase(progress.Phase.PLANNING)
        due = self._plan = context.schedule(held.wanted, view.observed)
        if due.empty and not held.arrivals(view):
            return await self._rest(due)
        if held.lease is None:
            return await self._lock(view)
        if self._doubt:
            self._doubt = False
            if await held.raise_token(view):
                return None
            return self._result(State.LEASE_LOST, "the lease could not be taken anew")
        if not await held.register(view):
            return self._result(State.LEASE_LOST, held.lease.lost or "records were not taken")
        if due.empty:
            return await self._rest(due)
        return await self._carry_out(view, due)

    async def _carry_out(self, view: session.View, due: plan_model.Plan) -> Result | None:
        """Execute a plan, if it is approved and if there is any sense in it."""
        context = self._context
        same = (view.observed.id, tuple(one.key for one in due.actions))
        tried = self._tried[same]
        self._tried[same] += 1
        if tried >= context.bounds.stalls or self._cycles >= context.bounds.cycles:
            return self._result(State.NO_PROGRESS, self._excuse())
        if tried and await self._pause(tried):
            return None
        answer = await self._approve(due, view.observed, self._cycles + 1)
        if answer is not Approval.YES:
            declined = State.DECLINED if answer is Approval.NO else State.STALE
            return self._result(declined)
        self._cycles += 1
        context.progress.phase(progress.Phase.EXECUTING)
        context.progress.planned(self._cycles, due)
        execution = execute.Execution(self._session, view, due)
        transition = await execution.run(stop=self._stop, until=self._until)
        return self._verdict(transition)

    def _verdict(self, transition: machine.Transition) -> Result | None:
        """Draw the conclusions from a transition; None: look again."""
        self._actions += len(transition.outcomes)
        for key, result in transition.outcomes.items():
            if result.ok:
                continue
            step = transition.actions[key]
            self._failures[key] = result.message or result.kind.value
            self._doubt |= result.kind is outcome.OutcomeKind.UNKNOWN
            if result.refusal is outcome.RefusalCode.STATE_NOT_WRITABLE:
                return self._result(State.STATE_NOT_WRITABLE, result.message)
            if step.kind is action.ActionKind.FENCE and _counts(result):
                self._unfenced[step.node] += 1
        lease = self._session.lease
        if lease is not None and not lease.held():
            return self._result(State.LEASE_LOST, lease.lost)
        hopeless = [
            name
            for name, count in sorted(self._unfenced.items())
            if count >= self._context.bounds.fence_attempts
        ]
        if hopeless and not transition.aborted:
            return self._result(State.BLOCKED, "fencing failed")
        return None

    async def _lock(self, view: session.View) -> Result | None:
        """Become the one who acts; then look again, since others may have acted until now."""
        self._context.progress.phase(progress.Phase.LOCKING)
        left = max(0.0, self._until - self._context.clock.monotonic())
        try:
            got = await self._session.take_lease(view, wait_s=min(self._lock_timeout_s, left))
        except nodes.LeaseHeldError as error:
            return dataclasses.replace(
                self._result(State.LEASE_HELD, str(error)), holder=error.holder
            )
        if not got:
            return self._result(State.NO_QUORUM, "no majority grants the lease")
        try:
            self._context.note_event("run-began", command=self._context.identity.command)
        except OSError as error:
            return self._result(State.STATE_NOT_WRITABLE, str(error))
        return None

    def _ending(self) -> Result | None:
        """Return the result where the run has to end whatever is seen."""
        lease = self._session.lease
        if lease is not None and not lease.held():
            return self._result(State.LEASE_LOST, lease.lost or "its time ran out")
        if self._stop.is_set():
            return self._result(State.STOPPED)
        if self._context.clock.monotonic() >= self._until:
            return self._result(State.TIMED_OUT, self._excuse())
        return None

    def _against(self, view: session.View) -> Result | None:
        """Return the result where too few nodes answer."""
        if len(view.silent) == len(view.reports):
            return self._result(State.UNREACHABLE)
        if not view.observed.quorate:
            return self._result(State.NO_QUORUM)
        return None

    async def _let_run(self, view: session.View) -> Result | None:
        """Leave actions that are running alone: somebody acts, or a dead predecessor did."""
        if self._led_by_another(view):
            return await self._lock(view)
        await self._context.clock.sleep(_POLL_S)
        return None

    def _led_by_another(self, view: session.View) -> bool:
        """Tell whether the actions that run are those of somebody who is alive."""
        own, dying = self._context.identity.id, self._context.bounds.dying_lease_s
        return self._session.lease is None and any(
            one is not None
            and one.holder is not None
            and one.holder.id != own
            and one.lease_remaining_s > dying
            for one in view.reports.values()
        )

    def _patient(self) -> bool:
        """Tell whether actions that somebody began earlier are still to be waited for."""
        now = self._context.clock.monotonic()
        if self._waited_until is None:
            self._waited_until = now + self._context.bounds.predecessor_wait_s
            self._context.progress.note("waiting for actions that are still running")
        return now < self._waited_until

    async def _pause(self, tried: int) -> bool:
        """Wait before the same is tried again; true where the world changed meanwhile."""
        bounds = self._context.bounds
        wait_s = min(bounds.retry_s * 2**tried, bounds.retry_max_s)
        sleeping = asyncio.ensure_future(self._context.clock.sleep(wait_s))
        waiting = [
            sleeping,
            asyncio.ensure_future(self._session.alarm.wait()),
            asyncio.ensure_future(self._stop.wait()),
        ]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            return not sleeping.done()
        finally:
            for one in waiting:
                one.cancel()
            await asyncio.wait(waiting)

    async def _rest(self, due: plan_model.Plan) -> Result | None:
        """Return the result where nothing can be done now; None: look again."""
        if self._session.restoring:
            # Switching a node on needs the lease, and what comes back needs another look.
            await self._session.restored(self._stop)
            return None
        blocked = bool(self._blockages(due))
        return self._result(State.BLOCKED if blocked else State.CONVERGED)

    def _result(self, state: State, message: str = "") -> Result:
        view, due = self._view, self._plan
        return Result(
            state=state,
            plan=due,
            observed=view.observed if view is not None else None,
            blocked=self._blockages(due),
            silent=view.silent if view is not None else (),
            cycles=self._cycles,
            actions=self._actions,
            message=message,
        )

    def _blockages(self, due: plan_model.Plan | None) -> tuple[Blockage, ...]:
        """Name everything that is due and cannot be done."""
        found = blockages(due) if due is not None else []
        if due is not None and self._view is not None:
            found += [
                Blockage(one.resource, "", ReasonCode.THRESHOLD_REACHED.value)
                for one in plan_model.exhausted(due, self._view.observed)
            ]
        for name, count in sorted(self._unfenced.items()):
            if count >= self._context.bounds.fence_attempts:
                detail = "; ".join(
                    message for key, message in sorted(self._failures.items()) if name in key
                )
                found.append(Blockage(name, name, ReasonCode.CANNOT_FENCE.value, detail))
        return tuple(dict.fromkeys(found))

    def _excuse(self) -> str:
        """Say what failed, the latest of each action."""
        return "; ".join(f"{key}: {word}" for key, word in sorted(self._failures.items()))

    def _tell(self, result: Result) -> None:
        phases = {
            State.CONVERGED: progress.Phase.CONVERGED,
            State.BLOCKED: progress.Phase.BLOCKED,
            State.TIMED_OUT: progress.Phase.TIMED_OUT,
        }
        if result.state in phases:
            self._context.progress.phase(phases[result.state], result.message)
        with contextlib.suppress(OSError):
            self._context.note_event(
                "run-ended", state=result.state.value, cycles=self._cycles, actions=self._actions
            )


def blockages(due: plan_model.Plan) -> list[Blockage]:
    """Return what a plan says is due and cannot be done."""
    found = []
    for change in due.blocked:
        name = (
            change.resource if change.instance is None else f"{change.resource}:{change.instance}"
        )
        place = change.source or change.target
        if change.reason is None:
            found.append(Blockage(name, place, "blocked"))
        else:
            word = change.reason.detail or change.reason.subject
            found.append(Blockage(name, place, change.reason.code.value, word))
    found.extend(
        Blockage(one.node, one.node, one.blocked.code.value, one.blocked.detail)
        for one in due.fencing
        if one.blocked is not None
    )
    return found


def _counts(result: outcome.Outcome) -> bool:
    """Tell whether an unsuccessful fencing speaks against trying for ever."""
    return result.refusal not in {outcome.RefusalCode.OTHER, outcome.RefusalCode.LEASE_LOST}
