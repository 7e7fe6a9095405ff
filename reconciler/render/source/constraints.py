"""Constraints in the words of the language, each in its shortest form.

Ids that a program made say nothing that the constraint does not say itself; they are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from reconciler.model import constraint, score
from reconciler.model.role import Role
from reconciler.render.source import rules, scalars, yaml

_Entry = dict[str, yaml.Node]
_MADE = re.compile(r"-(?:[+-]?(?:INFINITY|\d+)|mandatory|Mandatory|Optional|Serialize)(?:-\d+)?")
"""What pcs puts behind the names in the ids that it makes."""


def items(
    found: Iterable[constraint.Constraint], remarks: Mapping[str, Sequence[str]]
) -> yaml.Items:
    """Return the list of constraints; ``remarks``: id to the comments above it."""
    result = yaml.Items()
    ids: dict[str, int] = {}
    waiting = list(found)
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, constraint.Location):
            together = [one, *_joinable(one, waiting)]
            waiting = [each for each in waiting if not any(each is used for used in together)]
            kind, entry, identity = "location", _location(together), _location_id(together)
        else:
            kind, entry, identity = _relation(one)
        number = ids[one.id] = ids.get(one.id, 0) + 1
        if identity:
            # one element of a CIB can become several constraints
            entry = {"id": identity if number == 1 else f"{identity}-{number}", **entry}
        result.put(yaml.Block({kind: entry}), remarks.get(one.id, ()))
    return result


def _given(identity: str, *made: str) -> str:
    """Return an id if a person gave it; none where a program made it from the names."""
    for base in made:
        if identity.startswith(base) and (
            identity == base or _MADE.fullmatch(identity.removeprefix(base))
        ):
            return ""
    return identity


def _role(role: Role | None) -> yaml.Node | None:
    return role.value if role is not None else None


def _filled(**fields: yaml.Node | None) -> _Entry:
    """Return the fields that have a value, in the spelling of the language."""
    return {
        name.rstrip("_").replace("_", "-"): value
        for name, value in fields.items()
        if value is not None
    }


def _relation(one: constraint.Constraint) -> tuple[str, _Entry, str]:
    match one:
        case constraint.Colocation():
            made = f"colocation-{one.dependent}-{one.primary}"
            return "colocation", _colocation(one), _given(one.id, made)
        case constraint.ColocationSets():
            return "colocation", _colocation_sets(one), one.id
        case constraint.Order():
            made = f"order-{one.first}-{one.then}"
            return "order", _order(one), _given(one.id, made)
        case constraint.OrderSets():
            return "order", _order_sets(one), one.id
        case constraint.Ticket():
            made = f"ticket-{one.ticket}-{'-'.join(one.resources)}"
            return "ticket", _ticket(one), _given(one.id, made)
        case constraint.Location():
            return "location", _location([one]), _location_id([one])


def _score(value: int) -> yaml.Node | None:
    return None if value >= score.INFINITY else scalars.number(value)


def _colocation(one: constraint.Colocation) -> _Entry:
    return _filled(
        resource=one.dependent,
        with_=one.primary,
        score=_score(one.score),
        role=_role(one.dependent_role),
        with_role=_role(one.primary_role),
        node_attribute=one.node_attribute,
        influence=one.influence,
    )


def _colocation_sets(one: constraint.ColocationSets) -> _Entry:
    return _filled(
        sets=[_set(each) for each in one.sets],
        score=_score(one.score),
        node_attribute=one.node_attribute,
        influence=one.influence,
    )


def _set(one: constraint.ResourceSet) -> yaml.Node:
    return _filled(
        resources=[*one.resources],
        sequential=one.sequential,
        require_all=None if one.require_all else False,
        action=one.action,
        role=_role(one.role),
        score=None if one.score is None else scalars.number(one.score),
        kind=one.kind.value if one.kind else None,
        ordering=one.ordering,
    )


def _kind(kind: constraint.OrderKind) -> str | None:
    return None if kind is constraint.OrderKind.MANDATORY else kind.value


def _order(one: constraint.Order) -> _Entry:
    return _filled(
        first=one.first,
        first_action=None if one.first_action == "start" else one.first_action,
        then=one.then,
        then_action=None if one.then_action == one.first_action else one.then_action,
        kind=_kind(one.kind),
        symmetrical=one.symmetrical,
        require_all=None if one.require_all else False,
    )


def _order_sets(one: constraint.OrderSets) -> _Entry:
    return _filled(
        sets=[_set(each) for each in one.sets], kind=_kind(one.kind), symmetrical=one.symmetrical
    )


def _targets(names: tuple[str, ...]) -> _Entry:
    return {"resource": names[0]} if len(names) == 1 else {"resources": [*names]}


def _ticket(one: constraint.Ticket) -> _Entry:
    policy = one.loss_policy.value if one.loss_policy else None
    found: _Entry = {"ticket": one.ticket, **_targets(one.resources)}
    return found | _filled(role=_role(one.role), loss_policy=policy)


# --- locations ----------------------------------------------------------------------------------


def _joinable(
    one: constraint.Location, others: Iterable[constraint.Constraint]
) -> list[constraint.Location]:
    """Return the locations that one entry can hold together with the first.

    The rules of one constraint, and the nodes of a resource whose constraints nobody named.
    """
    found: list[constraint.Location] = []
    for other in others:
        if not isinstance(other, constraint.Location) or _subject(one) != _subject(other):
            continue
        if one.rule is not None:
            joins = other.rule is not None and other.id == one.id
        else:
            known = {each.node for each in (one, *found)}
            unnamed = not _location_id([one]) and not _location_id([other])
            joins = other.rule is None and unnamed and other.node not in known
        if joins:
            found.append(other)
    return found


def _subject(one: constraint.Location) -> tuple[object, ...]:
    role = one.role if one.rule is None else None
    return (one.resources, one.pattern, role, one.discovery)


def _location_id(together: list[constraint.Location]) -> str:
    one = together[0]
    if one.node is None:
        return one.id
    what = one.pattern or "-".join(one.resources)
    return _given(one.id, f"location-{what}-{one.node}", f"location-{what}")


def _location(together: list[constraint.Location]) -> _Entry:
    one = together[0]
    found: _Entry = {"pattern": one.pattern} if one.pattern else _targets(one.resources)
    if one.rule is None:
        found |= _wishes(together)
        found |= _filled(role=_role(one.role))
    elif len(together) == 1:
        found |= _ruled(one)
    else:
        found["rules"] = [_ruled(each) for each in together]
    if one.discovery is not constraint.ResourceDiscovery.ALWAYS:
        found["discovery"] = one.discovery.value
    return found


def _wishes(together: list[constraint.Location]) -> _Entry:
    """Return the nodes with their scores; a score below 0 reads as one to avoid."""
    prefers: _Entry = {}
    avoids: _Entry = {}
    for one in together:
        place = prefers if one.score >= 0 else avoids
        place[one.node or ""] = scalars.number(abs(one.score))
    return {name: nodes for name, nodes in (("prefers", prefers), ("avoids", avoids)) if nodes}


def _ruled(one: constraint.Location) -> _Entry:
    scored = one.score_attribute is None
    return _filled(
        score=scalars.number(one.score) if scored else None,
        score_attribute=one.score_attribute,
        role=_role(one.role),
        rule=rules.written(one.rule) if one.rule is not None else None,
    )
