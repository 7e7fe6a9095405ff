"""The driver for fence agents: any ``fence_*`` program (Fence Agent API).

Options go in on standard input. The agent is only ever asked for what it lists in its meta-data,
with options that it lists there: it would ignore others with a warning. ``reboot`` is never used,
because an agent reports success of it even where power did not come back, or never went.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from reconciler.fencing import child, installed, metadata, option
from reconciler.model import agent, fencing
from reconciler.ports import fencing as port

PASSES_PASSWORD_ON = frozenset(
    {
        "fence_idrac", "fence_ilo3", "fence_ilo4", "fence_ilo5", "fence_imm", "fence_ipmilan",
        "fence_ipmilanplus",
    }
)  # fmt: skip
"""Agents that pass the password to ``ipmitool`` as an argument, where every user can read it."""

_PLUG = ("plug", "port")
_INTEGERS = frozenset({"integer", "second"})
_UNSUPPORTED_LIST = "not working"

_FAULTS: tuple[tuple[re.Pattern[str], port.FenceFault], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), fault)
    for pattern, fault in (
        (
            (
                r"refused|unreachable|no route|resolve|name or service not known|unknown host"
                r"|network is down|connection lost|establish .*session"
            ),
            port.FenceFault.UNREACHABLE,
        ),
        (r"timed out|timeout", port.FenceFault.TIMEOUT),
        (
            (
                r"(?<!connect/)login|unauthori[sz]ed|authenticat|permission denied|access denied|privileges"
                r"|incorrect password|invalid user"
            ),
            port.FenceFault.UNAUTHORIZED,
        ),
        (r"parse error|you have to|you must|please use|invalid value", port.FenceFault.BAD_OPTION),
    )
)
"""What agents write on their error output; they have one exit status for everything."""


class AgentDriver:
    """Speaks to devices by fence agents.

    Args:
        agents: the agents on this machine.
        redact: cuts secrets out of what agents write.
        program: the agent to run instead of the one that the device names.
        given: options to pass instead of those of the device, only with ``program``.
    """

    def __init__(
        self,
        agents: installed.Installed,
        redact: Callable[[str], str],
        *,
        program: str = "",
        given: Mapping[str, str] | None = None,
    ) -> None:
        self._agents = agents
        self._redact = redact
        self._program = program
        self._given = given

    async def call(
        self,
        device: fencing.FenceDevice,
        verb: port.FenceVerb,
        target: str,
        options: Mapping[str, str],
        *,
        deadline_s: float,
    ) -> port.FenceReply:
        """Ask the device; see the port."""
        name = self._program or device.agent
        found = self._agents.find(name)
        if found is None:
            return _refused(
                port.FenceFault.NOT_INSTALLED, f"{name} is not here, or not only root can change it"
            )
        described = await self._agents.describe(name)
        if described is None:
            return _refused(port.FenceFault.NOT_INSTALLED, f"{name} does not describe itself")
        passed = options if self._given is None else self._given
        try:
            request = _request(described, device, verb, target, passed)
        except option.BadOptionError as error:
            return _refused(port.FenceFault.BAD_OPTION, str(error))
        try:
            ended = await child.run([str(found)], request, deadline_s=deadline_s)
        except (OSError, ValueError) as error:
            return _refused(port.FenceFault.FAILED, f"{name} could not be run: {error}")
        return _reply(verb, ended, self._redact, deadline_s)

    def note(self, device: fencing.FenceDevice) -> str:
        """Return a warning about how the agent works; empty: none."""
        name = self._program or device.agent
        found = self._agents.find(name)
        if {name, found.resolve().name if found else ""} & PASSES_PASSWORD_ON:
            return (
                f"{name} passes the password to ipmitool as an argument, where other users of this"
                f" machine can read it; the built-in agent {fencing.BUILT_IN_IPMI} does not"
            )
        return ""


def _request(
    described: metadata.FenceMetadata,
    device: fencing.FenceDevice,
    verb: port.FenceVerb,
    target: str,
    passed: Mapping[str, str],
) -> bytes:
    """Return the lines for the agent's input. Raises BadOptionError."""
    if not described.offers(verb.value):
        raise option.BadOptionError(f"{described.name} has no action {verb.value}")
    lines = {"action": verb.value}
    known = {option.canonical(one.name): one for one in described.described.parameters}
    for name, value in passed.items():
        option.require_allowed(name)
        option.require_plain(name, value)
        parameter = known.get(option.canonical(name))
        if parameter is None:
            raise option.BadOptionError(f"{described.name} has no option {name}")
        _require_type(parameter, value)
        if parameter.name in lines:
            raise option.BadOptionError(f"{name} is given twice")
        lines[parameter.name] = value
    _add_plug(lines, known, device, target)
    return "".join(f"{name}={value}\n" for name, value in lines.items()).encode()


