"""Contradictions in what is wanted, whatever the situation: circles of orders, impossible company.

Pacemaker accepts them silently and starts nothing, or leaves to chance what leads. Here they are
findings with the position of every line involved, for manifests when they are validated and for
CIBs in the plan.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence

from reconciler.errors import diagnostic, position
from reconciler.model import constraint, desired, resource
from reconciler.model import score as scores
from reconciler.scheduler import ways


def find(cluster: desired.Desired) -> Iterator[diagnostic.Diagnostic]:
    """Yield everything in a cluster that contradicts itself."""
    plain = _spelled_out(cluster)
    yield from order_cycles(plain)
    yield from contradictions(plain)
    yield from loops(plain)


def _spelled_out(cluster: desired.Desired) -> desired.Desired:
    """Return the cluster with constraints of the resources that tags and templates stand for."""
    if not cluster.tags:
        return cluster
    found = (each for one in cluster.constraints for each in _each(one, cluster.tags))
    return dataclasses.replace(cluster, constraints=tuple(found))


def _each(
    one: constraint.Constraint, tags: Mapping[str, tuple[str, ...]]
) -> Iterator[constraint.Constraint]:
    def members(name: str) -> tuple[str, ...]:
        return tags.get(name, (name,))

    match one:
        case constraint.Colocation():
            for dependent, primary in itertools.product(
                members(one.dependent), members(one.primary)
            ):
                yield dataclasses.replace(one, dependent=dependent, primary=primary)
        case constraint.Order():
            for first, then in itertools.product(members(one.first), members(one.then)):
                yield dataclasses.replace(one, first=first, then=then)
        case constraint.ColocationSets() | constraint.OrderSets():
            sets = tuple(
                dataclasses.replace(
                    part,
                    resources=tuple(each for name in part.resources for each in members(name)),
                )
                for part in one.sets
            )
            yield dataclasses.replace(one, sets=sets)
        case _:
            yield one


# --- orders -------------------------------------------------------------------------------------

_SHOWN = 20
"""So many names of a cycle are shown; the positions are given in full."""
_Step = tuple[str, str, bool]
"""Resource, action, and whether it is its end (or its beginning)."""
_Graph = dict[_Step, dict[_Step, position.Position | None]]


def _edge(
    graph: _Graph, before: _Step, after: _Step, origin: position.Position | None = None
) -> None:
    known = graph.setdefault(before, {})
    graph.setdefault(after, {})
    if known.get(after) is None:
        known[after] = origin


def _containment(graph: _Graph, one: resource.Resource) -> None:
    """Add the order that a resource itself implies."""
    for action in ("start", "promote"):
        _edge(graph, (one.name, action, False), (one.name, action, True))
    _edge(graph, (one.name, "start", True), (one.name, "promote", False))
    if isinstance(one, resource.Primitive):
        return
    inner: Sequence[resource.Resource] = (
        (one.child,) if isinstance(one, resource.Clone) else resource.primitives(one)
    )
    previous: resource.Resource | None = None
    for member in inner:
        _containment(graph, member)
        for action in ("start", "promote"):
            _edge(graph, (one.name, action, False), (member.name, action, False))
            _edge(graph, (member.name, action, True), (one.name, action, True))
            if previous is not None:
                _edge(
                    graph, (previous.name, action, True), (member.name, action, False), one.origin
                )
        previous = member


def _ordered(
    one: constraint.Order | constraint.OrderSets,
) -> Iterator[tuple[str, str, str, str]]:
    """Yield first, its action, then, its action, for each pair that an order means."""
    if isinstance(one, constraint.Order):
        yield one.first, one.first_action, one.then, one.then_action or one.first_action
        return
    for before, after in itertools.pairwise(one.sets):
        if not before.require_all and len(before.resources) > 1:
            continue
        firsts = before.resources[-1:] if before.in_sequence else before.resources
        thens = after.resources[:1] if after.in_sequence else after.resources
        for first in firsts:
            for then in thens:
                yield first, before.action or "start", then, after.action or "start"
    for part in one.sets:
        if part.in_sequence:
            for first, then in itertools.pairwise(part.resources):
                yield first, part.action or "start", then, part.action or "start"


def order_cycles(cluster: desired.Desired) -> Iterator[diagnostic.Diagnostic]:
    """Report orders that wait for each other: none of their resources could ever start."""
    orders = [
        one
        for one in cluster.constraints
        if isinstance(one, constraint.Order | constraint.OrderSets)
        and one.kind is constraint.OrderKind.MANDATORY
    ]
    if not orders:
        return
    graph: _Graph = {}
    for each in cluster.resources:
        _containment(graph, each)
    for one in orders:
        for first, action, then, then_action in _ordered(one):
            if {action, then_action} <= {"start", "promote"}:
                _edge(graph, (first, action, True), (then, then_action, False), one.origin)
    written = {one.origin for one in orders}
    for cycle in ways.cycles(graph):
        yield _report_cycle(cycle, graph, written)


def _report_cycle(
    cycle: Sequence[_Step], graph: _Graph, written: set[position.Position]
) -> diagnostic.Diagnostic:
    names: list[str] = []
    related: list[tuple[position.Position, str]] = []
    for index, step in enumerate(cycle):
        following = cycle[(index + 1) % len(cycle)]
        if not names or names[-1] != step[0]:
            names.append(step[0])
        origin = graph[step].get(following)
        if origin is not None:
            related.append((origin, f"{step[0]} before {following[0]}"))
    if names[0] != names[-1]:
        names.append(names[0])
    if len(names) > _SHOWN:
        names[_SHOWN // 2 : -_SHOWN // 2] = [f"({len(names) - _SHOWN} more)"]
    # an order is easier to change than a group
    places = sorted(related, key=lambda one: (one[0] not in written, one))
    return diagnostic.Diagnostic(
        code="order-cycle",
        message=f"these orders wait for each other, nothing of it can start: {' -> '.join(names)}",
        position=places[0][0] if places else position.NOWHERE,
        related=tuple(related),
        fix="remove one of them",
    )


# --- colocations --------------------------------------------------------------------------------


def _together(cluster: desired.Desired) -> dict[str, dict[str, position.Position]]:
    """Return dependent -> primary -> origin for everything that must be together."""
    found: dict[str, dict[str, position.Position]] = {}
    for each in cluster.resources:
        inner = each.child if isinstance(each, resource.Clone) else each
        if isinstance(inner, resource.Group) and not isinstance(each, resource.Clone):
            names = [one.name for one in inner.members]
            for primary, dependent in itertools.pairwise(names):
                found.setdefault(dependent, {})[primary] = each.origin
            for name in names:
                found.setdefault(name, {})[each.name] = each.origin
    for one in cluster.constraints:
        for dependent, primary, value in _placed(one):
            if value >= scores.INFINITY:
                found.setdefault(dependent, {})[primary] = one.origin
    return found


def _placed(one: constraint.Constraint) -> Iterator[tuple[str, str, int]]:
    """Yield dependent, primary and score of each pair that a colocation means."""
    if isinstance(one, constraint.Colocation):
        if not (one.dependent_role or one.primary_role or one.node_attribute):
            yield one.dependent, one.primary, one.score
    elif isinstance(one, constraint.ColocationSets) and not one.node_attribute:
        yield from _placed_sets(one)


def _placed_sets(one: constraint.ColocationSets) -> Iterator[tuple[str, str, int]]:
    """Yield what sets mean; the earlier set depends on the later (see ``colocation``)."""
    plain = [part for part in one.sets if part.role is None]
    for part in plain:
        if part.in_sequence:
            value = one.score if part.score is None else part.score
            for primary, dependent in itertools.pairwise(part.resources):
                yield dependent, primary, value
    for before, after in itertools.pairwise(one.sets):
        if before in plain and after in plain:
            dependents = before.resources[:1] if before.in_sequence else before.resources
            primaries = after.resources[-1:] if after.in_sequence else after.resources
            for dependent, primary in itertools.product(dependents, primaries):
                yield dependent, primary, one.score


def contradictions(cluster: desired.Desired) -> Iterator[diagnostic.Diagnostic]:
    """Report pairs that must be together and must be apart."""
    together = _together(cluster)
    for one in cluster.constraints:
        for dependent, primary, value in _placed(one):
            if value > -scores.INFINITY:
                continue
            path = ways.way(together, dependent, primary) or ways.way(together, primary, dependent)
            if path:
                yield diagnostic.Diagnostic(
                    code="contradicting-colocation",
                    message=f"{dependent} and {primary} must be apart here, but together "
                    "elsewhere: one of them can never run",
                    position=one.origin,
                    related=tuple(
                        (together[left][right], f"{left} with {right}")
                        for left, right in itertools.pairwise(path)
                    ),
                    fix="remove one of them",
                )


def loops(cluster: desired.Desired) -> Iterator[diagnostic.Diagnostic]:
    """Report resources that follow each other; harmless only where all scores are the same."""
    graph: dict[str, dict[str, tuple[int, position.Position]]] = {}
    for one in cluster.constraints:
        for dependent, primary, value in _placed(one):
            graph.setdefault(dependent, {})[primary] = (value, one.origin)
            graph.setdefault(primary, {})
    for cycle in ways.cycles(graph):
        pairs = list(zip(cycle, [*cycle[1:], cycle[0]], strict=True))
        values = {graph[left][right][0] for left, right in pairs}
        places = [(graph[left][right][1], f"{left} with {right}") for left, right in pairs]
        same = len(values) == 1
        yield diagnostic.Diagnostic(
            code="colocation-loop",
            message=f"these colocations follow each other: {' -> '.join([*cycle, cycle[0]])}"
            + ("" if same else "; their scores differ, so which of them leads is left to chance"),
            position=min(places)[0],
            related=tuple(places),
            fix="keep one direction",
            severity=diagnostic.Severity.NOTE if same else diagnostic.Severity.ERROR,
        )
