"""The transport by a program whose standard input and output lead to the executor.

``executor attach`` is such a program, and so is ``ssh`` that runs it on a node. What the program
writes to its error output explains why a node could not be reached.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from typing import IO

from reconciler.model import node
from reconciler.ports import clock as clock_port
from reconciler.ports import nodes
from reconciler.transport import connection, link

PASSED = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SSH_AUTH_SOCK", "USER")
"""All of our environment that the program gets: other variables may hold secrets."""
END_S = 2.0
"""How long the program may take to end after its input did."""
_WORDS_MAX = 500


def local_command(name: str, state_dir: pathlib.Path) -> tuple[str, ...]:
    """Return the command that reaches an executor on this machine, starting it where none runs."""
    return (
        sys.executable, "-I", "-m", "reconciler.executor",
        "attach", "--state-dir", str(state_dir), "--node", name,
    )  # fmt: skip


class AttachTransport:
    """Reaches executors through a program.

    Args:
        command_of: the program for a node, with its arguments; never secrets.
        clock: time.
        timing: waits.
    """

    def __init__(
        self,
        command_of: Callable[[node.Node], Sequence[str]],
        clock: clock_port.Clock,
        *,
        timing: connection.Timing = connection.DEFAULT,
    ) -> None:
        self._command_of = command_of
        self._clock = clock
        self._timing = timing

    async def connect(self, target: node.Node, *, deadline_s: float) -> connection.Connection:
        """Open a connection. Raises nodes.NodeUnreachableError."""
        command = self._command_of(target)
        with tempfile.TemporaryFile() as errors:

            async def reach() -> link.Link:
                return await _reached(command, None if errors.closed else errors)

            try:
                return await connection.opened(
                    target.name, reach, self._clock, deadline_s=deadline_s, timing=self._timing
                )
            except nodes.NodeUnreachableError as error:
                words = _said(errors)
                raise nodes.NodeUnreachableError(
                    f"{error}: {words}" if words else str(error)
                ) from None


async def _reached(command: Sequence[str], errors: IO[bytes] | None) -> link.Link:
    """Start the program. Raises OSError."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL if errors is None else errors,
        env={name: os.environ[name] for name in PASSED if name in os.environ},
        start_new_session=True,
        umask=0o077,
    )
    if process.stdin is None or process.stdout is None:
        raise AssertionError("pipes were asked for")

    async def end() -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                await process.wait()
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()

    return link.Link(process.stdout, process.stdin, closer=end)


def _said(errors: IO[bytes]) -> str:
    errors.seek(0)
    words = " ".join(errors.read(_WORDS_MAX).decode("utf-8", "replace").split())
    return "".join(char if char.isprintable() else "?" for char in words)
