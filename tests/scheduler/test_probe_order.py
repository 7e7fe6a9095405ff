"""Probes before other resources: what one may find is known before more is changed."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies
from scheduler.test_ordering import before
from scheduler.test_rules import INFINITY, location, seen, wanted

from reconciler.model import constraint, fencing, node, resource
from reconciler.model.observed import OperationStatus, Presence
from reconciler.scheduler import pipeline


def clone(child: resource.Primitive | resource.Group, **meta: str) -> resource.Clone:
    """Return a clone named c."""
    return resource.Clone("c", child, meta=strategies.sets(**meta))


def group(*names: str) -> resource.Group:
    """Return a group named g."""
    return resource.Group("g", tuple(strategies.primitive(name) for name in names))


def probes(due, key: str) -> set[str]:
    """Return the probes that come before an action."""
    found = {one.key for one in due.actions if one.probe}
    return {one.partition("_monitor_0")[0] for one in before(due, key) & found}


@pytest.mark.parametrize(("ordered", "asked"), [("true", {"p:1"}), ("false", set())])
def test_an_instance_of_an_ordered_clone_is_looked_for_before_the_one_before_it_stops(
    ordered, asked
):
    """What the probe finds would have to be stopped first; the instance after that does not count."""
    resources = clone(strategies.primitive("p"), ordered=ordered)
    states = {"n1": {"p": "running"}, "n2": {}, "n3": {}}
    away = [location("c", "n1", -1)]
    due = pipeline.schedule(
        wanted(resources, constraints=away, nodes=("n1", "n2", "n3")), seen(states)
    )

    assert probes(due, "p:0_stop_0@n1") == asked


def test_members_of_a_cloned_group_are_looked_for_before_other_instances_restart():
    """The whole clone waits for its probes, so none of it goes down before; not so its own group."""
    resources = clone(group("p", "q"), globally_unique="true", clone_max="2")
    running = {f"{name}:{number}": "running" for name in "pq" for number in (0, 1)}
    away = [location("c", "n1", -1)]
    due = pipeline.schedule(
        wanted(resources, constraints=away), seen({"n1": running, "n2": {"q:0": "stopped"}})
    )

    assert probes(due, "q:0_stop_0@n1") == {"p:1", "q:1"}
    assert probes(due, "p:0_stop_0@n1") == {"p:1", "q:1"}


@pytest.mark.parametrize(("lost", "asked"), [(True, set()), (False, {"p"})])
def test_no_probe_is_waited_for_before_a_fencing(lost, asked):
    """What fencing takes down is not kept up for a probe, nor what has to go before it comes back."""
    states = {"n1": {"q": "running"}, "n2": {"p": "running", "q": "stopped"}, "n3": {}}
    orders = [
        constraint.Order("o", "p", "q"),
        location("p", "n2", -1),
        location("q", "n1", -1),
    ]
    target = wanted(
        strategies.primitive("p"),
        strategies.primitive("q"),
        constraints=orders,
        nodes=tuple(states),
        fencing_enabled="true",
    )
    device = fencing.Fencing((fencing.FenceDevice("f", "fence_ipmilan", hosts=tuple(states)),))
    target = dataclasses.replace(target, fencing=device)
    presence = {"n1": Presence.UNKNOWN} if lost else {}
    due = pipeline.schedule(target, seen(states, presence=presence))

    assert probes(due, "p_stop_0@n2") - {"q"} == asked


@pytest.mark.parametrize(("stopped", "asked"), [("q", {"o"}), ("p", set())])
def test_a_group_is_kept_up_for_the_probe_of_what_it_follows(stopped, asked):
    """Members behind one that starts wait as it does, even those that will not start again."""
    members = [
        strategies.primitive(name, **({"target_role": "Stopped"} if name == stopped else {}))
        for name in "pq"
    ]
    states = {"n1": {"p": "running", "q": "running"}, "n2": {"o": "running"}, "n3": {}}
    orders = [constraint.Order("x", "o", "g"), location("o", "n2", -INFINITY)]
    due = pipeline.schedule(
        wanted(
            strategies.primitive("o"),
            resource.Group("g", tuple(members)),
            constraints=orders,
            nodes=tuple(states),
        ),
        seen(states),
    )

    assert probes(due, "q_stop_0@n1") & {"o"} == asked


def test_a_member_is_looked_for_before_the_one_in_front_of_it_migrates():
    """What the probe finds would have to stop first, as before a stop."""
    members = (
        strategies.primitive("p", allow_migrate="true"),
        strategies.primitive("q", allow_migrate="true"),
    )
    states = {"n1": {"p": "running", "q": "running"}, "n2": {"p": "stopped"}}
    due = pipeline.schedule(
        wanted(resource.Group("g", members), constraints=[location("g", "n1", -INFINITY)]),
        seen(states),
    )

    assert probes(due, "p_migrate_to_0@n1") == {"q"}


@pytest.mark.parametrize(("today", "standby"), [("same", False), ("other", False), ("other", True)])
def test_what_only_stops_waits_for_probes_where_its_definition_changed(today, standby):
    """A changed definition asks for a start, though there is none, and the probes go before it.

    Where nothing is to run no definition is looked at.
    """
    first, then = strategies.primitive("a"), strategies.primitive("b", target_role="Stopped")
    changed = dataclasses.replace(then, params=strategies.sets(fake="1"))
    then = changed if today == "other" else then
    target = wanted(first, then, constraints=[constraint.Order("o", "a", "b")])
    nodes = (node.Node("n1", standby=standby), node.Node("n2"))
    due = pipeline.schedule(
        dataclasses.replace(target, nodes=nodes),
        seen({"n1": {"b": "running"}, "n2": {"b": "stopped"}}),
    )

    assert probes(due, "b_stop_0@n1") == ({"a"} if today == "other" and not standby else set())


@pytest.mark.parametrize("pending", [True, False])
def test_what_is_being_started_stops_after_probes_but_ends_a_chain(pending):
    """Its start was asked for, and is not done; what starts after it is not asked for by that."""
    stopped = [strategies.primitive(name, target_role="Stopped") for name in "bc"]
    found = seen({"n1": {"b": "running", "c": "running"}})
    if pending:
        start = dataclasses.replace(
            strategies.record("start", 0, 2), status=OperationStatus.PENDING
        )
        known = found.nodes["n1"].histories
        begun = dataclasses.replace(known["b"], operations=(start,))
        node_ = dataclasses.replace(found.nodes["n1"], histories={**known, "b": begun})
        found = dataclasses.replace(found, nodes={"n1": node_})
    orders = [constraint.Order(one, *one) for one in ("ab", "bc")]
    due = pipeline.schedule(
        wanted(strategies.primitive("a"), *stopped, constraints=orders, nodes=("n1",)), found
    )

    assert probes(due, "b_stop_0@n1") == ({"a"} if pending else set())
    assert probes(due, "c_stop_0@n1") == set()


@pytest.mark.parametrize(("orders", "asked"), [(("bc", "ab"), {"a"}), (("ab", "bc"), set())])
def test_probes_go_before_the_stop_of_what_an_earlier_order_lets_others_wait_for(orders, asked):
    """The order that was written first asks for a start, which those after it find."""
    names = [strategies.primitive(name) for name in "ac"]
    stopped = strategies.primitive("b", target_role="Stopped")
    due = pipeline.schedule(
        wanted(*names, stopped, constraints=[constraint.Order(one, *one) for one in orders]),
        seen({"n1": {"b": "running"}, "n2": {"b": "stopped"}}),
    )

    assert probes(due, "b_stop_0@n1") == {"c", *asked}


@pytest.mark.parametrize("sufficing", ["clone_min", "require_all"])
def test_probes_of_what_some_instances_are_enough_for_go_before_their_stops(sufficing):
    """It makes no difference that not all of the instances are needed."""
    meta = {"clone_min": "1"} if sufficing == "clone_min" else {}
    order = constraint.Order("o", "c", "q", require_all=sufficing != "require_all")
    due = pipeline.schedule(
        wanted(
            clone(strategies.primitive("p"), **meta),
            strategies.primitive("q"),
            constraints=[order, location("c", "n1", -1)],
        ),
        seen({"n1": {"p": "running"}, "n2": {"p": "running"}}),
    )

    assert probes(due, "p:0_stop_0@n1") == {"q"}


def test_probes_of_what_one_of_several_is_enough_for_go_before_their_stops():
    """What a probe finds would have to be stopped before any of those that it needs one of."""
    sets = (
        constraint.ResourceSet(("a", "b"), require_all=False, sequential=False),
        constraint.ResourceSet(("c",)),
    )
    due = pipeline.schedule(
        wanted(
            strategies.primitive("a", target_role="Stopped"),
            *(strategies.primitive(name) for name in "bc"),
            constraints=[constraint.OrderSets("o", sets)],
        ),
        seen({"n1": {"a": "running"}, "n2": {"a": "stopped"}}),
    )

    assert probes(due, "a_stop_0@n1") == {"c"}


@pytest.mark.parametrize(
    ("there", "asked"),
    [({"x": "running"}, {"n2": "y:1"}), ({"x": "stopped"}, {"n2": "y:1"}), ({}, {"n2": "y:0"})],
)
def test_a_member_is_looked_for_in_the_instance_that_is_known_on_the_node(there, asked):
    """What is known of another member tells which instance of the group a node was asked about."""
    states = {"n1": {"x": "running", "y": "running"}, "n2": there}
    away = [location("c", "n2", -1)]
    due = pipeline.schedule(wanted(clone(group("x", "y")), constraints=away), seen(states))

    found = {one.node: one.key.partition("_")[0] for one in due.actions if one.probe}
    assert {node: name for node, name in found.items() if name.startswith("y")} == asked


@pytest.mark.parametrize(("interleave", "asked"), [("true", set()), ("false", {"y:1"})])
def test_an_interleaved_group_restarts_whatever_is_looked_for_where_others_start(interleave, asked):
    """Where instances do not wait for each other, the probes of one that starts are its own."""
    states = {"n1": {"x": "stopped", "y": "running"}, "n2": {"x": "stopped"}}
    due = pipeline.schedule(wanted(clone(group("x", "y"), interleave=interleave)), seen(states))

    assert probes(due, "y:0_stop_0@n1") == asked


def test_what_is_behind_a_member_that_starts_stops_after_the_probes_of_other_instances():
    """A member that must not run is stopped in the course of the start before it."""
    whole = resource.Group(
        "g", (strategies.primitive("x"), strategies.primitive("y", target_role="Stopped"))
    )
    states = {"n1": {"x": "stopped", "y": "running"}, "n2": {"x": "stopped"}}
    due = pipeline.schedule(wanted(clone(whole)), seen(states))

    assert probes(due, "y:0_stop_0@n1") == {"y:1"}


@pytest.mark.parametrize(("then", "asked"), [("promote", {"a"}), ("start", set())])
def test_probes_go_before_the_demotion_of_what_is_promoted_after_them(then, asked):
    """It restarts in its role, so it gives that up for what was to be there before the promotion."""
    stays = strategies.primitive("p", resource_stickiness="1")
    changed = dataclasses.replace(stays, params=strategies.sets(fake="1"))
    order = constraint.Order("o", "a", "c", first_action="start", then_action=then)
    due = pipeline.schedule(
        wanted(
            strategies.primitive("a"),
            clone(changed, promotable="true", clone_max="1"),
            constraints=[order],
        ),
        seen(
            {"n1": {"p": "promoted"}, "n2": {"p": "stopped"}},
            attributes={"n1": {"master-p": "5"}},
        ),
    )

    assert probes(due, "p:0_demote_0@n1") == asked


def test_what_merely_starts_before_a_promotion_is_not_stopped_after_the_probes():
    """Only its promotion comes after them."""
    stays = strategies.primitive("p", resource_stickiness="1")
    changed = dataclasses.replace(stays, params=strategies.sets(fake="1"))
    order = constraint.Order("o", "a", "c", first_action="start", then_action="promote")
    due = pipeline.schedule(
        wanted(
            strategies.primitive("a"),
            clone(changed, promotable="true", clone_max="1"),
            constraints=[order],
        ),
        seen({"n1": {"p": "running"}, "n2": {"p": "stopped"}}),
    )

    assert probes(due, "p:0_stop_0@n1") == set()


def test_an_interleaved_clone_restarts_after_the_probes_of_what_will_be_near():
    """Near is where the resource will be that is looked for, whatever is between the two."""
    orders = [constraint.Order("o1", "a", "b"), constraint.Order("o2", "b", "c")]
    away = [location("a", "n1", 100), location("b", "n2", 100)]
    due = pipeline.schedule(
        wanted(
            strategies.primitive("a"),
            strategies.primitive("b"),
            clone(strategies.primitive("p", resource_stickiness="1"), interleave="true"),
            constraints=[*orders, *away],
        ),
        seen({name: {"p": "monitor-failed", "b": "stopped"} for name in ("n1", "n2")}),
    )

    assert probes(due, "p:0_stop_0@n1") == {"a"}
    assert probes(due, "p:1_stop_0@n2") == set()


@pytest.mark.parametrize(("banned", "first"), [(["n4"], 0), (["n4", "n1"], 1)])
def test_of_an_interleaved_clone_the_first_waits_for_probes_of_what_starts_nowhere(banned, first):
    """The others do not, as they are other instances' partners."""
    names = ("n1", "n2", "n3", "n4")
    states = {name: {"x": "stopped", "y": "running"} for name in names[:3]}
    due = pipeline.schedule(
        wanted(
            clone(group("x", "y"), interleave="true"),
            constraints=[location("c", name, -INFINITY) for name in banned],
            nodes=names,
        ),
        seen({**states, "n4": {"x": "stopped"}}),
    )

    waiting = {number for number in range(3) if probes(due, f"y:{number}_stop_0@n{number + 1}")}
    assert waiting == {first}


