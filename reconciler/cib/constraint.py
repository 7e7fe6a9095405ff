"""Constraints of a CIB, in their order; locations are read here, the rest in ``relation``.

Pacemaker Explained, "Deciding which nodes a resource can run on".
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from reconciler.cib import document as documents
from reconciler.cib import relation, rule
from reconciler.model import constraint
from reconciler.model import property as options
from reconciler.model.role import Role
from reconciler.scheduler import rule as conditions

_DISCOVERY = {one.value: one for one in constraint.ResourceDiscovery}


def constraints(document: documents.Document, now: float) -> tuple[constraint.Constraint, ...]:
    """Return the constraints; one element gives several where the model holds one thing each.

    Args:
        document: the CIB.
        now: seconds since 1970; what does not live then is left out.
    """
    found: list[constraint.Constraint] = []
    for element in document.section("configuration/constraints"):
        if _lives(document, element, now):
            found.extend(_read(document, element))
    return tuple(found)


def _lives(document: documents.Document, element: ET.Element, now: float) -> bool:
    """Tell whether a constraint counts; a lifetime itself, an older form, is not carried."""
    lifetime = element.find("lifetime")
    if lifetime is None:
        return True
    rules = [one for each in lifetime.findall("rule") if (one := rule.read(document, each))]
    context = conditions.Context(conditions.Clock(now))
    lives = not rules or any(conditions.holds(one, context) for one in rules)
    why = "its lifetime, in which it is now" if lives else "its lifetime, outside of which it is"
    document.findings.not_carried(element, why)
    return lives


def tags(document: documents.Document) -> dict[str, tuple[str, ...]]:
    """Return the tags with the ids that each stands for."""
    elements = (one for one in document.section("configuration/tags") if one.tag == "tag")
    return {
        one.get("id", ""): tuple(child.get("id", "") for child in one.findall("obj_ref"))
        for one in elements
    }


def _read(document: documents.Document, element: ET.Element) -> list[constraint.Constraint]:
    match element.tag:
        case "rsc_location":
            return [*_locations(document, element)]
        case "rsc_colocation":
            one = relation.colocation(document, element)
            return [one] if one is not None else []
        case "rsc_order":
            one = relation.order(document, element)
            return [one] if one is not None else []
        case "rsc_ticket":
            return relation.tickets(document, element)
        case _:
            document.findings.not_carried(element, "not known as a constraint")
            return []


def _locations(document: documents.Document, element: ET.Element) -> list[constraint.Location]:
    own_role = relation.role_of(document, element, "role")
    sets = element.findall("resource_set")
    if sets:
        targets = [
            (relation.members(document, one), relation.role_of(document, one, "role") or own_role)
            for one in sets
        ]
    else:
        name = element.get("rsc")
        targets = [((name,) if name else (), own_role)]
    found = []
    for names, wanted in targets:
        if names or element.get("rsc-pattern"):
            found.extend(_for(document, element, names, wanted))
        else:
            document.findings.warn("cib-bad-constraint", element, "names no resource")
    return found


def _for(
    document: documents.Document,
    element: ET.Element,
    names: tuple[str, ...],
    wanted: Role | None,
) -> list[constraint.Location]:
    """Return the locations of one element for some resources: one for its node or each rule."""
    discovery = _discovery(document, element)
    rules = element.findall("rule")
    if not rules:
        node = element.get("node")
        if not node:
            document.findings.warn("cib-bad-constraint", element, "names no node")
            return []
        return [
            constraint.Location(
                id=element.get("id", ""),
                resources=names,
                node=node,
                score=options.score(element.get("score", "0")) or 0,
                role=wanted,
                discovery=discovery,
                pattern=element.get("rsc-pattern"),
                origin=documents.origin(element),
            )
        ]
    found = []
    for one in rules:
        source, condition = document.resolved(one), rule.read(document, one)
        role = relation.role_of(document, source, "role") if source is not None else None
        if source is None or condition is None:
            continue
        if role in {Role.STARTED, Role.STOPPED}:
            # Only the roles of promotable clones are known in a rule (measured).
            document.findings.warn("cib-bad-constraint", source, "its role keeps it from counting")
            continue
        found.append(
            constraint.Location(
                id=element.get("id", ""),
                resources=names,
                score=options.score(source.get("score", "0")) or 0,
                rule=condition,
                score_attribute=source.get("score-attribute"),
                role=role,
                discovery=discovery,
                pattern=element.get("rsc-pattern"),
                origin=documents.origin(element),
            )
        )
    return found


def _discovery(document: documents.Document, element: ET.Element) -> constraint.ResourceDiscovery:
    word = element.get("resource-discovery", "always")
    if word not in _DISCOVERY:
        document.findings.warn("cib-bad-value", element, f"{word!r} is no resource-discovery")
    return _DISCOVERY.get(word, constraint.ResourceDiscovery.ALWAYS)
