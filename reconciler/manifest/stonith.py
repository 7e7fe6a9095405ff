"""Fence devices as the resources that Pacemaker makes of them.

Pacemaker assigns its fence devices to nodes as it does with resources: there they have a place
among these, operations and meta-attributes, and constraints can name them. This program's own
controller uses the devices themselves; for it everything here is left out again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from reconciler.frozen import frozen
from reconciler.manifest import resources, shape, tree
from reconciler.manifest.scope import Scope
from reconciler.model import (
    agent,
    attribute,
    constraint,
    fencing,
    hosts,
    property,  # noqa: A004 - the field's word
    resource,
    secret,
)

STANDARD = "stonith"
_DELAYS = (("delay-base", "pcmk_delay_base"), ("delay-max", "pcmk_delay_max"))
META = property.Table(
    "meta-attributes of a fence device",
    *property.RESOURCE_META.options.values(),
    *property.FENCE_META.options.values(),
)
"""What ``meta`` of a device can hold: its own, and those of every resource in Pacemaker."""
_IPMI = "fence_ipmilan"
_LANPLUS = "lanplus"
_OWN = frozenset(property.FENCE_META.options) - {"priority"}


@frozen
class Values:
    """The lowered values of a device."""

    params: attribute.AttributeSets
    meta: attribute.AttributeSets
    utilization: attribute.AttributeSets


def primitive(
    name: str, one: shape.Device, values: Values, where: tree.Mapping, scope: Scope
) -> resource.Primitive:
    """Return a device as a resource.

    In the place of the built-in driver stands the agent that takes the same parameters.
    """
    built_in = one.agent == fencing.BUILT_IN_IPMI
    kind = agent.AgentName(STANDARD, "", _IPMI if built_in else one.agent)
    params, meta = values.params, values.meta
    own = dict(_hosts(one))
    if built_in and attribute.always(params, _LANPLUS) is None:
        own[_LANPLUS] = "true"
    for option, parameter in _DELAYS:
        value = attribute.always(meta, option)
        if isinstance(value, str):
            own[parameter] = value
    if own:
        first = params[0] if params and params[0].rule is None else None
        rest = params[1:] if first is not None else params
        params = (attribute.AttributeSet({**(first.pairs if first else {}), **own}), *rest)
    return resource.Primitive(
        name,
        kind,
        params,
        tuple(found for each in meta if (found := _for_resource(each)).pairs),
        resources.operations(one.operations, where.mapping("operations"), kind, None, scope),
        values.utilization,
        origin=where.here,
    )


def _hosts(one: shape.Device) -> Mapping[str, secret.Value]:
    """Return the nodes of a device as a parameter of Pacemaker's fencer."""
    if isinstance(one.hosts, str) or not one.hosts:
        return {}
    return hosts.joined(one.hosts if isinstance(one.hosts, dict) else tuple(one.hosts))


def _for_resource(one: attribute.AttributeSet) -> attribute.AttributeSet:
    kept = {name: value for name, value in one.pairs.items() if name not in _OWN}
    return dataclasses.replace(one, pairs=kept)


def placed(
    found: Sequence[resource.Resource],
    devices: Mapping[str, resource.Primitive],
    after: Mapping[str, str],
) -> tuple[resource.Resource, ...]:
    """Return the resources with the devices at their places.

    Args:
        found: the resources, in their order.
        devices: name to device, in their order; those inside of a resource have their place.
        after: device to the resource that it follows.
    """
    inside = {one.name for top in found for one in resource.primitives(top)}
    behind: dict[str | None, list[resource.Primitive]] = {}
    place: str | None = None
    for name, one in devices.items():
        if name not in inside:
            place = after.get(name, place)
            behind.setdefault(place, []).append(one)
    result: list[resource.Resource] = list(behind.pop(None, ()))
    for top in found:
        result.append(top)
        result.extend(behind.pop(top.name, ()))
    for rest in behind.values():
        result.extend(rest)
    return tuple(result)


def without_devices(found: Sequence[resource.Resource]) -> tuple[resource.Resource, ...]:
    """Return the resources without fence devices, and without what held nothing else."""
    result: list[resource.Resource] = []
    for one in found:
        match one:
            case resource.Primitive() if one.agent.standard == STANDARD:
                continue
            case resource.Group():
                members = tuple(each for each in one.members if each.agent.standard != STANDARD)
                if len(members) == len(one.members):
                    result.append(one)
                elif members:
                    result.append(dataclasses.replace(one, members=members))
            case resource.Clone():
                (child,) = without_devices((one.child,)) or (None,)
                if isinstance(child, resource.Primitive | resource.Group):
                    result.append(
                        one if child is one.child else dataclasses.replace(one, child=child)
                    )
            case _:
                result.append(one)
    return tuple(result)


def without_names(
    found: Sequence[constraint.Constraint], gone: frozenset[str]
) -> tuple[constraint.Constraint, ...]:
    """Return the constraints without those of devices, which nothing here assigns to nodes."""
    return tuple(kept for one in found if (kept := _kept(one, gone)) is not None)


def _kept(one: constraint.Constraint, gone: frozenset[str]) -> constraint.Constraint | None:
    match one:
        case constraint.Colocation():
            return None if gone & {one.dependent, one.primary} else one
        case constraint.Order():
            return None if gone & {one.first, one.then} else one
        case constraint.Location() | constraint.Ticket():
            if not gone.intersection(one.resources):
                return one
            rest = tuple(name for name in one.resources if name not in gone)
            return dataclasses.replace(one, resources=rest) if rest else None
        case constraint.ColocationSets() | constraint.OrderSets():
            if not any(gone.intersection(part.resources) for part in one.sets):
                return one
            sets = (
                dataclasses.replace(
                    part, resources=tuple(name for name in part.resources if name not in gone)
                )
                for part in one.sets
            )
            parts = tuple(part for part in sets if part.resources)
            return dataclasses.replace(one, sets=parts) if parts else None
