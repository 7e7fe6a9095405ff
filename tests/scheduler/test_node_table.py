"""The order of nodes in the reference's tables."""

from __future__ import annotations

import pytest

from reconciler.scheduler import node_table


@pytest.mark.parametrize(
    ("ids", "first"),
    [
        (["1", "2"], "1"),
        (["2", "1"], "1"),
        (["a", "b", "c"], "b"),
        (["100", "101", "102"], "101"),
        (["host-19", "host-38"], "host-38"),
    ],
)
def test_nodes_come_in_the_order_of_the_table(ids, first):
    """The order depends on the ids alone (what crm_simulate 2.1.5 was seen to prefer)."""
    ranks = node_table.ranks(ids)

    assert ids[ranks.index(0)] == first


@pytest.mark.parametrize("count", [1, 7, 8, 16, 40, 1000])
def test_every_node_has_a_place_of_its_own(count):
    """Nodes whose hashes are the same are kept apart, however many there are."""
    ranks = node_table.ranks([f"node{number}" for number in range(count)])

    assert sorted(ranks) == list(range(count))
