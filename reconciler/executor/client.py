"""A small synchronous client, for the shims, for tests, and for whoever stands before a node."""

from __future__ import annotations

import json
import os
import socket
import time
from collections import deque
from typing import Any, Deque, Dict, Optional

_READ_SIZE = 256 * 1024
DEFAULT_TIMEOUT_S = 60.0


class ExecutorError(Exception):
    """The executor refused a request.

    Args:
        error: The error object of the reply: `code`, `message`, and more by code.
    """

    def __init__(self, error: Dict[str, Any]) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.code: str = error["code"]
        self.error = error


class Client:
    """A connection to the executor at `path`; use it in a `with` statement.

    Raises:
        OSError: Nobody listens there, or it may not be used.
    """

    def __init__(self, path: str, timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
        self._socket = connect(path, timeout_s)
        self._timeout_s = timeout_s
        self._received = bytearray()
        self._identity = 0
        self._replies: Dict[int, Dict[str, Any]] = {}
        self._events: Deque[Dict[str, Any]] = deque()

    def __enter__(self) -> Client:  # noqa: PYI034  3.9 has no typing.Self
        return self

    def __exit__(self, *_failure: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def send(self, op: str, **fields: Any) -> int:
        """Send a request; returns its id, for `receive`."""
        self._identity += 1
        document = {"id": self._identity, "op": op, **fields}
        self._socket.sendall(json.dumps(document).encode() + b"\n")
        return self._identity

    def receive(self, identity: int) -> Dict[str, Any]:
        """Return the result of a request that was sent.

        Raises:
            ExecutorError: It was refused.
            ConnectionError: The executor has closed the connection.
            TimeoutError: No answer in time (`socket.timeout` on Python 3.9).
        """
        deadline = time.monotonic() + self._timeout_s
        while identity not in self._replies:
            self._read_one(deadline)
        reply = self._replies.pop(identity)
        if not reply["ok"]:
            raise ExecutorError(reply["error"])
        result: Dict[str, Any] = reply["result"]
        return result

    def call(self, op: str, **fields: Any) -> Dict[str, Any]:
        """Send a request and return its result; raises as `receive`."""
        return self.receive(self.send(op, **fields))

    def event(self, kind: Optional[str] = None, timeout_s: float = 10.0) -> Dict[str, Any]:
        """Return the next event (of this kind; others are dropped); raises as `receive`."""
        deadline = time.monotonic() + timeout_s
        while True:
            while not self._events:
                self._read_one(deadline)
            event = self._events.popleft()
            if kind in (None, event["event"]):
                return event

    def _read_one(self, deadline: float) -> None:
        while b"\n" not in self._received:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise socket.timeout("the executor did not answer in time")
            self._socket.settimeout(left_s)
            received = self._socket.recv(_READ_SIZE)
            if not received:
                raise ConnectionError("the executor has closed the connection")
            self._received += received
        line, _newline, rest = bytes(self._received).partition(b"\n")
        self._received = bytearray(rest)
        document = json.loads(line)
        if "event" in document:
            self._events.append(document)
        elif document["id"] is None:
            raise ExecutorError(document["error"])
        else:
            self._replies[document["id"]] = document


def connect(path: str, timeout_s: float) -> socket.socket:
    """Return a connected socket; the path may be longer than a socket's name.

    Raises:
        OSError: Nobody listens there, or it may not be used.
    """
    directory, name = os.path.split(path)
    holder = os.open(directory or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connected.settimeout(timeout_s)
        connected.connect(f"/proc/self/fd/{holder}/{name}")
    except OSError:
        connected.close()
        raise
    finally:
        os.close(holder)
    return connected
