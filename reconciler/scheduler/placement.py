"""Assignment: the node of every primitive, from scores, colocations and what is already placed.

Resources are placed by priority, then in the order written; what a resource is colocated with is
placed before it, and a circle is cut where it closes. Ties go to the node with fewer resources,
then to the one where it runs, then to the first by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.frozen import frozen
from reconciler.model.role import Role
from reconciler.model.score import INFINITY, Ledger, Stage, Term, TermKind, add
from reconciler.scheduler import (
    bundle,
    clone,
    colocation,
    influence,
    options,
    promotion,
    remote,
    utilization,
)
from reconciler.scheduler.colocation import Pair, Pairs
from reconciler.scheduler.instance import Instance, Variant
from reconciler.scheduler.nodes import NOWHERE, UNDECIDED, Node
from reconciler.scheduler.options import PlacementStrategy
from reconciler.scheduler.ranking import Ranking, Row
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
            self.depend(one, pair)
        for pair in self.wishes.dependents(one):
            if pair.influence:
                self.wishes.apply(one, pair)

    def depend(self, one: Instance, pair: Pair) -> None:
        """Change the scores of a dependent by where its primary is.

        An optional colocation with a clone counts for each of its instances by itself, in the
        order of their placement, or promotion; one with a role of them counts as a whole. One too
        many that goes is missed by nobody. The
        containers of two bundles are paired as interleaved instances are (all measured).
        """
        primary = pair.primary
        if pair.scattered or not _matters(pair):
            return
        if pair.internal and remote.is_connection(one):
            pair = remote.reaching(self, pair)
        clone = primary.variant is Variant.CLONE
        role = _primary_role(pair)
        within = one.in_clone
        paired = clone and within is not None and within.spread.interleave
        if paired or (primary.bundle is not None and pair.dependent.bundle is not None):
            self._beside(one, pair, [self._partner(one, pair, role)])
        elif clone and not pair.mandatory:
            children = self.instance_order.get(primary.index, primary.children)
            speakers = [_speaker(child) for child in children]
            turns = [self._host(each, role) for each in speakers if not self._is_spare(each)]
            self._beside(one, pair, turns, singly=role is None)
        else:
            self._beside(one, pair, [self.hosts(pair, role)])
        grouped = pair.dependent.variant is Variant.GROUP
        speaks = not grouped or one in {pair.dependent, pair.dependent.children[0]}
        if clone and pair.mandatory and speaks:
            if role is not None:
                self._share(one, pair)
            elif within is None:
                for where in self.hosts(pair, role) or ():
                    self.ranking.name(one, where)

    def _is_spare(self, one: Instance) -> bool:
        """Tell whether it is an instance too many that goes; nobody misses it."""
        return one.removed and self.chosen[one.index] == NOWHERE

    def _beside(
        self, one: Instance, pair: Pair, turns: Sequence[set[int] | None], *, singly: bool = False
    ) -> None:
        """Take the nodes of a primary into account, one set after the other.

        What is optional is given up where it would leave no usable node: with ``singly``, the set
        that is one too many; else, and for the promoted role, all.
        """
        row = new = self.ranking.rows[one.index]
        finite = -INFINITY < pair.score < INFINITY
        for hosts in turns:
            if hosts is not None:
                next_row = self.depending(new, pair, hosts)
                if not (singly and finite) or self.ranking.usable(next_row):
                    new = next_row
        optional = finite or pair.dependent_role is Role.PROMOTED
        if new is row or (optional and not self.ranking.usable(new)):
            return
        term = Term(TermKind.COLOCATION, 0, pair.origin, pair.primary.base)
        self.ranking.become(one, new, term)
        self.ranking.copies[one.index] += 1

    def _partner(self, one: Instance, pair: Pair, role: Role | None) -> set[int] | None:
        """Return the node of the one instance of a clone that an interleaved instance looks at.

        It is the one on the best node for it, before the colocation counts (measured).
        """
        hosts = self.hosts(pair, role, entire=pair.mandatory)
        if not hosts:
            return hosts if pair.mandatory else None
        row = self.ranking.rows[one.index]

        def key(where: int) -> tuple[int, int, int]:
            return (-row[where], self.load[where], self.nodes[where].rank)

        return {min(hosts, key=key)}

    def _share(self, one: Instance, pair: Pair) -> None:
        """Give a dependent of a clone's role the scores of the instances in that role.

        Not of those that are left alone, nor of a bundle's containers (measured).
        """
        for child in pair.primary.children if pair.primary.bundle is None else ():
            speaker = child.children[0] if child.variant is Variant.GROUP else child
            if not self.situation.standing[speaker.index].managed:
                continue
            for where in self._host(speaker, pair.primary_role) or ():
                value = self.ranking.rows[speaker.index][where]
                self.ranking.name(one, where)
                if value:
                    term = Term(TermKind.COLOCATION, value, pair.origin, child.name)
                    self.ranking.add(one, where, term)

    def depending(self, row: Row, pair: Pair, hosts: set[int]) -> Row:
        """Return the scores of a dependent, given the nodes that its primary is on."""
        score = pair.score
        if not hosts:
            if score >= INFINITY:
                return [-INFINITY] * len(row)
            return [add(old, -score) for old in row] if score > 0 else row
        # Where instances of a clone must be, no attribute stands for their nodes.
        whole = pair.primary.variant is Variant.CLONE and pair.mandatory
        attribute = None if whole else pair.attribute
        matching = {colocation.attribute_value(self.nodes[where], attribute) for where in hosts}
        new = []
        for node, old in zip(self.nodes, row, strict=True):
            value = colocation.attribute_value(node, attribute)
            if value in matching:
                new.append(add(old, score) if score < INFINITY else old)
            else:
                new.append(-INFINITY if score >= INFINITY else old)
        return new

    def hosts(self, pair: Pair, role: Role | None, *, entire: bool = False) -> set[int] | None:
        """Return the nodes that count as the primary's; None: not decided, it does not count.

        Who must be with a clone cannot be with an instance that failed and is blocked (measured).

        Args:
            pair: whose primary it is.
            role: that the primary must have; None: any.
            entire: whether all of a group that is an instance of a clone must be there; for who
                must be with it any of it is enough, but for interleaved ones (measured).
        """
        primary = pair.primary
        if pair.internal and remote.is_connection(pair.dependent):
            return remote.holders(self, self._host(primary, role))
        if primary.variant is Variant.GROUP:
            if not primary.children:
                return set()
            primary = primary.children[-1 if pair.mandatory else 0]
        if primary.variant is not Variant.CLONE:
            return self._host(primary, role)
        if self.chosen[primary.index] == UNDECIDED:
            return None
        found: set[int] = set()
        for child in primary.children:
            if pair.mandatory and self.situation.is_blocked(child):
                continue
            anyone = pair.mandatory and not entire and child.variant is Variant.GROUP
            for member in child.children if anyone else [_speaker(child, entire=entire)]:
                found |= self._host(member, role) or set()
        return found

    def _host(self, primary: Instance, role: Role | None) -> set[int] | None:
        where = self.chosen[primary.index]
        if where == UNDECIDED:
            return None
        next_role = self.next_role[primary.index]
        if where == NOWHERE:
            return set() if role is None else None
        if primary.parent is not None and primary.parent.bundle is not None:
            return {where} if bundle.with_role(self, primary, role) else None
        return {where} if role in {None, next_role} else None

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

    def _settle(self, one: Instance, prefer: int) -> None:
        standing = self.situation.standing[one.index]
        kept_down = self._kept_down(one)
        if kept_down is not None:
            term = Term(kept_down, -INFINITY, one.origin, one.base)
            self.ranking.add_everywhere(one, term)
        self.ranking.note(Stage.PRIMITIVE, one)
        if not standing.managed:
            where = standing.running[0] if standing.running else NOWHERE
            self._take(one, where, standing.role if where != NOWHERE else Role.STOPPED)
            return
        if kept_down is not None or self.settings.stop_all:
            self._take(one, NOWHERE, Role.STOPPED)
            return
        where = self.best(one)
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

    def best(self, one: Instance) -> int:
        """Return the best usable node for a primitive, NOWHERE if there is none.

        Those with too little room are closed to it, which others hear of later. What is active in
        several places is at home in the first of them (both measured).
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
        if preferred in allowed and row[preferred] == row[found]:
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

        return utilization.first(self.capacity.table(self.ranking.copies[one.index])[::-1], before)

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


