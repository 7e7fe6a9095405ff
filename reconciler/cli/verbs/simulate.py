"""``reconcile simulate``: what would be done, and what would come of it, without doing it."""

from __future__ import annotations

import click

from reconciler.cli import cib_file, foresee, params, terminal
from reconciler.render import plan_text, values


@click.command()
@click.option(
    "--cib",
    metavar="FILE",
    required=True,
    help="Configuration and status from a CIB, as cibadmin -Q prints it; - is stdin.",
)
@click.option(
    "--at",
    type=params.Moment(),
    metavar="TIME",
    help="Pretend that it is this time: ISO 8601, or seconds since 1970.",
)
@params.output("text", "json")
def simulate(cib: str, at: float | None, form: str) -> int:
    """Show what would be done, and what would come of it; contacts no node.

    Of a CIB, -o json prints the decisions in the form in which Pacemaker's own are recorded.
    """
    imported = cib_file.imported(cib, now=at)
    if form == "json":
        terminal.output().text(values.text(foresee.record(imported)))
        return 0
    found = foresee.foresee(imported.desired, imported.observed)
    terminal.output().lines(plan_text.lines(found.plan, name=imported.desired.name))
    return 0
