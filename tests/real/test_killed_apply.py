"""A controller can die at any moment: the next one brings the cluster to the same end state."""

import contextlib
import json
import pathlib
import random
import subprocess
import time

import pytest

pytestmark = [pytest.mark.real, pytest.mark.root, pytest.mark.timeout(1200)]

BASE = pathlib.Path(__file__).parents[2] / "examples/vip-cluster/manifests/cluster.yaml"
KILLS = 20
RESOURCES = 30
SEED = 20261122


def _manifest(tree, generation):
    """Thirty resources in chains; another generation changes a parameter of each third one."""
    text = BASE.read_text()
    resources = "".join(
        f"""  r{n:02}:
    agent: ocf:heartbeat:Dummy
    params: {{fake: "{generation if n % 3 == 0 else 0}"}}
    operations:
      monitor: {{interval: 10s, timeout: 20s}}
"""
        for n in range(RESOURCES)
    )
    orders = "".join(
        f"  - order: {{first: r{n:02}, then: r{n + 1:02}}}\n"
        for n in range(RESOURCES - 1)
        if n % 3 != 2
    )
    head, fencing = text.split("fencing:\n", 1)
    head = head.replace("resources:\n  p_vip", resources.join(["resources:\n", "  p_vip"]))
    tree.mkdir(exist_ok=True)
    (tree / "cluster.yaml").write_text(f"{head}\nconstraints:\n{orders}\nfencing:\n{fencing}")


def _end_state(cluster):
    """Who runs what, without times and ids."""
    status = cluster.json("status")
    assert status["converged"], json.dumps(status, indent=1)
    return sorted((one["resource"], one["node"], one["role"]) for one in status["resources"])


def _edit_and_apply(cluster, text, value):
    """Change a parameter of ten resources and apply that undisturbed; return how long it took."""
    cluster.write("cluster.yaml", text.replace('fake: "0"', f'fake: "{value}"'))
    began = time.monotonic()
    cluster.reconcile("apply", "--yes", timeout=300)
    return time.monotonic() - began


def test_an_apply_killed_at_any_moment_is_resumed_to_the_same_end_state(
    live_cluster, tmp_path, figure
):
    """Twenty times SIGKILL in the middle of a transition of thirty resources, then apply again."""
    _manifest(tmp_path / "source", 0)
    cluster = live_cluster(tmp_path / "source")
    ports = cluster.manifests / "cluster.yaml"
    text = ports.read_text()
    cluster.reconcile("apply", "--yes", timeout=300)
    expected = _end_state(cluster)
    chance = random.Random(SEED)  # noqa: S311 - moments to kill at, not a secret
    whole_s = _edit_and_apply(cluster, text, "whole")
    landed = tries = 0
    while landed < KILLS and tries < 2 * KILLS:
        tries += 1
        cluster.write("cluster.yaml", text.replace('fake: "0"', f'fake: "{tries}"'))
        began = time.monotonic()
        process = cluster.start("apply", "--yes")
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0.2, whole_s))
        if process.poll() is None:
            landed += 1
        else:
            # The machine has become faster since: what is too late for a kill is later than that.
            whole_s = time.monotonic() - began
        process.kill()
        process.communicate(timeout=30)

        cluster.reconcile("apply", "--yes", "--lock-timeout", "60s", timeout=300)
        assert _end_state(cluster) == expected, f"try {tries} of seed {SEED}"

        again = cluster.reconcile("plan", "--detailed-exitcode", expect=None)
        assert again.returncode == 0, again.stdout
    figure(f"{landed} of {tries} kills hit a running apply of {whole_s:.1f} s; all were resumed")

    assert landed == KILLS
