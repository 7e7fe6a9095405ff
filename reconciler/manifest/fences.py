"""Fence devices and levels: lowered, and whether every node can be fenced safely."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence

from reconciler.errors import diagnostic, position
from reconciler.manifest import attributes, parameters, shape, stonith, tree, wording
from reconciler.manifest.scope import Scope
from reconciler.model import (  # the field's word is one of Python's, too
    agent,
    attribute,
    duration,
    fencing,
    node,
    property,  # noqa: A004 - the field's word
    resource,
)

_AGENT = re.compile(r"fence_[a-z0-9_]{1,57}")
_FOREIGN = re.compile(
    r"external/[A-Za-z0-9_-]{1,60}|apcmaster|apcmastersnmp|apcsmart|baytech|bladehpi|cyclades|drac3|"
    r"dummy|ibmhmc|ipmilan|meatware|null|nw_rpc100s|rcd_serial|rps10|ssh|suicide|vacm|wti_mpc|wti_nps"
)
"""Agents of cluster-glue, which Pacemaker can run and this program cannot."""
_HOST_PARAMETERS = frozenset(
    {
        "ip",
        "ipaddr",
        "host",
        "hostname",
        "ipport",
        "port",
        "plug",
        "username",
        "login",
        "ssh_options",
    }
)
_IPMI = frozenset(
    {"ipmi", "fence_ipmilan", "fence_idrac", "fence_ilo3", "fence_ilo4", "fence_ilo5"}
)
_GIVEN = frozenset({"action"})
ANY = "any"
"""Every node, under its name."""
_MEMBER = (None, "member")
_PORTS = frozenset({"port", "plug"})
_UNPROVEN = frozenset({"fence_ssh", "fence_dummy", "fence_null", "fence_ack_manual"})
_DEFAULTS = fencing.FenceDevice("", "")


def agent_name(text: str) -> agent.AgentName:
    """Return the name under which the meta-data of a fence agent is kept."""
    return agent.AgentName("stonith", "", text)


@dataclasses.dataclass(slots=True)
class Lowered:
    """What the section of fencing means.

    Attributes:
        fencing: devices and levels as the controller uses them.
        primitives: the devices as resources of Pacemaker's, in the order written.
        after: device to the resource behind which Pacemaker shall assign it.
    """

    fencing: fencing.Fencing = fencing.NO_FENCING
    primitives: dict[str, resource.Primitive] = dataclasses.field(default_factory=dict)
    after: dict[str, str] = dataclasses.field(default_factory=dict)


def lowered(scope: Scope) -> Lowered:
    """Return the fence devices and levels of the document; faulty ones are left out."""
    section = scope.root.mapping("fencing")
    for name, value in section.items():
        if name not in {"devices", "levels"}:
            scope.findings.add(
                "unknown-field",
                f"fencing: there is no field {wording.shown(name)} here",
                section.key(name),
                nearest=scope.findings.nearest(name, ("devices", "levels")),
            )
        elif value is not None and not isinstance(value, tree.Mapping):
            scope.findings.add(
                "wrong-type",
                f"fencing.{name}: expected a mapping, got {tree.kind(value)}",
                section.value(name),
            )
    devices = section.mapping("devices")
    result = Lowered()
    found = []
    for name, value in devices.items():
        place = (devices.key(name), devices.value(name))
        one = wording.validated(shape.Device, value, place, f"fence device {name}", scope.findings)
        if one is not None:
            device = _device(name, one, devices, scope, result)
            if device is not None:
                found.append(device)
    result.fencing = fencing.Fencing(tuple(found), _levels(section.mapping("levels"), scope))
    return result


def _device(
    name: str, one: shape.Device, section: tree.Mapping, scope: Scope, result: Lowered
) -> fencing.FenceDevice | None:
    where, at = section.mapping(name), section.key(name)
    foreign = one.agent != fencing.BUILT_IN_IPMI and not _AGENT.fullmatch(one.agent)
    if foreign and not _is_known_abroad(one, where, scope):
        return None
    values = _values(one, where, at, scope)
    _injection(values.params, scope)
    _strength(one.agent, values.params, at, scope)
    result.primitives[name] = stonith.primitive(name, one, values, where, scope)
    if one.after is not None:
        places = ("resources", "devices")
        scope.known(one.after, places, "unknown-resource", "resource", where.value("after"))
        result.after[name] = one.after
    _hosts(name, one, where, scope)
    _machines(name, one, where, scope)
    return None if foreign else _lowered_device(name, one, values, at, scope)


def _is_known_abroad(one: shape.Device, where: tree.Mapping, scope: Scope) -> bool:
    """Tell whether an agent that cannot be run here is one of Pacemaker's; report it, or a typo."""
    if _FOREIGN.fullmatch(one.agent):
        scope.findings.add(
            "foreign-fence-agent",
            f"only Pacemaker can run {wording.shown(one.agent)}; here it fences nothing",
            where.value("agent"),
        )
        return True
    known = sorted(each.kind for each in scope.agents if each.standard == "stonith")
    scope.findings.add(
        "invalid-agent",
        f"{wording.shown(one.agent)} names no fence agent",
        where.value("agent"),
        nearest=scope.findings.nearest(one.agent, [*known, fencing.BUILT_IN_IPMI]),
        fix="write fence_NAME, or ipmi for the built-in driver",
    )
    return False


