"""Real executors, each in its own process with its own state directory."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid

import pytest

from reconciler.model import action, agent, node
from reconciler.transport import connection, unix

DUMMY = agent.AgentName("ocf", "reconciler", "Dummy")
QUICK = connection.Timing(silence_s=2.5, recovery_s=5.0, margin_s=5.0, poll_s=0.1)


class Clock:
    """The real clock."""

    def now(self) -> float:
        """Return the wall clock."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class Executor:
    """A daemon of a node called ``n1``."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        self.socket = directory / "state" / "executor.sock"
        self.boot_id_file = directory / "boot_id"
        self.process: subprocess.Popen[bytes] | None = None
        self.boot()

    def boot(self) -> None:
        """Have another boot id from the next start on."""
        self.boot_id_file.write_text(f"{uuid.uuid4()}\n")

    @property
    def boot_id(self) -> str:
        """The present boot id."""
        return self.boot_id_file.read_text().strip()

    def start(self) -> None:
        """Start the daemon; it answers when this returns."""
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable, "-m", "reconciler.executor", "daemon", "--foreground",
                    "--node", "n1", "--state-dir", str(self.socket.parent),
                    "--boot-id-file", str(self.boot_id_file),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )  # fmt: skip
        give_up = time.monotonic() + 20
        while not self._answers():
            assert self.process.poll() is None, (self.directory / "log").read_text()
            assert time.monotonic() < give_up
            time.sleep(0.05)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
            probe.connect(str(self.socket))
            return True
        return False

    def signal(self, number: int) -> None:
        """Send the daemon a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """Kill the daemon and wait for its end."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def executor():
    """Return a running executor; it ends with the test."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="rt-", dir="/tmp"))
    daemon = Executor(directory)
    try:
        daemon.start()
        yield daemon
    finally:
        if daemon.process is not None:
            with contextlib.suppress(ProcessLookupError):
                daemon.signal(signal.SIGCONT)
        daemon.kill()
        _end_all(directory)
        shutil.rmtree(directory)


def _end_all(directory: pathlib.Path) -> None:
    """Kill what still runs with the directory among its arguments or its environment."""
    needle = os.fsencode(directory)
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            found = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            if needle in found and int(process.name) != os.getpid():
                os.kill(int(process.name), signal.SIGKILL)


class Relay:
    """Stands between a connection and an executor, and can cut it, or add to what is said."""

    def __init__(self, behind: pathlib.Path, path: pathlib.Path) -> None:
        self.behind = behind
        self.path = path
        self.accepting = True
        self._server: asyncio.Server | None = None
        self._to_client: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_unix_server(self._accepted, self.path)

    async def _accepted(self, reader, writer) -> None:
        if not self.accepting:
            writer.close()
            return
        onward_reader, onward_writer = await asyncio.open_unix_connection(self.behind)
        self._to_client.append(writer)
        for source, sink in ((reader, onward_writer), (onward_reader, writer)):
            task = asyncio.ensure_future(_copy(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def say(self, line: bytes) -> None:
        """Say something to every client, as if the executor had."""
        for writer in self._to_client:
            writer.write(line)

    def cut(self) -> None:
        """Close every connection; new ones are accepted unless ``accepting`` is false."""
        for writer in self._to_client:
            writer.transport.abort()
        self._to_client.clear()

    async def close(self) -> None:
        """Stop listening."""
        self.cut()
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)


async def _copy(source, sink) -> None:
    with contextlib.suppress(OSError):
        while chunk := await source.read(65536):
            sink.write(chunk)
            await sink.drain()
    sink.close()


async def connect(path, *, timing=QUICK, name="n1", deadline_s=10.0):
    """Connect to the executor at a socket."""
    transport = unix.UnixTransport(lambda _: path, Clock(), timing=timing)
    return await transport.connect(node.Node(name), deadline_s=deadline_s)


def step(task=action.Task.START, **fields) -> action.Action:
    """Return an action of the resource ``r``."""
    settings = {
        "key": "k",
        "kind": action.ActionKind.RESOURCE,
        "task": task,
        "resource": "r",
        "node": "n1",
        "agent": DUMMY,
        **fields,
    }
    return action.Action(**settings)


async def perform(connected, executor, one, *, token=1, action_id=None, boot_id=None, **params):
    """Have an action done, with a state file of the test's own."""
    return await connected.perform(
        one,
        action_id=action_id or str(uuid.uuid4()),
        token=token,
        boot_id=boot_id or executor.boot_id,
        params={
            "state": str(executor.directory / "r.state"),
            "journal": str(executor.directory / "journal"),
            **params,
        },
    )


def journal(executor) -> list[str]:
    """Return what the agent was asked to do, in order."""
    path = executor.directory / "journal"
    return [line.split()[3] for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
async def lab(executor):
    """Return the executor with the functions of this module, for tests to use."""
    made = Lab(executor)
    yield made
    await made.close()


class Lab:
    """An executor and the ways to use it."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self.clock = Clock()
        self._open: list[connection.Connection] = []
        self._relays: list[Relay] = []

    async def connect(self, **fields):
        """Connect; see ``connect``."""
        self._open.append(await connect(self.executor.socket, **fields))
        return self._open[-1]

    async def relayed(self, **fields):
        """Connect through a relay; return both."""
        relay = Relay(self.executor.socket, self.executor.directory / "relay.sock")
        await relay.start()
        self._relays.append(relay)
        self._open.append(await connect(relay.path, **fields))
        return self._open[-1], relay

    async def close(self) -> None:
        """Close everything."""
        for one in [*self._open, *self._relays]:
            await one.close()

    async def until_running(self, connected, count=1) -> None:
        """Wait until so many actions run."""
        for _ in range(200):
            if len((await connected.observe(deadline_s=5)).running) >= count:
                return
            await asyncio.sleep(0.05)
        raise AssertionError("nothing runs")

    async def perform(self, connected, one, **fields):
        """Have an action done; see ``perform``."""
        return await perform(connected, self.executor, one, **fields)

    def step(self, task=action.Task.START, **fields):
        """Return an action; see ``step``."""
        return step(task, **fields)

    @property
    def journal(self) -> list[str]:
        """What the agent was asked to do."""
        return journal(self.executor)
