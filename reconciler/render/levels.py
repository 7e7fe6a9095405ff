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
    return {key: level for _, level, key in _walked(due)}


def order(due: plan.Plan) -> tuple[tuple[int, str], ...]:
    """Return the keys of all actions so that each comes after those before it, with its place."""
    return tuple((place, key) for place, _, key in _walked(due))


def _walked(due: plan.Plan) -> list[tuple[int, int, str]]:
    before: dict[str, list[str]] = {one.key: [] for one in due.actions}
    after: dict[str, list[str]] = {one.key: [] for one in due.actions}
    for edge in due.edges:
        before[edge.after].append(edge.before)
        after[edge.before].append(edge.after)
    weight = {one.key: int(one.real) for one in due.actions}
    missing = {key: len(keys) for key, keys in before.items()}
    ready = [key for key, count in missing.items() if not count]
    levels: dict[str, int] = {}
    walked: list[tuple[int, int, str]] = []
    while ready:
        key = ready.pop()
        levels[key] = max((levels[one] for one in before[key]), default=0) + weight[key]
        walked.append((len(walked), levels[key], key))
        for one in after[key]:
            missing[one] -= 1
            if not missing[one]:
                ready.append(one)
    return walked


def steps(due: plan.Plan) -> tuple[tuple[Step, ...], ...]:
    """Return the steps of each level, first level first, in a stable order."""
    levels = of_actions(due)
    rows: dict[int, list[action.Action]] = {}
    for one in due.actions:
        if one.real and one.key in levels:
            rows.setdefault(levels[one.key], []).append(one)
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
    by_resource: dict[tuple[str, str, str], list[action.Action]] = {}
    for one in level:
        interval = f" every {duration.text(one.interval_ms)}" if one.interval_ms else ""
        name = instance(one)
        if one.task is action.Task.MONITOR and one.interval_ms:
            name += interval
        by_resource.setdefault((verb(one), one.task.value, name), []).append(one)
    merged: dict[tuple[str, str, tuple[str, ...]], list[tuple[str, int]]] = {}
    for (word, task, name), same in by_resource.items():
        nodes = tuple(sorted({_where(one) for one in same}))
        merged.setdefault((word, task, nodes), []).append((name, len(same)))
    found = [
        Step(
            word,
            tuple(sorted(name for name, _ in names if name)),
            nodes,
            action.Task(task),
            sum(count for _, count in names),
        )
        for (word, task, nodes), names in merged.items()
    ]
    return tuple(sorted(found, key=lambda one: (one.resources, one.verb, one.nodes)))


def _where(one: action.Action) -> str:
    return f"{one.node} (by {one.router})" if one.router and one.router != one.node else one.node
