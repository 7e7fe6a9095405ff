"""Colocation: typed pairs, what a dependent may do once its primary is placed, and its wishes before.

Pacemaker Explained, "Placing resources relative to other resources". Sets and groups are lowered
to pairs here; only this file knows how a score passes from one resource to another.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Sequence

from reconciler.errors import position
from reconciler.frozen import frozen
from reconciler.model import constraint, desired
from reconciler.model.role import Role
from reconciler.model.score import INFINITY, Term, TermKind, add
from reconciler.scheduler import location
from reconciler.scheduler.expansion import Expansion
from reconciler.scheduler.instance import Instance, Variant
from reconciler.scheduler.nodes import Node
from reconciler.scheduler.ranking import Ranking, Row
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
    def has_role(self) -> bool:
        """Whether it is about a role of either side."""
        return self.dependent_role is not None or self.primary_role is not None


class Pairs:
    """All pairs, by dependent and by primary."""

    __slots__ = ("_this_with", "_with_this", "all")

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self.all = tuple(pairs)
        self._this_with: dict[int, list[Pair]] = {}
        self._with_this: dict[int, list[Pair]] = {}
        for pair in sorted(pairs, key=_importance_of_primary):
            self._this_with.setdefault(pair.dependent.index, []).append(pair)
        for pair in sorted(pairs, key=_importance_of_dependent):
            self._with_this.setdefault(pair.primary.index, []).append(pair)

    def own_primaries(self, one: Instance) -> Sequence[Pair]:
        """Return the pairs in which the resource itself is the dependent."""
        return self._this_with.get(one.index, ())

    def own_dependents(self, one: Instance) -> Sequence[Pair]:
        """Return the pairs in which the resource itself is the primary."""
        return self._with_this.get(one.index, ())

    def primaries(self, one: Instance) -> Sequence[Pair]:
        """Return the pairs that bind a resource to others; the first member speaks for its group.

        What a group must be with, each of its members must be with (measured).
        """
        group = one.parent
        if group is None or group.variant is not Variant.GROUP or group.children[0] is one:
            return self.spoken(one)
        outer = [pair for pair in self.own_primaries(group) if pair.mandatory]
        return _by_importance(self.own_primaries(one), outer)

    def spoken(self, one: Instance) -> Sequence[Pair]:
        """Return a resource's own pairs, with those of the group for which it speaks."""
        own = self.own_primaries(one)
        group = one.parent
        if group is None or group.variant is not Variant.GROUP or group.children[0] is not one:
            return own
        return _by_importance(own, self.own_primaries(group))

    def dependents(self, one: Instance) -> Sequence[Pair]:
        """Return the pairs that bind others to a resource.

        A group is followed at its last member, since all of it must run.
        """
        own = self.own_dependents(one)
        group = one.parent
        if group is not None and group.variant is Variant.GROUP and group.children[-1] is one:
            outer = self.own_dependents(group)
            if outer:
                return sorted((*own, *outer), key=_importance_of_dependent) if own else outer
        return own


_VARIANT_RANK = {Variant.CLONE: 0, Variant.GROUP: 1, Variant.PRIMITIVE: 2}


def _importance(one: Instance) -> tuple[int, int, int, str]:
    promotable = one.clone is not None and one.clone.promotable
    return (-one.meta.priority, _VARIANT_RANK[one.variant], 0 if promotable else 1, one.base)


def _by_importance(own: Sequence[Pair], outer: Sequence[Pair]) -> Sequence[Pair]:
    """Return pairs of a resource and of its group, both in order, as one sequence in order."""
    return sorted((*own, *outer), key=_importance_of_primary) if own and outer else own or outer


def _importance_of_primary(pair: Pair) -> tuple[int, int, int, str]:
    return _importance(pair.primary)


def _importance_of_dependent(pair: Pair) -> tuple[int, int, int, str]:
    return _importance(pair.dependent)


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
        if instance.variant is Variant.GROUP:
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
    return Pairs([_heard(pair, situation) for pair in pairs if pair.score])


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
    if not written.sequential:
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
    if earlier.written.sequential:
        dependents = dependents[:1]
    if later.written.sequential:
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


def scaled(score: int, factor: float) -> int:
    """Return a wish times the strength of the colocation; never 0 if both are not.

    Halves are rounded away from zero. What would be rounded to 0 counts 1 in the direction of the
    colocation, whichever way the wish goes (measured).
    """
    value = score * factor
    if not value:
        return 0
    rounded = int(value + 0.5) if value > 0 else int(value - 0.5)
    if rounded:
        return rounded
    return 1 if factor > 0 else -1


@frozen
class _Way:
    """How wishes travel.

    Attributes:
        positive_only: none makes a score negative: at the end 1 is left of one that they used up.
            One that is negative takes them as they are.
        onwards: from what a resource follows; else from what follows it.
    """

    positive_only: bool = False
    onwards: bool = False


