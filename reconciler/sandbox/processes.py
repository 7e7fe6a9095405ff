"""Processes by identity: recorded, found alive, signalled, stopped and killed without mistaking one for another.

A bare pid can be another process by the time it is used. An `Identity` also holds the start time, the boot of
the machine and the pid namespace it was taken in, and signals go through a pidfd that was opened before the
start time was compared. Nothing here searches by name or command line.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import select
import signal
import time
from collections.abc import Callable, Iterable, Iterator

from reconciler.frozen import frozen
from reconciler.sandbox import layout, spec

KILL_DEADLINE_S = 10.0
SETTLE_POLL_S = 0.002
SETTLE_PASSES_MAX = 500

_HOST_BOOT = pathlib.Path("/proc/sys/kernel/random/boot_id")


@frozen
class Identity:
    """One process, for good.

    Attributes:
        pid: as seen in `namespace`.
        started: start time in clock ticks since the machine's boot.
        boot: boot id of the machine.
        namespace: inode of the pid namespace `pid` belongs to.
    """

    pid: int
    started: int
    boot: str
    namespace: int


@frozen
class _Stat:
    state: str
    parent: int
    started: int


def _stat(pid: int) -> _Stat | None:
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the program's name in parentheses and may itself hold any character.
    fields = text[text.rindex(")") + 2 :].split()
    return _Stat(state=fields[0], parent=int(fields[1]), started=int(fields[19]))


def _here() -> tuple[str, int]:
    boot = _HOST_BOOT.read_text(encoding="ascii").strip()
    return boot, pathlib.Path("/proc/self/ns/pid").stat().st_ino


def identify(pid: int) -> Identity | None:
    """The identity of a running process, or None where there is none."""
    stat = _stat(pid)
    if stat is None:
        return None
    boot, namespace = _here()
    return Identity(pid=pid, started=stat.started, boot=boot, namespace=namespace)


def save(path: pathlib.Path, identity: Identity) -> None:
    """Records an identity."""
    layout.write(path, json.dumps(dataclasses.asdict(identity)) + "\n")


def load(path: pathlib.Path) -> Identity | None:
    """The recorded identity, or None; raises `SandboxError` where the record is damaged."""
    text = layout.read(path)
    if text is None:
        return None
    try:
        return Identity(**json.loads(text))
    except (ValueError, TypeError) as error:
        raise spec.SandboxError(f"{path} is damaged: {error}") from None


def _present(identity: Identity) -> _Stat | None:
    boot, namespace = _here()
    if identity.boot != boot:
        return None
    if identity.namespace != namespace:
        # From inside a node the pids of the host mean nothing: to read that as "gone" would call a running
        # node powered off.
        raise spec.SandboxError(
            f"process {identity.pid} belongs to another pid namespace; run this outside of the nodes"
        )
    stat = _stat(identity.pid)
    return stat if stat is not None and stat.started == identity.started else None


def alive(identity: Identity | None) -> bool:
    """Whether that very process runs (or is stopped); a zombie does not.

    Raises:
        SandboxError: asked in a pid namespace where the answer cannot be known.
    """
    if identity is None:
        return False
    stat = _present(identity)
    return stat is not None and stat.state not in "ZX"


@contextlib.contextmanager
def _opened(identity: Identity) -> Iterator[int | None]:
    descriptor: int | None = None
    try:
        with contextlib.suppress(ProcessLookupError):
            descriptor = os.pidfd_open(identity.pid)
        yield descriptor if alive(identity) else None
    finally:
        if descriptor is not None:
            os.close(descriptor)


def send(identity: Identity, number: signal.Signals) -> bool:
    """Sends a signal to that very process; False where it is gone."""
    with _opened(identity) as descriptor:
        if descriptor is None:
            return False
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, number)
            return True
        return False


def kill(identity: Identity | None, deadline_s: float = KILL_DEADLINE_S) -> None:
    """Sends SIGKILL and waits until the process is gone.

    For the first process of a pid namespace that means: until every process of that namespace is gone, because
    the kernel lets it end last.

    Raises:
        SandboxError: it is still there after `deadline_s`.
    """
    if identity is None:
        return
    with _opened(identity) as descriptor:
        if descriptor is None:
            return
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        if not poll.poll(deadline_s * 1000):
            raise spec.SandboxError(f"process {identity.pid} survived SIGKILL for {deadline_s:g} s")


def _all() -> dict[int, _Stat]:
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdecimal() and (stat := _stat(int(entry.name))) is not None:
            found[int(entry.name)] = stat
    return found


def _identities(pids: Iterable[int], stats: dict[int, _Stat]) -> list[Identity]:
    boot, namespace = _here()
    return [Identity(pid, stats[pid].started, boot, namespace) for pid in sorted(pids)]


def descendants(identity: Identity) -> list[Identity]:
    """Every living process below that one, nearest first; the process itself is not among them."""
    stats = {pid: stat for pid, stat in _all().items() if stat.state not in "ZX"}
    if not alive(identity):
        return []
    children: dict[int, list[int]] = {}
    for pid, stat in stats.items():
        children.setdefault(stat.parent, []).append(pid)
    found, front = [], [identity.pid]
    while front:
        front = [child for parent in front for child in children.get(parent, [])]
        found += front
    return _identities(found, stats)


def members(kind: str, namespace: int) -> list[Identity]:
    """Every living process whose namespace of that kind (`pid`, `net`) has that inode."""
    stats = {pid: stat for pid, stat in _all().items() if stat.state not in "ZX"}
    inside = []
    for pid in stats:
        # A process may end, or belong to somebody else, between the listing and this look.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            if pathlib.Path(f"/proc/{pid}/ns/{kind}").stat().st_ino == namespace:
                inside.append(pid)
    return _identities(inside, stats)


def namespace_of(identity: Identity, kind: str) -> int | None:
    """Inode of the process's namespace of that kind, or None where the process is gone."""
    try:
        inode = pathlib.Path(f"/proc/{identity.pid}/ns/{kind}").stat().st_ino
    except (FileNotFoundError, ProcessLookupError):
        return None
    return inode if alive(identity) else None


