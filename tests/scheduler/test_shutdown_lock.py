"""Shutdown lock: resources wait for the node that was shut down under them."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies
from scheduler import test_rules as facts

from reconciler.model import observed, plan, resource
from reconciler.model.action import Task
from reconciler.model.observed import Presence


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
