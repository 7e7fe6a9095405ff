"""Recurring monitors: run by the daemon, on their beat, told when they change."""

import pathlib

import pytest

FLAG = 'log monitor\n[ -e "$OCF_RESKEY_log.down" ] && exit 7\nexit 0\n'


def test_only_a_change_is_told_and_kept(node, support):
    """Equal results are neither recorded nor told; a changed one is told at once, and counted."""
    agent = node.agent("Flag", FLAG)
    executor = node.start()
    watcher = node.client()
    node.act(executor, "monitor", agent, interval_ms=50)
    watcher.call("subscribe")
    support.until(lambda: len(node.logged()) > 5, "the monitor recurs")
    before = executor.call("observe")
    (node.directory / "agents.log.down").touch()

    event = watcher.event("operation")
    told = event["operation"]
    count = watcher.event("attribute")
    beats = len(node.logged())
    support.until(lambda: len(node.logged()) > beats + 3, "the monitor goes on")
    after = executor.call("observe")

    assert before["resources"]["r"]["operations"][0]["call"] == 1
    assert (told["rc"], told["status"], told["interval_ms"]) == (7, "done", 50)
    assert event["revision"] == after["resources"]["r"]["revision"]
    assert count["name"] == "fail-count-r#monitor_50"
    assert count["value"] == "1"
    assert after["attributes"]["transient"]["fail-count-r#monitor_50"] == "1"
    assert after["resources"]["r"]["operations"] == [told]


def test_a_monitor_that_recovers_is_told_too(node):
    """Going back to the expected result is a change as well."""
    agent = node.agent("Flag", FLAG)
    down = node.directory / "agents.log.down"
    down.touch()
    executor = node.start()
    first = node.act(executor, "monitor", agent, interval_ms=50)
    executor.call("subscribe")
    down.unlink()

    told = executor.event("operation")["operation"]

    assert (first["rc"], told["rc"]) == (7, 0)
    assert told["changed_at"] > first["changed_at"]


def test_a_hanging_monitor_times_out_and_goes_on(node):
    """A monitor that hangs is killed and told as timed out, then runs again."""
    agent = node.agent("Hang", '[ -e "$OCF_RESKEY_log.hang" ] && sleep 60\nexit 0\n')
    executor = node.start()
    executor.call("subscribe")
    node.act(executor, "monitor", agent, interval_ms=50, timeout_ms=300)
    executor.event("operation")
    hang = node.directory / "agents.log.hang"
    hang.touch()

    bad = executor.event("operation")["operation"]
    hang.unlink()
    good = executor.event("operation")["operation"]

    assert (bad["status"], bad["rc"]) == ("timeout", 1)
    assert (good["status"], good["rc"]) == ("done", 0)


def test_monitors_never_overlap_with_actions(node):
    """Neither with an action nor with another monitor of the resource is a monitor under way."""
    agent = node.agent(
        "Alone",
        'mkdir "$OCF_RESKEY_log.lock" || log OVERLAP\nsleep 0.03\nrmdir "$OCF_RESKEY_log.lock"\nlog $1\nexit 0\n',
    )
    executor = node.start()
    node.act(executor, "monitor", agent, interval_ms=20)
    node.act(executor, "monitor", agent, interval_ms=21)

    for _time in range(15):
        node.act(executor, "reload", agent)
    observed = executor.call("observe")
    lines = [line.split()[0] for line in node.logged()]

    assert "OVERLAP" not in lines
    assert lines.count("reload") == 15
    assert lines.count("monitor") > 4
    assert [known["interval_ms"] for known in observed["recurring"]] == [20, 21]


@pytest.mark.parametrize("operation", ["stop", "demote", "promote", "start", "migrate_to"])
def test_a_change_of_role_ends_the_monitors(node, operation):
    """An action that changes the role stops recurring monitors and drops their entries."""
    agent = node.agent("Flag", FLAG)
    executor = node.start()
    node.act(executor, "monitor", agent, interval_ms=20)

    node.act(executor, operation, agent)
    observed = executor.call("observe")

    assert observed["recurring"] == []
    kept = [known["operation"] for known in observed["resources"]["r"]["operations"]]
    assert kept == [operation]


