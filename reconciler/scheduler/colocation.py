"""Colocation: typed pairs of a dependent and its primary, and which of them is heard first.

Pacemaker Explained, "Placing resources relative to other resources". Sets and groups are lowered
to pairs here; ``influence`` knows how wishes pass from one resource to another.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence

from reconciler.errors import position
from reconciler.frozen import frozen
from reconciler.model import constraint, desired
from reconciler.model.role import Role
from reconciler.model.score import INFINITY
from reconciler.scheduler import location
from reconciler.scheduler.expansion import Expansion
from reconciler.scheduler.instance import Instance, Variant
from reconciler.scheduler.nodes import Node
from reconciler.scheduler.situation import Situation


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """``dependent`` is placed relative to ``primary``.

    Attributes:
        attribute: node attribute that is compared; None: the node itself.
        influence: whether the dependent's wishes move the primary.
        internal: implied by a group.
    """

    id: str
    dependent: Instance
    primary: Instance
    score: int
    dependent_role: Role | None = None
    primary_role: Role | None = None
    attribute: str | None = None
    influence: bool = True
    internal: bool = False
    origin: position.Position = position.NOWHERE

    @property
    def mandatory(self) -> bool:
        """Whether the dependent cannot run without the primary."""
        return self.score >= INFINITY

    @property
    def scattered(self) -> bool:
        """Whether the primary is a group whose members need not be in one place."""
        return self.primary.variant is Variant.GROUP and not self.primary.gathered

    @property
    def has_role(self) -> bool:
        """Whether it is about a role of either side."""
        return self.dependent_role is not None or self.primary_role is not None

    @property
    def interleaved(self) -> bool:
        """Whether a role of an interleaved clone must have a partner in another clone."""
        clone = self.dependent.clone
        if clone is None or not clone.interleave:
            return False
        single = all(child.is_primitive for child in self.dependent.children)
        partners = single and self.primary.variant is Variant.CLONE
        return partners and self.mandatory and self.dependent_role is not None

    @property
    def pairwise(self) -> bool:
        """Whether it is about the pairs of interleaved clones, whatever role the partner has.

        It moves nobody then, but says where there may be which role (measured); for a partner in a
        role, or for cloned groups, it counts as others do.
        """
        return self.interleaved and (self.primary_role is None or not self.primary.promotable)


class Pairs:
    """All pairs, by dependent and by primary.

    Of those that are as important the last comes first, but each time they are handed on to what is
    inside of a resource that turns round, and they come before its own (measured).
    """

    __slots__ = ("_this_with", "_with_this", "all")

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self.all = tuple(pairs)
        latest_first = self.all[::-1]
        self._this_with: dict[int, list[Pair]] = {}
        self._with_this: dict[int, list[Pair]] = {}
        for pair in sorted(latest_first, key=_importance_of_primary):
            self._this_with.setdefault(pair.dependent.index, []).append(pair)
        for pair in sorted(latest_first, key=_importance_of_dependent):
            self._with_this.setdefault(pair.primary.index, []).append(pair)

    def own_primaries(self, one: Instance) -> Sequence[Pair]:
        """Return the pairs in which the resource itself is the dependent."""
        return self._this_with.get(one.index, ())

    def own_dependents(self, one: Instance) -> Sequence[Pair]:
        """Return the pairs in which the resource itself is the primary."""
        return self._with_this.get(one.index, ())

    def primaries(self, one: Instance) -> Sequence[Pair]:
        """Return the pairs that bind a resource to others; the first member speaks for its group.

        What a group must be with, each of its members must be with, unless they need not be
        together (measured).
        """
        group = one.parent
        if group is None or not group.gathered or group.children[0] is one:
            return self.spoken(one)
        outer = [pair for pair in self.own_primaries(group) if pair.mandatory]
        return _handed_on(outer, self.own_primaries(one), _importance_of_primary)

    def spoken(self, one: Instance) -> Sequence[Pair]:
        """Return a resource's own pairs, with those of the group for which it speaks."""
        own = self.own_primaries(one)
        group = one.parent
        if group is None or group.variant is not Variant.GROUP or group.children[0] is not one:
            return own
        return _handed_on(self.own_primaries(group), own, _importance_of_primary)

    def dependents(self, one: Instance) -> Sequence[Pair]:
        """Return the pairs that bind others to a resource.

        A group is followed at its last member, since all of it must run.
        """
        own = self.own_dependents(one)
        group = one.parent
        if group is not None and group.variant is Variant.GROUP and group.children[-1] is one:
            return _handed_on(self.own_dependents(group), own, _importance_of_dependent)
        return own

    def of_instance(
        self, clone: Instance, child: Instance
    ) -> tuple[Sequence[Pair], Sequence[Pair]]:
        """Return what an instance has of its clone, or its members if it is a group.

        Returns:
            Those that bind it to others, and those that bind others to it.
        """
        primaries, dependents = self.own_primaries(clone), self.own_dependents(clone)
        if child.variant is Variant.GROUP:
            return primaries, dependents
        return (
            _handed_on(primaries, (), _importance_of_primary),
            _handed_on(dependents, (), _importance_of_dependent),
        )


