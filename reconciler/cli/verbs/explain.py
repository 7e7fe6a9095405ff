"""``reconcile explain``: why a resource is where it is."""

from __future__ import annotations

from typing import Any

import click

from reconciler.cli import names, params, scene, terminal
from reconciler.render import explain as view
from reconciler.render import values
from reconciler.scheduler import pipeline


@click.command()
@click.argument("resource", required=False)
@params.manifests
@click.option(
    "--observed",
    metavar="FILE",
    help="Instead of looking at the cluster: what status --save-observed has kept.",
)
@click.option("--cib", metavar="FILE", help="Instead of manifests: a CIB; - is stdin.")
@click.option(
    "--at",
    type=params.Moment(),
    metavar="TIME",
    help="Pretend that it is this time: ISO 8601, or seconds since 1970.",
)
@params.output("text", "json")
@click.option("--node", metavar="NODE", help="Only this node.")
def explain(
    resource: str | None, paths: tuple[str, ...], form: str, node: str | None, **source: Any
) -> int:
    """Show why RESOURCE is where it is: each node's score, term by term, with its line.

    Then what decided, what would move it, what closes the other nodes, and what blocks it. A group
    or clone shows everything inside. Without RESOURCE: the scores of everything in one table.
    """
    here = scene.of(paths, form=form, command="explain", **source)
    if node is not None:
        names.require_node(here.desired, node)
    due = pipeline.schedule(here.desired, here.observed)
    if resource is not None and not view.instances(due, here.desired, resource):
        names.require_resource(here.desired, resource, tuple(due.ledgers))
    if form == "json":
        body = view.as_json(due, here.desired, here.observed, resource)
        terminal.output().text(values.text(body))
    elif resource is None:
        terminal.output().lines(view.overview(due))
    else:
        terminal.output().lines(view.lines(due, here.desired, here.observed, resource, node=node))
    return 0
