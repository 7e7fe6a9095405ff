"""Differences that are on purpose, told from those that are faults (ARCHITECTURE, decision 14).

Some are seen in the answers; of others the cause can be taken out of the CIB, and where nothing
that weighs differs then, the cause was it.
"""

from __future__ import annotations

import ast
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import conformance_causes
import conformance_names
import conformance_seen
from conformance_parts import Answer, Differences

from reconciler.cib import document


def seen(text: str, right: Answer, differences: Differences) -> str:
    """Return the decision that is seen in the reference's answer or in what differs; empty: none.

    Several may tell a part of what differs each.
    """
    cib = document.parse(text).root
    found = next(
        (name for name, told in conformance_seen.SEEN.items() if told(cib, right, differences)), ""
    )
    return found or _in_parts(right, differences)


def _in_parts(right: Answer, differences: Differences) -> str:
    """Return the decisions that tell all that weighs line by line; empty: they do not."""
    left = {
        (aspect, sign, line)
        for aspect in ("actions", "final")
        for sign, lines in differences.get(aspect, {}).items()
        for line in lines
    }
    names = []
    for name, lines in conformance_seen.LINES.items():
        told = left & lines(right)
        left -= told
        names += [name] if told else []
    return "" if left else "; ".join(names)


def removals(text: str, right: Answer, differences: Differences) -> Iterator[tuple[str, str]]:
    """Yield decisions that the CIB gives a cause for, each with the CIB without it."""
    causes = {**conformance_causes.CAUSES, **conformance_names.CAUSES}
    causes |= conformance_causes.CAUSES_OF_WAITING if _only_waits_for_fencing(differences) else {}
    for name, remove in causes.items():
        cib = document.parse(text).root
        if remove(cib, right):
            yield name, ET.tostring(cib, encoding="unicode")


def _only_waits_for_fencing(differences: Differences) -> bool:
    """Tell whether nothing differs but what waits for a fencing here, and not in the reference."""
    if set(differences) - {"order", "scores"}:
        return False
    order = differences.get("order", {})
    return not order.get("missing") and all(
        ast.literal_eval(pair)[0].startswith("fence ") for pair in order.get("extra", ())
    )
