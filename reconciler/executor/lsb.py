"""Init scripts: the Linux Standard Base's exit codes in OCF's terms.

Source: LSB Core, "Init Script Actions". `status` has a table of its own; of the others 0 to 7
mean the same as in OCF.
"""

from __future__ import annotations

from typing import Tuple

from reconciler.executor import agents, launch, ocf

_WORDS = {"monitor": "status", "reload": "force-reload", "reload-agent": "force-reload"}
_ACTIONS = frozenset({"start", "stop", "monitor", "reload", "reload-agent"})
_SAME_AS_OCF = range(8)
UNKNOWN = 255
_STATUS = {
    0: (0, ""),
    1: (7, "dead, but its pid file exists"),
    2: (7, "dead, but its lock file exists"),
    3: (7, ""),
}


def prepare(agent: agents.Agent, call: ocf.Call, here: ocf.Surroundings) -> launch.Launch:
    """Return how to run an init script's action."""
    assert agent.path is not None  # noqa: S101  a missing agent is recorded, never run
    env = ocf.system_env(here)
    env["SYSTEMCTL_SKIP_REDIRECT"] = "1"  # the script itself, not the unit of the same name
    env["_SYSTEMCTL_SKIP_REDIRECT"] = "true"
    if call.operation not in _ACTIONS:
        return launch.Launch((), {}, body=lambda: 3)
    return launch.Launch((agent.path, _WORDS.get(call.operation, call.operation)), env)


def outcome(operation: str, exit_code: int) -> Tuple[int, str]:
    """Return (OCF code, words); a code the standard leaves open comes back as no OCF code."""
    if operation == "monitor":
        return _STATUS.get(exit_code, (UNKNOWN, f"status exit code {exit_code} is not defined"))
    if exit_code in _SAME_AS_OCF:
        return exit_code, ""
    return UNKNOWN, f"exit code {exit_code} is not defined"
