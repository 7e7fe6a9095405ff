"""The operation history: what the node knows about each resource, and its fail-counts.

Nothing known is never "stopped": a resource that is missing here must be probed. Revisions are
drawn from one counter that only rises, so a revision seen once never means anything else.
"""

from __future__ import annotations

import sys
from collections import deque
from typing import Any, Deque, Dict, List, Optional

from reconciler.executor import clock
from reconciler.executor import operation as op
from reconciler.executor import store as durable

DONE_IDS_MAX = 1024
RESULTS_MAX = 256
INFINITY = "INFINITY"
_INFINITY = 1_000_000


class Resource:
    """What is known of one resource.

    Args:
        agent: The agent that ran last.
    """

    __slots__ = ("agent", "entries", "last_failure", "meta", "pending", "revision")

    def __init__(self, agent: str) -> None:
        self.agent = agent
        self.revision = 0
        self.meta: Dict[str, str] = {}
        self.entries: Dict[op.Key, op.Operation] = {}
        self.pending: Optional[op.Operation] = None
        self.last_failure: Optional[op.Operation] = None

    def copy(self) -> Resource:
        """Return a copy, to take a change back."""
        twin = Resource(self.agent)
        twin.revision, twin.meta, twin.pending = self.revision, dict(self.meta), self.pending
        twin.entries, twin.last_failure = dict(self.entries), self.last_failure
        return twin

    def document(self) -> Dict[str, Any]:
        """Return what `observe` shows and the file holds."""
        operations = sorted(self.entries.values(), key=lambda entry: int(entry["call"]))
        if self.pending is not None:
            operations.append(self.pending)
        return {
            "agent": self.agent,
            "revision": self.revision,
            "operations": operations,
            "last_failure": self.last_failure,
            "meta": self.meta,
        }

    @classmethod
    def from_document(cls, document: Dict[str, Any]) -> Resource:
        """Return the resource of a document made by `document`."""
        resource = cls(document["agent"])
        resource.revision, resource.meta = document["revision"], document["meta"]
        resource.last_failure = document["last_failure"]
        for entry in document["operations"]:
            if entry["status"] == op.PENDING:
                resource.pending = entry
            else:
                resource.entries[op.key(entry)] = entry
        return resource


