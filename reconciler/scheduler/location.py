"""Location constraints -> scores, and where resources are looked for.

Pacemaker Explained, "Deciding which nodes a resource can run on". A constraint on a group counts
for its first member, one on a clone for the clone and every instance.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from reconciler.errors import position
from reconciler.frozen import frozen
from reconciler.model import attribute, constraint, desired, resource
from reconciler.model import property as properties
from reconciler.model.constraint import ResourceDiscovery
from reconciler.model.role import Role
from reconciler.model.rule import BooleanOperator, Rule
from reconciler.model.score import INFINITY, Term, TermKind
from reconciler.scheduler import rule
from reconciler.scheduler.expansion import Expansion
from reconciler.scheduler.instance import Instance, Variant
from reconciler.scheduler.nodes import Node
from reconciler.scheduler.ranking import Ranking


@frozen
class Wish:
    """A location constraint resolved: scores by node for one resource as named."""

    instance: Instance
    scores: tuple[tuple[int, int], ...]
    role: Role | None
    discovery: ResourceDiscovery
    origin: position.Position
    id: str
    kind: TermKind = TermKind.LOCATION

    def looked_for(self) -> tuple[int, ...]:
        """Return the nodes that it names for the resource, whatever its role."""
        return () if self.role is Role.PROMOTED else tuple(node for node, _ in self.scores)


def resolve(
    wanted: desired.Desired, expansion: Expansion, nodes: Sequence[Node], clock: rule.Clock
) -> tuple[Wish, ...]:
    """Return what the location constraints say now."""
    index = {node.name: node.index for node in nodes}
    # What is stopped is nowhere (measured).
    given = [
        one
        for one in wanted.constraints
        if isinstance(one, constraint.Location) and one.role is not Role.STOPPED
    ]
    ruled = any(one.rule is not None for one in given)
    written = dict(_written(wanted.resources)) if ruled else {}
    found: list[Wish] = []
    for one in given:
        for instance in named(one, expansion, wanted.tags):
            if one.rule is None:
                scores = _plain(one, index)
            else:
                params = rule.values(written.get(instance.base, ()), rule.Context(clock))
                met = None if one.pattern is None else _met(one.pattern, instance.base)
                facts = rule.Context(clock, params=params, meta=instance.meta.texts, named=met)
                scores = _scores(one, one.rule, nodes, facts)
            if scores is None:
                continue
            wish = Wish(instance, scores, one.role, one.discovery, one.origin, one.id)
            either = one.rule is not None and one.rule.operator is BooleanOperator.OR
            found.extend(_parted(wish, nodes) if either else [wish])
    return tuple(found)


def _parted(wish: Wish, nodes: Sequence[Node]) -> Iterator[Wish]:
    """Yield what a rule of alternatives says of nodes that take part, and of the others.

    Whatever it says of a node that is away, or about to leave, the node is closed (measured).
    """
    here = [(node, value) for node, value in wish.scores if nodes[node].takes_part]
    away = [(node, -INFINITY) for node, _ in wish.scores if not nodes[node].takes_part]
    yield dataclasses.replace(wish, scores=tuple(here))
    if away:
        yield dataclasses.replace(wish, scores=tuple(away), kind=TermKind.UNAVAILABLE)


def named(
    one: constraint.Location, expansion: Expansion, tags: Mapping[str, tuple[str, ...]]
) -> Iterator[Instance]:
    """Yield the resources that a constraint is for."""
    if one.pattern is not None:
        negated = one.pattern.startswith("!")
        for instance in expansion.tops:
            if bool(_met(one.pattern, instance.base)) is not negated and not instance.removed:
                yield instance
        return
    for name in one.resources:
        for each in tags.get(name, (name,)) if name not in expansion.by_name else (name,):
            found = by_name(expansion, each)
            if found is not None:
                yield found


def _met(pattern: str, name: str) -> re.Match[str] | None:
    """Return how a pattern, which may begin with ! for all others, meets a name."""
    compiled = _compiled(pattern.removeprefix("!"))
    return None if compiled is None else compiled.search(name)


@functools.lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """Return a pattern ready to be used; None where it is none, and meets nothing."""
    try:
        return re.compile(pattern)
    except re.error:
        return None


def by_name(expansion: Expansion, name: str) -> Instance | None:
    """Return what a constraint means by a name: inside an anonymous clone, the clone."""
    found = expansion.by_name.get(name)
    if found is None or found.removed:
        # What is removed may have the name of a group that is cloned.
        found = next((one for one in expansion.by_base.get(name, ()) if not one.removed), None)
    if found is None:
        return None
    clone = found.in_clone
    return clone if clone is not None else found


def expanded(
    expansion: Expansion, tags: Mapping[str, tuple[str, ...]], name: str
) -> list[Instance]:
    """Return what a constraint means by a name that may be a tag."""
    if name in expansion.by_name or name in expansion.by_base:
        names: tuple[str, ...] = (name,)
    else:
        names = tags.get(name, (name,))
    found = (by_name(expansion, each) for each in names)
    return [one for one in found if one is not None]


def _plain(
    one: constraint.Location, index: Mapping[str, int]
) -> tuple[tuple[int, int], ...] | None:
    """Return the score of a constraint that names its node."""
    if one.node is None or one.node not in index:
        return None
    return ((index[one.node], one.score),)


def _written(
    resources: Iterable[resource.Resource],
) -> Iterator[tuple[str, attribute.AttributeSets]]:
    """Yield the parameters written on each resource and collective itself."""
    for one in resources:
        match one:
            case resource.Primitive():
                yield one.name, one.params
            case resource.Group():
                yield one.name, one.params
                yield from _written(one.members)
            case resource.Clone():
                yield one.name, one.params
                yield from _written((one.child,))


def _scores(
    one: constraint.Location, condition: Rule, nodes: Sequence[Node], facts: rule.Context
) -> tuple[tuple[int, int], ...]:
    """Return the scores of the nodes for which a constraint's rule holds."""
    scores = []
    for node in nodes:
        context = dataclasses.replace(facts, node=node.attributes)
        if not rule.holds(condition, context):
            continue
        value = one.score
        if one.score_attribute is not None:
            text = context.attribute(one.score_attribute)
            read = properties.score(text) if text is not None else None
            value = -INFINITY if text is None else (read or 0)
        scores.append((node.index, value))
    return tuple(scores)