_VARIANT_RANK = {Variant.CLONE: 0, Variant.GROUP: 1, Variant.PRIMITIVE: 2}


def _importance(one: Instance) -> tuple[int, int, int, str]:
    promotable = one.clone is not None and one.clone.promotable
    return (-one.meta.priority, _VARIANT_RANK[one.variant], 0 if promotable else 1, one.base)


def _importance_of_primary(pair: Pair) -> tuple[int, int, int, str]:
    return _importance(pair.primary)


def _importance_of_dependent(pair: Pair) -> tuple[int, int, int, str]:
    return _importance(pair.dependent)


def _handed_on(
    outer: Sequence[Pair],
    own: Sequence[Pair],
    importance: Callable[[Pair], tuple[int, int, int, str]],
) -> Sequence[Pair]:
    """Return the pairs of a resource with those of what it is in, in order."""
    if not outer or len(outer) + len(own) == 1:
        return outer or own
    return sorted((*reversed(outer), *own), key=importance)


def lower(wanted: desired.Desired, situation: Situation, implied: Iterable[Pair] = ()) -> Pairs:
    """Return every colocation as pairs: those written, those of sets, those inside groups.

    One without a score says nothing, not even who is placed first (measured).

    Args:
        wanted: what is written.
        situation: what the names in it mean, and what is active.
        implied: further pairs, which nobody wrote.
    """
    expansion = situation.expansion
    pairs = list(implied)
    for one in wanted.constraints:
        match one:
            case constraint.Colocation():
                pairs.extend(_pairs(expansion, wanted, one))
            case constraint.ColocationSets():
                pairs.extend(_sets(expansion, wanted, one))
            case _:
                pass
    for instance in expansion.all:
        if instance.gathered:
            for before, member in zip(instance.children, instance.children[1:], strict=False):
                pairs.append(
                    Pair(
                        id=instance.base,
                        dependent=member,
                        primary=before,
                        score=INFINITY,
                        influence=member.meta.critical,
                        internal=True,
                        origin=instance.origin,
                    )
                )
    placed = itertools.chain.from_iterable(map(_with_each, pairs))
    return Pairs([_heard(pair, situation) for pair in placed if pair.score])


def _with_each(pair: Pair) -> Iterator[Pair]:
    """Yield a pair, or one for each member of a group that need not be in one place.

    Nothing can be where all of that is, so who must be is only placed after it (measured).
    """
    if pair.mandatory or not pair.scattered:
        yield pair
    else:
        for member in reversed(pair.primary.children):
            yield dataclasses.replace(pair, primary=member)


