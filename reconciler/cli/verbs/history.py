"""``reconcile history``: what runs from this machine did."""

from __future__ import annotations

import click

from reconciler.cli import manifests, params, places, terminal
from reconciler.journal.file import FileJournal
from reconciler.render import history as view
from reconciler.render import values


@click.command()
@params.paths
@params.output("text", "json")
@click.option(
    "-n", "--limit", default=200, show_default=True, type=click.IntRange(1), help="Newest events."
)
def history(paths: tuple[str, ...], form: str, limit: int) -> int:
    """Show what runs from this machine did to the cluster, newest last."""
    name = manifests.read(paths, form=form).desired.name
    journal = FileJournal(places.journal(name), redact=str)
    events = [(one.at, one.run, one.event, one.body) for one in journal.read(limit=limit)]
    if form == "json":
        body = {"format_version": values.FORMAT_VERSION, "events": view.as_json(events)}
        terminal.output().text(values.text(body))
    elif events:
        terminal.output().lines(view.lines(events))
    else:
        terminal.note(f"no run from this machine is recorded in {places.journal(name)}")
    return 0
