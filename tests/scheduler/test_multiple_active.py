"""Resources that are active on several nodes at once."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies
from scheduler import test_rules as facts

from reconciler.model import constraint, fencing, resource, score
from reconciler.model.action import Task
from reconciler.model.agent import AgentName
from reconciler.model.observed import Presence
from reconciler.model.plan import ChangeKind, Plan
from reconciler.model.role import Role


def _due(n1: str, n2: str, **meta: str) -> Plan:
    wanted = facts.wanted(strategies.primitive("p", **meta))
    return facts.pipeline.schedule(wanted, facts.seen({"n1": {"p": n1}, "n2": {"p": n2}}))


def _done(due: Plan) -> set[tuple[Task, str]]:
    return {(one.task, one.node) for one in due.actions if not one.interval_ms}


def _edges(due: Plan) -> set[tuple[str, str]]:
    return {(one.before, one.after) for one in due.edges}


def test_what_is_promoted_somewhere_is_demoted_everywhere():
    """Every demotion comes before any stop, since nobody knows which of them is the real one."""
    due = _due("running", "promoted")
    edges = {(one.before, one.after) for one in due.edges}

    assert {(Task.DEMOTE, "n1"), (Task.DEMOTE, "n2")} <= _done(due)
    assert {("p_demote_0@n1", "p_stop_0@n2"), ("p_demote_0@n2", "p_stop_0@n1")} <= edges


@pytest.mark.parametrize(("state", "stops"), [("running", {"n2"}), ("promoted", {"n1", "n2"})])
def test_the_expected_one_stays_unless_only_a_stop_can_demote_it(state, stops):
    """Stopping what is unexpected spares the wanted node, but no role that cannot be had."""
    due = _due(state, "running", multiple_active="stop_unexpected", resource_stickiness="1")

    assert {node for task, node in _done(due) if task is Task.STOP} == stops


def test_the_change_starts_from_the_first_node():
    """It is a move where the node that was found first is left."""
    wanted = facts.wanted(
        strategies.primitive("p"), constraints=[facts.location("p", "n2", 10)], nodes=("n1", "n2")
    )
    seen = facts.seen({"n1": {"p": "running"}, "n2": {"p": "running"}})
    found = facts.change(facts.pipeline.schedule(wanted, seen), "p")

    assert (found.kind, found.source, found.target) == (ChangeKind.MOVE, "n1", "n2")


def test_each_stop_tells_the_highest_role():
    """What is stopped everywhere has been promoted as a whole."""
    due = _due("running", "promoted", multiple_active="stop_only")

    assert {one.role for one in due.changes} == {Role.PROMOTED}


def test_every_stop_is_told_of_what_cannot_start_again():
    """The one where the change begins comes first; the others are told as further ones."""
    order = constraint.Order("o", "x", "p")
    resources = (strategies.primitive("x", target_role="Stopped"), strategies.primitive("p"))
    seen = facts.seen({"n1": {"p": "running"}, "n2": {"p": "running"}})
    due = facts.pipeline.schedule(facts.wanted(*resources, constraints=[order]), seen)
    stops = [(one.source, one.further) for one in due.changes if one.kind is ChangeKind.STOP]

    assert {(Task.STOP, "n1"), (Task.STOP, "n2")} <= _done(due)
    assert stops == [("n1", False), ("n2", True)]


def test_a_lost_node_is_fenced_before_stops_elsewhere():
    """What runs on a lost node, too, is stopped elsewhere once it is gone there."""
    wanted = dataclasses.replace(
        facts.wanted(strategies.primitive("p"), fencing_enabled="true"),
        fencing=fencing.Fencing((fencing.FenceDevice("f", "fence_ipmilan", hosts=("n1", "n2")),)),
    )
    states = {"n1": {"p": "running"}, "n2": {"p": "running"}}
    seen = facts.seen(states, presence={"n1": Presence.UNKNOWN})
    edges = {(one.before, one.after) for one in facts.pipeline.schedule(wanted, seen).edges}

    assert ("stonith-n1-reboot@n1", "p_stop_0@n2") in edges


def test_a_removed_instance_keeps_its_number_in_its_name():
    """What is configured no longer is known by the name that it was found with."""
    due = facts.pipeline.schedule(
        facts.wanted(), facts.seen({"n1": {"gone:1": "running"}, "n2": {}})
    )

    assert [one.resource for one in due.changes] == ["gone:1"]


@pytest.mark.parametrize(("name", "instance"), [("p", "p:0"), ("p:0", "p:0"), ("p:1", "p:1")])
def test_what_another_agent_left_of_a_clone_is_deleted_once(name, instance):
    """Before the start of the instance that the history names, or of the first one."""
    other = AgentName("ocf", "test", "Other")
    found = strategies.history(name, "stopped")
    assert found is not None
    seen = facts.seen({"n1": {}, "n2": {}})
    one = dataclasses.replace(
        seen.nodes["n1"], histories={name: dataclasses.replace(found, agent=other)}
    )
    clone = resource.Clone("c", strategies.primitive("p"))
    due = facts.pipeline.schedule(
        facts.wanted(clone), dataclasses.replace(seen, nodes={**seen.nodes, "n1": one})
    )
    (delete,) = (each for each in due.actions if each.task is Task.DELETE)

    assert (delete.node, f"p:{delete.instance}") == ("n1", instance)


@pytest.mark.parametrize(
    ("agent", "state", "node", "deleted"),
    [
        ("Dummy", "stopped", {"maintenance": True}, True),
        ("Dummy", "stopped", {"maintenance": True, "standby": True}, True),
        ("Dummy", "stopped", {"standby": True}, False),
        ("Dummy", "running", {"maintenance": True}, False),
        ("Other", "stopped", {"maintenance": True}, True),
        ("Other", "running", {"maintenance": True}, False),
    ],
)
def test_a_node_in_maintenance_forgets_what_does_not_run_there(agent, state, node, deleted):
    """What is configured no longer, or of another agent; a node that is only cleared does not."""
    found = strategies.history("p", state)
    assert found is not None
    seen = facts.seen({"n1": {}, "n2": {}})
    history = dataclasses.replace(found, agent=AgentName("ocf", "test", agent))
    one = dataclasses.replace(seen.nodes["n1"], histories={"p": history}, **node)
    resources = (strategies.primitive("p"),) if agent == "Other" else ()
    due = facts.pipeline.schedule(
        facts.wanted(*resources), dataclasses.replace(seen, nodes={**seen.nodes, "n1": one})
    )

    assert bool([one for one in due.actions if one.task is Task.DELETE]) is deleted


def test_what_another_agent_left_is_deleted_once_the_resource_has_stopped_everywhere():
    """No node forgets while something of that name goes on elsewhere, or starts on it."""
    found = strategies.history("p", "stopped")
    assert found is not None
    seen = facts.seen({"n1": {"p": "running"}, "n2": {}})
    other = dataclasses.replace(found, agent=AgentName("ocf", "test", "Other"))
    there = dataclasses.replace(seen.nodes["n2"], histories={"p": other})
    seen = dataclasses.replace(seen, nodes={**seen.nodes, "n2": there})
    away = facts.location("c", "n1", -facts.INFINITY)
    clone = resource.Clone("c", strategies.primitive("p"))
    due = facts.pipeline.schedule(facts.wanted(clone, constraints=[away]), seen)

    edges = {(one.before, one.after) for one in due.edges}
    assert ("p:0_stop_0@n1", "p:0_delete_0@n2") in edges
    assert ("p:0_delete_0@n2", "p:1_start_0@n2") in edges


@pytest.mark.parametrize(
    ("lost", "states", "waits"),
    [
        ("n1", ("running", "running"), True),
        ("n2", ("running", "running"), False),
        ("n1", ("running", "monitor-failed"), False),
        ("n2", ("running", "monitor-failed"), False),
        ("n1", ("monitor-failed", "monitor-failed"), False),
        ("n1", ("running", "running", "monitor-failed"), True),
    ],
)
def test_where_it_was_seen_well_last_it_stops_after_the_fencing_of_the_others(lost, states, waits):
    """The one that is stopped last is the one that may be the real one; a lost one is not failed."""
    names = ("n1", "n2", "n3")[: len(states)]
    wanted, _ = facts.lost(hosts=names)
    one = strategies.primitive("p", requires="fencing")
    seen = facts.seen(
        {name: {"p": state} for name, state in zip(names, states, strict=True)},
        presence={lost: Presence.UNKNOWN},
    )
    due = facts.pipeline.schedule(dataclasses.replace(wanted, resources=(one,)), seen)

    other = {"n1": "n2", "n2": "n1"}[lost]
    assert (Task.STOP, other) in _done(due)
    assert ((f"stonith-{lost}-reboot@{lost}", f"p_stop_0@{other}") in _edges(due)) is waits


@pytest.mark.parametrize(
    ("own", "group", "stopped"),
    [({"multiple_active": "block"}, {}, {"q"}), ({}, {"multiple_active": "block"}, set())],
)
def test_a_member_that_blocks_leaves_others_to_what_must_be_done(own, group, stopped):
    """Only where the group says so itself all of it is blocked; else what needs the member stops."""
    members = (strategies.primitive("p", **own), strategies.primitive("q"))
    states = {"n1": {"p": "running", "q": "running"}, "n2": {"p": "running", "q": "stopped"}}
    whole = resource.Group("g", members, meta=strategies.sets(**group))
    due = facts.pipeline.schedule(facts.wanted(whole), facts.seen(states))

    assert {one.resource for one in due.actions if one.real} == stopped


def test_the_expected_one_stays_whatever_else_stops():
    """Of a group active twice, the members on the wanted node stay up though others must stop."""
    members = [strategies.primitive(name) for name in "ab"]
    meta = strategies.sets(multiple_active="stop_unexpected")
    there = {"a": "running", "b": "running"}
    given = facts.wanted(resource.Group("g", tuple(members), meta=meta))
    due = facts.pipeline.schedule(given, facts.seen({"n1": there, "n2": there}))

    assert {node for task, node in _done(due) if task is Task.STOP and node} == {"n2"}


@pytest.mark.parametrize(("better", "goes"), [(("n1", "n3"), "n1"), (("n2", "n3"), "n2")])
def test_what_is_active_in_several_places_is_at_home_in_the_first(better, goes):
    """Of two nodes that are as good, the one by name is taken, though it runs on the other, too."""
    states = {name: {"p": "running"} for name in ("n2", "n3")}
    wanted = facts.wanted(
        strategies.primitive("p"),
        constraints=[facts.location("p", name, 5) for name in better],
        nodes=("n1", "n2", "n3"),
    )
    due = facts.pipeline.schedule(wanted, facts.seen({"n1": {"p": "stopped"}, **states}))

    assert (Task.START, goes) in _done(due)


@pytest.mark.parametrize(
    ("requires", "barred", "done"),
    [
        ("quorum", False, set()),
        ("nothing", False, set()),
        ("fencing", False, {(Task.STOP, "n1"), (Task.START, "n1")}),
        ("quorum", True, {(Task.STOP, "n1"), (Task.START, "n3")}),
        ("nothing", True, {(Task.STOP, "n1"), (Task.START, "n3")}),
    ],
)
def test_what_requires_no_fencing_goes_on_beside_a_lost_node(requires, barred, done):
    """It is not started anew where it runs well, and elsewhere only once the node is gone."""
    states = {"n1": {"p": "running"}, "n2": {"p": "running"}, "n3": {"p": "stopped"}}
    bans = [facts.location("p", "n1" if barred else "n3", -score.INFINITY)]
    wanted = facts.wanted(
        strategies.primitive("p", requires=requires),
        constraints=bans,
        nodes=tuple(states),
        fencing_enabled="true",
    )
    device = fencing.FenceDevice("f", "fence_ipmilan", hosts=tuple(states))
    due = facts.pipeline.schedule(
        dataclasses.replace(wanted, fencing=fencing.Fencing((device,))),
        facts.seen(states, presence={"n2": Presence.UNKNOWN}),
    )

    moves = [one for one in due.actions if one.real and one.task in {Task.START, Task.STOP}]
    assert {(one.task, one.node) for one in moves} == done
    starts = {one.after for one in due.edges if one.before == "stonith-n2-reboot@n2"}
    assert {f"p_start_0@{node}" for task, node in done if task is Task.START} <= starts
