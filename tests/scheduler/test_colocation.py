"""Colocations: how wishes travel, and whom a resource that cannot start takes along."""

from __future__ import annotations

import pytest
from scheduler import strategies
from scheduler.test_rules import INFINITY, change, location, seen, wanted

from reconciler.model import constraint, resource
from reconciler.model.constraint import OrderKind
from reconciler.model.role import Role
from reconciler.scheduler import pipeline


@pytest.mark.parametrize(
    ("near", "far", "score"),
    [(50, INFINITY, 30_000), (50, 200_000, 6_000), (-5000, 200_000, -6_000), (-5000, -5000, 150)],
)
def test_wishes_from_behind_keep_their_own_strength(near, far, score):
    """Of a chain only the last link weighs a wish; negative links before it turn it round."""
    resources = [strategies.primitive(name) for name in "pqr"]
    constraints = [
        constraint.Colocation("k1", "q", "p", near),
        constraint.Colocation("k2", "r", "q", far),
        location("r", "n1", 30_000),
    ]
    due = pipeline.schedule(wanted(*resources, constraints=constraints), seen())

    assert due.ledgers["p"]["n1"].score == score


@pytest.mark.parametrize(("primary", "blocked"), [("x", True), ("g", False)])
def test_what_cannot_start_in_a_group_blocks_no_one_outside(primary, blocked):
    """A dependent does not start where its primary cannot, unless the primary is a group."""
    lone = strategies.primitive("x")
    leading = lone if primary == "x" else resource.Group("g", (lone,))
    resources = (
        strategies.primitive("z", target_role="Stopped"),
        leading,
        strategies.primitive("d"),
    )
    constraints = [
        constraint.Order("o", "z", primary),
        constraint.Colocation("k", "d", primary, INFINITY),
    ]
    due = pipeline.schedule(wanted(*resources, constraints=constraints), seen())

    assert change(due, "x").blocked
    assert change(due, "d").blocked is blocked


def test_interleaved_clones_keep_apart_from_one_partner():
    """An interleaved instance avoids the one instance on its best node, and no other."""
    clones = (
        resource.Clone("c", strategies.primitive("a")),
        resource.Clone("d", strategies.primitive("b"), meta=strategies.sets(interleave="true")),
    )
    pair = constraint.Colocation("k", "d", "c", -INFINITY)
    due = pipeline.schedule(wanted(*clones, constraints=[pair]), seen())
    starts = [one.target for one in due.changes if one.resource == "b" and one.target]

    assert starts == ["n2"]


def test_the_members_of_an_interleaved_group_have_one_partner():
    """Where the first of them is to be elsewhere for its partner's sake, the others go with it."""
    members = tuple(strategies.primitive(name) for name in "ab")
    clones = (
        resource.Clone("c", strategies.primitive("z")),
        resource.Clone("d", resource.Group("g", members), meta=strategies.sets(interleave="true")),
    )
    pairs = [constraint.Colocation("k", "d", "c", score) for score in (INFINITY, -100)]
    states = {name: {"a": "running", "b": "running", "z": "stopped"} for name in ("n1", "n2")}
    due = pipeline.schedule(wanted(*clones, constraints=pairs), seen(states))

    assert all(due.placement[f"a:{each}"] == due.placement[f"b:{each}"] for each in range(2))
    assert due.placement["a:0"].keys() == {"n2"}


def test_an_instance_stays_where_it_is_as_good_as_anywhere():
    """An instance that runs well is not moved to an emptier node of equal score."""
    clone = resource.Clone("c", strategies.primitive("z", resource_stickiness="0"))
    lone = strategies.primitive("a", priority="5")
    states = {"n1": {"a": "stopped", "z": "running"}, "n2": {"a": "stopped", "z": "stopped"}}
    due = pipeline.schedule(wanted(lone, clone), seen(states))

    assert change(due, "a").target == "n1"
    assert {one.kind.value for one in due.changes if one.resource == "z"} == {"leave", "start"}


def test_what_follows_a_group_being_placed_is_heard_twice():
    """A group being placed passes on who follows its last member from there, and as a whole."""
    chain = (
        strategies.primitive("d"),
        resource.Group("g", (strategies.primitive("m"),)),
        strategies.primitive("p"),
    )
    constraints = [
        constraint.Colocation("k1", "d", "g", 10_000),
        constraint.Colocation("k2", "g", "p", 500_000),
        location("d", "n2", -1000),
    ]
    due = pipeline.schedule(wanted(*chain, constraints=constraints), seen())

    assert due.ledgers["p"]["n2"].score == -20


