"""This machine with less on it, or seen by another user: where a test runs the program.

A pytest plugin (see ``addopts``). Each fixture keeps a process in a mount namespace of its own for
the length of a test, and gives what raises a cluster in there.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator

import live_cluster
import pytest

NOBODY = 65534
OCF = "/usr/lib/ocf"
DEBIAN_PROGRAMS = ("ipmi_sim", "ipmitool", "fence_ipmilan")
EXECUTABLE_BY_ALL = 0o001

Raise = Callable[[pathlib.Path], live_cluster.LiveCluster]


def bare() -> list[str]:
    """Return shell lines that hide the OCF agents and the IPMI programs of the distribution."""
    lines = [f"if [ -d {OCF} ]; then mount -t tmpfs -o mode=755 none {OCF}; fi"]
    for name in DEBIAN_PROGRAMS:
        lines += [
            f"path=$(command -v {name} || true)",
            'if [ -n "$path" ]; then mount --bind /dev/null "$path"; fi',
        ]
    return lines


def readable(stage: pathlib.Path) -> list[str]:
    """Return shell lines that let everybody reach the program where only its owner could.

    Each directory that is closed to others is replaced by one that has nothing but what is needed.
    """
    closed: dict[pathlib.Path, pathlib.Path] = {}
    for path in (live_cluster.ROOT, pathlib.Path(sys.prefix), pathlib.Path(sys.base_prefix)):
        for outer in reversed(path.parents):
            if not outer.stat().st_mode & EXECUTABLE_BY_ALL:
                closed[path] = outer
                break
    staged = {path: stage / str(number) for number, path in enumerate(closed)}
    lines = [f"mount -t tmpfs -o mode=755 none {shlex.quote(str(stage))}"]
    lines += [
        f"mkdir {at} && mount --rbind {shlex.quote(str(path))} {at}" for path, at in staged.items()
    ]
    lines += [
        f"mount -t tmpfs -o mode=755 none {shlex.quote(str(outer))}"
        for outer in sorted(set(closed.values()))
    ]
    for path, at in staged.items():
        target = shlex.quote(str(path))
        lines.append(f"mkdir -p {target} && mount --rbind {at} {target}")
    return lines


@contextlib.contextmanager
def machine(lines: list[str]) -> Iterator[int]:
    """Keep a mount namespace in which the lines were run; yields the process that keeps it."""
    script = "\n".join([*lines, "echo ready", "exec sleep 3600"])
    with subprocess.Popen(
        ["unshare", "--mount", "sh", "-ec", script], stdout=subprocess.PIPE, text=True
    ) as keeper:
        try:
            assert keeper.stdout is not None
            assert keeper.stdout.readline() == "ready\n"
            yield keeper.pid
        finally:
            keeper.kill()


def _raising(stack: contextlib.ExitStack, lines: list[str], owner: int) -> Raise:
    keeper = stack.enter_context(machine(lines))
    user = ("setpriv", f"--reuid={owner}", f"--regid={owner}", "--clear-groups") if owner else ()

    def enter(directory: pathlib.Path) -> tuple[str, ...]:
        return (
            *("nsenter", "--target", str(keeper), "--mount", *user),
            *("sh", "-c", 'cd "$0" && exec "$@"', str(directory)),
        )

    return lambda source: stack.enter_context(
        live_cluster.running(source, "other", enter=enter, owner=owner)
    )


def _require_root() -> None:
    if os.geteuid() != 0:
        assert "CI" not in os.environ, "needs root"
        pytest.skip("needs root for a mount namespace")


@pytest.fixture
def bare_machine() -> Iterator[Raise]:
    """Raise a cluster as root where the distribution's agents and IPMI programs are missing."""
    _require_root()
    with contextlib.ExitStack() as stack:
        yield _raising(stack, bare(), 0)


@pytest.fixture
def without_root(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[Raise]:
    """Raise a cluster as nobody; with the parameter ``bare`` on a bare machine."""
    _require_root()
    lines = readable(tmp_path)
    if getattr(request, "param", "installed") == "bare":
        lines += bare()
    with contextlib.ExitStack() as stack:
        yield _raising(stack, lines, NOBODY)
