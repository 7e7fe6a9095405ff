"""The verbs on a real sandbox: what they print, what they do, and how they end."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import time

import pytest

pytestmark = [pytest.mark.real, pytest.mark.root, pytest.mark.timeout(300)]

VIP = "192.168.99.100"


@pytest.fixture
def cluster(live_cluster, manifests):
    """A sandbox of the trial manifests, not applied yet."""
    return live_cluster(manifests, "cli")


def test_the_way_from_a_plan_to_a_running_cluster(cluster):
    """Plan says what will be, apply does it, status shows it, and a second apply does nothing."""
    planned = cluster.reconcile("plan", "--detailed-exitcode", expect=2)
    assert re.search(r"\+ +start +p_vip +on n1 .*\[manifests/cluster\.yaml:\d+\]", planned.stdout)
    assert "Plan: 2 to start." in planned.stdout
    assert planned.stderr == cluster.reconcile("validate").stderr
    assert cluster.holders(VIP) == []

    applied = cluster.reconcile("apply", "--yes")
    assert "ok       start p_vip on n1" in applied.stderr
    assert "Converged: " in applied.stderr
    assert cluster.holders(VIP) == ["n1"]

    status = cluster.json("status")
    assert status["converged"]
    assert {(one["resource"], one["node"], one["role"]) for one in status["resources"]} == {
        ("p_vip", "n1", "Started"),
        ("p_vip2", "n1", "Started"),
    }
    again = cluster.reconcile("apply", "--yes")
    assert "nothing had to be done" in again.stderr
    assert cluster.json("plan") == {**cluster.json("plan"), "empty": True}


def test_plan_changes_nothing_and_is_the_same_each_time(cluster):
    """Two plans are byte-identical but for the observation, and no node's history moved."""
    first, second = cluster.json("plan"), cluster.json("plan")

    assert {**first, "observation": ""} == {**second, "observation": ""}
    assert cluster.holders(VIP) == []


def test_apply_needs_an_approval(cluster):
    """Without --yes and without a terminal: exit 3, the plan was shown, nothing was done."""
    done = cluster.reconcile("apply", expect=3)

    assert "Plan: 2 to start." in done.stdout
    assert "--yes" in done.stderr
    assert cluster.holders(VIP) == []


@pytest.mark.parametrize(("answer", "status"), [("yes", 0), ("y", 3)])
def test_apply_asks_on_a_terminal(cluster, answer, status):
    """Only the word yes is a yes; progress is drawn while it works."""
    seen, ended = _on_a_terminal(cluster, ["apply"], {"Do this?": answer})

    assert ended == status
    assert cluster.holders(VIP) == (["n1"] if answer == "yes" else [])
    assert ("Converged" in seen) is (answer == "yes")


def test_standby_moves_and_cleanup_forgets(cluster):
    """Standby empties a node, its end lets the preferred address back; cleanup means a probe."""
    cluster.reconcile("apply", "--yes")
    cluster.reconcile("standby", "n1")
    assert "n1 is in standby" in cluster.reconcile("plan").stdout
    cluster.reconcile("apply", "--yes")
    (elsewhere,) = cluster.holders(VIP)
    assert elsewhere != "n1"

    cluster.reconcile("unstandby", "n1")
    said = cluster.reconcile("cleanup", "p_vip").stderr
    assert "histories" in said
    assert any(one["probe"] for one in cluster.json("plan")["actions"])
    cluster.reconcile("apply", "--yes")
    assert cluster.holders(VIP) == ["n1"]


def test_a_node_is_fenced_by_hand_after_its_name_was_typed(cluster):
    """On a terminal the name has to be typed; the device proves it off twice and switches it on."""
    cluster.reconcile("apply", "--yes")

    _, declined = _on_a_terminal(cluster, ["fence", "n3"], {"Type its name": "n2"})
    seen, fenced = _on_a_terminal(cluster, ["fence", "n3"], {"Type its name": "n3"})

    assert declined == 3
    assert fenced == 0
    assert seen.count("status") >= 2
    assert "proven off by ipmi_3" in seen
    (one,) = cluster.json("fence", "history")["fenced"]
    assert (one["node"], one["confirmed"]) == ("n3", True)


def test_a_stale_plan_is_refused(cluster):
    """A saved plan is refused after the manifests changed, and after it was applied."""
    path = cluster.state / "a.plan"
    cluster.reconcile("plan", "--out", str(path))
    text = (cluster.manifests / "cluster.yaml").read_text()
    cluster.write("cluster.yaml", text.replace("interval: 5s", "interval: 7s"))
    changed = cluster.reconcile("apply", str(path), expect=5)
    cluster.write("cluster.yaml", text)
    cluster.reconcile("apply", str(path))
    replayed = cluster.reconcile("apply", str(path), expect=5)

    assert "manifests have changed" in changed.stderr
    assert "applied already" in replayed.stderr
    assert cluster.holders(VIP) == ["n1"]


def test_a_second_controller_is_turned_away_by_name(cluster):
    """While one run acts, another one ends with 1 and says who it is; with patience it waits."""
    text = (cluster.manifests / "cluster.yaml").read_text()
    slow = "  p_slow:\n    agent: ocf:heartbeat:Delay\n    params: {startdelay: 8, stopdelay: 0, mondelay: 0}\n"
    cluster.write("cluster.yaml", text.replace("constraints:\n", slow + "constraints:\n"))
    first = cluster.start("apply", "--yes")
    try:
        cluster.wait_for("somebody acts", lambda: cluster.json("status")["lease"] is not None)
        second = cluster.reconcile("apply", "--yes", expect=1)
        assert "reconcile apply" in second.stderr
        assert f"pid {first.pid}" in second.stderr
        cluster.reconcile("apply", "--yes", "--lock-timeout", "60s")
        assert first.wait(60) == 0
    finally:
        first.kill()
        first.communicate()


def test_a_signal_stops_in_an_orderly_way(cluster):
    """SIGTERM during a start: nothing more is begun, 143, and the next run finishes the work."""
    text = (cluster.manifests / "cluster.yaml").read_text()
    slow = "  p_slow:\n    agent: ocf:heartbeat:Delay\n    params: {startdelay: 3, stopdelay: 0, mondelay: 0}\n"
    later = "  - order: {first: p_slow, then: p_vip}\n"
    cluster.write(
        "cluster.yaml",
        text.replace("constraints:\n", f"{slow}constraints:\n{later}"),
    )
    process = cluster.start("apply", "--yes")
    try:
        cluster.wait_for("somebody acts", lambda: cluster.json("status")["lease"] is not None)
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()

    assert process.returncode == 143
    assert "stopping" in said
    assert cluster.holders(VIP) == []
    cluster.reconcile("apply", "--yes")
    assert len(cluster.holders(VIP)) == 1


def _on_a_terminal(cluster, words: list[str], answers: dict[str, str]) -> tuple[str, int]:
    """Run the program on a terminal of its own, answering its questions."""
    ours, theirs = pty.openpty()
    environment = {**cluster.environment, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(
        [cluster.program, *words],
        cwd=cluster.manifests.parent,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        seen = ""
        give_up = time.monotonic() + 120
        waiting = dict(answers)
        while time.monotonic() < give_up:
            if select.select([ours], [], [], 0.2)[0]:
                try:
                    seen += os.read(ours, 65536).decode(errors="replace")
                except OSError:
                    break
            for question in [one for one in waiting if one in seen]:
                os.write(ours, f"{waiting.pop(question)}\n".encode())
        os.close(ours)
        return seen, process.wait(30)
