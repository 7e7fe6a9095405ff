"""Clearing: fail counts that no longer say anything of what would fail now.

They do not once every failure is older than ``failure-timeout``, once the resource has been
redefined since, or is configured no longer (Pacemaker Explained, "Handling resource failure";
which records tell of a redefinition is measured).
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterator, Mapping

from reconciler.model import desired, secret
from reconciler.model import remote as implied
from reconciler.model.action import ActionKind, Task
from reconciler.model.observed import OperationRecord
from reconciler.model.reason import Reason, ReasonCode
from reconciler.model.resource import OnFail
from reconciler.scheduler import (
    digest,
    operation,
    parameters,
    remote,
    replica,
    restart,
    rule,
    stickiness,
)
from reconciler.scheduler.circumstance import Circumstances
from reconciler.scheduler.failure import NONE, Count
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.situation import Situation, Standing
from reconciler.scheduler.state import State
from reconciler.scheduler.step import Link, Step, Steps, link


def review(
    situation: Situation, wanted: desired.Desired, operations: operation.Reader, clock: rule.Clock
) -> None:
    """Find out of which resources a failure is remembered that another definition led to.

    However often they failed on that node, it no longer counts (measured). Where a connection leads
    to is not known yet.
    """
    found = list(_remembered(situation))
    if not found:
        return
    values = parameters.Parameters(wanted, situation.nodes, clock)
    for one, where, record in found:
        known = not replica.follows_host(one.definition)
        if known and _is_other(operations, one, record, values.of(one, where)):
            situation.outdated.add((one.history_name, where))


def _remembered(situation: Situation) -> Iterator[tuple[Instance, int, OperationRecord]]:
    """Yield the failures that are remembered, of what is managed, and the nodes where they were."""
    for name, states in situation.eventful.items():
        for where, state in states.items():
            record = state.remembered
            if record is None or state.has_expired(record) or not record.digests.all:
                continue
            one = _instance(situation, name)
            if one is not None and _holder(situation, one, where).managed:
                yield one, where, record


def _redirected(case: Circumstances) -> Iterator[tuple[str, int]]:
    """Yield connections that failed where they lead elsewhere by now, with the nodes.

    Where the container is going to be decides (measured).
    """
    for one, where, record in _remembered(case.situation):
        params = case.parameters.of(one, where)
        if replica.follows_host(one.definition) and _is_other(case.operations, one, record, params):
            yield one.history_name, where


def create(steps: Steps, case: Circumstances) -> None:
    """Enter the clearing of fail counts that no longer count."""
    situation = case.situation
    outdated = situation.outdated | set(_redirected(case))
    found = dict.fromkeys(outdated, NONE)
    for name, counts in situation.failures.items():
        found.update({(name, where): count for where, count in counts.items() if count.count})
    for (name, where), count in sorted(found.items(), key=operator.itemgetter(0)):
        one = _instance(situation, name)
        if one is not None and situation.nodes[where].reachable:
            code = _why(case, one, where, count, outdated=(name, where) in outdated)
            if code is not None:
                step = _clear(steps, one, where, code)
                if remote.is_connection(one):
                    _reconnect(steps, situation, one, step)


def _instance(situation: Situation, name: str) -> Instance | None:
    """Return an instance with a history name; any of those that share it."""
    found = situation.expansion.by_name.get(name)
    if found is None or not found.is_primitive:
        candidates = situation.expansion.by_base.get(name, ())
        found = next((each for each in candidates if each.history_name == name), None)
    return found


def _reconnect(steps: Steps, situation: Situation, one: Instance, clear: Step) -> None:
    """Let a lost connection be forgotten before it is made again (measured).

    Where that is to take its time, it is once its node was fenced.
    """
    link(clear, steps.at(one).start, Link.ORDER)
    if implied.reconnect_interval(one.definition) is not None:
        led_to = next((node.index for node in situation.nodes if node.name == one.name), -1)
        link(steps.fences.get(led_to), clear, Link.ORDER)


def _clear(steps: Steps, one: Instance, where: int, code: ReasonCode) -> Step:
    """Enter the clearing of a fail count."""
    step = steps.add(
        f"{one.history_name}_clear_failcount_0",
        ActionKind.CLUSTER,
        Task.CLEAR_FAILCOUNT,
        one,
        where,
    )
    step.require(Reason(code, one.base, origin=one.origin))
    if code is ReasonCode.REMOVED:
        for stop in steps.at(one).stops.values():
            link(step, stop, Link.ORDER)
    return step


def _why(
    case: Circumstances, one: Instance, where: int, count: Count, *, outdated: bool
) -> ReasonCode | None:
    """Return why a fail count is cleared, or None."""
    state = case.situation.known.get(one.history_name, {}).get(where)
    if state is None or not _holder(case.situation, one, where).managed:
        return None
    if not count.count:
        return ReasonCode.PARAMETERS_CHANGED
    if one.orphaned:
        return ReasonCode.REMOVED
    clock, timeout_ms = case.settings.clock, one.meta.failure_timeout_ms
    lasting = state.on_fail is OnFail.BLOCK or stickiness.is_lasting(one, case.situation)
    oldest = _oldest(case.situation, one, where) if timeout_ms and not lasting else None
    if oldest is not None:
        due = max(count.last, oldest) + timeout_ms / 1000
        if count.expired(timeout_ms, clock.now) and due <= clock.now:
            return ReasonCode.FAILURE_EXPIRED
        clock.wake(due)
    if outdated:
        return ReasonCode.PARAMETERS_CHANGED
    # Where nothing may run, or no failure counts any more, no definition is looked at (measured).
    counts = not count.expired(timeout_ms, clock.now)
    stays = counts and state.active and case.situation.nodes[where].takes_resources
    redefined = stays and _is_redefined(case, one, where, state)
    return ReasonCode.PARAMETERS_CHANGED if redefined else None


def _oldest(situation: Situation, one: Instance, where: int) -> float | None:
    """Return when the oldest operation on record was: none older, nothing expires (measured).

    None: of none it is known when it was.
    """
    kept = situation.nodes[where].observed.histories
    names = [one.history_name]
    if one.in_clone is not None:
        # Its instances may have been known by their numbers.
        names += [name for name in kept if name.partition(":")[0] == one.history_name != name]
    found = [
        record.changed_at
        for name in names
        if name in kept
        for record in kept[name].operations
        if record.changed_at
    ]
    return min(found, default=None)


def _holder(situation: Situation, one: Instance, where: int) -> Standing:
    """Return the standing of the instance that is active on a node, of those that share a name.

    Where none is, any that is managed speaks for them (measured).
    """
    alike = [
        situation.standing[each.index]
        for each in situation.expansion.by_base[one.base]
        if each.history_name == one.history_name
    ]
    there = (each for each in alike if where in each.running)
    managed = (each for each in alike if each.managed)
    return next(itertools.chain(there, managed), situation.standing[one.index])


def _is_redefined(case: Circumstances, one: Instance, where: int, state: State) -> bool:
    """Tell whether a resource runs, or was tried, with another definition than today's."""
    if any(restart.is_changed(case, one, where, each) for each in restart.telling(state)):
        return True
    params = case.parameters.of(one, where)
    return any(
        operation.lookup(one.definition, *key) is None
        or _is_other(case.operations, one, record, params)
        for key, record in state.recurring.items()
    )


def _is_other(
    operations: operation.Reader,
    one: Instance,
    record: OperationRecord,
    params: Mapping[str, secret.Value],
) -> bool:
    """Tell whether an operation was done with another definition than today's."""
    found = operations.options(one.definition, record.operation, record.interval_ms)
    extra = digest.beyond(found.params, record.interval_ms, found.timeout_ms)
    return not digest.fits(record.digests, params, extra)
