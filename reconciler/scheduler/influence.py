"""Influence: how the wishes of dependents reach a primary that is not placed yet.

Pacemaker Explained, "Colocation constraints" (influence). Only this file knows how a score passes
from one resource to another, over chains of colocations, groups and clones.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.frozen import frozen
from reconciler.model.score import INFINITY, Term, TermKind, add
from reconciler.scheduler.colocation import Pair, Pairs
from reconciler.scheduler.instance import Instance, Variant
from reconciler.scheduler.ranking import Ranking, Row


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


def _speaker(one: Instance) -> Instance:
    """Return whose wishes are those of a resource: of a group its first member's."""
    return one.children[0] if one.variant is Variant.GROUP and one.children else one


_USED_UP = -INFINITY - 1
"""What wishes have used up, while more of a chain are heard: closed, whatever they say."""


def _reopened(row: Row) -> Row:
    """Return a row with 1 where wishes used up what was there."""
    return [1 if score == _USED_UP else score for score in row]


@frozen
class _Way:
    """How wishes travel.

    Attributes:
        positive_only: none makes a score negative: at the end 1 is left of one that they used up.
            One that is negative takes them as they are.
        onwards: from what a resource follows; else from what follows it.
        singly: each node is looked at by itself, as if there were no others.
    """

    positive_only: bool = False
    onwards: bool = False
    singly: bool = False


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

    def singly(self, row: Row, other: Instance, pair: Pair, *, follows: bool) -> Row:
        """Return a row with what the other side of a pair wishes for each node by itself.

        What that side itself wishes counts in any case; those behind it are heard where the node
        stays usable, and only as long as it does (measured).

        Args:
            row: the scores.
            other: the other side.
            pair: the two.
            follows: whether the other side is the dependent; then it closes no node.
        """
        way = _Way(positive_only=follows, singly=True)
        factor = pair.score / INFINITY
        own = self._combined(row, _speaker(other), factor, pair.attribute, way)
        found = self._where(own, self.added(row, other, factor, pair.attribute, way), own)
        return _reopened(found) if follows else found

    def towards(self, row: Row, other: Instance, pair: Pair, *, positive_only: bool = False) -> Row:
        """Return a row with what the other side of a pair wishes, and those behind it."""
        way = _Way(positive_only=positive_only)
        found = self.added(row, other, pair.score / INFINITY, pair.attribute, way)
        return _reopened(found) if positive_only else found

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
        source = _speaker(dependent)
        if source.index in self._busy:
            return target
        self._busy.add(source.index)
        try:
            row = self._combined(target, source, factor, attribute, way)
            if self._ranking.usable(row):
                self._heard += 1
                behind = self._pairs.spoken(source) if way.onwards else self._followers(source)
                found = self._behind(row, behind, factor, way)
                row = self._where(row, found, target) if way.singly else found
            else:
                row = target
            if group is not None and not way.onwards and self._ranking.usable(row):
                found = self._behind(row, self._followers(group.children[-1]), factor, way)
                row = self._where(row, found, row) if way.singly else found
        finally:
            self._busy.discard(source.index)
        return row

    def _where(self, row: Row, found: Row, otherwise: Row) -> Row:
        """Return what was found for the nodes that can take a resource with the scores of a row."""
        choices = zip(self._ranking.nodes, row, found, otherwise, strict=True)
        return [
            new if score >= 0 and node.takes_resources else old for node, score, new, old in choices
        ]

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
            if old == _USED_UP:
                row.append(old)
                continue
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
                new = _USED_UP if old else old
            row.append(new)
        return row
