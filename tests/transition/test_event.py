"""What an observation would be if something had just happened."""

from __future__ import annotations

import pytest

from reconciler.model import action, observed, outcome
from reconciler.model.action import Task
from reconciler.model.agent import AgentName
from reconciler.model.observed import Presence
from reconciler.transition import event

_DUMMY = AgentName("ocf", "heartbeat", "Dummy")
_NOW = 500.0


def _record(operation: str, call: int, interval_ms: int = 0, rc: int = 0, expected: int = 0):
    return observed.OperationRecord(
        operation,
        interval_ms,
        call,
        rc,
        observed.OperationStatus.DONE,
        expected_rc=expected,
        digests=observed.Digests("d"),
    )


def _seen(**changes) -> observed.Observed:
    history = observed.ResourceHistory(
        "r", _DUMMY, (_record("start", 1), _record("monitor", 2, 10_000, 8, 8)), revision=3
    )
    values = {"attributes": {"a": "1"}, "histories": {"r": history}, "boot_id": "b", **changes}
    return observed.Observed(
        _NOW,
        quorate=True,
        nodes={"n": observed.ObservedNode("n", Presence.ONLINE, **values)},
        id="x",
    )


def test_a_lost_node_may_still_run_what_it_ran():
    """A node that falls silent is UNKNOWN, and keeps what it is known to have run."""
    seen = _seen(shutdown=True)

    node = event.lose_node(seen, "n").nodes["n"]

    assert (node.presence, node.shutdown) == (Presence.UNKNOWN, False)
    assert node.histories == seen.nodes["n"].histories


@pytest.mark.parametrize(
    "change", [event.leave, lambda seen, name: event.lose_node(seen, name, fencing=False)]
)
def test_a_node_that_left_runs_nothing(change):
    """Of a node that left in good order, or that nobody can fence, nothing is known any more."""
    node = change(_seen(), "n").nodes["n"]

    assert node.presence is Presence.OFFLINE
    assert (node.histories, node.attributes, node.boot_id) == ({}, {}, "")
    assert (node.expected_up, node.since) == (False, _NOW)


def test_a_node_joins():
    """A node that joins takes work, and is not to be fenced for anything before."""
    seen = event.leave(_seen(unclean_reason="odd"), "n")

    node = event.join(seen, "n").nodes["n"]

    assert (node.presence, node.expected_up, node.unclean_reason) == (Presence.ONLINE, True, "")


def test_a_node_that_was_never_seen_joins():
    """A node that is only configured can join too."""
    assert event.join(_seen(), "m").nodes["m"].presence is Presence.ONLINE


@pytest.mark.parametrize("on", [True, False])
def test_switches(on):
    """Standby and maintenance are set by command, which counts more than the manifest."""
    seen = event.maintenance(event.standby(_seen(), "n", on=on), "n", on=not on)

    assert (seen.nodes["n"].standby, seen.nodes["n"].maintenance) == (on, not on)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("2", {"a": "1", "b": "2"}), ("", {"a": "1"}), ("0", {"a": "1", "b": "0"})],
)
def test_an_attribute_is_set_or_taken_away(value, expected):
    """An attribute gets a value; an empty one takes it away."""
    seen = _seen(attributes={"a": "1", "b": "9"})

    assert event.set_attribute(seen, "n", "b", value).nodes["n"].attributes == expected


def test_quorum():
    """Quorum is as it is said to be."""
    assert event.quorum(_seen(), held=False).quorate is False


def test_tickets():
    """A granted ticket has its time and no standby; what is revoked is not forgotten."""
    granted = event.grant(event.ticket_standby(_seen(), "t", on=True), "t")
    revoked = event.revoke(granted, "t")

    assert granted.tickets["t"] == observed.TicketState(True, standby=False, last_granted=_NOW)
    assert revoked.tickets["t"] == observed.TicketState(False, standby=False, last_granted=_NOW)


@pytest.mark.parametrize(
    "change",
    [
        event.lose_node,
        event.leave,
        event.join,
        event.grant,
        lambda seen, name: event.standby(seen, name, on=True),
    ],
)
def test_every_event_gives_an_observation_of_its_own(change):
    """What an event gives has another id than what it happened to, and always the same."""
    assert change(_seen(), "n").id == change(_seen(), "n").id != "x"


def _ended(
    task: Task, rc: int, interval_ms: int = 0, *, fatal: bool = False
) -> observed.ObservedNode:
    operation = event.Operation("r", task, interval_ms, "n", rc, agent=_DUMMY, fatal=fatal)
    return event.finish(_seen(), operation).nodes["n"]


def test_a_failed_monitor_is_recorded_and_counted():
    """A failed operation is the latest of its kind, with the old digests, and counts."""
    node = _ended(Task.MONITOR, 7, 10_000)
    last = node.histories["r"].operations[-1]

    assert (last.operation, last.rc, last.expected_rc, last.call) == ("monitor", 7, 8, 3)
    assert (last.digests.all, last.changed_at) == ("d", _NOW)
    assert node.attributes["fail-count-r#monitor_10000"] == "1"
    assert node.attributes["last-failure-r#monitor_10000"] == "500"


@pytest.mark.parametrize(("fatal", "count"), [(True, "INFINITY"), (False, "1")])
def test_a_failed_start_may_be_fatal(fatal, count):
    """A start whose failure is fatal bans the resource from the node at once."""
    node = _ended(Task.START, 1, fatal=fatal)

    assert node.attributes["fail-count-r#start_0"] == count


@pytest.mark.parametrize("rc", [0, 7, 8])
def test_a_probe_answers(rc):
    """Whatever a probe finds is no failure."""
    node = _ended(Task.MONITOR, rc)

    assert node.histories["r"].operations[-1].status is observed.OperationStatus.DONE
    assert not any(name.startswith("fail-count") for name in node.attributes)


def test_success_counts_nothing():
    """An operation that ended as expected is recorded and not counted."""
    node = _ended(Task.MONITOR, 8, 10_000)

    assert node.histories["r"].operations[-1].rc == 8
    assert "fail-count-r#monitor_10000" not in node.attributes


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"node": "m"}, False),
        ({"task": Task.STOP}, False),
        ({"interval_ms": 10}, False),
        ({"resource": "q"}, False),
        ({"kind": action.ActionKind.PSEUDO}, False),
    ],
)
def test_an_action_is_recognized(changes, expected):
    """An operation is an action of a plan with the same resource, task, interval and node."""
    values = {"kind": action.ActionKind.RESOURCE, "task": Task.START, "resource": "r", "node": "n"}
    step = action.Action(key="k", **{**values, **changes})

    assert event.Operation("r", Task.START, 0, "n", 1).ends(step) is expected


def test_instances_are_told_apart():
    """An instance that is named with its number is that one only."""
    step = action.Action(
        "k", action.ActionKind.RESOURCE, Task.START, resource="r", instance=1, node="n"
    )

    assert event.Operation("r:1", Task.START, 0, "n", 1).ends(step)
    assert not event.Operation("r:2", Task.START, 0, "n", 1).ends(step)


def test_the_outcome_is_judged_by_what_was_expected():
    """The same exit code is a success where it was asked for, and a failure elsewhere."""
    operation = event.Operation("r", Task.MONITOR, 0, "n", 7)

    assert operation.outcome(7).ok
    assert operation.outcome(0) == outcome.Outcome(outcome.OutcomeKind.FAILURE, rc=7)
