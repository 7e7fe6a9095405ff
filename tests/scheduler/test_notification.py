"""Notifications: who is told of what, and what waits for it."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies
from scheduler.test_ordering import before
from scheduler.test_rules import INFINITY, location, seen, wanted

from reconciler.model import constraint, desired, fencing, observed, resource
from reconciler.model.action import Task
from reconciler.model.observed import Presence
from reconciler.scheduler import pipeline

NODES = ("n1", "n2", "n3")
UP = {name: {"p": "running", "o": "stopped"} for name in NODES}


def clone(**meta: str) -> resource.Clone:
    """Return a clone that wants notifications."""
    return resource.Clone(
        "c", strategies.primitive("p"), meta=strategies.sets(notify="true", **meta)
    )


def fenced(*resources, constraints=()) -> desired.Desired:
    """Return a cluster of three nodes that can be fenced."""
    target = wanted(*resources, constraints=constraints, nodes=NODES, fencing_enabled="true")
    device = fencing.FenceDevice("f", "fence_ipmilan", hosts=NODES)
    return dataclasses.replace(target, fencing=fencing.Fencing((device,)))


def test_no_instance_is_watched_before_all_were_told():
    """A monitor that is due anyway waits until all were told of a stop elsewhere."""
    due = pipeline.schedule(
        wanted(clone(), constraints=[location("c", "n1", -1)], nodes=NODES), seen(UP)
    )

    told = {"p:1_post_notify_stopped_0@n2", "p:2_post_notify_stopped_0@n3"}
    assert told <= before(due, "p:1_monitor_10000@n2")


@pytest.mark.parametrize("restarts", [True, False])
def test_a_fencing_is_told_to_all_that_stay_or_restart(restarts):
    """Who restarts is told right after the fencing, the others once what was lost counts as stopped."""
    states = {**UP, "n2": {"p": "running", "o": "running"}}
    orders = [constraint.Order("x", "o", "c"), location("o", "n2", -INFINITY)]
    due = pipeline.schedule(
        fenced(clone(), strategies.primitive("o"), constraints=orders if restarts else ()),
        seen(states, presence={"n1": Presence.UNKNOWN}),
    )

    told = {one.key for one in due.actions if one.key.partition("@")[0].endswith("stonith_0")}
    told = {key for key in told if "@" in key}
    assert told == {"p:1_post_notify_stonith_0@n2", "p:2_post_notify_stonith_0@n3"}
    first = before(due, "p:1_post_notify_stonith_0@n2")
    assert "stonith-n1-reboot@n1" in first
    assert ("p:1_pre_notify_stop_0@n2" in first) is not restarts
    assert told <= before(due, "p:1_monitor_10000@n2")


def test_who_is_being_started_is_told_of_a_fencing_like_all_that_stay():
    """That its start goes on is no news, so it hears once what was lost counts as stopped."""
    found = seen(UP, presence={"n1": Presence.UNKNOWN})
    start = dataclasses.replace(
        strategies.record("start", 0, 2), status=observed.OperationStatus.PENDING
    )
    begun = observed.ResourceHistory("p", strategies.AGENT, (start,))
    nodes = {**found.nodes, "n2": dataclasses.replace(found.nodes["n2"], histories={"p": begun})}
    due = pipeline.schedule(fenced(clone()), dataclasses.replace(found, nodes=nodes))

    note = next(one.key for one in due.actions if one.key.endswith("_post_notify_stonith_0@n2"))
    assert {"p:2_pre_notify_stop_0@n3", "stonith-n1-reboot@n1"} <= before(due, note)


@pytest.mark.parametrize("quorate", [True, False])
def test_who_waits_for_a_partner_is_told_of_starts_only_after_them(quorate):
    """Whether the partner is only not promoted, or cannot start without quorum."""
    partner = resource.Clone(
        "d",
        strategies.primitive("o"),
        meta=strategies.sets(promotable="true", interleave="true"),
    )
    task = "promote" if quorate else "start"
    own = dataclasses.replace(
        clone(interleave="true"), child=strategies.primitive("p", requires="nothing")
    )
    states = {"n1": {"o": "promoted"}, "n2": {"o": "running" if quorate else "stopped"}}
    states = {name: {"p": "stopped", **one} for name, one in states.items()}
    due = pipeline.schedule(
        wanted(
            own,
            partner,
            constraints=[constraint.Order("x", "d", "c", first_action=task, then_action="start")],
            no_quorum_policy="freeze",
        ),
        seen(states, attributes={"n1": {"master-o": "5"}}, quorate=quorate),
    )
    notes = {(one.node, one.key.partition("@")[0][4:]) for one in due.actions if one.real}

    assert ("n1", "post_notify_running_0") in notes
    assert ("n2", "post_notify_running_0") in notes
    assert ("n2", "pre_notify_start_0") not in notes


def test_a_fencing_is_told_though_what_it_ends_could_not_be_stopped():
    """Where a member that nobody manages holds up its group, the fencing ends that all the same."""
    members = (strategies.primitive("p"), strategies.primitive("u", is_managed="false"))
    group = resource.Clone("c", resource.Group("g", members), meta=strategies.sets(notify="true"))
    both = {"p": "running", "u": "running"}
    states = {"n1": both, "n2": {"p": "running", "u": "stopped"}, "n3": both}
    due = pipeline.schedule(
        fenced(group, constraints=[location("c", "n2", -INFINITY)]),
        seen(states, presence={"n1": Presence.UNKNOWN}),
    )
    keys = {one.key for one in due.actions}

    assert "p:1_stop_0@n2" in keys
    assert "p:2_post_notify_stonith_0@n3" in keys
    assert "p:2_post_notify_stopped_0@n3" not in keys


@pytest.mark.parametrize(
    ("state", "told"),
    [("running", {"n2", "n3"}), ("monitor-failed", {"n3"}), ("promoted", {"n3"})],
)
def test_no_instance_that_restarts_for_its_own_sake_is_told_of_a_fencing(state, told):
    """One that failed, or has a role that it must not have, begins anew; the others are told."""
    states = {"n1": {"p": "running"}, "n2": {"p": state}, "n3": {"p": "running"}}
    due = pipeline.schedule(fenced(clone()), seen(states, presence={"n1": Presence.UNKNOWN}))
    notes = [one for one in due.actions if one.real and "_post_notify_stonith_0" in one.key]

    assert {one.node for one in notes} == told


@pytest.mark.parametrize(("promotable", "told"), [("false", {"n2", "n3"}), ("true", set())])
def test_those_that_restart_with_other_parameters_are_told_of_a_fencing(promotable, told):
    """They run well until then; but nobody who can be promoted is told."""
    one = clone(promotable=promotable)
    changed = dataclasses.replace(one.child, params=strategies.sets(ip="10.0.0.1"))
    states = {name: {"p": "running"} for name in NODES}
    due = pipeline.schedule(
        fenced(dataclasses.replace(one, child=changed)),
        seen(states, presence={"n1": Presence.UNKNOWN}),
    )

    notes = [one for one in due.actions if one.real and "_post_notify_stonith_0" in one.key]
    assert {one.node for one in notes} == told


def test_an_instance_that_nobody_manages_is_told_nothing():
    """One whose stop failed is left alone until people come."""
    states = {**UP, "n2": {"p": "stop-failed"}}
    away = [location("c", "n1", -INFINITY)]
    due = pipeline.schedule(
        wanted(clone(clone_max="3"), constraints=away, nodes=NODES), seen(states)
    )

    told = {one.node for one in due.actions if "pre_notify_stop" in one.key and one.node}
    assert told == {"n1", "n3"}


def test_who_goes_on_starting_is_told_of_a_promotion_once():
    """An instance whose start is under way counts as running, and is started: it is one all the same."""
    states = {"n1": {"p": "running"}, "n2": {}}
    found = seen(states, attributes={"n1": {"master-p": "10"}})
    begun = dataclasses.replace(
        strategies.record("start", 193, 1), status=observed.OperationStatus.PENDING
    )
    history = observed.ResourceHistory("p", strategies.AGENT, (begun,))
    node = dataclasses.replace(found.nodes["n2"], histories={"p": history})
    due = pipeline.schedule(
        wanted(clone(promotable="true")),
        dataclasses.replace(found, nodes={**found.nodes, "n2": node}),
    )

    told = [one.key for one in due.actions if one.node == "n2" and "pre_notify_promote" in one.key]
    assert told == ["p:1_pre_notify_promote_0@n2"]


def test_a_start_that_only_goes_on_is_told_to_nobody():
    """It was told of when it was begun; only what is begun now is news."""
    begun = dataclasses.replace(
        strategies.record("start", 193, 2), status=observed.OperationStatus.PENDING
    )
    at = seen({"n1": {"p": "stopped"}})
    node = at.nodes["n1"]
    history = dataclasses.replace(node.histories["p"], operations=(begun,))
    nodes = {"n1": dataclasses.replace(node, histories={"p": history})}
    due = pipeline.schedule(wanted(clone(), nodes=("n1",)), dataclasses.replace(at, nodes=nodes))

    assert {one.task for one in due.actions} == {Task.START, Task.MONITOR}


def beginning() -> observed.Observed:
    """Return a cluster where p runs on n1 and is being started on n2."""
    begun = dataclasses.replace(
        strategies.record("start", 193, 1), status=observed.OperationStatus.PENDING
    )
    found = seen({"n1": {"p": "running"}, "n2": {}})
    history = observed.ResourceHistory("p", strategies.AGENT, (begun,))
    node = dataclasses.replace(found.nodes["n2"], histories={"p": history})
    return dataclasses.replace(found, nodes={**found.nodes, "n2": node})


def test_who_goes_on_starting_is_told_that_another_has_stopped():
    """It counts as running, as it was before."""
    banned = location("c", "n1", -INFINITY)
    due = pipeline.schedule(wanted(clone(), constraints=[banned]), beginning())

    assert told(due, "post") == {("p", "n2")}


def test_a_start_that_was_under_way_and_is_made_anew_is_news():
    """What it is ordered after restarts, so it is stopped and started, and others hear of that."""
    meta = strategies.sets(interleave="true")
    first = resource.Clone("a", strategies.primitive("o"), meta=meta)
    order = constraint.Order("k", "a", "c")
    found = beginning()
    for name, rc in (("n1", 0), ("n2", 1)):
        done = (strategies.record("start", 0, 1), strategies.record("monitor", rc, 2, 0, 10_000))
        history = observed.ResourceHistory("o", strategies.AGENT, done)
        node = found.nodes[name]
        node = dataclasses.replace(node, histories={**node.histories, "o": history})
        found = dataclasses.replace(found, nodes={**found.nodes, name: node})
    due = pipeline.schedule(wanted(first, clone(interleave="true"), constraints=[order]), found)

    assert told(due, "post") == {("p", "n1"), ("p", "n2")}


def told(due, kind: str) -> set[tuple[str, str]]:
    """Return who is told of something, and where."""
    found = (one for one in due.actions if f"_{kind}_notify_" in one.key)
    return {(one.resource, one.node) for one in found if one.real}


def whole(*members: resource.Primitive) -> resource.Clone:
    """Return a cloned group that wants notifications."""
    group = resource.Group("g", members)
    return resource.Clone("c", group, meta=strategies.sets(notify="true"))


@pytest.mark.parametrize(("role", "heard"), [("Started", {"p", "q"}), ("Stopped", set())])
def test_nobody_is_told_that_a_group_is_up_while_it_is_not(role, heard):
    """A clone's start is not over where a member of its group stays down."""
    members = (strategies.primitive("p"), strategies.primitive("q", target_role=role))
    due = pipeline.schedule(wanted(whole(*members), nodes=("n1",)), seen({"n1": {}}))

    assert {name for name, _ in told(due, "post")} == heard


