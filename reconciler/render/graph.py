"""Plans and constraints as graphs, for Graphviz and Mermaid."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from reconciler.frozen import frozen
from reconciler.model import action, constraint, score
from reconciler.model.desired import Desired
from reconciler.model.plan import Plan
from reconciler.model.resource import Bundle, Clone, Group, Resource, primitives
from reconciler.render import escape, levels


@frozen
class Vertex:
    """A box; ``dashed`` for what nobody does, ``colour`` a name that both languages know."""

    key: str
    label: str
    dashed: bool = False
    colour: str = "black"
    cluster: str = ""


@frozen
class Arrow:
    """From one vertex to another."""

    source: str
    target: str
    label: str = ""
    dashed: bool = False


@frozen
class Graph:
    """Vertices and arrows, in a stable order."""

    name: str
    vertices: tuple[Vertex, ...]
    arrows: tuple[Arrow, ...]


_COLOURS: dict[action.Task, str] = {
    action.Task.START: "darkgreen",
    action.Task.PROMOTE: "darkgreen",
    action.Task.STOP: "firebrick",
    action.Task.DEMOTE: "firebrick",
    action.Task.OFF: "purple",
    action.Task.REBOOT: "purple",
    action.Task.ON: "purple",
}


def of_plan(due: Plan, name: str) -> Graph:
    """Return the graph of a plan: every action, and what has to succeed before it."""
    return Graph(
        name,
        tuple(
            Vertex(
                one.key,
                levels.phrase(one) if one.real else one.key,
                dashed=not one.real,
                colour=_COLOURS.get(one.task, "black") if one.real else "gray40",
                cluster=one.node if one.real else "",
            )
            for one in due.actions
        ),
        tuple(Arrow(edge.before, edge.after) for edge in due.edges),
    )


def of_constraints(desired: Desired) -> Graph:
    """Return the graph of a manifest: resources, their orders (solid) and colocations (dashed)."""
    vertices: list[Vertex] = []
    arrows: list[Arrow] = []
    for one in desired.resources:
        vertices += _resource(one)
        arrows += _inside(one)
    for rule in desired.constraints:
        arrows += _constraint(rule)
    known = {vertex.key for vertex in vertices}
    for arrow in arrows:
        for end in (arrow.source, arrow.target):
            if end not in known:
                known.add(end)
                vertices.append(Vertex(end, end))
    return Graph(desired.name, tuple(vertices), tuple(arrows))


def _resource(one: Resource) -> Iterable[Vertex]:
    match one:
        case Clone():
            yield Vertex(one.name, f"clone {one.name}", cluster=one.name)
        case Group():
            yield Vertex(one.name, f"group {one.name}", cluster=one.name)
        case Bundle():
            yield Vertex(one.name, f"bundle {one.name}", cluster=one.name)
    for primitive in primitives(one):
        yield Vertex(
            primitive.name,
            f"{primitive.name}\n{primitive.agent}",
            cluster="" if primitive is one else one.name,
        )


def _inside(one: Resource) -> Iterable[Arrow]:
    inner = primitives(one)
    if isinstance(one, (Clone, Group, Bundle)) and inner:
        yield Arrow(one.name, inner[0].name, dashed=True)
    for before, after in itertools.pairwise(inner):
        yield Arrow(before.name, after.name, "group")


def _constraint(one: constraint.Constraint) -> Iterable[Arrow]:
    match one:
        case constraint.Order():
            yield Arrow(one.first, one.then, f"{one.first_action}, {one.kind.value.lower()}")
        case constraint.Colocation():
            yield Arrow(one.dependent, one.primary, f"with {score.text(one.score)}", dashed=True)
        case constraint.OrderSets() | constraint.ColocationSets():
            dashed = isinstance(one, constraint.ColocationSets)
            members = [name for part in one.sets for name in part.resources]
            for before, after in itertools.pairwise(members):
                yield Arrow(before, after, one.id, dashed=dashed)
        case constraint.Location() if one.node:
            for name in one.resources:
                yield Arrow(name, f"node {one.node}", score.text(one.score), dashed=True)


def dot(graph: Graph) -> str:
    """Return a graph in Graphviz's language, left to right, one cluster for each node or group."""
    rows = [
        f"digraph {_quoted(graph.name or 'plan')} {{",
        "  rankdir=LR;",
        '  node [shape=box, style="rounded", fontname="sans-serif", fontsize=11];',
        '  edge [fontname="sans-serif", fontsize=9];',
    ]
    for number, (cluster, vertices) in enumerate(_clusters(graph)):
        indent = "  "
        if cluster:
            rows += [f"  subgraph cluster_{number} {{", f"    label={_quoted(cluster)};"]
            indent = "    "
        for one in vertices:
            style = "rounded,dashed" if one.dashed else "rounded"
            rows.append(
                f"{indent}{_quoted(one.key)} [label={_quoted(one.label)},"
                f' style="{style}", color="{one.colour}"];'
            )
        if cluster:
            rows.append("  }")
    for arrow in graph.arrows:
        options = [f"label={_quoted(arrow.label)}"] if arrow.label else []
        options += ["style=dashed"] if arrow.dashed else []
        tail = f" [{', '.join(options)}]" if options else ""
        rows.append(f"  {_quoted(arrow.source)} -> {_quoted(arrow.target)}{tail};")
    return "\n".join([*rows, "}"]) + "\n"


def mermaid(graph: Graph) -> str:
    """Return a graph as a Mermaid flowchart, which code hosts draw in Markdown."""
    ids = {one.key: f"n{number}" for number, one in enumerate(graph.vertices)}
    rows = ["flowchart LR"]
    for number, (cluster, vertices) in enumerate(_clusters(graph)):
        indent = "  "
        if cluster:
            rows.append(f'  subgraph g{number}["{_entities(cluster)}"]')
            indent = "    "
        rows += [f'{indent}{ids[one.key]}["{_entities(one.label)}"]' for one in vertices]
        if cluster:
            rows.append("  end")
    for arrow in graph.arrows:
        shaft = "-.->" if arrow.dashed else "-->"
        label = f'|"{_entities(arrow.label)}"|' if arrow.label else ""
        rows.append(f"  {ids[arrow.source]} {shaft}{label} {ids[arrow.target]}")
    return "\n".join(rows) + "\n"


def _clusters(graph: Graph) -> list[tuple[str, list[Vertex]]]:
    result: dict[str, list[Vertex]] = {}
    for one in graph.vertices:
        result.setdefault(one.cluster, []).append(one)
    return sorted(result.items())


def _quoted(text: str) -> str:
    inner = "\\n".join(escape.visible(part).replace("\\", "\\\\") for part in text.split("\n"))
    return '"' + inner.replace('"', '\\"') + '"'


def _entities(text: str) -> str:
    parts = [escape.visible(part) for part in text.split("\n")]
    escaped = [part.replace("&", "#38;").replace('"', "#quot;") for part in parts]
    return "<br/>".join(part.replace("<", "#lt;").replace(">", "#gt;") for part in escaped)
