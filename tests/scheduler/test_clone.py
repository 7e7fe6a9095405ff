"""Clones: which instance is which, and which gives way."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies
from scheduler.test_rules import seen, wanted

from reconciler.model import fencing, node, resource
from reconciler.model.observed import Presence
from reconciler.scheduler import pipeline


@pytest.mark.parametrize(("standby", "stopped"), [("n1", "n2"), ("n2", "n1")])
def test_what_a_leaving_node_has_gives_way(standby, stopped):
    """Of two instances that must go, the one on a node that shuts down is placed last."""
    leaving = {"n1", "n2"} - {standby}
    clone = resource.Clone("c", strategies.primitive("p"))
    desired = wanted(clone, nodes=("n1", "n2", "n3"))
    nodes = tuple(node.Node(one.name, standby=one.name == standby) for one in desired.nodes)
    states = {"n1": {"p": "running"}, "n2": {"p": "running"}, "n3": {"p": "stopped"}}
    found = seen(states)
    entries = {
        name: dataclasses.replace(one, shutdown=name in leaving)
        for name, one in found.nodes.items()
    }
    due = pipeline.schedule(
        dataclasses.replace(desired, nodes=nodes), dataclasses.replace(found, nodes=entries)
    )

    assert [one.source for one in due.changes if one.kind.value == "stop"] == [stopped]


def test_instances_are_numbered_as_nodes_are_recorded():
    """An instance on a lost node has its number before those that are recorded after it."""
    clone = resource.Clone("c", strategies.primitive("p"))
    states = {name: {"p": "running"} for name in ("n1", "n2")}
    due = pipeline.schedule(
        dataclasses.replace(
            wanted(clone, fencing_enabled="true"),
            fencing=fencing.Fencing((fencing.FenceDevice("f", "fence_x", hosts=("n1", "n2")),)),
        ),
        seen(states, presence={"n1": Presence.UNKNOWN}),
    )

    assert {one.source: one.instance for one in due.changes} == {"n1": 0, "n2": 1}
