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
    before: dict[int, list[int]] = {}
    for first_key, then_key in edges:
        first, then = numbers.get(first_key), numbers.get(then_key)
        if first is not None and then is not None:
            before.setdefault(then, []).append(first)
    return _Reduction(len(ranks), len(numbers), before).pairs()


class _Reduction:
    """The graph of numbered actions while it is reduced; the real ones come first."""

    def __init__(self, real: int, count: int, before: Mapping[int, Sequence[int]]) -> None:
        self._real = real
        self._nearest: dict[int, set[int]] = {}
        """The real actions just before each action that waits, seen through pseudo actions."""
        self._level = [0] * count
        self._followers = [0] * count
        for number in _in_order(before):
            self._enter(number, before[number])

    def _enter(self, number: int, before: Sequence[int]) -> None:
        near: set[int] = set()
        for first in before:
            if first < self._real:
                near.add(first)
            else:
                near |= self._nearest.get(first, set())
        if not near:
            return
        self._nearest[number] = near
        self._level[number] = 1 + max([self._level[first] for first in near])
        if number < self._real:
            for first in near:
                self._followers[first] += 1

    def pairs(self) -> list[list[int]]:
        """Return the pairs that no others imply, sorted."""
        found = [
            [first, then]
            for then, near in self._nearest.items()
            if then < self._real
            for first in self._unimplied(then, near)
        ]
        found.sort()
        return found

    def _unimplied(self, then: int, near: set[int]) -> set[int]:
        level = self._level
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
            reached = self._nearest.get(todo.pop(), set())
            new = {first for first in reached if level[first] >= floor} - seen
            seen |= new
            todo.extend(new)
        return near - seen


def _in_order(before: Mapping[int, Sequence[int]]) -> list[int]:
    """Return the numbers that wait for others, each after those of them before it."""
    after: dict[int, list[int]] = {}
    waits: dict[int, int] = {}
    for then, firsts in before.items():
        waiting = [first for first in firsts if first in before]
        waits[then] = len(waiting)
        for first in waiting:
            after.setdefault(first, []).append(then)
    done = [number for number, count in waits.items() if not count]
    for number in done:
        for then in after.get(number, ()):
            waits[then] -= 1
            if not waits[then]:
                done.append(then)
    return done
