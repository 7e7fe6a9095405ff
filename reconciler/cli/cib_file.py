"""Reading a CIB for a verb: findings go to stderr, and a file that is none ends the verb."""

from __future__ import annotations

from reconciler.cib import document, read
from reconciler.cli import input_file
from reconciler.clock import SystemClock
from reconciler.errors.diagnostic import InvalidInputError

_FIX = "name a file with a CIB, e.g. what cibadmin -Q prints"


def imported(path: str, *, now: float | None = None) -> read.CibImport:
    """Return what a CIB file holds.

    Args:
        path: of the file; ``-``: stdin.
        now: seconds since 1970; None: the CIB's own ``execution-date``, else the clock's.

    Raises:
        Quit: it cannot be read, or is no CIB; why has been shown.
    """
    try:
        text = input_file.text(path, characters_max=document.MAXIMUM_CHARACTERS, fix=_FIX)
        return read.read(text, now=now, clock=SystemClock().now())
    except InvalidInputError as error:
        raise input_file.refused(path, error) from None