class Wishes:
    """How the wishes of dependents reach a primary that is not placed yet.

    Attributes:
        opened: numbers of the groups whose placement has begun; until then what is placed with
            a group as a whole does not reach beyond it (measured).
        behind_clones: what follows a clone, by the number of the last member of each group that is
            an instance of it and being placed: there it is heard (measured).
    """

    __slots__ = ("_busy", "_heard", "_pairs", "_ranking", "behind_clones", "opened")

    def __init__(self, ranking: Ranking, pairs: Pairs) -> None:
        self._ranking = ranking
        self._pairs = pairs
        self._busy: set[int] = set()
        self._heard = 0
        self.opened: set[int] = set()
        self.behind_clones: dict[int, Sequence[Pair]] = {}

    def apply(self, one: Instance, pair: Pair, *, positive_only: bool = False) -> None:
        """Add the wishes of a pair's dependent to the scores of ``one``."""
        row = self._ranking.rows[one.index]
        before = self._heard
        found = self.towards(row, pair.dependent, pair, positive_only=positive_only)
        self._ranking.copies[one.index] += self._heard - before
        term = Term(TermKind.COLOCATION_WISH, 0, pair.origin, pair.dependent.base)
        self._ranking.become(one, found, term)

    def onwards(self, row: Row, pair: Pair) -> Row:
        """Return a row with the wishes of the primary of a pair, and of those that it follows.

        They are heard whatever their influence (measured).
        """
        way = _Way(onwards=True)
        return self.added(row, pair.primary, pair.score / INFINITY, pair.attribute, way)

    def alone(self, row: Row, pair: Pair) -> Row:
        """Return a row with the wishes of the primary of a pair, and of nobody behind it."""
        primary = pair.primary
        source = primary.children[0] if primary.variant is Variant.GROUP else primary
        found = self._combined(row, source, pair.score / INFINITY, pair.attribute, _Way())
        return found if self._ranking.usable(found) else row

    def towards(self, row: Row, other: Instance, pair: Pair, *, positive_only: bool = False) -> Row:
        """Return a row with what the other side of a pair wishes, and those behind it."""
        way = _Way(positive_only=positive_only)
        found = self.added(row, other, pair.score / INFINITY, pair.attribute, way)
        if not positive_only:
            return found
        return [
            1 if after == -INFINITY and before >= 0 else after
            for before, after in zip(row, found, strict=True)
        ]

    def apart(
        self, one: Instance, row: Row, other: Instance, pair: Pair, *, positive_only: bool = False
    ) -> Row:
        """Return the same, but for what ``one`` itself wishes."""
        self._busy.add(one.index)
        try:
            return self.towards(row, other, pair, positive_only=positive_only)
        finally:
            self._busy.discard(one.index)

    def added(
        self,
        target: Row,
        dependent: Instance,
        factor: float,
        attribute: str | None,
        way: _Way,
    ) -> Row:
        """Return ``target`` with the wishes of a dependent and of those behind it.

        A wish that would leave no usable node counts for nothing, and neither does what is behind
        it; where the way goes in a circle, who began it is heard once more, too. What follows the
        last member of a group is heard twice: from there, and through the first, whose wishes may
        count for nothing (measured).
        """
        group = dependent if dependent.variant is Variant.GROUP and dependent.children else None
        source = dependent if group is None else group.children[0]
        if source.index in self._busy:
            return target
        self._busy.add(source.index)
        try:
            row = self._combined(target, source, factor, attribute, way)
            if self._ranking.usable(row):
                self._heard += 1
                behind = self._pairs.spoken(source) if way.onwards else self._followers(source)
                row = self._behind(row, behind, factor, way)
            else:
                row = target
            if group is not None and not way.onwards and self._ranking.usable(row):
                row = self._behind(row, self._followers(group.children[-1]), factor, way)
        finally:
            self._busy.discard(source.index)
        return row

    def _behind(self, row: Row, pairs: Sequence[Pair], factor: float, way: _Way) -> Row:
        """Return a row with the wishes of those bound to the bearer of a wish."""
        for pair in pairs:
            if pair.influence or way.onwards:
                # Along a chain only the signs multiply; the last strength counts (measured).
                strength = pair.score / INFINITY
                row = self.added(
                    row,
                    pair.primary if way.onwards else pair.dependent,
                    strength if factor > 0 else -strength,
                    pair.attribute,
                    way,
                )
        return row

    def _followers(self, one: Instance) -> Sequence[Pair]:
        """Return the pairs by which others follow a resource, as far as they are heard by now."""
        group = one.parent
        if group is None or group.index in self.opened:
            return self.dependents(one)
        return self._pairs.own_dependents(one)

    def dependents(self, one: Instance) -> Sequence[Pair]:
        """Return the pairs by which others follow a resource, or the clone that it ends."""
        behind = self.behind_clones.get(one.index)
        found = self._pairs.dependents(one)
        return found if behind is None else (*found, *behind)

    def _combined(
        self,
        target: Row,
        source: Instance,
        factor: float,
        attribute: str | None,
        way: _Way,
    ) -> Row:
        nodes = self._ranking.nodes
        scores = self._ranking.rows[source.index]
        best: dict[str | None, int] = {}
        if attribute is not None:
            for node in nodes:
                value = node.attributes.get(attribute)
                if node.takes_resources and scores[node.index] > best.get(value, -INFINITY):
                    best[value] = scores[node.index]
        row = []
        for node in nodes:
            old = target[node.index]
            if attribute is None:
                wish = scores[node.index] if node.takes_resources else -INFINITY
            else:
                wish = best.get(node.attributes.get(attribute), -INFINITY)
            if not wish or (factor < 0 and wish < 0):
                row.append(old)
                continue
            new = add(scaled(wish, factor), old)
            if way.positive_only and new < 0 <= old:
                # What wishes have used up is closed while more of a chain are heard (measured).
                new = -INFINITY if old else old
            row.append(new)
        return row
