"""Resources that can run nowhere, and wishes that contradict each other, are findings of the plan."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies

from reconciler.errors import diagnostic, position
from reconciler.model import constraint, desired, node, observed, resource
from reconciler.model.observed import Presence
from reconciler.scheduler import pipeline

INFINITY = 1_000_000


def line(number: int) -> position.Position:
    """Return a place in a manifest."""
    return position.Position("m.yaml", number, 1)


def cluster(*constraints: constraint.Constraint, **properties: str) -> desired.Desired:
    """Return two nodes and the resources a and b, with constraints on the lines from 10 on."""
    return desired.Desired(
        "c",
        properties=strategies.sets(fencing_enabled="false", **properties),
        nodes=(node.Node("n1"), node.Node("n2")),
        resources=(strategies.primitive("a"), strategies.primitive("b")),
        constraints=tuple(
            dataclasses.replace(one, origin=line(10 + number))
            for number, one in enumerate(constraints)
        ),
    )


def findings(
    wanted: desired.Desired, presence: Presence = Presence.ONLINE
) -> tuple[diagnostic.Diagnostic, ...]:
    """Return the findings of the plan, with the second node as it is said to be."""
    nodes = {
        "n1": observed.ObservedNode("n1", Presence.ONLINE),
        "n2": observed.ObservedNode("n2", presence),
    }
    seen = observed.Observed(strategies.NOW, quorate=True, nodes=nodes)
    return pipeline.schedule(wanted, seen).diagnostics


def ban(name: str, where: str) -> constraint.Location:
    """Return a location that forbids a node."""
    return constraint.Location(f"{name}-{where}", (name,), where, -INFINITY)


def test_bans_of_every_node_are_all_named():
    """A resource whose locations close every node is reported with each of the lines."""
    (found,) = findings(cluster(ban("a", "n1"), ban("a", "n2")))

    assert (found.code, found.severity) == ("runs-nowhere", diagnostic.Severity.WARNING)
    assert [place for place, _ in found.related] == [line(10), line(11)]


def test_company_that_is_bound_elsewhere():
    """With a colocation, the lines that bind the other resource belong to the finding."""
    pair = constraint.Colocation("k", "a", "b", INFINITY)
    (found,) = findings(cluster(ban("a", "n1"), ban("b", "n2"), pair))

    assert found.message.startswith("a can run on no node")
    assert {place for place, _ in found.related} == {line(10), line(11), line(12)}


@pytest.mark.parametrize("presence", [Presence.OFFLINE, Presence.PENDING])
def test_a_node_that_may_come_back_is_no_contradiction(presence):
    """What could run on a node that is away just now is not reported."""
    assert not findings(cluster(ban("a", "n1")), presence)


def test_what_shall_be_stopped_is_not_missed():
    """A resource that is to be stopped, and what depends on it, is not reported."""
    pair = constraint.Colocation("k", "a", "b", INFINITY)
    wanted = cluster(pair)
    stopped = strategies.primitive("b", target_role="Stopped")
    wanted = dataclasses.replace(wanted, resources=(wanted.resources[0], stopped))

    assert not findings(wanted)


def test_a_closed_cluster_needs_locations():
    """Where nodes must be named, a resource that no location names can run nowhere."""
    allowed = constraint.Location("l", ("a",), "n1", 0)
    (found,) = findings(cluster(allowed, symmetric_cluster="false"))

    assert found.message.startswith("b can run on no node: symmetric-cluster is false")


def test_too_big_for_every_node():
    """A resource that needs more than any empty node has is reported."""
    small = strategies.sets(memory="1")
    wanted = cluster(placement_strategy="utilization")
    wanted = dataclasses.replace(
        wanted,
        nodes=tuple(dataclasses.replace(one, utilization=small) for one in wanted.nodes),
        resources=(dataclasses.replace(_a(wanted), utilization=strategies.sets(memory="2")),),
    )

    assert "too little memory for a" in findings(wanted)[0].message


def _a(wanted: desired.Desired) -> resource.Primitive:
    one = wanted.resources[0]
    assert isinstance(one, resource.Primitive)
    return one


def test_together_and_apart():
    """A pair that must be together by a chain, and apart, is reported with every line of it."""
    wanted = cluster(
        constraint.Colocation("k1", "a", "c", INFINITY),
        constraint.Colocation("k2", "c", "b", INFINITY),
        constraint.Colocation("k3", "a", "b", -INFINITY),
    )
    wanted = dataclasses.replace(wanted, resources=(*wanted.resources, strategies.primitive("c")))
    found = next(one for one in findings(wanted) if one.code == "contradicting-colocation")

    assert found.position == line(12)
    assert [place for place, _ in found.related] == [line(10), line(11)]


def test_foreseen_without_any_observation():
    """What can run nowhere is found from the manifest alone, as if every node were up."""
    found = pipeline.foresee(cluster(ban("a", "n1"), ban("a", "n2")))

    assert [one.code for one in found] == ["runs-nowhere"]
    assert not pipeline.foresee(cluster(ban("a", "n1"), ban("b", "n2")))
