"""Resources (Pacemaker Explained, "Resources", "Collective Resources", "Bundles")."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from reconciler.cib.writing import attribute as attributes
from reconciler.cib.writing import element
from reconciler.model import attribute, container, resource
from reconciler.model import property as options

_AS_ATTRIBUTES = frozenset({"interval-origin", "record-pending", "description"})
"""Options of operations that are attributes of the element, besides those with a field."""


def add(parent: ET.Element, one: resource.Resource, ids: element.Ids) -> None:
    """Add a resource with everything inside of it."""
    match one:
        case resource.Primitive():
            _primitive(parent, one, ids)
        case resource.Group():
            found = element.add(parent, "group", {"id": one.name})
            _values(found, one.params, one.meta, ids)
            for member in one.members:
                _primitive(found, member, ids)
        case resource.Clone():
            found = element.add(parent, "clone", {"id": one.name})
            _values(found, one.params, one.meta, ids)
            add(found, one.child, ids)
        case resource.Bundle():
            _bundle(parent, one, ids)


def _values(
    parent: ET.Element,
    params: attribute.AttributeSets,
    meta: attribute.AttributeSets,
    ids: element.Ids,
) -> None:
    attributes.blocks(parent, "meta_attributes", meta, ids)
    attributes.blocks(parent, "instance_attributes", params, ids)


def _primitive(parent: ET.Element, one: resource.Primitive, ids: element.Ids) -> None:
    found = element.add(
        parent,
        "primitive",
        {
            "id": one.name,
            "class": one.agent.standard,
            "provider": one.agent.provider or None,
            "type": one.agent.kind,
        },
    )
    _values(found, one.params, one.meta, ids)
    attributes.blocks(found, "utilization", one.utilization, ids)
    if one.operations:
        inside = element.add(found, "operations", {})
        for operation in one.operations:
            _operation(inside, one, operation, ids)


def _operation(
    parent: ET.Element, owner: resource.Primitive, one: resource.Operation, ids: element.Ids
) -> None:
    interval = element.milliseconds(one.interval_ms)
    plain: dict[str, str] = {}
    nested = []
    for each in one.attributes:
        if each.rule is None:
            plain = {name: attributes.text(value) for name, value in each.pairs.items()} | plain
        else:
            nested.append(each)
    found = element.add(
        parent,
        "op",
        {
            "id": ids.new(one.id or f"{owner.name}-{one.name}-interval-{interval}"),
            "name": one.name,
            "interval": interval,
            "timeout": None if one.timeout_ms is None else element.milliseconds(one.timeout_ms),
            "role": one.role.value if one.role else None,
            "on-fail": one.on_fail.value if one.on_fail else None,
            "enabled": None if one.enabled or _twice(owner, one) else "false",
            "start-delay": element.milliseconds(one.start_delay_ms) if one.start_delay_ms else None,
            **{name: value for name, value in plain.items() if name in _AS_ATTRIBUTES},
        },
    )
    params = {
        name: value
        for name, value in plain.items()
        if name not in _AS_ATTRIBUTES and options.OPERATION.find(name) is None
    }
    if params:
        nested.insert(0, attribute.AttributeSet(params))
    for each in nested:
        known = all(options.OPERATION.find(name) for name in each.pairs)
        tag = "meta_attributes" if known else "instance_attributes"
        attributes.blocks(found, tag, (each,), ids)


def _twice(owner: resource.Primitive, one: resource.Operation) -> bool:
    """Tell whether an operation is disabled only because another has the same name and interval.

    Pacemaker neither schedules nor cancels these; disabled ones it cancels.
    """
    alike = (one.name, one.interval_ms)
    return sum((each.name, each.interval_ms) == alike for each in owner.operations) > 1


def _bundle(parent: ET.Element, one: resource.Bundle, ids: element.Ids) -> None:
    found = element.add(parent, "bundle", {"id": one.name})
    attributes.blocks(found, "meta_attributes", one.meta, ids)
    box = one.container
    element.add(
        found,
        box.technology.value,
        {
            "image": box.image,
            "replicas": box.replicas,
            "replicas-per-host": box.replicas_per_host if box.replicas_per_host != 1 else None,
            "promoted-max": box.promoted_max or None,
            "network": box.network or None,
            "options": box.options or None,
            "run-command": box.run_command or None,
        },
    )
    if one.network != container.NO_NETWORK:
        _network(found, one, ids)
    if one.storage:
        storage = element.add(found, "storage", {})
        for each in one.storage:
            element.add(
                storage,
                "storage-mapping",
                {
                    "id": ids.new(each.id or f"{one.name}-storage"),
                    "source-dir": each.source_dir or None,
                    "source-dir-root": each.source_dir_root or None,
                    "target-dir": each.target_dir,
                    "options": each.options or None,
                },
            )
    if one.child is not None:
        _primitive(found, one.child, ids)


def _network(parent: ET.Element, one: resource.Bundle, ids: element.Ids) -> None:
    network = one.network
    found = element.add(
        parent,
        "network",
        {
            "ip-range-start": network.ip_range_start or None,
            "control-port": network.control_port,
            "host-interface": network.host_interface or None,
            "host-netmask": network.host_netmask,
            "add-host": None if network.add_host else "false",
        },
    )
    for port in network.ports:
        element.add(
            found,
            "port-mapping",
            {
                "id": ids.new(port.id or f"{one.name}-port"),
                "port": port.port,
                "internal-port": port.internal_port,
                "range": port.range or None,
            },
        )
