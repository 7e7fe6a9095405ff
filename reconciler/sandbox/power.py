"""Power of a node: on, off, and failure, by the sandbox's files alone.

Only this file starts and ends nodes. The command line, the simulated BMCs and `fence_sandbox` all come here, so
they agree. The one promise everything else rests on: `off` is written, and returned, only after every process of
the node is gone and its network namespace with every address is deleted.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import json
import pathlib
import uuid
from collections.abc import Iterator

from reconciler.frozen import frozen
from reconciler.sandbox import background, layout, network, processes, spec

LOCK_DEADLINE_S = 30.0

_ON = "on\n"
_OFF = "off\n"


class Power(enum.Enum):
    """What a node is doing.

    `CRASHED` is a node that lost its life with the chassis still switched on: its BMC says on, as that of a
    crashed machine does, and only a fence or a power on changes that.
    """

    ON = "on"
    OFF = "off"
    FROZEN = "frozen"
    CRASHED = "crashed"


@frozen
class Handle:
    """One node of a recorded sandbox, as every operation on it needs it."""

    cluster: layout.Cluster
    entry: layout.NodeEntry
    files: layout.NodeFiles


def handle(root: pathlib.Path, node: str) -> Handle:
    """Looks a node up; raises `SandboxError` where there is no such sandbox or node."""
    files = layout.Files.at(root)
    cluster = files.require()
    return Handle(cluster, cluster.node(node), files.node(node))


@contextlib.contextmanager
def holding(root: pathlib.Path, node: str) -> Iterator[tuple[Handle, int]]:
    """Looks a node up and holds its lock."""
    found = handle(root, node)
    with layout.locked(found.files.lock, LOCK_DEADLINE_S) as lock:
        # What was true before the lock was ours need not be true any more.
        yield handle(root, node), lock


def state(files: layout.NodeFiles) -> Power:
    """What the node is doing right now."""
    if processes.alive(processes.load(files.init_record)):
        return Power.FROZEN if files.frozen.exists() else Power.ON
    return Power.CRASHED if switched_on(files) else Power.OFF


def switched_on(files: layout.NodeFiles) -> bool:
    """Whether the node's chassis is on, whatever became of the node; this is what a BMC answers.

    Raises:
        SandboxError: the record is damaged; that is never read as "off".
    """
    text = layout.read(files.power)
    if text not in (None, _ON, _OFF):
        raise spec.SandboxError(f"{files.power} is damaged")
    return text == _ON


def _switch(files: layout.NodeFiles, *, on: bool) -> None:
    layout.write(files.power, _ON if on else _OFF)


def power_on(root: pathlib.Path, node: str) -> None:
    """Boots a node that is off or crashed, with a new boot id; nothing where it runs.

    Raises:
        SandboxError: the sandbox is down, or the node did not boot (it is off then).
    """
    with holding(root, node) as (found, lock):
        start(found, lock)


def power_off(root: pathlib.Path, node: str) -> None:
    """Switches a node off; when it returns, nothing of the node runs and none of its addresses exist.

    Raises:
        SandboxError: that could not be reached; the node does not count as off then.
    """
    with holding(root, node) as (found, _):
        end(found)
        _switch(found.files, on=False)


def power_cycle(root: pathlib.Path, node: str) -> None:
    """A hard reset: off and on again where the chassis is on, nothing where it is off."""
    with holding(root, node) as (found, lock):
        if switched_on(found.files):
            end(found)
            start(found, lock)


def start(found: Handle, lock: int) -> None:
    """As `power_on`, with the node's lock held."""
    if processes.alive(processes.load(found.files.init_record)):
        return
    if not found.cluster.up:
        raise spec.SandboxError(
            f"sandbox {found.cluster.name} is down; node {found.files.name} stays off"
        )
    end(found)
    layout.make_private(found.files.state)
    layout.write(found.files.boot_id, f"{uuid.uuid4()}\n")
    _switch(found.files, on=True)
    try:
        if found.cluster.namespaces:
            network.plug(found.cluster, found.entry, connected=not found.files.cut.exists())
        background.launch("init", found.files, lock, name="the init process")
    except BaseException:
        end(found)
        _switch(found.files, on=False)
        raise


def end(found: Handle) -> None:
    """Ends every process of the node and removes its addresses, with the node's lock held.

    Raises:
        SandboxError: something is left.
    """
    init = processes.load(found.files.init_record)
    if found.cluster.namespaces:
        processes.kill(init)
        network.unplug(found.cluster, found.files.name)
    else:
        # Whichever of the two is left has the whole rest of the node below it.
        processes.kill_tree(processes.load(found.files.guard_record))
        processes.kill_tree(init)
        found.files.guard_record.unlink(missing_ok=True)
    found.files.init_record.unlink(missing_ok=True)
    found.files.frozen.unlink(missing_ok=True)


def everyone(found: Handle) -> list[processes.Identity]:
    """Every process of a running node, its first one first."""
    init = processes.load(found.files.init_record)
    if init is None or not processes.alive(init):
        return []
    if not found.cluster.namespaces:
        guard = processes.load(found.files.guard_record)
        top = guard if guard is not None and processes.alive(guard) else init
        return [top, *processes.descendants(top)]
    inode = processes.namespace_of(init, "pid")
    if inode is None:
        return []
    others = [one for one in processes.members("pid", inode) if one != init]
    return [init, *others]


def load_frozen(files: layout.NodeFiles) -> list[processes.Identity]:
    """Which processes a freeze has stopped."""
    text = layout.read(files.frozen)
    return [] if text is None else [processes.Identity(**one) for one in json.loads(text)]


def save_frozen(files: layout.NodeFiles, stopped: list[processes.Identity]) -> None:
    """Records which processes a freeze has stopped."""
    layout.write(files.frozen, json.dumps([dataclasses.asdict(one) for one in stopped]))
