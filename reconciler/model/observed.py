"""What was seen of the cluster: nodes, operation history, attributes. Silence is UNKNOWN."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping

from reconciler.frozen import frozen
from reconciler.model.agent import AgentName


class Presence(enum.Enum):
    """What is known of a node."""

    ONLINE = "online"
    PENDING = "pending"
    """It answers, but cannot take work yet."""
    OFFLINE = "offline"
    """Proven down (fenced and confirmed, or left cleanly): nothing runs there."""
    UNKNOWN = "unknown"
    """It does not answer; whatever ran there may still run."""
    UNSEEN = "unseen"
    """Nobody has seen it since the cluster began; with startup-fencing as UNKNOWN."""


class OperationStatus(enum.Enum):
    """How an operation ended."""

    # Members are unique, so identity will do; the hash of Enum is a function that is called often.
    __hash__ = object.__hash__

    PENDING = "pending"
    DONE = "done"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    ERROR = "error"
    LOST = "lost"
    """Its outcome is not known; the resource must be probed."""
    NOT_INSTALLED = "not-installed"
    NOT_SUPPORTED = "not-supported"
    ERROR_HARD = "error-hard"
    ERROR_FATAL = "error-fatal"
    NOT_CONNECTED = "not-connected"
    INVALID = "invalid"


class Rc(enum.IntEnum):
    """Exit codes of agents (OCF Resource Agent API, section "Return codes")."""

    OK = 0
    ERROR = 1
    ARGUMENTS = 2
    UNIMPLEMENTED = 3
    PERMISSION = 4
    NOT_INSTALLED = 5
    NOT_CONFIGURED = 6
    NOT_RUNNING = 7
    PROMOTED = 8
    FAILED_PROMOTED = 9
    DEGRADED = 190
    DEGRADED_PROMOTED = 191
    UNKNOWN = 193


@frozen
class Digests:
    """MD5 digests of the parameters with which an operation ran; empty where not recorded.

    Attributes:
        all: every parameter.
        nonreloadable: those whose change needs a restart.
        nonprivate: all but private ones.
        restart_parameters: names that ``nonreloadable`` covers.
        private_parameters: names that ``nonprivate`` leaves out.
    """

    all: str = ""
    nonreloadable: str = ""
    nonprivate: str = ""
    restart_parameters: tuple[str, ...] = ()
    private_parameters: tuple[str, ...] = ()


NO_DIGESTS = Digests()
"""Nothing was recorded."""


@frozen
class OperationRecord:
    """One entry of a node's operation history.

    Attributes:
        call: rises with each operation on the node.
        rc: the agent's exit code; Rc.UNKNOWN or -1 where there is none.
        expected_rc: what the one who asked for it expected.
        changed_at: when the exit code last changed, seconds since 1970.
        run_at: when it last ran, seconds since 1970; 0: not recorded.
        source, target: of a migration.
        token: the id of the action that it belongs to.
    """

    operation: str
    interval_ms: int
    call: int
    rc: int
    status: OperationStatus
    expected_rc: int = 0
    changed_at: float = 0.0
    run_at: float = 0.0
    exec_ms: int = 0
    queue_ms: int = 0
    reason: str = ""
    digests: Digests = NO_DIGESTS
    source: str = ""
    target: str = ""
    token: str = ""
    id: str = ""


@frozen
class ResourceHistory:
    """The history of one resource (instance) on one node.

    Attributes:
        resource: the name under which it was run, with an instance number where there is one.
        revision: rises with each change on the node; an action that expects another is refused.
        locked_at: since when it waits for the node, which was shut down, to come back; 0: it does not.
        place: where it stood among the node's; what follows a reason to fence it counts less.
        container: what it ran inside of; known of connections to guest nodes.
    """

    resource: str
    agent: AgentName | None
    operations: tuple[OperationRecord, ...]
    revision: int = 0
    locked_at: float = 0.0
    place: int = 0
    container: str = ""


@frozen
class ObservedNode:
    """What was seen of one node.

    Attributes:
        presence: whether it is there.
        boot_id: which boot its history belongs to; empty: not known.
        attributes: transient node attributes, e.g. promotion scores and fail counts.
        standby, maintenance: set by command; None: not set, the manifest decides.
        shutdown: it asked to leave; its resources are to be moved away.
        expected_up: it joined and was not told to leave.
        histories: by resource name.
        since: when it got this presence, seconds since 1970; 0: not known.
        unclean_reason: why it must be fenced although it answers; empty: it need not.
        remote: it is no member; whether it is there is known by the connection to it alone.
        fenced: a remote node that was fenced since its connection was last up.
        place: where its history stood among the others'; instances get their numbers in that order.
    """

    name: str
    presence: Presence
    boot_id: str = ""
    attributes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    standby: bool | None = None
    maintenance: bool | None = None
    shutdown: bool = False
    expected_up: bool = True
    histories: Mapping[str, ResourceHistory] = dataclasses.field(default_factory=dict)
    since: float = 0.0
    unclean_reason: str = ""
    remote: bool = False
    fenced: bool = False
    place: int = 0


@frozen
class TicketState:
    """A ticket as this site holds it."""

    granted: bool
    standby: bool = False
    last_granted: float | None = None


@frozen
class Observed:
    """The cluster as seen at ``now``.

    Attributes:
        now: seconds since 1970; the only time that a scheduler knows.
        quorate: whether the nodes that answer are a majority.
        nodes: by name.
        attributes: cluster-wide attributes.
        dc: node that is fenced last; empty: none.
        id: digest of everything above; a plan names the observation that it came from.
    """

    now: float
    quorate: bool
    nodes: Mapping[str, ObservedNode] = dataclasses.field(default_factory=dict)
    tickets: Mapping[str, TicketState] = dataclasses.field(default_factory=dict)
    attributes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    dc: str = ""
    id: str = ""
