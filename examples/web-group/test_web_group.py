"""A group with a web server behind its address, and a job that keeps away from it."""

import pathlib

import pytest

pytestmark = [pytest.mark.real, pytest.mark.root]

MANIFESTS = pathlib.Path(__file__).parent / "manifests"
VIP = "192.168.0.210"
FETCH = (
    "import urllib.request as r; print(r.urlopen('http://192.168.0.210:8080/', timeout=5).status)"
)


@pytest.fixture
def cluster(live_cluster):
    """The cluster of the manifests, applied."""
    found = live_cluster(MANIFESTS)
    found.reconcile("apply", "--yes")
    return found


def _places(cluster):
    return {
        one["resource"]: one["node"]
        for one in cluster.json("status")["resources"]
        if one["role"] != "Stopped"
    }


def test_the_page_is_served_at_the_group_s_address(cluster):
    """Another node fetches the page from the VIP, where the preference put the group."""
    done = cluster.in_node("ha-3", "python3", "-c", FETCH)

    assert cluster.holders(VIP) == ["ha-2"]
    assert done.stdout.strip() == "200", done.stderr


def test_the_group_moves_as_one_and_the_job_makes_way(cluster):
    """In standby every member leaves together, and the job is never beside them."""
    cluster.reconcile("standby", "ha-2")
    cluster.reconcile("apply", "--yes")
    places = _places(cluster)

    group = {places[name] for name in ("web_ip", "web_cache", "web_httpd")}
    assert len(group) == 1
    assert group.isdisjoint({"ha-2", places["batch"]})
    assert cluster.in_node("ha-2", "python3", "-c", FETCH).stdout.strip() == "200"
