"""The transport through a program's standard input and output."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import sys

import pytest

from reconciler.executor import client
from reconciler.model import action, node
from reconciler.ports import nodes
from reconciler.transport import attach

pytestmark = pytest.mark.real


def through(lab, *command: str) -> attach.AttachTransport:
    """Return a transport through a command, with the lab's clock."""
    return attach.AttachTransport(lambda _: command, lab.clock)


async def test_actions_run_through_the_program(lab):
    """The attach program is as good as the socket."""
    command = attach.local_command("n1", lab.executor.socket.parent)
    connected = await through(lab, *command).connect(node.Node("n1"), deadline_s=20)
    try:
        result = await lab.perform(connected, lab.step(action.Task.MONITOR, expected_rc=7))
    finally:
        await connected.close()

    assert result.ok


async def test_program_that_dies_in_mid_action_loses_no_result(lab):
    """The result is asked for through a new program."""
    command = attach.local_command("n1", lab.executor.socket.parent)
    connected = await through(lab, *command).connect(node.Node("n1"), deadline_s=20)
    try:
        task = asyncio.create_task(lab.perform(connected, lab.step(), delay="2"))
        await lab.until_running(connected)
        await asyncio.to_thread(_kill_attached, lab.executor.socket.parent)
        result = await asyncio.wait_for(task, 60)
    finally:
        await connected.close()

    assert result.ok
    assert lab.journal == ["start"]


def _kill_attached(state_dir: pathlib.Path) -> None:
    killed = 0
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            arguments = (process / "cmdline").read_bytes().split(b"\0")
            if b"attach" in arguments and os.fsencode(state_dir) in arguments:
                os.kill(int(process.name), 9)
                killed += 1
    assert killed


async def test_executor_is_started_where_none_runs(lab, tmp_path):
    """Attaching starts a daemon, which stays when the connection has ended."""
    state_dir = tmp_path / "state"
    connected = await through(lab, *attach.local_command("n1", state_dir)).connect(
        node.Node("n1"), deadline_s=30
    )
    first = connected.executor_id
    await connected.close()

    again = await through(lab, *attach.local_command("n1", state_dir)).connect(
        node.Node("n1"), deadline_s=30
    )
    second = again.executor_id
    await again.close()
    with client.Client(str(state_dir / "executor.sock")) as direct:
        direct.call("shutdown", token=1)

    assert first == second


async def test_words_of_the_program_explain_why_a_node_is_unreachable(lab):
    """What the program writes to its error output is part of the message."""
    program = through(lab, sys.executable, "-c", "import sys; sys.exit('no route to n1')")

    with pytest.raises(nodes.NodeUnreachableError, match="no route to n1"):
        await program.connect(node.Node("n1"), deadline_s=20)


async def test_missing_program_is_unreachable(lab):
    """A program that is not there is no crash."""
    with pytest.raises(nodes.NodeUnreachableError):
        await through(lab, "/nowhere/ssh").connect(node.Node("n1"), deadline_s=5)


async def test_program_that_hangs_is_killed(lab, tmp_path):
    """At the deadline the program is ended, with what it started."""
    code = (
        "import os, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
        "time.sleep(600)\n"
    )

    with pytest.raises(nodes.NodeUnreachableError):
        await through(lab, sys.executable, "-c", code).connect(node.Node("n1"), deadline_s=2)

    pid = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_secrets_of_our_environment_do_not_reach_the_program(lab, monkeypatch):
    """References by environment variable stay ours."""
    monkeypatch.setenv("C4NARY", "value")
    program = through(lab, sys.executable, "-c", "import os, sys; sys.exit(str(dict(os.environ)))")

    with pytest.raises(nodes.NodeUnreachableError) as unreachable:
        await program.connect(node.Node("n1"), deadline_s=20)

    assert "PATH" in str(unreachable.value)
    assert "C4NARY" not in str(unreachable.value)
