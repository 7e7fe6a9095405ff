"""What a partition without quorum may still do."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies
from scheduler import test_rules as facts

from reconciler.model import constraint, fencing, observed, resource
from reconciler.model.action import Task
from reconciler.model.agent import AgentName
from reconciler.model.observed import Presence
from reconciler.model.plan import ChangeKind, Plan
from reconciler.model.reason import ReasonCode
from reconciler.model.role import Role

_STONITH = AgentName("stonith", "", "fence_xvm")
_ROLES = (
    resource.Operation("monitor", 10_000, role=Role.PROMOTED),
    resource.Operation("monitor", 11_000, role=Role.UNPROMOTED),
)


def _promoted(policy: str, **meta: str) -> Plan:
    """Return the plan for a promoted instance that lost quorum."""
    child = dataclasses.replace(strategies.primitive("p"), operations=_ROLES)
    clone = resource.Clone("c", child, meta=strategies.sets(promotable="true", **meta))
    wanted = facts.wanted(clone, nodes=("n1",), no_quorum_policy=policy)
    seen = facts.seen(
        {"n1": {"p": "promoted"}}, attributes={"n1": {"master-p": "10"}}, quorate=False
    )
    return facts.pipeline.schedule(wanted, seen)


def test_demotion_for_lost_quorum_leaves_an_unpromoted_instance():
    """With policy demote the instance is demoted, and watched as an unpromoted one."""
    due = _promoted("demote")
    tasks = {(one.task, one.interval_ms) for one in due.actions if one.agent is not None}

    assert tasks == {(Task.DEMOTE, 0), (Task.MONITOR, 11_000)}
    assert facts.change(due, "p").reason.code is ReasonCode.NO_QUORUM


@pytest.mark.parametrize(("policy", "meta"), [("freeze", {}), ("demote", {"requires": "nothing"})])
def test_what_may_stay_promoted_without_quorum(policy, meta):
    """Frozen roles stay, and so does what needs no quorum."""
    assert Task.DEMOTE not in {one.task for one in _promoted(policy, **meta).actions}


def _suicide(quorum_was_had: str = "true", **properties: str) -> Plan:
    """Return the plan of a partition that must fence itself, if quorum was ever had."""
    device = dataclasses.replace(strategies.primitive("f"), agent=_STONITH)
    properties = {"fencing_enabled": "true", **properties}
    wanted = facts.wanted(
        device, strategies.primitive("p"), no_quorum_policy="suicide", **properties
    )
    seen = facts.seen({"n1": {"p": "running"}, "n2": {}}, quorate=False)
    lost = {"no-quorum-panic": quorum_was_had}
    return facts.pipeline.schedule(wanted, dataclasses.replace(seen, attributes=lost, dc="n1"))


def test_a_partition_that_fences_itself_does_nothing_else():
    """Its nodes are unclean: nothing is probed or placed there, what runs goes by the fencing."""
    due = _suicide()
    real = {one.task for one in due.actions if one.kind.value != "pseudo"}

    assert real == {Task.REBOOT}
    assert {one.node for one in due.fencing} == {"n1", "n2"}


@pytest.mark.parametrize(("had", "fencing_enabled"), [("false", "true"), ("true", "false")])
def test_a_partition_that_need_not_fence_itself_stops(had, fencing_enabled):
    """It only stops where quorum was never had, and where nothing is fenced at all."""
    due = _suicide(had, fencing_enabled=fencing_enabled)

    assert not due.fencing
    assert facts.change(due, "p").reason.code is ReasonCode.NO_QUORUM


def _fenced(**properties: str) -> set[tuple[str, str]]:
    """Return the order of actions where n1, which coordinates and leaves, sees two nodes lost."""
    nodes = ("n1", "n2", "n3")
    wanted = dataclasses.replace(
        facts.wanted(strategies.primitive("p"), nodes=nodes, fencing_enabled="true", **properties),
        fencing=fencing.Fencing((fencing.FenceDevice("f", "fence_ipmilan", hosts=nodes),)),
    )
    lost = dict.fromkeys(("n2", "n3"), Presence.UNKNOWN)
    seen = facts.seen({name: {} for name in nodes}, presence=lost)
    leaving: observed.ObservedNode = dataclasses.replace(seen.nodes["n1"], shutdown=True)
    seen = dataclasses.replace(seen, nodes={**seen.nodes, "n1": leaving}, dc="n1")
    return {(one.before, one.after) for one in facts.pipeline.schedule(wanted, seen).edges}


@pytest.mark.parametrize("concurrent", ["true", "false"])
def test_the_coordinator_leaves_after_all_fencing(concurrent):
    """Who leads the fencing of others stays until it is done."""
    edges = _fenced(concurrent_fencing=concurrent)

    assert ("stonith-n3-reboot@n3", "do_shutdown-n1@n1") in edges


def test_the_coordinator_is_fenced_last_even_where_fencing_is_concurrent():
    """It leads the fencing of the others, so nobody else's turn comes after its own."""
    due = _suicide(concurrent_fencing="true")

    assert ("stonith-n2-reboot@n2", "stonith-n1-reboot@n1") in {
        (one.before, one.after) for one in due.edges
    }


