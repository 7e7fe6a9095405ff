"""Times and lengths of time as people read them.

RFC 3339 in UTC, so that output does not depend on where it was made.
"""

from __future__ import annotations

import datetime as dt

_MINUTE_S = 60
_HOUR_S = 3_600
_DAY_S = 86_400


def rfc3339(seconds: float) -> str:
    """Return seconds since 1970 as ``2026-01-02T03:04:05Z``."""
    return dt.datetime.fromtimestamp(int(seconds), dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def length(seconds: float) -> str:
    """Return a length of time in at most two units: ``0.4 s``, ``12 s``, ``3 min 20 s``."""
    if seconds < 0:
        return "0 s"
    if seconds < 10:  # noqa: PLR2004 - tenths matter below ten seconds only
        tenths = round(seconds, 1)
        return f"{tenths:g} s" if tenths or not seconds else "<0.1 s"
    whole = int(seconds)
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return _two(whole, _MINUTE_S, "min", 1, "s")
    if whole < _DAY_S:
        return _two(whole, _HOUR_S, "h", _MINUTE_S, "min")
    return _two(whole, _DAY_S, "d", _HOUR_S, "h")


def _two(whole: int, big: int, big_unit: str, small: int, small_unit: str) -> str:
    rest = whole % big // small
    head = f"{whole // big} {big_unit}"
    return f"{head} {rest} {small_unit}" if rest else head
