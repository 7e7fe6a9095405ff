"""Resources and templates in the words of the language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.model import attribute, resource
from reconciler.render.source import bundles, pairs, scalars, yaml

Remarks = Mapping[str, tuple[str, ...]]
"""Name to the comments above its definition."""


def templates(found: Iterable[resource.Primitive], remarks: Remarks) -> yaml.Block:
    """Return the section of templates."""
    section = yaml.Block()
    for one in found:
        section[one.name] = primitive(one)
        section.remark(one.name, *remarks.get(one.name, ()))
    return section


def section(
    found: Iterable[resource.Resource],
    bases: Mapping[str, resource.Primitive],
    devices: frozenset[str],
    remarks: Remarks,
) -> yaml.Block:
    """Return the section of resources.

    Args:
        found: the resources in their order.
        bases: primitive to the template that it is made from.
        devices: names of fence devices, which stand in a section of their own.
        remarks: comments.
    """
    result = yaml.Block()
    for one in found:
        for name, node in _definitions(one, bases, devices):
            result[name] = node
            result.remark(name, *remarks.get(name, ()))
    return result


def _definitions(
    one: resource.Resource, bases: Mapping[str, resource.Primitive], devices: frozenset[str]
) -> Iterable[tuple[str, yaml.Node]]:
    match one:
        case resource.Primitive():
            if one.name not in devices:
                yield one.name, _short(primitive(one, bases.get(one.name)))
        case resource.Group():
            for member in one.members:
                yield from _definitions(member, bases, devices)
            entry = yaml.Block({"group": [member.name for member in one.members]})
            pairs.put(entry, "meta", one.meta)
            pairs.put(entry, "params", one.params)
            yield one.name, entry
        case resource.Clone():
            yield from _definitions(one.child, bases, devices)
            yield one.name, _clone(one)
        case resource.Bundle():
            if one.child is not None:
                yield from _definitions(one.child, bases, devices)
            yield one.name, bundles.written(one)


def _short(entry: yaml.Block) -> yaml.Node:
    """Return a definition that says a single thing for one line."""
    return dict(entry) if len(entry) == 1 else entry


def _clone(one: resource.Clone) -> yaml.Block:
    entry = yaml.Block({"clone": one.child.name})
    meta = attribute.merged(one.meta)
    if len(meta) == 1 and meta[0].rule is None and meta[0].pairs.get("promotable") == "true":
        entry["promotable"] = True
        rest = {name: text for name, text in meta[0].pairs.items() if name != "promotable"}
        meta = (attribute.AttributeSet(rest),)
    pairs.put(entry, "meta", meta)
    pairs.put(entry, "params", one.params)
    return entry


def primitive(one: resource.Primitive, base: resource.Primitive | None = None) -> yaml.Block:
    """Return a primitive; of one that is made from a template only what it has of its own."""
    entry = yaml.Block()
    if base is not None:
        entry["template"] = base.name
    if base is None or base.agent != one.agent:
        entry["agent"] = str(one.agent)
    pairs.put(entry, "params", _own(one.params, base.params if base else ()))
    inherited = base.operations if base else ()
    operations_ = operations(each for each in one.operations if each not in inherited)
    if operations_:
        entry["operations"] = operations_
    pairs.put(entry, "meta", _own(one.meta, base.meta if base else ()))
    pairs.put(entry, "utilization", _own(one.utilization, base.utilization if base else ()))
    return entry


def _own(
    sets: attribute.AttributeSets, inherited: attribute.AttributeSets
) -> attribute.AttributeSets:
    """Return the sets without those of the template, which stand behind the own ones."""
    count = len(inherited)
    return sets[:-count] if count and sets[-count:] == inherited else sets


def operations(found: Iterable[resource.Operation]) -> yaml.Block:
    """Return operations by name; a list where there are several of one name."""
    by_name: dict[str, list[yaml.Node]] = {}
    for one in found:
        by_name.setdefault(one.name, []).append(_operation(one))
    return yaml.Block(
        {
            name: several[0] if len(several) == 1 else _spread(several)
            for name, several in by_name.items()
        }
    )


def _spread(several: Iterable[yaml.Node]) -> yaml.Items:
    """Return operations of one name below each other."""
    found = yaml.Items()
    for one in several:
        found.put(one)
    return found


def _operation(one: resource.Operation) -> yaml.Node:
    found: dict[str, yaml.Node] = {}
    if one.interval_ms:
        found["interval"] = scalars.length(one.interval_ms)
    if one.timeout_ms is not None:
        found["timeout"] = scalars.length(one.timeout_ms)
    if one.role is not None:
        found["role"] = one.role.value
    if one.on_fail is not None:
        found["on-fail"] = one.on_fail.value
    if not one.enabled:
        found["enabled"] = False
    if one.start_delay_ms:
        found["start-delay"] = scalars.length(one.start_delay_ms)
    sets = attribute.merged(one.attributes)
    if len(sets) == 1 and sets[0].rule is None and sets[0].pairs.keys() <= FLAT:
        found.update(pairs.values(sets[0].pairs))
    else:
        pairs.put(found, "params", sets)
    return found


FLAT = frozenset({"OCF_CHECK_LEVEL", "interval-origin", "record-pending", "description"})
"""What stands beside the options of an operation without further words."""
