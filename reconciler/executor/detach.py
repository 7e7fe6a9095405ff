"""Starting the daemon in the background, and telling the starter when it serves."""

from __future__ import annotations

import os
import sys
from typing import List, NoReturn, Sequence

from reconciler.executor import shipped

LOG = "executor.log"
READY_OPTION = "--ready-fd"
_LOG_MAX = 4 * 1024 * 1024
_READY = b"r"


def start(state_dir: str, options: Sequence[str]) -> int:
    """Start a detached daemon; returns 0 once it serves, 1 where it has ended instead.

    Its words until then go to this process's standard error, later ones to its log file.

    Args:
        state_dir: The state directory, which exists.
        options: The daemon's options, the state directory among them.

    Raises:
        OSError: Nothing could be started.
    """
    program = shipped.command(state_dir)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        os.set_inheritable(writer, True)
        _become([program, "daemon", "--foreground", READY_OPTION, str(writer), *options])
    os.close(writer)
    os.waitpid(child, 0)
    ready = os.read(reader, 1) == _READY
    os.close(reader)
    return 0 if ready else 1


def _become(argv: List[str]) -> NoReturn:
    """Become the daemon, in a session of its own and nobody's child but init's."""
    try:
        os.setsid()
        if os.fork() != 0:
            os._exit(0)
        os.chdir("/")
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, 0)
        os.dup2(nowhere, 1)
        os.close(nowhere)
        os.execv(argv[0], argv)  # noqa: S606  no shell is the point
    finally:
        sys.stderr.write(f"cannot run {argv[0]}\n")
        sys.stderr.flush()
        os._exit(1)


def ready(state_dir: str, descriptor: int) -> None:
    """Tell the starter that the daemon serves, and write to the log file from now on."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    log = os.open(f"{state_dir}/{LOG}", flags, 0o600)
    if os.fstat(log).st_size > _LOG_MAX:
        os.ftruncate(log, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    os.write(descriptor, _READY)
    os.close(descriptor)
