"""Resources that can run nowhere, whatever the nodes do: what forbids each node, line by line.

A resource is reported where every node is closed to it by what was written: locations, a cluster
where nodes must be named, colocations with what is itself bound elsewhere, capacity. Nodes that are
down now, failures, tickets and lost quorum pass; they make no finding here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from reconciler.errors import diagnostic, position
from reconciler.model import attribute, constraint, desired, node, observed, resource
from reconciler.model.score import INFINITY, Ledger, Term, TermKind, total
from reconciler.scheduler import placement
from reconciler.scheduler.instance import Instance, Variant
from reconciler.scheduler.situation import Situation

_WRITTEN = frozenset({TermKind.LOCATION, TermKind.NOT_ALLOWED})
_KEPT_DOWN = frozenset({TermKind.TARGET_ROLE, TermKind.MULTIPLY_ACTIVE, TermKind.REMOVED})
_DEPTH = 8
Line = tuple[position.Position, str, str]
"""Where it is written, what it does, and the node that it does it to (empty: no single one)."""


class Outcome:
    """Where everything is placed, and why."""

    __slots__ = ("_made", "assignment", "ledgers", "situation")

    def __init__(
        self,
        situation: Situation,
        assignment: placement.Assignment,
        ledgers: Mapping[str, Mapping[str, Ledger]],
    ) -> None:
        self.situation = situation
        self.assignment = assignment
        self.ledgers = ledgers
        self._made: dict[str, Mapping[str, Ledger]] = {}

    def terms(self, one: Instance, node: str) -> tuple[Term, ...]:
        """Return the terms of the score of an instance on a node."""
        if one.name not in self._made:
            self._made[one.name] = self.ledgers[one.name]
        return self._made[one.name][node].terms


def find(outcome: Outcome) -> Iterator[diagnostic.Diagnostic]:
    """Yield a finding for each resource that no node can ever take."""
    if not any(node.takes_resources for node in outcome.situation.nodes):
        return
    for one in outcome.situation.expansion.tops:
        for member in _first_of_each(one):
            if _runs(member, outcome) or not _wanted(member, outcome):
                continue
            lines = _closed(member, outcome)
            if lines:
                yield _finding(member, lines)
                break


def _first_of_each(one: Instance) -> Iterator[Instance]:
    """Yield the primitives of a resource, of a clone those of its first instance."""
    if one.variant is not Variant.CLONE:
        yield from one.primitives()
    elif one.children and one.spread.maximum:
        yield from one.children[0].primitives()


def _wanted(one: Instance, outcome: Outcome) -> bool:
    if one.removed or not outcome.situation.standing[one.index].managed:
        return False
    anywhere = outcome.situation.nodes[0].name
    return not any(term.kind in _KEPT_DOWN for term in outcome.terms(one, anywhere))


def _runs(one: Instance, outcome: Outcome) -> bool:
    """Tell whether a primitive, or another instance of it, has a node."""
    alike = outcome.situation.expansion.by_base.get(one.base, [one])
    return any(outcome.assignment.chosen[each.index] >= 0 for each in alike)


def _closed(one: Instance, outcome: Outcome) -> list[Line]:
    """Return the lines that close every node to a primitive; empty: one of them may open again."""
    found: list[Line] = []
    for place in range(len(outcome.situation.nodes)):
        lines = _closing(one, place, outcome, frozenset())
        if not lines:
            return []
        found.extend(each for each in lines if each not in found)
    return found


def _closing(one: Instance, place: int, outcome: Outcome, seen: frozenset[str]) -> list[Line]:
    """Return the lines that close one node to a primitive for good; empty: none do."""
    if one.base in seen or len(seen) > _DEPTH:
        return []
    name = outcome.situation.nodes[place].name
    terms = outcome.terms(one, name)
    written = [term for term in terms if term.kind in _WRITTEN]
    if total(term.value for term in written) < 0:
        return [(_origin(term, one), _ban(term), name) for term in written if term.value < 0]
    lacking = _lacking(one, place, outcome)
    if lacking:
        return [(one.origin, f"too little {lacking} for {one.base} on", name)]
    for term in terms:
        if term.kind is TermKind.COLOCATION and term.value <= -INFINITY:
            lines = _company(term, place, outcome, seen | {one.base})
            if lines:
                return [(term.origin, f"{one.base} depends on where {term.subject} is", ""), *lines]
    return []


def _company(term: Term, place: int, outcome: Outcome, seen: frozenset[str]) -> list[Line]:
    """Return why what a primitive must be with can never be on a node, or is never off it."""
    tree = outcome.situation.expansion
    found = tree.by_name.get(term.subject) or next(iter(tree.by_base.get(term.subject, ())), None)
    primitives = [] if found is None or found.variant is Variant.CLONE else list(found.primitives())
    for primary in primitives:
        if outcome.assignment.chosen[primary.index] != place:
            lines = _closing(primary, place, outcome, seen)
            if lines:
                return lines
    return []


def _lacking(one: Instance, place: int, outcome: Outcome) -> str:
    """Return what a node has too little of, even when it is empty, for a primitive."""
    capacity = outcome.assignment.capacity
    if not capacity.counts:
        return ""
    whole = capacity.original(outcome.situation.nodes[place])
    need = capacity.need(one)
    return next((name for name in sorted(need) if need[name] > whole.get(name, 0)), "")


def _origin(term: Term, one: Instance) -> position.Position:
    return term.origin if term.origin.file else one.origin


def _ban(term: Term) -> str:
    if term.kind is TermKind.NOT_ALLOWED:
        return "symmetric-cluster is false, and no location names"
    return f"{term.subject or 'a location'} closes"


def _finding(one: Instance, lines: list[Line]) -> diagnostic.Diagnostic:
    nodes: dict[tuple[position.Position, str], list[str]] = {}
    for at, words, node_name in lines:
        nodes.setdefault((at, words), []).append(node_name)
    texts = {
        (at, words): f"{words} {', '.join(names)}".rstrip() for (at, words), names in nodes.items()
    }
    return diagnostic.Diagnostic(
        code="runs-nowhere",
        message=f"{one.base} can run on no node: {'; '.join(texts.values())}",
        position=one.origin,
        severity=diagnostic.Severity.WARNING,
        fix="open one of the nodes to it, or stop it with target-role: Stopped",
        related=tuple((at, text) for (at, _), text in texts.items() if at.file),
    )


def hypothetical(cluster: desired.Desired) -> tuple[desired.Desired, observed.Observed]:
    """Return what placement takes to find out whether everything can run in theory.

    All nodes are up, nothing runs yet, and only what is sure to hold is kept: locations that name
    their node, and colocations of whole resources on nodes. Rules, roles and other attributes may
    come out in any way once the cluster is there. Where nodes are open by default, what no such
    constraint is about is left out: it can run anywhere.
    """
    constraints = tuple(kept for one in cluster.constraints for kept in _sure(one, cluster))
    nodes = tuple(
        dataclasses.replace(one, kind=node.NodeKind.MEMBER, standby=False, maintenance=False)
        for one in cluster.nodes
        if one.kind is not node.NodeKind.PING
    )
    unfenced = attribute.AttributeSet({"fencing-enabled": "false"}, score=INFINITY)
    wanted = dataclasses.replace(
        cluster,
        properties=(unfenced, *cluster.properties),
        nodes=nodes,
        constraints=constraints,
        resources=tuple(_bound(cluster, constraints)),
    )
    seen = {one.name: observed.ObservedNode(one.name, observed.Presence.ONLINE) for one in nodes}
    return wanted, observed.Observed(now=0.0, quorate=True, nodes=seen)


def _sure(one: constraint.Constraint, cluster: desired.Desired) -> Iterator[constraint.Constraint]:
    """Yield what of a constraint holds whatever the cluster's state."""
    match one:
        case constraint.Location() if one.role is None and one.pattern is None:
            if one.rule is None:
                yield one
                return
            # In a cluster where nodes must be named, a rule may name any of them.
            for each in cluster.nodes:
                yield dataclasses.replace(
                    one, rule=None, score_attribute=None, node=each.name, score=0
                )
        case constraint.Colocation():
            if not (one.dependent_role or one.primary_role or one.node_attribute):
                yield one
        case constraint.ColocationSets():
            if not one.node_attribute and all(part.role is None for part in one.sets):
                yield one
        case _:
            pass


def _bound(
    cluster: desired.Desired, constraints: tuple[constraint.Constraint, ...]
) -> Iterator[resource.Resource]:
    """Yield the resources that may turn out to have no node."""
    narrow = any(
        attribute.always(cluster.properties, name) is not None
        for name in ("symmetric-cluster", "placement-strategy")
    )
    named: set[str] = set()
    for one in constraints:
        match one:
            case constraint.Location():
                named.update(one.resources)
            case constraint.Colocation():
                named |= {one.dependent, one.primary}
            case constraint.ColocationSets():
                named.update(name for part in one.sets for name in part.resources)
            case _:
                pass
    for name in tuple(named):
        named.update(cluster.tags.get(name, ()))
    for each in cluster.resources:
        if narrow or named.intersection(resource.names(each)):
            yield each
