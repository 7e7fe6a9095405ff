"""``reconcile maintenance``: leave the resources of a node alone."""

from __future__ import annotations

import click

from reconciler.cli import acting, manifests, names, params, running
from reconciler.controller import commands
from reconciler.controller.context import Context
from reconciler.controller.result import Result


@click.command()
@click.argument("node")
@click.argument("state", type=click.Choice(["on", "off"]))
@params.manifests
@params.lock_timeout
def maintenance(node: str, state: str, paths: tuple[str, ...], lock_timeout: float) -> int:
    """Leave the resources of NODE alone (on), or take care of them again (off)."""
    wanted = manifests.read(paths).desired
    names.require_node(wanted, node)

    async def work(context: Context, _: running.Stop) -> Result:
        return await commands.maintenance(
            context, wanted, node, on=state == "on" or None, lock_timeout_s=lock_timeout
        )

    _, status = acting.carry_out(
        wanted, "maintenance", work, done=lambda _: f"{node}: maintenance is {state}"
    )
    return status
