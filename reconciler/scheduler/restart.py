"""Restarts and reloads: what a change of a resource's definition leads to.

A changed digest of the parameters means a restart, or a reload where only parameters changed that
the agent can take up while it runs (Pacemaker Explained, "Reloading an Agent After a Definition
Change"). Another agent under the same name means a restart, too.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator

from reconciler.model.action import Task
from reconciler.model.agent import Metadata
from reconciler.model.observed import OperationRecord, OperationStatus, Rc
from reconciler.model.reason import Reason, ReasonCode
from reconciler.model.role import Role
from reconciler.scheduler import digest
from reconciler.scheduler.circumstance import Circumstances
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.situation import Situation
from reconciler.scheduler.state import State
from reconciler.scheduler.step import Link, Step, Steps, link
from reconciler.scheduler.verdict import is_probe

_RELOADS = frozenset({"reload-agent", "reload"})
_TAKES_PARAMETERS = frozenset({"start", "migrate_from", "promote", *_RELOADS})


def check(steps: Steps, case: Circumstances) -> None:
    """Require a restart or reload of each resource that stays, but whose definition changed.

    What does not stay is noted, too: probes go before its stop as if it started again (measured).
    """
    situation, assignment = case.situation, case.assignment
    for one in situation.expansion.all:
        standing = situation.standing[one.index]
        if not one.is_primitive or one.removed or not standing.managed:
            continue
        _replace_agent(steps, situation, one)
        stays = standing.running == [assignment.chosen[one.index]]
        changes = (_change_on(case, one, where, stays) for where in standing.running)
        change = max(changes, default=Change.NONE)
        if change is Change.NONE:
            continue
        metadata = case.wanted.agents.get(one.definition.agent)
        task = _reload_task(metadata) if change is Change.RELOADABLE else None
        steps.at(one).redefined = task is None
        if stays:
            _anew(steps, one, standing.running[0], task)


def _change_on(case: Circumstances, one: Instance, where: int, stays: bool) -> Change:
    """Return how far a resource runs on a node with other parameters than today's.

    What stays is begun anew for another reason where it only was tried. Where nothing is to run no
    definition is looked at (measured).
    """
    node = case.situation.nodes[where]
    if not node.answers or node.leaves:
        return Change.NONE
    state = case.situation.standing[one.index].states[where]
    records = [each for each in telling(state) if not stays or _found_active(each)]
    return max((_changed(case, one, where, each) for each in records), default=Change.NONE)


def _anew(steps: Steps, one: Instance, where: int, task: Task | None) -> None:
    """Require the reload of a resource by a task of its agent; None: its restart."""
    reason = Reason(ReasonCode.PARAMETERS_CHANGED, one.base, origin=one.origin)
    places = steps.at(one)
    if task is not None:
        places.reload = steps.resource(one, task, where)
        places.reload.require(reason)
        link(places.reload, places.promote)
        return
    for step in (places.stops[where], places.start, places.promote):
        if step is not None:
            step.require(reason)


def postpone(steps: Steps) -> None:
    """Leave what runs well as it is while it could not be started again; after fencing is ordered.

    Beside a lost node that nothing can fence, a stop would be one for good. Nor is it watched with
    parameters that it does not run with.
    """
    for places in steps.places:
        start = None if places is None else places.start
        if places is None or start is None or not _for_parameters(start):
            continue
        places.postponed = next(
            (
                first.blocked
                for first, flags in start.before
                if flags & Link.NEEDS_IF_WANTED and not first.runnable
            ),
            None,
        )
        if places.postponed is not None:
            for step in (start, places.promote, *places.stops.values()):
                if step is not None and _for_parameters(step):
                    step.required = False
            for monitor in places.monitors:
                monitor.required = False


def _for_parameters(step: Step) -> bool:
    """Tell whether a step is needed for nothing but changed parameters."""
    reason = step.reason if step.required else None
    return reason is not None and reason.code is ReasonCode.PARAMETERS_CHANGED


def order(steps: Steps) -> None:
    """Let reloads come after the probes of their resource and before its monitors."""
    for places in steps.places:
        if places is None or places.reload is None:
            continue
        for probe in places.probes:
            link(probe, places.reload, Link.ORDER)
        for monitor in places.monitors:
            link(places.reload, monitor, Link.ORDER)


def drop(steps: Steps) -> None:
    """Give up reloads of what is stopped, started or demoted anyway; after settling."""
    for places in steps.places:
        if places is None or places.reload is None:
            continue
        others = (places.start, *places.stops.values(), *places.demotes.values())
        if any(other is not None and other.required for other in others):
            places.reload.required = False


class Change(enum.IntEnum):
    """How far parameters differ from those that a resource runs with."""

    NONE = 0
    RELOADABLE = 1
    FIXED = 2


def is_changed(case: Circumstances, one: Instance, node: int, record: OperationRecord) -> bool:
    """Tell whether the parameters of a record's operation are no longer today's."""
    return _changed(case, one, node, record) is not Change.NONE


def _changed(case: Circumstances, one: Instance, node: int, record: OperationRecord) -> Change:
    own = case.operations.options(one.definition, record.operation, 0).params
    if not own and record.digests.all == case.parameters.digest(one, node):
        return Change.NONE
    params = {**case.parameters.of(one, node), **own}
    if digest.fits(record.digests, case.parameters.of(one, node), own):
        return Change.NONE
    if not record.digests.nonreloadable:
        return Change.FIXED
    names = record.digests.restart_parameters
    fixed = {name: value for name, value in params.items() if name in names}
    # Some old histories do not say which parameters they mean: then it is all of them.
    same = {digest.digest(fixed)} if names else {digest.digest({}), digest.digest(params)}
    return Change.RELOADABLE if record.digests.nonreloadable in same else Change.FIXED


def _reload_task(metadata: Metadata | None) -> Task | None:
    """Return how the agent reloads its parameters; None: it cannot.

    Agents from before OCF 1.1 call it ``reload``. Of an agent without known meta-data the history
    has said that it can.
    """
    if metadata is None or metadata.offers(Task.RELOAD_AGENT.value):
        return Task.RELOAD_AGENT
    return Task.RELOAD if metadata.offers(Task.RELOAD.value) else None


def telling(state: State) -> list[OperationRecord]:
    """Return the records that tell with which parameters a resource was last started, or tried.

    So do probes since then, and the promotion of what is promoted (measured). A reload makes what
    was before it a thing of the past.
    """
    found: list[OperationRecord] = []
    for record in state.life:
        if record.operation in _RELOADS:
            found = []
        if record.operation == "promote" and state.role is not Role.PROMOTED:
            continue
        if record.operation in _TAKES_PARAMETERS or is_probe(record):
            found.append(record)
    return found


def _found_active(record: OperationRecord) -> bool:
    """Tell whether a record says that it runs; who is not done yet may find it so (measured)."""
    if record.status is OperationStatus.PENDING:
        return record.operation not in _RELOADS
    return record.rc == Rc.OK or (record.rc == Rc.PROMOTED and is_probe(record))


def _replace_agent(steps: Steps, situation: Situation, one: Instance) -> None:
    """Forget what another agent did under the same name, and restart what it runs.

    Wherever it is stopped comes before that. A node in maintenance forgets only what does not run
    there, and nobody what failed, unless others share its name (measured).
    """
    foreign = situation.foreign.get(one.index)
    alone = one.in_clone is None or one.unique
    if foreign is None or (alone and situation.standing[one.index].failed):
        return
    for where in sorted(foreign):
        name, state = foreign[where]
        node = situation.nodes[where]
        if node.leaves or not node.stays or (node.maintenance and state.active):
            continue
        history = node.observed.histories[name]
        reason = Reason(ReasonCode.AGENT_CHANGED, one.base, str(history.agent), one.origin)
        delete = steps.resource(one, Task.DELETE, where)
        delete.require(reason)
        places = steps.at(one)
        stop = places.stops.get(where)
        if stop is not None and state.active:
            stop.require(reason)
            link(stop, delete, Link.NEEDS)
        for other in places.stops.values():
            link(other, delete, Link.NEEDS_IF_REQUIRED)
        for start in _starts_under(steps, situation, one):
            if start.instance is one or start.node == where:
                link(delete, start, Link.NEEDS)


def _starts_under(steps: Steps, situation: Situation, one: Instance) -> Iterator[Step]:
    """Yield the starts of a resource under its name, which instances of a clone may share."""
    for each in situation.expansion.by_base[one.base]:
        places = steps.places[each.index]
        if places is not None and places.start and each.history_name == one.history_name:
            yield places.start
