"""The order among real actions: nothing lost, nothing said twice."""

from __future__ import annotations

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.plan import Edge
from reconciler.render import precedence


@st.composite
def _graphs(draw):
    """Return the number of real actions, and the edges of an acyclic graph of numbers."""
    size = draw(st.integers(1, 12))
    shuffled = draw(st.permutations(range(size)))
    pairs = st.tuples(st.integers(0, size - 1), st.integers(0, size - 1))
    chosen = draw(st.lists(pairs, max_size=40))
    edges = {(shuffled[low], shuffled[high]) for low, high in chosen if low < high}
    return draw(st.integers(0, size)), size, sorted(edges)


@given(_graphs())
def test_reduction_of_the_closure(graph):
    """The pairs are the transitive reduction of all that is ordered among the real actions."""
    real, size, edges = graph
    keys = [f"k{number:02}" for number in range(size)]
    whole = nx.DiGraph(edges)
    whole.add_nodes_from(range(size))
    among = nx.transitive_closure_dag(whole).subgraph(range(real))

    found = precedence.direct(
        {key: number for number, key in enumerate(keys[:real])},
        keys,
        [Edge(keys[first], keys[then]) for first, then in edges],
    )

    assert found == sorted(map(list, nx.transitive_reduction(among).edges))


def test_unknown_actions_are_ignored():
    """An edge that leads out of the plan says nothing about what is in it."""
    assert precedence.direct({"a": 0}, ["a"], [Edge("a", "gone"), Edge("gone", "a")]) == []
