"""The sandbox's network: a switch and one cable to each node, all in network namespaces of its own.

Nothing is ever created in the namespace of the host: a veth pair is made from inside the switch's namespace with
its other end in the node's. Hardware addresses follow from the names, so that a node that comes back is found
at once by neighbours which still remember it.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import pathlib
import subprocess

from reconciler.sandbox import layout, processes, spec

COMMAND_DEADLINE_S = 15.0
INTERFACE = "eth0"

_NAMESPACES = pathlib.Path("/run/netns")
_OWN = pathlib.Path("/proc/self/ns/net")
_BRIDGE = "bridge0"
_LOOKS = 20


def path(namespace: str) -> pathlib.Path:
    """Where a named network namespace can be opened."""
    return _NAMESPACES / namespace


def exists(namespace: str) -> bool:
    """Whether that network namespace is there.

    Where `/run` is on a disk, a reboot of the machine leaves the files of its namespaces and not the
    namespaces; such a file is on the file system of its directory.
    """
    try:
        return path(namespace).stat().st_dev == _OWN.stat().st_dev
    except FileNotFoundError:
        return False


def _add(namespace: str) -> None:
    remove(namespace)
    _ip("netns", "add", namespace)


def _ip(*arguments: str, batch: str | None = None) -> str:
    try:
        done = subprocess.run(
            ["ip", *arguments],
            input=batch,
            stdin=subprocess.DEVNULL if batch is None else None,
            capture_output=True,
            text=True,
            timeout=COMMAND_DEADLINE_S,
            check=False,
        )
    except FileNotFoundError:
        raise spec.SandboxError("ip is missing; install the package iproute2") from None
    except subprocess.TimeoutExpired:
        raise spec.SandboxError(f"ip {' '.join(arguments)} did not end") from None
    if done.returncode != 0:
        raise spec.SandboxError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def _batch(namespace: str, *lines: str) -> None:
    _ip("-n", namespace, "-batch", "-", batch="".join(f"{line}\n" for line in lines))


def port(node: str) -> str:
    """Name of the switch's end of a node's link: 9 characters, of 15 that the kernel takes."""
    return f"p{hashlib.sha256(node.encode()).hexdigest()[:8]}"


def _hardware(label: str, end: str) -> str:
    octets = hashlib.sha256(f"{label}\0{end}".encode()).digest()[:5]
    return ":".join(["02", *(f"{octet:02x}" for octet in octets)])


def add_switch(cluster: layout.Cluster) -> bool:
    """Makes the switch; False where it is there already."""
    if exists(cluster.switch):
        return False
    _add(cluster.switch)
    try:
        _batch(
            cluster.switch,
            f"link add {_BRIDGE} type bridge stp_state 0 mcast_snooping 0",
            f"link set {_BRIDGE} up",
            "link set lo up",
        )
    except spec.SandboxError:
        remove(cluster.switch)
        raise
    return True


def plug(cluster: layout.Cluster, node: layout.NodeEntry, *, connected: bool) -> None:
    """Makes a node's namespace with its interface and address, and connects it to the switch."""
    namespace = cluster.namespace(node.name)
    here, there = port(node.name), _hardware(cluster.label, node.name)
    _add(namespace)
    _batch(
        cluster.switch,
        f"link add {here} address {_hardware(cluster.label, here)}"
        f" type veth peer name {INTERFACE} address {there} netns {namespace}",
        f"link set {here} master {_BRIDGE} {'up' if connected else 'down'}",
    )
    six = ipaddress.ip_address(node.address).version == 6  # noqa: PLR2004  # the protocol's number
    _batch(
        namespace,
        "link set lo up",
        f"link set {INTERFACE} up",
        f"addr add {node.address}/{node.prefix} dev {INTERFACE}{' nodad' if six else ''}",
    )


def connect(cluster: layout.Cluster, node: str, *, connected: bool) -> None:
    """Takes the switch's end of a node's link up or down; nothing where the node has no link."""
    if _linked(cluster, node):
        _batch(cluster.switch, f"link set {port(node)} {'up' if connected else 'down'}")


def _linked(cluster: layout.Cluster, node: str) -> bool:
    if not exists(cluster.switch):
        return False
    links = json.loads(_ip("-n", cluster.switch, "-j", "link", "show", "type", "veth") or "[]")
    return any(link.get("ifname") == port(node) for link in links)


def unplug(cluster: layout.Cluster, node: str) -> None:
    """Removes a node's link and namespace with every address in it, and kills what still runs there.

    Raises:
        SandboxError: something could not be removed.
    """
    if _linked(cluster, node):
        _batch(cluster.switch, f"link delete {port(node)}")
    remove(cluster.namespace(node))


def remove(namespace: str) -> None:
    """Deletes a namespace and kills what runs in it; nothing where it is gone."""
    if not path(namespace).exists():
        return
    if exists(namespace):
        _kill_members(path(namespace).stat().st_ino)
    _ip("netns", "delete", namespace)


def _kill_members(inode: int) -> None:
    if inode == _OWN.stat().st_ino:
        raise spec.SandboxError("this command runs in the network namespace it is to remove")
    for _ in range(_LOOKS):
        left = processes.members("net", inode)
        for identity in left:
            processes.kill(identity)
        if not left:
            return
    raise spec.SandboxError("new processes keep appearing in a node's network namespace")


def addresses(namespace: str) -> tuple[str, ...]:
    """The addresses of global scope in a namespace, read from the kernel; none where it is gone."""
    if not exists(namespace):
        return ()
    links = json.loads(_ip("-n", namespace, "-j", "addr", "show") or "[]")
    found = {
        entry["local"]
        for link in links
        for entry in link.get("addr_info", [])
        if entry.get("scope") == "global"
    }
    return tuple(sorted(found, key=lambda text: (ipaddress.ip_address(text).version, text)))
