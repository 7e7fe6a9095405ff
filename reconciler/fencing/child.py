"""Runs one program for one call to a fence device, for a bounded time.

Options, and with them passwords, go in on standard input and nowhere else. What the program writes
goes to unnamed files, so that a grandchild that keeps them open delays nothing, and at the deadline
the program's whole process group is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import tempfile
from collections.abc import Sequence
from typing import IO

from reconciler.frozen import frozen

LARGEST_INPUT = 48 * 1024
"""Bytes; below the 64 KiB that a pipe holds, so that writing the input never blocks."""
LARGEST_OUTPUT = 64 * 1024
"""Bytes that are kept of each output, counted from its end."""
LARGEST_FILE = 64 * 1024 * 1024
"""Bytes that the program may write to any file."""
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/"}
"""All that the program gets: nothing of ours can change what a fence agent does."""


@frozen
class Ended:
    """How a program ended.

    Attributes:
        status: exit status, negative for a signal; None: it was killed at the deadline.
        output, errors: the ends of what it wrote.
    """

    status: int | None
    output: str = ""
    errors: str = ""


async def run(command: Sequence[str], request: bytes, *, deadline_s: float) -> Ended:
    """Run a program with ``request`` as its input and return how it ended.

    Args:
        command: absolute path and arguments; never secrets.
        request: its input, at most LARGEST_INPUT bytes.
        deadline_s: when it is killed, seconds from now.

    Raises:
        OSError: it could not be started.
        ValueError: the request is too large.
    """
    if len(request) > LARGEST_INPUT:
        raise ValueError("the request is too large")
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = await _start(command, request, output, errors)
        try:
            status = await asyncio.wait_for(process.wait(), deadline_s)
        except TimeoutError:
            status = None
        finally:
            await _kill(process)
        return Ended(status, _end_of(output), _end_of(errors))


async def _start(
    command: Sequence[str], request: bytes, output: IO[bytes], errors: IO[bytes]
) -> asyncio.subprocess.Process:
    readable, writable = os.pipe()
    try:
        os.write(writable, request)
        os.close(writable)
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=readable,
            stdout=output,
            stderr=errors,
            env=ENVIRONMENT,
            cwd="/",
            umask=0o077,
            start_new_session=True,
        )
    finally:
        os.close(readable)
    with contextlib.suppress(ProcessLookupError):
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
        # A core file would hold the password.
        resource.prlimit(process.pid, resource.RLIMIT_CORE, (0, 0))
    return process


async def _kill(process: asyncio.subprocess.Process) -> None:
    # Only while the leader is not reaped is its number sure to be the group's.
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _end_of(file: IO[bytes]) -> str:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - LARGEST_OUTPUT))
    return file.read(LARGEST_OUTPUT).decode("utf-8", "replace")


def printable(text: str, *, longest: int = 600) -> str:
    """Return the end of what a program wrote as one line without control characters."""
    words = " ".join(text.split())
    return "".join(char if char.isprintable() else "?" for char in words)[-longest:]