def _require_type(parameter: agent.Parameter, value: str) -> None:
    if parameter.type in _INTEGERS:
        option.integer(parameter.name, value.removesuffix("s"), least=0, most=999_999_999)
    elif parameter.type == "boolean":
        option.boolean(parameter.name, value)
    elif parameter.type == "select" and parameter.choices and value not in parameter.choices:
        raise option.BadOptionError(f"{parameter.name} is none of {', '.join(parameter.choices)}")


def _add_plug(
    lines: dict[str, str],
    known: Mapping[str, agent.Parameter],
    device: fencing.FenceDevice,
    target: str,
) -> None:
    """Add by which name the device knows the node; a wrong one would fence another machine."""
    parameter = next((name for name in _PLUG if name in known), None)
    given = next((lines[name] for name in _PLUG if name in lines), None)
    mapped = device.host_map.get(target)
    if given is None:
        if parameter is not None and target:
            plug = target if mapped is None else mapped
            option.require_plain(parameter, plug)
            lines[parameter] = plug
        return
    if mapped not in (None, given):
        raise option.BadOptionError(f"plug and the device's host map differ for {target}")
    if mapped is None and len(device.targets) > 1:
        raise option.BadOptionError("one plug is given for several nodes; use a host map")


def _reply(
    verb: port.FenceVerb, ended: child.Ended, redact: Callable[[str], str], deadline_s: float
) -> port.FenceReply:
    output = child.printable(redact(ended.output))
    errors = child.printable(redact(ended.errors))
    message = errors or output
    if ended.status is None:
        return _refused(port.FenceFault.TIMEOUT, f"no answer in {deadline_s:.0f} s; {message}")
    if verb is port.FenceVerb.STATUS:
        power = _power(ended)
        if power is not fencing.PowerState.UNKNOWN:
            return port.FenceReply(ok=True, power=power, message=output)
        if ended.status == 0:
            return _refused(port.FenceFault.FAILED, f"no clear answer; {message}")
    elif ended.status == 0 and not (
        verb is port.FenceVerb.LIST and _UNSUPPORTED_LIST in output + errors
    ):
        return port.FenceReply(ok=True, message=output)
    return _refused(_classify(errors + output), message or f"exit status {ended.status}")


def _power(ended: child.Ended) -> fencing.PowerState:
    """Return the power state: exit status 0 is on, 2 is off, and words must not say otherwise.

    Interpreters and option parsers also end with 2, so silence on all outputs or the word OFF is
    needed for "off".
    """
    said = re.search(r"\bstatus:?\s*(on|off)\b", ended.output, re.IGNORECASE)
    word = said[1].lower() if said else ""
    if ended.status == 0 and word in ("on", ""):
        return fencing.PowerState.ON
    silent = not ended.output.strip() and not ended.errors.strip()
    if ended.status == 2 and (word == "off" or silent):  # noqa: PLR2004 - the API's status for off
        return fencing.PowerState.OFF
    return fencing.PowerState.UNKNOWN


def _classify(text: str) -> port.FenceFault:
    return next((fault for word, fault in _FAULTS if word.search(text)), port.FenceFault.FAILED)


def _refused(fault: port.FenceFault, message: str) -> port.FenceReply:
    return port.FenceReply(ok=False, fault=fault, message=message)