def test_each_member_must_be_with_what_its_group_must_be_with():
    """A member does not stay with one that nobody manages, away from what its group follows."""
    group = resource.Group(
        "g", (strategies.primitive("x", is_managed="false"), strategies.primitive("y"))
    )
    states = {
        "n1": {"a": "running", "x": "stopped", "y": "stopped"},
        "n2": {"a": "stopped", "x": "running", "y": "running"},
    }
    constraints = [constraint.Colocation("k", "g", "a", INFINITY), location("a", "n2", -INFINITY)]
    due = pipeline.schedule(
        wanted(strategies.primitive("a"), group, constraints=constraints), seen(states)
    )

    assert change(due, "y").kind.value == "stop"


def test_an_instance_without_another_node_stays_where_it_had_rather_not_be():
    """What is optional counts anew, and for nothing, once other instances took the other nodes."""
    clone = resource.Clone("c", strategies.primitive("p", resource_stickiness="1"))
    states = {name: {"p": "running", "b": "stopped"} for name in ("n1", "n2", "n3")}
    states["n2"]["b"] = "running"
    pair = constraint.Colocation("k", "c", "b", -1000)
    due = pipeline.schedule(
        wanted(strategies.primitive("b"), clone, constraints=[pair], nodes=tuple(states)),
        seen(states),
    )

    assert {one.kind.value for one in due.changes} == {"leave"}


def test_who_has_no_node_hears_nobody_behind_a_group_without_a_wish():
    """What follows a group does not count for what no node may take to begin with."""
    group = resource.Group("g", (strategies.primitive("m"),))
    constraints = [
        constraint.Colocation("k1", "d", "g", INFINITY),
        constraint.Colocation("k2", "g", "p", INFINITY),
        *(location("p", name, -200) for name in ("n1", "n2")),
        location("d", "n2", 1000),
    ]
    resources = (strategies.primitive("d"), group, strategies.primitive("p"))
    due = pipeline.schedule(wanted(*resources, constraints=constraints), seen())

    assert due.ledgers["p"]["n2"].score == -200


def test_a_group_that_finds_no_node_still_passes_on_who_follows_it():
    """The wishes of a group's first member may leave no node; those behind it are heard once."""
    resources = (
        strategies.primitive("d"),
        strategies.primitive("a"),
        strategies.primitive("p"),
        resource.Group("g", (strategies.primitive("m"),)),
    )
    constraints = [
        constraint.Colocation("k1", "d", "g", 5000),
        constraint.Colocation("k2", "g", "a", INFINITY),
        constraint.Colocation("k3", "g", "p", INFINITY),
        location("a", "n2", 100),
        location("p", "n2", -INFINITY),
        location("d", "n1", -1000),
    ]
    names = ("n1", "n2", "n3")
    due = pipeline.schedule(
        wanted(*resources, constraints=constraints, nodes=names), seen({name: {} for name in names})
    )

    assert due.ledgers["p"]["n1"].score == -5


def test_an_instance_that_may_not_stay_is_told_twice():
    """What an instance avoids in vain where it runs counts twice when it is placed at last."""
    clone = resource.Clone("c", strategies.primitive("p", resource_stickiness="1"))
    states = {name: {"p": "stopped", "b": "stopped"} for name in ("n1", "n2", "n3")}
    states["n1"]["p"] = "running"
    constraints = [constraint.Colocation("k", "c", "b", -1000), location("b", "n1", 100)]
    due = pipeline.schedule(
        wanted(strategies.primitive("b"), clone, constraints=constraints, nodes=tuple(states)),
        seen(states),
    )

    assert due.ledgers["p:0"]["n1"].score == -1999


@pytest.mark.parametrize(("state", "target"), [("running", "n1"), ("stopped", "n2")])
def test_a_primary_that_does_not_run_listens_to_everyone(state, target):
    """A dependent without influence still decides where a primary is started, never a move."""
    resources = [strategies.primitive("p"), strategies.primitive("d")]
    constraints = [
        constraint.Colocation("k", "d", "p", INFINITY, influence=False),
        location("d", "n2", 100),
    ]
    due = pipeline.schedule(
        wanted(*resources, constraints=constraints), seen({"n1": {"p": state}, "n2": {}})
    )

    assert list(due.placement["p"]) == [target]


@pytest.mark.parametrize(("interleave", "nodes"), [("false", ["n1", "n2"]), ("true", [])])
def test_a_cloned_group_that_begins_somewhere_is_company(interleave, nodes):
    """Who must be with a clone may be where a group of it begins, interleaved where all of it is."""
    members = (strategies.primitive("a"), strategies.primitive("b", target_role="Stopped"))
    meta = strategies.sets(interleave=interleave)
    clones = (
        resource.Clone("c", resource.Group("g", members), meta=meta),
        resource.Clone("d", strategies.primitive("p"), meta=meta),
    )
    pair = constraint.Colocation("k", "d", "c", INFINITY)
    due = pipeline.schedule(wanted(*clones, constraints=[pair]), seen())

    assert sorted(node for name in ("p:0", "p:1") for node in due.placement[name]) == nodes


