"""Precedence: which of a clone's instances is placed before which."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies
from scheduler.test_rules import INFINITY, location, seen, wanted

from reconciler.model import constraint, fencing, node, resource
from reconciler.model.action import Task
from reconciler.model.observed import Presence
from reconciler.scheduler import pipeline


@pytest.mark.parametrize("where", ["n1", "n2"])
def test_of_those_that_have_to_leave_the_first_is_placed_first(where):
    """That one of them failed, or that its node has company for it, makes no difference then."""
    clone = resource.Clone("c", strategies.primitive("p"), meta=strategies.sets(clone_max="2"))
    company = strategies.primitive("z", resource_stickiness="1000")
    states = {name: {"p": "running", "z": "stopped"} for name in ("n1", "n2")}
    states["n1"]["p"] = "monitor-failed"
    states[where]["z"] = "running"
    states["n3"] = {"p": "stopped", "z": "stopped"}
    constraints = [
        location("c", "n1", -INFINITY),
        location("c", "n2", -INFINITY),
        constraint.Colocation("k", "z", "c", 100),
    ]
    due = pipeline.schedule(
        wanted(clone, company, constraints=constraints, nodes=tuple(states)), seen(states)
    )

    assert {one.source for one in due.changes if one.kind.value == "stop"} == {"n2"}


@pytest.mark.parametrize(
    ("banned", "standby", "rises"),
    [(("n2", "n3"), "", True), (("n1", "n3"), "", False), (("n3",), "n2", True)],
)
def test_what_is_active_on_several_nodes_comes_before_what_has_to_leave_or_is_down(
    banned, standby, rises
):
    """Where the node that it is on first may have it, only instances that stay come before it."""
    meta = strategies.sets(globally_unique="true", clone_max="3")
    clone = resource.Clone("c", strategies.primitive("p"), meta=meta)
    states = {"n1": {"p:0": "running"}, "n2": {"p:1": "running"}, "n3": {"p:0": "running"}}
    desired = wanted(
        clone, constraints=[location("c", name, -INFINITY) for name in banned], nodes=tuple(states)
    )
    nodes = tuple(node.Node(one.name, standby=one.name == standby) for one in desired.nodes)
    due = pipeline.schedule(dataclasses.replace(desired, nodes=nodes), seen(states))

    up = {one.resource for one in due.actions if one.task is Task.START and one.real}
    assert ("p:0" in up) == rises


def _survivor(*constraints, pulls=(), others=()):
    """Return where the instance was that goes to n4, the only node for any; n1 and n2 have one."""
    clone = resource.Clone("c", strategies.primitive("b", resource_stickiness="INFINITY"))
    primary = strategies.primitive("q")
    states = {name: {"b": "running", "q": "stopped"} for name in ("n1", "n2")}
    states |= {
        "n3": {"b": "stopped", "q": "stopped", "p": "running"},
        "n4": {"b": "stopped", "q": "running"},
    }
    told = [
        location("q", "n4", INFINITY),
        constraint.Colocation("k", "c", "q", INFINITY, influence=False),
        *(location(name, where, score) for name, where, score in pulls),
        *constraints,
    ]
    due = pipeline.schedule(
        wanted(primary, *others, clone, constraints=told, nodes=tuple(states)), seen(states)
    )
    moves = [one for one in due.changes if one.target == "n4" != one.source and one.source]
    return moves[0].source


@pytest.mark.parametrize(("first", "second", "expected"), [(50, 90, "n2"), (90, 50, "n1")])
def test_what_a_clone_follows_brings_its_own_wishes_back(first, second, expected):
    """Of instances that are alike that goes first where the clone would rather be, both ways round."""
    followed = resource.Clone("f", strategies.primitive("p"), meta=strategies.sets(clone_max="1"))
    avoids = constraint.Colocation("a", "c", "f", -500000)
    pulls = [("f", "n3", INFINITY), ("c", "n1", first), ("c", "n2", second)]

    assert _survivor(avoids, pulls=pulls, others=(followed,)) == expected


@pytest.mark.parametrize(("first", "second", "expected"), [(50, 90, "n2"), (90, 50, "n1")])
def test_who_would_close_the_node_of_an_instance_behind_others_is_not_heard(
    first, second, expected
):
    """That other nodes stay open makes no difference where instances are compared."""
    others = strategies.primitive("d"), strategies.primitive("e")
    followers = [
        constraint.Colocation("cd", "d", "c", 500000),
        constraint.Colocation("de", "e", "d", 500000),
    ]
    pulls = [("d", "n1", first), ("d", "n2", second), ("e", "n1", -900), ("e", "n2", -900)]

    assert _survivor(*followers, pulls=pulls, others=others) == expected


def test_who_follows_what_a_clone_follows_is_heard_where_instances_are_compared():
    """What the clone itself says to what it avoids speaks for its instance on that node."""
    clone = resource.Clone("c", strategies.primitive("a", resource_stickiness="0"))
    resources = (
        strategies.primitive("f", resource_stickiness="1"), strategies.primitive("p"), clone
    )  # fmt: skip
    states = {name: {"a": "stopped", "f": "stopped", "p": "stopped"} for name in ("n1", "n2", "n3")}
    states["n1"] |= {"a": "running", "f": "running"}
    states["n2"]["a"] = "running"
    constraints = [constraint.Colocation("k", "c", "p", -5), location("c", "n2", 1)]
    due = pipeline.schedule(
        wanted(*resources, constraints=constraints, nodes=tuple(states)), seen(states)
    )

    assert {one.resource for one in due.actions if one.task is Task.STOP and one.real} == set()


@pytest.mark.parametrize(("liked", "stopped"), [("n1", "n3"), ("n3", "n1")])
def test_who_follows_what_a_clone_follows_makes_no_node_worse(liked, stopped):
    """Of instances that must be elsewhere, the one gives way that is where its primary had rather not be."""
    clone = resource.Clone("c", strategies.primitive("a"))
    states = {name: {"a": "running", "d": "stopped", "p": "stopped"} for name in ("n1", "n3")}
    states["n2"] = dict.fromkeys("adp", "stopped")
    constraints = [
        constraint.Colocation("k1", "d", "p", INFINITY),
        constraint.Colocation("k2", "c", "p", INFINITY),
        location("p", "n2", INFINITY),
        location("p", liked, 50),
        location("p", stopped, 20),
    ]
    due = pipeline.schedule(
        wanted(
            strategies.primitive("d"), strategies.primitive("p"), clone,
            constraints=constraints, nodes=tuple(sorted(states)),
        ),
        seen(states),
    )  # fmt: skip

    assert [one.source for one in due.changes if one.kind.value == "stop"] == [stopped]


def test_of_those_that_left_the_first_that_was_placed_is_promoted():
    """It is the second by number: a node in standby still has company, one that shuts down has not."""
    clone = resource.Clone(
        "c", strategies.primitive("p"), meta=strategies.sets(promotable="true", clone_max="2")
    )
    states = {name: {"p": "running"} for name in ("n1", "n2")}
    states |= {name: {"p": "stopped"} for name in ("n3", "n4")}
    found = seen(states, attributes={name: {"master-p": "10"} for name in ("n3", "n4")})
    found.nodes["n1"] = dataclasses.replace(found.nodes["n1"], shutdown=True)
    desired = wanted(clone, nodes=tuple(states))
    nodes = tuple(node.Node(one.name, standby=one.name == "n2") for one in desired.nodes)
    due = pipeline.schedule(dataclasses.replace(desired, nodes=nodes), found)

    assert {one.target: one.source for one in due.changes} == {"n3": "n2", "n4": "n1"}
    assert [one.node for one in due.actions if one.task is Task.PROMOTE and one.node] == ["n3"]


def test_what_is_one_too_many_on_a_node_makes_no_other_come_later():
    """Beside it the instance of a lost node is still placed before one of which a member failed."""
    members = (strategies.primitive("a"), strategies.primitive("b", requires="quorum"))
    clone = resource.Clone("c", resource.Group("g", members), meta=strategies.sets(clone_max="2"))
    states = {
        "n1": {"a": "running", "b": "running"},
        "n2": {"a": "running", "b": "monitor-failed"},
        "n3": {"a": "stopped", "b": "stopped"},
    }
    desired = wanted(clone, nodes=tuple(states), fencing_enabled="true")
    desired = dataclasses.replace(
        desired,
        nodes=tuple(node.Node(one.name, standby=one.name == "n2") for one in desired.nodes),
        fencing=fencing.Fencing((fencing.FenceDevice("f", "fence_ipmilan", hosts=tuple(states)),)),
    )
    due = pipeline.schedule(desired, seen(states, presence={"n1": Presence.UNKNOWN}))

    moved = [one.source for one in due.changes if one.resource == "a" and one.target == "n3"]
    assert moved == ["n1"]
