"""Fence devices and levels in the words of the language.

Pacemaker has its devices among the resources; here each is written as the device that it is, with
its nodes under ``hosts`` and its delays under ``meta``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.model import attribute, duration, fencing, hosts, resource, secret
from reconciler.render.source import pairs, resources, yaml

STANDARD = "stonith"
ANY_HOST = "any"
"""The device itself knows its nodes; nobody wrote them down."""
_DELAYS = (("delay-base", "pcmk_delay_base"), ("delay-max", "pcmk_delay_max"))
Remarks = resources.Remarks


def devices(found: Iterable[resource.Resource]) -> tuple[resource.Primitive, ...]:
    """Return the fence devices among resources, those inside of others included."""
    inside = (one for top in found for one in resource.primitives(top))
    return tuple(one for one in inside if one.agent.standard == STANDARD)


def section(
    found: tuple[resource.Resource, ...],
    levels: Iterable[fencing.FencingLevel],
    remarks: Remarks,
) -> yaml.Block:
    """Return the section of fencing: devices in their order, and levels by node."""
    result = yaml.Block()
    entries = yaml.Block()
    places = _places(found)
    for one in devices(found):
        entries[one.name] = _device(one, places.get(one.name))
        entries.remark(one.name, *remarks.get(one.name, ()))
    if entries:
        result["devices"] = entries
    by_target: dict[str, list[fencing.FencingLevel]] = {}
    for level in levels:
        by_target.setdefault(level.target, []).append(level)
    if by_target:
        result["levels"] = yaml.Block(
            {
                target: [[*one.devices] for one in sorted(several, key=lambda one: one.index)]
                for target, several in by_target.items()
            }
        )
    return result


def _places(found: tuple[resource.Resource, ...]) -> dict[str, str]:
    """Return device to the resource that it comes after, where the order does not go without.

    Devices stand before all resources and follow each other unless something else is said.
    """
    result: dict[str, str] = {}
    previous: resource.Resource | None = None
    last_device: str | None = None
    for one in found:
        if _is_device(one):
            expected = last_device
            actual = previous.name if previous is not None else None
            if actual is not None and actual != expected:
                result[one.name] = actual
            last_device = one.name
        previous = one
    return result


def _is_device(one: resource.Resource) -> bool:
    return isinstance(one, resource.Primitive) and one.agent.standard == STANDARD


def _device(one: resource.Primitive, after: str | None) -> yaml.Block:
    entry = yaml.Block({"agent": one.agent.kind})
    params = attribute.merged(one.params)
    meta = attribute.merged(one.meta)
    named: yaml.Node | None = None
    if len(params) <= 1 and all(each.rule is None for each in params):
        found, rest = hosts.split(params[0].pairs if params else {})
        named = _hosts(rest, found)
        delays = _delays(rest)
        params = (attribute.AttributeSet(rest),)
        if delays:
            meta = attribute.merged((*meta, attribute.AttributeSet(delays)))
    pairs.put(entry, "params", params)
    if named is not None:
        entry["hosts"] = named
    operations = resources.operations(one.operations)
    if operations:
        entry["operations"] = operations
    pairs.put(entry, "meta", meta)
    pairs.put(entry, "utilization", one.utilization)
    if after is not None:
        entry["after"] = after
    return entry


def _hosts(params: Mapping[str, secret.Value], found: hosts.Hosts | None) -> yaml.Node | None:
    if isinstance(found, Mapping):
        return {node: yaml.natural(port) for node, port in found.items()}
    if found is not None:
        return [*found]
    return None if {hosts.LIST, hosts.MAP} & params.keys() else ANY_HOST


def _delays(params: dict[str, secret.Value]) -> dict[str, secret.Value]:
    found: dict[str, secret.Value] = {}
    for name, parameter in _DELAYS:
        value = params.get(parameter)
        if isinstance(value, str) and duration.parse_ms(value) is not None:
            found[name] = value
            del params[parameter]
    return found
