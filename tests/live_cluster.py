"""A real cluster on this machine for a test: sandbox nodes, BMCs, and the `reconcile` program.

A pytest plugin (see ``addopts``). The fixture ``live_cluster`` copies a manifest directory, gives
it BMC ports and a state directory of its own, and raises the sandbox; everything is taken down
afterwards. ``AddressWatch`` sees an address come and go on every node, every few milliseconds.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from typing import Self

import pytest

from reconciler.sandbox import cluster as sandbox_cluster
from reconciler.sandbox import faults, inside, layout

ROOT = pathlib.Path(__file__).parents[1]
PROGRAM = pathlib.Path(sys.executable).with_name("reconcile")
NEEDED = ("ip", "nsenter", "ipmi_sim", "ipmitool", "ping")
CLONE_NEWNET = 0x40000000


def missing_parts() -> str:
    """Return why no real cluster can be made here; empty where it can."""
    if os.geteuid() != 0:
        return "needs root for network namespaces"
    absent = [name for name in NEEDED if shutil.which(name) is None]
    if not pathlib.Path("/usr/lib/ocf/resource.d/heartbeat/IPaddr2").exists():
        absent.append("resource-agents")
    return f"needs {', '.join(absent)}" if absent else ""


class LiveCluster:
    """A running sandbox and the program that works on it."""

    def __init__(
        self,
        name: str,
        manifests: pathlib.Path,
        state: pathlib.Path,
        enter: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.enter = enter
        self.manifests = manifests
        self.state = state
        self.program = PROGRAM
        self.environment = {
            **os.environ,
            "HOME": str(manifests.parent),
            "RECONCILE_STATE_DIR": str(state),
            "NO_COLOR": "1",
            "COLUMNS": "120",
        }

    @property
    def root(self) -> pathlib.Path:
        """Where the sandbox keeps its files."""
        return self.state / "sandbox" / self.name

    def reconcile(
        self, *words: str, expect: int | None = 0, timeout: float = 120, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run the program to its end; fail the test on another exit status than expected."""
        done = subprocess.run(
            [*self.enter, PROGRAM, *words],
            cwd=self.manifests.parent,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if expect is not None and done.returncode != expect:
            pytest.fail(
                f"reconcile {' '.join(words)}: exit {done.returncode}, not {expect}\n"
                f"{done.stdout}\n{done.stderr}"
            )
        return done

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start the program in the background; the caller ends it."""
        return subprocess.Popen(
            [*self.enter, PROGRAM, *words],
            cwd=self.manifests.parent,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def json(self, *words: str, expect: int | None = 0) -> dict:
        """Run the program with ``-o json`` and return what it prints."""
        return json.loads(self.reconcile(*words, "-o", "json", expect=expect).stdout)

    def namespaces(self) -> dict[str, str]:
        """Return the network namespace of each node."""
        status = sandbox_cluster.status(self.root)
        return {node.name: node.namespace for node in status.nodes if node.namespace}

    def holders(self, address: str) -> list[str]:
        """Return the nodes that really have the address now."""
        return sorted(
            node for node, held in inside.addresses(self.root).items() if _plain(address, held)
        )

    def silence_bmc(self, node: str) -> None:
        """Have the management network of a node gone."""
        faults.silence_bmc(self.root, node)

    def in_node(self, node: str, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run a program in the network namespace of a node."""
        return subprocess.run(
            ["nsenter", f"--net=/run/netns/{self.namespaces()[node]}", *argv],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def pings(self, node: str, address: str) -> bool:
        """Whether the address answers a ping from a node."""
        return self.in_node(node, "ping", "-c1", "-W2", address).returncode == 0

    def write(self, name: str, text: str) -> None:
        """Replace a manifest file in one step."""
        fresh = self.manifests / f".{name}.new"
        fresh.write_text(text)
        fresh.replace(self.manifests / name)

    def wait_for(self, what: str, condition, *, seconds: float = 60) -> float:
        """Wait until ``condition()`` holds; return how long that took."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() - began > seconds:
                pytest.fail(f"{what}: not within {seconds} s")
            time.sleep(0.02)
        return time.monotonic() - began


def _plain(address: str, held) -> bool:
    return any(str(one).split("/")[0] == address for one in held)


@dataclasses.dataclass(frozen=True, slots=True)
class Sight:
    """What was seen from one moment on: who has the address, whose chassis is switched on."""

    at: float
    holders: frozenset[str]
    powered: frozenset[str]


class AddressWatch:
    """Sees, every few milliseconds, which nodes have an address and which are switched on.

    Attributes:
        sights: what was seen, whenever it changed.
        looks: how often it looked.
    """

    def __init__(self, cluster: LiveCluster, address: str) -> None:
        self._address = address
        self._paths = {node: f"/run/netns/{name}" for node, name in cluster.namespaces().items()}
        files = layout.Files.at(cluster.root)
        self._power = {node: files.node(node).power for node in self._paths}
        self._stop = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.sights: list[Sight] = []
        self.looks = 0

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)

    def never_twice(self) -> bool:
        """Whether at most one node ever had the address."""
        return self.looks > 0 and all(len(sight.holders) <= 1 for sight in self.sights)

    def first(self, condition: Callable[[Sight], bool], *, after: float = 0.0) -> float | None:
        """Return when something was first seen, or None."""
        return next((one.at for one in self.sights if one.at > after and condition(one)), None)

    def now(self) -> Sight:
        """Return what is there now."""
        return self.sights[-1]

    def outage_s(self) -> float:
        """Return the longest time in which no node had it, between two times one had."""
        longest = 0.0
        held = lost = None
        for sight in self.sights:
            if sight.holders:
                if held is not None and lost is not None:
                    longest = max(longest, sight.at - lost)
                held, lost = sight.at, None
            elif lost is None:
                lost = sight.at
        return longest

    def _run(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        while not self._stop.is_set():
            holders = frozenset(node for node, path in self._paths.items() if self._has(libc, path))
            powered = frozenset(
                node for node, path in self._power.items() if path.read_text() == "on\n"
            )
            self.looks += 1
            last = self.sights[-1] if self.sights else None
            if last is None or (last.holders, last.powered) != (holders, powered):
                self.sights.append(Sight(time.monotonic(), holders, powered))
            self._ready.set()
            self._stop.wait(0.004)

    def _has(self, libc: ctypes.CDLL, path: str) -> bool:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            # Of this thread only; the rest of the process stays where it is.
            if libc.setns(descriptor, CLONE_NEWNET) != 0:
                return False
        finally:
            os.close(descriptor)
        trie = pathlib.Path("/proc/thread-self/net/fib_trie").read_text()
        return re.search(rf"-- {re.escape(self._address)}\n\s+/32 host LOCAL", trie) is not None


def free_udp_port() -> int:
    """Return a port of the loopback interface that nobody uses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _own_copy(source: pathlib.Path, target: pathlib.Path, name: str) -> None:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(".secrets", "*.py", "*.md"))
    for path in target.rglob("*.yaml"):
        text = re.sub(r"ipport: *\d+", lambda _: f"ipport: {free_udp_port()}", path.read_text())
        path.write_text(re.sub(r"(?m)^(  name: *)\S+", rf"\g<1>{name}", text))


@contextlib.contextmanager
def running(
    source: pathlib.Path,
    name: str = "live",
    *,
    enter: Callable[[pathlib.Path], tuple[str, ...]] = lambda _: (),
    owner: int = 0,
) -> Iterator[LiveCluster]:
    """Raise a cluster from a copy of a manifest directory; take it down afterwards.

    Args:
        source: the manifest directory.
        name: of the cluster.
        enter: the words before the program, from the directory in which it is run.
        owner: user and group number that the directory is given to.
    """
    base = pathlib.Path(tempfile.mkdtemp(prefix="rc-"))
    cluster = LiveCluster(name, base / "manifests", base / "state", enter(base))
    try:
        _own_copy(source, cluster.manifests, name)
        for path in (base, *base.rglob("*")) if owner else ():
            os.chown(path, owner, owner)
        cluster.reconcile("sandbox", "up")
        yield cluster
    finally:
        if cluster.root.exists():
            if cluster.enter:
                # What is mounted in there can be taken away in there only.
                cluster.reconcile("sandbox", "down", expect=None)
            sandbox_cluster.down(cluster.root)
        shutil.rmtree(base, ignore_errors=True)


@pytest.fixture
def live_cluster() -> Iterator:
    """Raise real clusters: call it with a manifest directory; mark the test real and root."""
    reason = missing_parts()
    if reason:
        assert "CI" not in os.environ, reason
        pytest.skip(reason)
    with contextlib.ExitStack() as stack:
        yield lambda source, name="live": stack.enter_context(running(source, name))


@pytest.fixture
def figure(record_property) -> Callable[[str], None]:
    """Have a measured figure printed at the end of the test run."""
    return lambda text: record_property("figure", text)


def pytest_terminal_summary(terminalreporter) -> None:
    """Print the figures that tests measured."""
    figures = [
        text
        for report in terminalreporter.getreports("passed")
        for name, text in report.user_properties
        if name == "figure" and report.when == "call"
    ]
    if figures:
        terminalreporter.section("figures")
        for text in sorted(figures):
            terminalreporter.line(text)
