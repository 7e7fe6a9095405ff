"""Node attributes: transient ones end with the boot, permanent ones with their deletion.

`cluster` holds what agents set for the whole cluster (`crm_attribute --type crm_config`): it is
kept here and told to subscribers; spreading it is the controller's part.
"""

from __future__ import annotations

import sys
from typing import Any, Dict, Optional

from reconciler.executor import history as node_history
from reconciler.executor import store as durable

TRANSIENT = "transient"
PERMANENT = "permanent"
CLUSTER = "cluster"
SCOPES = (TRANSIENT, PERMANENT, CLUSTER)


class Attributes:
    """All attributes of this node.

    Args:
        store: Where permanent and cluster attributes are kept.
        history: Where transient ones are kept, beside the results they come from.
    """

    def __init__(self, store: durable.Store, history: node_history.History) -> None:
        self._store = store
        self._history = history
        self._lasting: Dict[str, Dict[str, str]] = {PERMANENT: {}, CLUSTER: {}}

    def load(self) -> None:
        """Read the lasting attributes."""
        try:
            document = self._store.load() or {}
        except durable.CorruptError as error:
            print(f"attributes: {error}", file=sys.stderr, flush=True)  # noqa: T201  the daemon's log
            self._store.put_aside("corrupt")
            return
        for scope, values in self._lasting.items():
            values.update(document.get(scope, {}))

    def document(self) -> Dict[str, Any]:
        """Return the content of the attributes file."""
        return dict(self._lasting)

    def values(self, scope: str) -> Dict[str, str]:
        """Return the attributes of a scope (live, not a copy)."""
        return self._history.transient if scope == TRANSIENT else self._lasting[scope]

    def set(self, scope: str, name: str, value: Optional[str]) -> Optional[str]:
        """Set or (None) delete an attribute; returns the value before."""
        values = self.values(scope)
        before = values.get(name)
        if value is None:
            values.pop(name, None)
        else:
            values[name] = value
        return before

    def shown(self) -> Dict[str, Dict[str, str]]:
        """Return all attributes as `observe` shows them."""
        return {scope: dict(self.values(scope)) for scope in SCOPES}
