"""Where a sandbox keeps its files, and how it writes and locks them.

Only this file knows file names. `<root>/.sandbox` holds what concerns the whole sandbox (no node name starts
with a dot), `<root>/<node>` what concerns one node, and `<root>/<node>/state` is the node's disk: the
executor's state directory, which outlives every power failure.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import pathlib
import time
from collections.abc import Iterator
from typing import Any

from reconciler.frozen import frozen
from reconciler.sandbox import spec

LOCK_POLL_S = 0.02
LOG_BYTES_MAX = 4 * 1024 * 1024


def write(path: pathlib.Path, text: str) -> None:
    """Replaces the file at `path` by `text` in one step, mode 0600."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    temporary.replace(path)


def read(path: pathlib.Path) -> str | None:
    """The text of the file, or None where there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def make_private(directory: pathlib.Path) -> None:
    """Makes the directory (and missing parents) readable by its owner only."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)


@contextlib.contextmanager
def locked(path: pathlib.Path, deadline_s: float) -> Iterator[int]:
    """Holds the lock file; yields its descriptor.

    A background process that inherits the descriptor keeps the lock until it has closed it.

    Raises:
        SandboxError: somebody else held it for `deadline_s` seconds.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        give_up = time.monotonic() + deadline_s
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > give_up:
                    raise spec.SandboxError(
                        f"another sandbox command holds {path}; waited {deadline_s:g} s"
                    ) from None
                time.sleep(LOCK_POLL_S)
        yield descriptor
    finally:
        os.close(descriptor)


def open_log(path: pathlib.Path) -> int:
    """Opens a log file for appending, mode 0600; one that has grown large becomes `<name>.old` first."""
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > LOG_BYTES_MAX:
            path.replace(path.with_name(f"{path.name}.old"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


@frozen
class NodeFiles:
    """The files of one node.

    Attributes:
        directory: `<root>/<node>`.
    """

    directory: pathlib.Path

    @property
    def name(self) -> str:
        """The node's name."""
        return self.directory.name

    @property
    def state(self) -> pathlib.Path:
        """The node's disk: the executor's state directory."""
        return self.directory / "state"

    @property
    def executor_socket(self) -> pathlib.Path:
        """Where the executor listens, inside the node."""
        return self.state / "executor.sock"

    @property
    def link_socket(self) -> pathlib.Path:
        """Where a controller reaches the node: the end of the cable."""
        return self.directory / "link.sock"

    @property
    def boot_id(self) -> pathlib.Path:
        """Identity of the present boot; new at each power on."""
        return self.directory / "boot_id"

    @property
    def power(self) -> pathlib.Path:
        """The chassis switch: `on` or `off`. `off` is written only after every process is gone."""
        return self.directory / "power"

    @property
    def init_record(self) -> pathlib.Path:
        """Which process is the node's init."""
        return self.directory / "init.json"

    @property
    def guard_record(self) -> pathlib.Path:
        """Which process guards the node's init; only where the node has no namespaces."""
        return self.directory / "guard.json"

    @property
    def cable_record(self) -> pathlib.Path:
        """Which process is the node's cable."""
        return self.directory / "cable.json"

    @property
    def cut(self) -> pathlib.Path:
        """Exists while the node's cable and link are cut."""
        return self.directory / "cut"

    @property
    def frozen(self) -> pathlib.Path:
        """Which processes a freeze has stopped; exists while the node is frozen."""
        return self.directory / "frozen.json"

    @property
    def lock(self) -> pathlib.Path:
        """Held by whoever changes power, cable or link of the node."""
        return self.directory / "lock"

    @property
    def rsctmp(self) -> pathlib.Path:
        """HA_RSCTMP of a node that has no private /run; emptied at each boot."""
        return self.directory / "rsctmp"

    @property
    def bmc(self) -> pathlib.Path:
        """Directory of the simulated management controller."""
        return self.directory / "bmc"

    @property
    def bmc_record(self) -> pathlib.Path:
        """Which process is the node's management controller."""
        return self.bmc / "process.json"

    def log(self, program: str) -> pathlib.Path:
        """The log file of one of the node's background programs."""
        return self.directory / f"{program}.log"


