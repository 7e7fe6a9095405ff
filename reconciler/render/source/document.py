"""Whole manifests: a desired state as files, one for each topic, or as a single document."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from reconciler.frozen import frozen
from reconciler.model import attribute, desired, fencing, node, resource
from reconciler.model import property as options
from reconciler.render.source import constraints, pairs, resources, scalars, yaml
from reconciler.render.source import fencing as fences

API_VERSION = "reconciler/v1"
FILES: Mapping[str, tuple[str, ...]] = {
    "cluster.yaml": ("cluster", "defaults"),
    "nodes.yaml": ("nodes",),
    "fencing.yaml": ("fencing",),
    "resources.yaml": ("templates", "resources", "tags"),
    "constraints.yaml": ("constraints",),
}
"""File to the sections that it holds."""


@frozen
class Content:
    """What is to be written.

    Attributes:
        desired: fence devices are resources here, as Pacemaker has them.
        levels: in which order devices are tried.
        templates: what several primitives are made from.
        bases: primitive to the name of its template.
        accept: code of a finding to the reason why it is accepted.
        accept_remarks: code to the comments above it.
        ignore_quorum: why it is safe to ignore quorum; empty: nobody says so.
        remarks: section and name to the comments above its definition.
        head: comments at the top of each section's file.
    """

    desired: desired.Desired
    levels: tuple[fencing.FencingLevel, ...] = ()
    templates: tuple[resource.Primitive, ...] = ()
    bases: Mapping[str, str] = dataclasses.field(default_factory=dict)
    accept: Mapping[str, str] = dataclasses.field(default_factory=dict)
    ignore_quorum: str = ""
    accept_remarks: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    remarks: Mapping[tuple[str, str], tuple[str, ...]] = dataclasses.field(default_factory=dict)
    head: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)


def files(content: Content) -> dict[str, str]:
    """Return the manifests, name to text; topics that have nothing to say have no file."""
    sections = _sections(content)
    found = {}
    for name, wanted in FILES.items():
        present = {section: sections[section] for section in wanted if sections[section]}
        if present:
            found[name] = _text(present, content)
    return found


def single(content: Content) -> str:
    """Return everything as one document."""
    return _text({name: one for name, one in _sections(content).items() if one}, content)


def _text(sections: Mapping[str, yaml.Node], content: Content) -> str:
    document = yaml.Block({"apiVersion": API_VERSION, **sections})
    for name in sections:
        document.remark(name, *content.head.get(name, ()))
    return yaml.text(document)


def _sections(content: Content) -> dict[str, yaml.Node]:
    wanted = content.desired
    devices = frozenset(one.name for one in fences.devices(wanted.resources))
    templates = {one.name: one for one in content.templates}
    bases = {name: templates[base] for name, base in content.bases.items() if base in templates}

    def remarks(section: str) -> dict[str, tuple[str, ...]]:
        found = content.remarks.items()
        return {name: words for (where, name), words in found if where == section}

    return {
        "cluster": _cluster(content, remarks("cluster")),
        "defaults": _defaults(wanted),
        "nodes": _nodes(wanted, remarks("nodes")),
        "fencing": fences.section(wanted.resources, content.levels, remarks("fencing")),
        "templates": resources.templates(content.templates, remarks("templates")),
        "resources": resources.section(wanted.resources, bases, devices, remarks("resources")),
        "tags": yaml.Block({n: [*m] for n, m in wanted.tags.items() if n not in templates}),
        "constraints": constraints.items(wanted.constraints, remarks("constraints")),
    }


def _cluster(content: Content, remarks: Mapping[str, tuple[str, ...]]) -> yaml.Block:
    entry = yaml.Block({"name": content.desired.name})
    if content.ignore_quorum:
        entry["ignore-quorum"] = {"accept": content.ignore_quorum}
    if content.accept:
        accepted = yaml.Block(content.accept)
        for code, words in content.accept_remarks.items():
            accepted.remark(code, *words)
        entry["accept"] = accepted
    sets = attribute.merged(content.desired.properties)
    found = pairs.written(tuple(_without(one, options.CLUSTER, "cluster-name") for one in sets))
    if found:
        entry["properties"] = found
    for key, words in remarks.items():
        entry.remark(key, *words)
    return entry


def _without(
    one: attribute.AttributeSet, table: options.Table, *names: str
) -> attribute.AttributeSet:
    kept = {name: text for name, text in one.pairs.items() if table.canonical(name) not in names}
    return dataclasses.replace(one, pairs=kept)


def _defaults(wanted: desired.Desired) -> yaml.Block:
    entry = yaml.Block()
    pairs.put(entry, "resources", wanted.resource_defaults)
    pairs.put(entry, "operations", wanted.operation_defaults)
    return entry


def _nodes(wanted: desired.Desired, remarks: Mapping[str, tuple[str, ...]]) -> yaml.Block:
    section = yaml.Block()
    for one in wanted.nodes:
        section[one.name] = _node(one)
        section.remark(one.name, *remarks.get(one.name, ()))
    return section


def _node(one: node.Node) -> dict[str, yaml.Node]:
    entry: dict[str, yaml.Node] = {}
    if one.id and one.id != one.name:
        entry["id"] = yaml.natural(one.id)
    if one.kind is not node.NodeKind.MEMBER:
        entry["kind"] = one.kind.value
    if one.address:
        entry["address"] = one.address
    if one.connection != "sandbox":
        entry["connection"] = one.connection
    if one.connection_options:
        entry["connection-options"] = dict(one.connection_options)
    if one.standby:
        entry["standby"] = True
    if one.maintenance:
        entry["maintenance"] = True
    if one.score:
        entry["score"] = scalars.number(one.score)
    pairs.put(entry, "attributes", one.attributes)
    pairs.put(entry, "utilization", one.utilization)
    return entry