@pytest.mark.parametrize(("running", "score"), [("stopped", 100), ("running", 0)])
def test_a_member_that_is_not_critical_is_heard_until_the_one_before_it_runs(running, score):
    """Its group starts where it wants to be, and then stays where it is."""
    members = (strategies.primitive("p"), strategies.primitive("d", critical="false"))
    states = {"n1": {"p": running, "d": running}, "n2": {"p": "stopped", "d": "stopped"}}

    due = pipeline.schedule(
        wanted(resource.Group("g", members), constraints=[location("d", "n2", 100)]), seen(states)
    )

    assert due.ledgers["p"]["n2"].score == score


def test_in_a_circle_a_resource_hears_its_own_wishes():
    """What follows another that follows it is told its own scores again, behind the other's."""
    resources = [strategies.primitive(name) for name in "ab"]
    constraints = [
        constraint.Colocation("k1", "a", "b", INFINITY),
        constraint.Colocation("k2", "b", "a", 300_000),
        location("a", "n1", 50),
    ]
    due = pipeline.schedule(wanted(*resources, constraints=constraints), seen())

    assert due.ledgers["a"]["n1"].score == 50 + 15 + 50


def test_a_colocation_without_a_score_says_nothing():
    """Not even what it names as the primary is placed first."""
    resources = [strategies.primitive(name) for name in "ab"]
    sets = tuple(constraint.ResourceSet((name,)) for name in "ab")
    due = pipeline.schedule(
        wanted(*resources, constraints=[constraint.ColocationSets("k", sets, 0)]), seen()
    )

    assert [one.instance for one in due.moments] == ["a", "b"]


def test_whatever_is_left_of_a_cloned_group_is_company():
    """Who must be with a clone may be where only a later member of it still is, left alone."""
    group = resource.Group("g", (strategies.primitive("a"), strategies.primitive("b")))
    clone = resource.Clone("c", group, meta=strategies.sets(is_managed="false"))
    due = pipeline.schedule(
        wanted(
            clone,
            strategies.primitive("x"),
            constraints=[constraint.Colocation("k", "x", "c", INFINITY)],
        ),
        seen({"n1": {}, "n2": {"b": "running"}}),
    )

    assert set(due.placement["x"]) == {"n2"}


@pytest.mark.parametrize(
    ("score", "role", "target"),
    [
        (INFINITY, Role.PROMOTED, "n2"),
        (INFINITY, Role.STOPPED, "n2"),
        (100, Role.UNPROMOTED, "n2"),
        (INFINITY, Role.STARTED, "n1"),
        (-INFINITY, Role.PROMOTED, "n1"),
    ],
)
def test_company_of_a_role_draws_nobody_who_has_no_roles(score, role, target):
    """Which role is to be near is no matter of placement; which is not to be, is."""
    away = score < 0
    places = [location("a", "n2" if away else "n1", 100), location("b", "n2", 10)]
    pair = constraint.Colocation("k", "b", "a", score, dependent_role=role)
    resources = (strategies.primitive("a"), strategies.primitive("b"))
    due = pipeline.schedule(wanted(*resources, constraints=[pair, *places]), seen())

    assert set(due.placement["b"]) == {target}


@pytest.mark.parametrize(
    ("role", "waits"), [(Role.UNPROMOTED, True), (Role.STOPPED, True), (Role.PROMOTED, False)]
)
def test_whatever_role_but_promoted_must_be_away_comes_after_the_other_has_left(role, waits):
    """A start waits for the stop of what must not be near, also if a role is named."""
    pair = constraint.Colocation("k", "b", "a", -INFINITY, dependent_role=role)
    places = [location("a", "n2", 100), location("b", "n1", 100)]
    resources = (strategies.primitive("a"), strategies.primitive("b"))
    states = {"n1": {"a": "running", "b": "stopped"}, "n2": {"a": "stopped", "b": "stopped"}}
    due = pipeline.schedule(wanted(*resources, constraints=[pair, *places]), seen(states))
    edges = {(one.before, one.after) for one in due.edges}

    assert (("a_stop_0@n1", "b_start_0@n1") in edges) is waits


@pytest.mark.parametrize(("role", "score"), [(Role.UNPROMOTED, 100), (None, 0)])
def test_a_role_may_like_to_be_with_a_role_of_a_clone(role, score):
    """What would like to be with a role of a clone is placed there, whatever role it names."""
    clone = resource.Clone(
        "c", strategies.primitive("p"), meta=strategies.sets(promotable="true", clone_max="1")
    )
    pair = constraint.Colocation(
        "k", "b", "c", 100, dependent_role=Role.PROMOTED, primary_role=role
    )
    resources = (clone, strategies.primitive("b"))
    due = pipeline.schedule(wanted(*resources, constraints=[pair, location("c", "n2", 1)]), seen())

    assert due.ledgers["b"]["n2"].score == score


