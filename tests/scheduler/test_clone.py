"""Clones: which instance is which, and which gives way."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies
from scheduler.test_rules import INFINITY, location, seen, wanted

from reconciler.model import constraint, fencing, node, resource
from reconciler.model.action import Task
from reconciler.model.agent import AgentName
from reconciler.model.observed import Presence
from reconciler.model.resource import OnFail
from reconciler.scheduler import pipeline
from reconciler.transition import foresight


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


def test_a_second_instance_on_a_node_is_stopped_under_the_name_it_has_there():
    """Old histories number anonymous instances; no node may have two, so one is too many."""
    clone = resource.Clone("c", strategies.primitive("p"))
    states = {"n1": {"p:0": "running", "p:1": "running"}, "n2": {"p:0": "running"}}
    due = pipeline.schedule(wanted(clone), seen(states))

    assert [one.resource for one in due.actions if one.task is Task.STOP and one.real] == ["p:1"]
    assert [one.instance for one in due.changes if one.kind.value == "stop"] == [2]


@pytest.mark.parametrize(
    ("states", "stopped"),
    [
        ({"n1": {"p": "running"}, "n2": {"p": "running"}}, ["p", "p"]),
        ({"n1": {"p:0": "running"}, "n2": {"p:0": "running"}}, ["p", "p:0"]),
        ({"n1": {"p": "stopped"}, "n2": {"p:1": "stopped"}}, []),
    ],
)
def test_a_clone_of_no_instances_stops_what_is_found_of_it_and_forgets_nothing(states, stopped):
    """It is configured all the same, so that its histories are not those of something removed."""
    clone = resource.Clone("c", strategies.primitive("p"), meta=strategies.sets(clone_max="0"))
    due = pipeline.schedule(wanted(clone), seen(states))

    assert [one.resource for one in due.actions if one.real] == stopped
    assert {one.task for one in due.actions if one.real} <= {Task.STOP}


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


@pytest.mark.parametrize(
    ("grouped", "most", "waiting"),
    [(True, "3", {"p:1"}), (True, "2", {"p:0", "p:1"}), (False, "2", set())],
)
def test_what_a_lost_node_says_of_a_cloned_group_is_about_one_instance(grouped, most, waiting):
    """Of the others nothing is known there, so they wait though they require no fencing."""
    member = strategies.primitive("p", requires="quorum")
    meta = strategies.sets(clone_max=most)
    clone = resource.Clone("c", resource.Group("g", (member,)) if grouped else member, meta=meta)
    names = ("n1", "n2", "n3")
    device = fencing.Fencing((fencing.FenceDevice("f", "fence_x", hosts=names),))
    states = {name: {"p": "stopped"} for name in names}
    due = pipeline.schedule(
        dataclasses.replace(wanted(clone, nodes=names, fencing_enabled="true"), fencing=device),
        seen(states, presence={"n1": Presence.UNKNOWN}),
    )
    after = {edge.after for edge in due.edges if edge.before.startswith("stonith-n1")}

    starts = {key.partition("_start_0@") for key in after if "_start_0@" in key}
    assert {name for name, *_ in starts if name.startswith("p:")} == waiting


def test_instances_that_can_be_told_apart_may_share_a_node():
    """Of a globally unique clone the number decides who is placed first, not who is alone."""
    unique = strategies.sets(globally_unique="true")
    clones = (
        resource.Clone("d", strategies.primitive("q")),
        resource.Clone("c", strategies.primitive("p", resource_stickiness="1"), meta=unique),
    )
    states = {"n1": {"p:0": "running", "p:1": "running"}, "n2": {"p:2": "running"}, "n3": {}}
    apart = constraint.Colocation("k", "c", "d", -100)
    due = pipeline.schedule(wanted(*clones, constraints=[apart], nodes=tuple(states)), seen(states))
    targets = {one.instance: one.target for one in due.changes if one.resource == "p"}

    assert targets == {0: "n3", 1: "n2", 2: "n1"}


@pytest.mark.parametrize(
    ("standard", "names"),
    [("ocf", {"p:0", "p:1"}), ("systemd", {"p"}), ("lsb", {"p"}), ("nagios", {"p"})],
)
def test_only_some_agents_can_tell_instances_apart(standard, names):
    """For others a clone is anonymous, whatever it says."""
    agent = AgentName(standard, "x" if standard == "ocf" else "", "y")
    child = dataclasses.replace(strategies.primitive("p"), agent=agent)
    clone = resource.Clone("c", child, meta=strategies.sets(globally_unique="true"))
    due = pipeline.schedule(wanted(clone), seen())

    assert {one.resource for one in due.actions if one.real} == names


def test_each_colocation_is_said_twice_at_once():
    """A refused instance hears a colocation twice before it hears of the next one."""
    clone = resource.Clone(
        "c",
        strategies.primitive("p", resource_stickiness="50"),
        meta=strategies.sets(clone_max="3"),
    )
    lone = [strategies.primitive(name) for name in "bde"]
    constraints = [
        constraint.Colocation("k1", "c", "b", -50),
        constraint.Colocation("k2", "d", "c", 200),
        constraint.Colocation("k3", "e", "c", 5000),
        location("b", "n3", 5),
        location("e", "n3", -1000),
        location("d", "n4", -INFINITY),
    ]
    states = {name: {"p": "running"} for name in ("n1", "n2", "n3", "n4")}
    states["n2"]["p"] = "stopped"
    due = pipeline.schedule(
        wanted(lone[0], clone, *lone[1:], constraints=constraints, nodes=tuple(states)),
        seen(states),
    )

    assert due.ledgers["p:1"]["n3"].score == -60


@pytest.mark.parametrize("grouped", [False, True])
def test_who_runs_where_it_may_not_hears_each_colocation_twice(grouped):
    """An instance is refused its node, too, where nobody wants it there any more."""
    one = strategies.primitive("p")
    clone = resource.Clone(
        "c",
        resource.Group("g", (one,)) if grouped else one,
        meta=strategies.sets(clone_max="1"),
    )
    constraints = [
        constraint.Colocation("k", "c", "q", 10),
        location("c", "n1", -1),
        location("q", "n2", 5),
    ]
    due = pipeline.schedule(
        wanted(clone, strategies.primitive("q"), constraints=constraints, nodes=("n1", "n2", "n3")),
        seen({"n1": {"p": "running"}, "n2": {"p": "stopped"}, "n3": {"p": "stopped"}}),
    )

    assert due.ledgers["p:0"]["n2"].score == 20


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_an_interleaved_instance_has_no_partner_in_a_blocked_one(state):
    """Where the instance to be followed is blocked, nothing is missed, and nothing stays."""
    meta = strategies.sets(interleave="true")
    clones = (
        resource.Clone("c", strategies.primitive("a")),
        resource.Clone("d", strategies.primitive("b"), meta=meta),
    )
    states = {"n1": {"a": "stop-failed", "b": state}}
    order = constraint.Order("o", "c", "d")
    due = pipeline.schedule(wanted(*clones, constraints=[order], nodes=("n1",)), seen(states))
    kinds = {one.kind.value for one in due.changes if one.resource == "b"}

    assert kinds == {"stop" if state == "running" else "leave"}


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_who_would_follow_an_instance_without_partner_is_not_missed(state):
    """Along interleaved clones nothing is missed where the first of them has no instance."""
    meta = strategies.sets(interleave="true")
    clones = (
        resource.Clone("c", strategies.primitive("a"), meta=strategies.sets(target_role="Stopped")),
        resource.Clone("d", strategies.primitive("b"), meta=meta),
        resource.Clone("e", strategies.primitive("f"), meta=meta),
    )
    states = {"n1": {"a": "stopped", "b": state, "f": "stopped"}}
    orders = [constraint.Order("o1", "d", "e"), constraint.Order("o2", "c", "d")]
    due = pipeline.schedule(wanted(*clones, constraints=orders, nodes=("n1",)), seen(states))

    assert {one.kind.value for one in due.changes if one.resource == "f"} == {"leave"}


def test_an_instance_needs_no_partner_that_would_only_have_to_stop_first():
    """Where there is none to be stopped, nothing is waited for."""
    clones = (
        resource.Clone("c", strategies.primitive("a")),
        resource.Clone("d", strategies.primitive("b"), meta=strategies.sets(interleave="true")),
    )
    order = constraint.Order("o", "c", "d", first_action="stop", then_action="start")
    states = {"n1": {"a": "stopped", "b": "stopped"}}
    due = pipeline.schedule(wanted(*clones, constraints=[order], nodes=("n1",)), seen(states))

    assert {one.resource for one in due.actions if one.task is Task.START and one.real} == {
        "a",
        "b",
    }


@pytest.mark.parametrize("configured", [True, False])
@pytest.mark.parametrize(("interleave", "watched"), [("true", False), ("false", True)])
def test_monitors_of_an_instance_without_partner_are_left_as_they_are(
    interleave, watched, configured
):
    """It counts as running nowhere, so none is started, and none that nobody wants is cancelled."""
    held = strategies.primitive("b", is_managed="false")
    if not configured:
        held = dataclasses.replace(held, operations=())
    clones = (
        resource.Clone("c", strategies.primitive("a"), meta=strategies.sets(target_role="Stopped")),
        resource.Clone("d", held, meta=strategies.sets(interleave=interleave)),
    )
    at = seen({"n1": {"a": "stopped", "b": "running"}})
    history = at.nodes["n1"].histories["b"]
    live = strategies.record("monitor", 0, 9, interval_ms=10_000)
    if not configured:
        history = dataclasses.replace(history, operations=(*history.operations, live))
    histories = {**at.nodes["n1"].histories, "b": history}
    nodes = {"n1": dataclasses.replace(at.nodes["n1"], histories=histories)}
    due = pipeline.schedule(
        wanted(*clones, constraints=[constraint.Order("o", "c", "d")], nodes=("n1",)),
        dataclasses.replace(at, nodes=nodes),
    )
    task = Task.MONITOR if configured else Task.CANCEL

    assert bool([one for one in due.actions if one.resource == "b" and one.task is task]) is watched


@pytest.mark.parametrize(("first", "kind"), [("a", "move"), ("m", "recover")])
def test_what_is_read_of_a_node_after_its_fencing_is_sure_counts_less(first, kind):
    """Histories are read as they are recorded; once a node must be fenced, no failure is added."""
    resources = (strategies.primitive("a"), strategies.primitive("m"))
    failed = {"a": "stop-failed", "m": "monitor-failed"}
    states = {
        "n1": {name: failed[name] for name in sorted(failed, reverse=first == "m")},
        "n2": {"a": "stopped", "m": "stopped"},
    }
    state = dataclasses.replace(
        wanted(*resources, fencing_enabled="true"),
        fencing=fencing.Fencing((fencing.FenceDevice("f", "fence_x", hosts=("n1", "n2")),)),
    )
    found = seen(states)
    placed = {
        name: dataclasses.replace(history, place=place)
        for place, (name, history) in enumerate(found.nodes["n1"].histories.items())
    }
    entries = {**found.nodes, "n1": dataclasses.replace(found.nodes["n1"], histories=placed)}
    due = pipeline.schedule(state, dataclasses.replace(found, nodes=entries))

    assert [one.kind.value for one in due.changes if one.resource == "m"] == [kind]


def test_instances_keep_others_off_in_the_order_in_which_they_were_placed():
    """An instance that was placed first is avoided first, and no other where that is all."""
    unique = strategies.sets(globally_unique="true")
    clone = resource.Clone("c", strategies.primitive("p", resource_stickiness="1"), meta=unique)
    states = {"n1": {"p:0": "stopped", "b": "stopped"}, "n2": {"p:1": "running", "b": "stopped"}}
    apart = constraint.Colocation("k", "b", "c", -1000)
    due = pipeline.schedule(
        wanted(clone, strategies.primitive("b"), constraints=[apart]), seen(states)
    )

    assert [one.target for one in due.changes if one.resource == "b"] == ["n1"]


@pytest.mark.parametrize(("grouped", "sources"), [(True, ["n2"]), (False, ["n2", ""])])
def test_a_cloned_group_stays_where_a_member_failed(grouped, sources):
    """Others that would rather be promoted elsewhere do not come before it, as for primitives."""
    inner = strategies.primitive("p")
    clone = resource.Clone(
        "c",
        resource.Group("g", (inner,)) if grouped else inner,
        meta=strategies.sets(promotable="true", clone_max="3"),
    )
    found = seen({"n1": {}, "n2": {"p": "monitor-failed"}}, attributes={"n1": {"master-p": "9"}})
    due = pipeline.schedule(wanted(clone), found)

    assert [one.source for one in due.changes if "n2" in {one.source, one.target}] == sources


@pytest.mark.parametrize(("liked", "stopped"), [("n1", "n3"), ("n3", "n1")])
def test_what_a_clone_follows_says_for_itself_which_instance_gives_way(liked, stopped):
    """Those that follow it, too, are placed already: they say no more of other nodes."""
    clone = resource.Clone("c", strategies.primitive("p"))
    first = strategies.primitive("a")
    second = strategies.primitive("b", resource_stickiness="INFINITY")
    states = {"n1": {"p": "running"}, "n2": {"b": "running"}, "n3": {"p": "running"}}
    constraints = [
        location("a", liked, 5000),
        constraint.Colocation("x", "a", "b", INFINITY),
        constraint.Colocation("y", "c", "b", INFINITY),
    ]
    due = pipeline.schedule(
        wanted(first, second, clone, constraints=constraints, nodes=("n1", "n2", "n3")),
        seen(states),
    )

    assert [one.source for one in due.changes if one.kind.value == "stop"] == [stopped]


@pytest.mark.parametrize("last", [(), ("b",), ("m", "b")])
def test_who_follows_a_cloned_group_stops_no_member_of_it(last):
    """What it would rather do is heard at the last member, which must be where the others are."""
    members = [strategies.primitive("a", resource_stickiness="1000")]
    members += [strategies.primitive(name) for name in last]
    names = [one.name for one in members]
    clone = resource.Clone(
        "c", resource.Group("g", tuple(members)), meta=strategies.sets(clone_max="1")
    )
    states = {
        "n1": dict.fromkeys(names, "running"),
        "n2": {**dict.fromkeys(names, "stopped"), "z": "running"},
    }
    constraints = [location("z", "n1", -700), constraint.Colocation("x", "z", "c", INFINITY)]
    due = pipeline.schedule(
        wanted(clone, strategies.primitive("z"), constraints=constraints), seen(states)
    )

    assert [one.resource for one in due.actions if one.task is Task.STOP and one.real] == ["z"]


@pytest.mark.parametrize(("known", "stopped"), [("running", set()), (None, {"p", "q"})])
def test_a_clone_waits_for_what_cannot_be_asked_yet_of_an_instance(known, stopped):
    """That another one is up does not help: one that is not may be so on a node that joins."""
    states = {"n1": {"p": "running"}, "n2": {"p": "running", "q": "running"}, "n3": {}}
    if known is not None:
        states["n1"]["q"] = known
    members = tuple(strategies.primitive(name) for name in "pq")
    clone = resource.Clone("c", resource.Group("g", members))
    target = wanted(clone, nodes=tuple(states), fencing_enabled="true")
    device = fencing.Fencing((fencing.FenceDevice("f", "fence_ipmilan", hosts=tuple(states)),))
    target = dataclasses.replace(target, fencing=device)
    due = pipeline.schedule(target, seen(states, presence={"n3": Presence.PENDING}))

    assert {one.resource for one in due.changes if one.kind.value == "stop"} == stopped


@pytest.mark.parametrize("cloned", [True, False])
def test_each_member_must_be_where_its_group_must_be(cloned):
    """Though nobody manages the first, which goes on, the next does not start without the other."""
    members = (strategies.primitive("a", is_managed="false"), strategies.primitive("b"))
    group = resource.Group("g", members)
    other = strategies.primitive("z", target_role="Stopped")
    bound = constraint.Colocation("k", "c" if cloned else "g", "z", INFINITY)
    whole = resource.Clone("c", group) if cloned else group
    target = wanted(whole, other, constraints=[bound], nodes=("n1",))
    due = pipeline.schedule(target, seen({"n1": {"a": "running", "b": "stopped"}}))

    assert Task.START not in {one.task for one in due.actions}


@pytest.mark.parametrize("cloned", [True, False])
@pytest.mark.parametrize("on_fail", [resource.OnFail.STANDBY, resource.OnFail.FENCE])
def test_what_a_failure_means_for_a_node_outlives_the_stop(cloned, on_fail):
    """An instance that was stopped after it failed does not come back to its node."""
    monitor = resource.Operation("monitor", 10_000, on_fail=on_fail)
    plain = dataclasses.replace(strategies.primitive("p"), operations=(monitor,))
    device = fencing.FenceDevice("f", "fence_ipmilan", hosts=("n1", "n2"))
    desired = dataclasses.replace(
        wanted(resource.Clone("c", plain) if cloned else plain, fencing_enabled="true"),
        fencing=fencing.Fencing((device,)),
    )
    found = seen({"n1": {"p": "monitor-failed"}, "n2": {"p": "stopped"}})
    n1 = found.nodes["n1"]
    history = n1.histories["p"]
    stopped = (*history.operations, strategies.record("stop", 0, 4))
    histories = {"p": dataclasses.replace(history, operations=stopped)}
    nodes = {**found.nodes, "n1": dataclasses.replace(n1, histories=histories)}
    due = pipeline.schedule(desired, dataclasses.replace(found, nodes=nodes))

    assert {one.target for one in due.changes if one.target} == {"n2"}
    assert bool(due.fencing) is (on_fail is resource.OnFail.FENCE)


def _cloned_group(first: str, second: str):
    """Return what becomes of a cloned group on n1 and n2, by source; all must be on n2.

    What follows the clone would rather be on n1, so the instance there is placed first.
    """
    members = [
        dataclasses.replace(strategies.primitive(name), utilization=strategies.sets(cpu=need))
        for name, need in (("a", first), ("b", second))
    ]
    clone = resource.Clone("c", resource.Group("g", tuple(members)))
    leader = strategies.primitive("q", resource_stickiness="1")
    told = wanted(
        leader,
        clone,
        strategies.primitive("z"),
        constraints=[
            constraint.Colocation("k", "c", "q", INFINITY, influence=False),
            constraint.Colocation("l", "z", "c", 100000),
            location("z", "n1", 1000),
        ],
        placement_strategy="minimal",
    )
    nodes = tuple(node.Node(name, utilization=strategies.sets(cpu="2")) for name in ("n1", "n2"))
    up, down = {"a": "running", "b": "running"}, {"q": "stopped"}
    states = {"n1": {**up, **down}, "n2": {**up, "q": "running"}}
    due = pipeline.schedule(dataclasses.replace(told, nodes=nodes), seen(states))
    return {one.source: one.target for one in due.changes if one.resource.startswith("a")}


def test_a_cloned_group_that_must_leave_takes_the_room_that_it_found_elsewhere():
    """It is placed once: an instance that is there and does not fit beside it any more is stopped."""
    assert _cloned_group("2", "1") == {"n1": "n2", "n2": ""}


def test_no_two_cloned_groups_are_placed_on_one_node():
    """Where another stays on the node that a group found, the group does not go there."""
    assert _cloned_group("1", "0") == {"n1": "", "n2": "n2"}


@pytest.mark.parametrize(("where", "waits"), [("clone", True), ("child", False)])
def test_only_the_clone_says_whether_its_instances_start_in_turn(where, waits):
    """What is said of the order inside of an instance says nothing of the order among them."""
    said = {"ordered": "true"}
    member = strategies.primitive("p", **(said if where == "child" else {}))
    meta = strategies.sets(**(said if where == "clone" else {}))
    due = pipeline.schedule(wanted(resource.Clone("c", member, meta=meta)), seen())
    edges = {(one.before, one.after) for one in due.edges}

    assert (("p:0_start_0@n1", "p:1_start_0@n2") in edges) is waits


def test_a_group_that_went_elsewhere_closes_its_new_node_only_by_the_room_that_it_takes():
    """Another instance that may be there but for that, and elsewhere does not want to be, stops."""
    one = dataclasses.replace(strategies.primitive("p"), utilization=strategies.sets(cpu="2"))
    clone = resource.Clone("c", resource.Group("g", (one,)))
    told = wanted(
        strategies.primitive("q"),
        clone,
        constraints=[constraint.Colocation("k", "c", "q", -100), location("q", "n1", INFINITY)],
        placement_strategy="utilization",
    )
    nodes = tuple(
        node.Node(name, utilization=strategies.sets(cpu="2"), standby=name == "n3")
        for name in ("n1", "n2", "n3")
    )
    states = {"n1": {"p": "running"}, "n2": {"p": "stopped"}, "n3": {"p": "running"}}
    due = pipeline.schedule(dataclasses.replace(told, nodes=nodes), seen(states))

    assert {
        one.source: one.target for one in due.changes if one.resource == "p" and one.source
    } == {
        "n1": "n2",
        "n3": "",
    }


@pytest.mark.parametrize(("interleave", "target"), [("true", "n2"), ("false", "n1")])
def test_an_interleaved_instance_must_only_be_like_its_partner_where_an_attribute_says_so(
    interleave, target
):
    """Others must be on a node of the clone that they must be with, whatever is compared."""
    clone = resource.Clone(
        "c",
        strategies.primitive("p", resource_stickiness="1"),
        meta=strategies.sets(clone_max="1", interleave=interleave),
    )
    leader = resource.Clone("d", strategies.primitive("q"), meta=strategies.sets(clone_max="1"))
    told = wanted(
        leader,
        clone,
        constraints=[
            constraint.Colocation("k", "c", "d", INFINITY, node_attribute="rack"),
            location("d", "n1", 5),
        ],
    )
    nodes = tuple(node.Node(name, attributes=strategies.sets(rack="r1")) for name in ("n1", "n2"))
    states = {"n1": {"p": "stopped"}, "n2": {"p": "running"}}
    due = pipeline.schedule(dataclasses.replace(told, nodes=nodes), seen(states))

    assert [one.target for one in due.changes if one.resource == "p"] == [target]


@pytest.mark.parametrize(
    ("state", "on_fail", "started"),
    [("stop-failed", None, set()), ("monitor-failed", OnFail.BLOCK, {"n1"})],
)
@pytest.mark.parametrize("maximum", ["1", "2"])
def test_no_member_of_a_cloned_group_starts_apart_from_a_blocked_one(
    state, on_fail, started, maximum
):
    """It would be one too many in the next plan, and be started again in each."""
    monitor = resource.Operation("monitor", 10_000, on_fail=on_fail)
    last = dataclasses.replace(strategies.primitive("q"), operations=(monitor,))
    group = resource.Group("g", (strategies.primitive("p"), last))
    clone = resource.Clone("c", group, meta=strategies.sets(clone_max=maximum))
    states = {"n1": {"p": "stopped", "q": state}, "n2": {"p": "stopped", "q": "stopped"}}
    *rounds, end = foresight.converge(wanted(clone), seen(states), limit=4)

    assert end.plan.empty
    first = rounds[0].plan if rounds else end.plan
    starts = {one.node for one in first.actions if one.task is Task.START and one.resource == "p"}
    assert starts - {"n2"} == started
    assert ("n2" in starts) is (maximum == "2")
