"""Promotion: which instances of a promotable clone become promoted.

Agents set a promotion score on each node (transient attribute ``master-RSC``). The highest
instances are promoted, as many as the clone wants (Pacemaker Explained, "Promotable clones").
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from reconciler.frozen import frozen
from reconciler.model import property  # noqa: A004 - a module's name
from reconciler.model.role import Role
from reconciler.model.score import INFINITY, Ledger, Term, TermKind, add, difference, total
from reconciler.scheduler import bundle, colocation, dependence, precedence, quorum
from reconciler.scheduler.colocation import Pair
from reconciler.scheduler.instance import Instance, Variant
from reconciler.scheduler.location import Wish
from reconciler.scheduler.nodes import NOWHERE, UNDECIDED, Node
from reconciler.scheduler.ranking import Row
from reconciler.scheduler.situation import RANK, Situation

if TYPE_CHECKING:
    from reconciler.scheduler.placement import Placing


@frozen
class Scores:
    """What speaks for promotion: attributes of nodes, and locations for the promoted role.

    Attributes:
        wishes: the locations.
        quorate: whether there is quorum.
    """

    wishes: tuple[Wish, ...]
    quorate: bool = True

    def attribute(self, situation: Situation, one: Instance, node: Node) -> int | None:
        """Return the promotion score that an agent set for a primitive, or None.

        Old agents set one for each instance by its number, by which it is told from others until
        its history has no number (measured).
        """
        for name in (situation.standing[one.index].known_as or one.name, one.history_name):
            text = node.attributes.get(f"master-{name}")
            if text is not None:
                return property.score(text) or 0
        return None

    def of(
        self, situation: Situation, child: Instance, node: Node, speaker: Node | None = None
    ) -> int | None:
        """Return the promotion score of an instance; a group's is the sum of its members'.

        It is a plain sum, without a bound: what one member gives without limit, another can take
        back, and two that do count for more than one (measured).

        Args:
            situation: what is known.
            child: the instance.
            node: where it would be promoted.
            speaker: the node with the attributes; None: the same.
        """
        found = []
        for one in child.primitives():
            counts = _counts(situation, one, node)
            value = self.attribute(situation, one, speaker or node) if counts else None
            if value is not None:
                found.append(value)
        return sum(found) if found else None


def _counts(situation: Situation, one: Instance, node: Node) -> bool:
    """Tell whether the promotion score that a node has for a resource counts for an instance.

    It does for the instance that is active there; where none is, for every instance, if the node
    was asked; and everywhere for an instance of which nothing is known anywhere (measured). One
    that can be told apart from its siblings has nothing to do with them.
    """
    siblings = (one,) if one.unique else situation.expansion.by_base[one.base]
    holder = next(
        (each for each in siblings if node.index in situation.standing[each.index].running), None
    )
    if holder is one:
        return True
    known = situation.known.get(one.history_name, {}).get(node.index)
    if holder is None and known is not None and not known.doubted:
        return True
    return not situation.standing[one.index].seen_on


def add_to_placement(placing: Placing, clone: Instance) -> None:
    """Let promotion scores pull instances to nodes where they would be promoted.

    The highest counts as the instance's priority, too. What a group is to be promoted for moves
    none of its members (measured).
    """
    for child in clone.children:
        for node in placing.nodes:
            if placing.ranking.rows[child.index][node.index] < 0 or not node.takes_resources:
                continue
            value = placing.promotions.of(placing.situation, child, node)
            if value is None or value <= 0:
                continue
            placing.ranking.add(
                child,
                node.index,
                Term(TermKind.PROMOTION_SCORE, value, clone.origin, clone.base),
            )
            highest = placing.promotion_priority.get(child.index, child.meta.priority)
            placing.promotion_priority[child.index] = max(highest, value)


def choose(
    placing: Placing,
    clone: Instance,
    instances: Sequence[Instance],
    order: precedence.Precedence,
    *,
    echoes: Mapping[int, int],
) -> None:
    """Promote the best instances.

    Args:
        placing: the assignment while it is made.
        clone: whose instances they are.
        instances: in the order in which they were placed.
        order: compares them where scores and roles are equal.
        echoes: how often an instance heard what it would like to be with, by its number.
    """
    _part(placing, clone, instances)
    held = {child.index for child in instances if _is_held(placing.situation, child)}
    stays = [Term(TermKind.UNMANAGED, INFINITY, clone.origin, clone.base)]
    terms = {
        child.index: stays.copy()
        if child.index in held and _seat(placing, child) >= 0
        else _own(placing, clone, child, echoes[child.index])
        for child in instances
    }
    own = {index: _sum(found) for index, found in terms.items()}
    rising = {index: score for index, score in own.items() if index not in held}
    final = own | _final(placing, clone, rising, terms)
    for child in clone.children:
        where = _seat(placing, child)
        name = placing.nodes[where].name if where >= 0 else ""
        placing.promotion_scores.setdefault(child.name, {})[name] = final[child.index]
        placing.promotion_ledgers[child.name] = Ledger(tuple(terms[child.index]))
    standing = placing.situation.standing
    ranked = sorted(
        instances,
        key=lambda child: (
            child.index not in held,
            -final[child.index],
            -RANK[standing[child.index].role],
            order.key(child, own[child.index]),
        ),
    )
    placing.instance_order[clone.index] = ranked
    _promote(placing, clone, ranked, final, held)


def _promote(
    placing: Placing,
    clone: Instance,
    ranked: Sequence[Instance],
    final: Mapping[int, int],
    held: AbstractSet[int],
) -> None:
    """Give the first of some instances the promoted role, as many as the clone and nodes may have."""
    promoted = 0
    per_node: dict[int, int] = {}
    for child in ranked:
        where = _seat(placing, child)
        if where < 0:
            promoted += child.index in held
            continue
        fits = per_node.get(where, 0) < clone.spread.promoted_node_max
        room = fits and promoted < clone.spread.promoted_max
        may = final[child.index] >= 0 and room and _may_be_promoted(placing, child)
        if may or child.index in held:
            promoted += 1
            per_node[where] = per_node.get(where, 0) + 1
            role = _with_quorum(placing, child)
        else:
            role = Role.UNPROMOTED
        for one in child.primitives():
            managed = placing.situation.standing[one.index].managed
            if placing.chosen[one.index] >= 0 and managed:
                placing.next_role[one.index] = role


def _seat(placing: Placing, child: Instance) -> int:
    """Return where an instance would be promoted: nowhere if its members are apart (measured)."""
    seats = {placing.chosen[one.index] for one in child.primitives()} - {NOWHERE}
    return placing.chosen[child.index] if len(seats) <= 1 else NOWHERE


def _part(placing: Placing, clone: Instance, instances: Sequence[Instance]) -> None:
    """Take away the instances that have no partner where they were placed, and must have one.

    Pacemaker's scheduler does so, too, where only the promoted ones must.
    """
    for pair in placing.pairs.own_primaries(clone):
        due = pair.pairwise and pair.dependent_role is Role.UNPROMOTED
        hosts = dependence.hosts_of(placing, pair, None) if due else None
        if hosts is None:
            continue
        for child in instances:
            managed = placing.situation.standing[child.index].managed
            if managed and placing.chosen[child.index] not in {NOWHERE, *hosts}:
                placing.release(child)
                placing.chosen[child.index] = NOWHERE
                placing.next_role[child.index] = Role.STOPPED
                ban = Term(TermKind.COLOCATION, -INFINITY, pair.origin, pair.primary.base)
                placing.ranking.add_everywhere(child, ban)


def _is_held(situation: Situation, child: Instance) -> bool:
    """Tell whether an instance is, or may be, promoted and cannot be demoted: nobody takes its place.

    Pacemaker's scheduler counts one whose demotion failed as demoted, and promotes another beside
    it; here a doubt is no leave to promote. Where people want members unpromoted, no instance is
    promoted, and they sink beside the one that cannot (measured).
    """
    if _kept_unpromoted(situation, child):
        return False
    for one in child.primitives():
        standing = situation.standing[one.index]
        if standing.managed:
            continue
        doubted = any(state.demotion_failed for state in standing.states.values())
        if standing.role is Role.PROMOTED or doubted:
            return True
    return False


def _may_be_promoted(placing: Placing, child: Instance) -> bool:
    role = placing.situation.standing[child.index].role
    quorate = placing.promotions.quorate
    for one in child.primitives():
        if role is not Role.PROMOTED and quorum.freezes(placing.settings, quorate=quorate):
            return False
        if placing.limit(one) in {Role.UNPROMOTED, Role.STOPPED, Role.STARTED}:
            return False
        where = placing.chosen[one.index]
        if where < 0 or not placing.nodes[where].takes_resources:
            return False
        remote = placing.nodes[where].remote
        if remote is not None and remote.fading:
            return False
        standing = placing.situation.standing[one.index]
        if not standing.managed and standing.role is not Role.PROMOTED:
            return False
    return True


def _with_quorum(placing: Placing, child: Instance) -> Role:
    """Return the role of one that was chosen: who may not be promoted without quorum stays chosen.

    Nobody else is promoted for that (measured).
    """
    role = placing.situation.standing[child.index].role
    quorate = placing.promotions.quorate
    sinks = any(
        quorum.demotes(one, role, placing.settings, quorate=quorate) for one in child.primitives()
    )
    return Role.UNPROMOTED if sinks else Role.PROMOTED


def _final(
    placing: Placing, clone: Instance, own: Mapping[int, int], terms: Mapping[int, list[Term]]
) -> dict[int, int]:
    """Return how much speaks for promoting each instance, by its number.

    What is its own decides whether it may be promoted at all. Only where it may do preferences
    count: those of the clone for the node, with all that would be promoted there, and those of the
    clone's colocations; the clone itself keeps all of it (measured). What is added is entered into
    ``terms``.
    """
    ranking = placing.ranking
    row = ranking.rows[clone.index].copy()
    seats = {index: _seat(placing, placing.situation.expansion.all[index]) for index in own}
    rising = {index: seats[index] for index, score in own.items() if min(score, seats[index]) >= 0}
    for index, where in rising.items():
        row[where] = add(row[where], own[index])
    ranking.become(clone, row, Term(TermKind.PROMOTION_SCORE, 0, clone.origin, clone.base))
    final = {index: row[where] for index, where in rising.items()}
    _enter(terms, final, Term(TermKind.CLONE, 0, clone.origin, clone.base))
    for pair, other, next_row in _preferred(placing, clone, row):
        final = {index: next_row[where] for index, where in rising.items()}
        wish = Term(TermKind.COLOCATION_WISH, 0, pair.origin, other.base)
        _enter(terms, final, wish)
        ranking.become(clone, next_row, wish)
    if clone.outer is not None:
        for index in rising:
            host = bundle.host(placing, placing.situation.expansion.all[index])
            outside = [0] * len(row)
            outside[host] = final[index]
            for pair, other, next_row in _preferred(placing, clone.outer, outside):
                final[index] = next_row[host]
                wish = Term(TermKind.COLOCATION_WISH, 0, pair.origin, other.base)
                _enter(terms, {index: final[index]}, wish)
    return {**own, **final}


def _sum(terms: Sequence[Term]) -> int:
    """Return a sum of scores; one that is alone keeps what is beyond any bound (measured)."""
    return terms[0].value if len(terms) == 1 else total(term.value for term in terms)


def _enter(terms: Mapping[int, list[Term]], scores: Mapping[int, int], term: Term) -> None:
    """Enter what turned the sums of terms into the scores."""
    for index, score in scores.items():
        before = total(each.value for each in terms[index])
        if score != before:
            terms[index].append(dataclasses.replace(term, value=difference(before, score)))


def _own(placing: Placing, clone: Instance, child: Instance, echoes: int) -> list[Term]:
    """Return what says whether an instance may be promoted where it is going to be.

    It is its promotion score, with locations for the promoted role and the company that this role
    must keep or avoid; nothing for an instance that is nowhere, and nothing else than what they
    say for one that people want unpromoted; none is promoted where another member of a group is
    nowhere. What the role would like to be with counts as often as the instance heard it while it
    was placed (all measured).
    """
    where = _seat(placing, child)
    if where < 0:
        return []
    if _kept_unpromoted(placing.situation, child):
        return [Term(TermKind.TARGET_ROLE, -INFINITY, clone.origin, child.base)]
    if any(placing.chosen[one.index] < 0 for one in child.primitives()):
        return [Term(TermKind.UNAVAILABLE, -INFINITY, clone.origin, child.base)]
    node = placing.nodes[where]
    speaker = bundle.speaking(placing, child, where)
    own = None
    if speaker is not None:
        own = placing.promotions.of(placing.situation, child, node, speaker)
    found = [Term(TermKind.PROMOTION_SCORE, -1 if own is None else own, clone.origin, child.base)]
    found.extend(_located(placing.promotions.wishes, clone, where))
    # A bundle's colocations with a role hold for the nodes of its containers; locations do not.
    said = [(clone, where)]
    if clone.outer is not None:
        said.append((clone.outer, bundle.host(placing, child)))
    for whole, there in said:
        for pair in _primaries(placing, whole):
            times = _times(pair, echoes)
            value = _beside(placing, pair, there) if times else 0
            if value:
                term = Term(TermKind.COLOCATION, value, pair.origin, pair.primary.base)
                found.extend([term] * times)
    return found


def _times(pair: Pair, echoes: int) -> int:
    """Return how often a colocation of a role is said of an instance that heard it while placed."""
    if pair.dependent_role is None:
        return 0
    if not 0 < pair.score < INFINITY:
        return 1
    return 0 if pair.dependent_role is Role.STOPPED else echoes


def _primaries(placing: Placing, whole: Instance) -> Iterator[Pair]:
    """Yield what a clone or bundle is colocated with.

    What a bundle would rather avoid only its containers hear of, whatever role is named (measured).
    """
    for pair in placing.pairs.own_primaries(whole):
        if whole.bundle is None or pair.score > 0 or pair.score <= -INFINITY:
            yield pair


def _located(wishes: Sequence[Wish], clone: Instance, where: int) -> Iterator[Term]:
    """Yield what locations for the promoted role of a clone say of a node."""
    for wish in wishes:
        if wish.instance in {clone, clone.outer} and wish.role is Role.PROMOTED:
            for place, value in wish.scores:
                if place == where:
                    yield Term(wish.kind, value, wish.origin, wish.id)


def _kept_unpromoted(situation: Situation, child: Instance) -> bool:
    """Tell whether people want an instance unpromoted; what is left alone stays as it is."""
    return any(
        one.meta.target_role is Role.UNPROMOTED and situation.standing[one.index].managed
        for one in child.primitives()
    )


def _beside(placing: Placing, pair: Pair, where: int) -> int:
    """Return what a colocation with the promoted role adds, given where its primary is.

    What it says of the unpromoted role counts the other way round. A primary that has not the
    role that is named adds nothing, nor does one that is not placed, in a circle (measured).
    """
    promoted = pair.dependent_role is Role.PROMOTED
    named = pair.primary_role if pair.primary.promotable else None
    instances = pair.primary.variant is Variant.CLONE and (not promoted or named is None)
    if pair.mandatory and instances and not pair.interleaved:
        return 0
    placing.place(pair.primary)
    if placing.chosen[pair.primary.index] == UNDECIDED:
        return 0
    if not _among(placing, pair, dependence.hosts_of(placing, pair, named), where):
        return -INFINITY if pair.mandatory and promoted else 0
    if not _among(placing, pair, dependence.hosts_of(placing, pair, pair.primary_role), where):
        return 0
    return pair.score if promoted else -pair.score


def _among(placing: Placing, pair: Pair, hosts: set[int] | None, where: int) -> bool:
    """Tell whether a node is as good as one of some, as the pair compares them."""
    values = {
        colocation.attribute_value(placing.nodes[each], pair.attribute) for each in hosts or ()
    }
    return colocation.attribute_value(placing.nodes[where], pair.attribute) in values


def _preferred(placing: Placing, clone: Instance, row: Row) -> Iterator[tuple[Pair, Instance, Row]]:
    """Yield a clone's scores as its colocations' wishes for the promoted role change them.

    With each pair, and the resource at its other end.
    """
    for pair in _primaries(placing, clone):
        if pair.dependent_role is Role.PROMOTED and pair.score > -INFINITY:
            row = placing.wishes.apart(clone, row, pair.primary, pair)
            yield pair, pair.primary, row
    for pair in placing.pairs.own_dependents(clone):
        if pair.primary_role is Role.PROMOTED and pair.influence:
            row = placing.wishes.apart(clone, row, pair.dependent, pair, positive_only=True)
            yield pair, pair.dependent, row
