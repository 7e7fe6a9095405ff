"""The node port: a connection to the executor of one node, in the words of the model.

Whatever goes wrong with a connection is raised as NodeUnreachableError, once, at this border; what
becomes of an action is an Outcome.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol

from reconciler.frozen import frozen
from reconciler.model import action, node, observed, outcome


class NodeUnreachableError(Exception):
    """No answer, a lost connection, or an answer that is none: the node's state is UNKNOWN."""


class RequestRefusedError(NodeUnreachableError):
    """The node answers, and refuses this request (not an action; those end as an Outcome).

    Carries the protocol's code. As it leaves what was asked for undone, whoever does not care why
    may treat it like no answer.
    """

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class LeaseHeldError(Exception):
    """Somebody else acts; carries who it is."""

    def __init__(self, holder: LeaseHolder, remaining_s: float, token: int) -> None:
        self.holder = holder
        self.remaining_s = remaining_s
        self.token = token
        super().__init__(f"{holder.command} on {holder.host} (pid {holder.pid}) acts")


class StaleTokenError(Exception):
    """The node has seen a higher token: another controller took over."""

    def __init__(self, highest: int) -> None:
        self.highest = highest
        super().__init__(f"token {highest} has been seen")


@frozen
class LeaseHolder:
    """Who holds the lease: a run of the controller."""

    id: str
    host: str
    user: str
    pid: int
    command: str
    since: float


@frozen
class Record:
    """A cluster record as one node holds it; the highest version among a majority counts."""

    value: Any
    version: tuple[int, int]


@frozen
class Recurring:
    """A monitor that the executor really has scheduled."""

    resource: str
    operation: str
    interval_ms: int


@frozen
class Running:
    """An action that is being carried out right now."""

    action_id: str
    resource: str
    operation: str
    interval_ms: int
    since: float


@frozen
class NodeReport:
    """What one node says of itself.

    Attributes:
        executor_id: changes when the executor restarts, boot_id when the machine does.
        generation: rises with any change on the node.
        token: highest that it has seen.
        holder: who holds the lease there, None: nobody.
        transient, permanent: node attributes.
        records: cluster records.
    """

    node: str
    boot_id: str
    executor_id: str
    generation: int
    token: int
    holder: LeaseHolder | None = None
    lease_remaining_s: float = 0.0
    histories: Mapping[str, observed.ResourceHistory] = dataclasses.field(default_factory=dict)
    recurring: tuple[Recurring, ...] = ()
    running: tuple[Running, ...] = ()
    transient: Mapping[str, str] = dataclasses.field(default_factory=dict)
    permanent: Mapping[str, str] = dataclasses.field(default_factory=dict)
    records: Mapping[str, Record] = dataclasses.field(default_factory=dict)


class EventKind:
    """Kinds of pushed events."""

    OPERATION = "operation"
    ATTRIBUTE = "attribute"
    GENERATION = "generation"
    HEARTBEAT = "heartbeat"


@frozen
class NodeEvent:
    """Something that an executor pushed; only a wake-up: decisions follow from observing anew."""

    node: str
    kind: str
    body: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class NodeConnection(Protocol):
    """An open connection to a node's executor. Every wait has a deadline, in seconds."""

    @property
    def node(self) -> str:
        """The node's name."""
        ...

    async def observe(self, *, deadline_s: float) -> NodeReport:
        """Return what the node says of itself. Raises NodeUnreachableError."""
        ...

    async def perform(
        self,
        step: action.Action,
        *,
        action_id: str,
        token: int,
        boot_id: str,
        params: Mapping[str, str],
    ) -> outcome.Outcome:
        """Have a resource or cluster action done; ``params`` are resolved, secrets included.

        Waits for the action's own time-out and a margin. A lost connection gives UNKNOWN after
        the executor was asked for the action's result again, where it could be.
        """
        ...

    async def acquire_lease(self, holder: LeaseHolder, token: int, ttl_s: float) -> None:
        """Take the lease. Raises LeaseHeldError, StaleTokenError, NodeUnreachableError."""
        ...

    async def renew_lease(self, holder: LeaseHolder, token: int, ttl_s: float) -> None:
        """Hold the lease longer. Raises like acquire_lease."""
        ...

    async def release_lease(self, holder: LeaseHolder, token: int) -> None:
        """Give the lease back. Raises NodeUnreachableError."""
        ...

    async def put_record(self, token: int, key: str, record: Record) -> None:
        """Store a cluster record. Raises StaleTokenError, NodeUnreachableError."""
        ...

    async def put_attribute(
        self, token: int, name: str, value: str | None, *, permanent: bool
    ) -> None:
        """Set or, with None, delete a node attribute."""
        ...

    async def forget(self, token: int, resource: str) -> None:
        """Clean up: drop the history and fail counts of a resource; it will be probed anew."""
        ...

    async def agents(self) -> tuple[str, ...]:
        """Return the names of the agents that are installed there."""
        ...

    async def metadata(self, agent_name: str) -> str:
        """Return an agent's meta-data, XML."""
        ...

    def events(self) -> AsyncIterator[NodeEvent]:
        """Yield what the executor pushes until the connection ends (then the iterator ends)."""
        ...

    async def close(self) -> None:
        """Close the connection; never raises."""
        ...


class Transport(Protocol):
    """How nodes are reached."""

    async def connect(self, target: node.Node, *, deadline_s: float) -> NodeConnection:
        """Open a connection. Raises NodeUnreachableError."""
        ...
