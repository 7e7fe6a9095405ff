"""Constraints: references checked, ids given, and lowered one by one."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence

from reconciler.errors import position
from reconciler.manifest import rules, shape, tree, wording
from reconciler.manifest.scope import Scope
from reconciler.model import constraint, role
from reconciler.model import score as scores

KINDS = ("colocation", "order", "location", "ticket")
_REFERENCES = ("resources", "tags", "templates", "devices")


@dataclasses.dataclass(slots=True)
class _Draft:
    """The constraints of one run while they are put together."""

    scope: Scope
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
        """Tell whether a resource, or something that stands for resources, is defined."""
        return self.scope.known(name, _REFERENCES, "unknown-resource", "resource", at)


def lowered(scope: Scope) -> tuple[constraint.Constraint, ...]:
    """Return the constraints of the document; faulty ones are left out, with findings.

    Tags and templates stay as they are written; the scheduler knows what they stand for.
    """
    draft = _Draft(scope, {})
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


def _known_pair(
    left: tuple[str, str], right: tuple[str, str], where: tree.Mapping, draft: _Draft
) -> None:
    """Report each end, given as field and name, that is not defined."""
    for field, name in (left, right):
        draft.known(name, where.value(field))


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
    _known_pair(("resource", one.resource), ("with", one.with_), where, draft)
    if one.resource == one.with_:
        _itself(one.resource, "colocate", where.value("with"), draft)
    elif all(
        name in draft.scope.tags | draft.scope.templates for name in (one.resource, one.with_)
    ):
        draft.scope.findings.add(
            "colocated-tags",
            f"{one.resource} and {one.with_} both stand for several resources: "
            "which of them are to be together is open",
            where.value("with"),
            fix="name a resource on one side, or use sets",
        )
    made = draft.id(one.id_, f"colocation-{one.resource}-{one.with_}", where)
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
    _known_pair(("first", one.first), ("then", one.then), where, draft)
    if one.first == one.then and one.then_action in {None, one.first_action}:
        _itself(one.first, "order", where.value("then"), draft)
    made = draft.id(one.id_, f"order-{one.first}-{one.then}", where)
    kind = constraint.OrderKind(one.kind)
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
            draft.known(name, at)
            if name in seen:
                _itself(name, verb, at, draft)
            seen[name] = at
            members.append(name)
        if not members:
            draft.scope.findings.refuse(
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
                one.ordering,
            )
        )
    if not found:
        draft.scope.findings.refuse("invalid-value", "sets is an empty list", where.value("sets"))
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
) -> tuple[str, ...]:
    """Return the resources, tags and templates that a location or ticket is for."""
    if one.resource is not None:
        named = [(one.resource, where.value("resource"))]
    else:
        items = where.sequence("resources")
        named = [(name, items.item(index)) for index, name in enumerate(one.resources or ())]
    for name, at in named:
        draft.known(name, at)
    return tuple(dict.fromkeys(name for name, _ in named))


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
        draft.scope.findings.refuse(
            "invalid-value", "pattern: this is no regular expression", where.value("pattern")
        )
        sound = False
    wishes = one.prefers is not None or one.avoids is not None
    if (wishes, one.rule is not None, one.rules is not None).count(True) != 1:
        draft.scope.findings.add(
            "ambiguous-kind",
            "a location has either prefers and avoids, or a rule, or rules",
            where.here,
        )
        return ()
    if not wishes:
        return _ruled(one, targets, where, at, draft) if sound else ()
    found = _by_node(one, where, draft)
    if not sound:
        return ()
    what = one.pattern or "-".join(targets)
    result = []
    for node, score, origin in found:
        suffix = f"-{node}"
        written = one.id_ if len(found) == 1 else (one.id_ and f"{one.id_}{suffix}")
        result.append(
            constraint.Location(
                draft.id(written, f"location-{what}{suffix}", where),
                targets,
                node,
                score,
                role=_role(one.role),
                discovery=constraint.ResourceDiscovery(one.discovery),
                pattern=one.pattern,
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


_Wish = tuple[str, int, position.Position]


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
            draft.scope.known(node, ("nodes",), "unknown-node", "node", at)
            found.append((node, sign * score, at))
    return found


def _ruled(
    one: shape.Location,
    targets: tuple[str, ...],
    where: tree.Mapping,
    at: position.Position,
    draft: _Draft,
) -> Sequence[constraint.Constraint]:
    """Return the locations of the rules: one for each, all under the id of the constraint."""
    parts: list[tuple[shape.Location | shape.ScoredRule, tree.Mapping]] = [(one, where)]
    if one.rules is not None:
        items = where.sequence("rules")
        parts = [(part, items.mapping(index)) for index, part in enumerate(one.rules)]
        if one.score is not None or one.score_attribute is not None:
            draft.scope.findings.add(
                "ambiguous-kind", "each of several rules has a score of its own", where.here
            )
    made = draft.id(one.id_, f"location-{one.pattern or '-'.join(targets)}-rule", where)
    result = []
    for part, place in parts:
        if (part.score is None) == (part.score_attribute is None):
            draft.scope.findings.add(
                "ambiguous-kind",
                "a location with a rule needs either score or score-attribute",
                place.here,
            )
        if part.rule is None:
            continue
        result.append(
            constraint.Location(
                made,
                targets,
                None,
                part.score or 0,
                rules.lowered(part.rule, place.mapping("rule"), draft.scope.findings),
                part.score_attribute,
                _role(part.role) or _role(one.role),
                constraint.ResourceDiscovery(one.discovery),
                one.pattern,
                origin=at,
            )
        )
    return tuple(result)


def _ticket(
    one: shape.Ticket, where: tree.Mapping, at: position.Position, draft: _Draft
) -> Sequence[constraint.Constraint]:
    sound = _exactly_one(one, ("resource", "resources"), where, draft)
    targets = _targets(one, where, draft)
    if not sound:
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
