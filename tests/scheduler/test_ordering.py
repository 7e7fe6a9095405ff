"""Orders: what waits for what, and what restarts with what."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies
from scheduler.test_rules import INFINITY, change, location, seen, wanted

from reconciler.model import constraint, desired, fencing, plan, resource
from reconciler.model.action import ActionKind, Task
from reconciler.model.constraint import OrderKind
from reconciler.model.observed import Presence
from reconciler.model.role import Role
from reconciler.scheduler import pipeline


def before(due: plan.Plan, key: str) -> set[str]:
    """Return the keys of all actions that must be done before one."""
    firsts: dict[str, set[str]] = {}
    for edge in due.edges:
        firsts.setdefault(edge.after, set()).add(edge.before)
    found: set[str] = set()
    todo = [key]
    while todo:
        for each in firsts.get(todo.pop(), set()) - found:
            found.add(each)
            todo.append(each)
    return found


def clone(name: str, child: str, **meta: str) -> resource.Clone:
    """Return a clone of a primitive that stays where it is."""
    meta = {"resource_stickiness": "1", **meta}
    return resource.Clone(name, strategies.primitive(child), meta=strategies.sets(**meta))


ONE_MORE = {
    "n1": {"a": "running", "b": "running"},
    "n2": {"a": "stopped", "b": "running"},
}
"""Both clones run, but the first has yet to start on n2."""


@pytest.mark.parametrize(("interleave", "restarted"), [("true", {"n2"}), ("false", {"n1", "n2"})])
def test_a_clone_restarts_with_one_that_it_follows(interleave, restarted):
    """Interleaved clones restart where the first starts an instance, others everywhere."""
    resources = (clone("c", "a"), clone("d", "b", interleave=interleave))
    due = pipeline.schedule(
        wanted(*resources, constraints=[constraint.Order("o", "c", "d")]), seen(ONE_MORE)
    )

    assert {one.source for one in due.changes if one.kind.value == "restart"} == restarted


def test_interleaved_clones_still_start_one_after_the_other():
    """Every instance of the later clone waits for all of the first, interleaved or not."""
    resources = (clone("c", "a"), clone("d", "b", interleave="true"))
    states = {name: {"a": "stopped", "b": "stopped"} for name in ("n1", "n2")}
    due = pipeline.schedule(
        wanted(*resources, constraints=[constraint.Order("o", "c", "d")]), seen(states)
    )

    assert {"a:0_start_0@n1", "a:1_start_0@n2"} <= before(due, "b:0_start_0@n1")


@pytest.mark.parametrize(("where", "kind"), [("n1", "leave"), ("n2", "restart")])
def test_a_primitive_restarts_with_the_instance_on_its_node(where, kind):
    """What follows a clone restarts if an instance is started on its own node."""
    other = {"n1": "n2", "n2": "n1"}[where]
    states = {
        where: {"a": "stopped", "b": "running"},
        other: {"a": "stopped", "b": "stopped"},
    }
    states["n1"]["a"] = "running"
    resources = (clone("c", "a"), strategies.primitive("b", resource_stickiness="100"))
    due = pipeline.schedule(
        wanted(*resources, constraints=[constraint.Order("o", "c", "b")]), seen(states)
    )

    assert change(due, "b").kind.value == kind


@pytest.mark.parametrize("first", ["a", "g"])
def test_a_probe_comes_before_what_restarts_for_it(first):
    """The stop of a restart waits for the probes of what comes first, unless that is a group."""
    lone = strategies.primitive("a")
    leading = lone if first == "a" else resource.Group("g", (lone,))
    states = {"n1": {"b": "running"}, "n2": {"b": "stopped"}}
    following = strategies.primitive("b", resource_stickiness="1")
    due = pipeline.schedule(
        wanted(leading, following, constraints=[constraint.Order("o", first, "b")]), seen(states)
    )

    assert ("a_monitor_0@n2" in before(due, "b_stop_0@n1")) == (first == "a")


def test_probes_reach_over_a_chain_of_orders():
    """What follows over another resource that stays waits with its stop, too."""
    resources = [strategies.primitive(name, resource_stickiness="1") for name in "abc"]
    orders = [constraint.Order("o1", "a", "b"), constraint.Order("o2", "b", "c")]
    states = {"n1": dict.fromkeys("abc", "running"), "n2": {"b": "stopped", "c": "stopped"}}
    due = pipeline.schedule(
        wanted(*resources, constraints=[*orders, location("c", "n2", 100)]), seen(states)
    )

    assert "a_monitor_0@n2" in before(due, "c_stop_0@n1")
    assert change(due, "b").kind.value == "leave"


def test_a_group_is_probed_before_what_waits_for_its_end():
    """What may only stop after a group waits for the probes of the group's members."""
    group = resource.Group("g", (strategies.primitive("b"),))
    lone = strategies.primitive("a", target_role="Stopped")
    states = {"n1": {"a": "running", "b": "running"}, "n2": {"a": "stopped"}}
    due = pipeline.schedule(
        wanted(lone, group, constraints=[constraint.Order("o", "a", "g")]), seen(states)
    )

    assert "b_monitor_0@n2" in before(due, "a_stop_0@n1")


