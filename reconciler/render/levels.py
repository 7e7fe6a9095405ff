"""The steps of a plan by level: what can run at the same time, and what comes after it.

Only this file decides what a step's level is: the length of the longest chain of real actions that
has to succeed before it. Pseudo actions pass levels on and have none themselves.
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.frozen import frozen
from reconciler.model import action, duration, plan
from reconciler.render.symbols import TASKS


@frozen
class Step:
    """Real actions of one level that do the same thing, on one or several nodes.

    Attributes:
        verb: what is done.
        resources, nodes: to what, and where; every resource on every node.
        count: how many actions these are.
    """

    verb: str
    resources: tuple[str, ...]
    nodes: tuple[str, ...]
    task: action.Task
    count: int

    @property
    def text(self) -> str:
        """The step as a phrase."""
        if not self.resources:
            return f"{self.verb} {', '.join(self.nodes)}"
        where = f" on {', '.join(self.nodes)}" if self.nodes else ""
        return f"{self.verb} {', '.join(self.resources)}{where}"


def of_actions(due: plan.Plan) -> dict[str, int]:
    """Return the level of every action, counted from 1; 0 for pseudo actions before any work."""
    _, found = _walked(due)
    return {one.key: level for one, level in zip(due.actions, found, strict=True)}


def order(due: plan.Plan) -> tuple[str, ...]:
    """Return the keys of all actions so that each comes after those before it."""
    walked, _ = _walked(due)
    return tuple(due.actions[place].key for place in walked)


def _walked(due: plan.Plan) -> tuple[list[int], list[int]]:
    """Return the places of actions in the plan, each after those before it, and all levels."""
    waits, followers = plan.waits(due)
    own = [int(one.kind is not action.ActionKind.PSEUDO) for one in due.actions]
    found = own.copy()
    walked = [place for place, count in enumerate(waits) if not count]
    # The list grows while it is walked.
    for place in walked:
        above = found[place]
        for follower in followers.get(place, ()):
            level = above + own[follower]
            found[follower] = max(found[follower], level)
            waits[follower] -= 1
            if not waits[follower]:
                walked.append(follower)
    return walked, found


def steps(due: plan.Plan) -> tuple[tuple[Step, ...], ...]:
    """Return the steps of each level, first level first, in a stable order."""
    rows: dict[int, list[action.Action]] = {}
    _, found = _walked(due)
    for one, level in zip(due.actions, found, strict=True):
        if one.real:
            rows.setdefault(level, []).append(one)
    return tuple(_merge(rows[level]) for level in sorted(rows))


def instance(one: action.Action) -> str:
    """Return the name under which an action's resource is shown."""
    if one.instance is None or ":" in one.resource:
        return one.resource
    return f"{one.resource}:{one.instance}"


def verb(one: action.Action) -> str:
    """Return what an action does as a verb: ``probe``, ``monitor every 2s``, ``start``."""
    if one.task is action.Task.MONITOR and not one.interval_ms:
        return "probe"
    return TASKS[one.task]


def phrase(one: action.Action) -> str:
    """Return an action as a phrase: ``start p_vip on ha-1``."""
    return _merge([one])[0].text


def _merge(level: Iterable[action.Action]) -> tuple[Step, ...]:
    alike: dict[tuple[action.Task, int, str, int | None], list[action.Action]] = {}
    for one in level:
        interval_ms = one.interval_ms if one.task is action.Task.MONITOR else 0
        what = (one.task, interval_ms, one.resource, one.instance)
        alike.setdefault(what, []).append(one)
    merged: dict[tuple[str, action.Task, tuple[str, ...]], list[tuple[str, int]]] = {}
    for (task, interval_ms, _, _), same in alike.items():
        name = instance(same[0])
        if interval_ms:
            name += f" every {duration.text(interval_ms)}"
        nodes = tuple(sorted({_where(one) for one in same}))
        merged.setdefault((verb(same[0]), task, nodes), []).append((name, len(same)))
    found = [
        Step(
            word,
            tuple(sorted(name for name, _ in names if name)),
            nodes,
            task,
            sum(count for _, count in names),
        )
        for (word, task, nodes), names in merged.items()
    ]
    return tuple(sorted(found, key=lambda one: (one.resources, one.verb, one.nodes)))


def _where(one: action.Action) -> str:
    return f"{one.node} (by {one.router})" if one.router and one.router != one.node else one.node