def test_what_is_behind_a_member_of_a_clone_that_starts_stops_after_the_probes_before_it():
    """So it is also where the clone as a whole follows something."""
    whole = resource.Group(
        "g", (strategies.primitive("x"), strategies.primitive("y", target_role="Stopped"))
    )
    due = pipeline.schedule(
        wanted(
            strategies.primitive("a"),
            clone(whole, clone_max="1"),
            constraints=[constraint.Order("o", "a", "c")],
        ),
        seen({"n1": {"x": "stopped", "y": "running"}, "n2": {"x": "stopped", "y": "stopped"}}),
    )

    assert probes(due, "y:0_stop_0@n1") == {"a"}


@pytest.mark.parametrize(
    ("scores", "running", "strategy", "number"),
    [
        ({}, {}, "default", 0),
        ({}, {"n1": "x", "n2": "y"}, "default", 2),
        ({}, {"n1": "x", "n2": "y"}, "minimal", 0),
        ({"n1": -100, "n2": -10, "n3": -50}, {}, "default", 1),
    ],
)
def test_of_an_interleaved_clone_who_is_where_a_resource_would_be_waits_for_its_probe(
    scores, running, strategy, number
):
    """It counts where what may run nowhere would run: by its scores, the load, and the name."""
    names = ("n1", "n2", "n3")
    down = {} if scores else {"target_role": "Stopped"}
    wishes = [location("a", name, score) for name, score in scores.items()]
    stays = [location(one, name, INFINITY) for name, one in running.items()]
    states = {name: dict.fromkeys("axy", "stopped") | {"p": "running"} for name in names}
    for name, one in running.items():
        states[name][one] = "running"
    del states["n1"]["a"]
    due = pipeline.schedule(
        wanted(
            *(strategies.primitive("a", **down), *map(strategies.primitive, running.values())),
            clone(strategies.primitive("p"), interleave="true"),
            constraints=[constraint.Order("o", "a", "c"), *wishes, *stays],
            nodes=names,
            placement_strategy=strategy,
        ),
        seen(states),
    )

    waiting = [each for each in range(3) if probes(due, f"p:{each}_stop_0@n{each + 1}")]
    assert waiting == [number]