def _matters(pair: Pair) -> bool:
    """Tell whether a colocation matters for the placement of a dependent.

    What a role alone wants to be near does not, but with clones: what must be with one, unless
    both of them are about the promoted role, and what would like to be with a role of one. Of what
    runs inside of a bundle only what it avoids matters to the containers (measured).
    """
    if pair.dependent_role is None:
        return True
    if pair.dependent.inner is not None:
        return pair.score < 0
    if pair.score <= 0:
        return True
    if pair.primary.variant is not Variant.CLONE:
        return False
    if not pair.mandatory:
        return pair.primary_role is not None and pair.primary.promotable
    both = {_primary_role(pair), pair.dependent_role} == {Role.PROMOTED}
    return not both and not promotion.is_for_pairs(pair)


def _primary_role(pair: Pair) -> Role | None:
    """Return the role that a primary must have to count; None: any.

    What cannot be promoted is kept away from whatever role is named, and so are instances of a
    clone that must be there; but who must be with what is promoted in a bundle is (measured).
    """
    promoted = pair.mandatory and pair.primary.has_roles and pair.primary_role is Role.PROMOTED
    if pair.primary.promotable or 0 < pair.score < INFINITY or promoted:
        return pair.primary_role
    if pair.score < 0 or pair.primary.variant is Variant.CLONE:
        return None
    return pair.primary_role


def _speaker(child: Instance, *, entire: bool = False) -> Instance:
    """Return the member that stands for a clone's instance: its first, or with ``entire`` last."""
    if child.variant is Variant.GROUP and child.children:
        return child.children[-1 if entire else 0]
    return child


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
