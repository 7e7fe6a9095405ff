"""Outcomes: what became of an action. The world's errors are these values, not exceptions."""

from __future__ import annotations

import enum

from reconciler.frozen import frozen


class OutcomeKind(enum.Enum):
    """How an action ended."""

    # Members are unique, so identity will do; the hash of Enum is a function that is called often.
    __hash__ = object.__hash__

    SUCCESS = "success"
    FAILURE = "failure"
    """The agent or device answered, and not as expected."""
    UNKNOWN = "unknown"
    """Time-out, lost connection, odd answer: whatever it did may have been done."""
    REFUSED = "refused"
    """It was not begun: stale token, changed revision, other boot."""


class RefusalCode(enum.Enum):
    """Why an action was not begun."""

    STALE_TOKEN = "stale-token"  # noqa: S105 - a word of the protocol, not a password
    WRONG_BOOT = "wrong-boot"
    REVISION_CHANGED = "revision-changed"
    BUSY = "busy"
    UNKNOWN_AGENT = "unknown-agent"
    STATE_NOT_WRITABLE = "state-not-writable"
    UNREACHABLE = "unreachable"
    NO_QUORUM = "no-quorum"
    LEASE_LOST = "lease-lost"
    FENCE_LIMIT = "fence-limit"
    SECRET_UNAVAILABLE = "secret-unavailable"  # noqa: S105 - as above
    OTHER = "other"


@frozen
class Outcome:
    """What became of an action.

    Attributes:
        kind: how it ended.
        rc: the agent's exit code; None where there is none.
        message: the agent's or device's own words, redacted; for people.
        refusal: why it was not begun; only with REFUSED.
        revision: the history revision after it; None: not known.
        began_at, ended_at: seconds since 1970.
    """

    kind: OutcomeKind
    rc: int | None = None
    message: str = ""
    refusal: RefusalCode | None = None
    revision: int | None = None
    began_at: float = 0.0
    ended_at: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the action did what was asked."""
        return self.kind is OutcomeKind.SUCCESS
