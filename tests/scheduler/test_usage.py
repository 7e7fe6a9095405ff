"""How the capacities of nodes are used is told with the plan."""

from __future__ import annotations

import dataclasses

from scheduler import strategies
from scheduler import test_rules as facts

from reconciler.model import node
from reconciler.scheduler import pipeline


def _usage(strategy: str):
    resources = [
        dataclasses.replace(strategies.primitive(name), utilization=strategies.sets(cpu=need))
        for name, need in (("a", "3"), ("b", "9"))
    ]
    wanted = facts.wanted(*resources, strategies.primitive("c"), placement_strategy=strategy)
    nodes = (node.Node("n1", utilization=strategies.sets(cpu="4")), node.Node("n2"))
    return pipeline.schedule(dataclasses.replace(wanted, nodes=nodes), facts.seen()).usage


def test_what_is_placed_is_taken_from_what_a_node_holds():
    """Capacity, what is left of it, and who takes how much; what is not placed takes nothing."""
    found = _usage("utilization")

    assert found.original == {"n1": {"cpu": 4}, "n2": {}}
    assert found.remaining == {"n1": {"cpu": 1}, "n2": {}}
    assert found.assigned == (("a", "n1", {"cpu": 3}),)


def test_usage_is_told_only_where_it_counts():
    """With the default strategy nothing is told of capacities."""
    assert _usage("default") is None