def _values(
    one: shape.Device, where: tree.Mapping, at: position.Position, scope: Scope
) -> stonith.Values:
    """Return parameters, options and utilization of a device, each checked."""
    metadata = parameters.metadata(agent_name(one.agent), where.value("agent"), scope)
    known = parameters.check(metadata, one.agent, scope, device=True)
    params = attributes.sets(one.params, where, "params", known, scope.findings)
    # The action comes with each call, the port with the host that is fenced.
    given = _GIVEN | (_PORTS if one.hosts else frozenset())
    written = frozenset(where.mapping("params")) if isinstance(one.params, Mapping) else frozenset()
    parameters.required(metadata, params, at, scope, written | given)
    options = attributes.options(stonith.META, "unknown-meta", scope.findings)
    capacities = attributes.capacities(scope.findings)
    return stonith.Values(
        params,
        attributes.sets(one.meta, where, "meta", options, scope.findings),
        attributes.sets(one.utilization, where, "utilization", capacities, scope.findings),
    )


def _lowered_device(
    name: str, one: shape.Device, values: stonith.Values, at: position.Position, scope: Scope
) -> fencing.FenceDevice:
    meta = values.meta
    return fencing.FenceDevice(
        name=name,
        agent=one.agent,
        params=values.params,
        hosts=_listed(one, scope),
        host_map=dict(one.hosts) if isinstance(one.hosts, dict) else {},
        delay_base_ms=_milliseconds(meta, "delay-base", _DEFAULTS.delay_base_ms),
        delay_max_ms=_milliseconds(meta, "delay-max", _DEFAULTS.delay_max_ms),
        timeout_ms=_milliseconds(meta, "timeout", _DEFAULTS.timeout_ms),
        retries=_number(meta, "retries", _DEFAULTS.retries),
        priority=_number(meta, "priority", _DEFAULTS.priority),
        origin=at,
    )


def _milliseconds(meta: attribute.AttributeSets, name: str, default: int) -> int:
    value = attribute.always(meta, name)
    found = duration.parse_ms(value) if isinstance(value, str) else None
    return default if found is None else found


def _number(meta: attribute.AttributeSets, name: str, default: int) -> int:
    value = attribute.always(meta, name)
    found = property.integer(value) if isinstance(value, str) else None
    return default if found is None else found


def _listed(one: shape.Device, scope: Scope) -> tuple[str, ...]:
    if one.hosts == ANY:
        members = scope.root.mapping("nodes")
        return tuple(node for node in members if members.mapping(node).get("kind") in _MEMBER)
    return tuple(one.hosts) if isinstance(one.hosts, list) else ()


def _hosts(name: str, one: shape.Device, where: tree.Mapping, scope: Scope) -> None:
    if one.hosts == ANY:
        return
    if not one.hosts and not _written_for_pacemaker(where):
        scope.findings.add(
            "missing-field",
            f"fence device {name}: hosts is missing; nobody knows which nodes it is for",
            where.here,
            fix="add hosts: [NODE], or hosts: {NODE: PORT} where the device has several ports",
        )
    items, mapping = where.sequence("hosts"), where.mapping("hosts")
    seen: set[str] = set()
    for index, host in enumerate(one.hosts):
        at = mapping.key(host) if isinstance(one.hosts, dict) else items.item(index)
        scope.known(host, ("nodes",), "unknown-node", "node", at)
        if host in seen:
            scope.findings.add("defined-twice", f"hosts names {host} twice", at)
        seen.add(host)
        if isinstance(one.hosts, dict) and _smuggles(one.hosts[host]):
            _smuggled("the port", mapping.value(host), scope)


