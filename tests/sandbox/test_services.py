"""Real agents, run by the real executors, in nodes that have real addresses."""

import json
import os
import pathlib
import time
import uuid

import pytest

from reconciler.sandbox import faults, inside, power, sockets

pytestmark = [pytest.mark.root, pytest.mark.real]

VIP = "10.99.0.80"
IPADDR2 = pathlib.Path("/usr/lib/ocf/resource.d/heartbeat/IPaddr2")
needs_ipaddr2 = pytest.mark.skipif(
    os.environ.get("CI") != "true" and not IPADDR2.exists(),
    reason="IPaddr2 is missing (package resource-agents)",
)


def _ask(sandbox, node, **request):
    with sockets.connect(sandbox.files.node(node).link_socket, 60) as client:
        client.sendall(json.dumps({"id": 1, **request}).encode() + b"\n")
        reply = json.loads(client.makefile("rb").readline())
    assert reply["ok"], reply
    return reply["result"]


def _act(sandbox, node, resource, agent, operation, *, expected_rc=0, **params):
    result = _ask(
        sandbox,
        node,
        op="act",
        token=1,
        action_id=str(uuid.uuid4()),
        expect={"boot_id": sandbox.node(node).boot_id, "revision": None},
        resource=resource,
        agent=agent,
        operation=operation,
        interval_ms=0,
        timeout_ms=30000,
        start_delay_ms=0,
        params=params,
        meta={},
        expected_rc=expected_rc,
        digests={},
        fatal=False,
        probe=operation == "monitor",
        migrate=None,
    )
    return result["operation"]["rc"]


@needs_ipaddr2
def test_a_web_server_behind_a_virtual_address_moves_between_nodes(make_sandbox):
    """A client in a third node finds the page of the node that has the address, before and after."""
    sandbox = make_sandbox(3)
    sandbox.up()
    fetch = ["python3", "-I", "-c", _FETCH, VIP]
    for node in ("n1", "n2"):
        address = {"ip": VIP, "cidr_netmask": "24"}
        server = {"ip": VIP, "port": "8080"}
        assert _act(sandbox, node, "vip", "ocf:heartbeat:IPaddr2", "start", **address) == 0
        assert _act(sandbox, node, "web", "ocf:reconciler:Web", "start", **server) == 0
        assert VIP in inside.addresses(sandbox.root)[node]

        page = inside.run_in(sandbox.root, "n3", fetch)

        assert page.stdout == f"node {node} resource web\n", page.stderr
        if node == "n1":
            power.power_off(sandbox.root, "n1")
            assert inside.run_in(sandbox.root, "n3", fetch).returncode != 0


_FETCH = """
import sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
print(opener.open(f"http://{sys.argv[1]}:8080/", timeout=3).read().decode(), end="")
"""


def test_what_ran_is_gone_after_a_power_cycle_and_the_disk_is_not(make_sandbox):
    """State files of agents are on no disk; the executor's history says there was a boot before."""
    sandbox = make_sandbox()
    sandbox.up()
    assert _act(sandbox, "n1", "d", "ocf:reconciler:Dummy", "start") == 0
    assert _act(sandbox, "n1", "d", "ocf:reconciler:Dummy", "monitor") == 0

    power.power_cycle(sandbox.root, "n1")
    give_up = time.monotonic() + 20
    while not sandbox.node().executor:
        assert time.monotonic() < give_up, "no executor came back"
        time.sleep(0.02)

    assert _ask(sandbox, "n1", op="observe")["resources"] == {}
    assert _act(sandbox, "n1", "d", "ocf:reconciler:Dummy", "monitor", expected_rc=7) == 7


def test_services_survive_the_death_of_their_executor(make_sandbox):
    """What agents have started goes on without an executor, and the next one finds it."""
    sandbox = make_sandbox()
    sandbox.up()
    server = {"ip": "10.99.0.1", "port": "8080"}
    assert _act(sandbox, "n1", "web", "ocf:reconciler:Web", "start", **server) == 0

    faults.kill_executor(sandbox.root, "n1")
    give_up = time.monotonic() + 20
    while not sandbox.node().executor:
        assert time.monotonic() < give_up, "no executor came back"
        time.sleep(0.02)

    assert _act(sandbox, "n1", "web", "ocf:reconciler:Web", "monitor", **server) == 0


def test_promotion_scores_reach_the_node_s_executor(make_sandbox):
    """The Stateful agent's score is an attribute of its node."""
    sandbox = make_sandbox()
    sandbox.up()

    assert _act(sandbox, "n1", "db", "ocf:reconciler:Stateful", "start") == 0

    attributes = _ask(sandbox, "n1", op="observe")["attributes"]["transient"]
    assert attributes["master-db"] == "5"
