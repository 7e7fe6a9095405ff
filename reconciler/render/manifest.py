"""What a manifest says, resolved: nodes, resources and constraints in sentences with positions."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from reconciler.model import attribute, constraint, duration, score
from reconciler.model.desired import Desired
from reconciler.model.resource import Bundle, Clone, Group, Primitive, Resource, primitives
from reconciler.model.rule import AttributeTest, DateTest, Rule
from reconciler.render import sentences
from reconciler.render.styled import EMPTY, Line, Lines, Span, Style, heading, line, span, table


def constraints(desired: Desired) -> Lines:
    """Return every constraint as a sentence: where, with whom, in which order, with which ticket."""
    sections: dict[str, list[tuple[Span, ...]]] = {}
    for one in desired.constraints:
        title, words, weight = _constraint(one)
        at = sentences.place(one.origin)
        sections.setdefault(title, []).append(
            (span(words), span(weight), span(f"[{at}]" if at else one.id, Style.FAINT))
        )
    result: list[Line] = []
    for title in ("Location", "Colocation", "Order", "Ticket"):
        if title in sections:
            result += [EMPTY] if result else []
            result += [heading(title), *table(sections[title])]
    return tuple(result) or (line(span("No constraints.", Style.FAINT)),)


def _constraint(one: constraint.Constraint) -> tuple[str, str, str]:
    match one:
        case constraint.Location():
            return "Location", *_location(one)
        case constraint.Colocation():
            role, other = _role(one.dependent_role), _role(one.primary_role)
            by = f" (same {one.node_attribute})" if one.node_attribute else ""
            kind = "with" if one.score >= 0 else "away from"
            words = f"{one.dependent}{role} {kind} {one.primary}{other}{by}"
            return "Colocation", words, score.text(one.score)
        case constraint.ColocationSets():
            return "Colocation", _sets(one.sets, " with "), score.text(one.score)
        case constraint.Order():
            then = one.then_action or one.first_action
            words = f"{one.first_action} {one.first} then {then} {one.then}"
            symmetrical = "" if one.symmetrical is not False else ", not symmetrical"
            return "Order", words, one.kind.value + symmetrical
        case constraint.OrderSets():
            return "Order", _sets(one.sets, " then "), one.kind.value
        case constraint.Ticket():
            role = _role(one.role)
            loss = f"on loss {one.loss_policy.value}" if one.loss_policy else ""
            return "Ticket", f"{', '.join(one.resources)}{role} needs ticket {one.ticket}", loss


def _role(role: object) -> str:
    return f" ({getattr(role, 'value', role)})" if role is not None else ""


def _location(one: constraint.Location) -> tuple[str, str]:
    who = f"/{one.pattern}/" if one.pattern else ", ".join(one.resources)
    weight = one.score_attribute or score.text(one.score)
    verb = "prefers" if one.score_attribute or one.score >= 0 else "avoids"
    where = f"node {one.node}" if one.node else f"nodes where {rule(one.rule)}"
    return f"{who}{_role(one.role)} {verb} {where}", weight


def _sets(sets: Iterable[constraint.ResourceSet], joint: str) -> str:
    return joint.join(
        ("({})" if one.in_sequence else "{{{}}}").format(", ".join(one.resources)) for one in sets
    )


def rule(one: Rule | None) -> str:
    """Return a rule as a condition."""
    if one is None:
        return "always"
    parts = [
        f"({rule(test)})"
        if isinstance(test, Rule)
        else _attribute_test(test)
        if isinstance(test, AttributeTest)
        else _date_test(test)
        if isinstance(test, DateTest)
        else str(test)
        for test in one.tests
    ]
    return f" {one.operator.value} ".join(parts)


def _attribute_test(test: AttributeTest) -> str:
    if test.value is None:
        return f"{test.operation} {test.attribute}"
    return f"{test.attribute} {test.operation} {test.value}"


def _date_test(test: DateTest) -> str:
    parts = [test.operation, test.start or "", test.end or ""]
    parts += [f"{name}={value}" for name, value in (*test.duration.items(), *test.spec.items())]
    return "date " + " ".join(part for part in parts if part)


def resources(desired: Desired) -> Lines:
    """Return every resource with its agent, parameters, operations and meta-attributes."""
    result: list[Line] = []
    for one in desired.resources:
        result += _resource(one)
    return tuple(result) or (line(span("No resources.", Style.FAINT)),)


def _kind(one: Resource) -> str:
    """Return what a resource is that holds others; nothing for a primitive."""
    match one:
        case Primitive():
            return ""
        case Group():
            return "group"
        case Clone():
            return "clone"
        case Bundle():
            box = one.container
            return f"bundle of {box.count} in {box.technology.value}, image {box.image}"


def _resource(one: Resource) -> Iterable[Line]:
    kind = _kind(one)
    if kind:
        yield _name(one.name, kind, one.origin, 0)
        yield from _pairs("meta", one.meta, 4)
    for primitive in primitives(one):
        indent = 2 if kind else 0
        yield _name(primitive.name, str(primitive.agent), primitive.origin, indent)
        yield from _pairs("params", primitive.params, indent + 4)
        for operation in primitive.operations:
            facts = [operation.name]
            if operation.interval_ms:
                facts.append(f"interval={duration.text(operation.interval_ms)}")
            if operation.timeout_ms is not None:
                facts.append(f"timeout={duration.text(operation.timeout_ms)}")
            if operation.role is not None:
                facts.append(f"role={operation.role.value}")
            if operation.on_fail is not None:
                facts.append(f"on-fail={operation.on_fail.value}")
            yield line(" " * (indent + 4), span("operation  ", Style.FAINT), " ".join(facts))
        yield from _pairs("meta", primitive.meta, indent + 4)


def _name(name: str, kind: str, origin: object, indent: int) -> Line:
    return line(
        " " * indent,
        span(name, Style.STRONG),
        f"  {kind}",
        span(f"  [{origin}]" if str(origin) else "", Style.FAINT),
    )


def _pairs(title: str, sets: attribute.AttributeSets, indent: int) -> Iterable[Line]:
    for one in sets:
        if not one.pairs:
            continue
        condition = f"  (when {rule(one.rule)})" if one.rule else ""
        text = " ".join(f"{name}={value}" for name, value in one.pairs.items())
        yield line(
            " " * indent, span(f"{title:<9}  ", Style.FAINT), text, condition, hang=indent + 11
        )


def nodes(desired: Desired) -> Lines:
    """Return every node with its address, connection and attributes."""
    return table(
        (
            span(one.name, Style.STRONG),
            span(one.address),
            span(one.connection),
            span(" ".join(f"{k}={v}" for part in one.attributes for k, v in part.pairs.items())),
            span(f"[{sentences.place(one.origin)}]" if one.origin.file else "", Style.FAINT),
        )
        for one in desired.nodes
    )


def properties(desired: Desired) -> Lines:
    """Return the cluster properties and the defaults as written."""
    return tuple(
        row
        for title, sets in (
            ("properties", desired.properties),
            ("resource defaults", desired.resource_defaults),
            ("operation defaults", desired.operation_defaults),
        )
        for part in sets
        for row in (
            heading(title),
            *table((span(name), span(str(value))) for name, value in part.pairs.items()),
        )
        if part.pairs
    )


def fencing(desired: Desired) -> Lines:
    """Return the fence devices with their parameters (secrets by reference), then the levels."""
    result: list[Line] = []
    for one in desired.fencing.devices:
        result.append(_name(one.name, f"{one.agent} for {', '.join(one.targets)}", one.origin, 0))
        result += _pairs("params", one.params, 4)
    for level in desired.fencing.levels:
        words = f"level {level.index} of {level.target}: {', '.join(level.devices)}"
        result.append(line(words))
    return tuple(result) or (line(span("No fence devices.", Style.FAINT)),)


SECTIONS: dict[str, Callable[[Desired], Lines]] = {
    "properties": properties,
    "nodes": nodes,
    "resources": resources,
    "constraints": constraints,
    "fencing": fencing,
}
"""What ``reconcile show`` can show, in its order."""
