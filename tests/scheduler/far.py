"""Clusters with remote nodes, small enough to see through."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from reconciler.model import (
    attribute,
    constraint,
    desired,
    fencing,
    node,
    observed,
    plan,
    remote,
    resource,
)
from reconciler.model.agent import AgentName
from reconciler.model.observed import OperationRecord, OperationStatus, Presence
from reconciler.model.role import Role
from reconciler.scheduler import digest, pipeline
from reconciler.scheduler import operation as options

DUMMY = AgentName("ocf", "pacemaker", "Dummy")
MEMBERS = ("n1", "n2")
NOTHING = digest.digest({})
"""Of an agent without parameters."""

_PROMOTED = 8
_PENDING = 193

Done = tuple[str, int, int]
"""Operation, interval in milliseconds, exit code."""
STARTED: tuple[Done, ...] = (("start", 0, 0),)
ABSENT: tuple[Done, ...] = (("monitor", 0, 7),)
LOST: tuple[Done, ...] = (*STARTED, ("monitor", 60_000, 1))
ROLES = (
    resource.Operation("monitor", interval_ms=15_000, role=Role.PROMOTED),
    resource.Operation("monitor", interval_ms=16_000, role=Role.UNPROMOTED),
)
"""Monitors of what has roles."""


def sets(**pairs: str) -> attribute.AttributeSets:
    """Return one block of pairs; underscores stand for hyphens."""
    return (attribute.AttributeSet({k.replace("_", "-"): v for k, v in pairs.items()}),)


def primitive(name: str, agent: AgentName = DUMMY, **meta: str) -> resource.Primitive:
    """Return a primitive with meta-attributes."""
    return resource.Primitive(name, agent, meta=sets(**meta) if meta else ())


def connection(name: str = "far", **meta: str) -> resource.Primitive:
    """Return the connection to a remote node, watched every minute."""
    watch = resource.Operation("monitor", interval_ms=60_000)
    return dataclasses.replace(primitive(name, remote.CONNECTION, **meta), operations=(watch,))


def prefers(name: str, where: str, score: int = 1_000) -> constraint.Location:
    """Return a location constraint."""
    return constraint.Location(f"{name}-{where}", (name,), node=where, score=score)


def _history(
    name: str, agent: AgentName, done: tuple[Done, ...], params: attribute.AttributeSets
) -> observed.ResourceHistory:
    pairs = params[0].pairs if params else {}
    records = []
    for call, (operation, interval, rc) in enumerate(done, 1):
        expected = 7 if operation == "monitor" and not interval else rc if rc == _PROMOTED else 0
        fine = rc == expected or (expected == 7 and rc == 0)
        status = OperationStatus.DONE if fine else OperationStatus.ERROR
        if rc == _PENDING:
            status = OperationStatus.PENDING
        timeout = {"CRM_meta_timeout": str(options.DEFAULT_TIMEOUT_MS)}
        digests = observed.Digests(all=digest.digest({**pairs, **(timeout if interval else {})}))
        records.append(
            OperationRecord(
                operation, interval, call, rc, status, expected, changed_at=1.0, digests=digests
            )
        )
    return observed.ResourceHistory(name, agent, tuple(records))


@dataclasses.dataclass(frozen=True)
class Cluster:
    """Two members, and nodes that resources make.

    Attributes:
        done: node to resource to what was done there.
        lost: members that do not answer.
        fenced: remote nodes that were fenced.
        leaving: nodes that asked to leave.
        attributes: node to its transient attributes.
        implied: primitives that bundles among the resources consist of.
    """

    resources: tuple[resource.Resource, ...]
    done: Mapping[str, Mapping[str, tuple[Done, ...]]]
    constraints: tuple[constraint.Constraint, ...] = ()
    lost: tuple[str, ...] = ()
    fenced: tuple[str, ...] = ()
    leaving: tuple[str, ...] = ()
    fencing: bool = True
    attributes: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    implied: tuple[resource.Primitive, ...] = ()

    def desired(self) -> desired.Desired:
        """Return what is wanted."""
        devices = (fencing.FenceDevice("f", "fence_ipmilan", hosts=(*MEMBERS, "far")),)
        return desired.Desired(
            "c",
            properties=sets(fencing_enabled=str(self.fencing).lower()),
            nodes=tuple(node.Node(name) for name in MEMBERS),
            resources=self.resources,
            constraints=self.constraints,
            fencing=fencing.Fencing(devices),
        )

    def observed(self) -> observed.Observed:
        """Return what is seen."""
        agents = {one.name: one.agent for top in self.resources for one in resource.primitives(top)}
        agents |= {one.name: one.agent for one in self.implied}
        params = {one.name: one.params for one in self.implied}
        nodes = {}
        for name in (*MEMBERS, *(one for one in self.done if one not in MEMBERS)):
            histories = {
                what: _history(
                    what, agents.get(what, remote.CONNECTION), done, params.get(what, ())
                )
                for what, done in self.done.get(name, {}).items()
            }
            presence = Presence.UNKNOWN if name in self.lost else Presence.ONLINE
            nodes[name] = observed.ObservedNode(
                name,
                presence,
                attributes=self.attributes.get(name, {}),
                histories=histories,
                remote=name not in MEMBERS,
                fenced=name in self.fenced,
                shutdown=name in self.leaving,
            )
        return observed.Observed(100.0, True, nodes, dc="n2")

    def plan(self) -> plan.Plan:
        """Return the plan."""
        return pipeline.schedule(self.desired(), self.observed())


def steps(due: plan.Plan) -> list[str]:
    """Return the real actions as ``task resource node``."""
    return sorted(
        " ".join(word for word in (one.task.value, one.resource, one.node) if word)
        for one in due.actions
        if one.real
    )


def waits(due: plan.Plan, later: str, earlier: str) -> bool:
    """Tell whether an action comes after another in any execution; keys without their node."""
    before: dict[str, list[str]] = {}
    for edge in due.edges:
        before.setdefault(edge.after, []).append(edge.before)
    todo = [one.key for one in due.actions if one.key.startswith(later)]
    seen: set[str] = set()
    while todo:
        for key in before.get(todo.pop(), ()):
            if key not in seen:
                seen.add(key)
                todo.append(key)
    return any(key.startswith(earlier) for key in seen)
