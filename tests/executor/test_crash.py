"""What is left when the daemon dies at any moment, the node boots, or the disk refuses."""

import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import time

import pytest

SLEEPER = 'log $1\necho $$ > "$OCF_RESKEY_log.pid.$OCF_RESKEY_mark"\nsleep "${OCF_RESKEY_seconds:-60}"\nexit 0\n'
QUICK = "log $1\nexit 0\n"


def entry(observed, operation="start"):
    """Return the history's entry of an operation, or None."""
    entries = observed["resources"].get("r", {"operations": []})["operations"]
    return next((known for known in entries if known["operation"] == operation), None)


def test_an_action_under_way_is_lost_and_its_group_killed(node, support):
    """After SIGKILL of the daemon the next one kills the agent's group and calls the action lost."""
    agent = node.agent("Sleeper", SLEEPER)
    executor = node.start()
    request = node.request("start", agent, params={"mark": "a"})
    executor.send("act", **request)
    pid = int(
        support.until(
            lambda: (path := node.log.with_name("agents.log.pid.a")).exists() and path.read_text(),
            "the agent runs",
        )
    )

    executor = node.restart()
    observed = executor.call("observe")

    assert not support.alive(pid)
    assert (entry(observed)["status"], entry(observed)["rc"]) == ("lost", -1)
    assert observed["attributes"]["transient"]["fail-count-r#start_0"] == "1"
    assert executor.call("act", **request)["operation"]["status"] == "lost"
    assert node.logged() == ["start r a"]


def test_what_a_finished_agent_left_running_is_not_killed(node, support):
    """Only a group whose leader is still the noted process is killed, not the resource itself."""
    agent = node.agent("Daemon", 'sleep 60 &\necho $! > "$OCF_RESKEY_log.pid"\nexit 0\n')
    executor = node.start()
    node.act(executor, "start", agent)
    pid = int((node.directory / "agents.log.pid").read_text())

    node.restart()

    try:
        assert support.alive(pid)
    finally:
        support.end(pid)


def test_killed_at_random_moments(node, support):
    """Whenever the daemon is killed, what ran is known, nothing still runs, nothing runs twice."""
    agent = node.agent("Sleeper", SLEEPER)
    chance = random.Random(20261122)  # noqa: S311  moments, no secrets
    executor = node.start()
    seen = set()
    for number in range(12):
        mark = f"m{number}"
        request = node.request("start", agent, params={"mark": mark, "seconds": "0.03"})
        executor.send("act", **request)
        time.sleep(chance.uniform(0, 0.06))
        executor = node.restart()
        ran = f"start r {mark}" in node.logged()
        state = executor.call("result", action_id=request["action_id"])
        pid_file = node.log.with_name(f"agents.log.pid.{mark}")
        if pid_file.exists() and pid_file.read_text().strip():
            assert not support.alive(int(pid_file.read_text()))
        if ran:
            assert state["state"] == "done", mark
        answer = executor.call("act", **request)["operation"]
        seen.add(answer["status"])
        assert node.logged().count(f"start r {mark}") <= 1
        if not ran and state["state"] == "done":
            assert answer["status"] == "lost"

    assert "lost" in seen


