"""The tutorial's steps on a real cluster, checked against the addresses that are really there."""

import pathlib
import re

import pytest

pytestmark = [pytest.mark.real, pytest.mark.root]

MANIFESTS = pathlib.Path(__file__).parent / "manifests"
VIP, VIP2 = "192.168.0.200", "192.168.0.201"
SECOND = f"""apiVersion: reconciler/v1
resources:
  p_vip2:
    agent: ocf:heartbeat:IPaddr2
    params: {{ip: {VIP2}, cidr_netmask: 24}}
    operations:
      monitor: {{interval: 2s, timeout: 20s}}
constraints:
  - colocation: {{resource: p_vip2, with: p_vip, score: INFINITY}}
  - order: {{first: p_vip, then: p_vip2}}
"""
PREFERENCE = """apiVersion: reconciler/v1
constraints:
  - location: {resource: p_vip, prefers: {ha-2: 200}}
"""


@pytest.fixture
def cluster(live_cluster):
    """The cluster of the manifests, applied."""
    found = live_cluster(MANIFESTS)
    found.reconcile("apply", "--yes")
    return found


def test_the_vip_is_a_real_address_that_other_nodes_reach(cluster):
    """After apply exactly one node has the VIP, the others can ping it, and a plan is empty."""
    (node,) = cluster.holders(VIP)
    others = set(cluster.namespaces()) - {node}

    assert all(cluster.pings(other, VIP) for other in others)
    assert cluster.reconcile("plan", "--detailed-exitcode").returncode == 0
    assert cluster.reconcile("apply", "--yes").returncode == 0
    assert cluster.holders(VIP) == [node]


def test_agents_are_listed_and_described(cluster):
    """What is installed is listed by standard and provider, with parameters as the agent says."""
    listed = cluster.reconcile("agents", "list").stdout
    described = cluster.reconcile("agents", "describe", "ocf:heartbeat:IPaddr2").stdout

    assert "ocf:heartbeat:IPaddr2" in listed
    assert "ocf:reconciler:Dummy" in listed
    assert "cidr_netmask" in described


def test_fence_agents_are_listed_and_described(cluster):
    """The devices of the manifest answer, and a fence agent's parameters can be read."""
    described = cluster.reconcile("fence", "describe", "fence_ipmilan").stdout
    status = cluster.reconcile("fence", "status").stdout

    assert "lanplus" in described
    assert "cipher" in described
    assert all(f"ha-{number}" in status for number in (1, 2, 3))
    assert "DOES NOT" not in status


def test_standby_moves_the_vip_and_stickiness_keeps_it_there(cluster):
    """The VIP leaves a node in standby, and does not come back when the standby ends."""
    (node,) = cluster.holders(VIP)
    cluster.reconcile("standby", node)
    cluster.reconcile("apply", "--yes")
    (elsewhere,) = cluster.holders(VIP)
    assert elsewhere != node

    cluster.reconcile("unstandby", node)
    cluster.reconcile("apply", "--yes")

    assert cluster.holders(VIP) == [elsewhere]


def test_a_second_vip_follows_the_first_and_starts_after_it(cluster):
    """Colocated and ordered: both addresses are on one node, and the plan orders the starts."""
    cluster.write("second.yaml", SECOND)
    plan = cluster.json("plan")
    started = [one["resource"] for one in plan["changes"] if one["kind"] == "start"]
    assert started == ["p_vip2"]

    cluster.reconcile("apply", "--yes")

    assert cluster.holders(VIP2) == cluster.holders(VIP)


def test_a_location_preference_beats_the_stickiness_that_is_smaller(cluster):
    """`prefers: {ha-2: 200}` moves the VIP against a stickiness of 100, the second one with it."""
    cluster.write("second.yaml", SECOND)
    cluster.write("preference.yaml", PREFERENCE)
    cluster.reconcile("apply", "--yes")

    assert cluster.holders(VIP) == ["ha-2"]
    assert cluster.holders(VIP2) == ["ha-2"]


def test_explain_shows_the_scores_and_where_they_come_from(cluster):
    """The ledger of the placement names the stickiness and the sum."""
    (node,) = cluster.holders(VIP)
    shown = cluster.reconcile("explain", "p_vip").stdout

    assert "stickiness" in shown
    assert re.search(rf"{node}.*\b100\b", shown)


def test_a_changed_monitor_interval_does_not_touch_the_vip(cluster):
    """Only the monitor is cancelled and scheduled anew; the address stays where it is."""
    (node,) = cluster.holders(VIP)
    text = (cluster.manifests / "cluster.yaml").read_text()
    cluster.write("cluster.yaml", text.replace("interval: 2s", "interval: 5s"))
    plan = cluster.json("plan")
    tasks = sorted(one["task"] for one in plan["actions"] if one["kind"] in ("rsc", "cluster"))
    assert tasks == ["cancel", "monitor"]

    cluster.reconcile("apply", "--yes")

    assert cluster.holders(VIP) == [node]
    assert cluster.reconcile("plan", "--detailed-exitcode").returncode == 0


def test_a_reviewed_plan_is_applied_as_it_is_or_refused_as_stale(cluster):
    """`plan --out` then `apply FILE` does exactly that; after another change it is refused."""
    cluster.write("second.yaml", SECOND)
    reviewed = str(cluster.state / "reviewed.plan")
    cluster.reconcile("plan", "--out", reviewed)
    cluster.reconcile("apply", "--yes", reviewed)
    assert cluster.holders(VIP2) == cluster.holders(VIP)

    assert cluster.reconcile("apply", "--yes", reviewed, expect=None).returncode == 5


def test_a_node_is_fenced_by_hand_and_comes_back_with_a_new_boot(cluster):
    """`fence NODE` proves it off over IPMI, switches it on, and the VIP was up elsewhere."""
    (node,) = cluster.holders(VIP)
    before = {one["node"]: one["boot_id"] for one in cluster.json("status")["nodes"]}
    cluster.reconcile("fence", node, f"--confirm-fence={node}")
    cluster.wait_for(
        "the node is back",
        lambda: (
            {one["node"]: one["presence"] for one in cluster.json("status")["nodes"]}[node]
            == "online"
        ),
    )
    after = {one["node"]: one["boot_id"] for one in cluster.json("status")["nodes"]}
    cluster.reconcile("apply", "--yes")

    assert before[node] != after[node]
    assert {one for one in before if before[one] != after[one]} == {node}
    assert len(cluster.holders(VIP)) == 1
    (fenced,) = cluster.json("fence", "history")["fenced"]
    assert (fenced["node"], fenced["confirmed"]) == (node, True)


def test_a_node_is_not_fenced_by_hand_without_its_name_typed_again(cluster):
    """Without a terminal and without --confirm-fence nothing is switched off."""
    done = cluster.reconcile("fence", "ha-1", expect=3)

    assert "--confirm-fence=ha-1" in done.stderr
    assert len(cluster.namespaces()) == 3


def test_a_mistake_is_found_at_its_line_without_touching_a_node(cluster):
    """`validate` names file, line, column and the nearest word; apply refuses the same."""
    (node,) = cluster.holders(VIP)
    cluster.write("second.yaml", SECOND.replace("with: p_vip,", "with: p_vib,"))

    for command in (["validate"], ["apply", "--yes"], ["plan"]):
        done = cluster.reconcile(*command, expect=65)
        assert re.search(r"second\.yaml:\d+:\d+: error\[", done.stderr + done.stdout)
        assert "p_vip" in done.stderr + done.stdout

    assert cluster.holders(VIP) == [node]
    assert "ha-1" in cluster.reconcile("sandbox", "status").stdout
