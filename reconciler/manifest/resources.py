"""Resources: primitives from agents or templates, groups and clones; lowered with their members."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from reconciler.errors import position
from reconciler.manifest import attributes, bundles, parameters, shape, tree, wording
from reconciler.manifest.scope import Scope
from reconciler.model import agent, attribute, duration, property, resource, role  # noqa: A004 - the field's word
from reconciler.model import score as scores

_KINDS: Mapping[str, type[shape.Model]] = {
    "group": shape.Group,
    "clone": shape.Clone,
    "bundle": shape.Bundle,
    "agent": shape.Primitive,
    "template": shape.Primitive,
}
_CLONE_WORDS = {
    name: "it belongs to the meta of the clone"
    for option in property.CLONE_META.options.values()
    for name in (option.name, *option.aliases)
}
_Shape = shape.Primitive | shape.Group | shape.Clone | shape.Bundle


@dataclasses.dataclass(slots=True)
class _Draft:
    """The resources of one run while they are put together."""

    scope: Scope
    section: tree.Mapping
    shapes: dict[str, _Shape]
    templates: dict[str, resource.Primitive]
    primitives: dict[str, resource.Primitive]
    owner: dict[str, tuple[str, position.Position]]


def lowered(
    scope: Scope, devices: Mapping[str, resource.Primitive]
) -> tuple[resource.Resource, ...]:
    """Return the resources of the document; faulty ones are left out, with findings.

    Args:
        scope: names and findings.
        devices: the fence devices as resources, for groups and clones that hold some.
    """
    templates = _templates(scope)
    section = scope.root.mapping("resources")
    draft = _Draft(scope, section, {}, templates, dict(devices), {})
    for name, value in section.items():
        found = _shape(name, value, section, scope)
        if found is not None:
            draft.shapes[name] = found
    for name, one in draft.shapes.items():
        if isinstance(one, shape.Primitive):
            found_primitive = _primitive(name, one, section.mapping(name), draft)
            if found_primitive is not None:
                draft.primitives[name] = found_primitive
    _owners(draft)
    result = []
    for name, one in draft.shapes.items():
        if name not in draft.owner:
            lowered_one = _resource(name, one, draft)
            if lowered_one is not None:
                result.append(lowered_one)
    return tuple(result)


def _shape(name: str, value: object, section: tree.Mapping, scope: Scope) -> _Shape | None:
    place = (section.key(name), section.value(name))
    what = f"resource {name}"
    if not isinstance(value, tree.Mapping):
        scope.findings.add(
            "wrong-type", f"{what}: expected a mapping, got {tree.kind(value)}", place[1]
        )
        return None
    kinds = [key for key in _KINDS if key in value]
    if kinds == ["agent", "template"]:
        kinds = ["agent"]
    if len(kinds) != 1:
        close = scope.findings.nearest(next(iter(value), ""), _KINDS) if not kinds else ()
        scope.findings.add(
            "ambiguous-kind",
            f"{what} has {' and '.join(kinds) or 'no kind'}; it must have exactly one of "
            "agent, template, group, clone and bundle",
            place[0],
            nearest=close,
        )
        return None
    return wording.validated(_KINDS[kinds[0]], value, place, what, scope.findings)  # type: ignore[return-value]  # the table holds the members of the union


def _templates(scope: Scope) -> dict[str, resource.Primitive]:
    section = scope.root.mapping("templates")
    draft = _Draft(scope, section, {}, {}, {}, {})
    found = {}
    for name, value in section.items():
        place = (section.key(name), section.value(name))
        one = wording.validated(shape.Primitive, value, place, f"template {name}", scope.findings)
        if one is None:
            continue
        if one.agent is None or one.template is not None:
            scope.findings.add(
                "missing-field", f"template {name}: it needs an agent of its own", place[0]
            )
            continue
        lowered_one = _primitive(name, one, section.mapping(name), draft, template=True)
        if lowered_one is not None:
            found[name] = lowered_one
    return found


def _primitive(
    name: str, one: shape.Primitive, where: tree.Mapping, draft: _Draft, *, template: bool = False
) -> resource.Primitive | None:
    scope = draft.scope
    basis = None
    if one.template is not None:
        at = where.value("template")
        if not scope.known(one.template, ("templates",), "unknown-template", "template", at):
            return None
        basis = draft.templates.get(one.template)
        if basis is None:
            return None
    if one.agent is not None:
        at = where.value("agent")
        kind = parameters.parse_agent(one.agent, at, scope)
    else:
        at = where.value("template")
        kind = basis.agent if basis else None
    if kind is None:
        return None
    known = parameters.metadata(kind, at, scope)
    params = attributes.sets(
        one.params, where, "params", parameters.check(known, str(kind), scope), scope.findings
    )
    meta = attributes.sets(
        one.meta,
        where,
        "meta",
        attributes.options(property.RESOURCE_META, "unknown-meta", scope.findings, _CLONE_WORDS),
        scope.findings,
    )
    utilization = attributes.sets(
        one.utilization,
        where,
        "utilization",
        attributes.capacities(scope.findings),
        scope.findings,
    )
    own_operations = operations(one.operations, where.mapping("operations"), kind, known, scope)
    if basis is not None:
        params += basis.params
        meta += basis.meta
        utilization += basis.utilization
        own_operations = resource.overriding(own_operations, basis.operations)
    if not template:
        written = set(where.mapping("params")) if isinstance(one.params, Mapping) else ()
        parameters.required(known, params, at, scope, written)
    return resource.Primitive(
        name, kind, params, meta, own_operations, utilization, origin=where_key(where, draft, name)
    )


def where_key(where: tree.Mapping, draft: _Draft, name: str) -> position.Position:
    """Return where a resource's name stands."""
    return draft.section.key(name) if name in draft.section else where.here


