"""Clones: how instances are spread over the nodes.

Only this file decides which instance goes where: instances that run well stay first, each node
takes as many as it may, and what is beyond the maximum is stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reconciler.model.score import INFINITY, Stage, Term, TermKind
from reconciler.scheduler import bundle, dependence, precedence, promotion
from reconciler.scheduler.instance import Instance, Variant
from reconciler.scheduler.nodes import NOWHERE
from reconciler.scheduler.ranking import Mark

if TYPE_CHECKING:
    from reconciler.scheduler.placement import Placing


def place(placing: Placing, one: Instance) -> None:
    """Place every instance of a clone, then choose which are promoted."""
    for pair in placing.pairs.own_primaries(one):
        placing.place(pair.primary)
    if one.spread.promotable:
        promotion.add_to_placement(placing, one)
    for pair in placing.pairs.own_dependents(one):
        if pair.influence:
            placing.wishes.apply(one, pair, positive_only=True)
    for each in one.below():
        placing.ranking.note(Stage.CLONE, each)
    order = precedence.Precedence(placing, one)
    instances = order.placed(one, placing.promotion_priority)
    spread = _Spread(placing, one)
    spread.over(instances, _available(placing, one))
    placing.instance_order[one.index] = instances
    if one.spread.promotable:
        promotion.choose(placing, one, instances, order, echoes=spread.echoes())


def is_scarce(placing: Placing, one: Instance) -> bool:
    """Tell whether a clone has fewer instances than nodes, so that it matters which have one."""
    return one.spread.maximum < _available(placing, one)


def _available(placing: Placing, one: Instance) -> int:
    """Return how many nodes could take instances, of those named for the clone if they must be.

    The containers of bundles are nodes only to what runs inside of them (measured).
    """
    knows, expansion = placing.ranking.knows, placing.situation.expansion
    return sum(
        1
        for node in placing.nodes
        if node.takes_resources and knows(one, node.index) and bundle.admits(expansion, one, node)
    )


class _Spread:
    """The instances of one clone while they are placed; lives inside ``place`` only.

    Attributes:
        taken: how many instances each node has by now.
        held: number of an instance that is blocked to the node where it runs.
        refused: numbers of the instances that were not to stay where they run, at first.
        drawn: number of a group that found a better node than that where it runs, and what its
            scores were before.
    """

    __slots__ = ("_clone", "_placing", "drawn", "held", "refused", "taken")

    def __init__(self, placing: Placing, clone: Instance) -> None:
        self._placing = placing
        self._clone = clone
        self.taken = [0] * len(placing.nodes)
        self.refused: set[int] = set()
        self.drawn: dict[int, Mark] = {}
        self.held = {
            child.index: where
            for child in clone.children
            if placing.situation.is_blocked(child)
            for where in placing.situation.standing[child.index].running[:1]
        }

    def over(self, instances: Sequence[Instance], available: int) -> None:
        """Place instances: first those that stay where they are, then the others.

        Args:
            instances: in the order in which they are placed.
            available: number of nodes that take anything.
        """
        maximum, node_max = self._clone.spread.maximum, self._clone.spread.node_max
        loop_max = max(1, maximum // available) if available else 1
        waiting = []
        for child in instances:
            where = _prefers(self._placing, child)
            room = where != NOWHERE and self.taken[where] < min(loop_max, node_max)
            if sum(self.taken) < maximum and room and self._place(child, where):
                self._count(child)
            else:
                waiting.append(child)
        for child in waiting:
            beyond = sum(self.taken) >= maximum
            if not self._goes(child, beyond=beyond):
                if beyond:
                    _forbid(self._placing, child)
                self._place_beside_drawn(child)
            if beyond:
                self._placing.overlook(child)
            else:
                self._count(child)

    def _place_beside_drawn(self, child: Instance) -> None:
        """Place an instance that has no node yet.

        Groups that went to a better node keep it to themselves only where another would come to it:
        what else is said of it counts as if they were not there (measured; Pacemaker's scheduler
        lets the other come).
        """
        placing = self._placing
        mark = placing.ranking.mark(child.below())
        everywhere = self.taken
        self.taken = [
            count - sum(1 for index in self.drawn if placing.chosen[index] == node)
            for node, count in enumerate(everywhere)
        ]
        self._place(child, NOWHERE)
        seen, self.taken = self.taken, everywhere
        where = placing.chosen[child.index]
        if where >= 0 and self.taken[where] >= self._clone.spread.node_max > seen[where]:
            placing.release(child)
            placing.ranking.restore(mark)
            self._place(child, NOWHERE)

    def echoes(self) -> dict[int, int]:
        """Return how often instances heard what they would like to be with, by their numbers."""
        few = is_scarce(self._placing, self._clone)
        return {child.index: self._times(child) if few else 0 for child in self._clone.children}

    def _times(self, child: Instance) -> int:
        return 2 if child.index in self.refused else 1

    def _count(self, child: Instance) -> None:
        where = self._placing.chosen[child.index]
        if where >= 0:
            self.taken[where] += 1

    def _place(self, child: Instance, prefer: int) -> bool:
        """Place one instance; with ``prefer``, there or not at all yet.

        What was said in vain is taken back, and the next time each of it is said twice, unless it
        is optional and would leave no node then. But a group keeps the better node that it found.
        Who finds no node at all is not asked again; who runs where it may not is (all measured).
        """
        placing, grouped = self._placing, child.variant is Variant.GROUP
        if prefer != NOWHERE and placing.ranking.rows[child.index][prefer] < 0:
            self.refused.add(child.index)
            return False
        mark = placing.ranking.mark(child.below())
        self._narrow(child)
        self._follow(child)
        if grouped:
            placing.group(child, prefer)
        else:
            placing.primitive(child, prefer)
        if prefer == NOWHERE or placing.chosen[child.index] in {NOWHERE, prefer}:
            return True
        if grouped:
            self.drawn[child.index] = mark
        else:
            placing.release(child)
            placing.ranking.restore(mark)
            self.refused.add(child.index)
        return False

    def _goes(self, child: Instance, *, beyond: bool) -> bool:
        """Tell whether a group goes to the better node that it found; if not, take that back.

        Not where another took its place there; Pacemaker's scheduler gives it to both.
        """
        mark = self.drawn.get(child.index)
        if mark is None:
            return False
        placing = self._placing
        where = placing.chosen[child.index]
        if where >= 0 and not beyond and self.taken[where] < self._clone.spread.node_max:
            return True
        placing.release(child)
        placing.ranking.restore(mark)
        return False

    def _narrow(self, child: Instance) -> None:
        """Forbid an instance the nodes that its clone may not use, or that have enough of them.

        Those that are blocked may be placed later, but leave no node; Pacemaker's scheduler starts
        another beside them.
        """
        ranking, clone = self._placing.ranking, self._clone
        row = ranking.rows[clone.index]
        held = [where for index, where in self.held.items() if index != child.index]
        for node, count in enumerate(self.taken):
            if not ranking.nodes[node].takes_resources:
                kind = TermKind.UNAVAILABLE
            elif row[node] < 0:
                kind = TermKind.NOT_ALLOWED
            elif count >= clone.spread.node_max or (node in held and not clone.spread.unique):
                kind = TermKind.CLONE_LIMIT
            else:
                continue
            for each in child.below():
                if ranking.rows[each.index][node] > -INFINITY:
                    ranking.add(each, node, Term(kind, -INFINITY, clone.origin, clone.base))

    def _follow(self, child: Instance) -> None:
        """Let the clone's colocations change the scores of an instance.

        Preferences for company count only where there are fewer instances than nodes: else every
        node gets one anyway. What an instance must have or must avoid always counts. Of a group the
        first member is drawn, and each must be where it must. Who follows is heard with the last
        member, when that is placed (measured).
        """
        placing, clone = self._placing, self._clone
        members = child.children if child.variant is Variant.GROUP else [child]
        last = members[-1]
        few = is_scarce(placing, clone)
        times = self._times(child)
        primaries, dependents = placing.pairs.of_instance(clone, child)
        for pair in primaries:
            if few or pair.score < 0 or pair.mandatory:
                for member in (members if pair.mandatory else members[:1]) * times:
                    dependence.depend(placing, member, pair)
        behind = [pair for pair in dependents if few or pair.score < 0]
        if last is not members[0]:
            placing.wishes.behind_clones[last.index] = behind
            return
        for pair in behind:
            for _ in range(times if pair.influence else 0):
                placing.wishes.apply(last, pair)


def _prefers(placing: Placing, child: Instance) -> int:
    """Return the node where an instance runs well, or nowhere; a group does, whatever failed in it.

    That a member must be recovered makes no difference (measured).
    """
    standing = placing.situation.standing[child.index]
    if len(standing.running) != 1 or (standing.failed and child.is_primitive):
        return NOWHERE
    where = standing.running[0]
    return where if placing.nodes[where].takes_resources else NOWHERE


def _forbid(placing: Placing, child: Instance) -> None:
    for each in child.below():
        placing.ranking.add_everywhere(each, Term(TermKind.CLONE_LIMIT, -INFINITY))
