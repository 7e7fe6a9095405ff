"""Constraints and tags (Pacemaker Explained, "Resource Constraints")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET

from reconciler.cib.writing import element, rule
from reconciler.model import constraint
from reconciler.model.role import Role


def constraints(
    parent: ET.Element, found: Sequence[constraint.Constraint], ids: element.Ids
) -> None:
    """Add constraints; what came from the rules of one location is one location again."""
    last: tuple[ET.Element, constraint.Location] | None = None
    for one in found:
        if isinstance(one, constraint.Location):
            if last is not None and _same_location(last[1], one):
                _rule(last[0], one, ids)
                continue
            last = (_location(parent, one, ids), one)
            continue
        last = None
        _relation(parent, one, ids)


def tags(parent: ET.Element, found: Mapping[str, Sequence[str]], ids: element.Ids) -> None:
    """Add tags; templates are such, too, once what was made from them stands for itself."""
    for name, members in found.items():
        tag = element.add(parent, "tag", {"id": ids.new(name)})
        for member in members:
            element.add(tag, "obj_ref", {"id": member})


def _role(role: Role | None) -> str | None:
    return role.value if role is not None else None


# --- locations ----------------------------------------------------------------------------------


def _same_location(left: constraint.Location, right: constraint.Location) -> bool:
    def subject(one: constraint.Location) -> tuple[object, ...]:
        return (one.id, one.resources, one.pattern, one.discovery)

    return left.rule is not None and right.rule is not None and subject(left) == subject(right)


def _location(parent: ET.Element, one: constraint.Location, ids: element.Ids) -> ET.Element:
    always = one.discovery is constraint.ResourceDiscovery.ALWAYS
    single = len(one.resources) == 1 and one.pattern is None
    ruled = one.rule is not None
    found = element.add(
        parent,
        "rsc_location",
        {
            "id": ids.new(one.id),
            "rsc": one.resources[0] if single else None,
            "rsc-pattern": one.pattern,
            "node": one.node,
            "score": None if ruled else element.number(one.score),
            "role": None if ruled else _role(one.role),
            "resource-discovery": None if always else one.discovery.value,
        },
    )
    if not single and one.pattern is None:
        _members(found, one.resources, ids, {})
    if ruled:
        _rule(found, one, ids)
    return found


def _rule(parent: ET.Element, one: constraint.Location, ids: element.Ids) -> None:
    if one.rule is None:
        return
    more = {
        "score": None if one.score_attribute else element.number(one.score),
        "score-attribute": one.score_attribute,
        "role": _role(one.role),
    }
    rule.add(parent, one.rule, ids, f"{one.id}-rule", more)


def _members(
    parent: ET.Element,
    names: Sequence[str],
    ids: element.Ids,
    more: Mapping[str, str | None],
) -> None:
    identity = ids.new(more.get("id") or f"{parent.get('id')}-set")
    found = element.add(parent, "resource_set", {**more, "id": identity})
    for name in names:
        element.add(found, "resource_ref", {"id": name})


# --- relations ----------------------------------------------------------------------------------


def _relation(parent: ET.Element, one: constraint.Constraint, ids: element.Ids) -> None:
    match one:
        case constraint.Colocation():
            attributes = {
                "rsc": one.dependent,
                "with-rsc": one.primary,
                "score": element.number(one.score),
                "rsc-role": _role(one.dependent_role),
                "with-rsc-role": _role(one.primary_role),
                "node-attribute": one.node_attribute,
                "influence": element.flag(one.influence),
            }
            _one(parent, "rsc_colocation", one, ids, attributes)
        case constraint.ColocationSets():
            attributes = {
                "score": element.number(one.score),
                "node-attribute": one.node_attribute,
                "influence": element.flag(one.influence),
            }
            _sets(_one(parent, "rsc_colocation", one, ids, attributes), one.sets, ids)
        case constraint.Order():
            attributes = {
                "first": one.first,
                "first-action": None if one.first_action == "start" else one.first_action,
                "then": one.then,
                "then-action": one.then_action,
                "kind": one.kind.value,
                "symmetrical": element.flag(one.symmetrical),
                "require-all": None if one.require_all else "false",
            }
            _one(parent, "rsc_order", one, ids, attributes)
        case constraint.OrderSets():
            attributes = {"kind": one.kind.value, "symmetrical": element.flag(one.symmetrical)}
            _sets(_one(parent, "rsc_order", one, ids, attributes), one.sets, ids)
        case constraint.Ticket():
            _ticket(parent, one, ids)
        case constraint.Location():
            _location(parent, one, ids)


def _one(
    parent: ET.Element,
    tag: str,
    one: constraint.Constraint,
    ids: element.Ids,
    attributes: Mapping[str, str | None],
) -> ET.Element:
    return element.add(parent, tag, {"id": ids.new(one.id), **attributes})


def _sets(parent: ET.Element, sets: Sequence[constraint.ResourceSet], ids: element.Ids) -> None:
    for one in sets:
        more = {
            "id": one.id or None,
            "sequential": element.flag(one.sequential),
            "require-all": None if one.require_all else "false",
            "action": one.action,
            "role": _role(one.role),
            "score": None if one.score is None else element.number(one.score),
            "kind": one.kind.value if one.kind else None,
            "ordering": one.ordering,
        }
        _members(parent, one.resources, ids, more)


def _ticket(parent: ET.Element, one: constraint.Ticket, ids: element.Ids) -> None:
    single = len(one.resources) == 1
    policy = one.loss_policy.value if one.loss_policy else None
    attributes = {
        "ticket": one.ticket,
        "rsc": one.resources[0] if single else None,
        "rsc-role": _role(one.role) if single else None,
        "loss-policy": policy,
    }
    found = _one(parent, "rsc_ticket", one, ids, attributes)
    if not single:
        _members(found, one.resources, ids, {"role": _role(one.role)})
