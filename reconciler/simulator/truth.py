"""What happens in a simulated world, as the checkers are told of it."""

from __future__ import annotations

import enum

from reconciler.frozen import frozen
from reconciler.model import action


class What(enum.Enum):
    """Kinds of happenings."""

    BEGAN = "began"
    """An executor begins to run an agent."""
    ENDED = "ended"
    SWITCHED_OFF = "switched-off"
    """Power went, by a device, whatever the reason."""
    SWITCHED_ON = "switched-on"
    LOST_POWER = "lost-power"
    FROZE = "froze"
    THAWED = "thawed"
    CUT = "cut"
    HEALED = "healed"
    DIED = "died"
    """A resource's process died by itself."""
    RECORDED = "recorded"
    """A cluster record was stored on a node."""
    ACCEPTED = "accepted"
    """An executor accepted a token."""
    REFUSED = "refused"
    """An executor refused an action."""
    RESTARTED = "restarted"
    """An executor's daemon was killed and came back."""
    KILLED = "killed"
    """A controller was killed."""


@frozen
class Happening:
    """One event of the world.

    Attributes:
        at: virtual seconds.
        who: the controller that caused it; empty: nobody.
        rc: exit code of an action that ended.
        detail: kind of refusal, key of a record.
    """

    at: float
    what: What
    node: str = ""
    resource: str = ""
    task: action.Task | None = None
    who: str = ""
    token: int = 0
    rc: int | None = None
    interval_ms: int = 0
    detail: str = ""
    body: object = None

    def __str__(self) -> str:
        parts = [
            f"{self.at:9.3f}",
            self.what.value,
            self.node,
            self.resource,
            self.task.value if self.task else "",
            f"every {self.interval_ms}" if self.interval_ms else "",
            f"rc={self.rc}" if self.rc is not None else "",
            f"by {self.who}/{self.token}" if self.who else "",
            self.detail,
        ]
        return " ".join(part for part in parts if part)
