"""What the parts of one daemon share: its settings, its loop, and what it knows."""

from __future__ import annotations

import os
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from reconciler.executor import (
    agents,
    attributes,
    clock,
    events,
    history,
    journal,
    lease,
    ocf,
    records,
    store,
)
from reconciler.executor import loop as event_loop

SOCKET = "executor.sock"


class Settings(NamedTuple):
    """How a daemon was started.

    Args:
        node: The node's name.
        state_dir: Absolute path of the state directory.
        boot_id_file: Where the boot id is read.
        roots: Where agents are.
        grace_ms: How long running actions may go on when the daemon is told to end.
    """

    node: str
    state_dir: str
    boot_id_file: str
    roots: agents.Roots
    grace_ms: int


class Node:
    """The state of one daemon.

    Raises:
        ValueError: No boot id.
        store.FutureFormatError: A newer version wrote the state.
        OSError: The state cannot be read.
    """

    def __init__(self, settings: Settings, loop: event_loop.Loop, shims: str) -> None:
        self.settings = settings
        self.loop = loop
        self.executor_id = clock.fresh_uuid()
        self.boot_id = clock.read_boot_id(settings.boot_id_file)
        self.journal = journal.Journal(loop)
        state = settings.state_dir
        stores = {
            name: store.Store(state, name) for name in ("token", "attributes", "records", "history")
        }
        self.history = history.History(stores["history"], settings.node, self.boot_id)
        self.lease = lease.Lease(stores["token"], self.boot_id)
        self.attributes = attributes.Attributes(stores["attributes"], self.history)
        self.records = records.Records(stores["records"])
        self.journal.add("token", stores["token"], self.lease.document)
        self.journal.add("history", stores["history"], self.history.document)
        self.journal.add("attributes", stores["attributes"], self.attributes.document)
        self.journal.add("records", stores["records"], self.records.document)
        self.events = events.Events(loop)
        self.output_dir = state
        self.surroundings = ocf.Surroundings(
            node=settings.node,
            shims=shims,
            socket=f"{state}/{SOCKET}",
            ocf_root=_ocf_root(settings.roots.ocf),
            directories=ocf.directories(os.environ),
        )
        self.shutting_down = False

    def load(self) -> "List[Dict[str, Any]]":
        """Read everything; returns the intents an earlier daemon left."""
        self.lease.load()
        self.attributes.load()
        self.records.load()
        return self.history.load()

    def changed(self, *happened: Dict[str, Any]) -> None:
        """Tell subscribers what happened, and that the generation rose."""
        for event in happened:
            self.events.publish(event)
        self.events.publish({"event": "generation", "generation": self.history.counter})

    def attribute_event(self, scope: str, name: str, value: Optional[str]) -> Dict[str, Any]:
        """Return the event of an attribute."""
        return {"event": "attribute", "scope": scope, "name": name, "value": value}


def _ocf_root(roots: Sequence[str]) -> str:
    for root in roots:
        parent = os.path.dirname(root)  # noqa: PTH120  pathlib costs memory
        if os.path.isdir(f"{parent}/lib/heartbeat"):  # noqa: PTH112  pathlib costs memory
            return parent
    return "/usr/lib/ocf"
