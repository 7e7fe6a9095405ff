"""Relaying standard input and output to the daemon, started where none runs."""

from __future__ import annotations

import fcntl
import os
import select
import socket
import sys
import time
from typing import Callable

from reconciler.executor import client, daemon
from reconciler.executor import node as shared

_STARTING = "executor.start.lock"
_CONNECT_S = 10.0
_FAILED_S = 1.0  # somebody else may have started one in the foreground just now
_PAUSE_S = 0.05
_CHUNK = 256 * 1024


def attach(state_dir: str, start: Callable[[], int]) -> int:
    """Relay until either side closes; returns the exit code.

    Args:
        state_dir: The daemon's state directory.
        start: Starts the daemon in the background; returns 0 when it serves.
    """
    try:
        connected = _connected(state_dir, start)
    except OSError as error:
        print(f"no executor in {state_dir}: {error}", file=sys.stderr)  # noqa: T201  standard error is for people
        return 1
    with connected:
        _relay(connected)
    return 0


def _connected(state_dir: str, start: Callable[[], int]) -> socket.socket:
    """Connect; start the daemon while nobody else does, so that two callers start one."""
    path = f"{state_dir}/{shared.SOCKET}"
    try:
        return client.connect(path, _CONNECT_S)
    except OSError:
        daemon.make_private(state_dir)
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    lock = os.open(f"{state_dir}/{_STARTING}", flags, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            return client.connect(path, _CONNECT_S)
        except OSError:
            started = start() == 0
        return _patiently(path, _CONNECT_S if started else _FAILED_S)
    finally:
        os.close(lock)


def _patiently(path: str, patience_s: float) -> socket.socket:
    """Connect to a daemon that may be about to listen."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return client.connect(path, _CONNECT_S)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_S)


def _relay(connected: socket.socket) -> None:
    connected.settimeout(None)
    while True:
        readable, _writable, _odd = select.select([0, connected.fileno()], [], [])
        if connected.fileno() in readable:
            received = connected.recv(_CHUNK)
            if not received:
                return
            _write_all(1, received)
        if 0 in readable:
            given = os.read(0, _CHUNK)
            if not given:
                return
            connected.sendall(given)


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
