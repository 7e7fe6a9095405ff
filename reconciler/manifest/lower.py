"""From the merged document to the desired state: sections in their order, then the whole."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from reconciler.errors import diagnostic, position
from reconciler.manifest import (
    attributes,
    checks,
    codes,
    constraints,
    fences,
    nodes,
    resources,
    shape,
    stonith,
    tree,
    wording,
)
from reconciler.manifest.scope import Scope
from reconciler.model import agent, attribute, desired, fencing, property, resource  # noqa: A004 - the field's word


def lowered(scope: Scope) -> desired.Desired | None:
    """Return the desired state, or None where something makes it meaningless.

    Raises nothing: what is wrong is in the scope's findings.
    """
    root = scope.root
    _accept(scope)
    _names(scope)
    cluster = _cluster(scope)
    properties = _properties(cluster, scope)
    resource_defaults, operation_defaults = _defaults(scope)
    found_nodes = nodes.lowered(scope)
    found_fences = fences.lowered(scope)
    found_resources = resources.lowered(scope, found_fences.primitives)
    tags = _tags(scope)
    found_constraints = constraints.lowered(scope)
    _present(scope)
    fences.coverage(found_fences.fencing, found_nodes, properties, scope)
    section = root.mapping("cluster")
    result = desired.Desired(
        name=cluster.name if cluster else "",
        properties=properties,
        nodes=found_nodes,
        resources=stonith.placed(found_resources, found_fences.primitives, found_fences.after),
        constraints=found_constraints,
        resource_defaults=resource_defaults,
        operation_defaults=operation_defaults,
        fencing=found_fences.fencing,
        tags=tags,
        agents=_used(found_resources, found_fences.fencing.devices, scope),
        membership_timeout_ms=cluster.membership.token if cluster else 3_000,
        origins=_origins(section),
    )
    checks.check(result, scope)
    return None if diagnostic.has_errors(scope.findings.items) else result


def for_controller(wanted: desired.Desired) -> desired.Desired:
    """Return the desired state as this program's own controller has it: devices no resources."""
    devices = frozenset(
        one.name
        for top in wanted.resources
        for one in resource.primitives(top)
        if one.agent.standard == stonith.STANDARD
    )
    if not devices:
        return wanted
    kept = stonith.without_devices(wanted.resources)
    left = {name for one in kept for name in resource.names(one)}
    gone = frozenset(name for one in wanted.resources for name in resource.names(one)) - left
    return dataclasses.replace(
        wanted, resources=kept, constraints=stonith.without_names(wanted.constraints, gone)
    )


def for_pacemaker(wanted: desired.Desired) -> desired.Desired:
    """Return the desired state as Pacemaker has it: devices are resources and nothing else."""
    return dataclasses.replace(wanted, fencing=fencing.NO_FENCING)


def _names(scope: Scope) -> None:
    root = scope.root
    scope.nodes = scope.names_of(root.mapping("nodes"), "node", node=True)
    scope.resources = scope.names_of(root.mapping("resources"), "resource")
    scope.nodes.update(_remote(root.mapping("resources")))
    scope.templates = scope.names_of(root.mapping("templates"), "template")
    scope.tags = scope.names_of(root.mapping("tags"), "tag")
    scope.devices = scope.names_of(root.mapping("fencing").mapping("devices"), "fence device")
    for what, table in (("template", scope.templates), ("tag", scope.tags)):
        for name in table.keys() & scope.resources.keys():
            scope.findings.add(
                "defined-twice",
                f"{what} {name} has the name of a resource",
                table[name],
                related=((scope.resources[name], "the resource"),),
            )


def _remote(section: tree.Mapping) -> dict[str, position.Position]:
    """Return the nodes that resources make: remote nodes, guests, and containers of bundles."""
    found = {}
    for name in section:
        one = section.mapping(name)
        if one.get("agent") == "ocf:pacemaker:remote":
            found[name] = section.key(name)
        guest = one.mapping("meta").get("remote-node")
        if isinstance(guest, str):
            found[guest] = one.mapping("meta").value("remote-node")
        if "bundle" in one and "resource" in one:
            numbers = (one.get("replicas"), one.get("promoted-max"), 1)
            count = next(each for each in numbers if isinstance(each, int) and each > 0)
            found |= {f"{name}-{number}": section.key(name) for number in range(min(count, 1000))}
    return found


def _accept(scope: Scope) -> None:
    """Note which findings are no obstacles, and why; only some kinds can be accepted."""
    section = scope.root.mapping("cluster").mapping("accept")
    for code, reason in section.items():
        if code not in codes.ACCEPTABLE:
            scope.findings.refuse(
                "invalid-value",
                f"accept: {wording.shown(code)} is no finding that can be accepted",
                section.key(code),
                nearest=scope.findings.nearest(code, codes.ACCEPTABLE),
            )
        elif isinstance(reason, str) and reason.strip():
            scope.findings.accepted[code] = reason


