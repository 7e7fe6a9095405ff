"""Assignment: the node of every primitive, from scores, colocations and what is already placed.

Resources are placed by priority, then in the order written; what a resource is colocated with is
placed before it, and a circle is cut where it closes. Ties go to the node with fewer resources,
then to the one where it runs, then to the first by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.frozen import frozen
from reconciler.model.role import Role
from reconciler.model.score import INFINITY, Ledger, Stage, Term, TermKind
from reconciler.scheduler import (
    bundle,
    clone,
    dependence,
    influence,
    options,
    promotion,
    remote,
    utilization,
)
from reconciler.scheduler.colocation import Pairs
from reconciler.scheduler.instance import Instance, Variant
from reconciler.scheduler.nodes import NOWHERE, UNDECIDED, Node
from reconciler.scheduler.options import PlacementStrategy
from reconciler.scheduler.ranking import Ranking
from reconciler.scheduler.situation import Situation

Contest = tuple[list[int], tuple[int, ...]]
"""The nodes that were open to a resource, and how many each node had taken by then."""


@frozen
class Assignment:
    """The result: node and next role of every instance, by the instance's number.

    Attributes:
        chosen: number of the node; NOWHERE: it will not run.
        next_role: STOPPED, STARTED, UNPROMOTED or PROMOTED.
        promotion_scores: by instance name, then node name (empty: not placed).
        promotion_ledgers: what they are the sums of, by instance name.
        contests: by the instance's number; none for what had no choice.
    """

    chosen: tuple[int, ...]
    next_role: tuple[Role, ...]
    ranking: Ranking
    promotion_scores: dict[str, dict[str, int]]
    promotion_ledgers: dict[str, Ledger]
    contests: dict[int, Contest]
    capacity: utilization.Capacity


class Placing:
    """The assignment while it is made; lives inside ``assign`` only."""

    def __init__(
        self,
        situation: Situation,
        ranking: Ranking,
        pairs: Pairs,
        settings: options.Cluster,
        promotions: promotion.Scores,
    ) -> None:
        self.situation = situation
        self.nodes: Sequence[Node] = situation.nodes
        self.ranking = ranking
        self.pairs = pairs
        self.settings = settings
        self.promotions = promotions
        self.wishes = influence.Wishes(ranking, pairs)
        size = len(situation.expansion.all)
        self.chosen = [UNDECIDED] * size
        self.next_role = [Role.UNKNOWN] * size
        self.load = [0] * len(self.nodes)
        self.capacity = utilization.Capacity(self.nodes, settings)
        self.promotion_scores: dict[str, dict[str, int]] = {}
        self.promotion_ledgers: dict[str, Ledger] = {}
        self.contests: dict[int, Contest] = {}
        self.promotion_priority: dict[int, int] = {}
        self.instance_order: dict[int, list[Instance]] = {}
        self._busy: set[int] = set()

    def place(self, one: Instance) -> None:
        """Place a resource and whatever it depends on; of a group or clone, all (measured)."""
        if self.chosen[one.index] != UNDECIDED or one.index in self._busy:
            return
        top = one.top
        if top is not one and (top.variant is Variant.CLONE or top.index not in self._busy):
            self.place(top)
            return
        match one.variant:
            case Variant.PRIMITIVE:
                self.primitive(one)
            case Variant.GROUP:
                self.group(one)
            case Variant.CLONE:
                if one.outer is not None:
                    remote.reach(self, one.outer)
                self._busy.add(one.index)
                clone.place(self, one)
                self._busy.discard(one.index)
                self.chosen[one.index] = NOWHERE
                for each in bundle.company(self.situation.expansion, one):
                    self.place(each)

    def group(self, one: Instance, prefer: int = NOWHERE) -> None:
        """Place a group's members one after the other; with ``prefer``, there if no node is better."""
        if not one.children:
            self.chosen[one.index] = NOWHERE
            return
        self._busy.add(one.index)
        self.wishes.opened.add(one.index)
        for each in one.below():
            self.ranking.note(Stage.GROUP, each)
        for member in one.children:
            self.primitive(member, prefer)
        self._busy.discard(one.index)
        first = self.chosen[one.children[0].index]
        if first != UNDECIDED:
            self.chosen[one.index] = first

    def primitive(self, one: Instance, prefer: int = NOWHERE) -> None:
        """Place a primitive; with ``prefer``, there or, but for members of groups, not yet."""
        if self.chosen[one.index] != UNDECIDED or one.index in self._busy:
            return
        self._busy.add(one.index)
        try:
            self._follow(one)
            self._settle(one, prefer)
        finally:
            self._busy.discard(one.index)

    def _follow(self, one: Instance) -> None:
        """Let colocations change the scores: first as dependent, then as primary."""
        for pair in self.pairs.primaries(one):
            if pair.primary is one.parent:
                continue
            self.place(pair.primary)
            dependence.depend(self, one, pair)
        for pair in self.wishes.dependents(one):
            if pair.influence:
                self.wishes.apply(one, pair)

    def limit(self, one: Instance) -> Role | None:
        """Return the role that an instance must not pass; None: no limit."""
        return Role.STOPPED if self.settings.stop_all else self._own_limit(one)

    def _own_limit(self, one: Instance) -> Role | None:
        """Return the role that an instance must not pass for reasons of its own."""
        standing = self.situation.standing[one.index]
        wanted = one.meta.target_role
        if standing.next_role is not None and standing.next_role is Role.STOPPED:
            return Role.STOPPED
        if wanted is Role.PROMOTED:
            return None
        return wanted if wanted is not None else standing.next_role

    def _kept_down(self, one: Instance) -> TermKind | None:
        """Return what of a primitive forbids it to run anywhere; None: nothing."""
        if self._own_limit(one) is Role.STOPPED:
            return TermKind.TARGET_ROLE
        if self.situation.standing[one.index].stop_only:
            return TermKind.MULTIPLY_ACTIVE
        return TermKind.REMOVED if one.removed else None

    def _stay_together(self, one: Instance) -> None:
        """Keep an idle member of a cloned group from starting apart from one that is blocked.

        The next plan would take what runs for an instance of its own, and for one too many.
        """
        group, standing = one.parent, self.situation.standing
        if group is None or one.in_clone is None or group is not one.clone_child:
            return
        stuck = [each for each in group.children if standing[each.index].blocked]
        if standing[one.index].running or not stuck:
            return
        seats = {where for each in stuck for where in standing[each.index].running}
        term = Term(TermKind.COLOCATION, -INFINITY, group.origin, stuck[0].base)
        for node in self.nodes if seats else ():
            if node.index not in seats:
                self.ranking.add(one, node.index, term)

    def _settle(self, one: Instance, prefer: int) -> None:
        standing = self.situation.standing[one.index]
        kept_down = self._kept_down(one)
        if kept_down is not None:
            term = Term(kept_down, -INFINITY, one.origin, one.base)
            self.ranking.add_everywhere(one, term)
        self._stay_together(one)
        self.ranking.note(Stage.PRIMITIVE, one)
        if not standing.managed:
            where = standing.running[0] if standing.running else NOWHERE
            self._take(one, where, standing.role if where != NOWHERE else Role.STOPPED)
            return
        if kept_down is not None or self.settings.stop_all:
            self._take(one, NOWHERE, Role.STOPPED)
            return
        where = self.best(one, bound=prefer != NOWHERE)
        if where != NOWHERE and prefer not in {NOWHERE, where}:
            row = self.ranking.rows[one.index]
            allowed, _ = self.contests[one.index]
            if prefer in allowed and row[prefer] == row[where]:
                where = prefer
            elif one is one.clone_child:
                return
        role = Role.STOPPED
        if where != NOWHERE:
            role = Role.UNPROMOTED if one.promotable else Role.STARTED
        self._take(one, where, role)

    def best(self, one: Instance, *, bound: bool = False) -> int:
        """Return the best usable node for a primitive, NOWHERE if there is none.

        Those with too little room are closed to it, which others hear of later. What is active in
        several places is at home in the first of them. With ``bound``, as it was to go to a certain
        node, nobody asks which has the most room (all measured).
        """
        row = self.ranking.rows[one.index]
        running = self.situation.standing[one.index].running
        home = running[0] if running else NOWHERE
        allowed = [
            node.index for node in self.nodes if row[node.index] >= 0 and node.takes_resources
        ]
        fitting, preferred = self.capacity.fitting(self, one, allowed)
        full = Term(TermKind.CAPACITY, -INFINITY, one.origin, one.base)
        for where in allowed if len(fitting) < len(allowed) else ():
            if where not in fitting:
                self.ranking.add(one, where, full)
        allowed = fitting
        self.contests[one.index] = allowed, tuple(self.load)
        if not allowed:
            return NOWHERE
        found = self._first(one, allowed, home)
        if preferred in allowed and row[preferred] == row[found] and not bound:
            return preferred
        if one.unique or row[found] <= 0:
            return found
        stays = home in allowed and row[home] == row[found]
        return home if stays else found

    def _first(self, one: Instance, allowed: Sequence[int], current: int) -> int:
        """Return the node that comes first among those allowed, as the strategy compares them."""
        row = self.ranking.rows[one.index]
        strategy = self.settings.placement_strategy
        load = [0] * len(self.nodes) if strategy is PlacementStrategy.MINIMAL else self.load
        here = NOWHERE if strategy is PlacementStrategy.MINIMAL else current

        def key(where: int) -> tuple[int, int, bool, int]:
            return (-row[where], load[where], where != here, self.nodes[where].rank)

        if strategy is not PlacementStrategy.BALANCED:
            return min(allowed, key=key)
        open_to_it = set(allowed)

        def before(left: int, right: int) -> bool:
            if not open_to_it >= {left, right}:
                return left in open_to_it
            freer = 0
            if row[left] == row[right]:
                freer = self.capacity.freer(left, right)
            return freer > 0 if freer else key(left) < key(right)

        ranking = self.ranking
        table = self.capacity.table(ranking.copies[one.index], ranking.named.get(one.index))
        return utilization.first(table[::-1], before)

    def _take(self, one: Instance, where: int, role: Role) -> None:
        self.chosen[one.index] = where
        self.next_role[one.index] = role
        if where != NOWHERE:
            self.load[where] += 1
            self.capacity.take(one, where)

    def overlook(self, one: Instance) -> None:
        """Let an instance be nowhere that is one too many, though it may be left alone somewhere."""
        self._leave(one, NOWHERE)
        for each in one.below():
            self.next_role[each.index] = Role.STOPPED

    def release(self, one: Instance) -> None:
        """Undo the placement of an instance and of everything in it."""
        self._leave(one, UNDECIDED)

    def _leave(self, one: Instance, mark: int) -> None:
        for each in one.below():
            where = self.chosen[each.index]
            if where >= 0 and each.is_primitive:
                self.load[where] -= 1
                self.capacity.give_back(each, where)
            self.chosen[each.index] = mark


