"""``reconcile cleanup``: forget the history and the failures of a resource."""

from __future__ import annotations

import click

from reconciler.cli import acting, manifests, names, params, running
from reconciler.controller import commands
from reconciler.controller.context import Context
from reconciler.controller.result import Result
from reconciler.model.resource import Clone, Resource, primitives


@click.command()
@click.argument("resource")
@params.manifests
@click.option("--node", metavar="NODE", help="Only on this node.")
@params.lock_timeout
def cleanup(resource: str, paths: tuple[str, ...], node: str | None, lock_timeout: float) -> int:
    """Forget the failures of RESOURCE, so that it is probed and placed anew; stops nothing.

    The name of a group or clone stands for everything inside.
    """
    wanted = manifests.read(paths).desired
    names.require_resource(wanted, resource)
    if node is not None:
        names.require_node(wanted, node)
    inside = [
        primitive.name
        for one in wanted.resources
        for primitive in primitives(one)
        if resource in {primitive.name, *_above(one)}
    ]

    async def work(context: Context, _: running.Stop) -> Result:
        for name in inside[:-1]:
            result = await commands.cleanup(
                context, wanted, name, node=node, lock_timeout_s=lock_timeout
            )
            if not result.ok:
                return result
        return await commands.cleanup(
            context, wanted, inside[-1], node=node, lock_timeout_s=lock_timeout
        )

    _, status = acting.carry_out(wanted, "cleanup", work, done=lambda last: last.message)
    return status


def _above(one: Resource) -> tuple[str, ...]:
    """Return the names that stand for everything inside a resource."""
    return (one.name, one.child.name) if isinstance(one, Clone) else (one.name,)
