"""Cluster records: small JSON values that controllers replicate over the nodes.

Each carries a version, (token of the writer, its sequence number); an older one is ignored, so
the order in which copies arrive does not matter.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Dict, List, Mapping

from reconciler.executor import fields
from reconciler.executor import store as durable

RECORDS_MAX = 4096
VALUE_MAX = 64 * 1024


class Records:
    """The records of this node's copy.

    Args:
        store: Where they are kept.
    """

    def __init__(self, store: durable.Store) -> None:
        self._store = store
        self.kept: Dict[str, Dict[str, Any]] = {}

    def load(self) -> None:
        """Read the records."""
        try:
            self.kept = (self._store.load() or {}).get("records", {})
        except durable.CorruptError as error:
            print(f"records: {error}", file=sys.stderr, flush=True)  # noqa: T201  the daemon's log
            self._store.put_aside("corrupt")

    def document(self) -> Dict[str, Any]:
        """Return the content of the records file."""
        return {"records": self.kept}

    def newer(self, key: str, version: List[int]) -> bool:
        """Return whether this version is newer than the one that is kept."""
        known = self.kept.get(key)
        return known is None or version > known["version"]


def version_of(request: Mapping[str, Any]) -> List[int]:
    """Return the version [token, seq] of a request."""
    version = request.get("version")
    if not isinstance(version, list) or len(version) != 2:  # noqa: PLR2004  [token, seq]
        raise fields.bad("version must be [token, seq]")
    pair = {"token": version[0], "seq": version[1]}
    return [fields.integer(pair, "token"), fields.integer(pair, "seq")]


def value_of(request: Mapping[str, Any]) -> Any:
    """Return the JSON value of a request."""
    value = request.get("value")
    if len(json.dumps(value)) > VALUE_MAX:
        raise fields.bad(f"a record's value may take {VALUE_MAX} bytes")
    return value
