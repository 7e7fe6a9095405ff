"""Nodes of a CIB's configuration (Pacemaker Explained, "Cluster Nodes")."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from reconciler.cib import attribute as attributes
from reconciler.cib import document as documents
from reconciler.model import attribute, node
from reconciler.model import property as options

_KINDS = {
    "member": node.NodeKind.MEMBER,
    "normal": node.NodeKind.MEMBER,
    "remote": node.NodeKind.REMOTE,
    "ping": node.NodeKind.PING,
}


def nodes(document: documents.Document) -> tuple[node.Node, ...]:
    """Return the configured nodes, in their order."""
    elements = (one for one in document.section("configuration/nodes") if one.tag == "node")
    return tuple(_node(document, element) for element in elements)


def _node(document: documents.Document, element: ET.Element) -> node.Node:
    kind = _KINDS.get(element.get("type", "member"))
    if kind is None:
        document.findings.not_carried(element, f"nodes of type {element.get('type')}")
    permanent = attributes.blocks(document, element, "instance_attributes")
    return node.Node(
        name=element.get("uname", element.get("id", "")),
        id=element.get("id", ""),
        kind=kind or node.NodeKind.PING,
        attributes=permanent,
        utilization=attributes.blocks(document, element, "utilization"),
        standby=_flag(permanent, "standby"),
        maintenance=_flag(permanent, "maintenance"),
        score=options.score(element.get("score", "0")) or 0,
        origin=documents.origin(element),
    )


def _flag(sets: attribute.AttributeSets, name: str) -> bool:
    value = attribute.always(sets, name)
    return isinstance(value, str) and options.boolean(value) is True
