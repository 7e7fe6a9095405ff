"""Nodes and fencing levels (Pacemaker Explained, "Cluster Nodes" and "Fencing")."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree as ET

from reconciler.cib.writing import attribute as attributes
from reconciler.cib.writing import element
from reconciler.model import attribute, fencing, node

_FLAGS = ("standby", "maintenance")


def nodes(parent: ET.Element, found: Iterable[node.Node], ids: element.Ids) -> None:
    """Add nodes with their permanent attributes."""
    for one in found:
        member = one.kind is node.NodeKind.MEMBER
        entry = element.add(
            parent,
            "node",
            {
                "id": one.id or one.name,
                "uname": one.name,
                "type": None if member else one.kind.value,
                "score": element.number(one.score) if one.score else None,
            },
        )
        attributes.blocks(entry, "instance_attributes", (*_flags(one), *one.attributes), ids)
        attributes.blocks(entry, "utilization", one.utilization, ids)


def _flags(one: node.Node) -> attribute.AttributeSets:
    """Return standby and maintenance as the attributes that a CIB has for them."""
    told = {name: "true" for name in _FLAGS if getattr(one, name)}
    said = {name for name in told if attribute.always(one.attributes, name) is not None}
    pairs = {name: value for name, value in told.items() if name not in said}
    return (attribute.AttributeSet(pairs, id=f"nodes-{one.id or one.name}"),) if pairs else ()


def levels(parent: ET.Element, found: Iterable[fencing.FencingLevel], ids: element.Ids) -> None:
    """Add fencing levels."""
    for one in found:
        element.add(
            parent,
            "fencing-level",
            {
                "id": ids.new(f"fl-{one.target}-{one.index}"),
                "target": one.target,
                "index": one.index,
                "devices": ",".join(one.devices),
            },
        )
