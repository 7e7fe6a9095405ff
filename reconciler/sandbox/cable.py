"""The cable of a node: what a controller talks through.

A small process listens at `<root>/<node>/link.sock` and passes bytes to and from the executor's socket. Where no
executor listens, a connection is closed at once. It is its own process so that it can be stopped as a whole:
a cut cable answers nothing and resets nothing.
"""

from __future__ import annotations

import contextlib
import pathlib
import socket
import threading
from typing import NoReturn

from reconciler.sandbox import background, layout, sockets

BACKLOG = 64
CONNECTIONS_MAX = 256
CONNECT_TIMEOUT_S = 5.0
CHUNK_BYTES = 64 * 1024


def run(files: layout.NodeFiles) -> NoReturn:
    """Detaches and carries connections until it is killed."""
    detached = background.detach(files.cable_record, files.log("cable"))
    try:
        server = sockets.listen(files.link_socket, BACKLOG)
    except OSError as error:
        detached.failed(str(error))
    detached.ready()
    serve(server, files.executor_socket)


def serve(server: socket.socket, target: pathlib.Path) -> NoReturn:
    """Accepts for ever; each connection has a thread for each direction."""
    places = threading.BoundedSemaphore(CONNECTIONS_MAX)
    while True:
        places.acquire()
        near, _ = server.accept()
        threading.Thread(target=_carry, args=(near, target, places), daemon=True).start()


def _carry(near: socket.socket, target: pathlib.Path, places: threading.BoundedSemaphore) -> None:
    with near:
        try:
            far = sockets.connect(target, CONNECT_TIMEOUT_S)
        except OSError:
            places.release()
            return
        with far:
            far.settimeout(None)
            back = threading.Thread(target=_copy, args=(far, near), daemon=True)
            back.start()
            _copy(near, far)
            back.join()
    places.release()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(CHUNK_BYTES):
            sink.sendall(piece)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
