"""A plan in the form in which Pacemaker's own decisions are recorded, for comparison.

The form has the transition summary, the real actions with the order among them, and what runs
where before and afterwards; ``reconcile simulate --cib FILE -o json`` prints it. Numbers of anonymous clone
instances are carried as ``inst`` only, as they mean nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.model import action as actions
from reconciler.model import agent, attribute, desired, plan, resource, status
from reconciler.model import property as options
from reconciler.model.node import NodeKind
from reconciler.model.reason import ReasonCode
from reconciler.model.role import Role
from reconciler.render import precedence, sentences

_FORGET = "lrm_delete"
"""The only recorded word that is not the task's own: the cluster forgets what ran on a node."""

_KINDS = {kind: kind.value for kind in actions.ActionKind}
_WORDS = {task: task.value for task in actions.Task}
"""Looked up, as the value of an enum is a function, and a plan may have a hundred thousand actions."""

_HEALTHY = "green"
_NODE_TYPES = {NodeKind.GUEST: NodeKind.REMOTE.value}
"""Where the recorded word is not the kind's own: ``guest_of`` tells guest nodes apart."""
_TELLS_APART = frozenset({agent.Standard.OCF.value, agent.Standard.STONITH.value})
_BOTH_ROLES = frozenset(
    {plan.ChangeKind.PROMOTE, plan.ChangeKind.DEMOTE, plan.ChangeKind.RE_PROMOTE}
)
_MOVES = frozenset({plan.ChangeKind.MOVE, plan.ChangeKind.RECOVER, plan.ChangeKind.RESTART})
_TOLD_ROLES = frozenset({Role.PROMOTED, Role.UNPROMOTED})


def record(
    due: plan.Plan,
    wanted: desired.Desired,
    *,
    initial: status.ClusterStatus,
    final: status.ClusterStatus,
    done: Sequence[actions.Action],
) -> dict[str, Any]:
    """Return a plan as a record.

    Args:
        due: the plan.
        wanted: what it was made for; says which clones tell their instances apart.
        initial: the cluster before the plan.
        final: the cluster after it.
        done: the actions in the order in which they were simulated.
    """
    unique = unique_names(wanted)
    listed, order = _actions(due)
    return {
        "rc": 0,
        "initial": cluster(initial),
        "final": cluster(final),
        "fencing_summary": [
            {"node": one.node, "task": one.task.value}
            for one in due.fencing
            # Of that alone Pacemaker's summary says nothing.
            if one.blocked is None and one.reason.code is not ReasonCode.DEVICE_CHANGED
        ],
        "summary": [
            _change(one, unique)
            for one in due.changes
            # Of what cannot start again one stop is all the reference tells (measured).
            if one.kind is not plan.ChangeKind.LEAVE and not one.further
        ],
        "actions": listed,
        "order": order,
        "pseudo": sorted(one.key for one in due.actions if not one.real),
        "executed": [_executed(one) for one in done],
        "scores": scores(due),
        "promotion_scores": {
            name: dict(sorted(nodes.items()))
            for name, nodes in sorted(due.promotion_scores.items())
        },
        **_usage(due.usage),
    }


def _usage(found: plan.Usage | None) -> dict[str, Any]:
    """Return how capacities are used; nodes without capacity are left out."""
    if found is None:
        return {}
    stages = {"original": found.original, "remaining": found.remaining}
    return {
        "utilization": {
            "capacity": {
                stage: {name: dict(held) for name, held in sorted(nodes.items()) if held}
                for stage, nodes in stages.items()
            },
            "assigned": [[name, node, dict(need)] for name, node, need in found.assigned],
        }
    }


def unique_names(wanted: desired.Desired) -> frozenset[str]:
    """Return the primitives whose instances differ, so that their numbers count.

    Services cannot tell their instances apart; a clone that holds any is anonymous.
    """
    found: set[str] = set()
    for top in wanted.resources:
        members = resource.primitives(top)
        if isinstance(top, resource.Clone) and all(
            one.agent.standard in _TELLS_APART for one in members
        ):
            sets = (*top.meta, *wanted.resource_defaults)
            text = attribute.always(sets, "globally-unique")
            if isinstance(text, str) and options.boolean(text):
                found.update(one.name for one in members)
        elif isinstance(top, resource.Bundle) and top.container.replicas_per_host > 1:
            found.update(one.name for one in members)
    return frozenset(found)


def scores(due: plan.Plan) -> dict[str, dict[str, dict[str, int | list[int]]]]:
    """Return the scores with which things were placed; a list where they changed in between."""
    noted: dict[str, dict[str, list[Mapping[str, int]]]] = {}
    for moment in due.moments:
        if moment.scores:
            instances = noted.setdefault(moment.stage.value, {})
            instances.setdefault(moment.instance, []).append(moment.scores)
    return {
        stage: {name: _joined(found) for name, found in sorted(instances.items())}
        for stage, instances in sorted(noted.items())
    }


def _joined(noted: Sequence[Mapping[str, int]]) -> dict[str, int | list[int]]:
    """Return scores by node; a list where they changed in between."""
    if len(noted) == 1:
        return dict(sorted(noted[0].items()))
    values: dict[str, list[int]] = {}
    for one in noted:
        for node, value in one.items():
            values.setdefault(node, []).append(value)
    return {
        node: found[0] if len(set(found)) == 1 else found for node, found in sorted(values.items())
    }