def test_who_should_stop_but_cannot_is_told_of_no_start():
    """It hears that others stop, and not that they are about to start again."""
    states = {
        "n1": {"p": "running", "q": "stop-failed", "a": "stopped"},
        "n2": {"p": "running", "q": "running", "a": "stopped"},
    }
    members = (strategies.primitive("p"), strategies.primitive("q"))
    order = constraint.Order("o", "a", "c")
    due = pipeline.schedule(
        wanted(strategies.primitive("a"), whole(*members), constraints=[order]), seen(states)
    )

    assert ("p", "n1") in told(due, "pre")
    assert not [one for one in due.actions if "_pre_notify_start" in one.key and one.real]


def test_who_may_not_start_without_quorum_is_told_that_others_do():
    """It hears of them as if it were up, but not where another of its group starts."""
    states = {
        "n1": {"p": "monitor-failed", "q": "stopped"},
        "n2": {"p": "running", "q": "stopped"},
        "n3": {"p": "stopped", "q": "stopped"},
    }
    members = (strategies.primitive("p"), strategies.primitive("q"))
    due = pipeline.schedule(
        wanted(whole(*members), nodes=NODES, no_quorum_policy="freeze"), seen(states, quorate=False)
    )

    started = [one for one in due.actions if "_pre_notify_start" in one.key and one.real]
    assert [one.key for one in due.actions if one.task is Task.START and one.real] == [
        "p:0_start_0@n1"
    ]
    assert {(one.resource, one.node) for one in started} == {
        ("p", "n2"), ("q", "n2"), ("p", "n3"), ("q", "n3"),
    }  # fmt: skip


