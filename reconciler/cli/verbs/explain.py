"""``reconcile explain``: why a resource is where it is."""

from __future__ import annotations

import click

from reconciler.cli import look, manifests, names, params, terminal
from reconciler.render import explain as view
from reconciler.render import values


@click.command()
@click.argument("resource", required=False)
@params.manifests
@params.output("text", "json")
@click.option("--node", metavar="NODE", help="Only this node.")
def explain(resource: str | None, paths: tuple[str, ...], form: str, node: str | None) -> int:
    """Show why RESOURCE is where it is: each node's score, term by term, with its line.

    Without RESOURCE: the scores of everything in one table.
    """
    read = manifests.read(paths, form=form)
    if node is not None:
        names.require_node(read.desired, node)
    seen = look.at(read.desired, command="explain")
    seen.require_answers()
    if resource is not None and not view.instances(seen.plan, read.desired, resource):
        names.require_resource(read.desired, resource, tuple(seen.plan.ledgers))
    if form == "json":
        body = view.as_json(seen.plan, read.desired, seen.observed, resource)
        terminal.output().text(values.text(body))
    elif resource is None:
        terminal.output().lines(view.overview(seen.plan))
    else:
        terminal.output().lines(
            view.lines(seen.plan, read.desired, seen.observed, resource, node=node)
        )
    return 0
