"""Bundles of a CIB (Pacemaker Explained, "Bundles (Containerized Resources)")."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from xml.etree import ElementTree as ET

from reconciler.cib import attribute as attributes
from reconciler.cib import document as documents
from reconciler.model import container, resource
from reconciler.model import property as options

_TECHNOLOGIES = {one.value: one for one in container.Technology}


def read(
    document: documents.Document,
    element: ET.Element,
    primitive: Callable[[documents.Document, ET.Element], resource.Primitive],
) -> resource.Bundle | None:
    """Return the bundle that an element is; None, with a finding, where nothing can run it.

    Args:
        document: where references lead, and where findings are noted.
        element: the ``bundle``.
        primitive: reads the resource inside.
    """
    engines = [one for one in element if one.tag in _TECHNOLOGIES]
    if len(engines) != 1:
        document.findings.warn("cib-bad-bundle", element, "needs one docker, podman or rkt")
        return None
    inside = element.find("primitive")
    storage = element.find("storage")
    network = _network(element.find("network"))
    box = _container(engines[0])
    if inside is not None and not network.ip_range_start:
        if network.control_port is None:
            why = "has neither ip-range-start nor control-port, so what is inside is out of reach"
            document.findings.warn("cib-bad-bundle", element, why)
            return None
        # All of them would listen on the same port of their host (measured).
        box = dataclasses.replace(box, replicas_per_host=1)
    return resource.Bundle(
        name=element.get("id", ""),
        container=box,
        network=network,
        storage=tuple(_storage(one) for one in (storage if storage is not None else ())),
        child=None if inside is None else primitive(document, inside),
        meta=attributes.blocks(document, element, "meta_attributes", options.META),
        origin=documents.origin(element),
    )


def _container(element: ET.Element) -> container.Container:
    promoted = element.get("promoted-max", element.get("masters"))
    return container.Container(
        technology=_TECHNOLOGIES[element.tag],
        image=element.get("image", ""),
        replicas=_at_least(1, element.get("replicas")),
        replicas_per_host=_at_least(1, element.get("replicas-per-host")) or 1,
        promoted_max=_at_least(0, promoted) or 0,
        network=element.get("network", ""),
        options=element.get("options", ""),
        run_command=element.get("run-command", ""),
    )


def _network(element: ET.Element | None) -> container.Network:
    if element is None:
        return container.NO_NETWORK
    return container.Network(
        ip_range_start=element.get("ip-range-start", ""),
        control_port=_number(element.get("control-port")),
        host_interface=element.get("host-interface", ""),
        host_netmask=_number(element.get("host-netmask")),
        add_host=options.boolean(element.get("add-host", "true")) is not False,
        ports=tuple(_port(one) for one in element if one.tag == "port-mapping"),
    )


def _port(element: ET.Element) -> container.PortMapping:
    return container.PortMapping(
        port=_number(element.get("port")),
        internal_port=_number(element.get("internal-port")),
        range=element.get("range", ""),
        id=element.get("id", ""),
    )


def _storage(element: ET.Element) -> container.StorageMapping:
    return container.StorageMapping(
        target_dir=element.get("target-dir", ""),
        source_dir=element.get("source-dir", ""),
        source_dir_root=element.get("source-dir-root", ""),
        options=element.get("options", ""),
        id=element.get("id", ""),
    )


def _at_least(least: int, text: str | None) -> int | None:
    """Return a number of containers; fewer than are possible are as many as that (measured)."""
    number = _number(text)
    return None if number is None else max(least, number)


def _number(text: str | None) -> int | None:
    return None if text is None else options.integer(text)