def test_a_stop_that_comes_first_restarts_what_follows():
    """With *stop then start* the later is started anew once the first is stopped."""
    resources = (
        strategies.primitive("a", target_role="Stopped"),
        strategies.primitive("b", resource_stickiness="1"),
    )
    order = constraint.Order("o", "a", "b", first_action="stop", then_action="start")
    states = {"n1": {"a": "running", "b": "running"}, "n2": {"a": "stopped", "b": "stopped"}}
    due = pipeline.schedule(wanted(*resources, constraints=[order]), seen(states))

    assert change(due, "b").kind.value == "restart"
    assert "a_stop_0@n1" in before(due, "b_start_0@n1")


def test_an_order_one_way_only_still_needs_its_first():
    """Without symmetry what runs is left alone, but what has to move cannot start again."""
    resources = (
        strategies.primitive("a", target_role="Stopped"),
        strategies.primitive("b"),
        strategies.primitive("c", resource_stickiness="1"),
    )
    orders = [constraint.Order(f"o-{name}", "a", name, symmetrical=False) for name in ("b", "c")]
    states = {"n1": {"b": "running", "c": "running"}, "n2": {"b": "stopped", "c": "stopped"}}
    due = pipeline.schedule(
        wanted(*resources, constraints=[*orders, location("b", "n2", 100)]), seen(states)
    )

    assert change(due, "b").kind.value == "stop"
    assert change(due, "c").kind.value == "leave"


def test_a_clone_that_stops_in_places_leaves_what_needs_it():
    """What follows a clone stays up while some of its instances do."""
    resources = (clone("c", "a"), strategies.primitive("b", resource_stickiness="100"))
    constraints = [constraint.Order("o", "c", "b"), location("c", "n2", -INFINITY)]
    states = {"n1": {"a": "running", "b": "running"}, "n2": {"a": "running", "b": "stopped"}}
    due = pipeline.schedule(wanted(*resources, constraints=constraints), seen(states))

    assert {one.node for one in due.actions if one.task is Task.STOP and one.real} == {"n2"}
    assert change(due, "b").kind.value == "leave"


def test_an_interleaved_instance_without_partner_is_passed_over():
    """Where the first clone has no instance, the later does not even want one."""
    resources = (clone("c", "a", clone_max="1"), clone("d", "b", interleave="true"))
    states = {name: {"a": "stopped", "b": "stopped"} for name in ("n1", "n2")}
    due = pipeline.schedule(
        wanted(*resources, constraints=[constraint.Order("o", "c", "d")]), seen(states)
    )
    moves = [one for one in due.changes if one.resource == "b" and one.kind.value != "leave"]

    assert [(one.target, one.blocked) for one in moves] == [("n1", False)]


@pytest.mark.parametrize("interleave", ["true", "false"])
def test_no_instance_waits_for_the_stop_of_a_later_one_that_failed_to_stop(interleave):
    """What is left alone until people come does not keep the instance that it followed up."""
    resources = (clone("c", "a"), clone("d", "b", interleave=interleave))
    states = {
        "n1": {"a": "running", "b": "stop-failed"},
        "n2": {"a": "running", "b": "running"},
    }
    rules = [constraint.Order("o", "c", "d"), location("c", "n1", -INFINITY)]
    due = pipeline.schedule(wanted(*resources, constraints=rules), seen(states))

    stops = {(one.resource, one.source, one.blocked) for one in due.changes if one.target == ""}
    assert ("a", "n1", False) in stops


def test_nothing_starts_that_a_joining_node_may_run():
    """A node that joins has to be asked first; what is up elsewhere may move meanwhile."""
    resources = (strategies.primitive("a"), strategies.primitive("b"))
    states = {"n1": {"a": "stopped", "b": "running"}, "n2": {}, "n3": {"a": "stopped"}}
    cluster = wanted(*resources, constraints=[location("b", "n3", 100)], nodes=("n1", "n2", "n3"))
    due = pipeline.schedule(cluster, seen(states, presence={"n2": Presence.PENDING}))

    assert change(due, "a").blocked
    assert change(due, "b").kind.value == "move"


