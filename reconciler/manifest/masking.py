"""Source lines for display, with everything hidden in them that may be a secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from reconciler.agents import private
from reconciler.errors import position

_LINE = re.compile(
    rf"""(["']?[\w.-]*(?:{private.WORDS})[\w.-]*["']?\s*:\s*)(?![\s{{])(.+)$""", re.IGNORECASE
)
_MASK = "(hidden)"
_UNMISTAKABLE = 6
"""A value of this length is hidden wherever it stands; shorter ones could be any word."""

Spot = tuple[position.Position, str]
"""Where a secret stands in a file, and what it is."""


def masked(lines: Sequence[str], inline_values: Iterable[Spot]) -> tuple[str, ...]:
    """Return source lines for display, with everything hidden that may be a secret.

    Args:
        lines: the lines of one file.
        inline_values: secrets that stand in this file.
    """
    result = [
        _LINE.sub(rf"\g<1>{_MASK}", line)
        if any(hint in line.lower() for hint in private.HINTS)
        else line
        for line in lines
    ]
    for at, value in inline_values:
        first = at.line - 1
        if first < len(result):
            result[first] = result[first][: at.column - 1] + _MASK
        for index in range(first + 1, min(len(result), first + value.count("\n") + 3)):
            if lines[index].strip() and lines[index].strip() in value:
                result[index] = _MASK
        if len(value) >= _UNMISTAKABLE:
            result = [line.replace(value, _MASK) for line in result]
    return tuple(result)
