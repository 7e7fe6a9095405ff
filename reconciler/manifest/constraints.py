"""Constraints: references checked, ids given, and lowered one by one."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from reconciler.errors import position
from reconciler.manifest import rules, shape, tree, wording
from reconciler.manifest.scope import Scope
from reconciler.model import constraint, role, rule
from reconciler.model import score as scores

KINDS = ("colocation", "order", "location", "ticket")
_REFERENCES = ("resources", "tags")


@dataclasses.dataclass(slots=True)
class _Draft:
    """The constraints of one run while they are put together."""

    scope: Scope
    tags: Mapping[str, tuple[str, ...]]
    ids: dict[str, position.Position]

    def id(self, written: str, made: str, where: tree.Mapping) -> str:
        """Return the id of a constraint: the one written, or one made from what it says."""
        if written:
            if written in self.ids:
                self.scope.findings.add(
                    "defined-twice",
                    f"the constraint {wording.shown(written)} is defined twice",
                    where.value("id"),
                    related=((self.ids[written], "first defined here"),),
                )
            self.ids[written] = where.value("id")
            return written
        found, number = made, 2
        while found in self.ids:
            found, number = f"{made}-{number}", number + 1
        self.ids[found] = where.here
        return found

    def known(self, name: str, at: position.Position) -> bool:
        """Tell whether a resource or tag is defined."""
        return self.scope.known(name, _REFERENCES, "unknown-resource", "resource", at)

    def resources(self, name: str) -> tuple[str, ...]:
        """Return the resources that a name stands for: itself, or those of a tag."""
        return self.tags.get(name, (name,))


def lowered(scope: Scope, tags: Mapping[str, tuple[str, ...]]) -> tuple[constraint.Constraint, ...]:
    """Return the constraints of the document; faulty ones are left out, with findings."""
    draft = _Draft(scope, tags, {})
    items = scope.root.sequence("constraints")
    found: list[constraint.Constraint] = []
    for index, item in enumerate(items):
        at = items.item(index)
        if not isinstance(item, tree.Mapping) or len(item) != 1 or next(iter(item)) not in KINDS:
            _ambiguous(item, at, scope)
            continue
        kind = next(iter(item))
        body = item[kind]
        model, lower = _choose(kind, body)
        one = wording.validated(
            model, body, (item.key(kind), item.value(kind)), kind, scope.findings
        )
        if one is not None:
            found.extend(lower(one, item.mapping(kind), item.key(kind), draft))
    return tuple(found)


def _ambiguous(item: object, at: position.Position, scope: Scope) -> None:
    keys = list(item) if isinstance(item, dict) else []
    what = f"a mapping with {', '.join(keys)}" if keys else tree.kind(item)
    close = tuple(dict.fromkeys(one for key in keys for one in scope.findings.nearest(key, KINDS)))
    scope.findings.add(
        "ambiguous-kind",
        f"a constraint is a mapping with exactly one of {', '.join(KINDS)}; this is {what}",
        at,
        nearest=close if len(keys) == 1 else (),
        fix="indent the fields below the kind, as in - order: {first: a, then: b}",
    )


_Lower = Callable[..., Sequence[constraint.Constraint]]


def _choose(kind: str, body: object) -> tuple[type[shape.Model], _Lower]:
    sets = isinstance(body, dict) and "sets" in body
    return _TABLE[f"{kind} sets" if sets and kind in {"colocation", "order"} else kind]


def _role(name: str | None) -> role.Role | None:
    return role.parse(name) if name else None


def _pair(
    left: tuple[str, str], right: tuple[str, str], where: tree.Mapping, draft: _Draft
) -> bool:
    """Tell whether both ends, each as field and name, are defined and differ."""
    return _all(draft.known(name, where.value(field)) for field, name in (left, right))


def _all(answers: Iterable[bool]) -> bool:
    """Tell whether every answer is yes, asking all of them: each reports its own finding."""
    return False not in list(answers)


def _itself(name: str, verb: str, at: position.Position, draft: _Draft) -> None:
    draft.scope.findings.add(
        "self-constraint",
        f"cannot {verb} {name} with itself"
        if verb == "colocate"
        else f"cannot {verb} {name} after itself",
        at,
        fix="name two different resources, or remove the constraint",
    )


def _colocation(
    one: shape.Colocation, where: tree.Mapping, at: position.Position, draft: _Draft
) -> Sequence[constraint.Constraint]:
    if not _pair(("resource", one.resource), ("with", one.with_), where, draft):
        return ()
    if one.resource == one.with_:
        _itself(one.resource, "colocate", where.value("with"), draft)
        return ()
    made = draft.id(one.id_, f"colocation-{one.resource}-{one.with_}", where)
    if one.resource in draft.tags or one.with_ in draft.tags:
        sets = tuple(
            constraint.ResourceSet(draft.resources(name), sequential=False, role=_role(word))
            for name, word in ((one.with_, one.with_role), (one.resource, one.role))
        )
        return (
            constraint.ColocationSets(
                made, sets, one.score, one.node_attribute, one.influence, origin=at
            ),
        )
    return (
        constraint.Colocation(
            made,
            one.resource,
            one.with_,
            one.score,
            _role(one.role),
            _role(one.with_role),
            one.node_attribute,
            one.influence,
            origin=at,
        ),
    )


def _order(
    one: shape.Order, where: tree.Mapping, at: position.Position, draft: _Draft
) -> Sequence[constraint.Constraint]:
    if not _pair(("first", one.first), ("then", one.then), where, draft):
        return ()
    if one.first == one.then:
        _itself(one.first, "order", where.value("then"), draft)
        return ()
    made = draft.id(one.id_, f"order-{one.first}-{one.then}", where)
    kind = constraint.OrderKind(one.kind)
    if one.first in draft.tags or one.then in draft.tags:
        sets = (
            constraint.ResourceSet(
                draft.resources(one.first), sequential=False, action=one.first_action
            ),
            constraint.ResourceSet(
                draft.resources(one.then),
                sequential=False,
                action=one.then_action or one.first_action,
            ),
        )
        return (constraint.OrderSets(made, sets, kind, one.symmetrical, origin=at),)
    return (
        constraint.Order(
            made,
            one.first,
            one.then,
            one.first_action,
            one.then_action,
            kind,
            one.symmetrical,
            one.require_all,
            origin=at,
        ),
    )


def _sets(
    written: Sequence[shape.Set], where: tree.Mapping, verb: str, draft: _Draft
) -> tuple[constraint.ResourceSet, ...] | None:
    items = where.sequence("sets")
    found = []
    seen: dict[str, position.Position] = {}
    sound = True
    for index, one in enumerate(written):
        place = items.mapping(index)
        names = place.sequence("resources")
        members: list[str] = []
        for number, name in enumerate(one.resources):
            at = names.item(number)
            sound = draft.known(name, at) and sound
            for member in draft.resources(name):
                if member in seen:
                    _itself(member, verb, at, draft)
                    sound = False
                seen[member] = at
                members.append(member)
        if not members:
            draft.scope.findings.add(
                "invalid-value", "a resource set needs at least one resource", place.here
            )
            sound = False
        found.append(
            constraint.ResourceSet(
                tuple(members),
                one.sequential,
                one.require_all,
                one.action,
                _role(one.role),
                one.score,
                constraint.OrderKind(one.kind) if one.kind else None,
            )
        )
    if not found:
        draft.scope.findings.add("invalid-value", "sets is an empty list", where.value("sets"))
        return None
    return tuple(found) if sound else None


def _colocation_sets(
    one: shape.ColocationSets, where: tree.Mapping, at: position.Position, draft: _Draft
) -> Sequence[constraint.Constraint]:
    sets = _sets(one.sets, where, "colocate", draft)
    if sets is None:
        return ()
    made = draft.id(one.id_, f"colocation-set-{sets[0].resources[0]}", where)
    return (
        constraint.ColocationSets(
            made, sets, one.score, one.node_attribute, one.influence, origin=at
        ),
    )


def _order_sets(
    one: shape.OrderSets, where: tree.Mapping, at: position.Position, draft: _Draft
) -> Sequence[constraint.Constraint]:
    sets = _sets(one.sets, where, "order", draft)
    if sets is None:
        return ()
    made = draft.id(one.id_, f"order-set-{sets[0].resources[0]}", where)
    kind = constraint.OrderKind(one.kind)
    return (constraint.OrderSets(made, sets, kind, one.symmetrical, origin=at),)


def _targets(
    one: shape.Location | shape.Ticket, where: tree.Mapping, draft: _Draft
) -> tuple[str, ...] | None:
    """Return the resources that a location or ticket is for, tags resolved."""
    if one.resource is not None:
        named = [(one.resource, where.value("resource"))]
    else:
        items = where.sequence("resources")
        named = [(name, items.item(index)) for index, name in enumerate(one.resources or ())]
    if not _all(draft.known(name, at) for name, at in named):
        return None
    return tuple(dict.fromkeys(each for name, _ in named for each in draft.resources(name)))


def _exactly_one(
    one: shape.Model, fields: Sequence[str], where: tree.Mapping, draft: _Draft
) -> bool:
    written = [field for field in fields if getattr(one, field) is not None]
    if len(written) == 1:
        return True
    draft.scope.findings.add(
        "ambiguous-kind",
        f"there must be exactly one of {', '.join(fields)}; "
        f"{'there is none' if not written else 'there are ' + ' and '.join(written)}",
        where.here,
    )
    return False


def _location(
    one: shape.Location, where: tree.Mapping, at: position.Position, draft: _Draft
) -> Sequence[constraint.Constraint]:
    sound = _exactly_one(one, ("resource", "resources", "pattern"), where, draft)
    targets = _targets(one, where, draft)
    if one.pattern is not None and not _compiles(one.pattern):
        draft.scope.findings.add(
            "invalid-value", "pattern: this is no regular expression", where.value("pattern")
        )
        sound = False
    wishes = one.prefers is not None or one.avoids is not None
    if wishes == (one.rule is not None):
        draft.scope.findings.add(
            "ambiguous-kind",
            "a location has either prefers and avoids, or a rule",
            where.here,
        )
        return ()
    found = _by_node(one, where, draft) if one.rule is None else _by_rule(one, where, at, draft)
    if not sound or targets is None:
        return ()
    what = one.pattern or "-".join(targets)
    result = []
    for node, score, condition, origin in found:
        suffix = f"-{node}" if node else "-rule"
        written = one.id_ if len(found) == 1 else (one.id_ and f"{one.id_}{suffix}")
        result.append(
            constraint.Location(
                draft.id(written, f"location-{what}{suffix}", where),
                targets,
                node,
                score,
                condition,
                one.score_attribute,
                _role(one.role),
                constraint.ResourceDiscovery(one.discovery),
                one.pattern,
                origin=origin,
            )
        )
    return tuple(result)


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


_Wish = tuple[str | None, int, rule.Rule | None, position.Position]


def _by_node(one: shape.Location, where: tree.Mapping, draft: _Draft) -> list[_Wish]:
    found: list[_Wish] = []
    if one.score is not None or one.score_attribute is not None:
        field = "score" if one.score is not None else "score-attribute"
        draft.scope.findings.add(
            "ambiguous-kind",
            f"{field} belongs to a rule; with prefers and avoids each node has its score",
            where.key(field),
        )
    seen: dict[str, position.Position] = {}
    for field, sign in (("prefers", 1), ("avoids", -1)):
        place = where.mapping(field)
        for node, score in (getattr(one, field) or {}).items():
            at = place.key(node)
            if node in seen:
                draft.scope.findings.add(
                    "defined-twice",
                    f"{node} is both preferred and avoided",
                    at,
                    related=((seen[node], "also here"),),
                )
            seen[node] = at
            if sign < 0 and score < 0:
                draft.scope.findings.add(
                    "invalid-score",
                    f"avoids: {scores.text(score)} would mean to prefer {node}",
                    place.value(node),
                    fix="write a positive score, or use prefers",
                )
            if draft.scope.known(node, ("nodes",), "unknown-node", "node", at):
                found.append((node, sign * score, None, at))
    return found


def _by_rule(
    one: shape.Location, where: tree.Mapping, at: position.Position, draft: _Draft
) -> list[_Wish]:
    if (one.score is None) == (one.score_attribute is None):
        draft.scope.findings.add(
            "ambiguous-kind",
            "a location with a rule needs either score or score-attribute",
            where.here,
        )
    if one.rule is None:
        return []
    condition = rules.lowered(one.rule, where.mapping("rule"), draft.scope.findings)
    return [(None, one.score or 0, condition, at)]


def _ticket(
    one: shape.Ticket, where: tree.Mapping, at: position.Position, draft: _Draft
) -> Sequence[constraint.Constraint]:
    sound = _exactly_one(one, ("resource", "resources"), where, draft)
    targets = _targets(one, where, draft)
    if not sound or targets is None:
        return ()
    made = draft.id(one.id_, f"ticket-{one.ticket}-{'-'.join(targets)}", where)
    policy = constraint.LossPolicy(one.loss_policy) if one.loss_policy else None
    return (constraint.Ticket(made, one.ticket, targets, _role(one.role), policy, origin=at),)


_TABLE: Mapping[str, tuple[type[shape.Model], _Lower]] = {
    "colocation": (shape.Colocation, _colocation),
    "colocation sets": (shape.ColocationSets, _colocation_sets),
    "order": (shape.Order, _order),
    "order sets": (shape.OrderSets, _order_sets),
    "location": (shape.Location, _location),
    "ticket": (shape.Ticket, _ticket),
}
"""Kind as written to its shape and to the function that lowers it."""
