"""Bundles: containers that run a resource, or nothing but themselves."""

from __future__ import annotations

from reconciler.manifest import attributes, shape, tree
from reconciler.manifest.scope import Scope
from reconciler.model import container, property, resource  # noqa: A004 - the field's word


def lowered(
    name: str,
    one: shape.Bundle,
    child: resource.Primitive | None,
    section: tree.Mapping,
    scope: Scope,
) -> resource.Bundle:
    """Return a bundle.

    Args:
        name: its name.
        one: as written.
        child: the resource inside.
        section: of resources.
        scope: names and findings.
    """
    meta = attributes.sets(
        one.meta,
        section.mapping(name),
        "meta",
        attributes.options(property.META, "unknown-meta", scope.findings),
        scope.findings,
    )
    _numbers(one, section.mapping(name), scope)
    if one.resource is not None:
        _reached(name, one, section.mapping(name), scope)
    return resource.Bundle(
        name=name,
        container=_container(one),
        network=_network(one.network) if one.network is not None else container.NO_NETWORK,
        storage=tuple(_storage(each) for each in one.storage),
        child=child,
        meta=meta,
        origin=section.key(name),
    )


def _numbers(one: shape.Bundle, where: tree.Mapping, scope: Scope) -> None:
    """Report numbers of containers that are too small."""
    for field, number, least in (
        ("replicas", one.replicas, 1),
        ("replicas-per-host", one.replicas_per_host, 1),
        ("promoted-max", one.promoted_max, 0),
    ):
        if number is not None and number < least:
            message = f"{field} {number} is below {least}"
            scope.findings.refuse("invalid-number", message, where.value(field))


def _reached(name: str, one: shape.Bundle, where: tree.Mapping, scope: Scope) -> None:
    """Report a bundle in which the resource could not be reached (measured)."""
    network = one.network
    if network is not None and network.ip_range_start:
        return
    if network is None or network.control_port is None:
        scope.findings.refuse(
            "bundle-network",
            f"{name}: nothing could reach {one.resource} inside of its containers",
            where.value("resource"),
            fix="give its network an ip-range-start, or a control-port",
        )
    elif one.replicas_per_host > 1:
        scope.findings.refuse(
            "bundle-network",
            f"{name}: containers on one node would all need port {network.control_port} there",
            where.value("replicas-per-host"),
            fix="give its network an ip-range-start, or leave replicas-per-host at 1",
        )


def _container(one: shape.Bundle) -> container.Container:
    return container.Container(
        technology=container.Technology(one.bundle),
        image=one.image,
        replicas=one.replicas,
        replicas_per_host=one.replicas_per_host,
        promoted_max=one.promoted_max,
        network=one.container_network,
        options=one.options,
        run_command=one.run_command,
    )


def _network(one: shape.Network) -> container.Network:
    return container.Network(
        ip_range_start=one.ip_range_start,
        control_port=one.control_port,
        host_interface=one.host_interface,
        host_netmask=one.host_netmask,
        add_host=one.add_host,
        ports=tuple(
            container.PortMapping(each.port, each.internal_port, each.range, each.id_)
            for each in one.ports
        ),
    )


def _storage(one: shape.Storage) -> container.StorageMapping:
    return container.StorageMapping(
        one.target_dir, one.source_dir, one.source_dir_root, one.options, one.id_
    )