@pytest.mark.parametrize("presence", [Presence.UNKNOWN, Presence.UNSEEN])
def test_what_runs_goes_on_where_quorum_forbids_the_fencing(presence):
    """A frozen partition cannot fence a lost node, and does not stop what that might also run."""
    device = dataclasses.replace(strategies.primitive("f"), agent=_STONITH)
    wanted = facts.wanted(
        device,
        strategies.primitive("p"),
        nodes=("n1", "n2"),
        no_quorum_policy="freeze",
        fencing_enabled="true",
    )
    seen = facts.seen({"n1": {"p": "running"}, "n2": {}}, presence={"n2": presence}, quorate=False)
    due = facts.pipeline.schedule(wanted, seen)

    assert facts.change(due, "p").kind.value == "leave"
    assert Task.STOP not in {one.task for one in due.actions}


@pytest.mark.parametrize("where", ["n1", "n2"])
def test_nothing_starts_beside_a_lost_node_that_cannot_be_fenced(where):
    """Neither what is to move, nor what was lost with another node that can be fenced."""
    device = fencing.FenceDevice("f", "fence_x", hosts=("n2",))
    wanted = dataclasses.replace(
        facts.wanted(
            strategies.primitive("p"),
            nodes=("n1", "n2", "n3", "n4"),
            constraints=(facts.location("p", "n4", facts.INFINITY),),
            fencing_enabled="true",
        ),
        fencing=fencing.Fencing((device,)),
    )
    states = {name: {"p": "running" if name == where else "stopped"} for name in ("n1", "n2", "n4")}
    lost = {"n2": Presence.UNKNOWN, "n3": Presence.UNKNOWN}
    due = facts.pipeline.schedule(wanted, facts.seen({**states, "n3": {}}, presence=lost))

    assert Task.START not in {one.task for one in due.actions if one.real}


@pytest.mark.parametrize("failed", [True, False])
def test_what_runs_beside_a_lost_node_that_cannot_be_fenced_is_not_started_again(failed):
    """It is let run; once it has failed, nobody knows who runs it."""
    device = fencing.FenceDevice("f", "fence_x", hosts=("n1",))
    wanted = dataclasses.replace(
        facts.wanted(strategies.primitive("p"), nodes=("n1", "n2"), fencing_enabled="true"),
        fencing=fencing.Fencing((device,)),
    )
    seen = facts.seen(
        {"n1": {"p": "monitor-failed" if failed else "running"}, "n2": {}},
        presence={"n2": Presence.UNKNOWN},
    )
    due = facts.pipeline.schedule(wanted, seen)
    tasks = {one.task for one in due.actions if one.real}

    assert Task.START not in tasks
    assert (Task.STOP in tasks) is failed


@pytest.mark.parametrize("enabled", ["true", "false"])
def test_what_runs_beside_a_lost_node_keeps_its_parameters_until_it_may_be_started_again(enabled):
    """Whether the node cannot be fenced or nobody ever fences: a stop would be one for good."""
    device = fencing.FenceDevice("f", "fence_x", hosts=("n1",))
    wanted = dataclasses.replace(
        facts.wanted(strategies.primitive("p"), nodes=("n1", "n2"), fencing_enabled=enabled),
        fencing=fencing.Fencing((device,)),
    )
    seen = facts.seen({"n1": {"p": "running"}, "n2": {}}, presence={"n2": Presence.UNKNOWN})
    n1 = seen.nodes["n1"]
    operations = tuple(
        dataclasses.replace(one, digests=observed.Digests(all="0" * 32))
        for one in n1.histories["p"].operations
    )
    history = {"p": dataclasses.replace(n1.histories["p"], operations=operations)}
    nodes = {**seen.nodes, "n1": dataclasses.replace(n1, histories=history)}
    due = facts.pipeline.schedule(wanted, dataclasses.replace(seen, nodes=nodes))
    change = facts.change(due, "p")

    assert not [one for one in due.actions if one.resource == "p" and one.real]
    assert (change.kind, change.blocked) == (ChangeKind.RESTART, True)
    assert change.reason.subject == "n2"


