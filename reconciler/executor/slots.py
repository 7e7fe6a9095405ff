"""Who may run now: one run per resource at a time, and few monitors at once on the node."""

from __future__ import annotations

import os
from collections import deque
from typing import Callable, Deque, Dict

from reconciler.executor import loop as event_loop

MONITORS_PER_CORE = 4


class Slots:
    """The claims on resources.

    An action claims its resource at once or is refused; then it waits for a monitor that is
    under way. A monitor runs only while nobody has claimed its resource.
    """

    def __init__(self, loop: event_loop.Loop) -> None:
        self._loop = loop
        self._claimed: Dict[str, str] = {}
        self._monitored: Dict[str, event_loop.Future[None]] = {}

    def claimant(self, resource: str) -> str:
        """Return the id of the action that has claimed the resource, or an empty string."""
        return self._claimed.get(resource, "")

    def claim(self, resource: str, action_id: str) -> event_loop.Future[None]:
        """Claim a free resource; the future is done once no monitor of it runs."""
        assert resource not in self._claimed  # noqa: S101  the caller has just asked
        self._claimed[resource] = action_id
        running = self._monitored.get(resource)
        if running is None:
            running = event_loop.Future(self._loop)
            running.set(None)
        return running

    def release(self, resource: str) -> None:
        """Give a claimed resource back."""
        del self._claimed[resource]

    def free_for_monitor(self, resource: str) -> bool:
        """Return whether a recurring monitor of the resource may run now."""
        return resource not in self._claimed and resource not in self._monitored

    def begin_monitor(self, resource: str) -> None:
        """Note that a recurring monitor runs."""
        self._monitored[resource] = event_loop.Future(self._loop)

    def end_monitor(self, resource: str) -> None:
        """Note that it has ended."""
        self._monitored.pop(resource).set(None)


class Cap:
    """A bound on how many monitors and probes run at once: more would only slow each other.

    Those who wait for a place come first; then `on_free` is called.
    """

    def __init__(self, loop: event_loop.Loop) -> None:
        self.on_free: Callable[[], None] = lambda: None
        self._loop = loop
        self._free = MONITORS_PER_CORE * (os.cpu_count() or 1)
        self._waiting: Deque[event_loop.Future[None]] = deque()

    def try_take(self) -> bool:
        """Take a place if there is one; then `give` must follow."""
        if self._free == 0:
            return False
        self._free -= 1
        return True

    def take(self) -> event_loop.Future[None]:
        """Return a future that is done once a place was taken; then `give` must follow."""
        granted: event_loop.Future[None] = event_loop.Future(self._loop)
        if self.try_take():
            granted.set(None)
        else:
            self._waiting.append(granted)
        return granted

    def give(self) -> None:
        """Give the place to the next."""
        if self._waiting:
            self._waiting.popleft().set(None)
            return
        self._free += 1
        self.on_free()
