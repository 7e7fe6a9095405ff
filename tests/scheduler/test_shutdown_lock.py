"""Shutdown lock: resources wait for the node that was shut down under them."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies
from scheduler import test_rules as facts

from reconciler.model import observed, plan, resource
from reconciler.model.action import Task
from reconciler.model.observed import Observed, Presence


def _due(
    state: str = "stopped",
    *,
    presence: Presence = Presence.OFFLINE,
    since: float = 0.0,
    leaves: bool = False,
    clone: bool = False,
    **properties: str,
) -> plan.Plan:
    """Return the plan for p on n1, which is gone or leaves, with n2 free to take it."""
    properties.setdefault("shutdown_lock", "true")
    one: resource.Resource = strategies.primitive("p")
    if clone:
        one = resource.Clone("c", one, meta=strategies.sets(clone_max="1"))
    seen = facts.seen({"n1": {"p": state}, "n2": {"p": "stopped"}}, presence={"n1": presence})
    left = seen.nodes["n1"]
    history = dataclasses.replace(left.histories["p"], locked_at=since)
    left = dataclasses.replace(left, histories={"p": history}, shutdown=leaves)
    seen = observed.Observed(strategies.NOW, True, {**seen.nodes, "n1": left})
    return facts.pipeline.schedule(facts.wanted(one, **properties), seen)


@pytest.mark.parametrize(("lock", "target"), [("true", ""), ("false", "n2")])
def test_a_leaving_node_keeps_what_it_runs(lock, target):
    """With shutdown-lock a resource stops with its node instead of moving."""
    due = _due("running", presence=Presence.ONLINE, leaves=True, shutdown_lock=lock)

    assert facts.change(due, "p").target == target


def test_a_locked_resource_waits_for_its_node():
    """While the node is away the resource stays down; when it is back it starts there."""
    since = strategies.NOW - 10

    assert not facts.change(_due(since=since), "p").target
    assert facts.change(_due(since=since, presence=Presence.ONLINE), "p").target == "n1"


def test_a_lock_ends_after_its_limit():
    """A lock older than shutdown-lock-limit is forgotten, and the resource may start elsewhere."""
    kept = _due(since=strategies.NOW - 10, shutdown_lock_limit="60s")
    ended = _due(since=strategies.NOW - 100, shutdown_lock_limit="60s")

    assert not facts.change(kept, "p").target
    assert facts.change(ended, "p").target == "n2"
    assert [one.node for one in ended.actions if one.task is Task.DELETE] == ["n1"]


def test_clones_are_never_locked():
    """An instance of a clone may run elsewhere while a node is shut down."""
    due = _due("running", presence=Presence.ONLINE, leaves=True, clone=True)

    assert "n2" in {one.target for one in due.changes}


def test_what_is_left_alone_is_locked_too():
    """A resource that nobody manages has no other node than the one that leaves."""
    one = strategies.primitive("p", is_managed="false")
    seen = facts.seen({"n1": {"p": "running"}, "n2": {"p": "stopped"}})
    left = dataclasses.replace(seen.nodes["n1"], shutdown=True)
    seen = dataclasses.replace(seen, nodes={**seen.nodes, "n1": left})
    due = facts.pipeline.schedule(facts.wanted(one, shutdown_lock="true"), seen)

    assert due.ledgers["p"]["n2"].score == -facts.INFINITY


def _locked(states: dict[str, str], locks: dict[str, float], **flags: Presence | bool) -> Observed:
    """Return an observation of p in these states, locked to some nodes; flags are about n1."""
    seen = facts.seen({name: {"p": state} for name, state in states.items()})
    nodes = dict(seen.nodes)
    for name, since in locks.items():
        history = dataclasses.replace(nodes[name].histories["p"], locked_at=since)
        nodes[name] = dataclasses.replace(nodes[name], histories={"p": history})
    for place, name in enumerate(nodes):
        nodes[name] = dataclasses.replace(nodes[name], place=place)
    nodes["n1"] = dataclasses.replace(nodes["n1"], **flags)
    return dataclasses.replace(seen, nodes=nodes)


def _plan(seen: Observed, *resources: resource.Resource, **properties: str) -> plan.Plan:
    wanted = facts.wanted(
        *(resources or (strategies.primitive("p"),)), shutdown_lock="true", **properties
    )
    return facts.pipeline.schedule(wanted, seen)


def _forgets(due: plan.Plan) -> list[str]:
    return [one.node for one in due.actions if one.task is Task.DELETE]


def test_what_is_active_is_not_locked_anew_while_an_old_lock_is_on_record():
    """A lock of what runs all the same is over, and the leaving node does not get another one."""
    states = {"n1": "running", "n2": "stopped"}
    due = _plan(_locked(states, {"n1": strategies.NOW - 10}, shutdown=True))

    assert facts.change(due, "p").target == "n2"
    assert _forgets(due) == ["n1"]


@pytest.mark.parametrize("presence", [Presence.ONLINE, Presence.UNKNOWN])
def test_the_lock_that_was_recorded_last_counts(presence):
    """Of two nodes with a lock the second has it, whatever became of the first."""
    locks = {"n1": strategies.NOW - 10, "n2": strategies.NOW - 20}
    due = _plan(_locked({"n1": "stopped", "n2": "stopped"}, locks, presence=presence))

    assert facts.change(due, "p").target == "n2"
    assert not _forgets(due)


def test_a_lost_node_keeps_its_lock():
    """What was shut down with its node waits for it, even if nobody knows where that is."""
    states = {"n1": "stopped", "n2": "stopped"}
    seen = _locked(states, {"n1": strategies.NOW - 10}, presence=Presence.UNKNOWN)

    assert not facts.change(_plan(seen), "p").target


@pytest.mark.parametrize(("managed", "forgets"), [("true", ["n1"]), ("false", [])])
def test_locks_of_what_nobody_may_act_on_are_left(managed, forgets):
    """A lock that is over is removed only if the resource is managed."""
    seen = _locked({"n1": "stopped", "n2": "stopped"}, {"n1": strategies.NOW - 100})
    one = strategies.primitive("p", is_managed=managed)

    assert _forgets(_plan(seen, one, shutdown_lock_limit="60s")) == forgets


def test_locks_of_clones_end_too():
    """What was recorded of an instance of a clone is removed after the limit, once."""
    seen = _locked({"n1": "stopped", "n2": "stopped"}, {"n1": strategies.NOW - 100})
    clone = resource.Clone("c", strategies.primitive("p"))

    assert _forgets(_plan(seen, clone, shutdown_lock_limit="60s")) == ["n1"]


def test_silent_nodes_are_read_where_there_are_locks():
    """Without fencing what a silent node last said counts, unless it runs elsewhere."""
    away = {"presence": Presence.OFFLINE}
    alone = _plan(_locked({"n1": "running", "n2": "stopped"}, {}, **away))
    twice = _plan(_locked({"n1": "running", "n2": "running"}, {}, **away))

    assert not facts.change(alone, "p").target
    assert [one for one in twice.actions if one.task in {Task.STOP, Task.START}] == []


def test_of_a_clone_silent_nodes_take_no_place():
    """An instance that a silent node may have keeps no other one from its place."""
    clone = resource.Clone("c", strategies.primitive("p"), meta=strategies.sets(clone_max="1"))
    states = {"n1": "running", "n2": "running"}
    due = _plan(_locked(states, {}, presence=Presence.OFFLINE), clone)

    assert "n2" not in [one.node for one in due.actions if one.task is Task.STOP]
