"""Unix sockets at paths of any length.

A socket address holds 107 bytes. Through an open descriptor of its directory, `/proc/self/fd/N/<name>` reaches
the same socket however deep the directory is.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import socket
from collections.abc import Iterator


@contextlib.contextmanager
def _short(path: pathlib.Path) -> Iterator[str]:
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)


def listen(path: pathlib.Path, backlog: int) -> socket.socket:
    """A socket listening at `path`, mode 0600, in place of whatever was there; raises OSError."""
    path.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        with _short(path) as address:
            before = os.umask(0o177)
            try:
                server.bind(address)
            finally:
                os.umask(before)
        server.listen(backlog)
    except OSError:
        server.close()
        raise
    return server


def connect(path: pathlib.Path, timeout_s: float) -> socket.socket:
    """A socket connected to `path`; raises OSError (also TimeoutError)."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    client.settimeout(timeout_s)
    try:
        with _short(path) as address:
            client.connect(address)
    except OSError:
        client.close()
        raise
    return client