@pytest.mark.parametrize(("state", "starts"), [("running", False), ("stopped", True)])
def test_who_requires_nothing_still_waits_for_a_lost_node_where_it_ran(state, starts):
    """Where nobody fences that is for ever: two copies of it are what no option asks for."""
    wanted = facts.wanted(strategies.primitive("p", requires="nothing"), nodes=("n1", "n2"))
    lost = facts.seen(
        {"n1": {"p": "stopped"}, "n2": {"p": state}}, presence={"n2": Presence.UNKNOWN}
    )
    due = facts.pipeline.schedule(wanted, lost)

    assert (Task.START in {one.task for one in due.actions}) is starts


def test_a_node_with_a_history_has_been_seen():
    """Where fencing is disabled, nothing moves while it may run there, too."""
    wanted = facts.wanted(strategies.primitive("p"), nodes=("n1", "n2", "n3"), shutdown_lock="true")
    seen = facts.seen(
        {"n1": {"p": "running"}, "n2": {"p": "running"}, "n3": {"p": "stopped"}},
        presence={"n2": Presence.UNSEEN},
    )
    locked = {"p": dataclasses.replace(seen.nodes["n2"].histories["p"], locked_at=seen.now - 60)}
    nodes = {
        **seen.nodes,
        "n1": dataclasses.replace(seen.nodes["n1"], shutdown=True),
        "n2": dataclasses.replace(seen.nodes["n2"], histories=locked),
    }
    seen = dataclasses.replace(seen, nodes=nodes)
    due = facts.pipeline.schedule(wanted, seen)

    assert Task.START not in {one.task for one in due.actions}


@pytest.mark.parametrize(("policy", "requires", "kind"), [
    ("stop", "quorum", "stop"), ("stop", "nothing", "leave"), ("freeze", "quorum", "leave"),
])  # fmt: skip
def test_what_nobody_manages_could_not_start_without_quorum_either(policy, requires, kind):
    """What is ordered after it stops, even if that needs no quorum itself."""
    resources = (
        strategies.primitive("a", is_managed="false", requires=requires),
        strategies.primitive("b", requires="nothing", resource_stickiness="1"),
    )
    wanted = facts.wanted(
        *resources, constraints=[constraint.Order("o", "a", "b")], no_quorum_policy=policy
    )
    states = {"n1": {"a": "running", "b": "running"}, "n2": dict.fromkeys("ab", "stopped")}
    due = facts.pipeline.schedule(wanted, facts.seen(states, quorate=False))

    assert facts.change(due, "b").kind.value == kind


def test_nobody_is_promoted_in_place_of_one_that_quorum_keeps_unpromoted():
    """Without quorum the best instance stays unpromoted, and the next only waits to be started."""
    clone = resource.Clone("c", strategies.primitive("p"), meta=strategies.sets(promotable="true"))
    scores = {name: {"master-p": "10"} for name in ("n1", "n2")}
    seen = facts.seen(
        {"n1": {"p": "running"}, "n2": {"p": "stopped"}}, attributes=scores, quorate=False
    )
    due = facts.pipeline.schedule(facts.wanted(clone, no_quorum_policy="demote"), seen)

    assert {one.next_role for one in due.changes} == {Role.UNPROMOTED}


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_no_member_is_promoted_while_another_cannot_start(state):
    """A cloned group is promoted as a whole, though its first member needs no quorum to be so."""
    group = resource.Group(
        "g", (strategies.primitive("a", requires="nothing"), strategies.primitive("b"))
    )
    clone = resource.Clone("c", group, meta=strategies.sets(promotable="true"))
    scores = {name: {"master-a": "10"} for name in ("n1", "n2")}
    states = {name: {"a": state, "b": "stopped"} for name in ("n1", "n2")}
    due = facts.pipeline.schedule(
        facts.wanted(clone), facts.seen(states, attributes=scores, quorate=False)
    )

    assert Task.PROMOTE not in {one.task for one in due.actions}
