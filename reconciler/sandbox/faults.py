"""Faults to inject into a running sandbox, each with its way back.

| fault           | what it is like                                   | way back           |
|-----------------|---------------------------------------------------|--------------------|
| `cut`           | a pulled network cable: no answer, no reset       | `heal`             |
| `freeze`        | a hung machine: every process stands still        | `thaw`, or a fence |
| `kill`          | a crashed machine: everything dies, chassis on    | a fence, power on  |
| `kill_executor` | the executor dies; the node's init starts another | none needed        |
| `silence_bmc`   | a management network that is gone                 | `restore_bmc`      |
"""

from __future__ import annotations

import pathlib
import signal
import socket
import struct

from reconciler.sandbox import background, layout, network, power, processes, sockets, spec

CONNECT_TIMEOUT_S = 5.0
_CREDENTIALS = struct.Struct("3i")


def cut(root: pathlib.Path, node: str) -> None:
    """Takes the node's link down and stops its cable."""
    with power.holding(root, node) as (found, lock):
        layout.write(found.files.cut, "")
        if found.cluster.namespaces:
            network.connect(found.cluster, node, connected=False)
        cable = processes.load(found.files.cable_record)
        if cable is None or not processes.send(cable, signal.SIGSTOP):
            # Without its process the socket would refuse connections; a cut cable must swallow them.
            restart_cable(found, lock)
            stopped = processes.load(found.files.cable_record)
            if stopped is None or not processes.send(stopped, signal.SIGSTOP):
                raise spec.SandboxError(f"the cable of {node} could not be cut")


def heal(root: pathlib.Path, node: str) -> None:
    """Takes the link up and puts a new cable in place; connections through the old one are reset."""
    with power.holding(root, node) as (found, lock):
        reconnect(found, lock)


def reconnect(found: power.Handle, lock: int) -> None:
    """As `heal`, with the node's lock held."""
    found.files.cut.unlink(missing_ok=True)
    if found.cluster.namespaces:
        network.connect(found.cluster, found.files.name, connected=True)
    restart_cable(found, lock)


def restart_cable(found: power.Handle, lock: int) -> None:
    """Replaces the node's cable by a new one."""
    processes.kill(processes.load(found.files.cable_record))
    background.launch("cable", found.files, lock, name="the cable")


def freeze(root: pathlib.Path, node: str) -> None:
    """Stops every process of the node; raises `SandboxError` where the node is not on."""
    with power.holding(root, node) as (found, _):
        now = power.state(found.files)
        if now is power.Power.FROZEN:
            return
        if now is not power.Power.ON:
            raise spec.SandboxError(
                f"node {node} is {now.value}; only a node that is on can be frozen"
            )
        power.save_frozen(found.files, [])
        try:
            stopped = processes.stop(lambda: power.everyone(found))
        except spec.SandboxError:
            found.files.frozen.unlink()
            raise
        power.save_frozen(found.files, stopped)


def thaw(root: pathlib.Path, node: str) -> None:
    """Lets the processes that a freeze has stopped go on; nothing where the node is not frozen."""
    with power.holding(root, node) as (found, _):
        unfreeze(found)


def unfreeze(found: power.Handle) -> None:
    """As `thaw`, with the node's lock held."""
    if not found.files.frozen.exists():
        return
    # An empty record is that of a freeze which was itself killed half-way.
    for identity in power.load_frozen(found.files) or power.everyone(found):
        processes.send(identity, signal.SIGCONT)
    found.files.frozen.unlink(missing_ok=True)


def kill(root: pathlib.Path, node: str) -> None:
    """Crashes the node: every process dies at once, its link and addresses are gone, its chassis stays on."""
    with power.holding(root, node) as (found, _):
        power.end(found)


def kill_executor(root: pathlib.Path, node: str) -> None:
    """Kills the node's executor and nothing else.

    Raises:
        SandboxError: no executor listens on the node.
    """
    with power.holding(root, node) as (found, _):
        identity = executor(found.files)
        if identity is None:
            raise spec.SandboxError(f"no executor listens on node {node}")
        processes.kill(identity)


def executor(files: layout.NodeFiles) -> processes.Identity | None:
    """The process that listens on the executor's socket; the kernel says which, even when it hangs."""
    try:
        with sockets.connect(files.executor_socket, CONNECT_TIMEOUT_S) as client:
            raw = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    except OSError:
        return None
    return processes.identify(_CREDENTIALS.unpack(raw)[0])


def silence_bmc(root: pathlib.Path, node: str) -> None:
    """Stops the node's management controller: it is reachable no more, and answers nothing."""
    _signal_bmc(root, node, signal.SIGSTOP)


def restore_bmc(root: pathlib.Path, node: str) -> None:
    """Lets the management controller answer again."""
    _signal_bmc(root, node, signal.SIGCONT)


def _signal_bmc(root: pathlib.Path, node: str, number: signal.Signals) -> None:
    with power.holding(root, node) as (found, _):
        bmc = processes.load(found.files.bmc_record)
        if bmc is None or not processes.send(bmc, number):
            raise spec.SandboxError(f"node {node} has no simulated management controller")
