"""Writing a file that a person named: whole or not at all, and for nobody else to read."""

from __future__ import annotations

import os
import pathlib

from reconciler.cli.quit import Quit
from reconciler.errors.exit_status import ExitStatus


def save(name: str, text: str) -> None:
    """Write a file, replacing the one that is there. Raises Quit where that fails."""
    path = pathlib.Path(name)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as stream:  # noqa: PTH123 - it is open already
            stream.write(text)
        temporary.replace(path)
    except OSError as error:
        raise Quit(ExitStatus.ERROR, f"{path}: {error.strerror}") from None
