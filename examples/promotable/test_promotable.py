"""A promotable clone: one instance is promoted, the address is with it, a loss promotes another."""

import pathlib

import pytest

pytestmark = [pytest.mark.real, pytest.mark.root]

MANIFESTS = pathlib.Path(__file__).parent / "manifests"
VIP = "192.168.0.220"


@pytest.fixture
def cluster(live_cluster):
    """The cluster of the manifests, applied."""
    found = live_cluster(MANIFESTS)
    found.reconcile("apply", "--yes")
    return found


def _roles(cluster):
    return {
        one["node"]: one["role"]
        for one in cluster.json("status")["resources"]
        if one["resource"] == "db" and one["node"]
    }


def test_one_instance_is_promoted_and_the_address_is_with_it(cluster):
    """Three instances run, exactly one promoted, on the node that has the address."""
    roles = _roles(cluster)

    assert sorted(roles.values()) == ["Promoted", "Unpromoted", "Unpromoted"]
    assert [node for node in roles if roles[node] == "Promoted"] == cluster.holders(VIP)


def test_a_lost_promoted_node_is_fenced_and_another_instance_promoted(cluster):
    """After the crash of the promoted node another one is promoted and has the address."""
    (lost,) = cluster.holders(VIP)
    cluster.reconcile("sandbox", "kill", lost)
    cluster.reconcile("apply", "--yes")
    roles = _roles(cluster)
    story = [
        (entry["event"], entry["body"]["task"])
        for entry in cluster.json("history")["events"]
        if entry["event"].startswith("action-") and entry["body"]["task"] in {"reboot", "promote"}
    ]

    assert story[-2:] == [("action-began", "promote"), ("action-ended", "promote")]
    assert story[-4:-2] == [("action-began", "reboot"), ("action-ended", "reboot")]
    assert list(roles.values()).count("Promoted") == 1
    assert roles.get(lost) != "Promoted"
    assert cluster.holders(VIP) == [node for node in roles if roles[node] == "Promoted"]
