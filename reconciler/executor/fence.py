"""Fence agents: options on standard input, never in arguments, environment or history."""

from __future__ import annotations

import re
from typing import Dict, Mapping

from reconciler.executor import agents, fields, launch, ocf

_OPTION = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
_IMPLIED_SECRET = re.compile(r"passw|secret|token|community|snmp-priv|snmp_priv", re.IGNORECASE)


def prepare(
    agent: agents.Agent, options: Mapping[str, str], here: ocf.Surroundings
) -> launch.Launch:
    """Return how to run a fence agent.

    Raises:
        RefusedError: An option cannot be passed: agents read lines, strip them and their quotes,
            so a line break would be another option, and outer blanks or quotes would be lost.
    """
    assert agent.path is not None  # noqa: S101  the caller refuses a missing agent
    lines = [_line(name, options[name]) for name in sorted(options)]
    return launch.Launch((agent.path,), environment(here), "".join(lines).encode())


def environment(here: ocf.Surroundings) -> Dict[str, str]:
    """Return the environment of fence agents (plain: no shims)."""
    return {"PATH": ocf.SYSTEM_PATH, "LC_ALL": "C", "RECONCILER_NODE": here.node}


def _line(name: str, value: str) -> str:
    if not _OPTION.fullmatch(name):
        raise fields.bad(f"{name[:80]!a} is no valid fence option name")
    if _CONTROL.search(value):
        raise fields.bad(f"the value of {name} holds a line break or control character")
    if value != value.strip() or (len(value) > 1 and value[0] == value[-1] == '"'):
        raise fields.bad(f"the value of {name} has outer blanks or quotes, which agents strip")
    return f"{name}={value}\n"


def secrets(options: Mapping[str, str], named: "list[str]") -> "list[str]":
    """Return the option values that must not be shown."""
    return [
        value for name, value in options.items() if name in named or _IMPLIED_SECRET.search(name)
    ]
