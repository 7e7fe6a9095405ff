"""When things reach the disk: once per turn of the loop, everything that changed, then the waiters.

Fifty actions asked for together cost one write, and none of them runs before it is done. While
much happens a write waits for as long as the last one took, so that at most half of the time is
spent writing and each write carries more.
"""

from __future__ import annotations

import sys
from typing import Any, Callable, Dict, List

from reconciler.executor import clock, refusal
from reconciler.executor import loop as event_loop
from reconciler.executor import store as durable

_RETRY_S = 1.0
_PAUSE_MAX_S = 0.02


class Journal:
    """Writes the documents that have changed, in the order in which they were added."""

    def __init__(self, loop: event_loop.Loop) -> None:
        self._loop = loop
        self._stores: Dict[str, durable.Store] = {}
        self._snapshots: Dict[str, Callable[[], Dict[str, Any]]] = {}
        self._dirty: Dict[str, bool] = {}
        self._waiting: List[event_loop.Future[None]] = []
        self._retrying = False
        self._next_s = 0.0
        self._armed = False
        loop.turn_end = self._turn_end

    def add(self, name: str, store: durable.Store, snapshot: Callable[[], Dict[str, Any]]) -> None:
        """Keep a document; `snapshot` returns its content at the moment of writing."""
        self._stores[name] = store
        self._snapshots[name] = snapshot
        self._dirty[name] = False

    def commit(self, *names: str) -> event_loop.Future[None]:
        """Return a future that is done once these documents, as they are then, are durable.

        Its error is a `RefusedError` with state-not-writable; memory is then ahead of the disk
        and the caller takes its change back, or calls `retry` where the change is a fact.
        """
        for name in names:
            self._dirty[name] = True
        written: event_loop.Future[None] = event_loop.Future(self._loop)
        self._waiting.append(written)
        return written

    def retry(self) -> None:
        """Try again every second: something happened that the disk does not know yet."""
        if not self._retrying:
            self._retrying = True
            self._loop.call_later(_RETRY_S, self._try_again)

    def _try_again(self) -> None:
        self._retrying = False
        if self._write() is not None:
            self.retry()

    def _turn_end(self) -> None:
        if not self._waiting or self._too_soon():
            return
        waiting, self._waiting = self._waiting, []
        error = self._write()
        for written in waiting:
            if error is None:
                written.set(None)
            else:
                written.fail(refusal.RefusedError(refusal.NOT_WRITABLE, f"the state: {error}"))

    def _too_soon(self) -> bool:
        """Return whether this write waits; a timer then ends the turn in which it happens."""
        if clock.monotonic() >= self._next_s:
            return False
        if not self._armed:
            self._armed = True
            self._loop.call_at(self._next_s, self._disarm)
        return True

    def _disarm(self) -> None:
        self._armed = False

    def _write(self) -> "OSError | None":
        began = clock.monotonic()
        error = self._save()
        ended = clock.monotonic()
        self._next_s = ended + min(ended - began, _PAUSE_MAX_S)
        return error

    def _save(self) -> "OSError | None":
        for name, dirty in self._dirty.items():
            if not dirty:
                continue
            try:
                self._stores[name].save(self._snapshots[name]())
            except OSError as error:
                print(f"cannot write {name}: {error}", file=sys.stderr, flush=True)  # noqa: T201  the daemon's log
                return error
            self._dirty[name] = False
        return None
