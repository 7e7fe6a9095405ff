"""``reconcile standby`` and ``unstandby``: move everything away from a node, and let it back."""

from __future__ import annotations

import click

from reconciler.cli import acting, manifests, names, params, running
from reconciler.controller import commands
from reconciler.controller.context import Context
from reconciler.controller.result import Result


@click.command()
@click.argument("node")
@params.manifests
@params.lock_timeout
def standby(node: str, paths: tuple[str, ...], lock_timeout: float) -> int:
    """Let NODE run no resources until unstandby; the next apply or watch moves them away."""
    return _set(node, paths, lock_timeout, on=True)


@click.command()
@click.argument("node")
@params.manifests
@params.lock_timeout
def unstandby(node: str, paths: tuple[str, ...], lock_timeout: float) -> int:
    """Let NODE run resources again, unless the manifest itself says standby."""
    return _set(node, paths, lock_timeout, on=False)


def _set(node: str, paths: tuple[str, ...], lock_timeout: float, *, on: bool) -> int:
    wanted = manifests.read(paths).desired
    names.require_node(wanted, node)

    async def work(context: Context, _: running.Stop) -> Result:
        return await commands.standby(
            context, wanted, node, on=on or None, lock_timeout_s=lock_timeout
        )

    word = "standby" if on else "unstandby"
    said = "is in standby" if on else "may run resources again"
    _, status = acting.carry_out(
        wanted, word, work, done=lambda _: f"{node} {said}; next: reconcile apply"
    )
    return status
