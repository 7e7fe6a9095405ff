"""The built-in IPMI driver: pyghmi over RMCP+, each operation in a process of its own.

pyghmi keeps state in its module, can block for longer than any deadline, and lets one management
controller's packets disturb another's session. So every operation is one short-lived worker
(``ipmi_worker``) that gets its request on standard input and is killed at the deadline. The options
have the names that ``fence_ipmilan`` has.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from reconciler.fencing import child, metadata, option
from reconciler.model import agent, fencing
from reconciler.ports import fencing as port

LONGEST_USERNAME = 16
LONGEST_PASSWORD = 20
"""Bytes (IPMI 2.0, section 22.28 and table 13-11)."""
DEFAULT_PORT = 623
CIPHERS = (3, 17)
"""Cipher suites with authentication, integrity and encryption: by SHA-1, by SHA-256."""
PRIVILEGES: Mapping[str, int] = {"operator": 3, "administrator": 4}
"""Levels that may switch the power."""

_ALIASES: Mapping[str, str] = {"ipaddr": "ip", "login": "username", "passwd": "password"}
_WITHOUT_EFFECT = frozenset({"power_timeout", "power_wait", "login_timeout", "shell_timeout"})
"""Waits inside of ``fence_ipmilan``; here every wait is bounded by the device's time-out."""
_ACTIONS: Mapping[port.FenceVerb, str] = {
    port.FenceVerb.OFF: "off",
    port.FenceVerb.ON: "on",
    port.FenceVerb.STATUS: "status",
    port.FenceVerb.MONITOR: "status",
}
_PARAMETERS = (
    agent.Parameter("ip", required=True, short="IP address or host name of the controller"),
    agent.Parameter("ipport", type="integer", default=str(DEFAULT_PORT), short="UDP port"),
    agent.Parameter("username", required=True, short="User name, at most 16 bytes"),
    agent.Parameter("password", required=True, private=True, short="Password, at most 20 bytes"),
    agent.Parameter("lanplus", type="boolean", default="1", short="IPMI 2.0; cannot be off"),
    agent.Parameter("cipher", type="select", choices=("3", "17"), short="Weakest cipher suite"),
    agent.Parameter("privlvl", type="select", choices=tuple(PRIVILEGES), short="Privilege level"),
    agent.Parameter("hexadecimal_kg", private=True, short="Key of the controller, hexadecimal"),
)
METADATA = metadata.FenceMetadata(
    agent.Metadata(
        agent=agent.AgentName(agent.Standard.STONITH.value, "", fencing.BUILT_IN_IPMI),
        short="Built-in fence agent for IPMI 2.0",
        long=(
            "Switches a machine by its management controller, over the network, with IPMI 2.0"
            " only. Passwords are never in arguments or environments of programs."
        ),
        parameters=_PARAMETERS,
        operations=tuple(agent.AdvisedOperation(verb.value) for verb in _ACTIONS),
    )
)
"""What the driver says of itself, as a fence agent would."""
_KNOWN = frozenset(parameter.name for parameter in _PARAMETERS)


class IpmiDriver:
    """Speaks to one management controller over the network.

    Args:
        redact: cuts secrets out of messages.
        python: the interpreter that runs the workers.
    """

    def __init__(self, redact: Callable[[str], str], *, python: str = sys.executable) -> None:
        self._redact = redact
        self._command = (python, "-I", "-m", "reconciler.fencing.ipmi_worker")

    async def call(
        self,
        device: fencing.FenceDevice,
        verb: port.FenceVerb,
        target: str,
        options: Mapping[str, str],
        *,
        deadline_s: float,
    ) -> port.FenceReply:
        """Ask the management controller; see the port."""
        try:
            _require_one_machine(device, target)
            body = request(verb, options)
        except option.BadOptionError as error:
            return _failed(port.FenceFault.BAD_OPTION, str(error))
        body["deadline_s"] = deadline_s
        try:
            ended = await child.run(self._command, json.dumps(body).encode(), deadline_s=deadline_s)
        except (OSError, ValueError) as error:
            return _failed(port.FenceFault.FAILED, f"the worker could not be run: {error}")
        if ended.status is None:
            return _failed(port.FenceFault.TIMEOUT, f"no answer in {deadline_s:.0f} s")
        return self._read(ended)

    def note(self, device: fencing.FenceDevice) -> str:
        """Return a warning about how the driver works with a device; empty: none."""
        del device
        return ""

    def _read(self, ended: child.Ended) -> port.FenceReply:
        """Return the worker's answer; anything that is none is a failure."""
        reply = decode(ended.output)
        if ended.status == 0 and reply is not None:
            message = child.printable(self._redact(reply.message))
            return port.FenceReply(reply.ok, reply.power, reply.fault, message)
        words = child.printable(self._redact(ended.errors))
        return _failed(port.FenceFault.FAILED, f"the worker ended oddly; {words}")


