"""Where a value stands in a person's files."""

from __future__ import annotations

from typing import NamedTuple


class Position(NamedTuple):
    """A place in a source: a manifest file, or a CIB with the id of its element.

    Attributes:
        file: path as the person gave it, or ``cib:ID`` for an element of a CIB.
        line: 1-based; 0 where the source has no lines.
        column: 1-based; 0 where the source has no columns.
    """

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}"


NOWHERE = Position("")
"""For values that no person wrote: built-in defaults and implied relations."""
