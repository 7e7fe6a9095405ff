"""Why something happens, or does not: stable codes with their subjects, never decisions."""

from __future__ import annotations

import dataclasses
import enum

from reconciler.errors import position
from reconciler.frozen import frozen


class ReasonCode(enum.Enum):
    """The stable codes of reasons; their texts are in render."""

    # why an action is in the plan
    PLACED = "placed"
    MOVED = "moved"
    PROBE = "probe"
    RECURRING = "recurring"
    FAILED = "failed"
    PARAMETERS_CHANGED = "parameters-changed"
    AGENT_CHANGED = "agent-changed"
    NOT_PROMOTABLE = "not-promotable"
    REQUIRED_BY_ORDER = "required-by-order"
    REQUIRED_BY_GROUP = "required-by-group"
    COLOCATED = "colocated"
    NODE_UNAVAILABLE = "node-unavailable"
    STANDBY = "standby"
    SHUTDOWN = "shutdown"
    TARGET_ROLE = "target-role"
    MULTIPLE_ACTIVE = "multiple-active"
    REMOVED = "removed"
    PROMOTION = "promotion"
    EXCESS_INSTANCE = "excess-instance"
    CLEANUP = "cleanup"
    FAILURE_EXPIRED = "failure-expired"
    NOTIFICATION = "notification"
    CANCELLED = "cancelled"
    TICKET = "ticket"
    # why a node is fenced
    NODE_LOST = "node-lost"
    NODE_UNSEEN = "node-unseen"
    STOP_FAILED = "stop-failed"
    DEMOTE_FAILED = "demote-failed"
    ON_FAIL_FENCE = "on-fail-fence"
    UNFENCING = "unfencing"
    DEVICE_CHANGED = "device-changed"
    REQUESTED = "requested"
    CONNECTION_LOST = "connection-lost"
    CONTAINER_LOST = "container-lost"
    # why something due is not done
    NO_QUORUM = "no-quorum"
    UNMANAGED = "unmanaged"
    MAINTENANCE = "maintenance"
    NO_NODE = "no-node"
    WAITS_FOR_FENCING = "waits-for-fencing"
    CANNOT_FENCE = "cannot-fence"
    FENCING_DISABLED = "fencing-disabled"
    BLOCKED_BY_FAILURE = "blocked-by-failure"
    WAITS_FOR_BLOCKED = "waits-for-blocked"
    ORDER_CYCLE = "order-cycle"
    THRESHOLD_REACHED = "threshold-reached"


@frozen
class Reason:
    """A reason.

    Attributes:
        code: what kind.
        subject: the resource, node or constraint that it is about; empty: none.
        detail: a further fact, e.g. the agent's own exit reason; for people only.
        origin: the line of the manifest that it follows from.
    """

    code: ReasonCode
    subject: str = ""
    detail: str = ""
    origin: position.Position = dataclasses.field(default=position.NOWHERE, compare=False)
