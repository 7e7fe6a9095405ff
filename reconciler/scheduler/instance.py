"""Instances: every resource of the configuration, clones multiplied, as one tree of numbered nodes.

Later passes keep what they find out in lists indexed by an instance's number, and rarely ask what
kind of resource they see.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator

from reconciler.errors import position
from reconciler.frozen import frozen
from reconciler.model import resource
from reconciler.scheduler import options


class Variant(enum.Enum):
    """What an instance is made of."""

    PRIMITIVE = "primitive"
    GROUP = "group"
    CLONE = "clone"


@frozen
class CloneOptions:
    """Options of a clone, resolved (Pacemaker Explained, "Clone options")."""

    maximum: int
    node_max: int
    minimum: int
    notify: bool
    unique: bool
    ordered: bool
    interleave: bool
    promotable: bool
    promoted_max: int
    promoted_node_max: int


@dataclasses.dataclass(slots=True, eq=False)
class Instance:
    """One node of the tree.

    Attributes:
        index: its number; parents come before their children.
        name: unique, with an instance number inside clones (``p:0``).
        base: the name as configured.
        number: its instance number; None outside clones.
        history_name: under which an agent runs and history is kept.
        parent: the group or clone that it is in.
        clone: options of the clone, for clones themselves.
        removed: it is active, but no longer configured.
        primitive: as configured; for primitives only.
        bundle: as configured; for bundles, which are clones of their containers.
        addresses: those of a bundle's containers.
        inner: the clone that runs inside of a bundle.
        outer: the bundle that a clone runs inside of.
    """

    index: int
    name: str
    base: str
    number: int | None
    variant: Variant
    meta: options.Meta
    parent: Instance | None
    primitive: resource.Primitive | None = None
    history_name: str = ""
    clone: CloneOptions | None = None
    removed: bool = False
    origin: position.Position = position.NOWHERE
    children: list[Instance] = dataclasses.field(default_factory=list)
    bundle: resource.Bundle | None = None
    addresses: list[Instance] = dataclasses.field(default_factory=list)
    inner: Instance | None = None
    outer: Instance | None = None

    def __hash__(self) -> int:
        return self.index

    @property
    def is_primitive(self) -> bool:
        """Whether an agent runs it."""
        return self.variant is Variant.PRIMITIVE

    @property
    def orphaned(self) -> bool:
        """Whether nothing of it is configured, as opposed to one more instance than is wanted."""
        return self.removed and self.parent is None

    @property
    def top(self) -> Instance:
        """The outermost resource that it belongs to."""
        found = self
        while found.parent is not None:
            found = found.parent
        return found

    @property
    def in_clone(self) -> Instance | None:
        """The clone that it is an instance of, or inside an instance of."""
        top = self.top
        if top is self or top.variant is not Variant.CLONE or top.bundle is not None:
            return None
        return top

    @property
    def clone_child(self) -> Instance:
        """The direct child of the clone that it belongs to; itself outside clones."""
        found = self
        while found.parent is not None and found.parent.variant is not Variant.CLONE:
            found = found.parent
        return found if found.parent is not None else self

    @property
    def unique(self) -> bool:
        """Whether it is an instance of a globally unique clone."""
        clone = self.in_clone
        return clone is not None and clone.clone is not None and clone.clone.unique

    @property
    def promotable(self) -> bool:
        """Whether it can be promoted."""
        top = self.top
        return top.clone is not None and top.clone.promotable

    @property
    def has_roles(self) -> bool:
        """Whether anything in it can be promoted."""
        return self.promotable or (self.inner is not None and self.inner.promotable)

    @property
    def bundled(self) -> resource.Bundle:
        """The bundle as configured; only bundles have one."""
        if self.bundle is None:
            message = f"{self.name} is no bundle"
            raise AssertionError(message)
        return self.bundle

    @property
    def definition(self) -> resource.Primitive:
        """The primitive as configured; only primitives have one."""
        if self.primitive is None:
            message = f"{self.name} is no primitive"
            raise AssertionError(message)
        return self.primitive

    @property
    def spread(self) -> CloneOptions:
        """The options of a clone; only clones have them."""
        if self.clone is None:
            message = f"{self.name} is no clone"
            raise AssertionError(message)
        return self.clone

    @property
    def container(self) -> str:
        """The name of the resource that it runs inside of; empty: none.

        Written on a group it holds for every member, but the container is not inside of itself.
        """
        name = self.meta.texts.get("container", "")
        return "" if name in {self.name, self.base} else name

    @property
    def chained(self) -> bool:
        """Whether it is a group of which the members start one after the other, as usual."""
        return self.variant is Variant.GROUP and self.meta.flag("ordered", default=True)

    @property
    def gathered(self) -> bool:
        """Whether it is a group of which each member is where the one before it is, as usual.

        An instance of a clone always is, or a node could get a member of two of them.
        """
        if self.variant is not Variant.GROUP:
            return False
        return self.parent is not None or self.meta.flag("collocated", default=True)

    @property
    def is_fence_device(self) -> bool:
        """Whether it is a fence device managed as a resource."""
        return self.primitive is not None and self.primitive.agent.standard == "stonith"

    def primitives(self) -> Iterator[Instance]:
        """Yield the primitives below, itself included."""
        if self.variant is Variant.PRIMITIVE:
            yield self
        else:
            for child in self.children:
                yield from child.primitives()

    def below(self) -> Iterator[Instance]:
        """Yield itself and everything below."""
        yield self
        for child in self.children:
            yield from child.below()
