"""Clones: how instances are spread over the nodes.

Only this file decides which instance goes where: instances that run well stay first, each node
takes as many as it may, and what is beyond the maximum is stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reconciler.model.score import INFINITY, Stage, Term, TermKind
from reconciler.scheduler import precedence, promotion
from reconciler.scheduler.instance import Instance, Variant

if TYPE_CHECKING:
    from reconciler.scheduler.placement import Placing

_NOWHERE = -1


def place(placing: Placing, one: Instance) -> None:
    """Place every instance of a clone, then choose which are promoted."""
    for pair in placing.pairs.own_primaries(one):
        placing.place(pair.primary)
    nodes = placing.nodes
    available = sum(1 for node in nodes if node.takes_resources)
    if one.spread.promotable:
        promotion.add_to_placement(placing, one)
    for pair in placing.pairs.own_dependents(one):
        if pair.influence:
            placing.wishes.apply(one, pair, positive_only=True)
    for each in one.below():
        placing.ranking.note(Stage.CLONE, each)
    order = precedence.Precedence(placing, one)
    instances = order.placed(one, placing.promotion_priority)
    _spread(placing, one, instances, available)
    if one.spread.promotable:
        promotion.choose(placing, one, instances, order)


def _spread(placing: Placing, one: Instance, instances: Sequence[Instance], available: int) -> None:
    maximum, node_max = one.spread.maximum, one.spread.node_max
    taken = [0] * len(placing.nodes)
    loop_max = max(1, maximum // available) if available else 1
    placed = 0
    waiting = []
    for child in instances:
        where = _prefers(placing, child)
        room = where != _NOWHERE and taken[where] < min(loop_max, node_max)
        if placed < maximum and room and _instance(placing, one, child, taken, where):
            taken[where] += 1
            placed += 1
        else:
            waiting.append(child)
    for child in waiting:
        if placed >= maximum:
            _forbid(placing, child)
        _instance(placing, one, child, taken, _NOWHERE)
        where = placing.chosen[child.index]
        if where >= 0:
            taken[where] += 1
            placed += 1


def _prefers(placing: Placing, child: Instance) -> int:
    """Return the node where an instance runs well, or nowhere."""
    standing = placing.situation.standing[child.index]
    if len(standing.running) != 1 or standing.failed:
        return _NOWHERE
    where = standing.running[0]
    if not placing.nodes[where].takes_resources:
        return _NOWHERE
    return where if placing.ranking.rows[child.index][where] >= 0 else _NOWHERE


def _forbid(placing: Placing, child: Instance) -> None:
    for each in child.below():
        placing.ranking.add_everywhere(each, Term(TermKind.CLONE_LIMIT, -INFINITY))


def _narrow(placing: Placing, one: Instance, child: Instance, taken: list[int]) -> None:
    """Forbid an instance the nodes that its clone may not use, or that have enough of them."""
    row = placing.ranking.rows[one.index]
    for node, count in enumerate(taken):
        if not placing.nodes[node].takes_resources:
            kind = TermKind.UNAVAILABLE
        elif row[node] < 0:
            kind = TermKind.NOT_ALLOWED
        elif count >= one.spread.node_max:
            kind = TermKind.CLONE_LIMIT
        else:
            continue
        for each in child.below():
            if placing.ranking.rows[each.index][node] > -INFINITY:
                placing.ranking.add(each, node, Term(kind, -INFINITY, one.origin, one.base))


def _instance(
    placing: Placing, one: Instance, child: Instance, taken: list[int], prefer: int
) -> bool:
    """Place one instance; with ``prefer``, there or not at all yet.

    What was said in vain is taken back: the next time there may be fewer nodes left, and what is
    optional is given up then (measured).
    """
    mark = placing.ranking.mark()
    rows = {each.index: placing.ranking.rows[each.index].copy() for each in child.below()}
    speaker = child.children[0] if child.variant is Variant.GROUP else child
    _narrow(placing, one, child, taken)
    _follow(placing, one, child)
    if child.variant is Variant.GROUP:
        done = placing.group(child, prefer)
    else:
        done = placing.primitive(child, prefer)
    if prefer != _NOWHERE and placing.chosen[child.index] != prefer:
        managed = placing.situation.standing[speaker.index].managed
        if managed:
            placing.release(child)
            placing.ranking.restore(mark, rows)
            return False
    return done or placing.chosen[child.index] >= 0


def _follow(placing: Placing, one: Instance, child: Instance) -> None:
    """Let the clone's colocations change the scores of an instance.

    Preferences for company count only where there are fewer instances than nodes: else every node
    gets one anyway. What an instance must have or must avoid always counts (measured).
    """
    first, last = child, child
    if child.variant is Variant.GROUP:
        first, last = child.children[0], child.children[-1]
    few = one.spread.maximum < sum(1 for node in placing.nodes if node.takes_resources)
    for pair in placing.pairs.own_primaries(one):
        if few or pair.score < 0 or pair.mandatory:
            placing.depend(first, pair)
    for pair in placing.pairs.own_dependents(one):
        if pair.influence and (few or pair.score < 0):
            placing.wishes.apply(last, pair)
