"""Usage: what the nodes could hold, what was placed on them, and what is left."""

from __future__ import annotations

from reconciler.model.plan import Usage
from reconciler.scheduler import utilization
from reconciler.scheduler.placement import Assignment
from reconciler.scheduler.situation import Situation


def told(situation: Situation, assignment: Assignment) -> Usage | None:
    """Return how the capacities of the nodes are used; None where utilization decides nothing."""
    capacity = assignment.capacity
    if not capacity.counts:
        return None
    original = {node.name: capacity.original(node) for node in situation.nodes}
    remaining = {name: dict(amounts) for name, amounts in original.items()}
    assigned: list[tuple[str, str, utilization.Amounts]] = []
    for one in situation.expansion.all:
        where = assignment.chosen[one.index]
        if not one.is_primitive or where < 0 or not capacity.need(one):
            continue
        name, need = situation.nodes[where].name, capacity.need(one)
        assigned.append((one.name, name, need))
        left = remaining[name]
        for resource, value in need.items():
            left[resource] = left.get(resource, 0) - value
    return Usage(original, remaining, tuple(assigned))
