"""The desired state of a cluster: what the manifests mean, resolved."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from reconciler.errors import position
from reconciler.frozen import frozen
from reconciler.model import agent, attribute, constraint, node, resource
from reconciler.model.fencing import NO_FENCING, Fencing


@frozen
class Desired:
    """Everything that a scheduler needs to know of what people want.

    Attributes:
        name: the cluster's name.
        properties: cluster properties as written, current names (see model.property).
        nodes, resources, constraints: in the order written; the order of resources counts.
        resource_defaults, operation_defaults: meta-attributes and operation options.
        fencing: devices and levels that the controller itself uses.
        tags: tag name to the ids that it stands for.
        agents: meta-data of the agents that are used, where known.
        membership_timeout_ms: silence after which a node counts as lost (Corosync's token).
        origins: positions of names that are no resource, node or constraint, e.g. properties.
    """

    name: str
    properties: attribute.AttributeSets = ()
    nodes: tuple[node.Node, ...] = ()
    resources: tuple[resource.Resource, ...] = ()
    constraints: tuple[constraint.Constraint, ...] = ()
    resource_defaults: attribute.AttributeSets = ()
    operation_defaults: attribute.AttributeSets = ()
    fencing: Fencing = NO_FENCING
    tags: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    agents: Mapping[agent.AgentName, agent.Metadata] = dataclasses.field(default_factory=dict)
    membership_timeout_ms: int = 3_000
    origins: Mapping[str, position.Position] = dataclasses.field(
        default_factory=dict, compare=False
    )
