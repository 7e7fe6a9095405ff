"""Circles among orders: found, given up where they are advisory, and reported where they are not.

A plan never holds a circle. An advisory order that would close one is dropped; the steps of a
circle of mandatory orders are marked as unable to run, and so is all that needs them.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.errors import diagnostic, position
from reconciler.model.action import Task
from reconciler.model.reason import Reason, ReasonCode
from reconciler.scheduler import settle
from reconciler.scheduler.step import Link, Step, Steps

Edges = list[tuple[Step, Step]]
_UNORDERED = Link.UNORDERED


def in_plan(one: Step) -> bool:
    """Tell whether a step will be done."""
    return one.required and one.runnable


def resolve(steps: Steps) -> tuple[Edges, tuple[diagnostic.Diagnostic, ...]]:
    """Return the edges among the steps that will be done, without circles; settles what it blocks.

    Each round gives up or blocks something, so there is a last one.
    """
    findings: list[diagnostic.Diagnostic] = []
    dropped: set[tuple[int, int]] = set()
    while True:
        edges = _edges(steps, dropped)
        circles = _circles(steps, edges)
        if not circles:
            return edges, tuple(findings)
        blocked: list[Step] = []
        for circle in circles:
            inside = {one.index for one in circle}
            weak = _weak(circle, inside) - dropped
            if weak:
                dropped |= weak
                continue
            findings.append(_finding(circle))
            for one in circle:
                one.stop_short(Reason(ReasonCode.ORDER_CYCLE, one.name, origin=one.origin))
            blocked.extend(circle)
        settle.settle(steps, blocked)


def _edges(steps: Steps, dropped: set[tuple[int, int]]) -> Edges:
    found: Edges = []
    planned = [in_plan(one) for one in steps.all]
    for one in steps.all:
        if not one.before or not planned[one.index]:
            continue
        seen: set[int] = set()
        for first, flags in one.before:
            index = first.index
            if flags & _UNORDERED or not planned[index] or index in seen:
                continue
            seen.add(index)
            if not dropped or (index, one.index) not in dropped:
                found.append((first, one))
    return found


def _weak(circle: Sequence[Step], inside: set[int]) -> set[tuple[int, int]]:
    """Return edges of a circle to be given up: advisory ones, in every relation between the two.

    Where nodes wait for each other's capacity, first the last of them waits no more (measured).
    """
    strong: set[tuple[int, int]] = set()
    weak: set[tuple[int, int]] = set()
    for one in circle:
        for first, flags in one.before:
            if first.index in inside:
                (weak if flags & Link.ADVISORY else strong).add((first.index, one.index))
    weak -= strong
    reliefs = [one for one in circle if one.instance is None and one.task is Task.NOTHING]
    late = {edge for edge in weak if reliefs and edge[0] == reliefs[-1].index}
    return late or weak


def _circles(steps: Steps, edges: Edges) -> list[list[Step]]:
    """Return the strongly connected parts with more than one step."""
    # What waits for nothing is in no circle: of a large plan that is all but a few.
    waits = {then.index: 0 for _, then in edges}
    after: dict[int, list[int]] = {}
    before: dict[int, list[int]] = {}
    for first, then in edges:
        if first.index in waits:
            waits[then.index] += 1
            after.setdefault(first.index, []).append(then.index)
            before.setdefault(then.index, []).append(first.index)
    ready = [index for index, count in waits.items() if not count]
    while ready:
        for each in after.get(ready.pop(), ()):
            waits[each] -= 1
            if not waits[each]:
                ready.append(each)
    left = {index for index, count in waits.items() if count}
    return _components(steps, left, after, before) if left else []


def _components(
    steps: Steps, left: set[int], after: dict[int, list[int]], before: dict[int, list[int]]
) -> list[list[Step]]:
    found: list[list[Step]] = []
    unseen = set(left)
    for index in sorted(left):
        if index not in unseen:
            continue
        component = _reach(index, after, left) & _reach(index, before, left)
        unseen -= component
        if len(component) > 1:
            found.append([steps.all[each] for each in sorted(component)])
    return found


def _reach(start: int, edges: dict[int, list[int]], within: set[int]) -> set[int]:
    seen = {start}
    todo = [start]
    while todo:
        for each in edges.get(todo.pop(), ()):
            if each in within and each not in seen:
                seen.add(each)
                todo.append(each)
    return seen


def _finding(circle: Sequence[Step]) -> diagnostic.Diagnostic:
    names = ", ".join(one.name for one in circle if one.instance is not None)
    places = sorted({(one.origin, one.name) for one in circle if one.origin.file})
    return diagnostic.Diagnostic(
        code="order-cycle",
        message=f"actions wait for each other in a circle: {names}",
        position=places[0][0] if places else position.NOWHERE,
        severity=diagnostic.Severity.ERROR,
        fix="remove one of the order constraints, or make it Optional",
        related=tuple((place, name) for place, name in places[1:]),
    )
