"""Actions: what is refused, what is run, and what odd agents lead to."""

import pathlib
import time

import pytest

SLEEPER = 'log begin-$1\necho $$ > "$OCF_RESKEY_log.pid"\nsleep "${OCF_RESKEY_seconds:-60}"\nlog end-$1\nexit 0\n'
QUICK = "log $1\nexit 0\n"


def test_the_life_of_a_real_promotable_agent(node):
    """Every role change of ocf:pacemaker:Stateful is run, and its promotion scores arrive."""
    agent = "ocf:pacemaker:Stateful"
    if not pathlib.Path("/usr/lib/ocf/resource.d/pacemaker/Stateful").exists():
        pytest.skip("needs the package pacemaker-resource-agents")
    executor = node.start()

    codes = [
        node.act(executor, operation, agent)["rc"]
        for operation in ("monitor", "start", "monitor", "promote", "monitor")
    ]
    promoted = executor.call("attributes")["attributes"]["transient"]
    codes += [node.act(executor, operation, agent)["rc"] for operation in ("demote", "stop")]

    assert codes == [7, 0, 0, 0, 8, 0, 0]
    assert promoted == {"master-r": "10"}
    assert executor.call("attributes")["attributes"]["transient"] == {}


def test_an_agent_sees_its_whole_environment(node):
    """An OCF agent gets parameters, meta attributes and the API's variables by environment only."""
    agent = node.agent(
        "Env", 'env > "$OCF_RESKEY_log"; echo "argv $*" >> "$OCF_RESKEY_log"\nexit 0\n'
    )
    executor = node.start()

    node.act(
        executor,
        "notify",
        agent,
        resource="web:1",
        params={"ip": "10.0.0.1; $(reboot) `id`\n'\""},
        meta={"notify-type": "pre", "clone_max": "3"},
        timeout_ms=7000,
    )

    written = node.log.read_text()
    for expected in (
        "OCF_RESKEY_ip=10.0.0.1; $(reboot) `id`\n'\"",
        "OCF_RESKEY_CRM_meta_notify_type=pre",
        "OCF_RESKEY_CRM_meta_clone_max=3",
        "OCF_RESKEY_CRM_meta_timeout=7000",
        "OCF_RESKEY_CRM_meta_interval=0",
        "OCF_RESKEY_CRM_meta_on_node=n1",
        "OCF_RESKEY_crm_feature_set=3.",
        "OCF_RESOURCE_INSTANCE=web:1",
        "OCF_RESOURCE_PROVIDER=test",
        "OCF_RESOURCE_TYPE=Env",
        "OCF_RA_VERSION_MAJOR=1",
        f"HA_SBIN_DIR={node.state}/shims",
        f"PATH={node.state}/shims:",
        f"HA_RSCTMP={node.rsctmp}",
        "argv notify\n",
    ):
        assert expected in written
    assert "PYTHONPATH" not in written


def test_parameters_never_reach_the_disk(node):
    """A parameter's value is in no file of the state directory and in no answer."""
    agent = node.agent(
        "Leak",
        'echo "password is $OCF_RESKEY_password" >&2; echo "ocf-exit-reason:$OCF_RESKEY_password" >&2; exit 1\n',
    )
    executor = node.start()

    operation = node.act(
        executor, "start", agent, params={"password": "hunter22"}, secret_params=["password"]
    )
    observed = executor.call("observe")

    assert "hunter22" not in str(operation) + str(observed)
    assert operation["reason"] == "******"
    for path in node.state.rglob("*"):
        if path.is_file():
            assert b"hunter22" not in path.read_bytes(), path


def test_the_same_action_id_never_runs_twice(node):
    """A repeated action waits for the running one and later gets its recorded result."""
    agent = node.agent("Sleeper", SLEEPER)
    executor = node.start()
    request = node.request("start", agent, params={"seconds": "0.3", "mark": "m"})

    first, second = executor.send("act", **request), executor.send("act", **request)
    answers = [executor.receive(first), executor.receive(second), executor.call("act", **request)]

    assert answers[0] == answers[1] == answers[2]
    assert node.logged() == ["begin-start r m", "end-start r m"]
    assert executor.call("result", action_id=request["action_id"])["state"] == "done"


