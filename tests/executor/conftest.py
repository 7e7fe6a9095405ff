"""Daemons of the executor for tests: real processes, each in a directory of its own."""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time
import uuid

import pytest

from reconciler.executor import client

REPOSITORY = pathlib.Path(__file__).parents[2]
PATIENCE_S = 30.0
AGENT_HEAD = (
    '#!/bin/sh\nlog() { echo "$1 $OCF_RESOURCE_INSTANCE $OCF_RESKEY_mark" >> "$OCF_RESKEY_log"; }\n'
)


def until(condition, what, patience_s=PATIENCE_S):
    """Wait until `condition()` is true; fails the test where it does not become so."""
    deadline = time.monotonic() + patience_s
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.01)


def alive(pid):
    """Return whether a process exists and is no zombie."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    return stat.rpartition(b")")[2].split()[0] not in (b"Z", b"X")


class Node:
    """One executor daemon and its clients; `stop` ends all of it."""

    def __init__(self, directory, name="n1"):
        self.name = name
        self.directory = directory
        self.state = directory / "state"
        self.root = directory / "resource.d"
        self.scripts = directory / "init.d"
        self.fences = directory / "sbin"
        self.rsctmp = directory / "rsctmp"
        self.log = directory / "agents.log"
        self.boot_id_file = directory / "boot_id"
        for made in (self.root / "test", self.scripts, self.fences, self.rsctmp):
            made.mkdir(parents=True, mode=0o755)
        self.new_boot()
        self.process = None
        self.clients = []
        self.prefix = []
        self.options = []

    @property
    def socket(self):
        """Return the path of the socket."""
        return str(self.state / "executor.sock")

    @property
    def boot_id(self):
        """Return the present boot id."""
        return self.boot_id_file.read_text().strip()

    def new_boot(self):
        """Give the node another boot id."""
        self.boot_id_file.write_text(f"{uuid.uuid4()}\n")

    def agent(self, name, body):
        """Write an OCF agent ocf:test:NAME; returns that name."""
        return self.program(self.root / "test" / name, body, f"ocf:test:{name}")

    def program(self, path, body, name=""):
        """Write an executable shell script; returns `name`."""
        path.write_text(AGENT_HEAD + body)
        path.chmod(0o755)
        return name

    def environment(self):
        """Return the daemon's environment."""
        clean = {key: os.environ[key] for key in ("PATH", "LANG", "TMPDIR") if key in os.environ}
        return {**clean, "HA_RSCTMP": str(self.rsctmp), "PYTHONPATH": str(REPOSITORY)}

    def arguments(self):
        """Return the daemon's options."""
        return [
            *("--node", self.name),
            *("--state-dir", str(self.state)),
            *("--boot-id-file", str(self.boot_id_file)),
            *("--agent-root", str(self.root)),
            *("--agent-root", "/usr/lib/ocf/resource.d"),
            *("--init-dir", str(self.scripts)),
            *("--fence-dir", str(self.fences)),
            *self.options,
        ]

    def spawn(self):
        """Start the daemon without waiting for it."""
        program = [sys.executable, "-P", "-s", "-S", "-B", "-m", "reconciler.executor", "daemon"]
        with (self.directory / "daemon.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, *program, *self.arguments(), "--foreground"],
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self.process

    def start(self):
        """Start the daemon and wait until it answers; returns a client."""
        self.spawn()
        while True:
            connected = self.client(wait=True)
            try:
                connected.call("hello")
            except ConnectionError:
                # For a moment a child that the killed daemon had just forked keeps its socket.
                continue
            return connected

    def client(self, *, wait=False):
        """Return a new connection."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                connected = client.Client(self.socket, PATIENCE_S)
                break
            except OSError:
                code = self.process.poll() if self.process else None
                assert code is None, f"the daemon ended with {code}:\n{self.words()}"
                if not wait or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
        self.clients.append(connected)
        return connected

    def words(self):
        """Return what the daemon wrote."""
        return (self.directory / "daemon.log").read_text()

    def kill(self):
        """Kill the daemon as a crash would."""
        self.process.kill()
        self.process.wait(PATIENCE_S)

    def restart(self):
        """Kill the daemon and start another; returns a client."""
        self.kill()
        return self.start()

    def stop(self):
        """End the daemon and close every client."""
        for connected in self.clients:
            connected.close()
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.kill()
                raise

    def request(self, operation, agent, **fields):
        """Return the fields of an `act` request."""
        return {
            "token": 1,
            "action_id": str(uuid.uuid4()),
            "expect": {"boot_id": self.boot_id, "revision": None},
            "resource": "r",
            "agent": agent,
            "operation": operation,
            "interval_ms": 0,
            "timeout_ms": 20_000,
            "params": {"log": str(self.log), **fields.pop("params", {})},
            "meta": {},
            "expected_rc": 0,
            **fields,
        }

    def act(self, connected, operation, agent, **fields):
        """Run an action; returns its OPERATION."""
        return connected.call("act", **self.request(operation, agent, **fields))["operation"]

    def logged(self):
        """Return the lines that test agents wrote."""
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def node(tmp_path):
    """An executor that is not started yet."""
    made = Node(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def support():
    """The waiting and looking functions of this file."""
    return Support


class Support:
    """Functions for tests."""

    until = staticmethod(until)
    alive = staticmethod(alive)
    repository = REPOSITORY

    @staticmethod
    def refused(call, *arguments, **fields):
        """Return the error code with which a call is refused."""
        with pytest.raises(client.ExecutorError) as refusal:
            call(*arguments, **fields)
        return refusal.value.code

    @staticmethod
    def end(pid):
        """Kill a process that a test has started."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
