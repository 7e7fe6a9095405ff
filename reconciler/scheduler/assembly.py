"""Assembly: settled steps -> the actions and edges of a plan, in their final form."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.frozen import frozen
from reconciler.model import action as plan_action
from reconciler.model import secret
from reconciler.model.action import ActionKind, Task
from reconciler.model.agent import AgentName, Metadata
from reconciler.model.observed import NO_DIGESTS, Digests
from reconciler.model.plan import Edge
from reconciler.scheduler import digest, operation, remote
from reconciler.scheduler.circumstance import Circumstances
from reconciler.scheduler.cycle import Edges, in_plan
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.step import Step, Steps

_NO_PARAMS = frozenset({Task.CANCEL, Task.DELETE, Task.CLEAR_FAILCOUNT, Task.SHUTDOWN})
_FENCING_TIMEOUT_MS = 60_000


@frozen
class _Form:
    """What an action of a resource has in common with the same action on other nodes."""

    timeout_ms: int
    start_delay_ms: int
    params: Mapping[str, secret.Value]
    meta: Mapping[str, str]
    digests: Digests


class Assembly:
    """Makes actions of steps; lives inside the pipeline only."""

    def __init__(self, case: Circumstances) -> None:
        self.situation = case.situation
        self.case = case
        self.agents: Mapping[AgentName, Metadata] = case.wanted.agents
        self.settings = case.settings
        self.operations = case.operations
        self.parameters = case.parameters
        self._forms: dict[tuple[int, str, str], _Form] = {}

    def action(self, one: Step) -> plan_action.Action:
        """Return the action that a step comes to; its key tells the node, where there is one."""
        instance = one.instance
        if instance is None or one.kind is ActionKind.PSEUDO or instance.primitive is None:
            node = self.situation.nodes[one.node].name if one.node >= 0 else ""
            return plan_action.Action(
                key=f"{one.name}@{node}" if node else one.name,
                kind=one.kind,
                task=one.task,
                resource="" if instance is None else instance.history_name or instance.base,
                instance=None if instance is None else instance.number,
                node=node,
                timeout_ms=_FENCING_TIMEOUT_MS,
                reason=one.reason,
                origin=one.origin,
            )
        return self._of_resource(one, instance)

    def _of_resource(self, one: Step, instance: Instance) -> plan_action.Action:
        form, detail = self._form(one, instance), one.detail
        where = self.situation.nodes[one.node]
        node = where.name
        history = where.observed.histories.get(instance.history_name)
        # By place, not by name, which takes three times as long: a plan may have 100,000 of them.
        return plan_action.Action(
            f"{one.name}@{node}",
            one.kind,
            one.task,
            self._known_as(instance) if instance.removed else instance.history_name,
            instance.number,
            node,
            remote.router(one, self.case) if where.remote is not None else "",
            instance.definition.agent,
            one.interval_ms,
            form.timeout_ms,
            form.start_delay_ms,
            form.params,
            {**form.meta, **detail} if detail else form.meta,
            one.expected_rc,
            form.digests,
            one.task is Task.START and self.settings.start_failure_is_fatal,
            one.probe,
            detail.get("migrate_source", ""),
            detail.get("migrate_target", ""),
            None if history is None else history.revision,
            one.reason,
            one.origin,
        )

    def _form(self, one: Step, instance: Instance) -> _Form:
        """Return what an action has in common with the same action on other nodes."""
        # A step's name tells its task and its interval.
        key = (instance.index, one.name, one.agent_task)
        found = self._forms.get(key)
        if found is None:
            found = self._formed(one, instance)
            if self.parameters.fixed(instance):
                self._forms[key] = found
        return found

    def _formed(self, one: Step, instance: Instance) -> _Form:
        name = one.agent_task or one.task.value
        found = self.operations.options(instance.definition, name, one.interval_ms)
        told = meta(instance, name, one.interval_ms, found)
        if one.task in _NO_PARAMS:
            return _Form(found.timeout_ms, 0, {}, told, NO_DIGESTS)
        params = {**self.parameters.of(instance, one.node), **found.params}
        metadata = self.agents.get(instance.definition.agent)
        if metadata is None and not one.interval_ms and not found.params:
            digests = Digests(all=self.parameters.digest(instance, one.node))
        else:
            digests = digest.digests(params, metadata, one.interval_ms, found.timeout_ms)
        return _Form(found.timeout_ms, found.start_delay_ms, params, told, digests)

    def _known_as(self, instance: Instance) -> str:
        """Return the name under which its node knows what was removed."""
        return self.situation.standing[instance.index].known_as or instance.history_name


def meta(
    instance: Instance, name: str, interval_ms: int, found: operation.Options
) -> dict[str, str]:
    """Return what an agent is told on every node beyond its parameters, names without prefix."""
    values = {"name": name, "timeout": str(found.timeout_ms)}
    if interval_ms:
        values["interval"] = str(interval_ms)
    clone = instance.in_clone
    if clone is None or clone.clone is None:
        return values
    config = clone.clone
    values |= {
        "clone": str(instance.number or 0),
        "clone_max": str(config.maximum),
        "clone_node_max": str(config.node_max),
        "globally_unique": str(config.unique).lower(),
        "notify": str(config.notify).lower(),
    }
    if config.promotable:
        values |= {
            "promotable": "true",
            "promoted_max": str(config.promoted_max),
            "promoted_node_max": str(config.promoted_node_max),
            "master_max": str(config.promoted_max),
            "master_node_max": str(config.promoted_node_max),
        }
    return values


def actions(
    assembly: Assembly, steps: Steps, edges: Edges
) -> tuple[tuple[plan_action.Action, ...], tuple[Edge, ...]]:
    """Return the sorted actions and edges of a plan."""
    planned = [one for one in steps.all if in_plan(one)]
    made = [assembly.action(one) for one in planned]
    keys = [one.key for one in made]
    order = sorted(range(len(made)), key=keys.__getitem__)
    ranks = [0] * len(steps.all)
    for rank, place in enumerate(order):
        ranks[planned[place].index] = rank
    keys.sort()
    # Sorting by rank sorts by key, at the price of comparing numbers.
    pairs = sorted([(ranks[first.index], ranks[then.index]) for first, then in edges])
    return (
        tuple([made[place] for place in order]),
        tuple([Edge(keys[first], keys[then]) for first, then in pairs]),
    )
