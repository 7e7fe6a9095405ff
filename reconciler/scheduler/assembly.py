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

    resource: str
    agent: AgentName
    timeout_ms: int
    start_delay_ms: int
    params: Mapping[str, secret.Value]
    meta: Mapping[str, str]
    digests: Digests
    fatal: bool


class Assembly:
    """Makes actions of steps; lives inside the pipeline only."""

    def __init__(self, case: Circumstances) -> None:
        self.situation = case.situation
        self.case = case
        self.agents: Mapping[AgentName, Metadata] = case.wanted.agents
        self.settings = case.settings
        self.operations = case.operations
        self.parameters = case.parameters
        self._forms: dict[tuple[str, str], _Form] = {}

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
        # A step's name tells its task and its interval.
        key = (one.name, one.agent_task)
        form = self._forms.get(key)
        if form is None:
            form = self._formed(one, instance)
            if self.parameters.fixed(instance):
                self._forms[key] = form
        detail = one.detail
        where = self.situation.nodes[one.node]
        history = where.observed.histories.get(instance.history_name)
        # By place, not by name, which takes three times as long: a plan may have 100,000 of them.
        return plan_action.Action(
            f"{one.name}@{where.name}",
            one.kind,
            one.task,
            form.resource,
            instance.number,
            where.name,
            remote.router(one, self.case) if where.remote is not None else "",
            form.agent,
            one.interval_ms,
            form.timeout_ms,
            form.start_delay_ms,
            form.params,
            {**form.meta, **detail} if detail else form.meta,
            one.expected_rc,
            form.digests,
            form.fatal,
            one.probe,
            detail.get("migrate_source", "") if detail else "",
            detail.get("migrate_target", "") if detail else "",
            None if history is None else history.revision,
            one.reason,
            one.origin,
        )

    def _formed(self, one: Step, instance: Instance) -> _Form:
        name = one.agent_task or one.task.value
        agent = instance.definition.agent
        found = self.operations.options(instance.definition, name, one.interval_ms)
        params: Mapping[str, secret.Value] = {}
        digests = NO_DIGESTS
        if one.task not in _NO_PARAMS:
            params = self.parameters.of(instance, one.node)
            if found.params:
                params = {**params, **found.params}
            metadata = self.agents.get(agent)
            if metadata is None and not one.interval_ms and not found.params:
                digests = Digests(all=self.parameters.digest(instance, one.node))
            else:
                digests = digest.digests(params, metadata, one.interval_ms, found.timeout_ms)
        return _Form(
            resource=self._known_as(instance) if instance.removed else instance.history_name,
            agent=agent,
            timeout_ms=found.timeout_ms,
            start_delay_ms=0 if one.task in _NO_PARAMS else found.start_delay_ms,
            params=params,
            meta=meta(instance, name, one.interval_ms, found),
            digests=digests,
            fatal=one.task is Task.START and self.settings.start_failure_is_fatal,
        )

    def _known_as(self, instance: Instance) -> str:
        """Return the name under which its node knows what was removed.

        An instance too many that has its own number there goes without it (measured).
        """
        known = self.situation.standing[instance.index].known_as
        numbered = instance.in_clone is not None and known == instance.name
        return instance.history_name if numbered or not known else known


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
