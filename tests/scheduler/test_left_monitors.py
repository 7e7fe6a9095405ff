"""Recurring monitors of what is left alone, and of what a stop has ended."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies
from scheduler import test_rules as facts

from reconciler.model import observed
from reconciler.model.action import Task
from reconciler.model.plan import Plan

_OLD = strategies.record("monitor", 0, 3, 0, 7_000)
"""A monitor with an interval that is configured no longer."""


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


@pytest.mark.parametrize("managed", ["true", "false"])
@pytest.mark.parametrize("leaving", ["standby", "shutdown"])
def test_monitors_on_a_node_that_is_cleared_stay_as_they_are(managed, leaving):
    """They end with the stop; of what nobody manages none is cancelled or started either."""
    tasks = {one.task for one in _left(managed, **{leaving: True}).actions}

    assert not tasks & {Task.CANCEL, Task.MONITOR}


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
