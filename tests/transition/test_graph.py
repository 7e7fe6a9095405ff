"""The graph of a plan."""

from __future__ import annotations

import pytest

from reconciler.model import plan
from reconciler.transition import graph


def edges(*pairs: str) -> tuple[plan.Edge, ...]:
    """Return edges from pairs of letters."""
    return tuple(plan.Edge(one[0], one[1]) for one in pairs)


def test_levels_put_every_key_after_what_it_waits_for():
    """Waves are sorted inside, and every key stands in the first wave that it can stand in."""
    built = graph.build("dcba", edges("ab", "ac", "bd", "cd"))

    assert built.levels() == (("a",), ("b", "c"), ("d",))


def test_order_does_not_depend_on_the_order_of_the_input():
    """The linear order is the same whatever order keys and edges come in."""
    pairs = edges("ab", "ac", "bd", "cd")

    orders = {
        graph.build(keys, pairs[::step]).order() for keys in ("abcd", "dcba") for step in (1, -1)
    }

    assert orders == {("a", "b", "c", "d")}


def test_reduced_leaves_out_what_follows_from_the_rest():
    """An edge that a longer way implies is not drawn."""
    assert graph.build("abc", edges("ab", "bc", "ac")).reduced() == (("a", "b"), ("b", "c"))


def test_a_cycle_is_named_from_its_smallest_key():
    """A plan whose actions wait for each other is refused, and the error names the cycle."""
    with pytest.raises(graph.CyclicPlanError) as caught:
        graph.build("abcd", edges("bc", "cd", "db", "ab"))

    assert caught.value.cycles == (("b", "c", "d"),)


def test_an_action_that_waits_for_itself_is_a_cycle():
    """A self loop counts as a cycle of one."""
    assert graph.cycles("ab", edges("aa")) == (("a",),)


def test_an_edge_to_nowhere_is_refused():
    """An edge must join two actions of the plan."""
    with pytest.raises(graph.UnknownKeyError, match="no action z"):
        graph.build("ab", edges("az"))
