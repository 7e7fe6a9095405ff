"""``reconcile simulate``: what would be done, and what would come of it, without doing it."""

from __future__ import annotations

from typing import Any

import click

from reconciler.cli import events, params, recorded, scene, terminal
from reconciler.errors.exit_status import ExitStatus
from reconciler.render import simulation as view
from reconciler.render import values
from reconciler.transition import foresight

_ROUNDS_MAX = 1000


@click.command()
@params.paths
@click.option(
    "--observed",
    metavar="FILE",
    help="Instead of looking at the cluster: what status --save-observed has kept.",
)
@click.option(
    "--cib",
    metavar="FILE",
    help="Instead of manifests: a CIB, as cibadmin -Q prints it; - is stdin.",
)
@click.option(
    "--at",
    type=params.Moment(),
    metavar="TIME",
    help="Pretend that it is this time: ISO 8601, or seconds since 1970.",
)
@events.options
@click.option("--run", is_flag=True, help="Show how the plan goes, and the cluster after it.")
@click.option(
    "--converge",
    type=click.IntRange(1, _ROUNDS_MAX),
    metavar="N",
    help="Plan and run until nothing is left to do, at most N times; exit with 4 where it is not.",
)
@click.option("--scores", is_flag=True, help="Show every score, as crm_simulate -s does.")
@params.output("text", "json")
def simulate(paths: tuple[str, ...], form: str, **given: Any) -> int:
    """Show what would be done, and what would come of it. Changes nothing.

    The cluster is looked at as plan does, or read from a file; then the events that you name happen
    to it, and a plan is made. Of a CIB, -o json prints the decisions in the form in which
    Pacemaker's own are recorded.
    """
    here = scene.of(paths, observed=given["observed"], cib=given["cib"], at=given["at"], form=form)
    happened = tuple(events.chosen(given, here))
    failing = events.failing(given, here)
    seen = events.after(happened, here)
    limit: int | None = given["converge"]
    run = given["run"] or limit is not None
    if run or form != "text":
        found = tuple(foresight.converge(here.desired, seen, failing, limit=limit or 1))
    else:
        found = (foresight.preview(here.desired, seen),)
    shown = view.Simulation(
        name=here.desired.name,
        source=here.source.value,
        events=tuple(one.text for one in happened),
        rounds=found,
        limit=limit,
    )
    _show(shown, here, form, run=run, scores=given["scores"])
    return int(ExitStatus.NOT_CONVERGED if limit and not shown.converged else ExitStatus.SUCCESS)


def _show(shown: view.Simulation, here: scene.Scene, form: str, *, run: bool, scores: bool) -> None:
    if form == "text":
        terminal.output().lines(view.lines(shown, run=run, scores=scores))
    elif here.source is not scene.Source.CIB:
        terminal.output().text(values.text(view.as_json(shown, scores=scores)))
    else:
        records = [recorded.of_round(here.desired, one) for one in shown.rounds]
        terminal.output().text(values.compact(records[0] if shown.limit is None else records))
        terminal.output().text("\n")
