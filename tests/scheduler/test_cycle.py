"""Circles among steps: given up where they are advisory, blocked where they are not."""

from __future__ import annotations

from reconciler.model.action import ActionKind, Task
from reconciler.scheduler import cycle
from reconciler.scheduler.step import Link, Steps, link


def _steps(*links):
    """Return as many required steps as the links name, bound by them."""
    steps = Steps(0)
    for number in range(1 + max(max(first, then) for first, then, _ in links)):
        steps.add(f"s{number}", ActionKind.PSEUDO, Task.NOTHING).required = True
    for first, then, flags in links:
        link(steps.all[first], steps.all[then], flags)
    return steps


def _edges(found):
    return sorted((first.index, then.index) for first, then in found)


def test_an_advisory_order_gives_way():
    """What only sorts is dropped where it closes a circle; nothing is blocked for it."""
    edges, findings = cycle.resolve(_steps((0, 1, Link.NEEDS), (1, 0, Link.ADVISORY)))

    assert _edges(edges) == [(0, 1)]
    assert findings == ()


def test_a_circle_that_stays_without_its_advisory_order_is_blocked():
    """Where others close a circle, too, its steps are blocked and told once."""
    steps = _steps(
        (0, 1, Link.NEEDS), (1, 2, Link.NEEDS), (2, 0, Link.NEEDS), (1, 0, Link.ADVISORY)
    )

    edges, findings = cycle.resolve(steps)

    assert edges == []
    assert [one.code for one in findings] == ["order-cycle"]
    assert not any(one.runnable for one in steps.all)
