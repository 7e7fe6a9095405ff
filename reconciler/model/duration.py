"""Durations as Pacemaker reads them: a number with a unit, or an ISO 8601 duration.

Pacemaker Explained, "Time intervals and durations"; a bare number means seconds.
"""

from __future__ import annotations

import re

_UNITS_MS = {
    "us": 0.001,
    "usec": 0.001,
    "ms": 1,
    "msec": 1,
    "": 1_000,
    "s": 1_000,
    "sec": 1_000,
    "m": 60_000,
    "min": 60_000,
    "h": 3_600_000,
    "hr": 3_600_000,
}
_PLAIN = re.compile(r"\s*(\d{1,15})\s*([a-zA-Z]*)\s*")
_LOOSE = re.compile(r"\s*(\d{1,15})(?:\.\d*)?\s*(?:(us|ms|s|m|h).*)?", re.IGNORECASE)
_ISO = re.compile(
    r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?"
    r"(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?"
)
_SHORT = re.compile(r"P(\d+[HS])")
"""Old files write ``P10S`` for ``PT10S``, which Pacemaker reads all the same."""
_ISO_MS = (31_536_000_000, 2_592_000_000, 604_800_000, 86_400_000, 3_600_000, 60_000, 1_000)
MAXIMUM_MS = 10 * 31_536_000_000
"""Ten years: longer durations are taken for mistakes."""


def parse_ms(text: str) -> int | None:
    """Return the milliseconds that ``text`` means, or None where it is no duration."""
    plain = _PLAIN.fullmatch(text)
    if plain:
        factor = _UNITS_MS.get(plain[2].lower())
        if factor is None:
            return None
        value = int(int(plain[1]) * factor)
    else:
        word = _SHORT.sub(r"PT\1", text.strip())
        iso = _ISO.fullmatch(word)
        if iso is None or word in {"P", "PT"} or not any(iso.groups()):
            return None
        value = sum(
            int(number or 0) * factor for number, factor in zip(iso.groups(), _ISO_MS, strict=True)
        )
    return value if value <= MAXIMUM_MS else None


def loose_ms(text: str) -> int | None:
    """Return the milliseconds that Pacemaker takes a text for, or None where it is no duration.

    It cuts off fractions, and knows a unit by its beginning, whatever comes after that (measured).
    """
    exact = parse_ms(text)
    found = _LOOSE.fullmatch(text)
    if exact is not None or found is None:
        return exact
    return parse_ms(f"{found[1]}{found[2] or ''}")


def text(milliseconds: int) -> str:
    """Return a duration as a person would write it, in the largest whole unit."""
    for unit, factor in (("h", 3_600_000), ("min", 60_000), ("s", 1_000)):
        if milliseconds and milliseconds % factor == 0:
            return f"{milliseconds // factor}{unit}"
    return "0s" if not milliseconds else f"{milliseconds}ms"
