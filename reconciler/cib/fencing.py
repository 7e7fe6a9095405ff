"""Fencing levels of a CIB, and its fence devices as the controller would use them.

Pacemaker Explained, "Fencing"; the devices stay resources too, as the scheduler places them.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree as ET

from reconciler.cib import document as documents
from reconciler.model import attribute, fencing, hosts, node, resource
from reconciler.model import property as options

_STANDARD = "stonith"


def topology(
    document: documents.Document,
    nodes: Iterable[node.Node],
    resources: Iterable[resource.Resource],
) -> fencing.Fencing:
    """Return the fence devices and the levels in which they are tried."""
    known = tuple(nodes)
    primitives = [one for top in resources for one in resource.primitives(top)]
    devices = (_device(one) for one in primitives if one.agent.standard == _STANDARD)
    levels: list[fencing.FencingLevel] = []
    for element in document.section("configuration/fencing-topology"):
        if element.tag == "fencing-level":
            levels.extend(_levels(document, element, known))
    return fencing.Fencing(tuple(devices), tuple(levels))


def _levels(
    document: documents.Document, element: ET.Element, nodes: tuple[node.Node, ...]
) -> list[fencing.FencingLevel]:
    devices = tuple(
        name for part in element.get("devices", "").split(",") if (name := part.strip())
    )
    index = documents.whole(element.get("index"))
    return [
        fencing.FencingLevel(target, index, devices, documents.origin(element))
        for target in _targets(document, element, nodes)
    ]


def _targets(
    document: documents.Document, element: ET.Element, nodes: tuple[node.Node, ...]
) -> list[str]:
    target, name = element.get("target"), element.get("target-attribute")
    if target:
        return [target]
    if name:
        value = element.get("target-value")
        return [one.name for one in nodes if attribute.always(one.attributes, name) == value]
    document.findings.not_carried(element, "a level by a pattern of node names")
    return []


def _device(primitive: resource.Primitive) -> fencing.FenceDevice:
    params = {
        name: value
        for one in reversed(primitive.params)
        if one.rule is None
        for name, value in one.pairs.items()
        if isinstance(value, str)
    }
    priority = attribute.always(primitive.meta, "priority")
    return fencing.FenceDevice(
        name=primitive.name,
        agent=primitive.agent.kind,
        params=primitive.params,
        hosts=hosts.names(params.get(hosts.LIST, "")),
        host_map=hosts.ports(params.get(hosts.MAP, "")),
        delay_base_ms=documents.milliseconds(params.get("pcmk_delay_base")) or 0,
        delay_max_ms=documents.milliseconds(params.get("pcmk_delay_max")) or 0,
        priority=(options.score(priority) or 0) if isinstance(priority, str) else 0,
        origin=primitive.origin,
    )
