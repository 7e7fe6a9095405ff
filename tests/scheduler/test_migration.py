"""Live migration: who moves without being stopped, and what becomes of others."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies
from scheduler.test_ordering import before
from scheduler.test_rules import INFINITY, change, location, seen, wanted

from reconciler.model import constraint, resource
from reconciler.model.observed import OperationStatus
from reconciler.scheduler import pipeline

STATES = {
    "n1": {"a": "running", "b": "stopped"},
    "n2": {"a": "stopped", "b": "running"},
    "n3": {"a": "stopped", "b": "stopped"},
}


@pytest.mark.parametrize(
    ("whole", "restarts"),
    [
        (lambda one: one, False),
        (lambda one: resource.Group("A", (one,)), True),
        (lambda one: resource.Clone("A", one, meta=strategies.sets(clone_max="1")), True),
    ],
)
def test_what_follows_a_whole_restarts_when_its_only_part_migrates(whole, restarts):
    """A group or clone does not say how it moves; only what follows the resource itself stays up."""
    moving = strategies.primitive("a", allow_migrate="true")
    follower = resource.Clone("B", strategies.primitive("b"), meta=strategies.sets(clone_max="1"))
    name = "a" if not restarts else "A"
    rules = [
        constraint.Order("o", name, "B"),
        location(name, "n1", -1),
        location(name, "n3", -1),
        location("B", "n2", 100),
    ]
    target = wanted(whole(moving), follower, constraints=rules, nodes=tuple(STATES))
    keys = {one.key.replace(":0", "") for one in pipeline.schedule(target, seen(STATES)).actions}

    assert {"a_migrate_to_0@n1", "a_migrate_from_0@n2"} <= keys
    assert ({"b_stop_0@n2", "b_start_0@n2"} <= keys) == restarts


@pytest.mark.parametrize(
    ("state", "scores", "kind"),
    [
        ("running", {}, "migrate"),
        ("running", {"n2": {"master-m": "5"}}, "move"),
        ("promoted", {"n1": {"master-m": "5"}, "n2": {"master-m": "5"}}, "migrate"),
    ],
)
def test_what_can_be_promoted_migrates_too(state, scores, kind):
    """It loses its role before, and gets it after; if that is another one, it is told to move."""
    stateful = strategies.primitive("m", allow_migrate="true")
    clone = resource.Clone("c", stateful, meta=strategies.sets(promotable="true", clone_max="1"))
    due = pipeline.schedule(
        wanted(clone, constraints=[location("c", "n1", -INFINITY)]),
        seen({"n1": {"m": state}, "n2": {"m": "stopped"}}, attributes=scores),
    )

    assert change(due, "m").kind.value == kind
    assert "m:0_migrate_to_0@n1" in before(due, "m:0_migrate_from_0@n2")
    if scores:
        assert "m:0_migrate_from_0@n2" in before(due, "m:0_promote_0@n2")
    if state == "promoted":
        assert "m:0_demote_0@n1" in before(due, "m:0_migrate_to_0@n1")


@pytest.mark.parametrize(
    ("task", "kind"),
    [("start", "move"), ("monitor", "migrate"), ("reload", "migrate"), ("stop", "migrate")],
)
def test_only_what_is_being_started_cannot_migrate(task, kind):
    """Another operation that is under way, or of which nobody heard the end, hinders nothing."""
    seen_so_far = seen({"n1": {"m": "running"}, "n2": {"m": "stopped"}})
    known = seen_so_far.nodes["n1"].histories["m"]
    hanging = dataclasses.replace(
        strategies.record(task, 193, 1), status=OperationStatus.PENDING, changed_at=strategies.NOW
    )
    monitor = strategies.record("monitor", 0, 3, 0, 10_000)
    began = known.operations if task != "start" else ()
    known = dataclasses.replace(known, operations=(*began, hanging, monitor))
    seen_so_far.nodes["n1"].histories["m"] = known
    target = wanted(
        strategies.primitive("m", allow_migrate="true"),
        constraints=[location("m", "n1", -INFINITY)],
    )

    assert change(pipeline.schedule(target, seen_so_far), "m").kind.value == kind


@pytest.mark.parametrize("migrates", [True, False])
def test_a_monitor_that_is_wanted_no_longer_ends_at_once_where_its_resource_migrates(migrates):
    """Where it moves in another way, the monitor is cancelled after the stop."""
    found = seen({"n1": {"m": "running"}, "n2": {"m": "stopped"}})
    known = found.nodes["n1"].histories["m"]
    other = strategies.record("monitor", 0, 3, 0, 7_000)
    known = dataclasses.replace(known, operations=(*known.operations, other))
    found.nodes["n1"].histories["m"] = known
    target = wanted(
        strategies.primitive("m", allow_migrate=str(migrates).lower()),
        constraints=[location("m", "n1", -INFINITY)],
    )
    due = pipeline.schedule(target, found)

    assert ("m_stop_0@n1" in before(due, "m_cancel_monitor_7000@n1")) is not migrates


def test_an_order_that_holds_for_starts_only_keeps_nobody_from_migrating():
    """Who need not stop before the other restarts only waits until that is done."""
    rules = [constraint.Order("o", "a", "m", symmetrical=False), location("m", "n1", -INFINITY)]
    states = {"n1": {"m": "running", "a": "monitor-failed"}, "n2": {"m": "stopped", "a": "stopped"}}
    resources = (strategies.primitive("a"), strategies.primitive("m", allow_migrate="true"))
    due = pipeline.schedule(wanted(*resources, constraints=rules), seen(states))

    start = next(one.key for one in due.actions if one.key.startswith("a_start_0"))
    assert change(due, "m").kind.value == "migrate"
    assert start in before(due, "m_migrate_to_0@n1")


@pytest.mark.parametrize("kind", ["mandatory", "optional"])
def test_who_migrates_waits_for_what_stops_of_a_group_that_follows(kind):
    """Whichever of its members it is, and however much the order is meant."""
    order = constraint.Order("o", "m", "g", kind=constraint.OrderKind[kind.upper()])
    members = [strategies.primitive(name, resource_stickiness="1") for name in "ab"]
    resources = (
        strategies.primitive("m", allow_migrate="true"),
        resource.Group("g", tuple(members)),
    )
    states = {
        "n1": {"m": "running", "a": "running", "b": "monitor-failed"},
        "n2": dict.fromkeys("mab", "stopped"),
    }
    rules = [order, location("m", "n1", -INFINITY)]
    due = pipeline.schedule(wanted(*resources, constraints=rules), seen(states))

    assert change(due, "m").kind.value == "migrate"
    assert "b_stop_0@n1" in before(due, "m_migrate_to_0@n1")


def test_a_member_migrates_without_waiting_for_what_its_group_follows():
    """The group begins to start after that; the member is up all the time."""
    resources = (
        strategies.primitive("a"),
        resource.Group("g", (strategies.primitive("m", allow_migrate="true"),)),
    )
    states = {"n1": {"m": "running", "a": "stopped"}, "n2": {"m": "stopped", "a": "stopped"}}
    rules = [constraint.Order("o", "a", "g"), location("g", "n1", -INFINITY)]
    due = pipeline.schedule(wanted(*resources, constraints=rules), seen(states))

    assert change(due, "m").kind.value == "migrate"
    assert not {key for key in before(due, "m_migrate_to_0@n1") if key.startswith("a_start")}


@pytest.mark.parametrize(
    ("follower", "where", "restarts"),
    [
        (lambda one: one, "n2", True),
        (lambda one: one, "n3", False),
        (
            lambda one: resource.Clone("B", one, meta=strategies.sets(interleave="true")),
            "n2",
            False,
        ),
    ],
)
def test_what_follows_a_clone_restarts_where_one_of_its_primitives_goes(follower, where, restarts):
    """It stays up on other nodes, and so does a partner."""
    moving = resource.Clone(
        "A", strategies.primitive("a", allow_migrate="true"), meta=strategies.sets(clone_max="1")
    )
    then = follower(strategies.primitive("b", resource_stickiness="100"))
    states = {name: {"a": "stopped", "b": "stopped"} for name in STATES}
    states["n1"]["a"] = states[where]["b"] = "running"
    rules = [
        constraint.Order("o", "A", then.name),
        location("A", "n1", -1),
        location("A", "n3", -1),
    ]
    target = wanted(moving, then, constraints=rules, nodes=tuple(STATES))
    keys = {one.key.replace(":0", "") for one in pipeline.schedule(target, seen(states)).actions}

    assert "a_migrate_to_0@n1" in keys
    assert (f"b_stop_0@{where}" in keys) == restarts


@pytest.mark.parametrize("whole", ["p", "g", "c"])
@pytest.mark.parametrize("kind", ["apart", "Optional", "Mandatory"])
def test_who_migrates_does_not_wait_for_others_to_be_stopped_or_looked_for(kind, whole):
    """Whether it must not be with them, or is ordered after their stop; its monitor waits."""
    order = constraint.Order("o", whole, "m", "stop", "start", kind=kind)
    apart = constraint.Colocation("k", "m", whole, -INFINITY)
    part = strategies.primitive("p", target_role="Stopped")
    found = {"p": part, "g": resource.Group("g", (part,)), "c": resource.Clone("c", part)}
    states = {"n1": {"m": "running"}, "n2": {"m": "stopped", "p": "running"}}
    due = pipeline.schedule(
        wanted(
            strategies.primitive("m", allow_migrate="true"),
            found[whole],
            constraints=(apart if kind == "apart" else order, location("m", "n2", 1000)),
        ),
        seen(states),
    )
    name = "p:0" if whole == "c" else "p"

    assert change(due, "m").kind.value == "migrate"
    assert before(due, "m_migrate_to_0@n1") == set()
    assert f"{name}_stop_0@n2" in before(due, "m_monitor_10000@n2")


def test_instances_that_migrate_do_not_stop_in_turn_but_for_what_is_looked_for():
    """In an ordered clone they begin in turn, next to each other; none waits for another's stop."""
    one = strategies.primitive("p", allow_migrate="true", resource_stickiness="1")
    meta = {"ordered": "true", "globally_unique": "true", "clone_max": "3", "clone_node_max": "3"}
    known = {f"p:{number}": "stopped" for number in range(3)}
    states = {"n1": dict.fromkeys(known, "running"), "n2": known, "n3": dict(known)}
    del states["n3"]["p:1"]
    due = pipeline.schedule(
        wanted(
            resource.Clone("c", one, meta=strategies.sets(**meta)),
            constraints=(location("c", "n1", -5), location("c", "n2", 10)),
            nodes=("n1", "n2", "n3"),
        ),
        seen(states),
    )
    first, second = before(due, "p:0_stop_0@n1"), before(due, "p:1_migrate_to_0@n1")

    assert {key for key in first if "p:1" in key} == {"p:1_monitor_0@n3"}
    assert "p:0_migrate_from_0@n2" in second
    assert "p:0_stop_0@n1" not in second


