"""``reconcile plan``: what apply would do, and why. Takes no lease and writes nothing on a node."""

from __future__ import annotations

import click

from reconciler.cli import compose, look, manifests, params, release, saving, terminal
from reconciler.errors.exit_status import ExitStatus
from reconciler.model.plan import Plan
from reconciler.render import graph, plan_file, plan_json, plan_text, values


@click.command()
@params.paths
@params.output("text", "json", "dot", "mermaid")
@click.option(
    "--out",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Save the plan; apply FILE does exactly that or refuses.",
)
@click.option(
    "--detailed-exitcode", is_flag=True, help="Exit with 2 where there are changes, 0 where none."
)
@click.option("--prune", is_flag=True, help="Stop what is no longer in the manifests.")
def plan(
    paths: tuple[str, ...], form: str, out: str | None, detailed_exitcode: bool, prune: bool
) -> int:
    """Show what apply would do now: on every resource, why, and in which order.

    Read-only: no lease is taken, and nothing is written on any node.
    """
    read = manifests.read(paths, form=form, warn=True)
    wanted = compose.pruning(read.desired) if prune else read.desired
    seen = look.at(wanted, command="plan")
    seen.require_answers()
    show(seen.plan, wanted.name, form)
    if out is not None:
        basis = plan_file.Basis(
            tool=release.version(),
            at=int(seen.observed.now),
            cluster=wanted.name,
            paths=read.paths,
            manifests=read.digest,
            prune=prune,
        )
        saving.save(out, plan_file.save(seen.plan, basis))
        terminal.note(f"saved to {out}; apply exactly this with: reconcile apply {out}")
    return int(ExitStatus.CHANGES if detailed_exitcode and not at_rest(seen.plan) else 0)


def at_rest(due: Plan) -> bool:
    """Tell whether nothing is due, blocked things included."""
    return due.empty and not due.blocked and not any(one.blocked for one in due.fencing)


def show(due: Plan, name: str, form: str) -> None:
    """Write a plan to stdout."""
    screen = terminal.output()
    if form == "json":
        screen.text(values.text(plan_json.as_json(due, name=name)))
    elif form == "dot":
        screen.text(graph.dot(graph.of_plan(due, name)))
    elif form == "mermaid":
        screen.text(graph.mermaid(graph.of_plan(due, name)))
    else:
        screen.lines(plan_text.lines(due, name=name))
