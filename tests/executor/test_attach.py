"""Attaching, the one-file program, and life as process 1."""

import ast
import json
import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest

from reconciler.executor import build, client


def attach(node, *arguments, text, cwd=None, python=None):
    """Start `attach`; returns the running process, which has read `text`."""
    program = arguments or ("-P", "-s", "-S", "-B", "-m", "reconciler.executor")
    process = subprocess.Popen(
        [python or sys.executable, *program, "attach", *node.arguments()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=node.environment(),
        cwd=cwd,
    )
    process.stdin.write(text)
    process.stdin.flush()
    return process


def end(node):
    """End the daemon that `attach` has started."""
    with client.Client(node.socket) as executor:
        executor.call("shutdown", token=1)


def test_attach_starts_one_daemon_for_all(node):
    """Many callers at once are all answered, by one and the same daemon."""
    callers = [attach(node, text=b'{"id":1,"op":"hello"}\n') for _caller in range(6)]
    try:
        answers = [json.loads(caller.stdout.readline())["result"] for caller in callers]
    finally:
        for caller in callers:
            caller.communicate(timeout=30)
    end(node)

    assert len({answer["executor_id"] for answer in answers}) == 1
    assert {caller.returncode for caller in callers} == {0}


def test_the_daemon_outlives_the_caller(node, support):
    """A daemon that `attach` has started goes on in its own session when the caller is killed."""
    caller = attach(node, text=b'{"id":1,"op":"hello"}\n')
    pid = json.loads(caller.stdout.readline())["result"]["pid"]
    caller.kill()
    caller.communicate(timeout=30)

    with client.Client(node.socket) as executor:
        assert executor.call("hello")["pid"] == pid
    assert os.getsid(pid) != os.getsid(0)
    end(node)
    support.until(lambda: not support.alive(pid), "it has ended")


def test_a_daemon_that_cannot_start_is_reported(node):
    """`attach` ends with the reason where no daemon can be started."""
    node.boot_id_file.write_text("")
    caller = attach(node, text=b"")

    _output, errors = caller.communicate(timeout=60)

    assert caller.returncode == 1
    assert b"boot id" in errors


@pytest.fixture
def zipapp(tmp_path):
    """The built program."""
    path = tmp_path / "program" / "executor.pyz"
    path.parent.mkdir()
    build.build(str(path))
    return path


def test_the_same_sources_build_the_same_bytes(zipapp):
    """Building again, later and elsewhere, gives the same file."""
    again = zipapp.with_name("again.pyz")
    build.build(str(again))

    assert again.read_bytes() == zipapp.read_bytes()
    names = zipfile.ZipFile(zipapp).namelist()
    assert "reconciler/executor/ocf/resource.d/reconciler/Dummy" in names
    assert not [name for name in names if "pycache" in name]


def test_the_program_runs_alone(node, zipapp):
    """From an empty directory, isolated, the one file tells its version and serves as a daemon."""
    empty = node.directory / "empty"
    empty.mkdir()
    run = ["/usr/bin/python3", "-I", str(zipapp)]
    version = subprocess.run(
        [*run, "version"], cwd=empty, capture_output=True, text=True, check=True, timeout=60
    )
    caller = attach(
        node,
        "-I",
        str(zipapp),
        text=b'{"id":1,"op":"hello"}\n',
        cwd=empty,
        python="/usr/bin/python3",
    )
    said = json.loads(caller.stdout.readline())["result"]
    caller.communicate(timeout=30)
    with client.Client(node.socket) as executor:
        started = node.act(executor, "start", "ocf:reconciler:Stateful")
        scores = executor.call("attributes")["attributes"]["transient"]
    end(node)

    assert version.stdout == "reconciler-executor 0.1.0 protocol 1\n"
    assert said["agent_roots"][-1] == f"{node.state}/agents/ocf/resource.d"
    assert started["rc"] == 0
    assert "master-r" in scores
    assert list(empty.iterdir()) == []


def test_wrong_usage_is_64(node):
    """Wrong arguments end with 64."""
    for arguments in (["explode"], ["daemon", "--node", "a/b"], []):
        done = subprocess.run(
            [sys.executable, "-m", "reconciler.executor", *arguments],
            env=node.environment(),
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 64, arguments


def test_every_module_is_python_3_9(support):
    """No module uses syntax newer than Python 3.9 (the nodes' oldest)."""
    for path in (support.repository / "reconciler" / "executor").rglob("*.py"):
        ast.parse(path.read_text(), feature_version=(3, 9))


@pytest.mark.real
def test_it_runs_on_an_old_python(node, zipapp):
    """Where a Python 3.9 is installed, the program serves on it."""
    found = [
        *pathlib.Path.home().glob(".pyenv/versions/3.9.*/bin/python3.9"),
        *filter(None, [shutil.which("python3.9")]),
    ]
    if not found:
        pytest.skip("needs a Python 3.9")
    caller = attach(node, "-I", str(zipapp), text=b'{"id":1,"op":"hello"}\n', python=str(found[0]))
    said = json.loads(caller.stdout.readline())["result"]
    caller.communicate(timeout=30)
    agent = node.agent("Quick", "exit 0\n")
    with client.Client(node.socket) as executor:
        assert node.act(executor, "monitor", agent, interval_ms=50)["rc"] == 0
        assert node.act(executor, "stop", "systemd:no-such-unit")["operation"] == "stop"
    end(node)

    assert said["python"].startswith("3.9.")


@pytest.mark.root
def test_process_1_reaps_what_it_adopts(node, support):
    """As process 1 of a namespace the daemon leaves no zombies of orphans."""
    if os.geteuid() != 0:
        pytest.skip("needs root for a process namespace")
    node.prefix = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    agent = node.agent(
        "Orphan",
        'for n in 1 2 3 4 5; do ( ( sleep 0.05; echo $n >> "$OCF_RESKEY_log" ) & ) ; done\nexit 0\n',
    )
    executor = node.start()
    launcher = node.process.pid
    daemon = int(pathlib.Path(f"/proc/{launcher}/task/{launcher}/children").read_text())
    said = executor.call("hello")

    node.act(executor, "start", agent)
    support.until(lambda: len(node.logged()) == 5, "the orphans ended")
    children = pathlib.Path(f"/proc/{daemon}/task/{daemon}/children")

    assert said["pid"] == 1
    support.until(lambda: children.read_text() == "", "all are reaped")
    executor.call("shutdown", token=1)
    node.process.wait(30)
