"""An OPERATION: one run of one agent action, as the protocol shows it and the history keeps it."""

from __future__ import annotations

from typing import Any, Dict, Tuple

Operation = Dict[str, Any]
Key = Tuple[str, int]

PENDING = "pending"
DONE = "done"
TIMEOUT = "timeout"
ERROR = "error"
LOST = "lost"
NOT_INSTALLED = "not-installed"

RC_OK = 0
RC_GENERIC = 1
RC_NOT_INSTALLED = 5
RC_LAST = 9  # "promoted and failed", the last of the OCF table
RC_LOST = -1

ACTIONS = (
    "start",
    "stop",
    "promote",
    "demote",
    "monitor",
    "migrate_to",
    "migrate_from",
    "reload",
    "reload-agent",
    "notify",
    "validate-all",
    "meta-data",
)
ENDS_MONITORS = frozenset({"start", "stop", "promote", "demote", "migrate_to", "migrate_from"})
COUNTS_FAILURES = ENDS_MONITORS


def key(operation: Operation) -> Key:
    """Return what the history keeps the latest entry of."""
    return operation["operation"], operation["interval_ms"]


def failed(operation: Operation) -> bool:
    """Return whether it ended otherwise than expected; anything unclear is a failure."""
    return bool(operation["status"] != DONE or operation["rc"] != operation["expected_rc"])


def counts(operation: Operation) -> bool:
    """Return whether a failure of it raises the fail-count: probes and one-off monitors do not."""
    if operation.get("probe"):
        return False
    return operation["operation"] in COUNTS_FAILURES or operation["interval_ms"] > 0
