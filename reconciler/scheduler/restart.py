"""Restarts and reloads: what a change of a resource's definition leads to.

A changed digest of the parameters means a restart, or a reload where only parameters changed that
the agent can take up while it runs. Another agent under the same name means a restart, too.
"""

from __future__ import annotations

from reconciler.model.action import Task
from reconciler.model.observed import OperationRecord
from reconciler.model.reason import Reason, ReasonCode
from reconciler.scheduler import digest
from reconciler.scheduler.circumstance import Circumstances
from reconciler.scheduler.history import State
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.parameters import Parameters
from reconciler.scheduler.situation import Situation
from reconciler.scheduler.step import Link, Steps, link


def check(steps: Steps, case: Circumstances) -> None:
    """Require a restart of each resource that stays, but whose definition has changed."""
    situation, assignment, parameters = case.situation, case.assignment, case.parameters
    for one in situation.expansion.all:
        standing = situation.standing[one.index]
        if not one.is_primitive or one.removed or not standing.managed:
            continue
        _replace_agent(steps, situation, one)
        target = assignment.chosen[one.index]
        if len(standing.running) != 1 or target != standing.running[0]:
            continue
        node = situation.nodes[target]
        if not node.reachable:
            continue
        reason = _changed(one, standing.states[target], target, parameters)
        if reason is None:
            continue
        places = steps.at(one)
        places.stops[target].require(reason)
        if places.start is not None:
            places.start.require(reason)


def _changed(one: Instance, state: State, node: int, parameters: Parameters) -> Reason | None:
    record = began(state)
    if record is None:
        return None
    if record.digests.all == parameters.digest(one, node):
        return None
    if record.digests.nonreloadable:
        params = parameters.of(one, node)
        fixed = {
            name: value
            for name, value in params.items()
            if name in record.digests.restart_parameters
        }
        if digest.digest(fixed) == record.digests.nonreloadable:
            return None
    return Reason(ReasonCode.PARAMETERS_CHANGED, one.base, origin=one.origin)


def began(state: State) -> OperationRecord | None:
    """Return the record whose parameters the resource runs with."""
    starts = (state.latest.get((name, 0)) for name in ("start", "migrate_from"))
    good = [record for record in starts if record is not None and record.rc == 0]
    if good:
        return max(good, key=lambda record: record.call)
    record = state.latest.get(("monitor", 0))
    return record if record is not None and record.rc in {0, 8} else None


def _replace_agent(steps: Steps, situation: Situation, one: Instance) -> None:
    """Forget what another agent did under the same name, and restart what it runs."""
    for where, state in sorted(situation.known.get(one.history_name, {}).items()):
        node = situation.nodes[where]
        history = node.observed.histories.get(one.history_name)
        if history is None or history.agent in {None, one.definition.agent}:
            continue
        if not node.takes_resources:
            continue
        reason = Reason(ReasonCode.AGENT_CHANGED, one.base, str(history.agent), one.origin)
        delete = steps.resource(one, Task.DELETE, where)
        delete.require(reason)
        places = steps.at(one)
        stop = places.stops.get(where)
        if stop is not None and state.active:
            stop.require(reason)
            link(stop, delete, Link.NEEDS)
        link(delete, places.start, Link.NEEDS)