def test_a_superseded_action_id_is_still_never_run_again(node, support):
    """An id is refused even when its result is no longer known, also by the next daemon."""
    agent = node.agent("Quick", QUICK)
    executor = node.start()
    first = node.request("start", agent)
    executor.call("act", **first)
    node.act(executor, "start", agent)

    executor = node.restart()

    assert support.refused(executor.call, "act", **first) == "already-done"
    assert len(node.logged()) == 2


def test_a_resource_runs_one_action_at_a_time(node, support):
    """A second action on a resource is refused as busy, one on another resource is not."""
    agent = node.agent("Sleeper", SLEEPER)
    executor = node.start()
    running = executor.send("act", **node.request("start", agent, params={"seconds": "0.5"}))
    support.until(lambda: executor.call("observe")["running"], "the action runs")

    code = support.refused(executor.call, "act", **node.request("stop", agent))
    other = node.act(executor, "stop", agent, resource="other", params={"seconds": "0"})

    assert code == "busy"
    assert other["rc"] == 0
    assert executor.receive(running)["operation"]["rc"] == 0


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"expect": {"boot_id": "another", "revision": None}}, "wrong-boot"),
        ({"agent": "ocf:../../../../tmp/x:agent"}, "bad-name"),
        ({"agent": "ocf:heartbeat:../pacemaker/Dummy"}, "bad-name"),
        ({"agent": "ocf:heartbeat:Dum\nmy"}, "bad-name"),
        ({"agent": "shell:reboot"}, "unknown-agent"),
        ({"resource": "../r"}, "bad-name"),
        ({"resource": "-r"}, "bad-name"),
        ({"action_id": "1"}, "bad-name"),
        ({"params": {"a=b": "c"}}, "bad-name"),
        ({"params": {"a": "nul\x00"}}, "bad-request"),
        ({"params": {"a": 1}}, "bad-request"),
        ({"timeout_ms": 0}, "bad-request"),
        ({"timeout_ms": True}, "bad-request"),
        ({"operation": "explode"}, "bad-request"),
        ({"operation": "start", "interval_ms": 1000}, "bad-request"),
        ({"expect": {}}, "bad-request"),
        ({"token": None}, "bad-request"),
    ],
)
def test_bad_requests_run_nothing(node, support, change, code):
    """A request that is wrong in any field is refused and leaves no trace."""
    agent = node.agent("Quick", QUICK)
    executor = node.start()

    refused = support.refused(executor.call, "act", **{**node.request("start", agent), **change})

    assert refused == code
    assert node.logged() == []
    assert executor.call("observe")["resources"] == {}


def test_a_changed_revision_is_refused(node, support):
    """An action that was planned on an older history of its resource is not run."""
    agent = node.agent("Quick", QUICK)
    executor = node.start()
    expect = {"boot_id": node.boot_id, "revision": 0}
    first = executor.call("act", **node.request("start", agent, expect=expect))
    after = {"boot_id": node.boot_id, "revision": first["revision"]}

    refused = support.refused(executor.call, "act", **node.request("stop", agent, expect=expect))
    second = executor.call("act", **node.request("stop", agent, expect=after))

    assert refused == "revision-changed"
    assert second["revision"] > first["revision"]
    assert [line.split()[0] for line in node.logged()] == ["start", "stop"]


def test_a_stale_token_is_refused_for_ever(node, support):
    """Once a higher token was seen, lower ones are refused, also by the next daemon."""
    agent = node.agent("Quick", QUICK)
    executor = node.start()
    node.act(executor, "start", agent, token=7)

    stale = node.request("stop", agent, token=6)
    before = support.refused(executor.call, "act", **stale)
    executor = node.restart()
    after = support.refused(executor.call, "act", **stale)
    node.kill()
    node.new_boot()
    executor = node.start()
    stale["expect"] = {"boot_id": node.boot_id, "revision": None}
    booted = support.refused(executor.call, "act", **stale)

    assert (before, after, booted) == ("stale-token",) * 3
    assert len(node.logged()) == 1


def test_every_request_with_a_token_refuses_a_stale_one(node, support):
    """No operation that changes anything accepts a token lower than the highest seen."""
    executor = node.start()
    executor.call("record", token=5, key="k", value=1, version=[5, 1])

    for op, fields in {
        "cancel": {"resource": "r", "operation": "monitor", "interval_ms": 1000},
        "forget": {"resource": "r"},
        "attribute": {"scope": "permanent", "name": "a", "value": "b"},
        "record": {"key": "k", "value": 2, "version": [4, 9]},
        "fence": {"agent": "fence_x", "options": {}, "timeout_ms": 1000},
        "shutdown": {},
        "lease": {"action": "acquire", "holder": {"id": "a"}, "ttl_ms": 1000},
    }.items():
        assert support.refused(executor.call, op, token=4, **fields) == "stale-token", op
    assert executor.call("observe")["records"]["k"]["value"] == 1


