"""Units of systemd and init scripts (LSB): they have no meta-data, so it is made from what is there.

Both start, stop and can be asked for their status, and take no parameters. Time-outs are those
that their own managers use.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from reconciler.model import agent

_TIMEOUTS_MS = {"systemd": 100_000, "service": 100_000, "lsb": 15_000}
_MONITOR_INTERVAL_MS = 60_000
_HEADER = re.compile(r"### BEGIN INIT INFO\r?\n(.*?)### END INIT INFO", re.DOTALL)
_LINE = re.compile(r"#\s*([A-Za-z][A-Za-z-]{0,40}):[ \t]*(.*)")
_CONTINUED = re.compile(r"#(?:\t|  +)(.*)")
_LONGEST = 64 * 1024


def header(script: str) -> Mapping[str, str]:
    """Return the fields of an init script's LSB header; empty where it has none.

    Source: Linux Standard Base, "Comment Conventions for Init Scripts".
    """
    found = _HEADER.search(script[:_LONGEST])
    fields: dict[str, str] = {}
    last = ""
    for line in found[1].splitlines() if found else ():
        continued = _CONTINUED.fullmatch(line)
        if continued and last == "Description":
            fields[last] = f"{fields[last]} {continued[1].strip()}"
            continue
        field = _LINE.fullmatch(line)
        if field:
            last = field[1]
            fields[last] = field[2].strip()
    return fields


def lsb(name: agent.AgentName, script: str) -> agent.Metadata:
    """Return the meta-data of an init script."""
    fields = header(script)
    return made(name, fields.get("Short-Description", ""), fields.get("Description", ""))


def made(name: agent.AgentName, short: str = "", long: str = "") -> agent.Metadata:
    """Return the meta-data of a unit or script with the texts that it has."""
    timeout = _TIMEOUTS_MS.get(name.standard, _TIMEOUTS_MS["service"])
    operations = (
        agent.AdvisedOperation("start", timeout),
        agent.AdvisedOperation("stop", timeout),
        agent.AdvisedOperation("monitor", timeout, _MONITOR_INTERVAL_MS),
    )
    return agent.Metadata(
        agent=name,
        short=short or f"{name.standard} {name.kind}",
        long=long,
        operations=operations,
    )
