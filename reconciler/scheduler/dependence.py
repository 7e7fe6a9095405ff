"""Dependence: what a colocation does to its dependent's scores once its primary has a node."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from reconciler.model.role import Role
from reconciler.model.score import INFINITY, Term, TermKind, add
from reconciler.scheduler import bundle, colocation, remote
from reconciler.scheduler.colocation import Pair
from reconciler.scheduler.instance import Instance, Variant
from reconciler.scheduler.nodes import NOWHERE, UNDECIDED
from reconciler.scheduler.ranking import Row

if TYPE_CHECKING:
    from reconciler.scheduler.placement import Placing


def depend(placing: Placing, one: Instance, pair: Pair) -> None:
    """Change the scores of a dependent by where its primary is.

    An optional colocation with a clone counts for each of its instances by itself, in the order of
    their placement, or promotion; one with a role of them counts as a whole. One too many that
    goes is missed by nobody. Where instances of a clone must be, no attribute stands for their
    nodes, but it does for that of the one instance that an interleaved one looks at (all measured).
    """
    primary = pair.primary
    if pair.scattered or not _matters(one, pair):
        return
    if pair.internal and remote.is_connection(one):
        pair = remote.reaching(placing, pair)
    clone = primary.variant is Variant.CLONE
    role = _primary_role(pair)
    within = one.in_clone
    paired = clone and _is_paired(pair, within, role)
    if clone and pair.mandatory and pair.attribute and not paired:
        pair = dataclasses.replace(pair, attribute=None)
    if paired:
        _beside(placing, one, pair, [_partner(placing, one, pair, role)])
    elif clone and not pair.mandatory:
        children = placing.instance_order.get(primary.index, primary.children)
        speakers = [_speaker(child) for child in children]
        turns = [_host(placing, each, role) for each in speakers if not _is_spare(placing, each)]
        _beside(placing, one, pair, turns, singly=role is None)
    else:
        _beside(placing, one, pair, [hosts_of(placing, pair, role)])
    grouped = pair.dependent.variant is Variant.GROUP
    speaks = not grouped or one in {pair.dependent, pair.dependent.children[0]}
    if clone and pair.mandatory and speaks:
        if role is not None:
            _share(placing, one, pair)
        elif within is None:
            for where in hosts_of(placing, pair, role) or ():
                placing.ranking.name(one, where)


def _is_paired(pair: Pair, within: Instance | None, role: Role | None) -> bool:
    """Tell whether an instance of a clone looks at one instance of its primary only.

    Interleaved ones do, but at all that have a role that is named; beside a bundle's containers all
    do, and those of bundles (all measured).
    """
    if pair.primary.bundle is not None:
        return within is not None or pair.dependent.bundle is not None
    return within is not None and within.spread.interleave and role is None


def _is_spare(placing: Placing, one: Instance) -> bool:
    """Tell whether it is an instance too many that goes; nobody misses it."""
    return one.removed and placing.chosen[one.index] == NOWHERE


def _beside(
    placing: Placing,
    one: Instance,
    pair: Pair,
    turns: Sequence[set[int] | None],
    *,
    singly: bool = False,
) -> None:
    """Take the nodes of a primary into account, one set after the other.

    What is optional is given up where it would leave no usable node: with ``singly``, the set
    that is one too many; else, and for the promoted role, all.
    """
    row = new = placing.ranking.rows[one.index]
    finite = -INFINITY < pair.score < INFINITY
    for hosts in turns:
        if hosts is not None:
            next_row = _depending(placing, new, pair, hosts)
            if not (singly and finite) or placing.ranking.usable(next_row):
                new = next_row
    optional = finite or pair.dependent_role is Role.PROMOTED
    if new is row or (optional and not placing.ranking.usable(new)):
        return
    term = Term(TermKind.COLOCATION, 0, pair.origin, pair.primary.base)
    placing.ranking.become(one, new, term)
    placing.ranking.copies[one.index] += 1


def _partner(placing: Placing, one: Instance, pair: Pair, role: Role | None) -> set[int] | None:
    """Return the node of the one instance of a clone that an interleaved instance looks at.

    It is the one on the best node for it, before the colocation counts; all members of a group
    look at that which the first has chosen (measured).
    """
    hosts = hosts_of(placing, pair, role, entire=pair.mandatory)
    if not hosts:
        return hosts if pair.mandatory else None
    row = placing.ranking.rows[_speaker(one.clone_child).index]

    def key(where: int) -> tuple[int, int, int]:
        return (-row[where], placing.load[where], placing.nodes[where].rank)

    return {min(hosts, key=key)}


def _share(placing: Placing, one: Instance, pair: Pair) -> None:
    """Give a dependent of a clone's role the scores of the instances in that role.

    Not of those that are left alone, nor of a bundle's containers (measured).
    """
    for child in pair.primary.children if pair.primary.bundle is None else ():
        speaker = child.children[0] if child.variant is Variant.GROUP else child
        if not placing.situation.standing[speaker.index].managed:
            continue
        for where in _host(placing, speaker, pair.primary_role) or ():
            value = placing.ranking.rows[speaker.index][where]
            placing.ranking.name(one, where)
            if value:
                term = Term(TermKind.COLOCATION, value, pair.origin, child.name)
                placing.ranking.add(one, where, term)


def _depending(placing: Placing, row: Row, pair: Pair, hosts: set[int]) -> Row:
    """Return the scores of a dependent, given the nodes that its primary is on."""
    score = pair.score
    if not hosts:
        if score >= INFINITY:
            return [-INFINITY] * len(row)
        return [add(old, -score) for old in row] if score > 0 else row
    attribute = pair.attribute
    matching = {colocation.attribute_value(placing.nodes[where], attribute) for where in hosts}
    new = []
    for node, old in zip(placing.nodes, row, strict=True):
        value = colocation.attribute_value(node, attribute)
        if value in matching:
            new.append(add(old, score) if score < INFINITY else old)
        else:
            new.append(-INFINITY if score >= INFINITY else old)
    return new


def hosts_of(
    placing: Placing, pair: Pair, role: Role | None, *, entire: bool = False
) -> set[int] | None:
    """Return the nodes that count as the primary's; None: not decided, it does not count.

    Who must be with a clone cannot be with an instance that failed and is blocked, but for who must
    be with one that is unpromoted (measured).

    Args:
        placing: what is placed by now.
        pair: whose primary it is.
        role: that the primary must have; None: any.
        entire: whether all of a group that is an instance of a clone must be there; for who
            must be with it any of it is enough, but for interleaved ones (measured).
    """
    primary = pair.primary
    if pair.internal and remote.is_connection(pair.dependent):
        return remote.holders(placing, _host(placing, primary, role))
    if primary.variant is Variant.GROUP:
        if not primary.children:
            return set()
        primary = primary.children[-1 if pair.mandatory else 0]
    if primary.variant is not Variant.CLONE:
        return _host(placing, primary, role)
    if placing.chosen[primary.index] == UNDECIDED:
        return None
    found: set[int] = set()
    shunned = pair.mandatory and role is not Role.UNPROMOTED
    for child in primary.children:
        if shunned and placing.situation.is_blocked(child):
            continue
        anyone = pair.mandatory and not entire and child.variant is Variant.GROUP
        for member in child.children if anyone else [_speaker(child, entire=entire)]:
            found |= _host(placing, member, role) or set()
    return found


def _host(placing: Placing, primary: Instance, role: Role | None) -> set[int] | None:
    where = placing.chosen[primary.index]
    if where == UNDECIDED:
        return None
    next_role = placing.next_role[primary.index]
    if where == NOWHERE:
        return set() if role is None else None
    if primary.parent is not None and primary.parent.bundle is not None:
        return {where} if bundle.with_role(placing, primary, role) else None
    return {where} if role in {None, next_role} else None


def _matters(one: Instance, pair: Pair) -> bool:
    """Tell whether a colocation matters for the placement of a dependent.

    What a role alone wants to be near does not, but with clones: what must be with one, unless
    both of them are about the promoted role, and what would like to be with a role of one. Of what
    runs inside of a bundle only what it avoids matters to the containers. What people want
    unpromoted is drawn as if its role was not named (all measured).
    """
    if pair.dependent_role is None:
        return True
    if pair.dependent.inner is not None:
        return pair.score < 0
    sure = pair.dependent_role is Role.UNPROMOTED is one.meta.target_role and not pair.pairwise
    if pair.score <= 0 or sure:
        return True
    if pair.primary.variant is not Variant.CLONE:
        return False
    if not pair.mandatory:
        return pair.primary_role is not None and pair.primary.promotable
    both = {_primary_role(pair), pair.dependent_role} == {Role.PROMOTED}
    return not both and not pair.pairwise


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
