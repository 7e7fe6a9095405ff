"""OCF agents: the environment they get, and what their exit codes mean.

Parameters are passed by environment only. The variables are those of the OCF resource agent API
1.1 and those the agents of Debian's resource-agents read.
"""

from __future__ import annotations

from typing import Dict, Mapping, NamedTuple, Tuple

from reconciler.executor import agents, launch

FEATURE_SET = "3.16.2"  # from 3.10 on agents set promotion scores with `crm_attribute -p`
SYSTEM_PATH = "/usr/sbin:/sbin:/usr/bin:/bin"
_DEGRADED = {190: 0, 191: 8}  # "running, but degraded", OCF 1.1: active and promoted


class Surroundings(NamedTuple):
    """What the node adds to every agent's environment.

    Args:
        node: The node's name.
        shims: The directory of the Pacemaker command shims.
        socket: The executor's socket, for the shims.
        ocf_root: The value of OCF_ROOT (holds `lib/heartbeat`).
        directories: HA_RSCTMP and HA_VARRUN, where agents keep their state files, as far as the
            daemon's own environment sets them.
    """

    node: str
    shims: str
    socket: str
    ocf_root: str
    directories: Mapping[str, str]


class Call(NamedTuple):
    """One action of one resource, as far as the agent sees it."""

    resource: str
    operation: str
    interval_ms: int
    timeout_ms: int
    params: Mapping[str, str]
    meta: Mapping[str, str]


def system_env(here: Surroundings) -> Dict[str, str]:
    """Return the environment every program gets."""
    return {
        "PATH": f"{here.shims}:{SYSTEM_PATH}",
        "LC_ALL": "C",
        "HA_SBIN_DIR": here.shims,
        "RECONCILER_EXECUTOR_SOCKET": here.socket,
        "RECONCILER_NODE": here.node,
        **here.directories,
    }


def directories(own: Mapping[str, str]) -> Dict[str, str]:
    """Return what agents inherit of the daemon's environment: where they keep state files.

    Some agents know HA_RSCTMP only and some HA_VARRUN only, so where just the first is set
    (several nodes on one machine, each with its own) the second follows it.
    """
    found = {name: own[name] for name in ("HA_RSCTMP", "HA_VARRUN") if own.get(name)}
    if "HA_RSCTMP" in found:
        found.setdefault("HA_VARRUN", f"{found['HA_RSCTMP']}/")
    return found


def environment(agent: agents.Agent, call: Call, here: Surroundings) -> Dict[str, str]:
    """Return the whole environment of one OCF action."""
    env = system_env(here)
    env.update(
        OCF_ROOT=here.ocf_root,
        OCF_RA_VERSION_MAJOR="1",
        OCF_RA_VERSION_MINOR="1",
        OCF_EXIT_REASON_PREFIX="ocf-exit-reason:",
        OCF_RESOURCE_INSTANCE=call.resource,
        OCF_RESOURCE_PROVIDER=agent.provider,
        OCF_RESOURCE_TYPE=agent.type,
        HA_LOGTAG=call.resource,
        __OCF_ACTION=call.operation,
    )
    for name, value in call.params.items():
        env[f"OCF_RESKEY_{name}"] = value
    env.update(
        OCF_RESKEY_crm_feature_set=FEATURE_SET,
        OCF_RESKEY_CRM_meta_on_node=here.node,
        OCF_RESKEY_CRM_meta_on_node_uuid=here.node,
        OCF_RESKEY_CRM_meta_name=call.operation,
        OCF_RESKEY_CRM_meta_timeout=str(call.timeout_ms),
        OCF_RESKEY_CRM_meta_interval=str(call.interval_ms),
    )
    for name, value in call.meta.items():
        env[f"OCF_RESKEY_CRM_meta_{name.replace('-', '_')}"] = value
    if "OCF_CHECK_LEVEL" in call.params:
        env["OCF_CHECK_LEVEL"] = call.params["OCF_CHECK_LEVEL"]
    return env


def prepare(agent: agents.Agent, call: Call, here: Surroundings) -> launch.Launch:
    """Return how to run an OCF action."""
    assert agent.path is not None  # noqa: S101  a missing agent is recorded, never run
    return launch.Launch((agent.path, call.operation), environment(agent, call, here))


def outcome(_operation: str, exit_code: int) -> Tuple[int, str]:
    """Return (OCF code, words where the agent gave none) of an exit code."""
    if exit_code in _DEGRADED:
        return _DEGRADED[exit_code], "degraded"
    return exit_code, ""