@pytest.mark.parametrize(("kept", "stops"), [({}, True), ({"p:1": "stopped"}, False)])
def test_an_instance_that_a_joining_node_may_run_holds_up_its_clone(kept, stops):
    """No instance starts before the node was asked about it, and what is up stops meanwhile."""
    unique = clone("c", "p", globally_unique="true", clone_max="2")
    states = {"n1": {"p:0": "running", "p:1": "stopped"}, "n2": kept}
    due = pipeline.schedule(wanted(unique), seen(states, presence={"n2": Presence.PENDING}))

    assert ("p:0_stop_0@n1" in {one.key for one in due.actions}) is stops


@pytest.mark.parametrize("ordered", ["true", "false"])
def test_a_clone_begins_to_stop_after_the_fencing_of_what_it_lost(ordered):
    """The instances that stop properly wait for the fencing that stops the others."""
    states = {"n1": {"a": "running"}, "n2": {"a": "running"}}
    due = pipeline.schedule(
        fenced(clone("c", "a", ordered=ordered, target_role="Stopped")),
        seen(states, presence={"n2": Presence.UNKNOWN}),
    )
    stop = next(one for one in due.actions if one.task is Task.STOP and one.node == "n1")

    assert "stonith-n2-reboot@n2" in before(due, stop.key)


@pytest.mark.parametrize(("requires", "waits"), [("fencing", True), ("quorum", False)])
def test_a_clone_that_requires_less_begins_to_stop_before_the_fencing(requires, waits):
    """That holds for instances that can be told apart, too, which start only after it."""
    states = {"n1": {"a:0": "running", "a:1": "stopped"}, "n2": {"a:1": "running"}}
    cloned = clone("c", "a", globally_unique="true", requires=requires, target_role="Stopped")
    due = pipeline.schedule(fenced(cloned), seen(states, presence={"n2": Presence.UNKNOWN}))

    assert ("stonith-n2-reboot@n2" in before(due, "a:0_stop_0@n1")) is waits


@pytest.mark.parametrize(
    ("requires", "there", "waits"),
    [("quorum", "running", True), ("nothing", "running", False), ("quorum", "stopped", False)],
)
def test_what_a_cloned_group_loses_for_good_is_waited_for(requires, there, waits):
    """Others start at once where only quorum is required, if what is lost goes on with them."""
    members = [strategies.primitive(name, requires=requires) for name in "ab"]
    cloned = resource.Clone("c", resource.Group("g", tuple(members)))
    states = {"n1": {"a": "running", "b": "running"}, "n2": {"a": there, "b": "stopped"}}
    due = pipeline.schedule(fenced(cloned), seen(states, presence={"n1": Presence.UNKNOWN}))
    start = next(one for one in due.actions if one.task is Task.START and one.resource == "b")

    assert ("stonith-n1-reboot@n1" in before(due, start.key)) is waits


def test_who_is_left_is_told_of_the_fencing_instead_of_the_stop():
    """After a fencing the others are notified once: before, without waiting, and after it."""
    states = {"n1": {"a": "running"}, "n2": {"a": "running"}}
    due = pipeline.schedule(
        fenced(clone("c", "a", notify="true")), seen(states, presence={"n2": Presence.UNKNOWN})
    )
    told = {
        (one.meta["notify_type"], one.meta["notify_operation"]): one.key
        for one in due.actions
        if one.task is Task.NOTIFY and one.real
    }

    assert set(told) == {("pre", "stop"), ("post", "stonith")}
    assert "stonith-n2-reboot@n2" not in before(due, told["pre", "stop"])
    assert {"stonith-n2-reboot@n2", told["pre", "stop"]} <= before(due, told["post", "stonith"])


def fenced(*resources) -> desired.Desired:
    """Return desired state with a device that can fence both nodes."""
    device = fencing.FenceDevice("f", "fence_ipmilan", hosts=("n1", "n2"))
    return dataclasses.replace(
        wanted(*resources, fencing_enabled="true", no_quorum_policy="ignore"),
        fencing=fencing.Fencing((device,)),
    )


def test_an_order_one_way_only_blocks_what_restarts_for_another_reason():
    """Without symmetry the first is needed once something else makes the later restart."""
    resources = (
        strategies.primitive("a", target_role="Stopped"),
        strategies.primitive("x"),
        strategies.primitive("b", resource_stickiness="1"),
    )
    orders = [
        constraint.Order("o1", "a", "b", symmetrical=False),
        constraint.Order("o2", "x", "b"),
    ]
    states = {"n1": {"b": "running"}, "n2": {"b": "stopped"}}
    due = pipeline.schedule(wanted(*resources, constraints=orders), seen(states))

    assert change(due, "b").kind.value == "stop"