@pytest.mark.real
@pytest.mark.parametrize("call", ["fsync", "rename", "write", "openat"])
def test_killed_at_every_step_of_the_disk(node, support, call):
    """Killed at the n-th system call of an action, for each n: intent first, and never twice."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    agent = node.agent("Quick", QUICK)
    executor = node.start()
    outcomes = set()
    last = {"fsync": 5, "rename": 3, "write": 12, "openat": 12}[call]
    for number in range(1, last + 1):
        request = node.request("start", agent, params={"mark": f"n{number}"})
        inject = f"--inject={call}:signal=SIGKILL:when={number}"
        tracer = subprocess.Popen(
            ["strace", "-q", "-e", f"trace={call}", inject, "-p", str(node.process.pid)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        status = f"/proc/{node.process.pid}/status"
        traced = support.until(
            lambda path=status, by=tracer: _traced(path, by), "strace is attached"
        )
        if not traced:
            pytest.skip("strace may not attach here")
        executor.send("act", **request)
        try:
            node.process.wait(1.5)
            died = True
        except subprocess.TimeoutExpired:
            died = False
        tracer.send_signal(signal.SIGTERM)
        tracer.wait(10)
        executor = node.start() if died else node.restart()
        ran = f"start r n{number}" in node.logged()
        state = executor.call("result", action_id=request["action_id"])["state"]
        assert state == "done" or not ran, number
        answer = executor.call("act", **request)["operation"]
        assert node.logged().count(f"start r n{number}") <= 1, number
        outcomes.add((died, state, answer["status"]))

    assert any(died for died, _state, _status in outcomes), outcomes


def _traced(path, tracer):
    if tracer.poll() is not None:
        return False
    tracer_pid = pathlib.Path(path).read_text().partition("TracerPid:")[2].split()[0]
    return tracer_pid != "0"


def test_a_monitor_left_behind_is_killed(node, support):
    """A recurring monitor that ran when the daemon died is ended by the next one."""
    agent = node.agent(
        "Mon",
        '[ -e "$OCF_RESKEY_log.hang" ] || exit 0\necho $$ > "$OCF_RESKEY_log.pid"\nsleep 60\n',
    )
    executor = node.start()
    node.act(executor, "monitor", agent, interval_ms=50)
    node.log.with_name("agents.log.hang").touch()
    pid_file = node.log.with_name("agents.log.pid")
    support.until(lambda: pid_file.exists() and pid_file.read_text(), "the monitor hangs")
    pid = int(pid_file.read_text())

    executor = node.restart()

    observed = executor.call("observe")
    assert not support.alive(pid)
    assert observed["recurring"] == []
    assert observed["resources"]["r"]["operations"] == []


def test_another_boot_voids_everything_that_ended_with_it(node):
    """A new boot id voids history, transient attributes and fail-counts, and keeps the rest."""
    agent = node.agent("Fail", "exit 1\n")
    executor = node.start()
    node.act(executor, "start", agent)
    executor.call("attribute", token=1, scope="transient", name="t", value="1")
    executor.call("attribute", token=1, scope="permanent", name="p", value="2")
    executor.call("record", token=1, key="k", value={"a": [1]}, version=[1, 1])
    node.kill()
    node.new_boot()

    observed = node.start().call("observe")

    assert observed["resources"] == {}
    assert observed["attributes"] == {"transient": {}, "permanent": {"p": "2"}, "cluster": {}}
    assert observed["records"] == {"k": {"value": {"a": [1]}, "version": [1, 1]}}
    assert observed["boot_id"] == node.boot_id
    assert (node.state / "history.previous").exists()


def test_the_history_survives_a_restart_in_the_same_boot(node):
    """Results, revisions and call numbers go on where the killed daemon was."""
    agent = node.agent("Quick", QUICK)
    executor = node.start()
    node.act(executor, "start", agent)
    before = executor.call("observe")

    executor = node.restart()
    after = executor.call("observe")
    stopped = node.act(executor, "stop", agent)

    assert after["resources"] == before["resources"]
    assert after["executor_id"] != before["executor_id"]
    assert stopped["call"] > entry(before)["call"]


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty", "garbage", "shape"])
def test_a_damaged_history_is_never_believed(node, damage):
    """A history that is torn or changed means that nothing is known, and is kept for people."""
    agent = node.agent("Quick", QUICK)
    executor = node.start()
    node.act(executor, "start", agent, token=9)
    node.kill()
    path = node.state / "history"
    raw = path.read_bytes()
    path.write_bytes(
        {
            "truncate": raw[: len(raw) // 2],
            "flip": raw[:-10] + bytes([raw[-10] ^ 4]) + raw[-9:],
            "empty": b"",
            "garbage": os.urandom(500),
            "shape": _sealed(b'{"resources":{"r":{}},"counter":1,"call":1}'),
        }[damage]
    )

    executor = node.start()
    observed = executor.call("observe")

    assert observed["resources"] == {}
    assert observed["token"] == 9
    assert (node.state / "history.corrupt").exists()


def _sealed(body):
    import zlib

    return b"reconciler-history 1 %08x\n" % zlib.crc32(body) + body


def test_a_history_of_a_newer_version_is_refused(node):
    """A daemon does not start over state that a newer version wrote, and leaves it alone."""
    node.start()
    node.stop()
    path = node.state / "history"
    newer = path.read_bytes().replace(b"reconciler-history 1", b"reconciler-history 2")
    path.write_bytes(newer)

    code = node.spawn().wait(30)

    assert code == 1
    assert "format 2" in node.words()
    assert path.read_bytes() == newer


def test_an_intent_that_cannot_be_written_runs_nothing(node, support):
    """Where the history cannot be replaced, the action is refused and nothing has run."""
    agent = node.agent("Quick", QUICK)
    executor = node.start()
    node.act(executor, "monitor", agent)
    before = executor.call("observe")["resources"]
    (node.state / "history.new").mkdir()

    refused = support.refused(executor.call, "act", **node.request("start", agent))
    after = executor.call("observe")["resources"]
    (node.state / "history.new").rmdir()
    support.until(lambda: not executor.call("observe")["running"], "nothing is under way")
    again = node.act(executor, "start", agent)

    assert refused == "state-not-writable"
    assert after == before
    assert again["rc"] == 0
    assert [line.split()[0] for line in node.logged()] == ["monitor", "start"]


def test_a_result_that_cannot_be_written_is_told_and_written_later(node, support):
    """When the disk fails under a running action its result is still told, as not durable."""
    agent = node.agent("Wait", 'log $1\nwhile [ ! -e "$OCF_RESKEY_log.go" ]; do sleep 0.02; done\n')
    executor = node.start()
    sent = executor.send("act", **node.request("start", agent))
    support.until(node.logged, "the action runs")
    (node.state / "history.new").mkdir()
    (node.directory / "agents.log.go").touch()

    reply = executor.receive(sent)
    (node.state / "history.new").rmdir()
    support.until(
        lambda: b'"status":"done"' in (node.state / "history").read_bytes(), "it is written"
    )

    assert (reply["operation"]["rc"], reply["durable"]) == (0, False)


@pytest.mark.root
def test_a_full_disk_refuses_actions_and_keeps_monitors(node, support):
    """With no space left actions are refused, while a healthy monitor does not turn into a failure."""
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a small file system")
    node.state.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", node.state], check=True)
    try:
        agent = node.agent("Quick", QUICK)
        executor = node.start()
        node.act(executor, "monitor", agent, interval_ms=50)
        _fill(node.state / "filler")
        ran = len(node.logged())

        refused = support.refused(
            executor.call, "act", **node.request("start", agent, resource="other")
        )
        support.until(lambda: len(node.logged()) > ran + 3, "monitors go on")
        known = entry(executor.call("observe"), "monitor")

        assert refused == "state-not-writable"
        assert (known["status"], known["rc"]) == ("done", 0)
        assert not any("other" in line for line in node.logged())
    finally:
        node.stop()
        subprocess.run(["umount", "-l", node.state], check=True)


def _fill(path):
    """Write until there is no space left."""
    with path.open("wb", buffering=0) as filler:

        def endless():
            while True:
                filler.write(b"x" * 4096)

        with pytest.raises(OSError, match="No space left"):
            endless()


def test_told_to_end_it_waits_for_what_runs(node, support):
    """On SIGTERM a running action may finish, is journaled and answered; nothing new begins."""
    agent = node.agent("Sleeper", SLEEPER)
    executor = node.start()
    sent = executor.send("act", **node.request("start", agent, params={"seconds": "0.5"}))
    support.until(node.logged, "the action runs")

    node.process.send_signal(signal.SIGTERM)
    support.until(lambda: not pathlib.Path(node.socket).exists(), "it stops listening")
    refused = support.refused(executor.call, "act", **node.request("start", agent, resource="x"))
    reply = executor.receive(sent)

    assert refused == "shutting-down"
    assert reply["operation"]["rc"] == 0
    assert node.process.wait(30) == 0
    assert entry(node.start().call("observe"))["status"] == "done"


def test_told_to_end_it_does_not_wait_for_ever(node, support):
    """An action that outlasts the grace is killed and journaled as lost."""
    node.options = ["--grace-ms", "200"]
    agent = node.agent("Sleeper", SLEEPER)
    executor = node.start()
    sent = executor.send("act", **node.request("start", agent, params={"mark": "x"}))
    support.until(node.logged, "the action runs")

    node.process.send_signal(signal.SIGTERM)
    reply = executor.receive(sent)
    assert node.process.wait(30) == 0

    assert reply["operation"]["status"] == "lost"
    assert entry(node.start().call("observe"))["status"] == "lost"


def test_state_is_private(node):
    """Every file and directory of the state is for its owner alone."""
    agent = node.agent("Quick", QUICK)
    executor = node.start()
    node.act(executor, "start", agent)

    assert node.state.stat().st_mode & 0o777 == 0o700
    for path in node.state.rglob("*"):
        if not path.is_symlink():
            assert path.stat().st_mode & 0o077 == 0, path
    json.loads((node.state / "history").read_bytes().partition(b"\n")[2])


def test_told_twice_it_ends_at_once(node, support):
    """A second signal ends the daemon at once, and the next one knows what was under way."""
    agent = node.agent("Sleeper", SLEEPER)
    executor = node.start()
    executor.send("act", **node.request("start", agent, params={"mark": "x"}))
    support.until(node.logged, "the action runs")

    node.process.send_signal(signal.SIGTERM)
    support.until(lambda: not pathlib.Path(node.socket).exists(), "it stops listening")
    node.process.send_signal(signal.SIGTERM)
    assert node.process.wait(5) == 0

    assert entry(node.start().call("observe"))["status"] == "lost"


def test_a_fence_agent_may_finish_when_the_daemon_ends(node, support):
    """Fencing under way is given the grace, and answered."""
    node.program(node.fences / "fence_demo", f"echo x > {node.log}\nsleep 0.5\nexit 0\n")
    executor = node.start()
    sent = executor.send("fence", token=1, agent="fence_demo", options={}, timeout_ms=20_000)
    support.until(node.logged, "the agent runs")

    node.process.send_signal(signal.SIGTERM)

    assert executor.receive(sent)["ending"] == "exited"
    assert node.process.wait(30) == 0
