"""Promotion: which instances of a promotable clone become promoted.

Agents set a promotion score on each node (transient attribute ``master-RSC``). The highest
instances are promoted, as many as the clone wants (Pacemaker Explained, "Promotable clones").
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from reconciler.model import property  # noqa: A004 - a module's name
from reconciler.model.role import Role
from reconciler.model.score import INFINITY, Term, TermKind, add, total
from reconciler.scheduler.colocation import Pair
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.location import Wish
from reconciler.scheduler.nodes import Node
from reconciler.scheduler.situation import Situation

if TYPE_CHECKING:
    from reconciler.scheduler.placement import Placing

_NOWHERE = -1


@dataclasses.dataclass(frozen=True, slots=True)
class Scores:
    """What speaks for promotion: attributes of nodes, and locations for the promoted role."""

    wishes: tuple[Wish, ...]

    def attribute(self, situation: Situation, one: Instance, node: Node) -> int | None:
        """Return the promotion score that an agent set for a primitive, or None."""
        known_as = situation.standing[one.index].known_as.get(node.index, one.history_name)
        for name in (f"master-{known_as}", f"master-{one.base}", f"master-{one.name}"):
            text = node.attributes.get(name)
            if text is not None:
                return property.score(text) or 0
        return None

    def of(self, situation: Situation, child: Instance, node: Node) -> int | None:
        """Return the promotion score of an instance; a group's is the sum of its members'."""
        found = None
        for one in child.primitives():
            value = self.attribute(situation, one, node)
            if value is not None:
                found = value if found is None else add(found, value)
        return found


def _is_known(situation: Situation, child: Instance, node: int) -> bool:
    """Tell whether a promotion score there counts.

    It does where the resource was probed or is active, or where nothing is known of it anywhere;
    not where another instance already has the node.
    """
    for one in child.primitives():
        known = situation.known.get(one.history_name, {})
        if known and node not in known:
            continue
        running = situation.standing[one.index].running
        if not running or node in running:
            return True
        taken = any(
            node in situation.standing[other.index].running
            for other in situation.expansion.by_base[one.base]
            if other is not one
        )
        if not taken:
            return True
    return False


def add_to_placement(placing: Placing, clone: Instance) -> None:
    """Let promotion scores pull instances to nodes where they would be promoted."""
    for child in clone.children:
        speaker = next(child.primitives(), None)
        if speaker is None:
            continue
        for node in placing.nodes:
            if placing.ranking.rows[speaker.index][node.index] <= -INFINITY:
                continue
            value = placing.promotions.of(placing.situation, child, node)
            if value and value > 0 and _is_known(placing.situation, child, node.index):
                term = Term(TermKind.PROMOTION_SCORE, value, clone.origin, clone.base)
                placing.ranking.add(speaker, node.index, term)


def choose(placing: Placing, clone: Instance) -> None:
    """Promote the best instances."""
    scored = []
    for child in clone.children:
        score = _score(placing, clone, child)
        where = placing.chosen[child.index]
        name = placing.nodes[where].name if where >= 0 else ""
        placing.promotion_scores.setdefault(child.name, {})[name] = score
        scored.append((child, score))
    standing = placing.situation.standing
    scored.sort(
        key=lambda pair: (
            -pair[1],
            standing[pair[0].index].role is not Role.PROMOTED,
            pair[0].number or 0,
        )
    )
    promoted = 0
    per_node: dict[int, int] = {}
    for child, score in scored:
        where = placing.chosen[child.index]
        if where < 0:
            continue
        fits = per_node.get(where, 0) < clone.spread.promoted_node_max
        keeps = not standing[child.index].managed and standing[child.index].role is Role.PROMOTED
        may = score >= 0 and fits and _may_be_promoted(placing, child)
        if promoted < clone.spread.promoted_max and (may or keeps):
            promoted += 1
            per_node[where] = per_node.get(where, 0) + 1
            role = Role.PROMOTED
        else:
            role = Role.UNPROMOTED
        for one in child.primitives():
            if placing.chosen[one.index] >= 0 and standing[one.index].managed:
                placing.next_role[one.index] = role


def _may_be_promoted(placing: Placing, child: Instance) -> bool:
    for one in child.primitives():
        if placing.limit(one) in {Role.UNPROMOTED, Role.STOPPED, Role.STARTED}:
            return False
        where = placing.chosen[one.index]
        if where < 0 or not placing.nodes[where].takes_resources:
            return False
        standing = placing.situation.standing[one.index]
        if not standing.managed and standing.role is not Role.PROMOTED:
            return False
    return True


def _score(placing: Placing, clone: Instance, child: Instance) -> int:
    """Return how much speaks for promoting an instance."""
    where = placing.chosen[child.index]
    if where < 0:
        return 0
    own = placing.promotions.of(placing.situation, child, placing.nodes[where])
    if own is not None and not _is_known(placing.situation, child, where):
        own = None
    score = -1 if own is None else own
    for wish in placing.promotions.wishes:
        if wish.instance is clone and wish.role is Role.PROMOTED:
            score = total((score, *(value for place, value in wish.scores if place == where)))
    if score < 0:
        return score
    score = add(score, placing.ranking.rows[clone.index][where])
    for pair in placing.pairs.own_primaries(clone):
        if pair.dependent_role is not None:
            placing.place(pair.primary)
            score = _beside(placing, pair, where, score)
    for pair in placing.pairs.own_dependents(clone):
        if pair.primary_role is Role.PROMOTED and pair.influence:
            row = [score if index == where else 0 for index in range(len(placing.nodes))]
            factor = pair.score / INFINITY
            wished = placing.wishes.added(row, pair.dependent, factor, pair.attribute, True)
            score = score if wished is None else wished[where]
    return score


def _beside(placing: Placing, pair: Pair, where: int, score: int) -> int:
    """Return a promotion score, given where the primary of a colocation is."""
    hosts = placing.hosts(pair)
    if hosts is None:
        return score
    row = [score if index == where else 0 for index in range(len(placing.nodes))]
    if pair.dependent_role is Role.PROMOTED:
        return placing.depending(row, pair, hosts)[where]
    beside = where in hosts
    if pair.score >= INFINITY and beside:
        return -INFINITY
    return add(score, -pair.score) if beside and pair.score < INFINITY else score
