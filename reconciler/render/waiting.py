"""What waits for what: the real actions right before each real action of a plan.

Pseudo actions join orderings and mean nothing to a person; they are seen through.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from reconciler.model import action, plan
from reconciler.render import levels

Before = Mapping[str, tuple[str, ...]]
"""Key of a real action to the keys of the real actions right before it."""


def before(due: plan.Plan) -> Before:
    """Return the real actions right before each real action, sorted."""
    direct: dict[str, list[str]] = {one.key: [] for one in due.actions}
    for edge in due.edges:
        direct[edge.after].append(edge.before)
    real = {one.key: one.real for one in due.actions}
    found: dict[str, frozenset[str]] = {}
    for key in levels.order(due):
        seen: set[str] = set()
        for one in direct[key]:
            if real[one]:
                seen.add(one)
            else:
                seen |= found[one]
        found[key] = frozenset(seen)
    return {key: tuple(sorted(keys)) for key, keys in found.items() if real[key]}


def waiting(
    due: plan.Plan, known: Before, over: Collection[str], running: Collection[str]
) -> tuple[tuple[action.Action, tuple[action.Action, ...]], ...]:
    """Return the actions that cannot begin yet, each with what it still waits for."""
    by_key = {one.key: one for one in due.actions}
    result = []
    for key, keys in known.items():
        if key in over or key in running:
            continue
        missing = tuple(by_key[one] for one in keys if one not in over)
        if missing:
            result.append((by_key[key], missing))
    return tuple(result)