def affected(instance: Instance) -> Iterator[Instance]:
    """Yield the instances whose scores a location for ``instance`` changes.

    What is said of a group is said of its first member, which the others follow; of each where
    none follows another. What is said of a bundle is said of the addresses of its containers, too
    (both measured).
    """
    yield instance
    match instance.variant:
        case Variant.CLONE:
            for child in (*instance.children, *instance.addresses):
                yield from affected(child)
        case Variant.GROUP:
            yield from instance.children[:1] if instance.gathered else instance.children
        case Variant.PRIMITIVE:
            pass


def opt_in(ranking: Ranking, expansion: Expansion, wishes: Sequence[Wish]) -> None:
    """Forbid every node that no constraint names, as an asymmetric cluster wants it.

    A constraint opens nodes for what it names and all below; one for the promoted role says only
    where to promote, and opens none (measured).
    """
    allowed: dict[int, list[int]] = {}
    for wish in wishes:
        if wish.role is Role.PROMOTED:
            continue
        for instance in wish.instance.below():
            allowed.setdefault(instance.index, []).extend(node for node, _ in wish.scores)
    for instance in expansion.all:
        if instance.index in expansion.implied:
            continue
        ranking.close(instance)
        for node in allowed.get(instance.index, ()):
            ranking.open(instance, node)


def exclude(ranking: Ranking, wishes: Sequence[Wish]) -> None:
    """Forbid a resource the nodes outside those where alone it is looked for.

    Pacemaker Explained, "resource-discovery"; a member's own constraint forbids it nothing
    (measured).
    """
    allowed: dict[int, set[int]] = {}
    tops: dict[int, Instance] = {}
    for wish in wishes:
        if wish.discovery is ResourceDiscovery.EXCLUSIVE and wish.instance.parent is None:
            tops[wish.instance.index] = wish.instance
            allowed.setdefault(wish.instance.index, set()).update(wish.looked_for())
    for index, top in tops.items():
        for instance in top.below():
            for node in ranking.nodes:
                if node.index not in allowed[index]:
                    ranking.forbid(instance, node.index, Term(TermKind.NOT_ALLOWED, -INFINITY))


def apply(ranking: Ranking, wishes: Sequence[Wish]) -> None:
    """Add the scores of the constraints that count in every role."""
    for wish in wishes:
        if wish.role is Role.PROMOTED:
            continue
        for instance in affected(wish.instance):
            for node, value in wish.scores:
                ranking.add(instance, node, Term(wish.kind, value, wish.origin, wish.id))
