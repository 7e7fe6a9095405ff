"""Resources as desired: primitives, groups, clones and bundles, and their operations."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable

from reconciler.errors import position
from reconciler.frozen import frozen
from reconciler.model import attribute
from reconciler.model import container as containers
from reconciler.model.agent import AgentName
from reconciler.model.role import Role


class OnFail(enum.Enum):
    """What a failed operation leads to (Pacemaker Explained, "Operation properties")."""

    # Members are unique, so identity will do; the hash of Enum is a function that is called often.
    __hash__ = object.__hash__

    IGNORE = "ignore"
    BLOCK = "block"
    STOP = "stop"
    DEMOTE = "demote"
    RESTART = "restart"
    FENCE = "fence"
    STANDBY = "standby"
    RESTART_CONTAINER = "restart-container"


@frozen
class Operation:
    """An operation as configured.

    Attributes:
        name: start, stop, monitor, promote, ...
        interval_ms: 0 for anything that does not recur.
        timeout_ms: None: the operation defaults decide.
        role: recurring monitors of a role only; None: Started and Unpromoted.
        on_fail: None: the default of the operation.
        enabled: false: never scheduled (recurring operations only).
        start_delay_ms: wait before the first run of a recurring monitor.
        attributes: further options and ``OCF_CHECK_LEVEL``-like parameters.
    """

    name: str
    interval_ms: int = 0
    timeout_ms: int | None = None
    role: Role | None = None
    on_fail: OnFail | None = None
    enabled: bool = True
    start_delay_ms: int = 0
    attributes: attribute.AttributeSets = ()
    id: str = ""
    origin: position.Position = dataclasses.field(default=position.NOWHERE, compare=False)


def overriding(own: Iterable[Operation], inherited: Iterable[Operation]) -> tuple[Operation, ...]:
    """Return a primitive's operations with those of its template that no own one replaces.

    An own operation replaces all of the same name for the same role, whatever their intervals;
    Started and Unpromoted are the role of those that name none (measured).
    """
    first = tuple(own)
    if not first:
        return tuple(inherited)
    replaced = {(one.name, _special_role(one)) for one in first}
    rest = (one for one in inherited if (one.name, _special_role(one)) not in replaced)
    return (*first, *rest)


def _special_role(one: Operation) -> Role | None:
    return one.role if one.role in {Role.PROMOTED, Role.STOPPED} else None


@frozen
class Primitive:
    """A resource that one agent runs."""

    name: str
    agent: AgentName
    params: attribute.AttributeSets = ()
    meta: attribute.AttributeSets = ()
    operations: tuple[Operation, ...] = ()
    utilization: attribute.AttributeSets = ()
    origin: position.Position = dataclasses.field(default=position.NOWHERE, compare=False)


@frozen
class Group:
    """Primitives that run together on one node, started in order, stopped in reverse."""

    name: str
    members: tuple[Primitive, ...]
    params: attribute.AttributeSets = ()
    meta: attribute.AttributeSets = ()
    origin: position.Position = dataclasses.field(default=position.NOWHERE, compare=False)


@frozen
class Clone:
    """A primitive or group that runs on several nodes; promotable by its meta-attribute.

    ``clone-max``, ``clone-node-max``, ``globally-unique``, ``interleave``, ``notify``, ``ordered``,
    ``promotable``, ``promoted-max`` and ``promoted-node-max`` are meta-attributes.
    """

    name: str
    child: Primitive | Group
    params: attribute.AttributeSets = ()
    meta: attribute.AttributeSets = ()
    origin: position.Position = dataclasses.field(default=position.NOWHERE, compare=False)


@frozen
class Bundle:
    """Containers, each with its address, and a primitive that runs inside each of them.

    Pacemaker Explained, "Bundles (Containerized Resources)". With a child every replica is a guest
    node of the cluster, named after the bundle with the replica's number (``web-0``).
    """

    name: str
    container: containers.Container
    network: containers.Network = containers.NO_NETWORK
    storage: tuple[containers.StorageMapping, ...] = ()
    child: Primitive | None = None
    meta: attribute.AttributeSets = ()
    origin: position.Position = dataclasses.field(default=position.NOWHERE, compare=False)


Resource = Primitive | Group | Clone | Bundle


def primitives(resource: Resource) -> tuple[Primitive, ...]:
    """Return the primitives that a resource is made of as written, in their order."""
    match resource:
        case Primitive():
            return (resource,)
        case Group():
            return resource.members
        case Clone():
            return primitives(resource.child)
        case Bundle():
            return () if resource.child is None else (resource.child,)


def names(resource: Resource) -> tuple[str, ...]:
    """Return every name that the resource defines: its own, then those inside."""
    match resource:
        case Primitive():
            return (resource.name,)
        case Group():
            return (resource.name, *(member.name for member in resource.members))
        case Clone():
            return (resource.name, *names(resource.child))
        case Bundle():
            return (resource.name, *(one.name for one in primitives(resource)))
