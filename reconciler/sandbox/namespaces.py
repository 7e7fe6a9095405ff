"""The few system calls about namespaces, mounts and process trees that Python's `os` does not have."""

from __future__ import annotations

import ctypes
import os

NEW_NET = 0x40000000
NEW_PID = 0x20000000
NEW_IPC = 0x08000000
NEW_UTS = 0x04000000
NEW_MOUNT = 0x00020000

MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000

_MNT_DETACH = 2
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


def unshare(flags: int) -> None:
    """Gives this process (for `NEW_PID`: its next child) new namespaces; raises OSError."""
    _check(_libc.unshare(flags), "unshare")


def enter(descriptor: int, kind: int) -> None:
    """Moves this process into the namespace behind an open descriptor; raises OSError."""
    _check(_libc.setns(descriptor, kind), "setns")


def mount(
    source: str, target: str, kind: str | None, flags: int, options: str | None = None
) -> None:
    """Puts a file system at `target`, as the system call of this name does; raises OSError."""
    arguments = [None if value is None else os.fsencode(value) for value in (source, target, kind)]
    data = None if options is None else options.encode()
    _check(_libc.mount(*arguments, ctypes.c_ulong(flags), data), f"mount {target}")


def detach(target: str) -> None:
    """Unmounts lazily whatever is mounted at `target`; raises OSError."""
    _check(_libc.umount2(os.fsencode(target), _MNT_DETACH), f"umount {target}")


def become_subreaper() -> None:
    """Makes this process the new parent of every orphan below it."""
    _check(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "PR_SET_CHILD_SUBREAPER")


def die_with_parent(number: int) -> None:
    """Asks for a signal when the parent ends."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0), "PR_SET_PDEATHSIG")