@pytest.mark.parametrize(("up", "stopped"), [("ab", ""), ("bc", "bc"), ("ac", "c")])
def test_a_one_sided_order_leaves_up_what_is_up(up, stopped):
    """Members of a group wait each for itself; only those behind a blocked one stop."""
    group = resource.Group("g", tuple(strategies.primitive(name) for name in "abc"))
    states = {"n1": {name: "running" if name in up else "stopped" for name in "xabc"}}
    first = strategies.primitive("x", target_role="Stopped")
    order = constraint.Order("o", "x", "g", symmetrical=False)
    due = pipeline.schedule(wanted(first, group, constraints=[order], nodes=("n1",)), seen(states))

    assert [one.resource for one in due.changes if one.kind.value == "stop"] == list(stopped)


@pytest.mark.parametrize(
    ("members", "up", "stops", "waits"),
    [
        (("a", "-b"), "b", "b", True),
        (("-a", "b"), "a", "a", False),
        (("-a", "-b"), "ab", "b", False),
        (("-a",), "z", "z", True),
    ],
)
def test_probes_come_before_stops_over_groups(members, up, stops, waits):
    """Over a group a chain of orders goes on; behind a member that starts, a stop waits, too."""
    group = resource.Group(
        "g",
        tuple(
            strategies.primitive(name[-1], target_role="Stopped" if name[0] == "-" else "Started")
            for name in members
        ),
    )
    lone = [strategies.primitive("x"), *([strategies.primitive("z")] if "z" in up else [])]
    states = {"n1": {name: "running" if name in up else "stopped" for name in "abz"}}
    orders = [constraint.Order("o", "x", "g"), constraint.Order("p", "g", "z")][: len(lone)]
    due = pipeline.schedule(wanted(*lone, group, constraints=orders, nodes=("n1",)), seen(states))

    assert ("x_monitor_0@n1" in before(due, f"{stops}_stop_0@n1")) is waits


def test_what_nobody_manages_stops_no_group():
    """A group of which only what nobody manages is up does not stop with what it follows."""
    group = resource.Group(
        "g", (strategies.primitive("a", is_managed="false"), strategies.primitive("b"))
    )
    states = {"n1": {"x": "running", "a": "running"}, "n2": {"x": "stopped"}}
    constraints = [constraint.Order("o", "x", "g"), location("x", "n2", 100)]
    due = pipeline.schedule(
        wanted(strategies.primitive("x"), group, constraints=constraints), seen(states)
    )

    assert "g_stop_0" not in {one.key for one in due.actions}


def test_instances_of_an_ordered_clone_take_turns_over_idle_ones():
    """Who starts waits for the last one before it that starts, not only for its neighbour."""
    states = {"n1": {"p": "running"}, "n2": {"p": "running"}, "n3": {"p": "stopped"}}
    states |= {"n4": {"p": "stopped"}}
    away = [location("c", "n1", -1)]
    due = pipeline.schedule(
        wanted(clone("c", "p", ordered="true"), constraints=away, nodes=tuple(states)), seen(states)
    )

    assert "p:0_start_0@n3" in before(due, "p:2_start_0@n4")


def test_who_restarts_for_something_else_has_no_turn_over_idle_ones():
    """It waits for its neighbours only, and no other waits for it."""
    states = {"n1": {"a": "monitor-failed", "p": "running"}, "n2": {"a": "running", "p": "running"}}
    states |= {"n3": {"a": "running", "p": "stopped"}}
    clones = clone("x", "a"), clone("c", "p", ordered="true", interleave="true")
    orders = [constraint.Order("o", "x", "c")]
    due = pipeline.schedule(wanted(*clones, constraints=orders, nodes=tuple(states)), seen(states))

    assert "a:0_start_0@n1" in before(due, "p:0_start_0@n1")
    assert "p:0_start_0@n1" not in before(due, "p:2_start_0@n3")


def test_the_coordinator_is_fenced_last_even_where_fencing_is_concurrent():
    """Whoever fences the others has to be there until they are fenced."""
    names = ("n1", "n2", "n3")
    device = fencing.FenceDevice("f", "fence_ipmilan", hosts=names)
    target = wanted(
        strategies.primitive("p"), nodes=names, fencing_enabled="true", concurrent_fencing="true"
    )
    target = dataclasses.replace(target, fencing=fencing.Fencing((device,)))
    found = seen({name: {} for name in names}, presence={"n2": Presence.UNKNOWN})
    nodes = {**found.nodes, "n1": dataclasses.replace(found.nodes["n1"], unclean_reason="told")}
    found = dataclasses.replace(found, nodes=nodes, dc="n1")
    due = pipeline.schedule(target, found)

    assert "stonith-n2-reboot@n2" in before(due, "stonith-n1-reboot@n1")