def _written_for_pacemaker(where: tree.Mapping) -> bool:
    """Tell whether the nodes stand in the parameters, in a form that only Pacemaker reads."""
    params = where.mapping("params")
    return "pcmk_host_list" in params or "pcmk_host_map" in params


def _smuggles(value: str) -> bool:
    return value.startswith("-") or any(
        character.isspace() or not character.isprintable() for character in value
    )


def _smuggled(what: str, at: position.Position, scope: Scope) -> None:
    scope.findings.add(
        "option-injection",
        f"{what} holds blanks or begins with -: it could smuggle options into a command",
        at,
    )


def _machines(name: str, one: shape.Device, where: tree.Mapping, scope: Scope) -> None:
    """Report a management controller that is said to be that of several nodes."""
    if one.agent in _IPMI and one.hosts != ANY and len(one.hosts) > 1:
        scope.findings.add(
            "weak-fencing",
            f"fence device {name}: one management controller is that of one node only",
            where.value("hosts"),
            fix="write a device for each node",
        )


def _injection(params: attribute.AttributeSets, scope: Scope) -> None:
    for one in params:
        for name, value in one.pairs.items():
            if not isinstance(value, str):
                continue
            if (name in _HOST_PARAMETERS and _smuggles(value)) or "\n" in value:
                _smuggled(name, one.origins[name], scope)


_WEAK: Sequence[tuple[str, frozenset[str], str]] = (
    ("cipher", frozenset({"0"}), "cipher 0 lets anybody in without a password"),
    ("auth", frozenset({"none"}), "without authentication anybody can switch the node off"),
    ("lanplus", frozenset({"false", "0", "no", "off", "n"}), "IPMI 1.5 sends secrets in the clear"),
)


def _strength(
    name: str, params: attribute.AttributeSets, at: position.Position, scope: Scope
) -> None:
    """Report IPMI settings that are not safe."""
    if name not in _IPMI:
        return
    for parameter, weak, why in _WEAK:
        for one in params:
            value = one.pairs.get(parameter)
            if isinstance(value, str) and value.lower() in weak:
                scope.findings.add(
                    "weak-fencing",
                    f"{parameter}: {value} is refused: {why}",
                    one.origins[parameter],
                    fix="use lanplus: true with cipher 17 or 3",
                )
    if name == "fence_ipmilan" and attribute.always(params, "lanplus") is None:
        scope.findings.add(
            "weak-fencing",
            "fence_ipmilan speaks IPMI 1.5 unless lanplus: true is set",
            at,
            fix="add lanplus: true",
            severity=diagnostic.Severity.WARNING,
        )


def _levels(section: tree.Mapping, scope: Scope) -> tuple[fencing.FencingLevel, ...]:
    found = []
    for target in section:
        scope.known(target, ("nodes",), "unknown-node", "node", section.key(target))
        wrapped = tree.Mapping(section.mark)
        wrapped.put(target, section[target], section.marks[target])
        one = wording.validated(
            shape.Levels,
            wrapped,
            (section.key(target), section.value(target)),
            "fencing.levels",
            scope.findings,
        )
        if one is None:
            continue
        lists = section.sequence(target)
        seen: dict[str, position.Position] = {}
        for index, devices in enumerate(one.root[target]):
            items = lists[index]
            if not devices:
                scope.findings.add(
                    "level-twice",
                    f"level {index + 1} of {target} names no device: it would count as fenced",
                    lists.item(index),
                )
            for number, device in enumerate(devices):
                at = items.item(number)
                scope.known(device, ("devices",), "unknown-device", "fence device", at)
                if device in seen:
                    scope.findings.add(
                        "level-twice",
                        f"{device} is in the levels of {target} already",
                        at,
                        related=((seen[device], "named here first"),),
                    )
                seen[device] = at
            found.append(
                fencing.FencingLevel(target, index + 1, tuple(devices), origin=lists.item(index))
            )
    return tuple(found)