_LAST_NODE = [
    constraint.Colocation("away", "d", "p", -100),
    constraint.Colocation("with", "d", "p", INFINITY),
]
"""What is optional is given up where it comes second, and else leaves no node."""


@pytest.mark.parametrize(
    ("dependent", "order", "score"),
    [
        (strategies.primitive("d"), 1, 0),
        (strategies.primitive("d"), -1, -100),
        (resource.Group("d", (strategies.primitive("m"),)), 1, -100),
        (resource.Group("d", (strategies.primitive("m"),)), -1, 0),
        (resource.Clone("d", strategies.primitive("m"), strategies.sets(clone_max="1")), 1, -100),
        (resource.Clone("d", strategies.primitive("m"), strategies.sets(clone_max="1")), -1, 0),
    ],
)
def test_of_two_colocations_of_the_same_two_the_later_counts_first(dependent, order, score):
    """The last written comes first; the other way round for what is inside of a resource."""
    due = pipeline.schedule(
        wanted(strategies.primitive("p"), dependent, constraints=_LAST_NODE[::order]), seen()
    )
    name = next(name for name in ("m:0", "m", "d") if name in due.ledgers)

    assert due.ledgers[name]["n1"].score == score


@pytest.mark.parametrize(
    ("kind", "ordered", "stops"),
    [
        (OrderKind.MANDATORY, ("p", "z"), True),
        (OrderKind.OPTIONAL, ("p", "z"), True),
        (OrderKind.SERIALIZE, ("p", "z"), True),
        (OrderKind.MANDATORY, ("z", "p"), False),
    ],
)
def test_what_a_failure_holds_takes_company_along_where_something_is_ordered_after_it(
    kind, ordered, stops
):
    """What must be with a blocked resource stops if anything at all waits for the start of that."""
    resources = [strategies.primitive(name, resource_stickiness="1") for name in "pdz"]
    constraints = [
        constraint.Colocation("k", "d", "p", INFINITY),
        constraint.Order("o", *ordered, kind=kind),
    ]
    states = {"n1": {"p": "stop-failed", "d": "running", "z": "running"}}
    due = pipeline.schedule(wanted(*resources, constraints=constraints), seen(states))

    assert (change(due, "d").kind.value == "stop") is stops


@pytest.mark.parametrize(("role", "places"), [(Role.PROMOTED, {"n3"}), (None, {"n2", "n3"})])
def test_interleaved_instances_look_at_all_that_have_a_role(role, places):
    """Where no role is named, each of them looks at one instance only."""
    first = resource.Clone(
        "A",
        strategies.primitive("a"),
        meta=strategies.sets(promotable="true", promoted_max="2", clone_max="2"),
    )
    then = resource.Clone("B", strategies.primitive("b"), meta=strategies.sets(interleave="true"))
    avoids = constraint.Colocation("k", "B", "A", -INFINITY, primary_role=role)
    states = {name: {"a": "stopped", "b": "stopped"} for name in ("n1", "n2", "n3")}
    found = seen(states, attributes={name: {"master-a": "10"} for name in ("n1", "n2")})
    due = pipeline.schedule(wanted(first, then, constraints=[avoids], nodes=tuple(states)), found)

    assert {one.target for one in due.changes if one.resource == "b" and one.target} == places


@pytest.mark.parametrize(
    ("target", "score", "places"),
    [
        ("Unpromoted", INFINITY, {"n2"}),
        ("Unpromoted", 1000, {"n2", "n3"}),
        ("Started", 1000, {"n1", "n3"}),
        ("Unpromoted", -INFINITY, {"n1", "n3"}),
    ],
)
def test_what_people_want_unpromoted_is_drawn_to_what_that_role_wants(target, score, places):
    """As if no role was named: it will have no other. What it must avoid counts in any case."""
    meta = strategies.sets(promotable="true", clone_max="2", target_role=target)
    clone = resource.Clone("B", strategies.primitive("b"), meta=meta)
    near = constraint.Colocation("k", "B", "a", score, dependent_role=Role.UNPROMOTED)
    states = {name: {"a": "stopped", "b": "stopped"} for name in ("n1", "n2", "n3")}
    scores = {"n1": {"master-b": "10"}, "n3": {"master-b": "20"}}
    due = pipeline.schedule(
        wanted(
            strategies.primitive("a"),
            clone,
            constraints=[near, location("a", "n2", 50)],
            nodes=tuple(states),
        ),
        seen(states, attributes=scores),
    )

    assert {one.target for one in due.changes if one.resource == "b" and one.target} == places
