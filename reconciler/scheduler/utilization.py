"""Utilization: capacities of nodes, what resources need of them, and what is left.

Used with every ``placement-strategy`` but default. A resource goes only where it fits together with
everything that must run beside it and is not placed yet. Pacemaker Explained, "Utilization and
placement strategy".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from reconciler.model import attribute
from reconciler.model import property as properties
from reconciler.model.action import ActionKind, Task
from reconciler.model.score import INFINITY
from reconciler.scheduler import clone, node_table, options, rule
from reconciler.scheduler.instance import Instance, Variant
from reconciler.scheduler.nodes import NOWHERE, UNDECIDED, Node
from reconciler.scheduler.options import PlacementStrategy
from reconciler.scheduler.ranking import Row
from reconciler.scheduler.situation import Situation
from reconciler.scheduler.step import Link, Step, Steps, link

if TYPE_CHECKING:
    from reconciler.scheduler.placement import Placing

Amounts = dict[str, int]


def amounts(sets: attribute.AttributeSets, clock: rule.Clock) -> Amounts:
    """Return utilization as numbers by name; what is no number counts nothing."""
    found = rule.values(sets, rule.Context(clock)) if sets else {}
    return {name: properties.leading_integer(str(value)) or 0 for name, value in found.items()}


class Capacity:
    """What the nodes have left while resources are placed.

    Attributes:
        strategy: the placement strategy.
    """

    __slots__ = ("_clock", "_free", "_ids", "_names", "_needs", "_tables", "strategy")

    def __init__(self, nodes: Sequence[Node], settings: options.Cluster) -> None:
        self.strategy = settings.placement_strategy
        self._clock = settings.clock
        self._needs: dict[str, Amounts] = {}
        self._free: list[Amounts] = []
        self._ids: Sequence[str] = ()
        self._names: Sequence[int] = ()
        self._tables: dict[tuple[int, ...], list[Sequence[int]]] = {}
        if self.counts:
            self._free = [self.original(node) for node in nodes]
            self._ids = [node.desired.id or node.name for node in nodes]
            self._names = node_table.by_name([node.name for node in nodes])

    @property
    def counts(self) -> bool:
        """Whether utilization decides anything."""
        return self.strategy is not PlacementStrategy.DEFAULT

    def original(self, node: Node) -> Amounts:
        """Return what a node can hold."""
        return amounts(node.desired.utilization, self._clock)

    def need(self, one: Instance) -> Amounts:
        """Return what a primitive needs."""
        found = self._needs.get(one.base)
        if found is None:
            found = self._needs[one.base] = amounts(one.definition.utilization, self._clock)
        return found

    def table(self, copies: int, named: Collection[int] | None) -> Sequence[int]:
        """Return the nodes in the order of their table, or of a copy of a copy... of it.

        A copy is entered in the order of what it is made from. Each colocation that counts for a
        resource makes one of its table. Where nodes must be named only those are in it, in the
        order in which they were named (all measured).
        """
        entered = tuple(self._names if named is None else named)
        tables = self._tables.setdefault(entered, [])
        while copies >= len(tables):
            tables.append(node_table.order(self._ids, tables[-1] if tables else entered))
        return tables[copies]

    def take(self, one: Instance, node: int) -> None:
        """Take what a primitive needs from a node."""
        self._change(one, node, -1)

    def give_back(self, one: Instance, node: int) -> None:
        """Undo a ``take``."""
        self._change(one, node, 1)

    def _change(self, one: Instance, node: int, sign: int) -> None:
        if self.counts and one.is_primitive:
            free = self._free[node]
            for name, value in self.need(one).items():
                free[name] = free.get(name, 0) + sign * value

    def freer(self, left: int, right: int) -> int:
        """Return how many more attributes ``left`` has more of than ``right``, minus the reverse."""
        one, other = self._free[left], self._free[right]
        balance = 0
        for name in {**one, **other}:
            here, there = one.get(name, 0), other.get(name, 0)
            balance += (here > there) - (here < there)
        return balance

    def ranked(self, nodes: Sequence[Node]) -> list[Node]:
        """Return the nodes, best first: usable, by own score, capacity if balanced, and name."""
        balanced = self.strategy is PlacementStrategy.BALANCED

        def before(left: int, right: int) -> bool:
            one, other = nodes[left], nodes[right]
            if one.takes_resources is not other.takes_resources:
                return one.takes_resources
            if one.desired.score != other.desired.score:
                return one.desired.score > other.desired.score
            freer = self.freer(left, right) if balanced else 0
            return freer > 0 if freer else one.rank < other.rank

        return [nodes[place] for place in merged(self._names, before)]

    def fitting(
        self, placing: Placing, one: Instance, allowed: list[int]
    ) -> tuple[list[int], int | None]:
        """Return the nodes, of those allowed, that can hold a primitive, and the one to prefer.

        Those that can hold it with everything that must run beside it; if there is none, those
        that can hold it alone, and the node with the most capacity left goes before others with
        the same score (measured).
        """
        if not self.counts or not allowed:
            return allowed, None
        together = list(beside(placing, one))
        need = _sum(self.need(each) for each in together)
        found = [node for node in allowed if self._fits(need, node)]
        if found or len(together) == 1:
            return found, None
        alone = [node for node in allowed if self._fits(self.need(one), node)]
        ranking = placing.ranking
        table = self.table(ranking.copies[one.index], ranking.named.get(one.index))
        return alone, self._freest([node for node in table if node in allowed])

    def _freest(self, nodes: Sequence[int]) -> int:
        """Return the node with the most capacity left; of those alike the first."""
        best, *others = nodes
        for node in others:
            best = node if self.freer(node, best) > 0 else best
        return best

    def _fits(self, need: Amounts, node: int) -> bool:
        free = self._free[node]
        return all(free.get(name, 0) >= value for name, value in need.items())


def merged(places: Sequence[int], before: Callable[[int, int], bool]) -> list[int]:
    """Return places sorted by merging sorted halves.

    Which node has more left than another may go in a circle; then this decides (measured).
    """
    middle = len(places) // 2
    if not middle:
        return list(places)
    left, right = merged(places[:middle], before), merged(places[middle:], before)
    found = []
    while left and right:
        found.append(right.pop(0) if before(right[0], left[0]) else left.pop(0))
    return [*found, *left, *right]


def first(places: Sequence[int], before: Callable[[int, int], bool]) -> int:
    """Return the first of ``merged``."""
    middle = len(places) // 2
    if not middle:
        return places[0]
    left, right = first(places[:middle], before), first(places[middle:], before)
    return right if before(right, left) else left


def _sum(needs: Iterable[Amounts]) -> Amounts:
    found: Amounts = {}
    for need in needs:
        for name, value in need.items():
            found[name] = found.get(name, 0) + value
    return found


def sequence(placing: Placing) -> list[Instance]:
    """Return the outermost resources in the order in which they are placed.

    By priority, then as written. Where utilization counts, what runs comes first: by the score on
    the node where it runs (with those of what it is colocated with), then by the scores on the
    other nodes, best nodes first.
    """
    tops = placing.situation.expansion.tops
    if not placing.capacity.counts:
        return sorted(tops, key=lambda one: -one.meta.priority)
    nodes = placing.capacity.ranked(placing.nodes)

    def key(one: Instance) -> tuple[object, ...]:
        row, home = _joined(placing, one), _home(placing, one)
        here = -INFINITY if home == NOWHERE else row[home]
        return (-one.meta.priority, -here, [-row[node.index] for node in nodes])

    return sorted(tops, key=key)


def _home(placing: Placing, one: Instance) -> int:
    """Return the first node where a resource runs, NOWHERE if there is none.

    What nobody manages is no more where it was lost to the group or clone that it is in (measured).
    """
    standing = placing.situation.standing
    for where in standing[one.index].running:
        if one.is_primitive or placing.nodes[where].online:
            return where
        there = (each for each in one.primitives() if where in standing[each.index].running)
        if any(standing[each.index].managed for each in there):
            return where
    return NOWHERE


def _joined(placing: Placing, one: Instance) -> Row:
    """Return the scores of a resource with the wishes of its members and what it runs beside.

    A group is heard from its last member on, so that a wish of the first, which would leave no
    node, counts for nothing (measured).
    """
    speaker = one.children[-1] if one.variant is Variant.GROUP and one.children else one
    row = placing.ranking.rows[speaker.index]
    for pair in placing.pairs.spoken(speaker):
        row = placing.wishes.onwards(row, pair)
    for pair in placing.pairs.own_dependents(speaker):
        if pair.internal:
            row = placing.wishes.towards(row, pair.dependent, pair)
    return row


def beside(placing: Placing, one: Instance) -> Iterator[Instance]:
    """Yield a primitive and all that must be on its node and is not placed yet.

    Also what is bound to it by something that is. Of a clone one instance is enough, whichever it
    is (both measured).
    """
    seen = set()
    waiting = [one]
    while waiting:
        current = waiting.pop()
        if current.index in seen:
            continue
        if placing.chosen[current.index] == UNDECIDED:
            yield current
        seen.add(current.index)
        if current.in_clone is not None:
            seen.add(current.in_clone.index)
        for other in _bound(placing, current):
            if other.index not in seen:
                waiting.extend(_members(other))


def _bound(placing: Placing, one: Instance) -> Iterator[Instance]:
    """Yield what is bound to a primitive by mandatory colocations, in either direction.

    Of a clone that has an instance for every node no single one is followed, and a colocation of
    a role, on either side, binds nobody (both measured).
    """
    owner: Instance | None = one
    while owner is not None:
        for pair in placing.pairs.own_primaries(owner):
            if pair.mandatory and not pair.has_role:
                yield pair.primary
        followed = owner.variant is not Variant.CLONE or clone.is_scarce(placing, owner)
        for pair in placing.pairs.own_dependents(owner) if followed else ():
            if pair.mandatory and not pair.has_role:
                yield pair.dependent
        owner = owner.parent


def _members(one: Instance) -> Iterator[Instance]:
    """Yield the primitives that a resource puts on a node; one instance stands for a clone."""
    yield from (one.children[0] if one.variant is Variant.CLONE else one).primitives()


def order(steps: Steps, situation: Situation, capacity: Capacity) -> None:
    """Let what uses a node's capacity begin there after what gives capacity back has ended.

    By the names of the nodes: in a circle the last of them is not waited for.
    """
    if not capacity.counts:
        return
    leaving: dict[int, list[Step]] = {}
    coming: dict[int, list[Step]] = {}
    for one in situation.expansion.all:
        places = steps.places[one.index]
        # Of what was removed nobody knows what it needed, though another may have its name now.
        if not one.is_primitive or places is None or one.orphaned or not capacity.need(one):
            continue
        for node, stop in places.stops.items():
            leaving.setdefault(node, []).append(stop)
        if places.start is not None:
            coming.setdefault(places.start.node, []).append(places.migrate_to or places.start)
    for node in sorted(leaving.keys() & coming, key=lambda each: situation.nodes[each].rank):
        name = f"load_stopped_{situation.nodes[node].name}"
        between = steps.add(name, ActionKind.PSEUDO, Task.NOTHING, None, node)
        for step in leaving[node]:
            link(step, between, Link.ADVISORY)
        for step in coming[node]:
            link(between, step, Link.ADVISORY | Link.PULLS_FIRST)
