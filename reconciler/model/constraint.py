"""Constraints: where resources may run, with whom, and in which order.

Pacemaker Explained, chapter "Resource Constraints". Sets are kept as written; the scheduler
lowers them to pairs.
"""

from __future__ import annotations

import dataclasses
import enum

from reconciler.errors import position
from reconciler.frozen import frozen
from reconciler.model.role import Role
from reconciler.model.rule import Rule


class ResourceDiscovery(enum.Enum):
    """Whether a resource is probed on the nodes of a location constraint."""

    ALWAYS = "always"
    NEVER = "never"
    EXCLUSIVE = "exclusive"


@frozen
class Location:
    """A wish for, or against, nodes.

    Attributes:
        resources: names it is for (several where it is written for a set or tag).
        node: the node; None where ``rule`` chooses the nodes.
        score: for the node, or for every node that satisfies the rule.
        score_attribute: node attribute that holds the score instead (rules only).
        role: count only for this role; None: any.
        pattern: regular expression on resource names, instead of ``resources``.
    """

    id: str
    resources: tuple[str, ...]
    node: str | None = None
    score: int = 0
    rule: Rule | None = None
    score_attribute: str | None = None
    role: Role | None = None
    discovery: ResourceDiscovery = ResourceDiscovery.ALWAYS
    pattern: str | None = None
    origin: position.Position = dataclasses.field(default=position.NOWHERE, compare=False)


@frozen
class Colocation:
    """``dependent`` is placed relative to where ``primary`` is.

    Attributes:
        node_attribute: compared instead of the node's name; None: the node itself.
        influence: whether the dependent's wishes move the primary; None: by ``critical``.
    """

    id: str
    dependent: str
    primary: str
    score: int
    dependent_role: Role | None = None
    primary_role: Role | None = None
    node_attribute: str | None = None
    influence: bool | None = None
    origin: position.Position = dataclasses.field(default=position.NOWHERE, compare=False)


class OrderKind(enum.Enum):
    """How strictly an order holds."""

    MANDATORY = "Mandatory"
    OPTIONAL = "Optional"
    SERIALIZE = "Serialize"


@frozen
class Order:
    """``first_action`` of ``first`` before ``then_action`` of ``then``.

    Attributes:
        symmetrical: the reverse holds for the opposite actions; None: true, but false for
            Serialize.
        require_all: whether every instance of a clone ``first`` must be active.
    """

    id: str
    first: str
    then: str
    first_action: str = "start"
    then_action: str | None = None
    kind: OrderKind = OrderKind.MANDATORY
    symmetrical: bool | None = None
    require_all: bool = True
    origin: position.Position = dataclasses.field(default=position.NOWHERE, compare=False)


@frozen
class ResourceSet:
    """A set inside a colocation or order; None leaves the attribute to its default."""

    resources: tuple[str, ...]
    sequential: bool | None = None
    require_all: bool = True
    action: str | None = None
    role: Role | None = None
    score: int | None = None
    kind: OrderKind | None = None
    ordering: str | None = None
    id: str = ""

    @property
    def in_sequence(self) -> bool:
        """Whether the members follow each other."""
        return self.sequential is not False


@frozen
class ColocationSets:
    """A colocation among the resources of sets."""

    id: str
    sets: tuple[ResourceSet, ...]
    score: int
    node_attribute: str | None = None
    influence: bool | None = None
    origin: position.Position = dataclasses.field(default=position.NOWHERE, compare=False)


@frozen
class OrderSets:
    """An order among the resources of sets."""

    id: str
    sets: tuple[ResourceSet, ...]
    kind: OrderKind = OrderKind.MANDATORY
    symmetrical: bool | None = None
    origin: position.Position = dataclasses.field(default=position.NOWHERE, compare=False)


class LossPolicy(enum.Enum):
    """What happens to a resource whose ticket is lost."""

    STOP = "stop"
    DEMOTE = "demote"
    FENCE = "fence"
    FREEZE = "freeze"


@frozen
class Ticket:
    """A resource that needs a ticket; ``loss_policy`` None: demote for Promoted, else stop."""

    id: str
    ticket: str
    resources: tuple[str, ...]
    role: Role | None = None
    loss_policy: LossPolicy | None = None
    origin: position.Position = dataclasses.field(default=position.NOWHERE, compare=False)


Constraint = Location | Colocation | Order | ColocationSets | OrderSets | Ticket


def names(one: Constraint) -> tuple[str, ...]:
    """Return the resources that a constraint names, a pattern's aside."""
    match one:
        case Colocation():
            return (one.dependent, one.primary)
        case Order():
            return (one.first, one.then)
        case ColocationSets() | OrderSets():
            return tuple(name for part in one.sets for name in part.resources)
        case Location() | Ticket():
            return one.resources
