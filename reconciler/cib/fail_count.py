"""Fail counts in a CIB: which of them count depends on who wrote them.

Up to feature set 3.0.12 a resource had one fail count on each node; since then each of its
operations has one. Names of the other kind mean nothing (measured).
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.cib import feature_set as releases

_PREFIXES = ("fail-count-", "last-failure-")
_SINCE = (3, 0, 13)
_ANY_OPERATION = "#monitor_0"


def counting(attributes: Mapping[str, str], feature_set: str) -> dict[str, str]:
    """Return the attributes of a node, fail counts only as far as they count, by their new names."""
    separate = releases.at_least(feature_set, *_SINCE)
    found: dict[str, str] = {}
    for name, value in attributes.items():
        if not name.startswith(_PREFIXES):
            found[name] = value
        elif ("#" in name) == separate:
            found[name if separate else f"{name}{_ANY_OPERATION}"] = value
    return found
