"""Commands on the live cluster: each takes the lease, does one thing, and gives it back.

They change records and history only, but for fencing by hand; what follows from a change is up to the
next run or the watching controller.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from reconciler.controller import perform, records, session
from reconciler.controller.context import Context
from reconciler.controller.result import Result, State
from reconciler.frozen import frozen
from reconciler.model import action, reason
from reconciler.model import desired as desired_model
from reconciler.ports import nodes, progress


@frozen
class _Acting:
    """A session that holds the lease, with what was seen under it; or why there is none."""

    held: session.Session
    view: session.View
    refusal: Result | None = None


async def standby(
    context: Context,
    desired: desired_model.Desired,
    name: str,
    *,
    on: bool | None,
    lock_timeout_s: float = 0.0,
) -> Result:
    """Set a node's standby, or leave it to the manifest (None)."""
    return await _put(
        context, desired, name, records.standby_key(name), on, lock_timeout_s=lock_timeout_s
    )


async def maintenance(
    context: Context,
    desired: desired_model.Desired,
    name: str,
    *,
    on: bool | None,
    lock_timeout_s: float = 0.0,
) -> Result:
    """Set a node's maintenance, or leave it to the manifest (None)."""
    return await _put(
        context, desired, name, records.maintenance_key(name), on, lock_timeout_s=lock_timeout_s
    )


async def cleanup(
    context: Context,
    desired: desired_model.Desired,
    resource: str,
    *,
    node: str | None = None,
    lock_timeout_s: float = 0.0,
) -> Result:
    """Forget the history and the failures of a resource (and its instances); stops nothing.

    Args:
        context: the world.
        desired: the manifest.
        resource: its name; instances ``NAME:0`` and so on are cleaned up with it.
        node: only there; None: wherever it has a history.
        lock_timeout_s: how long to wait for somebody else who acts.
    """
    if node is not None and not _known(desired, node):
        return Result(State.REFUSED, message=f"no node {node} in the manifest")
    done = 0
    async with _acting(context, desired, lock_timeout_s) as acting:
        held = acting.held
        if acting.refusal is not None or held.lease is None:
            return acting.refusal or Result(State.LEASE_LOST)
        for name, report in acting.view.reports.items():
            connection = held.peers.get(name)
            if report is None or connection is None or node not in {None, name}:
                continue
            for one in sorted(_instances(resource, report)):
                try:
                    await connection.forget(held.lease.token, one)
                except nodes.NodeUnreachableError as error:
                    return _ended(acting, State.REFUSED, f"{name}: {error}", done)
                except nodes.StaleTokenError as error:
                    return _ended(acting, State.LEASE_LOST, str(error), done)
                done += 1
        return _ended(acting, State.DONE, f"{done} histories were dropped", done)


async def fence(  # noqa: PLR0913 - the options of a command, by keyword
    context: Context,
    desired: desired_model.Desired,
    name: str,
    *,
    confirm: str,
    reboot: bool = True,
    lock_timeout_s: float = 0.0,
) -> Result:
    """Fence a node by hand; the proof is recorded as for any other fencing.

    Args:
        context: the world.
        desired: the manifest, with its devices.
        name: the node.
        confirm: must be the node's name again.
        reboot: switch it on again.
        lock_timeout_s: how long to wait for somebody else who acts.
    """
    if confirm != name or not _known(desired, name):
        return Result(State.REFUSED, message=f"not confirmed, or no node {name} in the manifest")
    async with _acting(context, desired, lock_timeout_s) as acting:
        if acting.refusal is not None:
            return acting.refusal
        task = action.Task.REBOOT if reboot else action.Task.OFF
        step = action.Action(
            key=f"{task.value}-{name}",
            kind=action.ActionKind.FENCE,
            task=task,
            node=name,
            reason=reason.Reason(reason.ReasonCode.REQUESTED, name),
        )
        result = await perform.perform(acting.held, acting.view, step)
        state = State.DONE if result.ok else State.REFUSED
        return _ended(acting, state, result.message, int(result.ok))