@pytest.mark.parametrize(("interleave", "asked"), [("true", set()), ("false", {"a"})])
def test_only_near_instances_of_an_interleaved_clone_are_kept_up_for_a_probe(interleave, asked):
    """What a probe of another resource finds concerns the instance on that resource's node."""
    states = {
        "n1": {"p": "running", "a": "running"},
        "n2": {"p": "running"},
        "n3": {"p": "stopped"},
    }
    rules = [constraint.Order("o", "a", "c"), location("c", "n2", -1)]
    due = pipeline.schedule(
        wanted(
            strategies.primitive("a"),
            clone("c", "p", interleave=interleave, clone_max="2"),
            constraints=rules,
            nodes=tuple(states),
        ),
        seen(states),
    )
    probes = {
        one.resource for one in due.actions if one.probe and one.key in before(due, "p:1_stop_0@n2")
    }

    assert probes == asked


@pytest.mark.parametrize(("requires", "waits"), [("quorum", False), ("fencing", True)])
def test_an_instance_waits_for_a_fencing_only_if_it_requires_it(requires, waits):
    """What runs on several nodes anyway may start, and stop, before a lost one is known to be gone."""
    names = ("n1", "n2", "n3")
    device = fencing.FenceDevice("f", "fence_ipmilan", hosts=names)
    rules = [location("c", "n2", -1)]
    target = wanted(
        clone("c", "p", requires=requires), constraints=rules, nodes=names, fencing_enabled="true"
    )
    target = dataclasses.replace(target, fencing=fencing.Fencing((device,)))
    states = {"n1": {"p": "running"}, "n2": {"p": "running"}, "n3": {"p": "stopped"}}
    due = pipeline.schedule(target, seen(states, presence={"n1": Presence.UNKNOWN}))
    later = [
        one.key
        for one in due.actions
        if one.kind is not ActionKind.PSEUDO and one.task in {Task.START, Task.STOP}
    ]

    assert {one.rpartition("@")[2] for one in later} == {"n2", "n3"}
    assert all(("stonith-n1-reboot@n1" in before(due, one)) is waits for one in later)


def test_who_must_not_be_with_a_promoted_one_comes_after_its_demotion():
    """A colocation that forbids company of a role sorts what leaves and what takes that role."""
    promotable = strategies.sets(promotable="true")
    resources = (
        resource.Clone("c", strategies.primitive("a"), meta=promotable),
        strategies.primitive("b"),
    )
    apart = constraint.Colocation("k", "b", "c", -INFINITY, primary_role=Role.PROMOTED)
    states = {"n1": {"a": "promoted"}, "n2": {"a": "running", "b": "running"}}
    scores = {"n1": {"master-a": "5"}, "n2": {"master-a": "9"}}
    due = pipeline.schedule(
        wanted(*resources, constraints=[apart]), seen(states, attributes=scores)
    )

    assert "a:0_demote_0@n1" in before(due, "b_start_0@n1")
    assert {"b_stop_0@n2", "b_monitor_0@n1"} <= before(due, "a:1_promote_0@n2")


@pytest.mark.parametrize("kind", list(OrderKind))
@pytest.mark.parametrize(("minimum", "blocked"), [("2", True), ("1", False)])
def test_too_few_instances_hold_up_what_follows_in_any_kind_of_order(kind, minimum, blocked):
    """A clone's minimum holds for optional orders, too; a colocation does not ask for it."""
    first = resource.Clone(
        "c", strategies.primitive("p"), meta=strategies.sets(clone_min=minimum, clone_max="1")
    )
    others = (strategies.primitive("a"), strategies.primitive("b"))
    constraints = [
        constraint.Order("o", "c", "a", kind=kind),
        constraint.Colocation("k", "b", "c", INFINITY),
    ]

    due = pipeline.schedule(wanted(first, *others, constraints=constraints), seen())

    assert change(due, "a").blocked is blocked
    assert not change(due, "b").blocked


@pytest.mark.parametrize(("state", "kind"), [("stopped", "migrate"), ("monitor-failed", "move")])
def test_only_what_stops_keeps_who_follows_it_from_migrating(state, kind):
    """What merely starts is waited for; before what stops, who follows it has to stop itself."""
    rules = [constraint.Order("o", "a", "m"), location("m", "n1", -INFINITY)]
    states = {"n1": {"m": "running", "a": state}, "n2": {"m": "stopped", "a": "stopped"}}
    resources = (strategies.primitive("a"), strategies.primitive("m", allow_migrate="true"))
    due = pipeline.schedule(wanted(*resources, constraints=rules), seen(states))

    assert change(due, "m").kind.value == kind
    if kind == "migrate":
        start = next(one.key for one in due.actions if one.key.startswith("a_start_0"))
        assert start in before(due, "m_migrate_to_0@n1")


