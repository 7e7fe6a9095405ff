"""The daemon: one per state directory, from its lock to its end."""

from __future__ import annotations

import errno
import fcntl
import os
import signal

from reconciler.executor import (
    actions,
    clock,
    monitors,
    programs,
    requests,
    server,
    shipped,
    slots,
)
from reconciler.executor import loop as event_loop
from reconciler.executor import node as shared

LOCK = "executor.lock"
_POLL_S = 0.05
_LAST_WORDS_S = 10.0  # time-out, grace and writing of what was interrupted


class AlreadyRunningError(Exception):
    """Another daemon has this state directory."""


class Daemon:
    """The parts of one daemon, put together.

    Args:
        settings: How it was started.

    Raises:
        AlreadyRunningError: There is one already.
        store.FutureFormatError: A newer version wrote the state.
        OSError: The state directory cannot be used.
        ValueError: No boot id.
    """

    def __init__(self, settings: shared.Settings) -> None:
        os.umask(0o077)
        make_private(settings.state_dir)
        self._lock = _locked(settings.state_dir)
        shipped.command(settings.state_dir)
        resource_d, shim_dir = shipped.place(settings.state_dir)
        roots = settings.roots._replace(ocf=[*settings.roots.ocf, resource_d])
        self._loop = event_loop.Loop()
        self._node = shared.Node(settings._replace(roots=roots), self._loop, shim_dir)
        self._programs = programs.Programs(self._loop, settings.state_dir)
        free, cap = slots.Slots(self._loop), slots.Cap(self._loop)
        self._monitors = monitors.Monitors(self._node, free, cap, self._programs)
        self._actions = actions.Actions(self._node, free, cap, self._monitors, self._programs)
        self._recover()
        self._server = server.Server(self._loop, f"{settings.state_dir}/{shared.SOCKET}")
        self._server.requests = requests.Requests(
            self._node, self._actions, self._monitors, self._programs, self.end
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.on_signal(number, self._signalled)

    def _recover(self) -> None:
        """End and write off what an earlier daemon left, before anybody is listened to."""
        self._programs.end_left_behind()
        for intent in self._node.load():
            noted = intent.get("process")
            killed = noted is not None and programs.kill_left_behind(*noted)
            words = "it was killed" if killed else "its process had ended"
            reason = f"the executor ended while this ran; {words}"
            self._node.history.lose(dict(intent), reason)
        self._node.history.forget_monitors()
        self._node.journal.commit("token", "history").when_done(lambda: None)
        self._node.journal.retry()

    def run(self) -> None:
        """Serve until told to end."""
        self._loop.run()

    def _signalled(self) -> None:
        """End in order; on a second signal at once, and the next daemon clears up."""
        if self._node.shutting_down:
            self._loop.stop()
        self.end()

    def end(self) -> None:
        """Begin to end: nothing new; what runs has a bounded time, and is then lost."""
        if self._node.shutting_down:
            return
        self._node.shutting_down = True
        self._server.stop_listening()
        self._monitors.stop()
        self._loop.background(self._drain())

    async def _drain(self) -> None:
        await self._idle(self._node.settings.grace_ms / 1000)
        self._actions.interrupt()
        self._programs.interrupt()
        await self._idle(_LAST_WORDS_S)
        await self._loop.sleep(0)  # replies go out
        self._loop.stop()

    async def _idle(self, within_s: float) -> None:
        deadline = clock.monotonic() + within_s
        while (self._actions.busy() or self._programs.busy()) and clock.monotonic() < deadline:
            await self._loop.sleep(_POLL_S)


def make_private(state_dir: str) -> None:
    """Make the state directory, for its owner only.

    Raises:
        OSError: It is somebody else's, or no directory.
    """
    os.makedirs(state_dir, mode=0o700, exist_ok=True)  # noqa: PTH103  pathlib costs memory
    found = os.stat(state_dir)  # noqa: PTH116  pathlib costs memory
    if found.st_uid != os.geteuid():
        raise PermissionError(
            errno.EPERM, "the state directory belongs to somebody else", state_dir
        )
    os.chmod(state_dir, 0o700)  # noqa: PTH101  pathlib costs memory


def _locked(state_dir: str) -> int:
    """Return the descriptor that holds the lock; the kernel drops it when the daemon dies."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(f"{state_dir}/{LOCK}", flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise AlreadyRunningError(f"an executor runs already in {state_dir}") from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor
