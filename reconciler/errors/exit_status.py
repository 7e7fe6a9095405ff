"""The exit statuses of every command, as one table."""

from __future__ import annotations

import enum


class ExitStatus(enum.IntEnum):
    """What a command's exit status means; see the README's table."""

    SUCCESS = 0
    ERROR = 1
    CHANGES = 2
    APPROVAL_NEEDED = 3
    NOT_CONVERGED = 4
    STALE = 5
    USAGE = 64
    INVALID_MANIFEST = 65
