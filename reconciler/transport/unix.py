"""The transport to executors on this machine: their unix sockets."""

from __future__ import annotations

import asyncio
import os
import pathlib
import socket
import struct
from collections.abc import Callable

from reconciler.model import node
from reconciler.ports import clock as clock_port
from reconciler.transport import connection, link

_CREDENTIALS = struct.Struct("3i")


class UnixTransport:
    """Reaches executors by their sockets.

    Args:
        socket_of: says where a node's socket is.
        clock: time.
        timing: waits.
    """

    def __init__(
        self,
        socket_of: Callable[[node.Node], pathlib.Path],
        clock: clock_port.Clock,
        *,
        timing: connection.Timing = connection.DEFAULT,
    ) -> None:
        self._socket_of = socket_of
        self._clock = clock
        self._timing = timing

    async def connect(self, target: node.Node, *, deadline_s: float) -> connection.Connection:
        """Open a connection. Raises nodes.NodeUnreachableError."""
        path = self._socket_of(target)

        async def reach() -> link.Link:
            return await reached(path)

        return await connection.opened(
            target.name, reach, self._clock, deadline_s=deadline_s, timing=self._timing
        )


async def reached(path: pathlib.Path) -> link.Link:
    """Open a link to the socket at ``path``.

    Raises:
        OSError: nobody listens there, or somebody who is neither root nor we.
    """
    # By descriptor, as the name of a socket is limited to 107 bytes.
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        reader, writer = await asyncio.open_unix_connection(
            f"/proc/self/fd/{directory}/{path.name}"
        )
    finally:
        os.close(directory)
    if _owner(writer.get_extra_info("socket")) not in (0, os.geteuid()):
        writer.close()
        raise PermissionError(f"{path}: another user listens there")
    return link.Link(reader, writer)


def _owner(connected: socket.socket) -> int:
    raw = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(raw)
    return int(uid)