async def confirm_off(  # noqa: PLR0913 - the options of a command, by keyword
    context: Context,
    desired: desired_model.Desired,
    name: str,
    *,
    confirm: str,
    reason: str,
    lock_timeout_s: float = 0.0,
) -> Result:
    """Record a person's word that a silent node is off, where no device can prove it.

    Args:
        context: the world.
        desired: the manifest.
        name: the node; it must not answer.
        confirm: must be the node's name again.
        reason: how the person knows; kept in the record.
        lock_timeout_s: how long to wait for somebody else who acts.
    """
    if confirm != name or not _known(desired, name) or not reason.strip():
        return Result(State.REFUSED, message="a node's name, twice, and a reason are needed")
    async with _acting(context, desired, lock_timeout_s) as acting:
        held = acting.held
        if acting.refusal is not None or held.lease is None:
            return acting.refusal or Result(State.LEASE_LOST)
        if name not in acting.view.silent or await held.peers.answers(name) is not None:
            return _ended(acting, State.REFUSED, f"{name} answers: it is not off", 0)
        proof = records.Fence(
            state="confirmed",
            boot_id=records.seen(acting.view.known, name).boot_id,
            at=context.clock.now(),
            token=held.lease.token,
            device=f"by hand: {context.identity.user}",
            reason=reason.strip(),
        )
        try:
            context.note_event("confirmed-off", node=name, reason=reason.strip())
        except OSError as error:
            return _ended(acting, State.STATE_NOT_WRITABLE, str(error), 0)
        stored = await held.put({records.fence_key(name): proof.value()})
        return _ended(acting, State.DONE if stored else State.NO_QUORUM, "", int(stored))


async def _put(  # noqa: PLR0913 - what the two commands above were given
    context: Context,
    desired: desired_model.Desired,
    name: str,
    key: str,
    value: bool | None,
    *,
    lock_timeout_s: float,
) -> Result:
    if not _known(desired, name):
        return Result(State.REFUSED, message=f"no node {name} in the manifest")
    async with _acting(context, desired, lock_timeout_s) as acting:
        if acting.refusal is not None:
            return acting.refusal
        try:
            context.note_event("record-put", key=key, value=value)
        except OSError as error:
            return _ended(acting, State.STATE_NOT_WRITABLE, str(error), 0)
        stored = await acting.held.put({key: value})
        return _ended(acting, State.DONE if stored else State.NO_QUORUM, "", int(stored))


@contextlib.asynccontextmanager
async def _acting(
    context: Context, desired: desired_model.Desired, lock_timeout_s: float
) -> AsyncIterator[_Acting]:
    """Look, take the lease, look again, and bring the records in order."""
    async with session.opened(context, desired) as held:
        context.progress.phase(progress.Phase.OBSERVING)
        view = await held.look()
        refusal = _too_few(view)
        if refusal is None:
            context.progress.phase(progress.Phase.LOCKING)
            try:
                if not await held.take_lease(view, wait_s=lock_timeout_s):
                    refusal = Result(State.NO_QUORUM, silent=view.silent)
            except nodes.LeaseHeldError as error:
                refusal = Result(State.LEASE_HELD, holder=error.holder, message=str(error))
        if refusal is None:
            view = await held.look()
            refusal = _too_few(view)
            if refusal is None and not await held.register(view):
                refusal = Result(State.LEASE_LOST, silent=view.silent)
        yield _Acting(held, view, refusal)


def _too_few(view: session.View) -> Result | None:
    if view.observed.quorate:
        return None
    nobody = len(view.silent) == len(view.reports)
    state = State.UNREACHABLE if nobody else State.NO_QUORUM
    return Result(state, observed=view.observed, silent=view.silent)


def _known(desired: desired_model.Desired, name: str) -> bool:
    return any(one.name == name for one in desired.nodes)


def _instances(resource: str, report: nodes.NodeReport) -> list[str]:
    """Return the history names that belong to a resource on a node."""
    return [
        name for name in report.histories if name == resource or name.rpartition(":")[0] == resource
    ]


def _ended(acting: _Acting, state: State, message: str, actions: int) -> Result:
    return Result(
        state,
        observed=acting.view.observed,
        silent=acting.view.silent,
        actions=actions,
        message=message,
    )