@pytest.mark.parametrize("notify", ["true", "false"])
def test_who_follows_a_clone_that_restarts_moves_instead_of_migrating(notify):
    """So it is whether or not the clone's instances are told of it."""
    rules = [constraint.Order("o", "c", "m"), location("m", "n1", -INFINITY)]
    states = {
        "n1": {"m": "running", "p": "monitor-failed"},
        "n2": {"m": "stopped", "p": "running"},
    }
    resources = (clone("c", "p", notify=notify), strategies.primitive("m", allow_migrate="true"))
    due = pipeline.schedule(wanted(*resources, constraints=rules), seen(states))

    assert not due.diagnostics
    assert (change(due, "m").kind.value, change(due, "m").blocked) == ("move", False)


def test_what_is_only_preferred_to_come_first_does_not_wait_for_a_migration():
    """Who follows it by an optional order, and migrates, waits for it instead."""
    rules = [constraint.Order("o", "a", "m", kind=OrderKind.OPTIONAL)]
    rules = [*rules, location("a", "n1", -INFINITY), location("m", "n1", -INFINITY)]
    states = {"n1": {"m": "running", "a": "running"}, "n2": {"m": "stopped", "a": "stopped"}}
    resources = (strategies.primitive("a"), strategies.primitive("m", allow_migrate="true"))
    due = pipeline.schedule(wanted(*resources, constraints=rules), seen(states))

    assert "a_start_0@n2" in before(due, "m_migrate_to_0@n1")
    assert not {key for key in before(due, "a_stop_0@n1") if key.startswith("m_")}


@pytest.mark.parametrize(("sequential", "started"), [(True, []), (False, ["q", "r"])])
def test_a_set_of_which_one_is_enough_may_still_be_a_sequence(sequential, started):
    """Whether its members wait for each other is another question than who waits for them."""
    some = constraint.ResourceSet(("p", "q"), sequential=sequential, require_all=False)
    order = constraint.OrderSets("o", (some, constraint.ResourceSet(("r",))), symmetrical=False)
    off = strategies.primitive("p", target_role="Stopped")
    resources = (off, strategies.primitive("q"), strategies.primitive("r"))
    due = pipeline.schedule(wanted(*resources, constraints=(order,)), seen())

    assert [one.resource for one in due.actions if one.task is Task.START and one.real] == started


@pytest.mark.parametrize(("sequential", "waits"), [(None, True), (False, True), (True, False)])
@pytest.mark.parametrize("idle", ["q", "r"])
def test_only_a_set_that_is_said_to_be_in_sequence_is_seen_by_its_ends(sequential, idle, waits):
    """Where the member at its end has nothing to do, the others do not follow the other set."""
    sets = [constraint.ResourceSet(names, sequential) for names in (("p", "q"), ("r", "s"))]
    order = constraint.OrderSets("o", tuple(sets), kind=OrderKind.OPTIONAL)
    resources = [
        strategies.primitive(name, **({"target_role": "Stopped"} if name == idle else {}))
        for name in "pqrs"
    ]
    due = pipeline.schedule(
        wanted(*resources, constraints=[order], nodes=("n1",)), seen({"n1": {}})
    )

    assert ("p_start_0@n1" in before(due, "s_start_0@n1")) is waits


@pytest.mark.parametrize("kind", list(OrderKind))
def test_one_of_a_set_is_asked_for_whatever_the_kind_of_the_order(kind):
    """What follows several of which one is enough does not start without any of them."""
    some = constraint.ResourceSet(("p", "q"), require_all=False)
    order = constraint.OrderSets("o", (some, constraint.ResourceSet(("r",))), kind=kind)
    off = [strategies.primitive(name, target_role="Stopped") for name in "pq"]
    due = pipeline.schedule(wanted(*off, strategies.primitive("r"), constraints=[order]), seen())

    assert change(due, "r").blocked


@pytest.mark.parametrize(("off", "stopped"), [("pq", {"r", "s"}), ("q", set())])
def test_all_that_wait_for_one_of_several_stop_where_none_of_them_can_be_up(off, stopped):
    """So it is in an order one way only, too, and each of a sequence waits for itself."""
    some = constraint.ResourceSet(("p", "q"), sequential=False, require_all=False)
    later = constraint.ResourceSet(("r", "s"))
    order = constraint.OrderSets("o", (some, later), symmetrical=False)
    resources = [
        strategies.primitive(name, **({"target_role": "Stopped"} if name in off else {}))
        for name in "pqrs"
    ]
    states = {"n1": {"p": "stopped", "q": "stopped", "r": "stopped", "s": "running"}}
    target = wanted(*resources, constraints=(order,), nodes=("n1",))
    due = pipeline.schedule(target, seen(states))
    up = {"r", "s"} - {one.resource for one in due.actions if one.task is Task.START and one.real}

    assert {one.resource for one in due.actions if one.task is Task.STOP} == stopped & {"s"}
    assert up == (stopped or {"s"})


