"""The cluster as a scheduler sees it: every node with its flags, every resource with its role.

``Observed`` is what was seen; this is what it means for the resources that are configured.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from reconciler.frozen import frozen
from reconciler.model.node import NodeKind
from reconciler.model.role import Role

_ROLES = frozenset(role.value for role in Role)


class NodeFlag(enum.Enum):
    """What holds for a node."""

    ONLINE = "online"
    STANDBY = "standby"
    STANDBY_ON_FAIL = "standby_onfail"
    MAINTENANCE = "maintenance"
    PENDING = "pending"
    UNCLEAN = "unclean"
    SHUTDOWN = "shutdown"
    EXPECTED_UP = "expected_up"
    DC = "is_dc"


class ResourceFlag(enum.Enum):
    """What holds for a resource instance."""

    ORPHANED = "orphaned"
    """It is, or was, active, but no longer configured."""
    BLOCKED = "blocked"
    FAILED = "failed"
    FAILURE_IGNORED = "failure_ignored"
    UNMANAGED = "unmanaged"


@frozen
class NodeStatus:
    """One node.

    Attributes:
        id: its id in a CIB, where it differs from the name.
        flags: those that hold, in the order of ``NodeFlag``.
        health: green, yellow or red.
        guest_of: the resource that it runs in.
    """

    name: str
    id: str = ""
    kind: NodeKind = NodeKind.MEMBER
    flags: tuple[NodeFlag, ...] = ()
    health: str = "green"
    guest_of: str = ""


@frozen
class ResourceStatus:
    """One instance of a primitive.

    Attributes:
        name: under which its agent runs: instances that are alike have the same.
        within: the clones and groups that it is in, outermost first.
        role: a role's name, or what it is on the way to: Starting, Promoting, Migrating.
        nodes: where it is active, sorted.
        flags: those that hold, in the order of ``ResourceFlag``.
        target_role: as configured; empty: not.
        pending: what is under way, e.g. Monitoring; empty: nothing that the role does not say.
        locked_to: the node that was shut down and that it waits for.
    """

    name: str
    role: str
    nodes: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    flags: tuple[ResourceFlag, ...] = ()
    target_role: str = ""
    pending: str = ""
    locked_to: str = ""


@frozen
class ClusterStatus:
    """All nodes and all instances of primitives, sorted by name."""

    nodes: tuple[NodeStatus, ...] = ()
    resources: tuple[ResourceStatus, ...] = ()

    @property
    def under_way(self) -> bool:
        """Whether anything is on the way to another role, or being asked."""
        return any(one.pending or one.role not in _ROLES for one in self.resources)

    @property
    def placement(self) -> Mapping[str, Mapping[str, str]]:
        """Where everything runs: resource to node to role."""
        found: dict[str, dict[str, str]] = {}
        for one in self.resources:
            where = found.setdefault(one.name, {})
            where.update(dict.fromkeys(one.nodes, one.role))
        return found