def test_a_time_out_ends_the_whole_group(node, support):
    """An agent that hangs is killed with its children, and the result is a time-out."""
    agent = node.agent(
        "Hang",
        'sleep 300 &\necho "$$ $!" > "$OCF_RESKEY_log"\ntrap "" TERM\nsleep 300\nsleep 300\n',
    )
    executor = node.start()

    operation = node.act(executor, "start", agent, timeout_ms=500)

    assert (operation["status"], operation["rc"]) == ("timeout", 1)
    pids = [int(word) for word in node.log.read_text().split()]
    assert len(pids) == 2
    assert not any(support.alive(pid) for pid in pids)


def test_the_exit_code_after_a_time_out_says_nothing(node):
    """An agent that traps TERM and exits with 0 has timed out all the same."""
    agent = node.agent("Trap", "trap 'exit 0' TERM\nwhile :; do sleep 0.05; done\n")
    executor = node.start()

    operation = node.act(executor, "stop", agent, timeout_ms=300)

    assert (operation["status"], operation["rc"]) == ("timeout", 1)
    assert executor.call("attributes")["attributes"]["transient"]["fail-count-r#stop_0"] == "1"


def test_a_real_agent_that_exits_0_on_term_has_timed_out(node):
    """ocf:pacemaker:Dummy sleeping in its start is timed out although it ends with 0."""
    if not pathlib.Path("/usr/lib/ocf/resource.d/pacemaker/Dummy").exists():
        pytest.skip("needs the package pacemaker-resource-agents")
    executor = node.start()
    node.act(executor, "start", "ocf:pacemaker:Dummy")

    operation = node.act(
        executor, "monitor", "ocf:pacemaker:Dummy", params={"op_sleep": "60"}, timeout_ms=500
    )

    assert operation["status"] == "timeout"


def test_a_child_that_keeps_the_output_open_delays_nothing(node, support):
    """A background child holding standard output is neither waited for nor killed."""
    agent = node.agent("Holder", 'sleep 45 &\necho $! > "$OCF_RESKEY_log"\necho started\nexit 0\n')
    executor = node.start()

    began = time.monotonic()
    operation = node.act(executor, "start", agent)
    took = time.monotonic() - began
    child = int(node.log.read_text())

    try:
        assert (operation["rc"], operation["output"]) == (0, "started")
        assert took < 20
        assert support.alive(child)
    finally:
        support.end(child)


