"""Turns: which instances of an ordered clone wait for which, over others that stay as they are."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler.test_ordering import before, clone
from scheduler.test_rules import location, seen, wanted

from reconciler.model import observed, plan
from reconciler.scheduler import pipeline

OTHER = observed.Digests(all="0" * 32)


def _plan(
    states: dict[str, str], *, away: tuple[str, ...] = (), other: tuple[str, ...] = (), **meta: str
) -> plan.Plan:
    """Return a plan for an ordered clone of p that may not be on some nodes.

    On ``other`` nodes it was started with other parameters.
    """
    found = seen({name: {"p": state} for name, state in states.items()})
    nodes = dict(found.nodes)
    for name in other:
        records = nodes[name].histories["p"].operations
        records = tuple(dataclasses.replace(one, digests=OTHER) for one in records)
        history = dataclasses.replace(nodes[name].histories["p"], operations=records)
        nodes[name] = dataclasses.replace(nodes[name], histories={"p": history})
    return pipeline.schedule(
        wanted(
            clone("c", "p", ordered="true", **meta),
            constraints=[location("c", name, -1000) for name in away],
            nodes=tuple(states),
        ),
        dataclasses.replace(found, nodes=nodes),
    )


@pytest.mark.parametrize(("state", "waits"), [("running", True), ("promoted", False)])
def test_who_loses_the_promoted_role_starts_without_a_turn(state, waits):
    """It only goes to another node, and those behind it need not wait for that."""
    states = {"n1": state, "n2": "running", "n3": "stopped", "n4": "stopped"}
    due = _plan(states, away=("n1",), promotable="true", clone_max="3")

    assert ("p:0_start_0@n4" in before(due, "p:2_start_0@n3")) is waits


@pytest.mark.parametrize(("promotable", "waits"), [("true", True), ("false", False)])
def test_a_stop_for_changed_parameters_has_no_turn(promotable, waits):
    """It has one only in a clone with roles."""
    states = dict.fromkeys(("n1", "n2", "n3"), "running")
    due = _plan(states, other=("n1", "n3"), promotable=promotable)

    assert ("p:2_stop_0@n3" in before(due, "p:0_stop_0@n1")) is waits


def test_what_cannot_stop_has_no_turn():
    """Those behind it wait for the ones before it instead."""
    states = {"n1": "running", "n2": "running", "n3": "stop-failed", "n4": "running"}
    due = _plan(states, away=tuple(states))

    assert "p:3_stop_0@n4" in before(due, "p:0_stop_0@n1")