@pytest.mark.parametrize("symmetrical", [True, False])
def test_a_member_migrates_whatever_becomes_of_what_its_group_follows(symmetrical):
    """It waits for no start, and moves live though what its group follows moves, too."""
    group = resource.Group("g", (strategies.primitive("m", allow_migrate="true"),))
    rules = [
        constraint.Order("o", "a", "g", symmetrical=symmetrical),
        location("g", "n1", -INFINITY),
        location("a", "n2", -INFINITY),
    ]
    states = {name: {"a": "stopped", "m": "stopped"} for name in ("n1", "n2", "n3")}
    states["n1"]["m"] = states["n2"]["a"] = "running"
    due = pipeline.schedule(
        wanted(strategies.primitive("a"), group, constraints=rules, nodes=tuple(states)),
        seen(states),
    )

    assert change(due, "m").kind.value == "migrate"
    assert not any(key.startswith("a_start") for key in before(due, "m_migrate_to_0@n1"))


def test_an_instance_of_a_clone_migrates_while_what_its_clone_follows_moves():
    """Only its clone waits for that, so nothing of them waits in a circle."""
    names = ("n1", "n2", "n3", "n4")
    states = {name: {"a": "stopped", "b": "stopped"} for name in names}
    states["n1"] = states["n2"] = {"a": "running", "b": "running"}
    two = strategies.sets(clone_max="2")
    due = pipeline.schedule(
        wanted(
            resource.Clone("A", strategies.primitive("a"), meta=two),
            resource.Clone("B", strategies.primitive("b", allow_migrate="true"), meta=two),
            constraints=[
                constraint.Order("o", "A", "B"),
                location("A", "n1", -INFINITY),
                location("B", "n1", -INFINITY),
            ],
            nodes=names,
        ),
        seen(states),
    )

    assert before(due, "b:0_migrate_to_0@n1") == set()
    kinds = {(one.resource, one.source): one.kind.value for one in due.changes}
    assert kinds["a", "n1"] == "move"
    assert kinds["b", "n1"] == "migrate"


