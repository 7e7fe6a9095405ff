"""Colocations, orders and tickets of a CIB, single or among resource sets.

Pacemaker Explained, "Resource Constraints" and "Resource sets".
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from reconciler.cib import document as documents
from reconciler.model import constraint, role
from reconciler.model import property as options


def members(document: documents.Document, element: ET.Element) -> tuple[str, ...]:
    """Return the names in a resource set."""
    found = document.resolved(element)
    references = found.findall("resource_ref") if found is not None else []
    return tuple(one.get("id", "") for one in references)


def role_of(document: documents.Document, element: ET.Element, name: str) -> role.Role | None:
    """Return the role that an attribute names; Started is any role, as if nothing was said."""
    text = element.get(name)
    if text is None:
        return None
    found = role.parse(text)
    if found is None:
        document.findings.warn("cib-bad-value", element, f"{name} {text!r} is no role")
    return found


def colocation(document: documents.Document, element: ET.Element) -> constraint.Constraint | None:
    """Return an ``rsc_colocation``."""
    sets = element.findall("resource_set")
    score = options.score(element.get("score", "0")) or 0
    influence = _maybe(element.get("influence"))
    if sets:
        return constraint.ColocationSets(
            id=element.get("id", ""),
            sets=tuple(_set(document, one) for one in sets),
            score=score,
            node_attribute=element.get("node-attribute"),
            influence=influence,
            origin=documents.origin(element),
        )
    dependent, primary = element.get("rsc"), element.get("with-rsc")
    if not dependent or not primary:
        _incomplete(document, element)
        return None
    if _is_several(document, dependent) and _is_several(document, primary):
        # Pacemaker refuses to say what that would mean, and goes on without it (measured).
        why = "two templates or tags cannot be colocated, and Pacemaker ignores it"
        document.findings.not_carried(element, why)
        return None
    return constraint.Colocation(
        id=element.get("id", ""),
        dependent=dependent,
        primary=primary,
        score=score,
        dependent_role=role_of(document, element, "rsc-role"),
        primary_role=role_of(document, element, "with-rsc-role"),
        node_attribute=element.get("node-attribute"),
        influence=influence,
        origin=documents.origin(element),
    )


def order(document: documents.Document, element: ET.Element) -> constraint.Constraint | None:
    """Return an ``rsc_order``."""
    sets = element.findall("resource_set")
    kind = _kind(element) or constraint.OrderKind.MANDATORY
    symmetrical = _maybe(element.get("symmetrical"))
    if sets:
        return constraint.OrderSets(
            id=element.get("id", ""),
            sets=tuple(_set(document, one) for one in sets),
            kind=kind,
            symmetrical=symmetrical,
            origin=documents.origin(element),
        )
    first, then = element.get("first"), element.get("then")
    if not first or not then:
        _incomplete(document, element)
        return None
    return constraint.Order(
        id=element.get("id", ""),
        first=first,
        then=then,
        first_action=element.get("first-action", "start"),
        then_action=element.get("then-action"),
        kind=kind,
        symmetrical=symmetrical,
        require_all=_maybe(element.get("require-all")) is not False,
        origin=documents.origin(element),
    )


def tickets(document: documents.Document, element: ET.Element) -> list[constraint.Constraint]:
    """Return an ``rsc_ticket``: one for each of its sets, as these can have different roles."""
    word = element.get("loss-policy")
    policy = None
    if word is not None:
        known = {one.value: one for one in constraint.LossPolicy}
        policy = known.get(word.lower())
        if policy is None:
            document.findings.warn("cib-bad-value", element, f"{word!r} is no loss-policy")
    sets = element.findall("resource_set")
    wanted = [(members(document, one), role_of(document, one, "role")) for one in sets]
    if not sets and element.get("rsc"):
        wanted = [((element.get("rsc", ""),), role_of(document, element, "rsc-role"))]
    return [
        constraint.Ticket(
            id=element.get("id", ""),
            ticket=element.get("ticket", ""),
            resources=names,
            role=wanted_role,
            loss_policy=policy,
            origin=documents.origin(element),
        )
        for names, wanted_role in wanted
    ]


def _set(document: documents.Document, element: ET.Element) -> constraint.ResourceSet:
    source = document.resolved(element)
    one = source if source is not None else element
    return constraint.ResourceSet(
        resources=members(document, element),
        sequential=_maybe(one.get("sequential")),
        require_all=_maybe(one.get("require-all")) is not False,
        action=one.get("action"),
        role=role_of(document, one, "role"),
        score=options.score(one.get("score", "")),
        kind=_kind(one),
        ordering=one.get("ordering"),
        id=one.get("id", ""),
    )


def _kind(element: ET.Element) -> constraint.OrderKind | None:
    """Return how strictly an order holds; older files say it by a score, 0 for Optional.

    A word that is no kind counts as Mandatory, as it does for Pacemaker.
    """
    word = element.get("kind")
    if word is not None:
        known = {one.value.lower(): one for one in constraint.OrderKind}
        return known.get(word.lower(), constraint.OrderKind.MANDATORY)
    if element.tag != "rsc_order" or element.get("score") is None:
        return None
    score = options.score(element.get("score", "")) or 0
    return constraint.OrderKind.MANDATORY if score else constraint.OrderKind.OPTIONAL


def _is_several(document: documents.Document, name: str) -> bool:
    """Tell whether a name stands for other resources."""
    found = document.ids.get(name)
    return found is not None and found.tag in {"tag", "template"}


def _maybe(text: str | None) -> bool | None:
    return options.boolean(text) if text is not None else None


def _incomplete(document: documents.Document, element: ET.Element) -> None:
    document.findings.warn("cib-bad-constraint", element, "names fewer than two resources")
