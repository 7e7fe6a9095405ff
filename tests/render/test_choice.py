"""Why one node and not another: what is said of it is true of the scheduler."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings
from scheduler import strategies

from reconciler.model import constraint, desired, node, observed
from reconciler.model.observed import Presence
from reconciler.render import choice
from reconciler.scheduler import pipeline

PROFILE = settings(
    max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)


def chosen(
    *constraints: constraint.Constraint, running: str = "", names: tuple[str, ...] = ("a",)
) -> choice.Choice:
    """Return how the last of some resources got its node, of two; it may run on one of them."""
    wanted = desired.Desired(
        "c",
        properties=strategies.sets(fencing_enabled="false"),
        nodes=(node.Node("n1"), node.Node("n2")),
        resources=tuple(strategies.primitive(name) for name in names),
        constraints=constraints,
    )
    last = names[-1]
    nodes = {}
    for name in ("n1", "n2"):
        history = strategies.history(last, "running" if name == running else "stopped")
        assert history is not None
        nodes[name] = observed.ObservedNode(name, Presence.ONLINE, histories={last: history})
    seen = observed.Observed(strategies.NOW, quorate=True, nodes=nodes)
    found = choice.of(pipeline.schedule(wanted, seen), wanted, seen, last)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, choice.TieBreak.NAME),
        ({"names": ("b", "a")}, choice.TieBreak.LOAD),
        ({"running": "n2"}, choice.TieBreak.CURRENT),
    ],
)
def test_tie_breaks(arguments, expected):
    """Equal scores are told apart by load, the node where it runs, and name, and it is said."""
    assert chosen(**arguments).tie_break is expected


def test_margin_and_what_moves_it():
    """The margin is that to the best other node, and a preference must be higher than it."""
    found = chosen(constraint.Location("l", ("a",), "n2", 50))

    assert (found.node, found.runner_up, found.margin) == ("n2", "n1", 50)
    assert choice.as_json(found)["prefers_more_than"] == 50


def test_closed_nodes_come_with_what_closes_them():
    """A node that may not be taken is named with the first term that forbids it."""
    ban = constraint.Location("ban", ("a",), "n1", -1_000_000)
    ((name, term),) = chosen(ban).closed

    assert name == "n1"
    assert term is not None
    assert term.subject == "ban"


@PROFILE
@given(strategies.clusters())
def test_what_would_move_it_moves_it(cluster):
    """A location one point above what is told takes the resource to the runner-up."""
    wanted, seen = cluster
    due = pipeline.schedule(wanted, seen)
    if wanted.constraints:
        return
    for one in wanted.resources:
        found = choice.of(due, wanted, seen, one.name)
        if found is None or not found.movable:
            continue
        more = constraint.Location("more", (one.name,), found.runner_up, found.margin + 1)
        after = pipeline.schedule(dataclasses.replace(wanted, constraints=(more,)), seen)

        assert list(after.placement[one.name]) == [found.runner_up]
