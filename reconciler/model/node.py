"""Nodes as desired."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping

from reconciler.errors import position
from reconciler.frozen import frozen
from reconciler.model import attribute


class NodeKind(enum.Enum):
    """How a node takes part in the cluster."""

    MEMBER = "member"
    REMOTE = "remote"
    """It runs resources through a connection that a member holds; it has no vote."""
    GUEST = "guest"
    """As remote, but it runs in a resource of the cluster: a virtual machine or a container."""
    PING = "ping"


@frozen
class Node:
    """A machine of the cluster.

    Attributes:
        name: its name.
        id: the id in a CIB; empty in manifests, where the name serves.
        address: IP address or host name by which it is reached; empty: the name.
        connection: the transport: ``sandbox`` or ``ssh``.
        connection_options: further settings of the transport.
        attributes: permanent node attributes.
        utilization: capacity.
        score: every resource's base score on this node.
    """

    name: str
    id: str = ""
    kind: NodeKind = NodeKind.MEMBER
    address: str = ""
    connection: str = "sandbox"
    connection_options: Mapping[str, str] = dataclasses.field(default_factory=dict)
    attributes: attribute.AttributeSets = ()
    utilization: attribute.AttributeSets = ()
    standby: bool = False
    maintenance: bool = False
    score: int = 0
    origin: position.Position = dataclasses.field(default=position.NOWHERE, compare=False)
