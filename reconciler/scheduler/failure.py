"""Fail counts: how often a resource failed on a node, and whether that still counts.

Fail counts are node attributes ``fail-count-RSC#OP_INTERVAL`` with a matching ``last-failure-``
(Pacemaker Explained, "Handling resource failure"). Only this file reads them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from reconciler.frozen import frozen
from reconciler.model import property, score  # noqa: A004 - a module's name

_COUNT = "fail-count-"
_LAST = "last-failure-"


@frozen
class Count:
    """Failures of one resource on one node: how many, and when the last was (0: unknown)."""

    count: int = 0
    last: float = 0.0
    by_operation: Mapping[str, int] = dataclasses.field(default_factory=dict)

    def effective(self, timeout_ms: int, now: float) -> int:
        """Return the failures that have not expired."""
        return 0 if self.expired(timeout_ms, now) else self.count

    def expired(self, timeout_ms: int, now: float) -> bool:
        """Tell whether every failure is older than the time-out (0: they never expire)."""
        return bool(timeout_ms and self.last and self.last + timeout_ms / 1000 <= now)


NONE = Count()
"""No failure is on record."""


def read(attributes: Mapping[str, str]) -> dict[str, Count]:
    """Return the fail counts in a node's attributes, by resource history name."""
    counts: dict[str, dict[str, int]] = {}
    last: dict[str, float] = {}
    for name in sorted(attributes):
        if name.startswith(_COUNT):
            subject, _, operation = name[len(_COUNT) :].partition("#")
            value = property.score(attributes[name]) or 0
            counts.setdefault(subject, {})[operation] = value
        elif name.startswith(_LAST):
            subject = name[len(_LAST) :].partition("#")[0]
            try:
                when = float(attributes[name])
            except ValueError:
                continue
            last[subject] = max(last.get(subject, 0.0), when)
    found = {}
    for subject, operations in counts.items():
        total = score.total(value for value in operations.values())
        found[subject] = Count(total, last.get(subject, 0.0), operations)
    return found
