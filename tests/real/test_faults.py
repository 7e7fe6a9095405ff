"""What goes wrong in a real cluster: the VIP is up elsewhere, or back, never twice, fenced first.

The resource, the agents, the BMCs and the processes that are killed are all real. The times are
printed for people at the end of the run; nothing is asserted of them but that the wait has an end.
"""

import contextlib
import pathlib
import signal
import subprocess
import sys

import pytest
from live_cluster import AddressWatch

from reconciler.sandbox import faults

pytestmark = [pytest.mark.real, pytest.mark.root, pytest.mark.timeout(300)]

MANIFESTS = pathlib.Path(__file__).parents[2] / "examples/vip-cluster/manifests"
VIP = "192.168.0.200"


@contextlib.contextmanager
def _watching(cluster):
    """Run `reconcile watch`; its log is shown when the test fails."""
    log = cluster.state / "watch.log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            ["reconcile", "watch", str(cluster.manifests), "--log-format", "json"],
            executable=cluster.program,
            env=cluster.environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    try:
        cluster.wait_for("watch acts", lambda: "converged" in log.read_text())
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(60)
        sys.stderr.write(log.read_text())
    assert status == 143


@pytest.fixture
def cluster(live_cluster):
    """The tutorial's cluster with its VIP up."""
    found = live_cluster(MANIFESTS)
    found.reconcile("apply", "--yes")
    return found


def _holder(cluster):
    (node,) = cluster.holders(VIP)
    return node


def test_a_killed_resource_is_brought_back_in_its_place(cluster, figure):
    """The monitor sees that the address is gone, and it is started again where it was."""
    node = _holder(cluster)
    with _watching(cluster), AddressWatch(cluster, VIP) as seen:
        taken = cluster.in_node(node, "ip", "address", "del", f"{VIP}/24", "dev", "eth0")
        assert taken.returncode == 0, taken.stderr
        cluster.wait_for("the address is gone", lambda: not seen.now().holders)
        cluster.wait_for("the address is back", lambda: seen.now().holders)
        figure(f"resource killed -> VIP back on {node}: {seen.outage_s():.2f} s")

    assert seen.never_twice()
    assert seen.now().holders == {node}
    assert all(len(sight.powered) == 3 for sight in seen.sights), "nobody was fenced for it"


def test_an_executor_that_dies_and_comes_back_costs_nobody_anything(cluster):
    """The node's init starts another executor in time: no fencing, and the VIP never moves."""
    node = _holder(cluster)
    with _watching(cluster), AddressWatch(cluster, VIP) as seen:
        faults.kill_executor(cluster.root, node)
        cluster.wait_for(
            "its monitor is scheduled again",
            lambda: cluster.reconcile("plan", "--detailed-exitcode", expect=None).returncode == 0,
        )

    assert all(sight.holders == {node} for sight in seen.sights)
    assert all(len(sight.powered) == 3 for sight in seen.sights)


@pytest.mark.parametrize("fault", ["kill", "freeze", "cut"])
def test_a_lost_node_is_fenced_before_its_vip_starts_elsewhere(cluster, fault, figure):
    """Killed, frozen or cut off: the node is proven off over IPMI, then the VIP comes up elsewhere."""
    lost = _holder(cluster)
    with _watching(cluster), AddressWatch(cluster, VIP) as seen:
        cluster.reconcile("sandbox", fault, lost)
        began = seen.sights[0].at
        cluster.wait_for(
            "the VIP is up elsewhere", lambda: seen.now().holders and lost not in seen.now().holders
        )
        cluster.wait_for("the node is back", lambda: lost in seen.now().powered)
        off = seen.first(lambda sight: lost not in sight.powered)
        elsewhere = seen.first(lambda sight: bool(sight.holders - {lost}))
        figure(
            f"node {fault}: power off after {off - began:.2f} s, "
            f"VIP elsewhere after {elsewhere - began:.2f} s, outage {seen.outage_s():.2f} s"
        )

    assert off is not None
    assert off < elsewhere
    assert seen.never_twice()
    history = cluster.json("fence", "history")
    assert [(one["node"], one["confirmed"]) for one in history["fenced"]] == [(lost, True)]


def test_a_node_that_no_device_can_prove_off_blocks_its_vip(cluster):
    """With the BMC gone too, nothing is started elsewhere, and the status names the node."""
    lost = _holder(cluster)
    cluster.silence_bmc(lost)
    with AddressWatch(cluster, VIP) as seen:
        cluster.reconcile("sandbox", "cut", lost)
        done = cluster.reconcile("apply", "--yes", "--timeout", "60s", expect=4, timeout=200)

    assert seen.never_twice()
    assert not any(sight.holders - {lost} for sight in seen.sights)
    assert lost in done.stdout + done.stderr


def test_the_minority_side_does_nothing(cluster):
    """With two of three nodes silent there is no quorum: no fencing, nothing is started."""
    lost = _holder(cluster)
    others = sorted(set(cluster.namespaces()) - {lost})
    with AddressWatch(cluster, VIP) as seen:
        for node in (lost, others[0]):
            cluster.reconcile("sandbox", "cut", node)
        done = cluster.reconcile("apply", "--yes", "--timeout", "30s", expect=None, timeout=200)

    assert done.returncode in (1, 4), done.stderr
    assert "quorum" in (done.stdout + done.stderr).lower()
    assert all(sight.holders <= {lost} for sight in seen.sights)
    assert all(len(sight.powered) == 3 for sight in seen.sights)
