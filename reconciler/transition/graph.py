"""The graph of a plan: what precedes what. Only this file knows networkx.

The library is imported when the first graph is made: it costs 0.15 s, which a command that plans
nothing must not pay. Cycles are looked for among strongly connected components, because looking for
one in the whole graph takes quadratic time where there is none.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import networkx as nx

    from reconciler.model.plan import Edge


class CyclicPlanError(ValueError):
    """A plan whose actions wait for each other: a mistake of ours, never acted upon."""

    def __init__(self, cycles: tuple[tuple[str, ...], ...]) -> None:
        self.cycles = cycles
        super().__init__("; ".join(" -> ".join(cycle) for cycle in cycles))


class UnknownKeyError(ValueError):
    """An edge that names an action which the plan does not hold: a mistake of ours."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """An acyclic graph of action keys; built by ``build``, never changed afterwards.

    Attributes:
        before: key to the keys that must have succeeded first, sorted.
        after: the other direction.
    """

    before: Mapping[str, tuple[str, ...]]
    after: Mapping[str, tuple[str, ...]]
    _held: nx.DiGraph[str]

    def levels(self) -> tuple[tuple[str, ...], ...]:
        """Return the keys in waves: every key stands after all that it waits for."""
        import networkx as nx

        return tuple(tuple(sorted(wave)) for wave in nx.topological_generations(self._held))

    def order(self) -> tuple[str, ...]:
        """Return one linear order, the same whatever order the edges came in."""
        import networkx as nx

        return tuple(nx.lexicographical_topological_sort(self._held))

    def reduced(self) -> tuple[tuple[str, str], ...]:
        """Return the fewest edges that mean the same, sorted: what a drawing should show."""
        import networkx as nx

        return tuple(sorted(nx.transitive_reduction(self._held).edges))


def build(keys: Iterable[str], edges: Iterable[Edge]) -> Graph:
    """Build the graph of a plan.

    Raises:
        UnknownKeyError: an edge names no action.
        CyclicPlanError: actions wait for each other.
    """
    held = _held(keys, edges)
    circles = _circles(held)
    if circles:
        raise CyclicPlanError(circles)
    return Graph(
        before={key: tuple(sorted(held.predecessors(key))) for key in held},
        after={key: tuple(sorted(held.successors(key))) for key in held},
        _held=held,
    )


def cycles(keys: Iterable[str], edges: Iterable[Edge]) -> tuple[tuple[str, ...], ...]:
    """Return one cycle of each knot of actions that wait for each other."""
    return _circles(_held(keys, edges))


def _held(keys: Iterable[str], edges: Iterable[Edge]) -> nx.DiGraph[str]:
    import networkx as nx

    held: nx.DiGraph[str] = nx.DiGraph()
    held.add_nodes_from(sorted(keys))
    for edge in sorted(edges):
        for key in (edge.before, edge.after):
            if key not in held:
                raise UnknownKeyError(f"{edge.before} -> {edge.after}: no action {key}")
        held.add_edge(edge.before, edge.after)
    return held


def _circles(held: nx.DiGraph[str]) -> tuple[tuple[str, ...], ...]:
    import networkx as nx

    found = []
    for knot in nx.strongly_connected_components(held):
        if len(knot) > 1 or any(held.has_edge(key, key) for key in knot):
            circle = [start for start, _ in nx.find_cycle(held.subgraph(sorted(knot)))]
            first = circle.index(min(circle))
            found.append(tuple(circle[first:] + circle[:first]))
    return tuple(sorted(found))
