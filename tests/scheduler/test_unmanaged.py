"""Resources that nobody manages, and what is ordered with them."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies
from scheduler import test_rules as facts
from scheduler.test_ordering import before

from reconciler.model import constraint, plan, resource
from reconciler.model.agent import AgentName
from reconciler.model.plan import ChangeKind

UNMANAGED = strategies.primitive("b", is_managed="false")


def _due(*resources: resource.Resource, states, **kwargs) -> plan.Plan:
    order = constraint.Order("o", "a", "b")
    wanted = facts.wanted(*resources, constraints=[order, *kwargs.get("constraints", ())])
    return facts.pipeline.schedule(wanted, facts.seen(states))


def test_what_nobody_manages_holds_up_no_stop():
    """Though it should stop first, the resource that it needs stops without it."""
    first = strategies.primitive("a", target_role="Stopped")
    states = {"n1": {"a": "running", "b": "running"}, "n2": {"a": "stopped", "b": "stopped"}}
    due = _due(first, UNMANAGED, states=states)

    assert facts.change(due, "a").kind is ChangeKind.STOP
    assert not facts.change(due, "a").blocked


def test_what_nobody_manages_is_not_started_again():
    """The start of what it is ordered after leaves it as it is."""
    states = {"n1": {"a": "stopped", "b": "running"}, "n2": {"a": "stopped", "b": "stopped"}}
    due = _due(strategies.primitive("a"), UNMANAGED, states=states)

    assert {one.resource for one in due.actions if one.task.value == "start"} == {"a"}


def test_a_member_that_nobody_manages_holds_up_its_group():
    """A group stops as one: before a member that may not be stopped nothing is stopped."""
    group = resource.Group("g", (strategies.primitive("a"), UNMANAGED))
    states = {"n1": {"a": "running", "b": "running"}, "n2": {"a": "stopped", "b": "stopped"}}
    banned = facts.location("a", "n1", -facts.INFINITY)
    due = facts.pipeline.schedule(facts.wanted(group, constraints=[banned]), facts.seen(states))

    assert facts.change(due, "a").blocked


def test_a_member_that_nobody_manages_holds_up_none_beyond_one_that_is_down():
    """What is behind a member that does not run has lost what it needs already."""
    members = (strategies.primitive("a"), strategies.primitive("x"), UNMANAGED)
    group = resource.Group("g", members, meta=strategies.sets(target_role="Stopped"))
    running = {"a": "running", "x": "stopped", "b": "running"}
    states = {"n1": running, "n2": dict.fromkeys(running, "stopped")}
    due = facts.pipeline.schedule(facts.wanted(group), facts.seen(states))

    assert not facts.change(due, "a").blocked


@pytest.mark.parametrize(("managed", "waits"), [("true", True), ("false", False)])
@pytest.mark.parametrize("cloned", [False, True])
def test_nobody_would_rather_wait_for_a_group_that_does_not_stop_as_a_whole(cloned, managed, waits):
    """An optional order after its stop asks for nothing where a member is left alone."""
    members = (
        strategies.primitive("m", is_managed=managed),
        strategies.primitive("q", target_role="Stopped"),
    )
    group = resource.Group("g", members)
    leading = resource.Clone("c", group) if cloned else group
    order = constraint.Order("o", "a", leading.name, kind=constraint.OrderKind.OPTIONAL)
    wanted = facts.wanted(
        strategies.primitive("a", target_role="Stopped"),
        leading,
        constraints=[order],
        nodes=("n1",),
    )
    due = facts.pipeline.schedule(wanted, facts.seen({"n1": dict.fromkeys("amq", "running")}))
    stop = "q:0_stop_0@n1" if cloned else "q_stop_0@n1"

    assert (stop in before(due, "a_stop_0@n1")) is waits


@pytest.mark.parametrize(("score", "target"), [(-500, "n1"), (-facts.INFINITY, "")])
def test_what_is_optional_never_takes_the_last_node(score, target):
    """An optional colocation counts for nothing where it would leave no node."""
    pair = constraint.Colocation("k", "q", "p", score)
    resources = (strategies.primitive("p"), strategies.primitive("q"))
    wanted = facts.wanted(*resources, constraints=[pair], nodes=("n1",))

    assert (
        facts.change(facts.pipeline.schedule(wanted, facts.seen({"n1": {}})), "q").target == target
    )


def test_what_nothing_could_fence_has_the_scores_of_what_is_managed():
    """Without any device nothing is managed, but no score says that it stays at any price."""
    wanted = facts.wanted(
        strategies.primitive("a", resource_stickiness="7"), fencing_enabled="true"
    )
    due = facts.pipeline.schedule(wanted, facts.seen({"n1": {"a": "running"}, "n2": {}}))

    assert due.ledgers["a"]["n1"].score == 7


def test_a_fence_device_that_a_lost_node_has_too_is_not_restarted():
    """What a node has of it that is lost by a later resource's failure does not count either."""
    agent = AgentName("stonith", "", "fence_xvm")
    device = dataclasses.replace(strategies.primitive("f"), agent=agent)
    wanted = facts.wanted(device, strategies.primitive("p"), fencing_enabled="true")
    seen = facts.seen({"n1": {"f": "running", "p": "stop-failed"}, "n2": {"f": "running"}})
    nodes = {
        name: dataclasses.replace(
            one,
            histories={
                **one.histories,
                "f": dataclasses.replace(one.histories["f"], agent=agent),
            },
        )
        for name, one in seen.nodes.items()
    }
    due = facts.pipeline.schedule(wanted, dataclasses.replace(seen, nodes=nodes))

    assert {one.node for one in due.fencing} == {"n1"}
    assert not any(one.resource == "f" and one.task.value == "stop" for one in due.actions)