@pytest.mark.parametrize("heard", [True, False])
def test_who_may_not_restart_is_told_that_others_did(heard):
    """One that stops since its partner is not promoted is; one that has no partner there is not."""
    roles = strategies.sets(promotable="true", interleave="true")
    first = resource.Clone("a", strategies.primitive("o"), meta=roles)
    order = constraint.Order("k", "a", "c", first_action="promote", then_action="start")
    banned = [] if heard else [location("a", "n2", -INFINITY)]
    found = seen({**UP, **{name: {"p": "running", "o": "running"} for name in ("n1", "n2")}})
    scores = {"master-o": "10", "master-p": "10"}
    found.nodes["n1"] = dataclasses.replace(found.nodes["n1"], attributes=scores)
    due = pipeline.schedule(
        wanted(
            first,
            clone(promotable="true", interleave="true"),
            constraints=[order, *banned],
            nodes=NODES,
        ),
        found,
    )

    kinds = (
        "pre_notify_start",
        "pre_notify_promote",
        "post_notify_running",
        "post_notify_promoted",
    )
    hears = [
        kind for kind in kinds for one in due.actions if one.node == "n2" and f"_{kind}_" in one.key
    ]
    assert hears == (list(kinds[1:]) if heard else [])


def test_nobody_is_told_of_what_a_circle_of_orders_blocks():
    """It would be told again and again, as it is never done."""
    orders = [
        constraint.Order("x", "a", "b"),
        constraint.Order("y", "b", "a"),
        constraint.Order("z", "a", "c"),
    ]
    due = pipeline.schedule(
        wanted(
            strategies.primitive("a"),
            strategies.primitive("b"),
            clone(),
            constraints=orders,
            nodes=("n1",),
        ),
        seen({"n1": dict.fromkeys("abp", "stopped")}),
    )

    assert due.actions == ()


@pytest.mark.parametrize("meta", [{"clone_min": "1"}, {"clone_min": "2"}, {}])
def test_what_needs_only_some_instances_waits_for_no_notification(meta):
    """Whoever asks for a minimum, or for any, waits for the starts, and not until all were told."""
    order = constraint.Order("x", "c", "o", require_all=bool(meta))
    due = pipeline.schedule(
        wanted(clone(**meta), strategies.primitive("o"), constraints=[order]),
        seen({"n1": {"p": "stopped", "o": "stopped"}, "n2": {"p": "stopped", "o": "stopped"}}),
    )

    (start,) = (one.key for one in due.actions if one.key.startswith("o_start"))
    assert "p:0_start_0@n1" in before(due, start)
    assert not any("post_notify" in key for key in before(due, start))
