"""From a manifest to the sandbox that it describes: nodes, their BMCs, and missing secrets."""

from __future__ import annotations

import ipaddress
import os
import pathlib
import secrets as randomness
from collections.abc import Mapping

from reconciler.cli import places
from reconciler.cli.quit import Quit
from reconciler.errors.exit_status import ExitStatus
from reconciler.model import attribute, fencing, secret
from reconciler.model import node as node_model
from reconciler.model.desired import Desired
from reconciler.ports import secrets as secrets_port
from reconciler.sandbox import spec

CONNECTION = "sandbox"
IPMI_AGENTS = frozenset({fencing.BUILT_IN_IPMI, "fence_ipmilan"})
PORT = 623
_NAMES: Mapping[str, tuple[str, ...]] = {
    "ip": ("ip", "ipaddr"),
    "port": ("ipport",),
    "user": ("username", "login"),
    "password": ("password", "passwd"),
}
"""What is needed of a device to simulate its BMC, with the older names of the options."""
_SECRET_BYTES = 6
"""Twelve hexadecimal digits: a simulated BMC takes 16 characters at most."""


def nodes(wanted: Desired) -> tuple[node_model.Node, ...]:
    """Return the nodes of the manifest that the sandbox provides."""
    return tuple(one for one in wanted.nodes if one.connection == CONNECTION)


def device(wanted: Desired, name: str) -> fencing.FenceDevice | None:
    """Return the device that stands for the BMC of a node: IPMI, at a loopback address."""
    for one in wanted.fencing.devices:
        if one.agent in IPMI_AGENTS and name in one.targets and _on_loopback(one):
            return one
    return None


def simulated(wanted: Desired) -> tuple[str, ...]:
    """Return the names of the devices that stand for the BMCs of sandbox nodes."""
    found = (device(wanted, one.name) for one in nodes(wanted))
    return tuple(sorted({one.name for one in found if one is not None}))


def specification(wanted: Desired, resolve: secrets_port.Secrets) -> spec.ClusterSpec:
    """Return what the sandbox of a manifest is made of.

    Raises:
        Quit: the manifest has no sandbox nodes, a secret cannot be read, or a value cannot be
            simulated.
    """
    chosen = nodes(wanted)
    if not chosen:
        raise Quit(
            ExitStatus.ERROR,
            "no node of the manifest has connection: sandbox",
            fix="a sandbox runs the nodes that say so: nodes: {NAME: {connection: sandbox}}",
        )
    try:
        return spec.ClusterSpec(
            name=wanted.name,
            root=places.sandbox(wanted.name),
            nodes=tuple(
                spec.NodeSpec(one.name, _address(one), bmc=_bmc(device(wanted, one.name), resolve))
                for one in chosen
            ),
        )
    except (spec.SandboxError, secrets_port.SecretUnavailableError) as error:
        raise Quit(ExitStatus.ERROR, str(error)) from None


def make_secrets(wanted: Desired) -> tuple[pathlib.Path, ...]:
    """Make the missing secret files of simulated BMCs; return those that were made.

    Only for BMCs at loopback addresses, whose passwords are nobody's: 0600, random.

    Raises:
        Quit: a file cannot be made.
    """
    made = []
    for one in nodes(wanted):
        found = device(wanted, one.name)
        value = _value(found, "password") if found else None
        if not isinstance(value, secret.SecretRef) or value.source is not secret.SecretSource.FILE:
            continue
        path = pathlib.Path(value.path)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            continue
        except OSError as error:
            raise Quit(ExitStatus.ERROR, f"{path}: {error.strerror}") from None
        with open(descriptor, "w", encoding="utf-8") as stream:  # noqa: PTH123 - it is open already
            stream.write(randomness.token_hex(_SECRET_BYTES) + "\n")
        made.append(path)
    return tuple(made)


def _bmc(found: fencing.FenceDevice | None, resolve: secrets_port.Secrets) -> spec.BmcSpec | None:
    if found is None:
        return None
    values = {
        field: resolve.resolve(value)
        for field in _NAMES
        if (value := _value(found, field)) is not None
    }
    if not {"user", "password"} <= set(values):
        raise spec.SandboxError(f"device {found.name} has no username or no password")
    port = values.get("port", str(PORT))
    if not port.isdecimal():
        raise spec.SandboxError(f"device {found.name}: ipport {port!r} is no number")
    return spec.BmcSpec(values["user"], values["password"], int(port), values["ip"])


def _address(one: node_model.Node) -> str:
    try:
        ipaddress.ip_address(one.address)
    except ValueError:
        raise spec.SandboxError(
            f"node {one.name} needs an IP address in a sandbox, not {one.address!r}"
        ) from None
    return one.address


def _value(found: fencing.FenceDevice, field: str) -> secret.Value | None:
    values = (attribute.always(found.params, name) for name in _NAMES[field])
    return next((one for one in values if one is not None), None)


def _on_loopback(one: fencing.FenceDevice) -> bool:
    value = _value(one, "ip")
    try:
        return isinstance(value, str) and ipaddress.ip_address(value).is_loopback
    except ValueError:
        return False