def coverage(
    found: fencing.Fencing,
    nodes: Sequence[node.Node],
    properties: attribute.AttributeSets,
    scope: Scope,
) -> None:
    """Report nodes that nothing can fence, and clusters that do without fencing.

    ``unfenceable: {accept: REASON}`` on a node is the consent to the former.
    """
    enabled = attribute.always(properties, "fencing-enabled")
    if isinstance(enabled, str) and property.boolean(enabled) is False:
        at = next(
            one.origins["fencing-enabled"] for one in properties if "fencing-enabled" in one.origins
        )
        unused = " The devices below are never used." if found.devices else ""
        scope.findings.add(
            "fencing-disabled",
            "fencing is disabled: when a node is lost, what ran there is not recovered until "
            f"somebody confirms that the node is off.{unused}".rstrip("."),
            at,
            severity=diagnostic.Severity.WARNING if unused else diagnostic.Severity.NOTE,
        )
        return
    _halves(found, scope)
    _alone(found, nodes, scope)
    section = scope.root.mapping("nodes")
    bare = [
        one
        for one in nodes
        if one.kind is node.NodeKind.MEMBER
        and "unfenceable" not in section.mapping(one.name)
        and not any(found.topology(one.name))
        and one.name not in _broken_hosts(scope)
    ]
    consequence = "if it is lost, what ran there stays blocked until somebody confirms it is off"
    if bare and not scope.devices:
        scope.findings.add(
            "no-fence-device",
            f"there is no fence device, and fencing is enabled: {', '.join(_some(bare))} cannot "
            f"be fenced; {consequence}",
            bare[0].origin,
            fix="add fencing.devices, or set the property fencing-enabled: false and live with it",
        )
        return
    for one in bare:
        scope.findings.add(
            "no-fence-device",
            f"no fence device is for {one.name}: {consequence}",
            one.origin,
            fix="add a device for it, or unfenceable: {accept: REASON} to the node",
        )


def _halves(found: fencing.Fencing, scope: Scope) -> None:
    """Report two ports of one device for one node that are not switched together."""
    seen: dict[tuple[str, str, str], fencing.FenceDevice] = {}
    for device in found.devices:
        address = attribute.always(device.params, "ip")
        for host, port in device.host_map.items():
            if not isinstance(address, str):
                continue
            key = (device.agent, address, host)
            other = seen.setdefault(key, device)
            levels = found.topology(host)
            together = any(
                {other.name, device.name} <= {one.name for one in each} for each in levels
            )
            if other.host_map[host] != port and not together:
                scope.findings.add(
                    "half-fenced",
                    f"{other.name} and {device.name} switch different ports for {host}: with one "
                    "of them off the node may run on",
                    device.origin,
                    related=((other.origin, "the other one"),),
                    fix=f"put both into one level: {host}: [[{other.name}, {device.name}]]",
                )


def _alone(found: fencing.Fencing, nodes: Sequence[node.Node], scope: Scope) -> None:
    """Point out nodes whose only device is part of themselves, and devices that prove nothing."""
    own = [
        one
        for one in nodes
        if one.connection != "sandbox"
        and (levels := found.topology(one.name))
        and all(device.agent in _IPMI for level in levels for device in level)
    ]
    if own:
        scope.findings.add(
            "weak-fencing",
            f"{', '.join(_some(own))} can be fenced through the own management controller only, "
            "which is lost together with the power of the machine",
            own[0].origin,
            fix="add a second level, such as a switched power supply",
            severity=diagnostic.Severity.NOTE,
        )
    for device in found.devices:
        if device.agent in _UNPROVEN:
            scope.findings.add(
                "weak-fencing",
                f"{device.agent} does not prove that a node is off; it is for trials only",
                device.origin,
                severity=diagnostic.Severity.WARNING,
            )


def _some(nodes: Sequence[node.Node]) -> list[str]:
    names = [one.name for one in nodes[:5]]
    return names if len(nodes) <= len(names) else [*names, f"{len(nodes) - len(names)} more"]


def _broken_hosts(scope: Scope) -> set[str]:
    """Return the nodes that some device names, be it faulty or not."""
    found: set[str] = set()
    for device in scope.root.mapping("fencing").mapping("devices").values():
        hosts = device.get("hosts") if isinstance(device, dict) else None
        if isinstance(hosts, dict | list):
            found.update(one for one in hosts if isinstance(one, str))
    return found
