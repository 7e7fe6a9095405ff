"""Cancelling of recurring monitors that are configured no longer."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies
from scheduler import test_rules as facts

from reconciler.model.action import Task


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