@frozen
class NodeEntry:
    """What is recorded of a node: all of its `NodeSpec` but the BMC's account."""

    name: str
    address: str
    prefix: int
    bmc: str | None


@frozen
class Cluster:
    """What is recorded of a sandbox, for every later command and for the simulated BMCs.

    Attributes:
        name: cluster name.
        label: start of every network namespace name: cluster name and a hash of name and root.
        up: between `up` and `down`; a BMC refuses to power a node on outside of that.
        namespaces: whether nodes have namespaces of their own (the sandbox was made by root).
        visible: paths that must stay visible in the nodes.
        agent_roots: OCF directories for the executors.
        nodes: in the order of the manifest.
    """

    name: str
    label: str
    up: bool
    namespaces: bool
    visible: tuple[str, ...]
    agent_roots: tuple[str, ...]
    nodes: tuple[NodeEntry, ...]

    def node(self, name: str) -> NodeEntry:
        """The node of that name; raises `SandboxError` where there is none."""
        for entry in self.nodes:
            if entry.name == name:
                return entry
        raise spec.SandboxError(
            f"no node {name!r} in sandbox {self.name}; it has {', '.join(n.name for n in self.nodes)}"
        )

    @property
    def switch(self) -> str:
        """Network namespace of the switch; the dot keeps it apart from a node called `switch`."""
        return f"{self.label}.switch"

    def namespace(self, node: str) -> str:
        """Network namespace of a node."""
        return f"{self.label}-{node}"


@frozen
class Files:
    """The files of a sandbox.

    Attributes:
        root: absolute.
    """

    root: pathlib.Path

    @classmethod
    def at(cls, root: pathlib.Path | str) -> Files:
        """The files below `root`, which need not exist yet."""
        return cls(pathlib.Path(root).resolve())

    @property
    def directory(self) -> pathlib.Path:
        """What concerns the whole sandbox."""
        return self.root / ".sandbox"

    @property
    def record(self) -> pathlib.Path:
        """The recorded `Cluster`."""
        return self.directory / "cluster.json"

    @property
    def lock(self) -> pathlib.Path:
        """Held by `up` and `down`."""
        return self.directory / "lock"

    def node(self, name: str) -> NodeFiles:
        """The files of one node."""
        return NodeFiles(self.root / spec.check_name("node", name))

    def label(self, name: str) -> str:
        """A label no other sandbox on this machine has, and short enough for a file name."""
        digest = hashlib.sha256(f"{name}\0{self.root}".encode()).hexdigest()[:10]
        return f"{name[:24]}-{digest}"

    def load(self) -> Cluster | None:
        """The recorded sandbox, or None where there never was one.

        Raises:
            SandboxError: the record cannot be read as one.
        """
        text = read(self.record)
        if text is None:
            return None
        try:
            value: dict[str, Any] = json.loads(text)
            value["nodes"] = tuple(NodeEntry(**entry) for entry in value["nodes"])
            value["visible"] = tuple(value["visible"])
            value["agent_roots"] = tuple(value["agent_roots"])
            return Cluster(**value)
        except (ValueError, TypeError, KeyError) as error:
            raise spec.SandboxError(f"{self.record} is damaged: {error}") from None

    def require(self) -> Cluster:
        """As `load`, but raises `SandboxError` where there is no sandbox."""
        cluster = self.load()
        if cluster is None:
            raise spec.SandboxError(f"no sandbox at {self.root}")
        return cluster

    def save(self, cluster: Cluster) -> None:
        """Records the sandbox."""
        write(self.record, json.dumps(dataclasses.asdict(cluster), indent=1) + "\n")
