"""Nodes: lowered, with their addresses checked."""

from __future__ import annotations

import ipaddress
import re

from reconciler.errors import position
from reconciler.manifest import attributes, shape, tree, wording
from reconciler.manifest.scope import Scope
from reconciler.model import node

_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_-]{1,63})*\.?")
_NUMBERS = re.compile(r"[0-9.]+")


def lowered(scope: Scope) -> tuple[node.Node, ...]:
    """Return the nodes of the document; faulty ones are left out, with findings."""
    section = scope.root.mapping("nodes")
    found = []
    for name, value in section.items():
        place = (section.key(name), section.value(name))
        one = wording.validated(shape.Node, value, place, f"node {name}", scope.findings)
        if one is not None:
            found.append(_node(name, one, section.mapping(name), section.key(name), scope))
    return tuple(found)


def _node(
    name: str, one: shape.Node, where: tree.Mapping, at: position.Position, scope: Scope
) -> node.Node:
    if one.address:
        address(one.address, where.value("address"), scope)
    for option, value in one.connection_options.items():
        if value.startswith("-"):
            scope.findings.add(
                "option-injection",
                f"{option}: the value begins with - and would be taken for an option",
                where.mapping("connection-options").value(option),
            )
    return node.Node(
        name=name,
        id=one.id_,
        kind=node.NodeKind(one.kind),
        address=one.address,
        connection=one.connection,
        connection_options=dict(one.connection_options),
        attributes=attributes.sets(
            one.attributes,
            where,
            "attributes",
            attributes.free(scope.findings, "node attributes"),
            scope.findings,
        ),
        utilization=attributes.sets(
            one.utilization,
            where,
            "utilization",
            attributes.capacities(scope.findings),
            scope.findings,
        ),
        standby=one.standby,
        maintenance=one.maintenance,
        score=one.score,
        origin=at,
    )


def address(text: str, at: position.Position, scope: Scope) -> bool:
    """Tell whether a text is an IP address or host name; if not, say so."""
    if text.startswith("-") or any(character.isspace() for character in text):
        scope.findings.add(
            "option-injection",
            f"the address {wording.shown(text)} holds blanks or begins with -: it could smuggle "
            "options into a command",
            at,
        )
        return False
    if ":" in text or _NUMBERS.fullmatch(text):
        return ip(text, at, scope)
    if _HOST.fullmatch(text):
        return True
    scope.findings.add(
        "invalid-address", f"{wording.shown(text)} is neither an IP address nor a host name", at
    )
    return False


def ip(text: str, at: position.Position, scope: Scope) -> bool:
    """Tell whether a text is an IP address; if not, say so."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        scope.findings.add("invalid-address", f"{wording.shown(text)} is no IP address", at)
        return False
    local = isinstance(found, ipaddress.IPv6Address) and found.is_link_local
    if local and "%" not in text:
        scope.findings.add(
            "invalid-address",
            f"the link-local address {text} needs a zone",
            at,
            fix=f"write {text}%eth0 with the right interface",
        )
        return False
    return True
