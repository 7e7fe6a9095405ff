"""Recurring monitors of what is left alone, and of what a stop has ended."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies
from scheduler import test_rules as facts

from reconciler.model import observed, resource
from reconciler.model.action import Task
from reconciler.model.plan import Plan
from reconciler.model.role import Role
from reconciler.scheduler import digest

_OLD = strategies.record("monitor", 0, 3, 0, 7_000)
"""A monitor with an interval that is configured no longer."""
_START = strategies.record("start", 0, 2)
_MONITOR = observed.Digests(all=digest.digest({"CRM_meta_timeout": "20000"}))


def _with(name: str, *records: observed.OperationRecord) -> observed.ResourceHistory:
    """Return the history of something that was started, with more records."""
    started = strategies.history(name, "running")
    assert started is not None
    return dataclasses.replace(started, operations=(*started.operations, *records))


def _left(managed: str, **node: bool) -> Plan:
    """Return the plan for a resource with an old monitor, on the only node."""
    seen = facts.seen({"n1": {}})
    one = dataclasses.replace(seen.nodes["n1"], histories={"p": _with("p", _OLD)}, **node)
    wanted = facts.wanted(strategies.primitive("p", is_managed=managed), nodes=("n1",))
    return facts.pipeline.schedule(wanted, dataclasses.replace(seen, nodes={"n1": one}))


def test_an_old_monitor_is_cancelled():
    """What is configured no longer does not go on, and what is configured is started."""
    tasks = {(one.task, one.interval_ms) for one in _left("false").actions}

    assert {(Task.CANCEL, 7_000), (Task.MONITOR, 10_000)} <= tasks


@pytest.mark.parametrize(("managed", "watched"), [("true", set()), ("false", {10_000})])
@pytest.mark.parametrize("leaving", ["standby", "shutdown"])
def test_old_monitors_on_a_node_that_is_cleared_are_not_cancelled(managed, watched, leaving):
    """They end with the stop; what nobody manages is watched there, as it stays."""
    due = _left(managed, **{leaving: True}).actions

    assert not [one for one in due if one.task is Task.CANCEL]
    assert {one.interval_ms for one in due if one.task is Task.MONITOR} == watched


@pytest.mark.parametrize(("standby", "watched"), [(False, {10_000}), (True, set())])
def test_a_changed_monitor_of_what_nobody_manages_goes_on_where_the_node_is_cleared(
    standby, watched
):
    """Only one that does not run is started on a node that is to run nothing."""
    seen = facts.seen({"n1": {}})
    changed = strategies.record("monitor", 0, 3, 0, 10_000)
    one = dataclasses.replace(
        seen.nodes["n1"], histories={"p": _with("p", changed)}, standby=standby
    )
    wanted = facts.wanted(strategies.primitive("p", is_managed="false"), nodes=("n1",))
    due = facts.pipeline.schedule(wanted, dataclasses.replace(seen, nodes={"n1": one}))

    assert {one.interval_ms for one in due.actions if one.task is Task.MONITOR} == watched


def test_a_stop_that_failed_ended_the_monitors_before_it():
    """An old monitor of what is blocked by its failed stop is not cancelled any more."""
    old = strategies.record("monitor", 0, 3, 0, 7_000)
    seen = facts.seen({"n1": {}})
    history = _with("p", old, strategies.record("stop", 1, 4))
    one = dataclasses.replace(seen.nodes["n1"], histories={"p": history})
    due = facts.pipeline.schedule(
        facts.wanted(strategies.primitive("p"), nodes=("n1",)),
        dataclasses.replace(seen, nodes={"n1": one}),
    )

    assert Task.CANCEL not in {each.task for each in due.actions}


_WATCHES = resource.Operation("monitor", 20_000, role=Role.STOPPED)


def _monitor(rc: int, call: int, interval_ms: int, expected: int = 0) -> observed.OperationRecord:
    found = strategies.record("monitor", rc, call, expected, interval_ms)
    return dataclasses.replace(found, digests=_MONITOR)


_SEEN_STOPPED = _monitor(7, 3, 20_000, 7)
_SEEN_RUNNING = _monitor(0, 4, 10_000)
_FAILED = _monitor(1, 4, 10_000)


def _alone(one: resource.Resource, *records: observed.OperationRecord, **kinds: bool) -> Plan:
    """Return the plan for a resource with some history, on the only node."""
    seen = facts.seen({"n1": {}})
    history = observed.ResourceHistory("p", strategies.AGENT, records)
    there = dataclasses.replace(seen.nodes["n1"], histories={"p": history}, **kinds)
    return facts.pipeline.schedule(
        facts.wanted(one, nodes=("n1",)), dataclasses.replace(seen, nodes={"n1": there})
    )


def _cancelled(due: Plan) -> list[int]:
    return sorted(one.interval_ms for one in due.actions if one.task is Task.CANCEL)


def _watching() -> resource.Primitive:
    one = strategies.primitive("p")
    return dataclasses.replace(one, operations=(*one.operations, _WATCHES))


@pytest.mark.parametrize(
    ("records", "cancelled"),
    [
        pytest.param((_SEEN_STOPPED, _SEEN_RUNNING), [], id="found running since"),
        pytest.param((_SEEN_STOPPED, _FAILED), [20_000], id="found failed since"),
        pytest.param((_START, _SEEN_STOPPED, _FAILED), [20_000], id="a start is on record"),
    ],
)
def test_what_watches_that_nothing_runs_ends_before_the_start(records, cancelled):
    """It is cancelled even where a stop comes first, unless what found it active says it has ended."""
    assert _cancelled(_alone(_watching(), *records)) == cancelled


@pytest.mark.parametrize("unique", ["true", "false"])
def test_of_a_unique_clone_each_instance_is_watched_where_it_is_not(unique):
    """Instances that cannot be told apart are not."""
    clone = resource.Clone("c", _watching(), meta=strategies.sets(globally_unique=unique))
    due = facts.pipeline.schedule(facts.wanted(clone), facts.seen({"n1": {}, "n2": {}}))
    found = {one.key for one in due.actions if one.interval_ms == _WATCHES.interval_ms}

    both = {"p:0_monitor_20000@n2", "p:1_monitor_20000@n1"}
    assert found == (both if unique == "true" else set())


@pytest.mark.parametrize(("rc", "cancelled"), [(0, []), (1, [5_000])])
def test_a_failed_promoted_instance_that_sinks_loses_its_monitor(rc, cancelled):
    """One that is stopped for another reason takes its monitor of the promoted role with it."""
    roles = (
        resource.Operation("monitor", 5_000, role=Role.PROMOTED),
        resource.Operation("monitor", 7_000),
    )
    one = dataclasses.replace(strategies.primitive("p"), operations=roles)
    start = (
        dataclasses.replace(_START, digests=observed.Digests(all="0" * 32)) if not rc else _START
    )
    due = _alone(
        resource.Clone("c", one, meta=strategies.sets(promotable="true")),
        start,
        strategies.record("promote", 0, 3),
        _monitor(8, 4, 5_000, 8),
        *([_monitor(rc, 5, 7_000)] if rc else []),
    )

    assert Task.STOP in {each.task for each in due.actions}
    assert _cancelled(due) == cancelled


def test_a_node_in_maintenance_is_left_without_monitors_even_in_standby():
    """Its own maintenance keeps all that is there, so nothing ends with a stop."""
    seen = facts.seen({"n1": {}})
    history = {"p": _with("p", _OLD)}
    there = dataclasses.replace(seen.nodes["n1"], histories=history)
    wanted = facts.wanted(strategies.primitive("p"), nodes=("n1",))
    one = dataclasses.replace(wanted.nodes[0], standby=True, maintenance=True)
    due = facts.pipeline.schedule(
        dataclasses.replace(wanted, nodes=(one,)), dataclasses.replace(seen, nodes={"n1": there})
    )

    assert _cancelled(due) == [7_000]


@pytest.mark.parametrize(("maintenance", "cancelled"), [("true", [10_000]), ("false", [])])
def test_a_monitor_that_is_configured_twice_ends_in_maintenance_only(maintenance, cancelled):
    """Which of the two it is does not matter where none is to go on."""
    one = strategies.primitive("p", maintenance=maintenance)
    one = dataclasses.replace(one, operations=one.operations * 2)

    assert _cancelled(_alone(one, _START, _SEEN_RUNNING)) == cancelled
