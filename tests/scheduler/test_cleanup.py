"""What is forgotten once it has stopped."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies
from scheduler.test_rules import location, seen, wanted

from reconciler.model.action import Task
from reconciler.model.plan import Plan
from reconciler.scheduler import pipeline


def _due(state: str, **properties: str) -> Plan:
    given = wanted(strategies.primitive("p"), constraints=[location("p", "n2", 5)], **properties)
    return pipeline.schedule(given, seen({"n1": {"p": state}, "n2": {"p": "stopped"}}))


def _deleted(due: Plan) -> set[str]:
    return {one.node for one in due.actions if one.task is Task.DELETE}


def test_what_stops_is_forgotten_before_it_starts_again():
    """With remove-after-stop the history goes between the stop and the next start."""
    due = _due("running", remove_after_stop="true")
    edges = {(one.before, one.after) for one in due.edges}

    assert _deleted(due) == {"n1"}
    assert {("p_stop_0@n1", "p_delete_0@n1"), ("p_delete_0@n1", "p_start_0@n2")} <= edges


def test_what_stops_is_remembered_otherwise():
    """Nothing is forgotten of a resource that is configured unless that is asked for."""
    assert not _deleted(_due("running"))


@pytest.mark.parametrize(("remove", "deleted"), [("false", {"n2"}), ("true", {"n1", "n2"})])
def test_a_node_that_is_to_run_nothing_forgets_only_what_is_to_be_forgotten(remove, deleted):
    """What is configured no longer is deleted there with remove-after-stop alone."""
    known = seen({"n1": {"p": "running"}, "n2": {"p": "stopped"}})
    leaving = dataclasses.replace(known.nodes["n1"], standby=True)
    due = pipeline.schedule(
        wanted(remove_after_stop=remove),
        dataclasses.replace(known, nodes={**known.nodes, "n1": leaving}),
    )

    assert _deleted(due) == deleted