@pytest.mark.parametrize(
    ("state", "task", "kind"),
    [
        ("monitor-failed", "promote", "migrate"),
        ("promoted", "promote", "move"),
        ("monitor-failed", "start", "move"),
        ("promoted", "start", "migrate"),
    ],
)
def test_who_follows_a_promotion_stops_only_for_a_demotion(state, task, kind):
    """What else stops in the clone it does not mind, as who follows its start minds no demotion."""
    clone = resource.Clone("A", strategies.primitive("a"), meta=strategies.sets(promotable="true"))
    order = constraint.Order("o", "A", "w", first_action=task, then_action="start")
    rules = [order, location("w", "n1", -INFINITY), location("A", "n3", -INFINITY)]
    states = {
        "n1": {"a": "running", "w": "running"},
        "n2": {"a": state, "w": "stopped"},
        "n3": {"a": "stopped", "w": "stopped"},
    }
    moving = strategies.primitive("w", allow_migrate="true")
    due = pipeline.schedule(
        wanted(clone, moving, constraints=rules, nodes=tuple(states)),
        seen(states, attributes={"n1": {"master-a": "10"}}),
    )

    assert change(due, "w").kind.value == kind


@pytest.mark.parametrize(
    ("kind", "symmetrical", "found"),
    [
        (constraint.OrderKind.MANDATORY, True, "move"),
        (constraint.OrderKind.MANDATORY, False, "migrate"),
        (constraint.OrderKind.OPTIONAL, True, "migrate"),
        (constraint.OrderKind.SERIALIZE, None, "migrate"),
    ],
)
def test_who_needs_some_instances_to_start_only_migrates_whatever_they_do(kind, symmetrical, found):
    """It waits for none of them, either, as it need not stop before they do."""
    clone = resource.Clone("A", strategies.primitive("a"), meta=strategies.sets(clone_min="1"))
    order = constraint.Order("o", "A", "w", kind=kind, symmetrical=symmetrical)
    states = {
        "n1": {"a": "running", "w": "running"},
        "n2": {"a": "monitor-failed", "w": "stopped"},
    }
    moving = strategies.primitive("w", allow_migrate="true")
    due = pipeline.schedule(
        wanted(clone, moving, constraints=[order, location("w", "n1", -INFINITY)]), seen(states)
    )

    assert change(due, "w").kind.value == found
    assert "a:1_start_0@n2" not in before(due, "w_stop_0@n1")


