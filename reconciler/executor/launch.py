"""Starting a program behind a gate.

A launched child waits in its own session until `release`: so its process id and start time can
be written to disk *before* the program runs. Where the daemon dies first, the child reads the
end of the gate's pipe and exits without having run anything.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import traceback
from typing import Callable, List, Mapping, NamedTuple, NoReturn, Optional, Sequence

from reconciler.executor import loop as event_loop
from reconciler.executor import output

_GO = b"g"
_EXEC_FAILED = 127
_PIPE_CAPACITY = 60 * 1024
_UMASK = 0o022  # what agents expect; the daemon's own is 077
_RESTORED = (
    signal.SIGCHLD,
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGPIPE,
    signal.SIGXFSZ,
)


class Launch(NamedTuple):
    """What to run.

    Args:
        argv: The program's path and its arguments (never a secret).
        env: Its whole environment.
        stdin: What it reads; at most 60 KiB.
        body: Run this function in the forked child instead of a program; returns the exit code.
    """

    argv: Sequence[str]
    env: Mapping[str, str]
    stdin: bytes = b""
    body: Optional[Callable[[], int]] = None


class Process:
    """A launched child, the leader of its own session and process group.

    Raises:
        OSError: It could not be forked, or no output file made; nothing runs.
    """

    def __init__(self, loop: event_loop.Loop, launch: Launch, capture: output.Capture) -> None:
        self._loop = loop
        self.ended: event_loop.Future[int] = event_loop.Future(loop)
        opened: List[int] = []
        try:
            gate, self._gate = os.pipe()
            opened += [gate, self._gate]
            self._failure, failure = os.pipe()
            opened += [self._failure, failure]
            stdin = _stdin(launch.stdin)
            opened.append(stdin)
            self.pid = _fork(launch, (stdin, *capture.writers), gate, failure)
        except OSError:
            for descriptor in opened:
                os.close(descriptor)
            raise
        for descriptor in (gate, failure, stdin):
            os.close(descriptor)
        capture.hand_over()
        loop.on_exit(self.pid, self.ended.set)
        self.start_ticks = start_ticks(self.pid) or 0

    def release(self) -> None:
        """Let the program run."""
        with contextlib.suppress(BrokenPipeError):  # killed while it waited: its status says so
            os.write(self._gate, _GO)
        os.close(self._gate)

    def abandon(self) -> None:
        """Let the child exit without running the program."""
        os.close(self._gate)
        os.close(self._failure)

    def exec_error(self) -> int:
        """Return why the program could not be executed (errno), or 0; call it once, at the end."""
        os.set_blocking(self._failure, False)
        try:
            said = os.read(self._failure, 16)
        except BlockingIOError:
            said = b""
        os.close(self._failure)
        return int(said) if said else 0

    def signal_group(self, number: int) -> bool:
        """Send a signal to the whole group; returns whether there still was one."""
        return signal_group(self.pid, number)


def signal_group(group: int, number: int) -> bool:
    """Send a signal (0: only ask) to a process group; returns whether it exists."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def start_ticks(pid: int) -> Optional[int]:
    """Return when the process started (clock ticks since boot), None where it is gone or a zombie."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as source:  # noqa: PTH123  pathlib costs memory
            fields = source.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def _stdin(content: bytes) -> int:
    """Return a descriptor to read `content` from; it is never on disk."""
    if not content:
        return os.open(os.devnull, os.O_RDONLY)
    if len(content) > _PIPE_CAPACITY:
        raise OSError(errno.EMSGSIZE, "too much to pass on standard input")
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        os.write(writer, content)
    finally:
        os.close(writer)
    return reader


def _fork(launch: Launch, standard: Sequence[int], gate: int, failure: int) -> int:
    """Fork with all signals blocked: until the child has reset them they would reach our loop."""
    everything = signal.valid_signals()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, everything)
    try:
        pid = os.fork()
        if pid == 0:
            _become(launch, standard, gate, failure)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return pid


def _become(launch: Launch, standard: Sequence[int], gate: int, failure: int) -> NoReturn:
    """Turn the forked child into the program; never returns."""
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in _RESTORED:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        for target, source in enumerate(standard):
            os.dup2(source, target)
        _close_others({0, 1, 2, gate, failure})
        if os.read(gate, 1) != _GO:
            os._exit(_EXEC_FAILED)
        os.close(gate)
        os.umask(_UMASK)
        os.chdir("/")
        if launch.body is not None:
            os.close(failure)
            os._exit(launch.body())
        os.execve(launch.argv[0], list(launch.argv), dict(launch.env))  # noqa: S606  no shell is the point
    except OSError as error:
        try:
            os.write(failure, str(error.errno or errno.EIO).encode())
        except OSError:
            traceback.print_exc(file=sys.stderr)
    except BaseException:  # noqa: BLE001  a forked child must never return into the daemon's loop
        traceback.print_exc(file=sys.stderr)
        sys.stderr.flush()
    os._exit(_EXEC_FAILED)


def _close_others(kept: "set[int]") -> None:
    """Close what the daemon has open: its lock and its clients' connections above all."""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208  pathlib costs memory
        descriptor = int(name)
        if descriptor not in kept:
            try:
                os.close(descriptor)
            except OSError:
                continue  # the listing's own descriptor, closed already
