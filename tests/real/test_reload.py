"""A changed reloadable parameter on a real cluster: the real agent gets it and keeps running."""

import pathlib

import pytest

pytestmark = [pytest.mark.real, pytest.mark.root, pytest.mark.timeout(300)]

MANIFESTS = pathlib.Path(__file__).parents[2] / "examples/vip-cluster/manifests"
AGENT = pathlib.Path("/usr/lib/ocf/resource.d/pacemaker/Dummy")
RESOURCE = """\
apiVersion: reconciler/v1
resources:
  p_dummy:
    agent: ocf:pacemaker:Dummy
    params: {{state: {base}/{state}, fake: {fake}, envfile: {base}/env}}
    operations:
      monitor: {{interval: 2s, timeout: 20s}}
"""


def test_a_changed_reloadable_parameter_reaches_the_running_agent(live_cluster):
    """Only a reload is done, the agent sees the new value, and nothing is left to do after it."""
    assert AGENT.exists(), "needs pacemaker-resource-agents"
    cluster = live_cluster(MANIFESTS)
    text = (cluster.manifests / "cluster.yaml").read_text()
    # One kind of fence device is enough here, and it needs no entry in the lock file.
    cluster.write(
        "cluster.yaml",
        text.replace("agent: fence_ipmilan", "agent: ipmi").replace(", power_wait: 0", ""),
    )
    base = cluster.root
    seen = base / "env"

    def resource(fake: str, state: str = "alive") -> None:
        text = RESOURCE.format(base=base, state=state, fake=fake)
        cluster.write("dummy.yaml", text)

    resource("before")
    cluster.reconcile("agents", "lock")
    cluster.reconcile("apply", "--yes")
    resource("after")
    plan = cluster.json("plan")
    done = {(one["task"], one["resource"]) for one in plan["actions"] if one["kind"] != "pseudo"}
    cluster.reconcile("apply", "--yes")
    environment = seen.read_text()

    assert done == {("reload-agent", "p_dummy"), ("monitor", "p_dummy")}
    assert "OCF_RESKEY_fake=after" in environment
    assert cluster.json("plan")["actions"] == []

    resource("after", state="elsewhere")
    changes = cluster.json("plan")["changes"]
    assert "restart" in {one["kind"] for one in changes}
