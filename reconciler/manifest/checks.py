"""What only shows when the whole cluster is looked at: cycles, contradictions, double addresses."""

from __future__ import annotations

import dataclasses
import ipaddress
import itertools
from collections.abc import Iterator, Mapping, Sequence

from reconciler.errors import diagnostic, position
from reconciler.manifest import graph as graphs
from reconciler.manifest import nodes as addresses
from reconciler.manifest import wording
from reconciler.manifest.scope import Scope
from reconciler.model import attribute, constraint, desired, resource
from reconciler.model import score as scores

_VIP_AGENTS = frozenset({"IPaddr2", "IPaddr", "IPv6addr"})
_PREFIX_LENGTHS = {4: 32, 6: 128}


def check(cluster: desired.Desired, scope: Scope) -> None:
    """Add findings about the cluster as a whole."""
    _addresses(cluster, scope)
    _quorum(cluster, scope)
    cluster = _spelled_out(cluster)
    order_cycles(cluster, scope)
    contradictions(cluster, scope)
    loops(cluster, scope)


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


def _quorum(cluster: desired.Desired, scope: Scope) -> None:
    section = scope.root.mapping("cluster")
    if attribute.always(cluster.properties, "no-quorum-policy") == "ignore" and (
        "ignore-quorum" not in section
    ):
        scope.findings.add(
            "quorum-ignored",
            "no-quorum-policy: ignore lets both halves of a split cluster run everything",
            section.mapping("properties").value("no-quorum-policy"),
            fix="use stop or freeze, or add cluster.ignore-quorum: {accept: REASON}",
        )


def _primitives(cluster: desired.Desired) -> Iterator[resource.Primitive]:
    for one in cluster.resources:
        yield from resource.primitives(one)


def _addresses(cluster: desired.Desired, scope: Scope) -> None:
    """Report bad addresses of address agents, and addresses that two things claim."""
    section = scope.root.mapping("nodes")
    taken: dict[str, tuple[str, position.Position]] = {}
    for node in cluster.nodes:
        if node.address and node.connection == "ssh":
            at = section.mapping(node.name).value("address")
            _claim(_normal(node.address), f"node {node.name}", at, taken, scope)
    for one in _primitives(cluster):
        if one.agent.standard != "ocf" or one.agent.kind not in _VIP_AGENTS:
            continue
        for pairs in one.params:
            name = "ipv6addr" if one.agent.kind == "IPv6addr" else "ip"
            value = pairs.pairs.get(name)
            if not isinstance(value, str):
                continue
            at = pairs.origins[name]
            if addresses.ip(value, at, scope):
                _prefix(value, pairs, scope)
                if pairs.rule is None:
                    _claim(_normal(value), f"resource {one.name}", at, taken, scope)


def _normal(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text.lower()


def _claim(
    address: str,
    who: str,
    at: position.Position,
    taken: dict[str, tuple[str, position.Position]],
    scope: Scope,
) -> None:
    if address in taken:
        other, place = taken[address]
        scope.findings.add(
            "duplicate-address",
            f"{who} has the address {address}, which is that of {other}",
            at,
            related=((place, other),),
            fix="give each its own address",
        )
    taken.setdefault(address, (who, at))


def _prefix(value: str, pairs: attribute.AttributeSet, scope: Scope) -> None:
    text = pairs.pairs.get("cidr_netmask")
    if not isinstance(text, str) or not text:
        return
    version = ipaddress.ip_address(value).version
    longest = _PREFIX_LENGTHS[version]
    if text.isdecimal() and len(text) <= 3:  # noqa: PLR2004 - digits of the longest prefix
        sound = int(text) <= longest
    else:
        try:
            ipaddress.ip_network(f"0.0.0.0/{text}", strict=False)
            sound = version == 4  # noqa: PLR2004 - dotted masks are of IPv4
        except ValueError:
            sound = False
    if not sound:
        scope.findings.add(
            "invalid-address",
            f"cidr_netmask: {wording.shown(text)} is no prefix length from 0 to {longest}",
            pairs.origins["cidr_netmask"],
        )


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
        firsts = before.resources[-1:] if before.sequential else before.resources
        thens = after.resources[:1] if after.sequential else after.resources
        for first in firsts:
            for then in thens:
                yield first, before.action or "start", then, after.action or "start"
    for part in one.sets:
        if part.sequential:
            for first, then in itertools.pairwise(part.resources):
                yield first, part.action or "start", then, part.action or "start"


def order_cycles(cluster: desired.Desired, scope: Scope) -> None:
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
    for cycle in graphs.cycles(graph):
        _report_cycle(cycle, graph, written, scope)


def _report_cycle(
    cycle: Sequence[_Step], graph: _Graph, written: set[position.Position], scope: Scope
) -> None:
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
    scope.findings.add(
        "order-cycle",
        f"these orders wait for each other, nothing of it can start: {' -> '.join(names)}",
        places[0][0] if places else position.NOWHERE,
        related=related,
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
    plain = [part for part in one.sets if part.role is None]
    for part in plain:
        if part.sequential:
            value = one.score if part.score is None else part.score
            for primary, dependent in itertools.pairwise(part.resources):
                yield dependent, primary, value
    for before, after in itertools.pairwise(one.sets):
        if before in plain and after in plain:
            for dependent, primary in itertools.product(after.resources, before.resources):
                yield dependent, primary, one.score


def contradictions(cluster: desired.Desired, scope: Scope) -> None:
    """Report pairs that must be together and must be apart."""
    together = _together(cluster)
    for one in cluster.constraints:
        for dependent, primary, value in _placed(one):
            if value > -scores.INFINITY:
                continue
            path = graphs.way(together, dependent, primary) or graphs.way(
                together, primary, dependent
            )
            if path:
                scope.findings.add(
                    "contradicting-colocation",
                    f"{dependent} and {primary} must be apart here, but together elsewhere: "
                    "one of them can never run",
                    one.origin,
                    related=[
                        (together[left][right], f"{left} with {right}")
                        for left, right in itertools.pairwise(path)
                    ],
                    fix="remove one of them",
                )


def loops(cluster: desired.Desired, scope: Scope) -> None:
    """Report resources that follow each other; harmless only where all scores are the same."""
    graph: dict[str, dict[str, tuple[int, position.Position]]] = {}
    for one in cluster.constraints:
        for dependent, primary, value in _placed(one):
            graph.setdefault(dependent, {})[primary] = (value, one.origin)
            graph.setdefault(primary, {})
    for cycle in graphs.cycles(graph):
        pairs = list(zip(cycle, [*cycle[1:], cycle[0]], strict=True))
        values = {graph[left][right][0] for left, right in pairs}
        places = [(graph[left][right][1], f"{left} with {right}") for left, right in pairs]
        same = len(values) == 1
        scope.findings.add(
            "colocation-loop",
            f"these colocations follow each other: {' -> '.join([*cycle, cycle[0]])}"
            + ("" if same else "; their scores differ, so which of them leads is left to chance"),
            min(places)[0],
            related=places,
            fix="keep one direction",
            severity=diagnostic.Severity.NOTE if same else None,
        )
