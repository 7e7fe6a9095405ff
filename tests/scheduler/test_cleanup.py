"""What is forgotten once it has stopped."""

from __future__ import annotations

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
