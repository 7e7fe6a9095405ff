"""The cluster as it is shown: flags of nodes, roles and flags of resources."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies
from scheduler import test_rules as facts

from reconciler.model import resource
from reconciler.model.observed import OperationStatus, Presence
from reconciler.model.status import ClusterStatus, NodeFlag, NodeStatus, ResourceFlag
from reconciler.scheduler import pipeline


def _shown(*resources, seen=None, nodes=("n1", "n2"), **properties) -> ClusterStatus:
    wanted = facts.wanted(*resources, nodes=nodes, **properties)
    return pipeline.status(wanted, facts.seen() if seen is None else seen)


def _node(cluster: ClusterStatus, name: str) -> NodeStatus:
    return next(one for one in cluster.nodes if one.name == name)


@pytest.mark.parametrize(
    ("presence", "expected"),
    [
        (Presence.ONLINE, {NodeFlag.ONLINE, NodeFlag.EXPECTED_UP}),
        (
            Presence.PENDING,
            {NodeFlag.ONLINE, NodeFlag.PENDING, NodeFlag.STANDBY, NodeFlag.EXPECTED_UP},
        ),
        (Presence.OFFLINE, {NodeFlag.EXPECTED_UP}),
        (Presence.UNKNOWN, {NodeFlag.UNCLEAN, NodeFlag.EXPECTED_UP}),
    ],
)
def test_presence(presence, expected):
    """What is known of a node shows in its flags; one that is pending is as in standby."""
    seen = facts.seen(presence={"n1": presence})

    assert set(_node(_shown(seen=seen), "n1").flags) == expected


@pytest.mark.parametrize(("own", "cluster"), [(True, "false"), (False, "true")])
def test_maintenance_of_a_node_is_its_own(own, cluster):
    """Maintenance of the whole cluster is not shown as that of each node."""
    seen = facts.seen()
    node = dataclasses.replace(seen.nodes["n1"], maintenance=own)
    seen = dataclasses.replace(seen, nodes={**seen.nodes, "n1": node})

    found = _node(_shown(seen=seen, maintenance_mode=cluster), "n1")

    assert (NodeFlag.MAINTENANCE in found.flags) is own


@pytest.mark.parametrize(
    ("values", "strategy", "expected"),
    [
        (("green", "red"), "migrate-on-red", "red"),
        (("yellow", "green"), "migrate-on-red", "yellow"),
        (("5", "-1"), "progressive", "red"),
        (("red",), "none", "green"),
    ],
)
def test_health_is_the_worst_colour(values, strategy, expected):
    """A node is as healthy as the worst of its health attributes, where health counts."""
    named = {f"#health-{number}": value for number, value in enumerate(values)}
    seen = facts.seen(attributes={"n1": named})

    assert _node(_shown(seen=seen, node_health_strategy=strategy), "n1").health == expected


@pytest.mark.parametrize(
    ("operation", "role", "pending"),
    [
        ("stop", "Stopping", ""),
        ("promote", "Promoting", ""),
        ("demote", "Demoting", ""),
        ("migrate_to", "Migrating", ""),
        ("monitor", "Started", "Monitoring"),
    ],
)
def test_what_is_under_way_shows(operation, role, pending):
    """An operation under way shows as a role, or, where it changes none, beside it."""
    interval = 10_000 if operation == "monitor" else 0
    under_way = dataclasses.replace(
        strategies.record(operation, -1, 9, 0, interval), status=OperationStatus.PENDING
    )
    seen = facts.seen({"n1": {"p": "running"}, "n2": {}})
    known = seen.nodes["n1"].histories["p"]
    history = dataclasses.replace(known, operations=(*known.operations, under_way))
    node = dataclasses.replace(seen.nodes["n1"], histories={"p": history})
    seen = dataclasses.replace(seen, nodes={**seen.nodes, "n1": node})

    (found,) = _shown(strategies.primitive("p"), seen=seen).resources

    assert (found.role, found.pending, found.nodes) == (role, pending, ("n1",))


def test_instances_are_listed_with_what_they_are_in():
    """Every instance of a clone is listed, also stopped ones, under its clone and group."""
    clone = resource.Clone("c", resource.Group("g", (strategies.primitive("p"),)))
    found = _shown(clone, seen=facts.seen({"n1": {"p": "running"}, "n2": {}})).resources

    assert [(one.name, one.within, one.role) for one in found] == [
        ("p", ("c", "g:0"), "Started"),
        ("p", ("c", "g:1"), "Stopped"),
    ]


def test_a_failed_removed_resource():
    """What failed and is no longer configured is listed as that while it may be active."""
    seen = facts.seen({"n1": {"p": "monitor-failed"}, "n2": {"q": "stopped"}})

    (found,) = _shown(seen=seen).resources

    assert set(found.flags) == {ResourceFlag.ORPHANED, ResourceFlag.FAILED}
    assert found.name == "p"


def test_placement_names_all_nodes():
    """Where everything runs is resource to node to role; what runs nowhere is empty."""
    seen = facts.seen({"n1": {"p": "running"}, "n2": {"p": "running"}})
    found = _shown(strategies.primitive("p"), strategies.primitive("q"), seen=seen).placement

    assert found == {"p": {"n1": "Started", "n2": "Started"}, "q": {}}


@pytest.mark.parametrize(("managed", "flags"), [("true", ()), ("false", (ResourceFlag.UNMANAGED,))])
def test_the_want_of_a_fence_device_shows_in_no_resource(managed, flags):
    """Nothing is touched as long as nobody can fence; that is not what people ask of a resource."""
    shown = _shown(strategies.primitive("p", is_managed=managed), fencing_enabled="true")

    assert shown.resources[0].flags == flags