def assign(
    situation: Situation,
    ranking: Ranking,
    pairs: Pairs,
    settings: options.Cluster,
    promotions: promotion.Scores,
) -> Assignment:
    """Place everything."""
    placing = Placing(situation, ranking, pairs, settings, promotions)
    remote.expect(placing)
    sequence = utilization.sequence(placing)
    remote.connect(placing, sequence)
    for one in sequence:
        placing.place(one)
    chosen = tuple(max(where, NOWHERE) for where in placing.chosen)
    roles = tuple(Role.STOPPED if role is Role.UNKNOWN else role for role in placing.next_role)
    return Assignment(
        chosen,
        roles,
        ranking,
        placing.promotion_scores,
        placing.promotion_ledgers,
        placing.contests,
        placing.capacity,
    )


class OpenNodes(Mapping[str, Mapping[str, int]]):
    """Instance to the nodes that were open to it, with what they had taken; made when asked for."""

    __slots__ = ("_contests", "_names", "_nodes")

    def __init__(self, situation: Situation, assignment: Assignment) -> None:
        self._contests = assignment.contests
        self._nodes = situation.nodes
        self._names = {one.name: one.index for one in situation.expansion.all}

    def __getitem__(self, name: str) -> Mapping[str, int]:
        places, loads = self._contests[self._names[name]]
        return {self._nodes[place].name: loads[place] for place in places}

    def __iter__(self) -> Iterator[str]:
        return (name for name, index in self._names.items() if index in self._contests)

    def __len__(self) -> int:
        return len(self._contests)