def test_an_instance_that_migrated_is_up_where_it_came_from_until_it_was_stopped():
    """Which of the instances on the other node that was, nobody can tell."""
    found = seen({"n1": {"a": "running"}, "n2": {"a": "running"}})
    known = found.nodes["n1"].histories["a"]
    gone = dataclasses.replace(strategies.record("migrate_to", 0, 3), source="n1", target="n2")
    left = dataclasses.replace(known, operations=(*known.operations, gone))
    node = dataclasses.replace(found.nodes["n1"], histories={"a": left})
    clone = resource.Clone("A", strategies.primitive("a", allow_migrate="true"))
    due = pipeline.schedule(
        wanted(clone), dataclasses.replace(found, nodes={**found.nodes, "n1": node})
    )

    assert {one.kind.value for one in due.changes} == {"leave"}


@pytest.mark.parametrize(("last", "waits"), [("stopped", True), ("stop-failed", False)])
def test_a_migration_waits_for_no_group_that_does_not_get_up(last, waits):
    """What starts of it starts for itself, if the order is one that only sorts."""
    members = (strategies.primitive("x"), strategies.primitive("y"))
    found = {name: dict.fromkeys("xym", "stopped") for name in ("n1", "n2", "n3")}
    found["n1"]["m"], found["n3"]["y"] = "running", last
    rules = [
        constraint.Order("o", "A", "m", kind=constraint.OrderKind.OPTIONAL),
        location("m", "n1", -INFINITY),
        location("m", "n2", 100),
    ]
    moving = strategies.primitive("m", allow_migrate="true")
    due = pipeline.schedule(
        wanted(resource.Group("A", members), moving, constraints=rules, nodes=tuple(found)),
        seen(found),
    )
    start = next(one.key for one in due.actions if one.key.startswith("x_start"))

    assert (start in before(due, "m_migrate_to_0@n1")) is waits


@pytest.mark.parametrize("source", ["n1", "n3"])
def test_an_interleaved_instance_migrates_whatever_its_partner_does(source):
    """It waits for no start of that, though it follows it to the same node."""
    one = strategies.sets(clone_max="1", interleave="true")
    states = {name: {"a": "stopped", "b": "stopped"} for name in ("n1", "n2", "n3")}
    states[source]["a"] = states["n1"]["b"] = "running"
    due = pipeline.schedule(
        wanted(
            resource.Clone("A", strategies.primitive("a"), meta=one),
            resource.Clone("B", strategies.primitive("b", allow_migrate="true"), meta=one),
            constraints=[
                constraint.Order("o", "A", "B"),
                location("A", "n2", 100),
                location("B", "n2", 100),
            ],
            nodes=tuple(states),
        ),
        seen(states),
    )

    assert {one.resource: one.kind.value for one in due.changes} == {"a": "move", "b": "migrate"}
    assert before(due, "b:0_migrate_to_0@n1") == set()
