"""Starting the daemon in the background, and telling the starter when it serves."""

from __future__ import annotations

import os
import sys
from typing import Callable

LOG = "executor.log"
_LOG_MAX = 4 * 1024 * 1024
_READY = b"r"


def start(state_dir: str, serve: Callable[[Callable[[], None]], int]) -> int:
    """Run `serve` in a detached child; returns 0 once it has said that it is ready, else 1.

    Args:
        state_dir: Where its log file is.
        serve: Gets a function to call when ready; returns the daemon's exit code.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _detached(state_dir, serve, writer)
    os.close(writer)
    os.waitpid(child, 0)
    ready = os.read(reader, 1) == _READY
    os.close(reader)
    return 0 if ready else 1


def _detached(state_dir: str, serve: Callable[[Callable[[], None]], int], writer: int) -> None:
    """Become a process of its own session that is nobody's child but init's."""
    os.setsid()
    if os.fork() != 0:
        os._exit(0)
    os.chdir("/")
    os.umask(0o077)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.close(nowhere)

    def ready() -> None:
        log = open_log(state_dir)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        os.write(writer, _READY)
        os.close(writer)

    code = 1
    try:
        code = serve(ready)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def open_log(state_dir: str) -> int:
    """Return the log file's descriptor; a log that has grown large is begun anew."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(f"{state_dir}/{LOG}", flags, 0o600)
    if os.fstat(descriptor).st_size > _LOG_MAX:
        os.ftruncate(descriptor, 0)
    return descriptor
