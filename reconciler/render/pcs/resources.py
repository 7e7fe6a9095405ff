"""Resources and fence devices as commands (pcs(8), "resource" and "stonith")."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.model import attribute, container, resource
from reconciler.render.pcs import command
from reconciler.render.source import scalars

_MONITOR = "monitor"
_STONITH = "stonith"
_OPTIONS = frozenset({"OCF_CHECK_LEVEL", "record-pending"})
"""What pcs takes for an operation beyond the fields of ``resource.Operation``."""


def devices_alone(one: resource.Resource) -> bool:
    """Tell whether something is a fence device, or a group of nothing else."""
    return isinstance(one, resource.Primitive | resource.Group) and _standards(one) == {_STONITH}


def commands(one: resource.Resource) -> Iterator[str]:
    """Yield the commands that make a resource: what is inside first."""
    standards = _standards(one)
    if devices_alone(one):
        yield from _devices(one)
        return
    if _STONITH in standards:
        yield command.unsaid(one.name, "pcs puts fence devices into groups of their own only")
        for device in resource.primitives(one):
            if device.agent.standard == _STONITH:
                yield from _devices(device)
    if standards != {_STONITH}:
        yield from _resource(one)


def _devices(one: resource.Resource) -> Iterator[str]:
    inside = ("--group", one.name) if isinstance(one, resource.Group) else ()
    for each in resource.primitives(one):
        yield from _primitive(each, ("stonith", "create", each.name, each.agent.kind), *inside)
    if isinstance(one, resource.Group):
        yield from _above(one.name, one.params, one.meta)


def made(found: Iterable[resource.Resource]) -> frozenset[str]:
    """Return the names of what has commands: nothing else may be spoken of."""
    return frozenset(
        name
        for one in found
        for name in resource.names(one)
        if devices_alone(one) or _standards(one) != {_STONITH} or name != one.name
    )


def _standards(one: resource.Resource) -> set[str]:
    return {each.agent.standard for each in resource.primitives(one)}


def _resource(one: resource.Resource) -> Iterator[str]:
    match one:
        case resource.Primitive():
            yield from _created(one)
        case resource.Group():
            for member in one.members:
                yield from _created(member)
            members = (each.name for each in one.members if each.agent.standard != _STONITH)
            yield command.words("pcs", "resource", "group", "add", one.name, *members)
            yield from _above(one.name, one.params, one.meta)
        case resource.Clone():
            yield from _clone(one)
        case resource.Bundle():
            yield from _bundle(one)


def _clone(one: resource.Clone) -> Iterator[str]:
    """Yield the commands for a clone; what is in a group exists before its clone."""
    meta = command.always(one.meta)
    verb = "promotable" if meta.pop("promotable", "false") == "true" else "clone"
    clone = (verb, one.name, *command.pairs(meta))
    if isinstance(one.child, resource.Primitive):
        # In one command: pcs refuses to clone what is there and not installed, even by force.
        yield from _created(one.child, *clone)
    else:
        yield from _resource(one.child)
        yield command.words("pcs", "resource", verb, one.child.name, *clone[1:], "--force")
    yield from _above(one.name, one.params, ())
    yield from _rules(one.name, "meta-attributes", one.meta)


def _created(one: resource.Primitive, *where: str) -> Iterator[str]:
    if one.agent.standard == _STONITH:
        return
    head = ("resource", "create", "--no-default-ops", one.name, str(one.agent))
    yield from _primitive(one, head, *where)


def _primitive(one: resource.Primitive, head: tuple[str, ...], *where: str) -> Iterator[str]:
    parts = ["pcs", *head, *command.pairs(command.always(one.params))]
    operations = {(each.name, each.interval_ms): each for each in reversed(one.operations)}
    if operations:
        parts.append("op")
    for operation in reversed(operations.values()):
        parts += _operation(operation)
    meta = command.always(one.meta)
    parts += [*(["meta"] if meta else []), *command.pairs(meta)]
    # What the agent itself checks may not hold where the script runs.
    yield command.words(*parts, *where, "--force")
    if len(operations) < len(one.operations):
        yield command.unsaid(f"some operations of {one.name}", "they are there twice")
    if not any(each.name == _MONITOR for each in one.operations):
        # pcs adds one that nobody asked for, in the interval that the agent advises.
        yield command.words("pcs", head[0], "op", "delete", one.name, _MONITOR)
    for operation in one.operations:
        unknown = command.always(operation.attributes).keys() - _OPTIONS
        if unknown:
            what = f"{', '.join(sorted(unknown))} of {operation.name} of {one.name}"
            yield command.unsaid(what, "pcs gives no parameters to single operations")
    utilization = command.always(one.utilization)
    if utilization:
        yield command.words("pcs", "resource", "utilization", one.name, *command.pairs(utilization))
    yield from _rules(one.name, "parameters", one.params)
    yield from _rules(one.name, "meta-attributes", one.meta)


def _operation(one: resource.Operation) -> Iterator[str]:
    yield one.name
    yield f"interval={scalars.length(one.interval_ms)}"
    if one.timeout_ms is not None:
        yield f"timeout={scalars.length(one.timeout_ms)}"
    if one.role is not None:
        yield f"role={one.role.value}"
    if one.on_fail is not None:
        yield f"on-fail={one.on_fail.value}"
    if not one.enabled:
        yield "enabled=false"
    if one.start_delay_ms:
        yield f"start-delay={scalars.length(one.start_delay_ms)}"
    found = command.always(one.attributes)
    yield from command.pairs({name: found[name] for name in found if name in _OPTIONS})


def _above(
    name: str, params: attribute.AttributeSets, meta: attribute.AttributeSets
) -> Iterator[str]:
    """Yield what a group or clone has of its own."""
    options = command.always(meta)
    if options:
        yield command.words("pcs", "resource", "meta", name, *command.pairs(options))
    if params:
        yield command.unsaid(f"parameters of {name}", "pcs sets parameters of primitives only")
    yield from _rules(name, "meta-attributes", meta)


def _rules(name: str, what: str, sets: attribute.AttributeSets) -> Iterator[str]:
    if command.conditional(sets):
        yield command.unsaid(f"{what} of {name} with rules", "pcs sets them without")


def _bundle(one: resource.Bundle) -> Iterator[str]:
    box = one.container
    parts = ["pcs", "resource", "bundle", "create", one.name, "container", box.technology.value]
    parts += _said(
        ("image", box.image),
        ("replicas", box.replicas),
        ("replicas-per-host", box.replicas_per_host if box.replicas_per_host != 1 else None),
        ("promoted-max", box.promoted_max or None),
        ("network", box.network),
        ("options", box.options),
        ("run-command", box.run_command),
    )
    network = [*_network(one.network)]
    parts += ["network", *network] if network else []
    for port in one.network.ports:
        fields = (("port", port.port), ("internal-port", port.internal_port), ("range", port.range))
        parts += ["port-map", *_said(*fields, ("id", port.id))]
    for each in one.storage:
        parts.append("storage-map")
        parts += _said(
            ("source-dir", each.source_dir),
            ("source-dir-root", each.source_dir_root),
            ("target-dir", each.target_dir),
            ("options", each.options),
            ("id", each.id),
        )
    meta = command.always(one.meta)
    yield command.words(*parts, *(["meta"] if meta else []), *command.pairs(meta))
    if one.child is not None:
        yield from _created(one.child, "bundle", one.name)


def _network(one: container.Network) -> Iterator[str]:
    yield from _said(
        ("ip-range-start", one.ip_range_start),
        ("control-port", one.control_port),
        ("host-interface", one.host_interface),
        ("host-netmask", one.host_netmask),
        ("add-host", None if one.add_host else "false"),
    )


def _said(*fields: tuple[str, str | int | None]) -> list[str]:
    return [f"{name}={value}" for name, value in fields if value is not None and value != ""]