def test_cancel_stops_one_monitor(node):
    """Cancelling ends one monitor, drops its entry, and is fine for one that is not there."""
    agent = node.agent("Flag", FLAG)
    executor = node.start()
    for interval_ms in (30, 40):
        node.act(executor, "monitor", agent, interval_ms=interval_ms)
    fields = {"token": 1, "resource": "r", "operation": "monitor"}

    for interval_ms in (30, 30, 999):
        assert executor.call("cancel", interval_ms=interval_ms, **fields) == {}
    observed = executor.call("observe")

    assert [known["interval_ms"] for known in observed["recurring"]] == [40]
    kept = [known["interval_ms"] for known in observed["resources"]["r"]["operations"]]
    assert kept == [40]


def test_a_delayed_monitor_can_be_cancelled(node, support):
    """A monitor that waits for its start delay blocks nothing and ends with a stop."""
    agent = node.agent("Flag", FLAG)
    executor = node.start()
    waiting = executor.send(
        "act", **node.request("monitor", agent, interval_ms=50, start_delay_ms=60_000)
    )
    support.until(lambda: executor.call("observe")["running"], "it waits")

    stopped = node.act(executor, "stop", agent)

    assert stopped["rc"] == 0
    assert support.refused(executor.receive, waiting) == "cancelled"
    assert executor.call("observe")["recurring"] == []


def test_a_hundred_monitors_share_few_places(node, support):
    """More monitors than places all get their turn, and never more than four per core run."""
    import os

    agent = node.agent(
        "Count",
        'touch "$OCF_RESKEY_log.$$"\nls "$OCF_RESKEY_log".* | wc -l >> "$OCF_RESKEY_log"\nrm "$OCF_RESKEY_log.$$"\nexit 0\n',
    )
    executor = node.start()
    sent = [
        executor.send("act", **node.request("monitor", agent, resource=f"r{n}", interval_ms=200))
        for n in range(100)
    ]
    for identity in sent:
        assert executor.receive(identity)["operation"]["rc"] == 0
    support.until(lambda: len(node.logged()) > 300, "monitors recur", 60)

    assert max(map(int, node.logged())) <= 4 * os.cpu_count()
    recurring = executor.call("observe")["recurring"]
    assert len(recurring) == 100


def test_the_beat_does_not_drift(node, support):
    """Runs are due at the first one plus whole intervals, however long a run takes."""
    agent = node.agent("Beat", 'date +%s.%N >> "$OCF_RESKEY_log"\nsleep 0.07\nexit 0\n')
    executor = node.start()
    node.act(executor, "monitor", agent, interval_ms=200)
    support.until(lambda: len(node.logged()) > 12, "the monitor recurs")

    times = [float(line) for line in node.logged()]
    phases = sorted((moment - times[0]) % 0.2 for moment in times[1:])

    # A schedule counted from each run's end would spread over the whole interval.
    median = phases[len(phases) // 2]
    near = [phase for phase in phases if abs((phase - median + 0.1) % 0.2 - 0.1) < 0.03]
    assert len(near) >= len(phases) * 2 // 3


def test_the_daemon_stays_small(node, support):
    """Fifty monitors need little memory and one thread."""
    agent = node.agent("Quick", "exit 0\n")
    executor = node.start()
    sent = [
        executor.send("act", **node.request("monitor", agent, resource=f"r{n}", interval_ms=500))
        for n in range(50)
    ]
    for identity in sent:
        executor.receive(identity)
    support.until(
        lambda: all(r["last_run_at"] for r in executor.call("observe")["recurring"]), "all ran"
    )

    status = pathlib.Path(f"/proc/{node.process.pid}/status").read_text()
    assert int(status.partition("VmRSS:")[2].split()[0]) < 30_000
    assert "Threads:\t1\n" in status
