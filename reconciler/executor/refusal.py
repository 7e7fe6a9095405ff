"""The one way a request is turned down: a stable code, and words for people."""

from __future__ import annotations

from typing import Any, Dict

BAD_REQUEST = "bad-request"
UNKNOWN_OP = "unknown-op"
STALE_TOKEN = "stale-token"  # noqa: S105  an error code, not a password
LEASE_HELD = "lease-held"
WRONG_BOOT = "wrong-boot"
REVISION_CHANGED = "revision-changed"
BUSY = "busy"
UNKNOWN_AGENT = "unknown-agent"
BAD_NAME = "bad-name"
NOT_WRITABLE = "state-not-writable"
ALREADY_DONE = "already-done"
NOT_STARTED = "not-started"
CANCELLED = "cancelled"
SHUTTING_DOWN = "shutting-down"
TOO_LARGE = "too-large"
INTERNAL = "internal"


class RefusedError(Exception):
    """A request that is not carried out; nothing was run for it.

    Args:
        code: One of the constants of this module.
        message: What was refused and why, for people.
        **details: Further fields of the error object (JSON values).
    """

    def __init__(self, code: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details: Dict[str, Any] = details

    def document(self) -> Dict[str, Any]:
        """Return the error object of the reply."""
        return {"code": self.code, "message": self.message, **self.details}
