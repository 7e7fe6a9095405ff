"""``reconcile status``: nodes, resources, failures, fencing, and who acts."""

from __future__ import annotations

import click

from reconciler.cli import fences, look, manifests, params, saving, terminal
from reconciler.render import observation, values
from reconciler.render import status as view


@click.command()
@params.paths
@params.output("text", "json")
@click.option("--check", is_flag=True, help="Ask the fence devices too; this takes a moment.")
@click.option(
    "--save-observed",
    "observed_file",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Keep what was seen in a file, for: reconcile simulate --observed FILE.",
)
def status(paths: tuple[str, ...], form: str, check: bool, observed_file: str | None) -> int:
    """Show the cluster as it is: nodes, resources, failures, fencing, and who acts.

    Read-only. What is due is counted; reconcile plan shows it.
    """
    read = manifests.read(paths, form=form)
    seen = look.at(read.desired, command="status")
    if observed_file is not None:
        saving.save(observed_file, observation.save(seen.observed))
    state = view.Status(
        desired=read.desired,
        observed=seen.observed,
        plan=seen.plan,
        devices=fences.devices(read.desired, check=check),
        fenced=fences.recorded(read.desired, seen.known),
        lease=fences.lease(seen),
        silent=seen.silent,
    )
    if form == "json":
        terminal.output().text(values.text(view.as_json(state)))
    else:
        terminal.output().lines(view.lines(state))
    return 0
