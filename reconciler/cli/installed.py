"""The agents of this machine: which there are, and what they say of themselves."""

from __future__ import annotations

import pathlib
import subprocess

from reconciler.agents import ipmi, markup, metadata
from reconciler.cli.quit import Quit
from reconciler.errors.exit_status import ExitStatus
from reconciler.executor import agents as found_agents
from reconciler.executor import refusal
from reconciler.model import agent, fencing
from reconciler.sandbox import layout

OCF_ROOT = "/usr/lib/ocf"
SHIPPED = pathlib.Path(found_agents.__file__).parent / "ocf" / "resource.d"
ROOTS = found_agents.Roots(
    ocf=(f"{OCF_ROOT}/resource.d", str(SHIPPED)), init="/etc/init.d", fence="/usr/sbin"
)
_DEADLINE_S = 20.0
_SANDBOX_AGENT = "fence_sandbox"


def listed() -> tuple[str, ...]:
    """Return the names of the agents that can be run here, sorted."""
    return tuple(one["agent"] for one in found_agents.listed(ROOTS))


def described(name: str) -> agent.Metadata:
    """Return what an agent of this machine says of itself.

    Raises:
        Quit: there is no such agent here, or it gives no usable description.
    """
    if name == fencing.BUILT_IN_IPMI:
        return ipmi.METADATA
    fence = name.startswith("fence_")
    parsed = agent.AgentName("stonith", "", name) if fence else agent.parse(name)
    if parsed is None:
        raise Quit(
            ExitStatus.USAGE,
            f"{name!r} is no name of an agent",
            fix="agents are named ocf:PROVIDER:TYPE, lsb:NAME, systemd:UNIT or fence_NAME",
        )
    if parsed.standard not in {"ocf", "stonith"}:
        return agent.Metadata(parsed, short=f"{parsed.standard} service {parsed.kind}")
    path = _path(str(parsed) if not fence else name)
    answer = metadata.parse(parsed, _ask(path, fence=fence, name=name))
    if isinstance(answer, markup.Unusable):
        raise Quit(ExitStatus.ERROR, f"{name} describes itself in no usable way: {answer.reason}")
    return answer


def _path(name: str) -> str:
    if name == _SANDBOX_AGENT:
        return str(pathlib.Path(layout.__file__).with_name(_SANDBOX_AGENT))
    try:
        path = found_agents.find(name, ROOTS).path
    except refusal.RefusedError as error:
        raise Quit(ExitStatus.ERROR, error.message) from None
    if path is None:
        raise Quit(
            ExitStatus.ERROR,
            f"{name} is not installed on this machine",
            fix="what there is: reconcile agents list",
        )
    return path


def _ask(path: str, *, fence: bool, name: str) -> bytes:
    kind = pathlib.Path(path).name
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "LC_ALL": "C.UTF-8",
        "OCF_ROOT": OCF_ROOT,
        "OCF_RA_VERSION_MAJOR": "1",
        "OCF_RA_VERSION_MINOR": "1",
        "OCF_RESOURCE_TYPE": kind,
        "OCF_RESOURCE_INSTANCE": "meta-data",
        "OCF_RESKEY_CRM_meta_timeout": "20000",
    }
    try:
        done = subprocess.run(
            [path] if fence else [path, "meta-data"],
            input=b"action=metadata\n" if fence else b"",
            capture_output=True,
            env=environment,
            timeout=_DEADLINE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Quit(ExitStatus.ERROR, f"{name} could not be asked: {error}") from None
    if done.returncode != 0:
        words = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise Quit(ExitStatus.ERROR, f"{name} gives no description: {''.join(words)}")
    return done.stdout
