"""Recurring monitors and probes: what is asked again, what ends, and who leaves last."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies
from scheduler import test_rules as facts

from reconciler.model import constraint, fencing, observed
from reconciler.model.action import Task
from reconciler.model.plan import ChangeKind
from reconciler.scheduler import digest


def _cancelled(*resources, attributes=None) -> list[str]:
    """Return where the monitor of p that nobody wants any more is cancelled."""
    seen = facts.seen({"n1": {"p": "running"}, "n2": {"p": "stopped"}})
    node = seen.nodes["n1"]
    old = strategies.record("monitor", 0, 9, 0, 7000)
    history = node.histories["p"]
    history = dataclasses.replace(history, operations=(*history.operations, old))
    nodes = {**seen.nodes, "n1": dataclasses.replace(node, histories={"p": history})}
    nodes["n1"] = dataclasses.replace(nodes["n1"], **(attributes or {}))
    due = facts.pipeline.schedule(facts.wanted(*resources), dataclasses.replace(seen, nodes=nodes))
    return [one.node for one in due.actions if one.task is Task.CANCEL]


def test_a_monitor_that_nobody_wants_is_cancelled():
    """A resource that stays where it is gets rid of a monitor that is not configured."""
    assert _cancelled(strategies.primitive("p")) == ["n1"]


@pytest.mark.parametrize(
    ("resources", "attributes"),
    [
        ((strategies.primitive("p", target_role="Stopped"),), {}),
        ((), {}),
        ((strategies.primitive("p"),), {"shutdown": True}),
    ],
    ids=["stopped for good", "removed", "node shuts down"],
)
def test_a_monitor_that_ends_by_itself_is_not_cancelled(resources, attributes):
    """Stopping for good, or with the node, ends the monitors too."""
    assert _cancelled(*resources, attributes=attributes) == []


@pytest.mark.parametrize(
    ("old", "again"),
    [
        (observed.OperationStatus.DONE, False),
        (observed.OperationStatus.PENDING, True),
    ],
)
def test_a_monitor_of_which_nothing_was_heard_is_started_again(old, again):
    """Only a monitor that has answered counts as running."""
    primitive = strategies.primitive("p")
    today = digest.digest({"CRM_meta_timeout": "20000"})
    seen = facts.seen({"n1": {"p": "running"}, "n2": {"p": "stopped"}})
    monitor = dataclasses.replace(
        strategies.record("monitor", 0, 9, 0, 10_000),
        status=old,
        digests=observed.Digests(all=today),
    )
    node = seen.nodes["n1"]
    records = (*node.histories["p"].operations, monitor)
    history = dataclasses.replace(node.histories["p"], operations=records)
    nodes = {**seen.nodes, "n1": dataclasses.replace(node, histories={"p": history})}
    due = facts.pipeline.schedule(facts.wanted(primitive), dataclasses.replace(seen, nodes=nodes))

    assert [one.task for one in due.actions] == [Task.MONITOR] * again


def test_a_probe_without_an_answer_is_asked_again():
    """What was asked and not answered is not known: the start waits for a new probe."""
    pending = dataclasses.replace(
        strategies.record("monitor", 193, 1, 7), status=observed.OperationStatus.PENDING
    )
    seen = facts.seen({"n1": {"p": "stopped"}, "n2": {"p": "stopped"}})
    node = seen.nodes["n1"]
    history = dataclasses.replace(node.histories["p"], operations=(pending,))
    nodes = {**seen.nodes, "n1": dataclasses.replace(node, histories={"p": history})}
    due = facts.pipeline.schedule(
        facts.wanted(strategies.primitive("p")), dataclasses.replace(seen, nodes=nodes)
    )

    assert [one.node for one in due.actions if one.expected_rc == 7] == ["n1"]


def test_the_coordinator_leaves_last():
    """Of several nodes that shut down, the one that carries out the plan is the last."""
    seen = facts.seen({"n1": {}, "n2": {}})
    nodes = {name: dataclasses.replace(one, shutdown=True) for name, one in seen.nodes.items()}
    due = facts.pipeline.schedule(facts.wanted(), dataclasses.replace(seen, nodes=nodes, dc="n1"))
    leaving = {one.node: one.key for one in due.actions if one.task is Task.SHUTDOWN}

    assert (leaving["n2"], leaving["n1"]) in {(one.before, one.after) for one in due.edges}


@pytest.mark.parametrize(("maintenance", "leaves"), [("true", True), ("false", False)])
def test_a_node_that_cannot_be_fenced_leaves_by_itself(maintenance, leaves):
    """One that should be fenced and asks to shut down does, where nothing is managed."""
    seen = facts.seen({"n1": {"p": "stop-failed"}, "n2": {}})
    one = dataclasses.replace(seen.nodes["n1"], shutdown=True)
    wanted = facts.wanted(
        strategies.primitive("p"), fencing_enabled="true", maintenance_mode=maintenance
    )
    device = fencing.FenceDevice("f", "fence_x", hosts=("n1", "n2"))
    due = facts.pipeline.schedule(
        dataclasses.replace(wanted, fencing=fencing.Fencing((device,))),
        dataclasses.replace(seen, nodes={**seen.nodes, "n1": one}),
    )

    assert bool([one for one in due.actions if one.task is Task.SHUTDOWN]) is leaves


@pytest.mark.parametrize(
    ("task", "before", "kinds"),
    [
        ("start", "stopped", [ChangeKind.RESTART]),
        ("monitor", "running", [ChangeKind.RESTART]),
        ("reload", "running", []),
    ],
)
def test_what_is_done_with_other_parameters_is_done_anew(task, before, kinds):
    """A start under way counts as one that was done, and so does a probe; a reload does not."""
    seen = facts.seen({"n1": {"p": before}, "n2": {"p": "stopped"}})
    node = seen.nodes["n1"]
    pending = dataclasses.replace(
        strategies.record(task, 193, -1),
        status=observed.OperationStatus.PENDING,
        digests=observed.Digests(all="0" * 32),
    )
    history = node.histories["p"]
    history = dataclasses.replace(history, operations=(*history.operations, pending))
    nodes = {**seen.nodes, "n1": dataclasses.replace(node, histories={"p": history})}
    due = facts.pipeline.schedule(
        facts.wanted(strategies.primitive("p")), dataclasses.replace(seen, nodes=nodes)
    )

    assert [one.kind for one in due.changes if one.kind is not ChangeKind.LEAVE] == kinds


@pytest.mark.parametrize(("first", "begun_anew"), [("stopped", True), ("running", False)])
def test_a_start_under_way_is_begun_anew_after_what_starts_before_it(first, begun_anew):
    """What is being started counts as running: it follows what it is ordered after."""
    seen = facts.seen({"n1": {"a": first, "p": "stopped"}, "n2": {"a": "stopped", "p": "stopped"}})
    node = seen.nodes["n1"]
    pending = dataclasses.replace(
        strategies.record("start", 193, -1), status=observed.OperationStatus.PENDING
    )
    history = dataclasses.replace(
        node.histories["p"], operations=(*node.histories["p"].operations, pending)
    )
    one = dataclasses.replace(node, histories={**node.histories, "p": history})
    resources = (strategies.primitive("a"), strategies.primitive("p", resource_stickiness="1"))
    due = facts.pipeline.schedule(
        facts.wanted(*resources, constraints=[constraint.Order("o", "a", "p")]),
        dataclasses.replace(seen, nodes={**seen.nodes, "n1": one}),
    )
    tasks = {each.task for each in due.actions if each.resource == "p"}

    assert Task.START in tasks
    assert (Task.STOP in tasks) is begun_anew
