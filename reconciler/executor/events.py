"""Telling subscribers at once what happens here."""

from __future__ import annotations

from typing import Any, Callable, Dict, List

from reconciler.executor import clock
from reconciler.executor import loop as event_loop

HEARTBEAT_S = 1.0

Sink = Callable[[Dict[str, Any]], None]


class Events:
    """The subscribers, and the heartbeat that shows them a living daemon."""

    def __init__(self, loop: event_loop.Loop) -> None:
        self._loop = loop
        self._sinks: List[Sink] = []
        self._beating = False

    def subscribe(self, sink: Sink) -> None:
        """Send every event from now on to `sink`; twice is once."""
        if sink not in self._sinks:
            self._sinks.append(sink)
        if not self._beating:
            self._beating = True
            self._loop.call_later(HEARTBEAT_S, self._beat)

    def unsubscribe(self, sink: Sink) -> None:
        """Send nothing more to `sink`."""
        if sink in self._sinks:
            self._sinks.remove(sink)

    def publish(self, event: Dict[str, Any]) -> None:
        """Send an event to every subscriber."""
        for sink in tuple(self._sinks):
            sink(event)

    def _beat(self) -> None:
        self._beating = bool(self._sinks)
        if self._beating:
            self.publish({"event": "heartbeat", "time": clock.wall()})
            self._loop.call_later(HEARTBEAT_S, self._beat)