@pytest.mark.parametrize("sequential", [True, False])
def test_of_a_sequence_only_the_last_stops_after_what_needs_one_of_them(sequential):
    """The others have stopped after each other anyway."""
    some = constraint.ResourceSet(("p", "q"), sequential=sequential, require_all=False)
    order = constraint.OrderSets("o", (some, constraint.ResourceSet(("r",))))
    resources = [strategies.primitive(name, target_role="Stopped") for name in "pqr"]
    states = {"n1": {"p": "running", "q": "stopped", "r": "running"}}
    due = pipeline.schedule(wanted(*resources, constraints=(order,), nodes=("n1",)), seen(states))

    assert ("r_stop_0@n1" in before(due, "p_stop_0@n1")) is not sequential


@pytest.mark.parametrize(("symmetrical", "blocked"), [(False, True), (True, False)])
def test_an_order_one_way_after_a_demotion_that_never_comes_blocks(symmetrical, blocked):
    """What has no roles is never demoted, so that nothing can start after it was."""
    order = constraint.Order(
        "o", "a", "b", first_action="demote", then_action="start", symmetrical=symmetrical
    )
    resources = (strategies.primitive("a"), strategies.primitive("b"))
    due = pipeline.schedule(wanted(*resources, constraints=[order]), seen())

    assert change(due, "b").blocked is blocked


@pytest.mark.parametrize(
    ("clone", "group", "chained"),
    [("", "", True), ("", "false", False), ("false", "", False), ("false", "true", True)],
)
def test_members_of_a_group_without_order_start_at_once(clone, group, chained):
    """A clone's word holds for the group inside of it, unless that has its own."""
    members = (strategies.primitive("p"), strategies.primitive("q"))
    inner = resource.Group("g", members, meta=strategies.sets(ordered=group) if group else ())
    outer = resource.Clone("c", inner, meta=strategies.sets(ordered=clone) if clone else ())
    due = pipeline.schedule(wanted(outer if clone else inner, nodes=("n1",)), seen({"n1": {}}))
    edges = {(edge.before.split("@")[0], edge.after.split("@")[0]) for edge in due.edges}
    suffix = ":0" if clone else ""

    assert ((f"p{suffix}_start_0", f"q{suffix}_start_0") in edges) is chained


def test_a_group_without_order_starts_when_all_of_it_has_stopped():
    """Where it moves, no member begins while another is still where they were."""
    members = (strategies.primitive("p"), strategies.primitive("q"))
    group = resource.Group("g", members, meta=strategies.sets(ordered="false"))
    states = {"n1": {"p": "running", "q": "running"}, "n2": {"p": "stopped", "q": "stopped"}}
    there = (location("g", "n2", INFINITY),)
    due = pipeline.schedule(wanted(group, constraints=there), seen(states))
    waits = {edge.after: edge.before for edge in due.edges if edge.before == "g_stopped_0"}

    assert waits == {"g_start_0": "g_stopped_0"}
    assert plan.Edge("p_stop_0@n1", "q_stop_0@n1") not in due.edges
    assert plan.Edge("q_stop_0@n1", "p_stop_0@n1") not in due.edges


def test_a_removed_resource_hides_no_cloned_group_of_its_name():
    """An order that names a group inside a clone counts, whatever else once had that name."""
    cloned = resource.Clone("c", resource.Group("g", (strategies.primitive("a"),)))
    order = constraint.Order("o", "g", "b")
    due = pipeline.schedule(
        wanted(cloned, strategies.primitive("b"), constraints=[order]),
        seen({"n1": {"g": "running", "a": "stopped"}, "n2": {"a": "stopped", "b": "running"}}),
    )

    assert change(due, "b").kind.value == "restart"


def _after_a_promotion(kind: OrderKind):
    """Return the plan for m, which leaves n1 as the promoted role does, and has to follow it."""
    order = constraint.Order("o", "c", "m", first_action="promote", then_action="start", kind=kind)
    resources = (
        clone("c", "p", promotable="true"),
        strategies.primitive("m", allow_migrate="true"),
    )
    states = {"n1": {"m": "running", "p": "promoted"}, "n2": {"m": "stopped", "p": "running"}}
    return pipeline.schedule(
        wanted(*resources, constraints=[order, location("m", "n1", -INFINITY)]),
        seen(states, attributes={"n2": {"master-p": "10"}}),
    )


