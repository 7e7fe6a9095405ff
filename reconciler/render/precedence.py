"""The order among the real actions of a plan: the fewest pairs that say it all.

Pseudo actions only join orderings, so paths are followed through them; a pair that follows from
others is left out. A plan for thousands of resources has a hundred thousand actions, but nearly
all are probes, which wait for nothing and which one action waits for: nothing can imply those
pairs. What is left to doubt is settled by a search that never goes back further than the pairs in
doubt reach.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reconciler.model.plan import Edge


def direct(ranks: Mapping[str, int], keys: Iterable[str], edges: Iterable[Edge]) -> list[list[int]]:
    """Return the direct pairs of ranks, sorted.

    Args:
        ranks: keys of the real actions, numbered from 0 without a gap.
        keys: of all actions.
        edges: of the plan, which has no circle; others are ignored.
    """
    numbers = dict(ranks)
    for key in keys:
        numbers.setdefault(key, len(numbers))
    before: list[list[int]] = [[] for _ in numbers]
    for edge in edges:
        first, then = numbers.get(edge.before), numbers.get(edge.after)
        if first is not None and then is not None:
            before[then].append(first)
    return _Reduction(len(ranks), before).pairs()


class _Reduction:
    """The graph of numbered actions while it is reduced; the real ones come first."""

    def __init__(self, real: int, before: Sequence[Sequence[int]]) -> None:
        self._real = real
        self._nearest: list[set[int]] = [set() for _ in before]
        """The real actions just before each action, seen through pseudo actions."""
        self._level = [0] * len(before)
        self._followers = [0] * len(before)
        for number in _in_order(before):
            self._enter(number, before[number])

    def _enter(self, number: int, before: Sequence[int]) -> None:
        near = self._nearest[number]
        for first in before:
            if first < self._real:
                near.add(first)
            else:
                near |= self._nearest[first]
        if near:
            self._level[number] = 1 + max([self._level[first] for first in near])
        if number < self._real:
            for first in near:
                self._followers[first] += 1

    def pairs(self) -> list[list[int]]:
        """Return the pairs that no others imply, sorted."""
        found = [[first, then] for then in range(self._real) for first in self._unimplied(then)]
        found.sort()
        return found

    def _unimplied(self, then: int) -> set[int]:
        near, level = self._nearest[then], self._level
        if len(near) < 2:  # noqa: PLR2004 - a single one cannot be implied by another
            return near
        top = level[then] - 1
        doubtful = {first for first in near if self._followers[first] > 1 and level[first] < top}
        if not doubtful:
            return near
        floor = min(level[first] for first in doubtful)
        seen: set[int] = set()
        todo = [first for first in near if level[first] > floor]
        while todo:
            new = {first for first in self._nearest[todo.pop()] if level[first] >= floor} - seen
            seen |= new
            todo.extend(new)
        return near - seen


def _in_order(before: Sequence[Sequence[int]]) -> list[int]:
    """Return all numbers, each after those before it."""
    after: list[list[int]] = [[] for _ in before]
    waits = [len(firsts) for firsts in before]
    for then, firsts in enumerate(before):
        for first in firsts:
            after[first].append(then)
    done = [number for number, count in enumerate(waits) if not count]
    for number in done:
        for then in after[number]:
            waits[then] -= 1
            if not waits[then]:
                done.append(then)
    return done
