"""How much may be done at once: the cluster properties that bound a transition.

Pacemaker Explained, "Cluster options": ``batch-limit``, ``node-action-limit``,
``concurrent-fencing``. One fencing at a time is the default here: it is safer, and a second node that
is lost at the same time is fenced right after.
"""

from __future__ import annotations

from reconciler.frozen import frozen
from reconciler.model import attribute, desired

_TRUE = frozenset({"true", "yes", "on", "y", "1"})


@frozen
class Limits:
    """Bounds on actions in flight; 0 means no bound.

    Attributes:
        batch: in the whole cluster.
        per_node: on one node.
        concurrent_fencing: whether several nodes may be fenced at the same time.
    """

    batch: int = 0
    per_node: int = 0
    concurrent_fencing: bool = False


NO_LIMITS = Limits(concurrent_fencing=True)
"""Everything that is ready may be done."""


def of(wanted: desired.Desired) -> Limits:
    """Return the limits that the cluster properties set; words that are no numbers set none."""
    fencing = attribute.always(wanted.properties, "concurrent-fencing")
    return Limits(
        batch=_number(wanted, "batch-limit"),
        per_node=_number(wanted, "node-action-limit"),
        concurrent_fencing=isinstance(fencing, str) and fencing.strip().lower() in _TRUE,
    )


def _number(wanted: desired.Desired, name: str) -> int:
    text = attribute.always(wanted.properties, name)
    if not isinstance(text, str):
        return 0
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() else 0
