"""The edge to the terminal: colour, width, prompts. Only this file knows escape sequences.

stdout is data, stderr is progress and diagnostics. Off a terminal there is neither colour nor
folding, and nothing is ever asked.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable
from typing import TextIO

from reconciler.cli.quit import Quit
from reconciler.errors.exit_status import ExitStatus
from reconciler.render import styled
from reconciler.render.styled import Line, Style

_CODES: dict[Style, str] = {
    Style.PLAIN: "",
    Style.STRONG: "1",
    Style.FAINT: "2",
    Style.GOOD: "32",
    Style.CHANGE: "33",
    Style.BAD: "31",
    Style.WARNING: "1;33",
    Style.NOTE: "36",
    Style.FENCE: "1;35",
}
_WIDTH_MIN = 40
_SIGPIPE_STATUS = 128 + 13


class Screen:
    """A stream with what is known about who reads it.

    Attributes:
        interactive: a person sees it as it is written.
        colours: escape sequences may be used.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.interactive = stream.isatty()
        self.colours = (
            self.interactive
            and not os.environ.get("NO_COLOR")
            and os.environ.get("TERM", "dumb") != "dumb"
        )

    @property
    def width(self) -> int | None:
        """Columns to fold to; None off a terminal."""
        if not self.interactive:
            return None
        import shutil

        return max(_WIDTH_MIN, shutil.get_terminal_size().columns)

    def lines(self, lines: Iterable[Line]) -> None:
        """Write lines. Raises Quit where nobody reads them any more."""
        rows = [self.painted(one).rstrip(" ") + "\n" for one in styled.fold(lines, self.width)]
        self.text("".join(rows))

    def text(self, text: str) -> None:
        """Write a text as it is, e.g. JSON. Raises Quit where nobody reads it any more."""
        try:
            self.stream.write(text)
            self.stream.flush()
        except BrokenPipeError:
            # Python must not try again at its end, when nothing can be told any more.
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), self.stream.fileno())
            raise Quit(_SIGPIPE_STATUS) from None

    def painted(self, one: Line) -> str:
        """Return a line with colours, where this stream has them."""
        if not self.colours:
            return one.text
        return "".join(
            f"\x1b[{_CODES[part.style]}m{part.text}\x1b[0m" if _CODES[part.style] else part.text
            for part in one.spans
        )


def output() -> Screen:
    """Return stdout."""
    return Screen(sys.stdout)


def error() -> Screen:
    """Return stderr."""
    return Screen(sys.stderr)


def note(text: str) -> None:
    """Write a line of progress to stderr."""
    error().lines([styled.line(text, hang=2)])


def can_ask() -> bool:
    """Tell whether a person is there to be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str, expected: str) -> bool:
    """Ask, and tell whether the answer is ``expected``; no answer is no.

    Raises:
        Quit: nobody is there to be asked, so an approval is needed that was not given.
    """
    if not can_ask():
        raise Quit(
            ExitStatus.APPROVAL_NEEDED, "approval is needed, and there is no terminal to ask"
        )
    screen = error()
    prompt = styled.line(styled.span(question, Style.STRONG), " ")
    sys.stderr.write("\n" + screen.painted(prompt))
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        sys.stderr.write("\n")
    return answer.strip() == expected


def can_draw() -> bool:
    """Tell whether stderr is a terminal that can move its cursor."""
    return sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
