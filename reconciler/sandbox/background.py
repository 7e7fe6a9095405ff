"""Starting programs that outlive the command which starts them.

`launch` runs this package's entry program, which calls `detach`: it forks once, records the child's identity,
and only then lets the child go on. So there is never a background process without a record: a child whose
parent died before the record was written ends by itself. The entry program returns when the child says it is
ready, with the child's words when it failed, so a start is synchronous and its errors are not lost.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
from typing import NoReturn

from reconciler.sandbox import layout, processes, spec

LAUNCH_DEADLINE_S = 20.0
PACKAGE_PARENT = pathlib.Path(__file__).resolve().parents[2]

_ENTRY = pathlib.Path(__file__).with_name("__main__.py")
DESCRIPTORS_MAX = 1024
"""More than these small programs ever have open."""

_GO = b"go"
_READY = b"ready"
_MESSAGE_BYTES_MAX = 4096


def entry_argv(verb: str, *arguments: str) -> list[str]:
    """The command line of one of this package's own programs, independent of path and environment."""
    return [sys.executable, "-I", "-S", "-B", str(_ENTRY), verb, *arguments]


def environment() -> dict[str, str]:
    """A clean environment for background programs."""
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/"}


def launch(verb: str, files: layout.NodeFiles, lock: int, *, name: str) -> None:
    """Starts a background program of a node and waits until it is ready.

    Args:
        verb: which one.
        files: of the node.
        lock: descriptor of a held lock; the starting program holds it too, so that nobody who comes later can
            meet a half-started program, even when the caller is killed.
        name: what to call the program in an error.

    Raises:
        SandboxError: it did not start.
    """
    try:
        done = subprocess.run(
            entry_argv(verb, str(files.directory.parent), files.name),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment(),
            cwd="/",
            pass_fds=(lock,),
            start_new_session=True,
            timeout=LAUNCH_DEADLINE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise spec.SandboxError(f"{name} of {files.name} was not ready in time") from None
    if done.returncode != 0:
        words = done.stderr.decode(errors="replace").strip()
        raise spec.SandboxError(f"{name} of {files.name} did not start: {words}")


class Detached:
    """The child's end of a `detach`: it must say `ready` or `failed` once."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def ready(self) -> None:
        """Tells whoever started this program that it works."""
        os.write(self._descriptor, _READY)
        os.close(self._descriptor)

    def failed(self, words: str) -> NoReturn:
        """Tells whoever started this program why it does not work, and ends."""
        os.write(self._descriptor, words.encode()[:_MESSAGE_BYTES_MAX])
        os._exit(1)


def detach(record: pathlib.Path, log: pathlib.Path) -> Detached:
    """Goes on in a child with its own session, its record written and its output in the log.

    Returns only in the child; the calling process ends when the child has spoken.
    """
    go_read, go_write = os.pipe()
    say_read, say_write = os.pipe()
    child = os.fork()
    if child != 0:
        os.close(go_read)
        os.close(say_write)
        _introduce(child, record, go_write, say_read)
    os.close(go_write)
    os.close(say_read)
    os.setsid()
    if os.read(go_read, len(_GO)) != _GO:
        os._exit(1)
    null, output = os.open(os.devnull, os.O_RDONLY), layout.open_log(log)
    for source, target in ((null, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    # Everything else, above all the inherited lock, belongs to the starting program only.
    os.closerange(3, say_write)
    os.closerange(say_write + 1, DESCRIPTORS_MAX)
    return Detached(say_write)


def _introduce(child: int, record: pathlib.Path, go: int, say: int) -> NoReturn:
    identity = processes.identify(child)
    if identity is None:
        os._exit(1)
    processes.save(record, identity)
    os.write(go, _GO)
    said = b""
    while piece := os.read(say, _MESSAGE_BYTES_MAX):
        said += piece
    if said == _READY:
        os._exit(0)
    os.write(2, said or b"it ended at once")
    os._exit(1)
