"""Looking into nodes from outside: their addresses, their executors, and programs run in their namespaces."""

from __future__ import annotations

import contextlib
import enum
import json
import os
import pathlib
import signal
import subprocess
from collections.abc import Sequence
from typing import Any

from reconciler.sandbox import layout, network, power, processes, sockets, spec

RUN_TIMEOUT_S = 30.0
HELLO_BYTES_MAX = 1024 * 1024


class View(enum.Enum):
    """How much of a node a program sees that is run in it."""

    NETWORK = "network"
    NODE = "node"


def addresses(root: pathlib.Path) -> dict[str, tuple[str, ...]]:
    """The addresses that exist in each node, as the kernel has them.

    Without namespaces no address is real, so every node has none.
    """
    cluster = layout.Files.at(root).require()
    if not cluster.namespaces:
        return {entry.name: () for entry in cluster.nodes}
    return {entry.name: network.addresses(cluster.namespace(entry.name)) for entry in cluster.nodes}


def run_in(
    root: pathlib.Path,
    node: str,
    argv: Sequence[str],
    *,
    view: View = View.NODE,
    timeout_s: float = RUN_TIMEOUT_S,
) -> subprocess.CompletedProcess[str]:
    """Runs a program in a node that is on; without namespaces it simply runs here.

    Args:
        root: of the sandbox.
        node: its name.
        argv: the program and its arguments.
        view: all namespaces of the node, or its network alone with the files and processes of the host.
        timeout_s: after that the program is killed.

    Raises:
        SandboxError: the node is not on.
        subprocess.TimeoutExpired: the program did not end in time.
    """
    found = power.handle(root, node)
    init = processes.load(found.files.init_record)
    if init is None or not processes.alive(init):
        raise spec.SandboxError(f"node {node} is {power.state(found.files).value}")
    prefix: list[str] = []
    if found.cluster.namespaces:
        prefix = {
            View.NETWORK: ["nsenter", f"--net={network.path(found.cluster.namespace(node))}"],
            View.NODE: ["nsenter", "-t", str(init.pid), "-m", "-u", "-i", "-n", "-p", "-r", "-w"],
        }[view]
    with subprocess.Popen(
        [*prefix, *argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            # nsenter forks into the pid namespace: its child holds the pipes and must go as well.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(list(argv), process.returncode, out, err)


def hello(socket_path: pathlib.Path, timeout_s: float) -> dict[str, Any] | None:
    """What the executor behind a socket says of itself, or None where it does not answer in time."""
    try:
        with sockets.connect(socket_path, timeout_s) as client:
            client.sendall(b'{"id": 1, "op": "hello"}\n')
            answer = b""
            while not answer.endswith(b"\n") and len(answer) < HELLO_BYTES_MAX:
                piece = client.recv(65536)
                if not piece:
                    return None
                answer += piece
    except OSError:
        return None
    try:
        reply = json.loads(answer)
    except ValueError:
        return None
    result = reply.get("result") if isinstance(reply, dict) else None
    return result if isinstance(result, dict) else None
