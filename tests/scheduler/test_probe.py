"""Where resources are looked for."""

from __future__ import annotations

import pytest
from scheduler import strategies
from scheduler import test_rules as facts

from reconciler.model import constraint, resource
from reconciler.model.action import Task
from reconciler.model.constraint import ResourceDiscovery
from reconciler.model.role import Role

_NODES = ("n1", "n2", "n3")


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ({"n1": ResourceDiscovery.NEVER}, {"n2", "n3"}),
        ({"n1": ResourceDiscovery.EXCLUSIVE}, {"n1"}),
        ({"n1": ResourceDiscovery.NEVER, "n2": ResourceDiscovery.EXCLUSIVE}, {"n2"}),
    ],
)
@pytest.mark.parametrize("never_too", [False, True])
def test_exclusive_counts_more_than_never(said, asked, never_too):
    """Where a resource is looked for exclusively, it is, though another constraint says never."""
    exclusive = {node for node, word in said.items() if word is ResourceDiscovery.EXCLUSIVE}
    constraints = [
        constraint.Location(f"l-{node}", ("p",), node, 0, discovery=word)
        for node, word in said.items()
    ] + [
        constraint.Location(f"m-{node}", ("p",), node, 0, discovery=ResourceDiscovery.NEVER)
        for node in exclusive
        if never_too
    ]
    given = facts.wanted(strategies.primitive("p"), constraints=constraints, nodes=_NODES)
    due = facts.pipeline.schedule(given, facts.seen({node: {} for node in _NODES}))

    probes = {one.node for one in due.actions if one.task is Task.MONITOR and not one.interval_ms}
    assert probes == asked


@pytest.mark.parametrize(
    ("role", "asked"), [(Role.PROMOTED, {"n1", "n2", "n3"}), (Role.UNPROMOTED, {"n2", "n3"})]
)
def test_what_is_said_of_the_promoted_role_keeps_nobody_from_looking(role, asked):
    """A clone is looked for everywhere, whatever is said of where to look for what is promoted."""
    clone = resource.Clone("c", strategies.primitive("p"), meta=strategies.sets(promotable="true"))
    told = constraint.Location("l", ("c",), "n1", 1, role=role, discovery=ResourceDiscovery.NEVER)
    given = facts.wanted(clone, constraints=[told], nodes=_NODES)
    due = facts.pipeline.schedule(given, facts.seen({node: {} for node in _NODES}))

    probes = {one.node for one in due.actions if one.task is Task.MONITOR and not one.interval_ms}
    assert probes == asked