class History:
    """All resources of this node in this boot.

    Args:
        store: Where the history is kept.
        node: The node's name.
        boot_id: The present boot.
    """

    def __init__(self, store: durable.Store, node: str, boot_id: str) -> None:
        self._store = store
        self.node = node
        self.boot_id = boot_id
        self.resources: Dict[str, Resource] = {}
        self.transient: Dict[str, str] = {}
        self.counter = 0
        self.call = 0
        self.done_ids: Deque[str] = deque(maxlen=DONE_IDS_MAX)
        self._results: Dict[str, op.Operation] = {}

    def document(self) -> Dict[str, Any]:
        """Return the content of the history file."""
        return {
            "node": self.node,
            "boot_id": self.boot_id,
            "counter": self.counter,
            "call": self.call,
            "resources": {name: known.document() for name, known in self.resources.items()},
            "transient": self.transient,
            "done_ids": list(self.done_ids),
        }

    def load(self) -> List[op.Operation]:
        """Read the file; returns the intents that an earlier daemon left without a result.

        A history of another boot or node is put aside as `history.previous`, one that cannot be
        believed as `history.corrupt`: nothing is known then.

        Raises:
            durable.FutureFormatError: A newer version wrote it.
            OSError: It cannot be read.
        """
        try:
            document = self._store.load()
            if document is not None:
                self._adopt(document)
        except (durable.CorruptError, KeyError, TypeError, AttributeError) as error:
            print(f"history: {error!r}: nothing is known", file=sys.stderr, flush=True)  # noqa: T201  the daemon's log
            self._store.put_aside("corrupt")
            self.resources, self.transient = {}, {}
        return [known.pending for known in self.resources.values() if known.pending is not None]

    def _adopt(self, document: Dict[str, Any]) -> None:
        self.counter, self.call = document["counter"], document["call"]
        if (document["boot_id"], document["node"]) != (self.boot_id, self.node):
            self._store.put_aside("previous")
            return
        self.resources = {
            name: Resource.from_document(known) for name, known in document["resources"].items()
        }
        self.transient = document["transient"]
        self.done_ids.extend(document["done_ids"])

    def next_call(self) -> int:
        """Return the next call number."""
        self.call += 1
        return self.call

    def touch(self) -> int:
        """Count a change; returns the new generation."""
        self.counter += 1
        return self.counter

    def revise(self, name: str) -> int:
        """Give the resource a new revision."""
        self.resources[name].revision = self.touch()
        return self.counter

    def revision(self, name: str) -> int:
        """Return the resource's revision, 0 where nothing is known of it."""
        known = self.resources.get(name)
        return 0 if known is None else known.revision

    def record(self, name: str, operation: op.Operation) -> None:
        """Keep a result: the entry of its kind, the failure, the fail-count."""
        known = self.resources[name]
        before = known.entries.get(op.key(operation))
        same = before is not None and before["rc"] == operation["rc"]
        operation["changed_at"] = before["changed_at"] if before and same else operation["ended_at"]
        known.entries[op.key(operation)] = operation
        if known.pending is not None and known.pending["action_id"] == operation["action_id"]:
            known.pending = None
        self.revise(name)
        self.remember(operation)
        if op.failed(operation) and op.counts(operation):
            known.last_failure = operation
            self._count_failure(name, operation)

    def _count_failure(self, name: str, operation: op.Operation) -> None:
        suffix = f"{name}#{operation['operation']}_{operation['interval_ms']}"
        count = f"fail-count-{suffix}"
        before = self.transient.get(count, "0")
        total = int(before) + 1 if before.isdigit() else _INFINITY
        self.transient[count] = INFINITY if operation["fatal"] or total >= _INFINITY else str(total)
        self.transient[f"last-failure-{suffix}"] = str(int(operation["ended_at"]))

    def remember(self, operation: op.Operation) -> None:
        """Never run this action id again, and answer for it while its result is remembered."""
        action_id = operation["action_id"]
        if action_id not in self._results:
            self.done_ids.append(action_id)
        self._results[action_id] = operation
        while len(self._results) > RESULTS_MAX:
            self._results.pop(next(iter(self._results)))

    def result(self, action_id: str) -> Optional[op.Operation]:
        """Return the recorded result of an action, where it is still known."""
        if action_id in self._results:
            return self._results[action_id]
        for known in self.resources.values():
            for entry in known.entries.values():
                if entry["action_id"] == action_id:
                    return entry
        return None

    def lose(self, operation: op.Operation, reason: str) -> None:
        """Record that the result of an intent is not known and never will be."""
        lost = dict(operation)
        lost.update(status=op.LOST, rc=op.RC_LOST, reason=reason, ended_at=clock.wall())
        self.record(operation["resource"], lost)

    def forget_monitors(self) -> None:
        """Drop the entries of recurring monitors: after a restart none of them is scheduled."""
        for name, known in self.resources.items():
            recurring = [kept for kept in known.entries if kept[1] > 0]
            for kept in recurring:
                del known.entries[kept]
            if recurring:
                self.revise(name)

    def drop_failures(self, name: str, key: Optional[op.Key]) -> List[str]:
        """Remove fail-counts and last failures (of one operation, or all); returns their names."""
        prefixes = (f"fail-count-{name}#", f"last-failure-{name}#")
        suffix = "" if key is None else f"{key[0]}_{key[1]}"
        gone = [
            attribute
            for attribute in self.transient
            for prefix in prefixes
            if attribute.startswith(prefix) and suffix in ("", attribute[len(prefix) :])
        ]
        for attribute in gone:
            del self.transient[attribute]
        known = self.resources.get(name)
        failure = None if known is None else known.last_failure
        if known is not None and failure is not None and key in (None, op.key(failure)):
            known.last_failure = None
        return gone