def cluster(seen: status.ClusterStatus) -> dict[str, Any]:
    """Return a cluster as it is recorded: nodes, resources, and where they run in short."""
    seen = dataclasses.replace(seen, resources=_shown(seen))
    return {
        "nodes": [_node(one) for one in seen.nodes],
        "resources": [_resource(one) for one in seen.resources],
        "placement": {
            name: dict(sorted(nodes.items())) for name, nodes in sorted(seen.placement.items())
        },
    }


def _shown(seen: status.ClusterStatus) -> tuple[status.ResourceStatus, ...]:
    """Return the resources that the reference shows.

    It hides a group or clone of which nothing is active but what nobody manages on nodes that are
    down (measured).
    """
    lost = {one.name for one in seen.nodes if status.NodeFlag.ONLINE not in one.flags}
    left: set[tuple[str, ...]] = set()
    alive: set[tuple[str, ...]] = set()
    for one in seen.resources:
        if one.nodes and one.within:
            lone = status.ResourceFlag.UNMANAGED in one.flags and lost.issuperset(one.nodes)
            (left if lone else alive).add(one.within)
    return tuple(one for one in seen.resources if one.within not in left - alive)


def _node(one: status.NodeStatus) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "node": one.name,
        "type": _NODE_TYPES.get(one.kind, one.kind.value),
        "flags": [flag.value for flag in one.flags],
    }
    if one.id:
        entry["uuid"] = one.id
    if one.guest_of:
        entry["guest_of"] = one.guest_of
    if one.health != _HEALTHY:
        entry["health"] = one.health
    return entry


def _resource(one: status.ResourceStatus) -> dict[str, Any]:
    entry: dict[str, Any] = {"rsc": one.name, "role": one.role, "nodes": list(one.nodes)}
    more: dict[str, Any] = {
        "in": list(one.within),
        "flags": [flag.value for flag in one.flags],
        "target_role": one.target_role,
        "pending": one.pending,
        "locked_to": one.locked_to,
    }
    return entry | {name: value for name, value in more.items() if value}


def _executed(one: actions.Action) -> list[Any]:
    """Return an action as it is told of a simulated run."""
    match one.kind:
        case actions.ActionKind.RESOURCE:
            return ["rsc", _WORDS[one.task], one.resource, one.node, one.interval_ms]
        case actions.ActionKind.PSEUDO:
            return ["pseudo", one.key, one.node or None]
        case actions.ActionKind.FENCE:
            return ["fence", _WORDS[one.task], one.node]
        case actions.ActionKind.CLUSTER:
            return ["cluster", _task(one), one.resource or None, one.node]


def _task(one: actions.Action) -> str:
    if one.kind is actions.ActionKind.CLUSTER and one.task is actions.Task.DELETE:
        return _FORGET
    return _WORDS[one.task]


def _change(one: plan.Change, unique: frozenset[str]) -> dict[str, Any]:
    full = one.resource if one.instance is None else f"{one.resource}:{one.instance}"
    entry: dict[str, Any] = {"action": one.kind.value}
    entry["rsc"] = full if one.resource in unique else one.resource
    if entry["rsc"] != full:
        entry["inst"] = full
    if one.source:
        entry["source"] = one.source
    if one.target:
        entry["dest"] = one.target
    if one.kind in _BOTH_ROLES:
        entry["role"] = one.role.value
        if one.kind is not plan.ChangeKind.RE_PROMOTE or one.next_role is not one.role:
            entry["next_role"] = one.next_role.value
    elif one.kind is not plan.ChangeKind.START and _tells_roles(one):
        entry["role"] = one.role.value
        if one.kind in _MOVES and one.next_role is not one.role:
            entry["next_role"] = one.next_role.value
    if one.reason is not None:
        entry["reason"] = sentences.sentence(one.reason)
    if one.blocked:
        entry["blocked"] = True
    return entry


def _tells_roles(one: plan.Change) -> bool:
    return one.role in _TOLD_ROLES or (one.kind in _MOVES and one.next_role in _TOLD_ROLES)


def _action(one: actions.Action) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "kind": _KINDS[one.kind],
        "task": _task(one),
        "node": one.node,
    }
    if one.resource and one.kind is not actions.ActionKind.FENCE:
        entry["rsc"] = one.resource
        if one.instance is not None and not one.resource.endswith(f":{one.instance}"):
            entry["inst"] = f"{one.resource}:{one.instance}"
    if one.router and one.router != one.node:
        entry["router"] = one.router
    if one.interval_ms:
        entry["interval"] = one.interval_ms
    if one.task is actions.Task.MONITOR and one.expected_rc:
        entry["expect_rc"] = one.expected_rc
    if one.task is actions.Task.NOTIFY:
        words = (one.meta.get("notify_key_type", ""), one.meta.get("notify_key_operation", ""))
        entry["notify"] = "-".join(word for word in words if word)
    if one.source:
        entry["migrate_source"] = one.source
    if one.target:
        entry["migrate_target"] = one.target
    return entry


def _sort_key(key: str, entry: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        entry["kind"],
        entry.get("rsc", ""),
        entry.get("inst", ""),
        entry["task"],
        entry["node"],
        entry.get("interval", 0),
        entry.get("notify", ""),
        key,
    )


def _actions(due: plan.Plan) -> tuple[list[dict[str, Any]], list[list[int]]]:
    """Return the real actions, sorted, and the direct pairs of indexes that are ordered."""
    entries = {one.key: _action(one) for one in due.actions if one.real}
    keys = sorted(entries, key=lambda key: _sort_key(key, entries[key]))
    ranks = {key: index for index, key in enumerate(keys)}
    order = precedence.direct(ranks, (one.key for one in due.actions), due.edges)
    return [entries[key] for key in keys], order
