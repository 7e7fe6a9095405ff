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
    return resource.Bundle(
        name=name,
        container=_container(one),
        network=_network(one.network) if one.network is not None else container.NO_NETWORK,
        storage=tuple(_storage(each) for each in one.storage),
        child=child,
        meta=meta,
        origin=section.key(name),
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
