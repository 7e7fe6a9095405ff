"""What a sandbox is made of: plain values, checked when they are made.

Only this file decides what a legal cluster name, node name, address or BMC account is. The values know
nothing of manifests, so a test, the command line and a demonstration build them alike.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import pathlib
import re

from reconciler.frozen import frozen

NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
"""Names of clusters and nodes; they become file names and a host name, so 63 characters at most."""

NODES_MAX = 64
"""More nodes than this on one machine is a mistake in the caller."""

BMC_SECRET_MAX = 16
"""ipmi_sim keeps user names and passwords in fields of 16 bytes."""

PORT_MAX = 65535


class SandboxError(RuntimeError):
    """The sandbox could not do what it was asked; the message says what and why."""


def check_name(kind: str, name: str) -> str:
    """Returns `name`, or raises `SandboxError` saying which `kind` of name is not legal."""
    if NAME_PATTERN.fullmatch(name) is None:
        raise SandboxError(
            f"{kind} name {name!r} is not legal: letters, digits, '_', '.', '-', at most 63,"
            " and the first one a letter or a digit"
        )
    return name


@frozen
class BmcSpec:
    """The simulated management controller of one node.

    Attributes:
        user: IPMI account, 1 to 16 printable characters.
        password: its password, same limits; never shown by `repr`.
        port: UDP port.
        address: a loopback address of this machine.
    """

    user: str
    password: str = dataclasses.field(repr=False)
    port: int
    address: str = "127.0.0.1"

    def __post_init__(self) -> None:
        for field, value in (("user", self.user), ("password", self.password)):
            self._check_account(field, value)
        if not 1 <= self.port <= PORT_MAX:
            raise SandboxError(f"BMC port {self.port} is not within 1..{PORT_MAX}")
        try:
            loopback = ipaddress.ip_address(self.address).is_loopback
        except ValueError:
            loopback = False
        if not loopback:
            raise SandboxError(f"BMC address {self.address!r} is not a loopback address")

    @staticmethod
    def _check_account(field: str, value: str) -> None:
        # Quotes, blanks and backslashes cannot be written in ipmi_sim's configuration file; the value
        # itself stays out of the message because it may be the password.
        plain = value.isascii() and value.isprintable() and not set(value) & set(" \"'\\")
        if not plain or not 1 <= len(value) <= BMC_SECRET_MAX:
            raise SandboxError(
                f"BMC {field} cannot be simulated: it needs 1 to {BMC_SECRET_MAX} printable ASCII"
                " characters without blanks, quotes and backslashes"
            )


@frozen
class NodeSpec:
    """One node.

    Attributes:
        name: node and host name.
        address: its IPv4 or IPv6 address on the sandbox's network.
        prefix: prefix length of that network, in bits.
        bmc: its management controller, or None for power by `fence_sandbox` alone.
    """

    name: str
    address: str
    prefix: int = 24
    bmc: BmcSpec | None = None

    def __post_init__(self) -> None:
        check_name("node", self.name)
        try:
            ipaddress.ip_interface(f"{self.address}/{self.prefix}")
        except ValueError as error:
            raise SandboxError(f"node {self.name}: {error}") from None


@frozen
class ClusterSpec:
    """A whole sandbox.

    Attributes:
        name: cluster name.
        root: directory of everything the sandbox keeps; made when missing, mode 0700.
        nodes: at least one, names and addresses unique.
        visible: further paths that stay visible inside the nodes where their private `/tmp` and `/run`
            would hide them.
        agent_roots: OCF `resource.d` directories for the executors; empty means the executor's own.
    """

    name: str
    root: pathlib.Path
    nodes: tuple[NodeSpec, ...]
    visible: tuple[pathlib.Path, ...] = ()
    agent_roots: tuple[pathlib.Path, ...] = ()

    def __post_init__(self) -> None:
        check_name("cluster", self.name)
        if not 1 <= len(self.nodes) <= NODES_MAX:
            raise SandboxError(f"a sandbox has 1 to {NODES_MAX} nodes, not {len(self.nodes)}")
        bmcs = [node.bmc for node in self.nodes if node.bmc is not None]
        for what, values in (
            ("node name", [node.name for node in self.nodes]),
            ("address", [str(ipaddress.ip_address(node.address)) for node in self.nodes]),
            ("BMC", [f"{bmc.address} port {bmc.port}" for bmc in bmcs]),
        ):
            twice = sorted({value for value in values if values.count(value) > 1})
            if twice:
                raise SandboxError(f"{what} used twice: {', '.join(twice)}")