def test_probes_before_a_clone_go_before_its_partners_where_they_are_only():
    """Beyond a clone, an interleaved one still counts where the resource will be."""
    states = {"p": "running", "q": "running"}
    due = pipeline.schedule(
        wanted(
            strategies.primitive("a"),
            clone(strategies.primitive("p")),
            resource.Clone("d", strategies.primitive("q"), meta=strategies.sets(interleave="true")),
            constraints=[constraint.Order("o1", "a", "c"), constraint.Order("o2", "c", "d")],
        ),
        seen({"n1": states, "n2": states}),
    )

    assert probes(due, "q:0_stop_0@n1") == {"a"}
    assert probes(due, "q:1_stop_0@n2") == set()


@pytest.mark.parametrize(("minimum", "asked"), [({}, set()), ({"clone_min": "1"}, {"a"})])
def test_probes_go_before_the_stop_of_a_clone_of_which_some_are_enough(minimum, asked):
    """Whatever becomes of its instances, and wherever the order is written that needs few."""
    states = {"p": "stopped", "x": "stopped"}
    due = pipeline.schedule(
        wanted(
            strategies.primitive("a"),
            clone(strategies.primitive("p"), **minimum),
            strategies.primitive("x"),
            constraints=[
                constraint.Order("o1", "a", "c"),
                constraint.Order("o2", "c", "x"),
                *(location("c", name, -INFINITY) for name in ("n1", "n2")),
            ],
        ),
        seen({"n1": {**states, "p": "running"}, "n2": states}),
    )

    assert probes(due, "p:0_stop_0@n1") == asked


