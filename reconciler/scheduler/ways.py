"""Ways and cycles in small directed graphs, in an order that does not depend on chance."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

_T = TypeVar("_T", bound=Any)
MOST_CYCLES = 10


def cycles(graph: Mapping[_T, Iterable[_T]]) -> Iterator[list[_T]]:
    """Yield cycles that have no step in common, each a shortest one through one of its steps."""
    rest = {step: set(following) for step, following in graph.items()}
    for _ in range(MOST_CYCLES):
        rest = _trimmed(rest)
        cycle: list[_T] = []
        while rest and not cycle:
            start = min(rest)
            cycle = _cycle_through(start, rest)
            if not cycle:
                del rest[start]
        if not cycle:
            return
        yield cycle
        for step in cycle:
            rest.pop(step, None)


def _trimmed(graph: dict[_T, set[_T]]) -> dict[_T, set[_T]]:
    """Return a graph without the steps that lead to no cycle."""
    before: dict[_T, list[_T]] = {}
    left = {}
    for step, following in graph.items():
        inside = following & graph.keys()
        left[step] = len(inside)
        for one in inside:
            before.setdefault(one, []).append(step)
    loose = [step for step, number in left.items() if not number]
    gone = set(loose)
    while loose:
        for step in before.get(loose.pop(), ()):
            left[step] -= 1
            if not left[step] and step not in gone:
                gone.add(step)
                loose.append(step)
    return {step: following - gone for step, following in graph.items() if step not in gone}


def _cycle_through(start: _T, graph: Mapping[_T, Iterable[_T]]) -> list[_T]:
    """Return a shortest cycle through a step; empty where there is none."""
    came: dict[_T, _T] = {}
    queue = deque([start])
    while queue:
        step = queue.popleft()
        for following in sorted(graph.get(step, ())):
            if following == start:
                return _back(step, start, came)
            if following in graph and following not in came:
                came[following] = step
                queue.append(following)
    return []


def way(edges: Mapping[_T, Iterable[_T]], start: _T, end: _T) -> list[_T]:
    """Return a shortest way along the edges; empty where there is none."""
    came: dict[_T, _T] = {start: start}
    queue = deque([start])
    while queue:
        here = queue.popleft()
        for following in edges.get(here, ()):
            if following in came:
                continue
            came[following] = here
            if following == end:
                return _back(end, start, came)
            queue.append(following)
    return []


def _back(end: _T, start: _T, came: Mapping[_T, _T]) -> list[_T]:
    """Return the way from ``start`` to ``end`` that a search has noted."""
    path = [end]
    while path[-1] != start:
        path.append(came[path[-1]])
    return path[::-1]
