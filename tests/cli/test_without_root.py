"""A user without rights runs the whole program: everything but real addresses works."""

from __future__ import annotations

import pathlib

import pytest

from reconciler.sandbox import cluster as sandbox_cluster

pytestmark = [pytest.mark.real, pytest.mark.root]

MANIFEST = """apiVersion: reconciler/v1
cluster:
  name: other
  properties: {fencing-enabled: true, no-quorum-policy: stop}
defaults:
  resources: {resource-stickiness: 100}
nodes:
  n1: {address: 192.168.77.1}
  n2: {address: 192.168.77.2}
  n3: {address: 192.168.77.3}
resources:
  job:
    agent: ocf:reconciler:Dummy
    operations: {monitor: {interval: 2s, timeout: 20s}}
  db: {agent: ocf:reconciler:Stateful}
  db_ha: {clone: db, promotable: true}
fencing:
  devices:
"""
DEVICE = """    ipmi_{number}:
      agent: {agent}
      params:
        ip: 127.0.0.1
        ipport: 1
        username: admin
        password: {{secretRef: {{file: .secrets/ipmi}}}}
        lanplus: true
        cipher: 3
      hosts: [n{number}]
"""
VIP = """apiVersion: reconciler/v1
resources:
  vip:
    agent: ocf:heartbeat:IPaddr2
    params: {ip: 192.168.77.100, cidr_netmask: 24}
"""


@pytest.fixture
def cluster(without_root, tmp_path: pathlib.Path):
    """A sandbox of user nobody."""
    source = tmp_path / "source"
    source.mkdir()
    agents = {1: "ipmi", 2: "ipmi", 3: "fence_ipmilan"}
    devices = "".join(DEVICE.format(number=n, agent=agent) for n, agent in agents.items())
    (source / "cluster.yaml").write_text(MANIFEST + devices)
    return without_root(source)


def _places(cluster) -> dict[str, list[str]]:
    places: dict[str, list[str]] = {}
    for one in cluster.json("status")["resources"]:
        if one["role"] != "Stopped":
            places.setdefault(f"{one['resource']} {one['role']}", []).append(one["node"])
    return places


def test_what_is_missing_is_said_and_the_rest_works(cluster):
    """Up names what is missing; validate, plan, apply and status work as for root."""
    shown = cluster.reconcile("sandbox", "status").stdout
    again = cluster.reconcile("sandbox", "up").stdout

    assert sandbox_cluster.NO_ROOT in shown
    assert sandbox_cluster.NO_ROOT in again
    assert cluster.reconcile("validate").stdout.startswith("Valid: ")
    assert "Plan: 4 to start." in cluster.reconcile("plan").stdout
    cluster.reconcile("apply", "--yes")
    places = _places(cluster)
    assert len(places["job Started"]) == 1
    assert len(places["db Promoted"]) == 1
    assert len(places["db Unpromoted"]) == 2
    assert cluster.json("status")["converged"]
    assert cluster.reconcile("plan", "--detailed-exitcode").returncode == 0


@pytest.mark.parametrize(
    ("without_root", "fault"),
    [("installed", "kill"), ("installed", "freeze"), ("installed", "cut"), ("bare", "kill")],
    indirect=["without_root"],
)
def test_a_broken_node_is_fenced(cluster, fault):
    """Whatever broke the node that runs the job, it is proven off and the job runs elsewhere."""
    cluster.reconcile("apply", "--yes")
    (lost,) = _places(cluster)["job Started"]
    cluster.reconcile("sandbox", fault, lost)
    if fault == "cut":
        assert "CUT OFF" in cluster.reconcile("sandbox", "status").stdout

    cluster.reconcile("apply", "--yes")

    (elsewhere,) = _places(cluster)["job Started"]
    assert elsewhere != lost
    (fenced,) = cluster.json("fence", "history")["fenced"]
    assert (fenced["node"], fenced["confirmed"]) == (lost, True)


@pytest.mark.parametrize("without_root", ["installed", "bare"], indirect=True)
def test_an_address_fails_with_its_reason_and_fences_nobody(cluster):
    """The VIP cannot be added without root: that is said, nothing is fenced, the rest goes on."""
    cluster.reconcile("apply", "--yes")
    cluster.write("vip.yaml", VIP)

    cluster.reconcile("validate")
    cluster.reconcile("plan")
    done = cluster.reconcile("apply", "--yes", expect=4)

    assert "adding an address needs root" in done.stderr
    assert "Traceback" not in done.stderr
    assert cluster.json("fence", "history")["fenced"] == []
    shown = cluster.reconcile("status").stdout
    assert "adding an address needs root" in shown
    assert "vip Started" not in _places(cluster)
    assert len(_places(cluster)["job Started"]) == 1