Written = Mapping[str, Mapping[str, object] | Sequence[Mapping[str, object]]]
"""Operations as the shape has them."""


def operations(
    written: Written,
    where: tree.Mapping,
    of: agent.AgentName,
    known: agent.Metadata | None,
    scope: Scope,
) -> tuple[resource.Operation, ...]:
    """Return the operations below ``where``; faulty ones are left out, with findings."""
    found = []
    for name, one in written.items():
        parameters.operation(name, of, known, where.key(name), scope)
        if isinstance(one, Mapping):
            blocks = [(one, where.mapping(name))]
        else:
            items = where.sequence(name)
            blocks = [(options, items.mapping(index)) for index, options in enumerate(one)]
        intervals: dict[int, position.Position] = {}
        for options, place in blocks:
            at = where.key(name) if isinstance(one, Mapping) else place.here
            operation = _operation(name, options, place, at, scope)
            if operation is None:
                continue
            parameters.advised_timeout(operation, known, place.value("timeout"), scope)
            if operation.interval_ms in intervals and operation.enabled:
                scope.findings.add(
                    "monitor-twice",
                    f"two {name} operations have the interval "
                    f"{duration.text(operation.interval_ms)}; they could not be told apart",
                    at,
                    related=((intervals[operation.interval_ms], "the other one"),),
                    fix="give them different intervals",
                )
            intervals.setdefault(operation.interval_ms, at)
            found.append(operation)
    return tuple(found)


_OPERATION_FIELDS = frozenset({"interval", "timeout", "role", "on-fail", "enabled", "start-delay"})
"""Options that an operation has a field of its own for."""


def _operation(
    name: str,
    options: Mapping[str, object],
    where: tree.Mapping,
    at: position.Position,
    scope: Scope,
) -> resource.Operation | None:
    before = len(scope.findings.items)
    check = attributes.options(property.OPERATION, "unknown-option", scope.findings, final=True)
    values: dict[str, str] = {}
    extra: dict[str, str] = {}
    for option, value in options.items():
        if option == "params":
            continue
        if not isinstance(value, str):
            scope.findings.refuse(
                "wrong-type", f"{name}: {option} takes a text", where.value(option)
            )
            continue
        if option == "OCF_CHECK_LEVEL":
            extra[option] = value
            continue
        pair = check(option, value, where)
        if pair is None:
            continue
        into = values if pair[0] in _OPERATION_FIELDS else extra
        into[pair[0]] = str(pair[1])
    timeout = duration.parse_ms(values["timeout"]) if "timeout" in values else None
    if timeout == 0:
        scope.findings.add(
            "invalid-duration", f"{name}: a time-out must be above 0", where.value("timeout")
        )
    if "invalid-duration" in {one.code for one in scope.findings.items[before:]}:
        return None
    return resource.Operation(
        name=name,
        interval_ms=duration.parse_ms(values.get("interval", "0")) or 0,
        timeout_ms=timeout,
        role=role.parse(values["role"]) if "role" in values else None,
        on_fail=resource.OnFail(values["on-fail"]) if "on-fail" in values else None,
        enabled=property.boolean(values.get("enabled", "true")) is not False,
        start_delay_ms=duration.parse_ms(values.get("start-delay", "0")) or 0,
        attributes=(
            *((attribute.AttributeSet(extra),) if extra else ()),
            *_operation_params(name, where, scope),
        ),
        origin=at,
    )


