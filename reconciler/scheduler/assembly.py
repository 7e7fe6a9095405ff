"""Assembly: settled steps -> the actions and edges of a plan, in their final form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.model import action as plan_action
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


class Assembly:
    """Makes actions of steps; lives inside the pipeline only."""

    def __init__(self, case: Circumstances) -> None:
        self.situation = case.situation
        self.case = case
        self.agents: Mapping[AgentName, Metadata] = case.wanted.agents
        self.settings = case.settings
        self.operations = case.operations
        self.parameters = case.parameters
        self._digests: dict[tuple[str, str, int, int], Digests] = {}

    def key(self, one: Step) -> str:
        """Return a step's key: its name, and its node where it has one."""
        return one.name if one.node < 0 else f"{one.name}@{self.situation.nodes[one.node].name}"

    def action(self, one: Step) -> plan_action.Action:
        """Return the action that a step comes to."""
        node = self.situation.nodes[one.node].name if one.node >= 0 else ""
        instance = one.instance
        if instance is None or one.kind is ActionKind.PSEUDO or instance.primitive is None:
            return plan_action.Action(
                key=self.key(one),
                kind=one.kind,
                task=one.task,
                resource="" if instance is None else instance.history_name or instance.base,
                instance=None if instance is None else instance.number,
                node=node,
                timeout_ms=_FENCING_TIMEOUT_MS,
                reason=one.reason,
                origin=one.origin,
            )
        return self._of_resource(one, instance, node)

    def _of_resource(self, one: Step, instance: Instance, node: str) -> plan_action.Action:
        name = one.agent_task or one.task.value
        found = self.operations.options(instance.definition, name, one.interval_ms)
        plain = one.task in _NO_PARAMS
        params = {} if plain else {**self.parameters.of(instance, one.node), **found.params}
        history = self.situation.nodes[one.node].observed.histories.get(instance.history_name)
        return plan_action.Action(
            key=self.key(one),
            kind=one.kind,
            task=one.task,
            resource=self._known_as(instance, one.node),
            instance=instance.number,
            node=node,
            router=remote.router(one, self.case),
            agent=instance.definition.agent,
            interval_ms=one.interval_ms,
            timeout_ms=found.timeout_ms,
            start_delay_ms=0 if plain else found.start_delay_ms,
            params=params,
            meta={**meta(instance, name, one, found, node), **one.detail},
            expected_rc=one.expected_rc,
            digests=NO_DIGESTS if plain else self._digest(one, instance, name, params, found),
            fatal=one.task is Task.START and self.settings.start_failure_is_fatal,
            probe=one.probe,
            source=one.detail.get("migrate_source", ""),
            target=one.detail.get("migrate_target", ""),
            revision=None if history is None else history.revision,
            reason=one.reason,
            origin=one.origin,
        )

    def _known_as(self, instance: Instance, node: int) -> str:
        if not instance.removed:
            return instance.history_name
        standing = self.situation.standing[instance.index]
        return standing.known_as.get(node, instance.history_name)

    def _digest(
        self,
        one: Step,
        instance: Instance,
        name: str,
        params: Mapping[str, object],
        found: operation.Options,
    ) -> Digests:
        del params
        key = (instance.history_name, name, one.interval_ms, one.node)
        known = self._digests.get(key)
        if known is None:
            metadata = self.agents.get(instance.definition.agent)
            values = {**self.parameters.of(instance, one.node), **found.params}
            if metadata is None and not one.interval_ms and not found.params:
                known = Digests(all=self.parameters.digest(instance, one.node))
            else:
                known = digest.digests(values, metadata, one.interval_ms, found.timeout_ms)
            self._digests[key] = known
        return known


def meta(
    instance: Instance, name: str, one: Step, found: operation.Options, node: str
) -> dict[str, str]:
    """Return what an agent is told beyond its parameters, without the prefix of the names."""
    values = {
        "name": name,
        "timeout": str(found.timeout_ms),
        "on_node": node,
    }
    if one.interval_ms:
        values["interval"] = str(one.interval_ms)
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
    keys = {one.index: assembly.key(one) for one in steps.all if in_plan(one)}
    made = sorted((assembly.action(steps.all[index]) for index in keys), key=lambda one: one.key)
    pairs: Iterable[tuple[str, str]] = sorted(
        {(keys[first.index], keys[then.index]) for first, then in edges}
    )
    return tuple(made), tuple(Edge(first, then) for first, then in pairs)