@pytest.mark.parametrize("watchdog", ["true", "false"])
def test_nothing_is_touched_where_nobody_can_fence(watchdog):
    """A watchdog found on the nodes counts as a means to fence."""
    wanted = facts.wanted(strategies.primitive("a"), fencing_enabled="true", have_watchdog=watchdog)
    due = facts.pipeline.schedule(wanted, facts.seen())

    assert (facts.change(due, "a").kind is ChangeKind.START) is (watchdog == "true")


@pytest.mark.parametrize("maintenance", ["false", "true"])
def test_what_a_failure_holds_is_followed_by_nothing_in_maintenance_either(maintenance):
    """It would have to be stopped and cannot be, so what needs it is not started elsewhere."""
    first = strategies.primitive("a", maintenance=maintenance)
    states = {"n1": {"a": "stop-failed", "b": "running"}, "n2": {"a": "stopped", "b": "stopped"}}
    away = [facts.location("b", "n1", -1)]
    due = _due(first, strategies.primitive("b"), states=states, constraints=away)

    assert facts.change(due, "b").kind is ChangeKind.STOP


def test_an_instance_too_many_that_is_left_alone_takes_no_place_on_its_node():
    """Of two where one is wanted only the first counts, so the next resource goes beside the other."""
    meta = strategies.sets(clone_max="1", is_managed="false")
    alone = resource.Clone("c", strategies.primitive("b"), meta=meta)
    states = {"n1": {"b": "running"}, "n2": {"b": "running"}}
    wanted = facts.wanted(alone, strategies.primitive("p"), strategies.primitive("q"))
    due = facts.pipeline.schedule(wanted, facts.seen(states))

    assert [list(due.placement[name]) for name in ("p", "q")] == [["n2"], ["n1"]]


def test_an_instance_too_many_is_stopped_though_what_was_removed_may_stay():
    """Its clone is configured: it is no resource that nobody knows."""
    clone = resource.Clone("c", strategies.primitive("b"), meta=strategies.sets(clone_max="1"))
    wanted = facts.wanted(clone, stop_removed_resources="false")
    states = {"n1": {"b": "running", "x": "running"}, "n2": {"b": "running"}}
    due = facts.pipeline.schedule(wanted, facts.seen(states))

    stops = [one for one in due.actions if one.real and one.task.value == "stop"]
    assert [(one.resource, one.node) for one in stops] == [("b", "n2")]


@pytest.mark.parametrize("first", ["a", "g"])
def test_the_stop_that_a_failure_forbids_takes_nothing_along(first):
    """What would stop after it goes on as it is."""
    held = strategies.primitive("a")
    leading = held if first == "a" else resource.Group("g", (held,))
    order = constraint.Order("o", first, "b", first_action="stop", then_action="stop")
    wanted = facts.wanted(leading, strategies.primitive("b"), constraints=[order], nodes=("n1",))
    due = facts.pipeline.schedule(wanted, facts.seen({"n1": {"a": "stop-failed", "b": "running"}}))

    assert facts.change(due, "b").kind is ChangeKind.LEAVE


def test_an_instance_too_many_that_goes_is_missed_by_nobody():
    """What would like to be with the clone hears of the instances that stay."""
    clone = resource.Clone("c", strategies.primitive("b"), meta=strategies.sets(clone_max="1"))
    near = constraint.Colocation("k", "p", "c", 100)
    wanted = facts.wanted(clone, strategies.primitive("p"), constraints=[near])
    states = {"n1": {"b": "running"}, "n2": {"b": "running"}}
    ledgers = facts.pipeline.schedule(wanted, facts.seen(states)).ledgers["p"]

    assert {name: ledgers[name].score for name in ("n1", "n2")} == {"n1": 100, "n2": 0}


@pytest.mark.parametrize("name", ["is_managed", "maintenance"])
def test_an_instance_too_many_that_is_left_alone_is_not_even_watched(name):
    """Its monitor is neither begun nor cancelled; that of the instance that counts is."""
    monitor = resource.Operation("monitor", interval_ms=10_000)
    one = dataclasses.replace(strategies.primitive("b"), operations=(monitor,))
    meta = strategies.sets(clone_max="1", **{name: "false" if name == "is_managed" else "true"})
    wanted = facts.wanted(resource.Clone("c", one, meta=meta))
    states = {"n1": {"b": "running"}, "n2": {"b": "running"}}
    due = facts.pipeline.schedule(wanted, facts.seen(states))

    nodes = {each.node for each in due.actions if each.real}
    assert nodes <= {"n1"}
    assert bool(nodes) is (name == "is_managed")