def test_a_hundred_megabytes_of_output_are_cut(node):
    """Endless output is capped on disk, in memory and in the answer, and its end is shown."""
    agent = node.agent("Loud", "head -c 100000000 /dev/zero | tr '\\0' 'x'\necho the end\nexit 0\n")
    executor = node.start()

    operation = node.act(executor, "start", agent)

    assert operation["rc"] == 0
    assert operation["output"].endswith("the end")
    assert len(operation["output"]) <= 4096
    status = pathlib.Path(f"/proc/{node.process.pid}/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0])
    assert peak < 60_000


def test_output_is_made_fit_to_show(node):
    """Bytes that are no UTF-8, and control characters, are escaped."""
    agent = node.agent("Odd", "printf 'a\\377b\\033[2Jc\\342\\200\\256d' >&2\nexit 1\n")
    executor = node.start()

    operation = node.act(executor, "start", agent)

    assert operation["output"] == "a\\xffb\\x1b[2Jc\\u202ed"


@pytest.mark.parametrize(
    ("body", "status", "rc", "reason"),
    [
        ("exit 7", "done", 7, ""),
        ("exit 9", "done", 9, ""),
        ("exit 10", "error", 1, "exit code 10 is not in the table"),
        ("exit 255", "error", 1, "exit code 255 is not in the table"),
        ("kill -9 $$", "error", 1, "killed by SIGKILL"),
        ("kill -SEGV $$", "error", 1, "killed by SIGSEGV"),
        ("exit 190", "done", 0, "degraded"),
        ("exit 191", "done", 8, "degraded"),
        (
            "echo 'ocf-exit-reason:one' >&2; echo 'ocf-exit-reason:two' >&2; exit 1",
            "done",
            1,
            "two",
        ),
    ],
)
def test_what_exit_codes_mean(node, body, status, rc, reason):
    """Codes of the OCF table are results; everything else is an error, never "not running"."""
    agent = node.agent("Exit", f"{body}\n")
    executor = node.start()

    operation = node.act(executor, "monitor", agent, probe=True, expected_rc=7)

    assert (operation["status"], operation["rc"], operation["reason"]) == (status, rc, reason)
    assert executor.call("attributes")["attributes"]["transient"] == {}


@pytest.mark.parametrize("head", ["#!/no/such/interpreter\n", None])
def test_an_agent_that_is_not_there_is_not_installed(node, head):
    """A missing agent, or one whose interpreter is missing, is a recorded result with code 5."""
    if head is not None:
        path = node.root / "test" / "Gone"
        path.write_text(head)
        path.chmod(0o755)
    executor = node.start()

    operation = node.act(executor, "monitor", "ocf:test:Gone", probe=True)

    assert (operation["status"], operation["rc"]) == ("not-installed", 5)
    known = executor.call("observe")["resources"]["r"]["operations"]
    assert [entry["status"] for entry in known] == ["not-installed"]


def test_a_file_that_cannot_be_executed_is_an_error(node):
    """A program in no known format is an error, not a missing agent."""
    path = node.root / "test" / "Bin"
    path.write_bytes(b"\x00\x01\x02")
    path.chmod(0o755)
    executor = node.start()

    operation = node.act(executor, "start", "ocf:test:Bin")

    assert (operation["status"], operation["rc"]) == ("error", 1)
    assert "ENOEXEC" in operation["reason"]


def test_an_agent_others_could_write_is_refused(node, support):
    """An agent writable by group or others is not run."""
    agent = node.agent("Quick", QUICK)
    (node.root / "test" / "Quick").chmod(0o775)
    executor = node.start()

    code = support.refused(executor.call, "act", **node.request("start", agent))

    assert code == "unknown-agent"
    assert node.logged() == []


def test_fail_counts_rise_with_the_result(node):
    """Failures are counted per operation, probes are not, and a fatal one counts as INFINITY."""
    agent = node.agent("Fail", "exit 1\n")
    executor = node.start()
    for _time in range(2):
        node.act(executor, "start", agent)
    node.act(executor, "stop", agent, fatal=True)
    node.act(executor, "monitor", agent, probe=True)

    observed = node.restart().call("observe")
    counts = observed["attributes"]["transient"]

    assert counts["fail-count-r#start_0"] == "2"
    assert counts["fail-count-r#stop_0"] == "INFINITY"
    assert set(counts) == {
        f"{kind}-r#{operation}_0"
        for kind in ("fail-count", "last-failure")
        for operation in ("start", "stop")
    }
    assert observed["resources"]["r"]["last_failure"]["operation"] == "stop"


def test_forget_cleans_up_and_stops_nothing(node, support):
    """`forget` drops history and fail-counts, of one operation or of the whole resource."""
    agent = node.agent("Fail", "log $1; exit 1\n")
    executor = node.start()
    node.act(executor, "start", agent)
    node.act(executor, "stop", agent)

    one = executor.call("forget", token=1, resource="r", operation="start", interval_ms=0)
    left = executor.call("observe")
    everything = executor.call("forget", token=1, resource="r")
    nothing = executor.call("observe")

    assert [entry["operation"] for entry in left["resources"]["r"]["operations"]] == ["stop"]
    assert set(left["attributes"]["transient"]) == {"fail-count-r#stop_0", "last-failure-r#stop_0"}
    assert one["revision"] == left["resources"]["r"]["revision"]
    assert (everything["revision"], nothing["resources"]) == (0, {})
    assert nothing["attributes"]["transient"] == {}
    assert len(node.logged()) == 2
    stale = {"boot_id": node.boot_id, "revision": one["revision"]}
    refused = support.refused(executor.call, "act", **node.request("start", agent, expect=stale))
    assert refused == "revision-changed"


def test_forget_of_fail_counts_keeps_the_history(node):
    """With fail_counts_only the entries stay."""
    agent = node.agent("Fail", "exit 1\n")
    executor = node.start()
    node.act(executor, "start", agent)

    executor.call("forget", token=1, resource="r", fail_counts_only=True)

    observed = executor.call("observe")
    assert observed["attributes"]["transient"] == {}
    assert len(observed["resources"]["r"]["operations"]) == 1
