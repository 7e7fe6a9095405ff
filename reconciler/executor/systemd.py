"""systemd units, over `systemctl`, from a forked child that answers with OCF exit codes.

`systemctl start` without `--no-block` waits for the job and tells nothing when it is killed, so
jobs are queued and the unit's properties are asked until its job is over. Who cannot be asked is
unknown (exit code 255), never "not running".
"""

from __future__ import annotations

import os
import time
from typing import Callable, Dict, Mapping, Sequence, Tuple

from reconciler.executor import agents, launch, ocf

UNKNOWN = 255
_PROPERTIES = "LoadState,ActiveState,SubState,Result,Job"
_POLL_FIRST_S = 0.02
_POLL_LAST_S = 0.5
_ABSENT = ("not-found", "masked", "bad-setting", "error")
_BETWEEN = ("activating", "deactivating", "reloading", "maintenance", "refreshing")
_RUNNING, _NOT_RUNNING, _FAILED, _UNSUPPORTED, _NOT_INSTALLED = 0, 7, 1, 3, 5


def prepare(agent: agents.Agent, call: ocf.Call, here: ocf.Surroundings) -> launch.Launch:
    """Return how to run a unit's action."""
    systemctl = Systemctl(agent.type, ocf.system_env(here))
    action = _ACTIONS.get(call.operation)
    if action is None:
        return launch.Launch((), {}, body=lambda: _UNSUPPORTED)
    return launch.Launch((), {}, body=lambda: action(systemctl))


def outcome(_operation: str, exit_code: int) -> Tuple[int, str]:
    """Return (OCF code, words): the child speaks OCF already."""
    return exit_code, ""


class UnreachableError(Exception):
    """The systemd manager does not answer."""


class Systemctl:
    """One unit, asked and told by `systemctl`.

    Args:
        unit: The unit's whole name.
        env: The environment of `systemctl`.
    """

    def __init__(self, unit: str, env: Mapping[str, str]) -> None:
        self.unit = unit
        self._env = env

    def run(self, *arguments: str) -> Tuple[int, str]:
        """Return (exit code, standard output)."""
        reader, writer = os.pipe()
        argv = ("systemctl", "--no-pager", "--no-ask-password", *arguments, "--", self.unit)
        pid = os.posix_spawnp(
            argv[0], argv, self._env, file_actions=[(os.POSIX_SPAWN_DUP2, writer, 1)]
        )
        os.close(writer)
        with open(reader, encoding="utf-8", errors="replace") as source:  # noqa: PTH123  it is a descriptor
            said = source.read()
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said

    def state(self) -> Dict[str, str]:
        """Return the unit's properties.

        Raises:
            UnreachableError: The manager did not answer.
        """
        code, said = self.run("show", f"--property={_PROPERTIES}")
        pairs = (line.partition("=") for line in said.splitlines())
        found = {name: value for name, _equals, value in pairs}
        if code != 0 or "ActiveState" not in found:
            raise UnreachableError
        return found

    def settled(self) -> Dict[str, str]:
        """Return the properties once no job is queued and no change is under way."""
        pause_s = _POLL_FIRST_S
        while True:
            found = self.state()
            if found.get("Job", "0") in ("", "0") and found["ActiveState"] not in _BETWEEN:
                return found
            time.sleep(pause_s)
            pause_s = min(_POLL_LAST_S, pause_s * 1.5)


def _guarded(systemctl: Systemctl, wanted: Sequence[str], command: str) -> int:
    """Queue a job unless the unit is absent; wait; say whether it came to a wanted state."""
    before = systemctl.state()
    if before["LoadState"] in _ABSENT and before["ActiveState"] in ("inactive", "failed"):
        return _absent(before, stopping=command == "stop")
    code, _said = systemctl.run(command, "--no-block")
    if code != 0:
        return _say(_FAILED, f"systemctl {command} exited with {code}")
    after = systemctl.settled()
    if after["ActiveState"] in wanted:
        return _RUNNING
    words = f"{systemctl.unit} is {after['ActiveState']} ({after['SubState']}, {after['Result']})"
    if after["ActiveState"] == "inactive" and after["Result"] == "success":
        words += ": it ended by itself; a oneshot unit needs RemainAfterExit=yes"
    return _say(_FAILED, words)


def _start(systemctl: Systemctl) -> int:
    return _guarded(systemctl, ("active",), "start")


def _stop(systemctl: Systemctl) -> int:
    return _guarded(systemctl, ("inactive", "failed"), "stop")


def _reload(systemctl: Systemctl) -> int:
    return _guarded(systemctl, ("active",), "reload")


def _monitor(systemctl: Systemctl) -> int:
    found = systemctl.settled()
    if found["ActiveState"] == "active":
        return _RUNNING
    if found["ActiveState"] not in ("inactive", "failed"):
        return _say(UNKNOWN, f"unknown state {found['ActiveState']}")
    if found["LoadState"] in _ABSENT:
        return _absent(found, stopping=False)
    if found["ActiveState"] == "failed":
        return _say(_NOT_RUNNING, f"{systemctl.unit} has failed ({found['Result']})")
    return _NOT_RUNNING


def _validate(systemctl: Systemctl) -> int:
    found = systemctl.state()
    return _absent(found, stopping=False) if found["LoadState"] in _ABSENT else _RUNNING


def _absent(found: Mapping[str, str], *, stopping: bool) -> int:
    if stopping:
        return _RUNNING  # systemd itself says that it does not run
    return _say(_NOT_INSTALLED, f"the unit is {found['LoadState']}")


def _say(code: int, words: str) -> int:
    os.write(2, f"ocf-exit-reason:{words}\n".encode())
    return code


def _asked(action: _Action) -> _Action:
    """Return the action, with a manager that does not answer as its own exit code."""

    def answer(systemctl: Systemctl) -> int:
        try:
            return action(systemctl)
        except UnreachableError:
            return _say(UNKNOWN, "the systemd manager does not answer")
        except FileNotFoundError:
            return _say(_NOT_INSTALLED, "there is no systemctl on this node")

    return answer


_Action = Callable[[Systemctl], int]
_ACTIONS: Dict[str, _Action] = {
    "start": _asked(_start),
    "stop": _asked(_stop),
    "monitor": _asked(_monitor),
    "reload": _asked(_reload),
    "reload-agent": _asked(_reload),
    "validate-all": _asked(_validate),
}