def _operation_params(name: str, where: tree.Mapping, scope: Scope) -> attribute.AttributeSets:
    """Return the parameters that one operation has of its own."""
    if "params" not in where:
        return ()
    wrapped = tree.Mapping(where.mark)
    wrapped.put("params", where["params"], where.marks["params"])
    place = (where.key("params"), where.value("params"))
    one = wording.validated(shape.OperationParams, wrapped, place, name, scope.findings)
    if one is None:
        return ()
    check = attributes.free(scope.findings, "parameters of an operation")
    return attributes.sets(one.params, wrapped, "params", check, scope.findings)


def _owners(draft: _Draft) -> None:
    """Find out which group or clone each member belongs to; a member belongs to one only."""
    scope = draft.scope
    for name, one in draft.shapes.items():
        where = draft.section.mapping(name)
        if isinstance(one, shape.Group):
            items = where.sequence("group")
            members = [(member, items.item(index)) for index, member in enumerate(one.group)]
            if not members:
                scope.findings.add(
                    "empty-group",
                    f"group {name} has no members",
                    where.value("group"),
                    fix="name at least one primitive, or remove the group",
                )
        elif isinstance(one, shape.Clone):
            members = [(one.clone, where.value("clone"))]
        elif isinstance(one, shape.Bundle) and one.resource is not None:
            members = [(one.resource, where.value("resource"))]
        else:
            continue
        for member, at in members:
            _own(name, one, member, at, draft)


_HOLDS: Mapping[type[shape.Model], tuple[str, tuple[type[shape.Model], ...], str]] = {
    shape.Group: ("group", (shape.Primitive,), "primitives"),
    shape.Clone: ("clone", (shape.Primitive, shape.Group), "one primitive or group"),
    shape.Bundle: ("bundle", (shape.Primitive,), "one primitive"),
}
"""What holds others: its word, what it can hold, and that in words."""


def _own(name: str, one: _Shape, member: str, at: position.Position, draft: _Draft) -> None:
    scope = draft.scope
    kind, holds, words = _HOLDS[type(one)]
    what = words.removeprefix("one ").removesuffix("s")
    if not scope.known(member, ("resources", "devices"), "unknown-resource", what, at):
        return
    found = draft.shapes.get(member)
    if found is not None and not isinstance(found, holds):
        scope.findings.add(
            "wrong-member",
            f"a {kind} cannot hold {member}, which is a {type(found).__name__.lower()}; "
            f"it holds {words}",
            at,
        )
        return
    if member in draft.owner:
        owner, place = draft.owner[member]
        scope.findings.add(
            "member-twice",
            f"{member} is already in {owner}; a resource is in one group or clone at most",
            at,
            related=((place, "named here first"),),
        )
        return
    draft.owner[member] = (name, at)


def _resource(name: str, one: _Shape, draft: _Draft) -> resource.Resource | None:
    match one:
        case shape.Primitive():
            return draft.primitives.get(name)
        case shape.Group():
            return _group(name, one, draft)
        case shape.Clone():
            return _clone(name, one, draft)
        case shape.Bundle():
            child = draft.primitives.get(one.resource or "")
            return bundles.lowered(name, one, child, draft.section, draft.scope)