def test_who_avoids_a_cloned_group_does_not_wait_for_probes_where_it_does_not_stop():
    """What the probe of a member finds elsewhere has no group that stops around it."""
    due = pipeline.schedule(
        wanted(
            clone(group("p", "q")),
            strategies.primitive("x"),
            constraints=[
                constraint.Colocation("k", "c", "x", -INFINITY),
                *(location("c", name, -INFINITY) for name in ("n1", "n2")),
                location("x", "n2", 100),
            ],
        ),
        seen({"n1": {"q": "running", "x": "stopped"}, "n2": {"p": "stopped", "x": "stopped"}}),
    )

    assert "q:0_stop_0@n1" in before(due, "x_start_0@n2")
    assert probes(due, "x_start_0@n2") == {"p:0"}


@pytest.mark.parametrize(("state", "asked"), [("running", {"p:1", "q:1"}), ("stop-failed", set())])
def test_what_is_behind_a_member_that_a_failure_holds_stops_without_waiting_for_probes(
    state, asked
):
    """The member in front goes on as it is, so nothing of its group is started after the probes."""
    members = (strategies.primitive("p"), strategies.primitive("q", target_role="Stopped"))
    states = {"n1": {"p": state, "q": "running"}, "n2": {}}
    due = pipeline.schedule(wanted(clone(resource.Group("g", members))), seen(states))

    assert probes(due, "q:0_stop_0@n1") == asked


