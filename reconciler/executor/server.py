"""The socket: JSON lines in, JSON lines out, everything bounded.

Only root and the daemon's own user may connect (the socket's mode, and SO_PEERCRED). A line that
is too long, a reader that is too slow, or too much at once ends that connection and no other.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import struct
import sys
import traceback
from typing import Any, Dict, List, Optional

from reconciler.executor import loop as event_loop
from reconciler.executor import refusal, requests

LINE_MAX = 4 * 1024 * 1024
QUEUE_MAX = 8 * 1024 * 1024
REQUESTS_MAX = 1024
CONNECTIONS_MAX = 128
_READ_SIZE = 256 * 1024
_BACKLOG = 64
_CREDENTIALS = struct.Struct("3i")
_DEPTH_ERROR = "nested too deeply"


class Connection:
    """One client."""

    def __init__(self, server: Server, peer: socket.socket) -> None:
        self._server = server
        self._socket = peer
        self._received = bytearray()
        self._sending = bytearray()
        self._under_way = 0
        self._closing = False
        self.closed = False
        self.peer = requests.Peer(self.send)
        peer.setblocking(False)
        self._descriptor = peer.fileno()
        server.loop.watch(self._descriptor, selectors.EVENT_READ, self._ready)

    def send(self, document: Dict[str, Any]) -> None:
        """Send a document; a reader that does not keep up is closed."""
        if self.closed or self._closing:
            return
        line = _line(document)
        if len(line) > LINE_MAX and "id" in document:
            line = _line(_without_output(document))
        if len(line) > LINE_MAX and "id" in document:
            line = _line(_too_large(document["id"]))
        if len(self._sending) + len(line) > QUEUE_MAX:
            self.close()
            return
        self._sending += line
        self._write()

    def close(self) -> None:
        """Close at once; what was not sent is lost."""
        if self.closed:
            return
        self.closed = True
        self._server.loop.unwatch(self._descriptor)
        self._socket.close()
        self._server.gone(self)

    def _ready(self) -> None:
        """Write what waits and read what came; called for either."""
        if not self.closed and self._sending:
            self._write()
        if not self.closed and not self._closing:
            self._read()

    def _read(self) -> None:
        try:
            received = self._socket.recv(_READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        if not received:
            self.close()
            return
        searched = len(self._received)
        self._received += received
        if b"\n" in received:
            self._take_lines(searched)
        if len(self._received) > LINE_MAX:
            self._reject(f"a line may take {LINE_MAX} bytes")

    def _take_lines(self, searched: int) -> None:
        start = 0
        while not self.closed and not self._closing:
            end = self._received.find(b"\n", max(start, searched))
            if end < 0:
                break
            line = bytes(self._received[start:end])
            start = end + 1
            if len(line) > LINE_MAX:
                self._reject(f"a line may take {LINE_MAX} bytes")
            elif line.strip():
                self._take(line)
        del self._received[:start]

    def _take(self, line: bytes) -> None:
        try:
            wanted = json.loads(line)
        except (ValueError, RecursionError) as error:
            words = _DEPTH_ERROR if isinstance(error, RecursionError) else str(error)
            self._reject(f"not JSON: {words}")
            return
        if not isinstance(wanted, dict) or not _is_id(wanted.get("id")):
            self._reject("a request is an object with an integer id")
            return
        if self._under_way >= REQUESTS_MAX:
            self._reject(f"more than {REQUESTS_MAX} requests under way")
            return
        self._under_way += 1
        self._server.loop.background(self._answer(wanted))

    async def _answer(self, wanted: Dict[str, Any]) -> None:
        reply: Dict[str, Any]
        try:
            result = await self._server.requests.carry_out(self.peer, wanted)
            reply = {"id": wanted["id"], "ok": True, "result": result}
        except refusal.RefusedError as refused:
            reply = {"id": wanted["id"], "ok": False, "error": refused.document()}
        except Exception as error:  # noqa: BLE001  a defect in one operation must not take the node's monitors down
            traceback.print_exc(file=sys.stderr)
            failed = refusal.RefusedError(refusal.INTERNAL, type(error).__name__)
            reply = {"id": wanted["id"], "ok": False, "error": failed.document()}
        finally:
            self._under_way -= 1
        self.send(reply)

    def _reject(self, words: str) -> None:
        """Say what was wrong and close: what follows cannot be trusted to be a request."""
        error = refusal.RefusedError(refusal.BAD_REQUEST, words)
        self.send({"id": None, "ok": False, "error": error.document()})
        self._closing = True
        self._write()

    def _write(self) -> None:
        try:
            sent = self._socket.send(self._sending)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        del self._sending[:sent]
        if self._closing and not self._sending:
            self.close()
            return
        reading = 0 if self._closing else selectors.EVENT_READ
        interest = reading | (selectors.EVENT_WRITE if self._sending else 0)
        self._server.loop.watch(self._descriptor, interest, self._ready)


class Server:
    """The listening socket at `path`.

    Raises:
        OSError: It cannot be bound.
    """

    def __init__(self, loop: event_loop.Loop, path: str) -> None:
        self.loop = loop
        self.requests: requests.Requests
        self._connections: List[Connection] = []
        self._path = path
        self._socket: Optional[socket.socket] = _listening(path)
        loop.watch(self._socket.fileno(), selectors.EVENT_READ, self._accept)

    def _accept(self) -> None:
        if self._socket is None:
            return
        try:
            peer, _address = self._socket.accept()
        except OSError:
            return  # it has gone again, or no descriptor is free just now
        if len(self._connections) >= CONNECTIONS_MAX or not _may_connect(peer):
            peer.close()
            return
        self._connections.append(Connection(self, peer))

    def gone(self, connection: Connection) -> None:
        """Forget a connection that has closed."""
        self._connections.remove(connection)
        self.requests.gone(connection.peer)

    def stop_listening(self) -> None:
        """Accept nobody any more; those connected stay."""
        if self._socket is not None:
            self.loop.unwatch(self._socket.fileno())
            self._socket.close()
            self._socket = None
            os.unlink(self._path)  # noqa: PTH108  pathlib costs memory


def _listening(path: str) -> socket.socket:
    """Bind beside and rename: the path is never a socket with open permissions."""
    directory, name = os.path.split(path)
    beside = f"{name}.new"
    holder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for stale in (beside, name):
            _remove(stale, holder)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            # By descriptor, as the name of a socket is limited to 107 bytes.
            listening.bind(f"/proc/self/fd/{holder}/{beside}")
            os.chmod(f"{directory}/{beside}", 0o600)  # noqa: PTH101  pathlib costs memory
            listening.listen(_BACKLOG)
            listening.setblocking(False)
            os.rename(beside, name, src_dir_fd=holder, dst_dir_fd=holder)
        except OSError:
            listening.close()
            raise
    finally:
        os.close(holder)
    return listening


def _remove(name: str, directory: int) -> None:
    try:
        os.unlink(name, dir_fd=directory)
    except FileNotFoundError:
        return


def _may_connect(peer: socket.socket) -> bool:
    raw = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _pid, uid, _gid = _CREDENTIALS.unpack(raw)
    return uid in (0, os.geteuid())


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _line(document: Dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def _without_output(document: Dict[str, Any]) -> Dict[str, Any]:
    """Return an `observe` reply with every operation's output emptied; others as they are."""
    result = document.get("result", {})
    if "resources" not in result:
        return document
    resources = {name: _quiet(known) for name, known in result["resources"].items()}
    return {**document, "result": {**result, "resources": resources}}


def _quiet(known: Dict[str, Any]) -> Dict[str, Any]:
    failure = known["last_failure"]
    return {
        **known,
        "operations": [{**operation, "output": ""} for operation in known["operations"]],
        "last_failure": None if failure is None else {**failure, "output": ""},
    }


def _too_large(identity: int) -> Dict[str, Any]:
    error = refusal.RefusedError(refusal.TOO_LARGE, f"the reply exceeds {LINE_MAX} bytes")
    return {"id": identity, "ok": False, "error": error.document()}