def request(verb: port.FenceVerb, options: Mapping[str, str]) -> dict[str, Any]:
    """Return the worker's request. Raises BadOptionError, whose text never holds a value."""
    given: dict[str, str] = {}
    for name, value in options.items():
        option.require_plain(name, value)
        known = _ALIASES.get(option.canonical(name), option.canonical(name))
        if known in given:
            raise option.BadOptionError(f"{name} is given twice")
        if known not in _KNOWN | _WITHOUT_EFFECT:
            raise option.BadOptionError(f"the ipmi driver has no option {name}")
        given[known] = value
    if verb not in _ACTIONS:
        raise option.BadOptionError(f"the ipmi driver has no action {verb.value}")
    if not option.boolean("lanplus", given.get("lanplus", "true")):
        raise option.BadOptionError("lanplus cannot be switched off: IPMI 1.5 is not safe")
    return {
        "action": _ACTIONS[verb],
        "ip": option.host("ip", _required(given, "ip")),
        "port": option.integer(
            "ipport", given.get("ipport", str(DEFAULT_PORT)), least=1, most=65535
        ),
        "username": _credential(given, "username", LONGEST_USERNAME),
        "password": _credential(given, "password", LONGEST_PASSWORD),
        "kg": _key(given.get("hexadecimal_kg", "")),
        "cipher": _cipher(given.get("cipher", "")),
        "privilege": _privilege(given.get("privlvl", "")),
    }


def decode(line: str) -> port.FenceReply | None:
    """Return a worker's answer, or None where it is none."""
    try:
        body = json.loads(line)
        fault = body["fault"]
        return port.FenceReply(
            ok=body["ok"] is True,
            power=fencing.PowerState(body["power"]),
            fault=None if fault is None else port.FenceFault(fault),
            message=str(body["message"]),
        )
    except (ValueError, KeyError, TypeError):
        return None


def _require_one_machine(device: fencing.FenceDevice, target: str) -> None:
    if len(device.targets) > 1:
        raise option.BadOptionError("one management controller cannot be that of several nodes")
    if target and device.targets and target not in device.targets:
        raise option.BadOptionError(f"{device.name} is not the management controller of {target}")


def _required(given: Mapping[str, str], name: str) -> str:
    value = given.get(name, "")
    if not value:
        raise option.BadOptionError(f"{name} is missing")
    return value


def _credential(given: Mapping[str, str], name: str, longest: int) -> str:
    value = _required(given, name)
    if len(value.encode()) > longest:
        raise option.BadOptionError(f"{name} is longer than the {longest} bytes that IPMI allows")
    return value


def _key(value: str) -> str:
    try:
        key = bytes.fromhex(value.removeprefix("0x"))
    except ValueError:
        raise option.BadOptionError("hexadecimal_kg is not hexadecimal") from None
    if len(key) > LONGEST_PASSWORD:
        raise option.BadOptionError(f"hexadecimal_kg is longer than {LONGEST_PASSWORD} bytes")
    return key.hex()


def _cipher(value: str) -> int | None:
    if not value:
        return None
    number = option.integer("cipher", value, least=0, most=255)
    if number == 0:
        raise option.BadOptionError("cipher suite 0 lets anybody in; use 17, or 3 where it must be")
    if number not in CIPHERS:
        raise option.BadOptionError("the ipmi driver speaks the cipher suites 3 and 17 only")
    return number


def _privilege(value: str) -> int | None:
    if value and value not in PRIVILEGES:
        raise option.BadOptionError(f"privlvl is none of {', '.join(PRIVILEGES)}")
    return PRIVILEGES.get(value)


def _failed(fault: port.FenceFault, message: str) -> port.FenceReply:
    return port.FenceReply(ok=False, fault=fault, message=message)
