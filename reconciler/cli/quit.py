"""How a command ends early: one line for people, and an exit status for programs."""

from __future__ import annotations


class Quit(Exception):  # noqa: N818 - it ends a command, which need not be an error
    """End the command.

    Attributes:
        status: what the shell is told.
        message: one line on stderr; empty: everything has been said.
        fix: what to do about it.
    """

    def __init__(self, status: int, message: str = "", *, fix: str = "") -> None:
        self.status = status
        self.message = message
        self.fix = fix
        super().__init__(message)