def _settled(identity: Identity) -> bool:
    stat = _present(identity)
    return stat is None or stat.state in "TtZX"


def stop(everyone: Callable[[], list[Identity]]) -> list[Identity]:
    """Sends SIGSTOP to whatever `everyone` finds until a look finds nobody new and nobody running.

    Returns:
        Those this call has stopped; one that stood still before is not among them.

    Raises:
        SandboxError: new processes appeared in every one of a bounded number of looks.
    """
    stopped: dict[Identity, None] = {}
    known: set[Identity] = set()
    for _ in range(SETTLE_PASSES_MAX):
        present = everyone()
        new = [identity for identity in present if identity not in known]
        known.update(new)
        for identity in new:
            if not _settled(identity) and send(identity, signal.SIGSTOP):
                stopped[identity] = None
        if not new and all(_settled(identity) for identity in present):
            return list(stopped)
        time.sleep(SETTLE_POLL_S)
    for identity in stopped:
        send(identity, signal.SIGCONT)
    raise spec.SandboxError("the node's processes did not come to a stop")


def kill_tree(top: Identity | None) -> None:
    """Kills a process and everything below it, also what keeps forking.

    The tree is first brought to a stop, so that nothing forks or is orphaned between looking and killing. `top`
    must be a subreaper: then no descendant can leave the tree, and it is killed last.

    Raises:
        SandboxError: something is left.
    """
    if top is None or not alive(top):
        return
    stop(lambda: [top, *descendants(top)])
    for identity in reversed(descendants(top)):
        kill(identity)
    left = descendants(top)
    kill(top)
    if left:
        raise spec.SandboxError(f"processes survived: {', '.join(str(one.pid) for one in left)}")