@pytest.mark.parametrize(
    ("role", "managed", "unknown", "asked"),
    [
        ("Stopped", "true", "z", {"z:1"}),
        ("Stopped", "true", "x", set()),
        ("Started", "false", "z", {"z:1"}),
        ("Started", "false", "x", set()),
    ],
)
def test_what_does_not_start_in_a_cloned_group_is_looked_for_before_another_one_stops(
    role, managed, unknown, asked
):
    """In an interleaved clone nothing waits for probes of the members that start."""
    members = (
        strategies.primitive("x"),
        strategies.primitive("y", is_managed=managed),
        strategies.primitive("z", target_role=role),
    )
    found = {name: "stopped" for name in "xyz" if name != unknown}
    away = [location("c", "n1", -1000)] if role == "Started" else []
    due = pipeline.schedule(
        wanted(clone(resource.Group("g", members), interleave="true"), constraints=away),
        seen({"n1": dict.fromkeys("xyz", "running"), "n2": found}),
    )

    assert probes(due, "z:0_stop_0@n1") == asked


@pytest.mark.parametrize("interleave", ["true", "false"])
def test_what_follows_a_clone_waits_for_probes_wherever_its_instances_are(interleave):
    """The clone begins to start after the probed resource, though none will be near to that."""
    states = {"n1": {"p": "stopped", "q": "stopped"}, "n2": {"p": "running", "q": "running"}}
    states["n2"]["a"] = "stopped"
    orders = [constraint.Order("o", "a", "c"), constraint.Order("u", "c", "q")]
    due = pipeline.schedule(
        wanted(
            strategies.primitive("a"),
            clone(strategies.primitive("p"), interleave=interleave),
            strategies.primitive("q"),
            constraints=[*orders, location("c", "n1", -1000), location("a", "n1", 100)],
        ),
        seen(states),
    )

    assert probes(due, "q_stop_0@n2") == {"a"}


@pytest.mark.parametrize("unknown", ["p", "q", "r"])
def test_no_member_waits_for_probes_of_others_in_a_group_without_an_order(unknown):
    """They stop all at once; only what starts waits for what was found."""
    whole = resource.Group(
        "g",
        tuple(strategies.primitive(name) for name in "pqr"),
        meta=strategies.sets(ordered="false"),
    )
    found = {name: "stopped" for name in "pqr" if name != unknown}
    due = pipeline.schedule(
        wanted(whole, constraints=[location("g", "n1", -1000)]),
        seen({"n1": dict.fromkeys("pqr", "running"), "n2": found}),
    )

    assert [probes(due, f"{name}_stop_0@n1") for name in "pqr"] == [set(), set(), set()]
    assert probes(due, "p_start_0@n2") == {unknown}
