"""Names that a person may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, valid: Iterable[str]) -> tuple[str, ...]:
    """Return the valid names that a person may have meant, best first, three at most."""
    known = list(dict.fromkeys(valid))
    found = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    if found:
        return tuple(found)
    folded = {one.lower(): one for one in known}
    return tuple(
        folded[one] for one in difflib.get_close_matches(name.lower(), folded, n=3, cutoff=0.6)
    )
