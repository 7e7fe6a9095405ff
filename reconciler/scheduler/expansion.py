"""Desired -> the tree of instances: clones multiplied, groups unfolded, meta-attributes resolved.

Only this file decides how many instances a clone has, and how they are named.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from reconciler.model import attribute, node, remote, resource
from reconciler.model import desired as desired_state
from reconciler.model.agent import AgentName
from reconciler.scheduler import bundle, options
from reconciler.scheduler.instance import CloneOptions, Instance, Variant

_UNIQUE = frozenset({"ocf", "stonith"})
"""Standards whose agents can tell instances apart (measured)."""


class Expansion:
    """The tree of instances, by number, by name and by history name."""

    __slots__ = (
        "_reader",
        "all",
        "bundles",
        "by_base",
        "by_name",
        "clones",
        "contained",
        "counted",
        "implied",
        "owners",
        "removed",
        "tops",
    )

    def __init__(self, reader: options.Reader, counted: set[str]) -> None:
        self._reader = reader
        self.counted = counted
        """Names of the nodes that a clone has an instance for, unless told otherwise."""
        self.all: list[Instance] = []
        self.tops: list[Instance] = []
        self.by_name: dict[str, Instance] = {}
        self.by_base: dict[str, list[Instance]] = {}
        self.contained: list[Instance] = []
        self.bundles: list[Instance] = []
        self.owners: dict[str, tuple[Instance, int]] = {}
        self.implied: set[int] = set()
        self.clones: dict[str, resource.Clone] = {}
        self.removed: dict[str, Instance] = {}
        """What is configured no longer: its name may be that of a group or clone of today."""

    def _enter(self, one: Instance) -> Instance:
        self.all.append(one)
        self.by_name.setdefault(one.name, one)
        self.by_base.setdefault(one.base, []).append(one)
        if one.primitive is not None and one.container:
            self.contained.append(one)
        if one.parent is None:
            self.tops.append(one)
        else:
            one.parent.children.append(one)
        return one

    def add(self, wanted: resource.Resource) -> None:
        """Enter a resource as configured."""
        match wanted:
            case resource.Primitive():
                self._primitive(wanted, None, {}, None)
            case resource.Group():
                self._group(wanted, None, {}, None)
            case resource.Clone():
                self._clone(wanted)
            case resource.Bundle():
                bundle.enter(self, wanted)

    def _primitive(
        self,
        wanted: resource.Primitive,
        parent: Instance | None,
        inherited: Mapping[str, str],
        number: int | None,
        *,
        removed: bool = False,
    ) -> Instance:
        unique = parent is not None and _is_unique(parent)
        if wanted.agent == remote.CONNECTION:
            inherited = {**remote.defaults(wanted), **inherited}
        name = wanted.name if number is None else f"{wanted.name}:{number}"
        return self._enter(
            Instance(
                index=len(self.all),
                name=name,
                base=wanted.name,
                number=number,
                variant=Variant.PRIMITIVE,
                meta=self._reader.meta(wanted.meta, inherited, wanted.agent),
                parent=parent,
                primitive=wanted,
                history_name=name if unique or parent is None else wanted.name,
                removed=removed,
                origin=wanted.origin,
            )
        )

    def _group(
        self,
        wanted: resource.Group,
        parent: Instance | None,
        inherited: Mapping[str, str],
        number: int | None,
        *,
        removed: bool = False,
    ) -> Instance:
        group = self._enter(
            Instance(
                index=len(self.all),
                name=wanted.name if number is None else f"{wanted.name}:{number}",
                base=wanted.name,
                number=number,
                variant=Variant.GROUP,
                meta=self._reader.meta(wanted.meta, inherited, None),
                parent=parent,
                removed=removed,
                origin=wanted.origin,
            )
        )
        explicit = {**inherited, **self._reader.explicit(wanted.meta)}
        for member in wanted.members:
            self._primitive(member, group, explicit, number, removed=removed)
        return group

    def _clone(self, wanted: resource.Clone) -> None:
        meta = self._reader.meta(wanted.meta, self._reader.explicit(_child_meta(wanted)), None)
        child = _with_roles(wanted.child) if meta.flag("promotable") else wanted.child
        if child is None:
            return
        wanted = dataclasses.replace(wanted, child=child)
        own = self._reader.meta(wanted.meta, {}, None)
        clone = self._enter(
            Instance(
                index=len(self.all),
                name=wanted.name,
                base=wanted.name,
                number=None,
                variant=Variant.CLONE,
                meta=own,
                parent=None,
                # Whether the child is ordered says nothing of the clone (measured).
                clone=self._clone_options(wanted, meta, ordered=own.flag("ordered")),
                origin=wanted.origin,
            )
        )
        self.clones[wanted.name] = wanted
        explicit = self._reader.explicit(wanted.meta)
        spread = clone.spread
        for number in range(spread.maximum):
            self._child(wanted.child, clone, explicit, number)
        if not spread.maximum and not spread.unique:
            # What is found of it belongs to the clone all the same, as one too many (measured).
            self._child(wanted.child, clone, explicit, 0, removed=True)

    def _child(
        self,
        child: resource.Primitive | resource.Group,
        clone: Instance,
        explicit: Mapping[str, str],
        number: int,
        *,
        removed: bool = False,
    ) -> Instance:
        if isinstance(child, resource.Group):
            return self._group(child, clone, explicit, number, removed=removed)
        return self._primitive(child, clone, explicit, number, removed=removed)

    def _clone_options(
        self, wanted: resource.Clone, meta: options.Meta, *, ordered: bool
    ) -> CloneOptions:
        members = resource.primitives(wanted)
        unique = meta.flag("globally-unique") and all(
            member.agent.standard in _UNIQUE for member in members
        )
        promotable = meta.flag("promotable")
        node_max = max(0, meta.number("clone-node-max", 1))
        promoted_max = meta.number("promoted-max", 1)
        return CloneOptions(
            maximum=max(0, meta.number("clone-max", max(1, len(self.counted)))),
            node_max=node_max if unique else min(node_max, 1),
            minimum=max(0, meta.number("clone-min", 0)),
            notify=meta.flag("notify"),
            unique=unique,
            ordered=ordered,
            interleave=meta.flag("interleave"),
            promotable=promotable,
            promoted_max=max(0, promoted_max) if promotable else 0,
            promoted_node_max=max(0, meta.number("promoted-node-max", 1)),
        )

    def collect(self, wanted: resource.Bundle) -> Instance:
        """Enter a bundle, of which the containers are the instances; return it without them."""
        meta = self._reader.meta(wanted.meta, {}, None)
        engine = wanted.container
        return self._enter(
            Instance(
                index=len(self.all),
                name=wanted.name,
                base=wanted.name,
                number=None,
                variant=Variant.CLONE,
                meta=meta,
                parent=None,
                clone=CloneOptions(
                    maximum=engine.count,
                    node_max=engine.replicas_per_host,
                    minimum=0,
                    notify=False,
                    unique=True,
                    ordered=False,
                    interleave=meta.flag("interleave"),
                    promotable=False,
                    promoted_max=0,
                    promoted_node_max=0,
                ),
                origin=wanted.origin,
                bundle=wanted,
            )
        )

    def put_inside(self, bundle: Instance, held: resource.Primitive) -> Instance:
        """Enter a container of a bundle."""
        explicit = self._reader.explicit(bundle.bundled.meta)
        return self._primitive(held, bundle, explicit, None)

    def imply(self, bundle: Instance, wanted: resource.Primitive | resource.Clone) -> Instance:
        """Enter a resource that follows from a bundle; what the bundle says of itself holds for it."""
        first = len(self.all)
        if isinstance(wanted, resource.Primitive):
            self._primitive(wanted, None, self._reader.explicit(bundle.bundled.meta), None)
        else:
            self.add(wanted)
        self.implied.update(range(first, len(self.all)))
        return self.all[first]

    def add_excess(self, wanted: resource.Clone, clone: Instance) -> Instance:
        """Enter one more instance of a clone than is wanted, since it was found active."""
        explicit = self._reader.explicit(wanted.meta)
        return self._child(wanted.child, clone, explicit, len(clone.children), removed=True)

    def add_removed(self, name: str, agent: AgentName, container: str = "") -> Instance:
        """Enter a resource that was found, but is not configured, with what it runs inside of."""
        explicit = {"container": container} if container else {}
        primitive = resource.Primitive(name.partition(":")[0], agent)
        one = Instance(
            index=len(self.all),
            name=name,
            base=name,
            number=None,
            variant=Variant.PRIMITIVE,
            meta=self._reader.meta((), explicit, agent),
            parent=None,
            primitive=primitive,
            history_name=name,
            removed=True,
        )
        self.removed[name] = one
        return self._enter(one)


def _with_roles(
    child: resource.Primitive | resource.Group,
) -> resource.Primitive | resource.Group | None:
    """Return what of a promotable clone can have roles; None: nothing.

    Only OCF agents can; others are as if nobody had configured them (measured).
    """
    if isinstance(child, resource.Primitive):
        return child if child.agent.standard == "ocf" else None
    members = tuple([one for one in child.members if one.agent.standard == "ocf"])
    return dataclasses.replace(child, members=members) if members else None


def _child_meta(wanted: resource.Clone) -> attribute.AttributeSets:
    """Return the child's own blocks: a clone option written there counts where nothing else does."""
    return wanted.child.meta


def _is_unique(parent: Instance) -> bool:
    top = parent.top
    return top.clone is not None and top.clone.unique


def _counted(wanted: desired_state.Desired) -> set[str]:
    """Return the names of the nodes that clones have instances for, those of bundles left out.

    They count for what is written behind the bundle; nodes that were only seen do not (measured).
    """
    written = {one.name for one in wanted.nodes if one.kind is not node.NodeKind.PING}
    others = (one for one in wanted.resources if not isinstance(one, resource.Bundle))
    return written | {made.name for made in remote.implied(others)}


def expand(wanted: desired_state.Desired, reader: options.Reader) -> Expansion:
    """Return the tree of everything that is configured."""
    expansion = Expansion(reader, _counted(wanted))
    for one in wanted.resources:
        expansion.add(one)
    for made in remote.implied(wanted.resources):
        held = expansion.by_name.get(made.resource)
        if made.name not in expansion.by_name and held is not None and held.is_primitive:
            expansion.add(remote.guest_connection(held.definition, made.name))
    return expansion
