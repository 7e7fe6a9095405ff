"""On a machine without the distribution's agents and IPMI programs everything works just the same."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess

import live_cluster
import pytest

from reconciler.sandbox import cluster as sandbox_cluster

pytestmark = [pytest.mark.real, pytest.mark.root]

VIP_CLUSTER = live_cluster.ROOT / "examples" / "vip-cluster" / "manifests"
DEMO = live_cluster.ROOT / "manifests"
VIP = "192.168.0.200"


def _holders(cluster: live_cluster.LiveCluster) -> list[str]:
    """Which nodes have the VIP, by the kernel's word; the namespaces' names are not seen here."""
    found = []
    for node in sandbox_cluster.status(cluster.root).nodes:
        done = subprocess.run(
            ["nsenter", "--target", str(node.pid), "--net", "ip", "-json", "address"],
            capture_output=True,
            timeout=30,
            check=True,
        )
        if any(
            one["local"] == VIP for port in json.loads(done.stdout) for one in port["addr_info"]
        ):
            found.append(node.name)
    return found


@pytest.mark.parametrize("manifests", [VIP_CLUSTER, DEMO], ids=["example", "demo"])
def test_a_lost_node_is_fenced_and_its_vip_moves(bare_machine, manifests: pathlib.Path):
    """The shipped IPaddr2 adds a real address, fence_sandbox switches the killed node off."""
    cluster = bare_machine(manifests)
    shown = cluster.reconcile("sandbox", "status").stdout
    cluster.reconcile("apply", "--yes")
    (lost,) = _holders(cluster)

    cluster.reconcile("sandbox", "kill", lost)
    fencing = cluster.reconcile("apply", "--yes").stderr

    assert shown.count(sandbox_cluster.NO_BMC) == 1
    assert shown.count(sandbox_cluster.NO_ADDRESS_AGENT) == 1
    assert "127.0.0.1 port" not in shown
    assert "status, attempt 2: off" in fencing
    (fenced,) = cluster.json("fence", "history")["fenced"]
    assert (fenced["node"], fenced["confirmed"]) == (lost, True)
    status = cluster.json("sandbox", "status")
    assert {one["power_control"] for one in status["nodes"]} == {"fence_sandbox"}
    (moved_to,) = re.findall(r"(?m)^ok +start p_vip on (\S+)", fencing)
    assert moved_to != lost
    assert _holders(cluster) == [moved_to]


def test_the_agents_are_the_shipped_ones(bare_machine):
    """What is listed and described is what will be run, and a fence agent that is missing is named."""
    cluster = bare_machine(VIP_CLUSTER)
    listed = cluster.json("agents", "list")["agents"]
    described = cluster.reconcile("agents", "describe", "ocf:heartbeat:IPaddr2").stdout
    missing = cluster.reconcile("fence", "describe", "fence_ipmilan", expect=1).stderr

    assert [one for one in listed if one.startswith("ocf:")] == [
        "ocf:heartbeat:IPaddr2",
        "ocf:reconciler:Dummy",
        "ocf:reconciler:Stateful",
        "ocf:reconciler:Web",
    ]
    assert "stand-in" in described
    assert "not installed" in missing
    assert all(
        "answers" in line for line in cluster.reconcile("fence", "status").stdout.splitlines()
    )
