"""The plan: actions, their order, and what they change for every resource."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from reconciler.errors import diagnostic, position
from reconciler.frozen import frozen
from reconciler.model import action, observed, score
from reconciler.model.reason import Reason, ReasonCode
from reconciler.model.role import Role


class ChangeKind(enum.Enum):
    """What happens to a resource, in the words of a transition summary."""

    LEAVE = "leave"
    START = "start"
    STOP = "stop"
    MOVE = "move"
    RESTART = "restart"
    RECOVER = "recover"
    PROMOTE = "promote"
    DEMOTE = "demote"
    RE_PROMOTE = "re-promote"
    MIGRATE = "migrate"
    RELOAD = "reload"


_HOLDS = frozenset(
    {ReasonCode.BLOCKED_BY_FAILURE, ReasonCode.MULTIPLE_ACTIVE, ReasonCode.CANNOT_FENCE}
)
"""Why something must not be touched though nobody asked for that."""


@frozen
class Change:
    """What a plan means for one resource instance.

    Attributes:
        resource: name without instance number; ``instance`` the number, where there is one.
        source, target: node now and node next; empty: none.
        role, next_role: now and next.
        reason: why; None where nothing happens.
        blocked: the change is due but cannot be made; ``reason`` says why.
        further: it is about another place of what the change before it stops, which was active
            several times and cannot start again.
    """

    resource: str
    kind: ChangeKind
    instance: int | None = None
    source: str = ""
    target: str = ""
    role: Role = Role.STOPPED
    next_role: Role = Role.STOPPED
    reason: Reason | None = None
    blocked: bool = False
    further: bool = False
    origin: position.Position = dataclasses.field(default=position.NOWHERE, compare=False)

    @property
    def held(self) -> bool:
        """Whether it is left alone because acting on it could do harm, not because that is wanted."""
        return (
            self.kind is ChangeKind.LEAVE and self.reason is not None and self.reason.code in _HOLDS
        )


@frozen
class FenceDecision:
    """A node that must be fenced; ``blocked`` where no device can prove it off.

    A guest node is proven off by stopping the resource ``guest_of`` that holds it.
    """

    node: str
    task: action.Task
    reason: Reason
    blocked: Reason | None = None
    guest_of: str = ""


class Edge(NamedTuple):
    """``before`` must have succeeded before ``after`` begins (keys of actions).

    A tuple, as large plans have a hundred thousand and sort them.
    """

    before: str
    after: str


@frozen
class Usage:
    """How the capacities of nodes are used, where utilization counts.

    Attributes:
        original, remaining: node to what it can hold, before and after everything is placed.
        assigned: instance, node, and what it needs there.
    """

    original: Mapping[str, Mapping[str, int]]
    remaining: Mapping[str, Mapping[str, int]]
    assigned: tuple[tuple[str, str, Mapping[str, int]], ...]


@frozen
class Plan:
    """The transition that is due.

    Attributes:
        actions: sorted by key.
        edges: sorted; together with the actions an acyclic graph.
        changes: one for each instance of each resource, also where nothing changes.
        fencing: nodes to be fenced.
        ledgers: resource instance to node to the ledger of its score.
        moments: scores and ledgers as they stood at each stage of the placement.
        promotion_scores: resource instance to node to score.
        promotion_ledgers: resource instance to the terms of its promotion score.
        open_nodes: resource instance to the nodes that could take it when it was placed, each
            with how many resources had been placed there before.
        placement: resource instance to node to role, when the plan is done.
        usage: how the capacities of nodes are used; None where utilization does not count.
        diagnostics: findings about desired and observed together.
        observation: id of the observation that it was made from.
        recheck_at: time at which decisions may change by themselves (failure-timeout, rules).
    """

    actions: tuple[action.Action, ...] = ()
    edges: tuple[Edge, ...] = ()
    changes: tuple[Change, ...] = ()
    fencing: tuple[FenceDecision, ...] = ()
    ledgers: Mapping[str, Mapping[str, score.Ledger]] = dataclasses.field(default_factory=dict)
    moments: Sequence[score.Moment] = ()
    promotion_scores: Mapping[str, Mapping[str, int]] = dataclasses.field(default_factory=dict)
    promotion_ledgers: Mapping[str, score.Ledger] = dataclasses.field(default_factory=dict)
    open_nodes: Mapping[str, Mapping[str, int]] = dataclasses.field(default_factory=dict)
    placement: Mapping[str, Mapping[str, Role]] = dataclasses.field(default_factory=dict)
    usage: Usage | None = None
    diagnostics: tuple[diagnostic.Diagnostic, ...] = ()
    observation: str = ""
    recheck_at: float | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing has to be done."""
        return not any(one.real for one in self.actions)

    @property
    def blocked(self) -> tuple[Change, ...]:
        """What is due but cannot be done, and what a failure or a doubt forbids to touch."""
        return tuple(change for change in self.changes if change.blocked or change.held)


def waits(due: Plan) -> tuple[list[int], dict[int, list[int]]]:
    """Return how many actions each one waits for, and which wait for it, by places in the plan.

    Edges of actions that are not in the plan say nothing.
    """
    places = {one.key: place for place, one in enumerate(due.actions)}
    counts = [0] * len(places)
    followers: dict[int, list[int]] = {}
    for before, after in due.edges:
        first, then = places.get(before), places.get(after)
        if first is None or then is None:
            continue
        counts[then] += 1
        mine = followers.get(first)
        if mine is None:
            followers[first] = [then]
        else:
            mine.append(then)
    return counts, followers


def exhausted(due: Plan, seen: observed.Observed) -> tuple[Change, ...]:
    """Return the resources that are wanted, failed, and may run nowhere any more.

    Nothing is due for them and nothing is blocked, yet the cluster is not as desired. Instances of
    clones count only where none of their resource is active.
    """
    counted = {
        name.removeprefix("fail-count-").partition("#")[0].partition(":")[0]
        for one in seen.nodes.values()
        for name in one.attributes
        if name.startswith("fail-count-")
    }
    active = {one.resource for one in due.changes if one.role.active or one.next_role.active}
    return tuple(
        one
        for one in due.changes
        if one.reason is not None
        and one.reason.code is ReasonCode.NO_NODE
        and not one.blocked
        and one.resource in counted
        and one.resource not in active
    )
