"""Reading a CIB for a verb: findings go to stderr, and a file that is none ends the verb."""

from __future__ import annotations

import dataclasses
import sys

from reconciler.cib import document, read
from reconciler.cli import terminal
from reconciler.cli.quit import Quit
from reconciler.clock import SystemClock
from reconciler.errors.diagnostic import Diagnostic, InvalidInputError
from reconciler.errors.exit_status import ExitStatus
from reconciler.errors.position import Position
from reconciler.render import diagnostics

STANDARD_INPUT = "-"
_BYTES_MAX = 4 * document.MAXIMUM_CHARACTERS
"""No character of UTF-8 is longer than four bytes."""


def imported(path: str, *, now: float | None = None) -> read.CibImport:
    """Return what a CIB file holds.

    Args:
        path: of the file; ``-``: stdin.
        now: seconds since 1970; None: the CIB's own ``execution-date``, else the clock's.

    Raises:
        Quit: it cannot be read, or is no CIB; why has been shown.
    """
    try:
        return read.read(text(path), now=now, clock=SystemClock().now())
    except InvalidInputError as error:
        found = [_placed(one, path) for one in error.diagnostics]
        terminal.error().lines(diagnostics.lines(found))
        raise Quit(ExitStatus.INVALID_MANIFEST) from None


def text(path: str) -> str:
    """Return the text of a file, or of stdin.

    Raises:
        Quit: it cannot be opened.
        InvalidInputError: it is too long, or no text.
    """
    try:
        if path == STANDARD_INPUT:
            content = sys.stdin.buffer.read(_BYTES_MAX + 1)
        else:
            with open(path, "rb") as stream:  # noqa: PTH123 - read no further than the limit
                content = stream.read(_BYTES_MAX + 1)
    except OSError as error:
        raise Quit(
            ExitStatus.INVALID_MANIFEST,
            f"{path}: {error.strerror}",
            fix="name a file with a CIB, e.g. what cibadmin -Q prints",
        ) from None
    if len(content) > _BYTES_MAX:
        found = f"longer than {document.MAXIMUM_CHARACTERS} characters"
        raise InvalidInputError([Diagnostic("cib-too-long", found)])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found = f"no UTF-8 text: byte {error.start} is {content[error.start]:#04x}"
        raise InvalidInputError([Diagnostic("cib-not-xml", found)]) from None


def _placed(one: Diagnostic, path: str) -> Diagnostic:
    where = Position(path, one.position.line, one.position.column)
    return dataclasses.replace(one, position=where)