def _present(scope: Scope) -> None:
    at = scope.root.here
    members = scope.root.mapping("nodes")
    if not members:
        scope.findings.add(
            "no-nodes", "there are no nodes: nothing can run anywhere", at, fix="add nodes"
        )
    if not scope.resources:
        scope.findings.add(
            "no-resources",
            "there are no resources; an empty manifest is taken for a mistake, not for "
            "'remove everything'",
            at,
            fix="add resources; to stop everything, set the property stop-all-resources: true",
        )


def _cluster(scope: Scope) -> shape.Cluster | None:
    root = scope.root
    if "cluster" not in root:
        scope.findings.add(
            "missing-field",
            "the section cluster is missing; its name tells this cluster from others",
            root.here,
            fix="add cluster: {name: ...}",
        )
        return None
    place = (root.key("cluster"), root.value("cluster"))
    found = wording.validated(shape.Cluster, root["cluster"], place, "cluster", scope.findings)
    section = root.mapping("cluster")
    if found is not None:
        named = tree.Mapping(section.mark)
        named.put(found.name, None, _name_mark(section))
        scope.names_of(named, "cluster", node=True)
    token = found.membership.token if found else 0
    if found is not None and not _SHORTEST_MS <= token <= _LONGEST_MS:
        scope.findings.add(
            "invalid-duration",
            "token: between 100 ms and 10 min",
            section.mapping("membership").value("token"),
        )
    return found


_SHORTEST_MS = 100
_LONGEST_MS = 600_000


def _name_mark(section: tree.Mapping) -> tree.EntryMark:
    at = section.value("name")
    return (at.file, at.line, at.column, at.line, at.column)


def _properties(cluster: shape.Cluster | None, scope: Scope) -> attribute.AttributeSets:
    """Return the cluster properties; removal of resources needs prune unless they say else."""
    section = scope.root.mapping("cluster")
    written: attribute.AttributeSets = ()
    if cluster is not None:
        check = attributes.options(property.CLUSTER, "unknown-property", scope.findings)
        written = attributes.sets(cluster.properties, section, "properties", check, scope.findings)
    if any("stop-removed-resources" in one.pairs for one in written):
        return written
    return (*written, attribute.AttributeSet({"stop-removed-resources": "false"}))


def _defaults(
    scope: Scope,
) -> tuple[attribute.AttributeSets, attribute.AttributeSets]:
    root = scope.root
    if "defaults" not in root:
        return (), ()
    place = (root.key("defaults"), root.value("defaults"))
    found = wording.validated(shape.Defaults, root["defaults"], place, "defaults", scope.findings)
    if found is None:
        return (), ()
    section = root.mapping("defaults")
    return (
        attributes.sets(
            found.resources,
            section,
            "resources",
            attributes.options(property.META, "unknown-meta", scope.findings),
            scope.findings,
        ),
        attributes.sets(
            found.operations,
            section,
            "operations",
            attributes.options(property.OPERATION, "unknown-option", scope.findings),
            scope.findings,
        ),
    )


def _tags(scope: Scope) -> Mapping[str, tuple[str, ...]]:
    section = scope.root.mapping("tags")
    found = _template_users(scope)
    for name in section:
        wrapped = tree.Mapping(section.mark)
        wrapped.put(name, section[name], section.marks[name])
        place = (section.key(name), section.value(name))
        one = wording.validated(shape.Tags, wrapped, place, "tags", scope.findings)
        if one is None:
            continue
        items = section.sequence(name)
        for index, member in enumerate(one.root[name]):
            kinds = ("resources", "devices", "templates", "tags")
            scope.known(member, kinds, "unknown-resource", "resource", items.item(index))
        found[name] = tuple(one.root[name])
    return found


def _template_users(scope: Scope) -> dict[str, tuple[str, ...]]:
    """Return for each template the primitives made from it, for which its name also stands."""
    found: dict[str, tuple[str, ...]] = {}
    section = scope.root.mapping("resources")
    for name in section:
        base = section.mapping(name).get("template")
        if isinstance(base, str):
            found[base] = (*found.get(base, ()), name)
    return found


def _used(
    found: tuple[resource.Resource, ...],
    devices: tuple[fencing.FenceDevice, ...],
    scope: Scope,
) -> Mapping[agent.AgentName, agent.Metadata]:
    names = {one.agent for each in found for one in resource.primitives(each)}
    names |= {fences.agent_name(device.agent) for device in devices}
    return {name: scope.agents[name] for name in sorted(names) if name in scope.agents}


def _origins(section: tree.Mapping) -> Mapping[str, position.Position]:
    properties = section.mapping("properties")
    return {
        **{property.CLUSTER.canonical(name): properties.key(name) for name in properties},
        "name": section.value("name"),
    }