def test_who_follows_a_promotion_that_goes_elsewhere_moves_instead_of_migrating():
    """It has to stop before the demotion, so that nothing is left to migrate."""
    due = _after_a_promotion(OrderKind.MANDATORY)

    assert not due.diagnostics
    assert (change(due, "m").kind.value, change(due, "m").blocked) == ("move", False)


def test_who_migrates_waits_for_a_promotion_that_it_would_rather_follow():
    """And that does not wait for it to be gone."""
    due = _after_a_promotion(OrderKind.OPTIONAL)

    assert {"p:0_demote_0@n1", "p:1_promote_0@n2"} <= before(due, "m_migrate_to_0@n1")


@pytest.mark.parametrize(("kind", "apart"), [("serialize", True), ("optional", False)])
@pytest.mark.parametrize("sequential", [True, False])
def test_a_set_that_only_keeps_apart_keeps_each_member_apart_from_all(kind, apart, sequential):
    """Also over one that has nothing to do, and whether or not they are a sequence."""
    members = constraint.ResourceSet(("a", "b", "c"), sequential=sequential)
    order = constraint.OrderSets("o", (members,), kind=OrderKind[kind.upper()])
    resources = [strategies.primitive(name, resource_stickiness="1") for name in "abc"]
    due = pipeline.schedule(
        wanted(*resources, constraints=[order], nodes=("n1",)),
        seen({"n1": {"a": "stopped", "b": "running", "c": "stopped"}}),
    )

    assert ("a_start_0@n1" in before(due, "c_start_0@n1")) is apart


@pytest.mark.parametrize(
    ("first", "states", "blocked"),
    [
        ("g", {"a": "running", "a2": "running"}, False),
        ("g", {"a": "stop-failed", "a2": "running"}, True),
        ("g", {"a": "stopped", "a2": "stopped"}, False),
        ("c", {"k": "running"}, False),
        ("c", {"k": "stop-failed"}, True),
        ("c", {"k": "stopped"}, True),
    ],
)
def test_an_order_one_way_asks_whether_a_group_or_clone_can_leave(first, states, blocked):
    """A stop after that of a group waits for all of it, after that of a clone for any of it."""
    leaders = (
        resource.Group("g", (strategies.primitive("a"), strategies.primitive("a2"))),
        clone("c", "k"),
    )
    order = constraint.Order(
        "o", first, "b", first_action="stop", then_action="stop", symmetrical=False
    )
    due = pipeline.schedule(
        wanted(
            *(one for one in leaders if one.name == first),
            strategies.primitive("b", target_role="Stopped"),
            constraints=[order],
            nodes=("n1",),
        ),
        seen({"n1": {**states, "b": "running"}}),
    )

    assert change(due, "b").blocked is blocked


@pytest.mark.parametrize(("failed", "restarts"), [("a:0", True), ("a:1", False)])
def test_of_several_instances_on_a_node_one_is_the_partner(failed, restarts):
    """In an interleaved clone, what follows it does not mind what becomes of the others."""
    several = {"globally_unique": "true", "clone_max": "2", "clone_node_max": "2"}
    first = resource.Clone("A", strategies.primitive("a"), meta=strategies.sets(**several))
    then = resource.Clone("B", strategies.primitive("b"), meta=strategies.sets(interleave="true"))
    states = {"a:0": "running", "a:1": "running", "b": "running", failed: "monitor-failed"}
    due = pipeline.schedule(
        wanted(first, then, constraints=[constraint.Order("o", "A", "B")], nodes=("n1",)),
        seen({"n1": states}),
    )

    assert (change(due, "b").kind.value == "restart") is restarts


@pytest.mark.parametrize("then", ["w", "W"])
def test_an_instance_that_may_not_start_restarts_nothing(then):
    """It is no news, neither to a clone that follows all of them nor to what is beside it."""
    first = resource.Clone("A", strategies.primitive("a"))
    follower = resource.Clone("W", strategies.primitive("w")) if then == "W" else None
    states = {
        "n1": {"a": "running", "w": "running" if follower else "stopped"},
        "n2": {"a": "stopped", "w": "running"},
    }
    due = pipeline.schedule(
        wanted(
            first,
            follower or strategies.primitive("w"),
            constraints=[constraint.Order("o", "A", then)],
            no_quorum_policy="freeze",
        ),
        seen(states, quorate=False),
    )

    assert {one.kind.value for one in due.changes if one.resource == "w"} == {"leave"}
