"""Files that a person names to be read: bounded, as text, and refused with their place."""

from __future__ import annotations

import dataclasses
import sys

from reconciler.cli import terminal
from reconciler.cli.quit import Quit
from reconciler.errors.diagnostic import Diagnostic, InvalidInputError
from reconciler.errors.exit_status import ExitStatus
from reconciler.errors.position import Position
from reconciler.render import diagnostics

STANDARD_INPUT = "-"
_BYTES_PER_CHARACTER_MAX = 4


def text(path: str, *, characters_max: int, fix: str) -> str:
    """Return the text of a file; ``-`` is stdin.

    Args:
        path: of the file.
        characters_max: a file that cannot have as few is not read to its end.
        fix: what to do where it cannot be opened.

    Raises:
        Quit: it cannot be opened.
        InvalidInputError: it is too long, or no text.
    """
    bytes_max = characters_max * _BYTES_PER_CHARACTER_MAX
    try:
        if path == STANDARD_INPUT:
            content = sys.stdin.buffer.read(bytes_max + 1)
        else:
            with open(path, "rb") as stream:  # noqa: PTH123 - read no further than the limit
                content = stream.read(bytes_max + 1)
    except OSError as error:
        raise Quit(ExitStatus.INVALID_MANIFEST, f"{path}: {error.strerror}", fix=fix) from None
    if len(content) > bytes_max:
        found = f"longer than {characters_max} characters"
        raise InvalidInputError([Diagnostic("file-too-long", found)])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found = f"no UTF-8 text: byte {error.start} is {content[error.start]:#04x}"
        raise InvalidInputError([Diagnostic("file-not-text", found)]) from None


def refused(path: str, error: InvalidInputError) -> Quit:
    """Show why a file was refused; return what ends the verb."""
    found = [
        dataclasses.replace(one, position=Position(path, one.position.line, one.position.column))
        for one in error.diagnostics
    ]
    terminal.error().lines(diagnostics.lines(found))
    return Quit(ExitStatus.INVALID_MANIFEST)
