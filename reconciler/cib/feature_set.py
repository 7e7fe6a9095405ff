"""Feature sets: which release wrote something, where its meaning depends on that."""

from __future__ import annotations

import re


def at_least(text: str, *since: int) -> bool:
    """Tell whether a feature set, as written, is not older than another."""
    return tuple(int(part) for part in re.findall(r"\d+", text)) >= since
