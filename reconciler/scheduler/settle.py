"""Settling: which steps are needed and which can run, to a fixed point.

*Required* only grows and *runnable* only shrinks, so the result is the same whatever the order in
which relations are applied, and the work ends after each step has changed at most twice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping

from reconciler.model.reason import Reason, ReasonCode
from reconciler.scheduler.step import Link, Step, Steps

_NEEDS, _IF_REQUIRED, _IF_WANTED = Link.NEEDS, Link.NEEDS_IF_REQUIRED, Link.NEEDS_IF_WANTED
_STUCK = _NEEDS | _IF_REQUIRED | _IF_WANTED
_THEN, _FIRST, _RESTART = Link.PULLS_THEN, Link.PULLS_FIRST, Link.RESTART


def settle(steps: Steps, seeds: list[Step] | None = None) -> None:
    """Apply all relations until nothing changes.

    Args:
        steps: all of them; their flags are changed in place.
        seeds: those that changed; None: look at all.
    """
    queue = deque(seeds if seeds is not None else steps.all)
    queued = {one.index for one in queue}
    wholes: dict[int, list[Step]] = {}
    for one in steps.all:
        for part in one.parts:
            wholes.setdefault(part.index, []).append(one)
    while queue:
        one = queue.popleft()
        queued.discard(one.index)
        for other in _consequences(one, wholes):
            if other.index not in queued:
                queued.add(other.index)
                queue.append(other)


def _consequences(one: Step, wholes: Mapping[int, list[Step]]) -> Iterator[Step]:
    """Apply what follows from one step; yield the steps that changed."""
    if one.runnable and one.lacks_parts():
        one.stop_short(Reason(ReasonCode.WAITS_FOR_BLOCKED, _subject(one)))
    telling_then = (_THEN if one.required and not one.held else 0) | (0 if one.runnable else _STUCK)
    if not telling_then:
        return
    for then, flags in one.after:
        if flags & telling_then and _forward(one, then, flags):
            yield then
    telling_first = _RESTART | (_FIRST | _IF_WANTED if one.required else 0)
    for first, flags in one.before:
        changed = _backward(first, one, flags) if flags & telling_first else None
        if changed is not None:
            yield changed
    for whole in wholes.get(one.index, ()) if not one.runnable else ():
        if whole.runnable and whole.lacks_parts():
            whole.stop_short(_waits(one))
            yield whole


def _subject(one: Step) -> str:
    return one.instance.base if one.instance is not None else one.name


def _waits(one: Step) -> Reason:
    if one.blocked is not None and one.blocked.code is ReasonCode.NO_QUORUM:
        return one.blocked
    return Reason(ReasonCode.WAITS_FOR_BLOCKED, _subject(one), origin=one.origin)


def _forward(first: Step, then: Step, flags: int) -> bool:
    moved = False
    if then.runnable and not first.runnable:
        stuck = flags & _NEEDS or (flags & _IF_REQUIRED and first.required)
        if stuck or (flags & _IF_WANTED and then.required):
            then.stop_short(_waits(first))
            moved = True
    if flags & _THEN and first.required and not (first.held or then.required or then.pinned):
        then.require(
            Reason(ReasonCode.REQUIRED_BY_ORDER, _subject(first), first.task.value, first.origin)
        )
        moved = True
    return moved


def _backward(first: Step, then: Step, flags: int) -> Step | None:
    """Apply a relation from its end; return the step that changed, if one did."""
    if flags & _IF_WANTED and then.required and then.runnable and not first.runnable:
        then.stop_short(_waits(first))
        return then
    if first.required or first.pinned:
        return None
    if flags & _FIRST and then.required:
        first.require(
            Reason(ReasonCode.REQUIRED_BY_ORDER, _subject(then), then.task.value, then.origin)
        )
        return first
    if flags & _RESTART and (then.required or not then.runnable):
        reason = then.reason if then.required and then.reason else then.blocked
        first.require(reason)
        return first
    return None
