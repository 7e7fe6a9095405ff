"""From the merged document to the desired state: sections in their order, then the whole."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.errors import diagnostic, position
from reconciler.manifest import (
    attributes,
    checks,
    constraints,
    fences,
    nodes,
    resources,
    shape,
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
    _names(scope)
    cluster = _cluster(scope)
    properties = _properties(cluster, scope)
    resource_defaults, operation_defaults = _defaults(scope)
    found_nodes = nodes.lowered(scope)
    found_resources = resources.lowered(scope)
    tags = _tags(scope)
    found_fencing = fences.lowered(scope)
    found_constraints = constraints.lowered(scope, tags)
    _present(scope)
    fences.coverage(found_fencing, found_nodes, properties, scope)
    section = root.mapping("cluster")
    result = desired.Desired(
        name=cluster.name if cluster else "",
        properties=properties,
        nodes=found_nodes,
        resources=found_resources,
        constraints=found_constraints,
        resource_defaults=resource_defaults,
        operation_defaults=operation_defaults,
        fencing=found_fencing,
        tags=tags,
        agents=_used(found_resources, found_fencing.devices, scope),
        membership_timeout_ms=cluster.membership.token if cluster else 3_000,
        origins=_origins(section),
    )
    checks.check(result, scope)
    return None if diagnostic.has_errors(scope.findings.items) else result


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
    """Return the nodes that resources make: remote nodes, and guests by ``remote-node``."""
    found = {}
    for name in section:
        one = section.mapping(name)
        if one.get("agent") == "ocf:pacemaker:remote":
            found[name] = section.key(name)
        guest = one.mapping("meta").get("remote-node")
        if isinstance(guest, str):
            found[guest] = one.mapping("meta").value("remote-node")
    return found


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
    found: dict[str, tuple[str, ...]] = {}
    for name in section:
        wrapped = tree.Mapping(section.mark)
        wrapped.put(name, section[name], section.marks[name])
        place = (section.key(name), section.value(name))
        one = wording.validated(shape.Tags, wrapped, place, "tags", scope.findings)
        if one is None:
            continue
        items = section.sequence(name)
        for index, member in enumerate(one.root[name]):
            scope.known(member, ("resources",), "unknown-resource", "resource", items.item(index))
        found[name] = tuple(one.root[name])
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
