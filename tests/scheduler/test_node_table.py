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
    assert ids[node_table.order(ids, range(len(ids)))[0]] == first


def test_a_table_that_is_full_grows_in_place():
    """With the eighth node a table grows, and nodes in the way of others go on (measured)."""
    ids = ["8", "7", "1", "9", "10", "12", "2", "100"]

    found = node_table.order(ids, range(len(ids)))

    assert [ids[place] for place in found] == ["100", "2", "8", "1", "7", "12", "9", "10"]


def test_names_are_sorted_by_the_numbers_in_them():
    """What enters the table first is node 9, not node 10."""
    assert node_table.by_name(["n10", "n9", "a"]) == [2, 1, 0]


@pytest.mark.parametrize("count", [1, 7, 8, 16, 40, 1000])
def test_every_node_has_a_place_of_its_own(count):
    """Nodes whose hashes are the same are kept apart, however many there are."""
    found = node_table.order([f"node{number}" for number in range(count)], range(count))

    assert sorted(found) == list(range(count))
