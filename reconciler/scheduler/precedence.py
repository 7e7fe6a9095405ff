"""Precedence: which of a clone's instances is looked at before which.

Instances are placed in this order, and promoted in it where their promotion scores are equal
(measured: what ``crm_simulate`` says of each comparison).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from reconciler.model.score import INFINITY
from reconciler.scheduler.instance import Instance

if TYPE_CHECKING:
    from reconciler.scheduler.placement import Placing


class Precedence:
    """Compares the instances of one clone, as they are now."""

    def __init__(self, placing: Placing, clone: Instance) -> None:
        self._placing = placing
        self._company = _company(placing, clone)

    def key(self, child: Instance, priority: int) -> tuple[int, ...]:
        """Return what an instance is sorted by; those that are equal stay as they are.

        Args:
            child: the instance.
            priority: the higher, the earlier.
        """
        standing = self._placing.situation.standing[child.index]
        running = standing.running
        if not running:
            return (0, -priority, 1)
        where = running[0]
        crowd = len(running) if len(running) > 1 else 0
        if self._placing.ranking.rows[child.index][where] < 0:
            # Of those that have to leave their nodes nothing else matters: once they are placed,
            # they stay in that order (measured).
            return (1, -priority, crowd)
        return (
            0,
            -priority,
            0,
            not self._placing.nodes[where].takes_resources,
            crowd,
            standing.failed,
            -self._company[where],
            child.number or 0,
        )

    def placed(self, clone: Instance, promotions: Mapping[int, int]) -> list[Instance]:
        """Return a clone's instances in the order in which they are placed.

        Args:
            clone: whose they are.
            promotions: promotion scores that raise priorities, by number of the instance.
        """
        return sorted(
            clone.children,
            key=lambda child: self.key(child, promotions.get(child.index, child.meta.priority)),
        )


def _company(placing: Placing, clone: Instance) -> list[int]:
    """Return what the clone's colocations say of each node, apart from everything else.

    What the clone follows and who follows the clone are heard with all that follow them in turn:
    what the clone follows brings its own wishes back. Nodes that are away, or are leaving, come
    after all others (measured).
    """
    row = [0 if node.online and not node.shutdown else -INFINITY for node in placing.nodes]
    for pair in placing.pairs.own_primaries(clone):
        row = placing.wishes.singly(row, pair.primary, pair, follows=False)
    for pair in placing.pairs.own_dependents(clone):
        if pair.influence:
            row = placing.wishes.singly(row, pair.dependent, pair, follows=True)
    return row
