"""Bundles in the words of the language."""

from __future__ import annotations

from reconciler.model import container, resource
from reconciler.render.source import pairs, yaml

_Fields = dict[str, yaml.Node]


def written(one: resource.Bundle) -> yaml.Block:
    """Return a bundle; the resource inside is defined beside it."""
    box = one.container
    entry = yaml.Block({"bundle": box.technology.value, "image": box.image})
    entry.update(
        _said(
            {
                "replicas": box.replicas,
                "replicas-per-host": box.replicas_per_host if box.replicas_per_host != 1 else None,
                "promoted-max": box.promoted_max or None,
                "container-network": box.network,
                "options": box.options,
                "run-command": box.run_command,
            }
        )
    )
    network = _network(one.network)
    if network:
        entry["network"] = network
    if one.storage:
        entry["storage"] = [_storage(each) for each in one.storage]
    if one.child is not None:
        entry["resource"] = one.child.name
    pairs.put(entry, "meta", one.meta)
    return entry


def _said(fields: dict[str, str | int | None]) -> _Fields:
    """Return the fields that say something."""
    return {name: value for name, value in fields.items() if value is not None and value != ""}


def _network(one: container.Network) -> _Fields:
    found = _said(
        {
            "ip-range-start": one.ip_range_start,
            "control-port": one.control_port,
            "host-interface": one.host_interface,
            "host-netmask": one.host_netmask,
        }
    )
    if not one.add_host:
        found["add-host"] = False
    if one.ports:
        found["ports"] = [
            _said(
                {
                    "id": each.id,
                    "port": each.port,
                    "internal-port": each.internal_port,
                    "range": each.range,
                }
            )
            for each in one.ports
        ]
    return found


def _storage(one: container.StorageMapping) -> _Fields:
    return _said(
        {
            "id": one.id,
            "source-dir": one.source_dir,
            "source-dir-root": one.source_dir_root,
            "target-dir": one.target_dir,
            "options": one.options,
        }
    )