def _group(name: str, one: shape.Group, draft: _Draft) -> resource.Group | None:
    scope = draft.scope
    where = draft.section.mapping(name)
    members = tuple(draft.primitives[member] for member in one.group if member in draft.primitives)
    meta = attributes.sets(
        one.meta,
        where,
        "meta",
        attributes.options(property.ALL_GROUP_META, "unknown-meta", scope.findings, _CLONE_WORDS),
        scope.findings,
    )
    params = attributes.sets(
        one.params, where, "params", parameters.check(None, name, scope), scope.findings
    )
    return resource.Group(name, members, params, meta, origin=draft.section.key(name))


def _clone(name: str, one: shape.Clone, draft: _Draft) -> resource.Clone | None:
    scope = draft.scope
    where = draft.section.mapping(name)
    meta = attributes.sets(
        one.meta,
        where,
        "meta",
        attributes.options(property.META, "unknown-meta", scope.findings),
        scope.findings,
    )
    params = attributes.sets(
        one.params, where, "params", parameters.check(None, name, scope), scope.findings
    )
    promotable = one.promotable or attribute.always(meta, "promotable") == "true"
    if one.promotable and attribute.always(meta, "promotable") is None:
        extra = attribute.AttributeSet(
            {"promotable": "true"}, origins={"promotable": where.value("promotable")}
        )
        meta = (*meta, extra)
    _limits(name, meta, where, scope)
    inner = draft.shapes.get(one.clone)
    child: resource.Resource | None = draft.primitives.get(one.clone)
    if inner is not None:
        child = _resource(one.clone, inner, draft)
    if child is None or isinstance(child, resource.Clone | resource.Bundle):
        return None
    if promotable:
        _promotable(child, where, scope)
    if isinstance(child, resource.Group):
        _unordered(child, meta, scope)
    return resource.Clone(name, child, params, meta, origin=draft.section.key(name))


def _promotable(
    child: resource.Primitive | resource.Group, where: tree.Mapping, scope: Scope
) -> None:
    at = where.value("promotable") if "promotable" in where else where.here
    for member in resource.primitives(child):
        known = scope.agents.get(member.agent)
        if member.agent.standard == "ocf" and (known is None or known.promotable):
            continue
        why = (
            "its meta-data lists no promote and demote"
            if known is not None and member.agent.standard == "ocf"
            else f"agents of the standard {member.agent.standard} have only start, stop and monitor"
        )
        scope.findings.add(
            "not-promotable",
            f"{member.agent} cannot be promoted: {why}",
            at,
            related=((member.origin, f"{member.name} is defined here"),),
        )


def _unordered(child: resource.Group, meta: attribute.AttributeSets, scope: Scope) -> None:
    """Report that what a clone says of its instances also holds for the members of its group."""
    said = next((one for one in meta if "ordered" in one.pairs), None)
    if said is None or attribute.always(meta, "ordered") != "false":
        return
    if attribute.always(child.meta, "ordered") is None:
        scope.findings.add(
            "unordered-group",
            f"without order also the members of {child.name} start all at once",
            said.origins["ordered"],
            fix=f"leave it out, as it is the default, or write ordered: true for {child.name}",
            related=((child.origin, f"{child.name} is defined here"),),
        )


def _number(meta: attribute.AttributeSets, name: str) -> int | None:
    value = attribute.always(meta, name)
    return property.integer(value) if isinstance(value, str) else None


def _limits(name: str, meta: attribute.AttributeSets, where: tree.Mapping, scope: Scope) -> None:
    """Report limits of a clone that contradict each other."""

    def at(option: str) -> position.Position:
        for one in meta:
            if option in one.origins:
                return one.origins[option]
        return where.here

    for smaller, larger in (
        ("promoted-max", "clone-max"),
        ("promoted-node-max", "clone-node-max"),
        ("clone-node-max", "clone-max"),
        ("clone-min", "clone-max"),
    ):
        low, high = _number(meta, smaller), _number(meta, larger)
        if low is not None and high is not None and low > high > 0 and high < scores.INFINITY:
            scope.findings.add(
                "clone-limits",
                f"{name}: {smaller} {low} is above {larger} {high}",
                at(smaller),
                related=((at(larger), larger),),
            )
    if _number(meta, "clone-node-max") == 0:
        scope.findings.add(
            "clone-limits", f"{name}: clone-node-max 0 lets no instance run", at("clone-node-max")
        )