def _heard(pair: Pair, situation: Situation) -> Pair:
    """Return a pair as it counts: what is not active listens to all, as it need not move for it.

    Measured; "influence" and "critical" keep only what is active anywhere from being moved.
    """
    if pair.influence or any(
        situation.standing[one.index].running for one in pair.primary.primitives()
    ):
        return pair
    return dataclasses.replace(pair, influence=True)


def _influence(written: bool | None, dependent: Instance) -> bool:
    return dependent.meta.critical if written is None else written


def _role(role: Role | None) -> Role | None:
    """Return the role that narrows a pair; Started means every role."""
    return None if role in {Role.STARTED, Role.UNKNOWN} else role


def _pairs(
    expansion: Expansion, wanted: desired.Desired, one: constraint.Colocation
) -> Iterator[Pair]:
    for dependent in location.expanded(expansion, wanted.tags, one.dependent):
        for primary in location.expanded(expansion, wanted.tags, one.primary):
            if dependent is primary:
                continue
            yield Pair(
                id=one.id,
                dependent=dependent,
                primary=primary,
                score=one.score,
                dependent_role=_role(one.dependent_role),
                primary_role=_role(one.primary_role),
                attribute=(
                    None if one.node_attribute in {None, "", "#uname"} else one.node_attribute
                ),
                influence=_influence(one.influence, dependent),
                origin=one.origin,
            )


@frozen
class _Members:
    """A set with its resources resolved."""

    written: constraint.ResourceSet
    resources: tuple[Instance, ...]


def _sets(
    expansion: Expansion, wanted: desired.Desired, one: constraint.ColocationSets
) -> Iterator[Pair]:
    previous: _Members | None = None
    for each in one.sets:
        members = _Members(each, tuple(members_of(expansion, wanted, each)))
        yield from _within(one, members)
        if previous is not None and members.resources:
            yield from _between(one, previous, members)
        previous = members


def _of_set(
    one: constraint.ColocationSets,
    dependent: tuple[Instance, Role | None],
    primary: tuple[Instance, Role | None],
    score: int,
) -> Pair:
    return Pair(
        id=one.id,
        dependent=dependent[0],
        primary=primary[0],
        score=score,
        dependent_role=_role(dependent[1]),
        primary_role=_role(primary[1]),
        attribute=None if one.node_attribute in {None, "", "#uname"} else one.node_attribute,
        influence=_influence(one.influence, dependent[0]),
        origin=one.origin,
    )


def _within(one: constraint.ColocationSets, members: _Members) -> Iterator[Pair]:
    """Yield the pairs inside one set."""
    written, resources = members.written, members.resources
    score = one.score if written.score is None else written.score
    if not written.in_sequence:
        return
    role = written.role
    if score < 0:
        for place, member in enumerate(resources):
            for before in resources[:place]:
                yield _of_set(one, (member, role), (before, role), score)
        return
    for before, member in itertools.pairwise(resources):
        first, second = (
            (member, before) if written.ordering in {None, "group"} else (before, member)
        )
        yield _of_set(one, (first, role), (second, role), score)


def _between(one: constraint.ColocationSets, earlier: _Members, later: _Members) -> Iterator[Pair]:
    """Yield the pairs between two sets: the earlier depends on the later (measured).

    A sequential set is held by its first member and holds on to nothing but its last.
    """
    dependents, primaries = earlier.resources, later.resources
    if earlier.written.in_sequence:
        dependents = dependents[:1]
    if later.written.in_sequence:
        primaries = primaries[-1:]
    for dependent in dependents:
        for primary in primaries:
            yield _of_set(
                one, (dependent, earlier.written.role), (primary, later.written.role), one.score
            )


def members_of(
    expansion: Expansion, wanted: desired.Desired, one: constraint.ResourceSet
) -> Iterator[Instance]:
    """Yield the resources of a set, tags resolved."""
    for name in one.resources:
        yield from location.expanded(expansion, wanted.tags, name)


def attribute_value(node: Node, attribute: str | None) -> str | None:
    """Return what colocations compare on a node."""
    return node.name if attribute is None else node.attributes.get(attribute)
