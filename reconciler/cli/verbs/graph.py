"""``reconcile graph``: the plan or the constraints as a graph."""

from __future__ import annotations

import click

from reconciler.cli import look, manifests, params, terminal
from reconciler.render import graph as view


@click.command()
@params.paths
@params.output("dot", "mermaid")
@click.option(
    "--of",
    "subject",
    type=click.Choice(["plan", "constraints"]),
    default="plan",
    show_default=True,
    help="The plan that is due, or the resources and their constraints (contacts no node).",
)
def graph(paths: tuple[str, ...], form: str, subject: str) -> int:
    """Draw the plan or the constraints; e.g. reconcile graph | dot -Tsvg > plan.svg."""
    read = manifests.read(paths)
    if subject == "constraints":
        drawn = view.of_constraints(read.desired)
    else:
        seen = look.at(read.desired, command="graph")
        seen.require_answers()
        drawn = view.of_plan(seen.plan, read.desired.name)
    terminal.output().text({"dot": view.dot, "mermaid": view.mermaid}[form](drawn))
    return 0
