"""Stickiness and bans: what the past of a resource adds to its scores."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies
from scheduler import test_rules as facts

from reconciler.model import constraint, resource

BANNED = {"n1": -facts.INFINITY, "n2": -facts.INFINITY}
FAILED = {"n1": {"q": "monitor-failed"}, "n2": {}}


def _stops() -> resource.Primitive:
    """Return a primitive q whose failed monitor stops it."""
    monitor = resource.Operation("monitor", 10_000, on_fail=resource.OnFail.STOP)
    return dataclasses.replace(
        strategies.primitive("q", resource_stickiness="300"), operations=(monitor,)
    )


def test_what_a_failure_keeps_down_wishes_for_no_node():
    """Its stickiness does not move what it is placed with."""
    due = facts.pipeline.schedule(
        facts.wanted(
            strategies.primitive("p"),
            _stops(),
            constraints=[constraint.Colocation("k", "q", "p", facts.INFINITY)],
        ),
        facts.seen(FAILED),
    )

    assert due.ledgers["p"]["n1"].score == 0
    assert {name: due.ledgers["q"][name].score for name in BANNED} == BANNED


def test_a_clone_is_kept_down_by_the_failure_of_one_instance():
    """Of a cloned group no member runs anywhere then; only the clone itself was told."""
    group = resource.Group("g", (strategies.primitive("p"), _stops()))
    due = facts.pipeline.schedule(facts.wanted(resource.Clone("c", group)), facts.seen(FAILED))
    first = {one.instance: dict(one.scores) for one in reversed(due.moments)}
    last = {one.instance: dict(one.scores) for one in due.moments}

    assert first["c"] == BANNED
    assert first["g:0"] == {"n1": 0, "n2": 0}
    assert last["p:0"] == last["q:0"] == BANNED


def test_a_ban_of_an_anonymous_clone_is_for_all_of_it():
    """What failed too often in one instance of a group keeps every member of all away."""
    members = tuple(strategies.primitive(name, migration_threshold="1") for name in "pqr")
    counts = {"n2": {"fail-count-p#start_0": "INFINITY"}}
    due = facts.pipeline.schedule(
        facts.wanted(resource.Clone("c", resource.Group("g", members))),
        facts.seen(attributes=counts),
    )
    first = {one.instance: one.scores["n2"] for one in reversed(due.moments)}

    assert set(first.values()) == {-facts.INFINITY}
    assert {"c", "g:0", "r:0", "r:1"} <= set(first)


def test_what_keeps_a_resource_down_says_so_while_everything_is_stopped():
    """What "stop-all-resources" alone keeps down has the scores that it had."""
    due = facts.pipeline.schedule(
        facts.wanted(
            strategies.primitive("p"),
            strategies.primitive("q", target_role="Stopped"),
            stop_all_resources="true",
        ),
        facts.seen(),
    )

    assert {name: due.ledgers["q"][name].score for name in BANNED} == BANNED
    assert {name: due.ledgers["p"][name].score for name in BANNED} == {"n1": 0, "n2": 0}


def test_a_failed_stop_bans_only_the_instance_that_did_not_stop():
    """Others of its clone could run there, but for the one that still does."""
    clone = resource.Clone("c", strategies.primitive("p"))
    due = facts.pipeline.schedule(
        facts.wanted(clone), facts.seen({"n1": {"p": "stop-failed"}, "n2": {}})
    )
    first = {one.instance: one.scores["n1"] for one in reversed(due.moments)}

    assert first == {"c": 0, "p:0": -facts.INFINITY, "p:1": 0}
    assert set(due.placement["p:1"]) == {"n2"}


def test_a_failed_stop_bans_no_other_instance_that_can_be_told_apart():
    """Where two of a unique clone run, the one that did stop may be there again."""
    meta = strategies.sets(globally_unique="true", clone_max="2", clone_node_max="2")
    clone = resource.Clone("c", strategies.primitive("p"), meta=meta)
    states = {"n1": {"p:0": "running", "p:1": "stop-failed"}, "n2": {}}
    due = facts.pipeline.schedule(facts.wanted(clone), facts.seen(states))

    assert due.ledgers["p:0"]["n1"].score >= 0
    assert due.ledgers["p:1"]["n1"].score == -facts.INFINITY


@pytest.mark.parametrize(
    ("states", "where", "score"),
    [
        ({"n1": "running", "n2": "stop-failed"}, "n1", 0),
        ({"n1": "stop-failed", "n2": "running"}, "n2", facts.INFINITY),
    ],
)
def test_what_a_failure_blocks_is_bound_to_where_it_runs_only_if_read_since(states, where, score):
    """A node that was read before the failure was known is no place to stay for."""
    found = {name: {"p": state} for name, state in states.items()}
    due = facts.pipeline.schedule(facts.wanted(strategies.primitive("p")), facts.seen(found))

    assert due.ledgers["p"][where].score == score


@pytest.mark.parametrize(("kept", "score"), [("n2", 0), ("n1", facts.INFINITY)])
def test_what_a_node_in_maintenance_holds_is_bound_to_what_was_read_since(kept, score):
    """It runs on both nodes; the other one binds it only if it comes later."""
    states = {name: {"p": "running"} for name in ("n1", "n2")}
    wanted = facts.wanted(strategies.primitive("p"))
    nodes = tuple(dataclasses.replace(one, maintenance=one.name == kept) for one in wanted.nodes)
    due = facts.pipeline.schedule(dataclasses.replace(wanted, nodes=nodes), facts.seen(states))
    other = next(name for name in states if name != kept)

    assert due.ledgers["p"][other].score == score
