"""``reconcile fence``: fence a node by hand; list, describe and check fence devices."""

from __future__ import annotations

import click

from reconciler.cli import (
    acting,
    fences,
    group,
    installed,
    look,
    manifests,
    names,
    params,
    running,
    terminal,
)
from reconciler.cli.quit import Quit
from reconciler.controller import commands
from reconciler.controller.context import Context
from reconciler.controller.result import Result
from reconciler.errors.exit_status import ExitStatus
from reconciler.render import agent as view
from reconciler.render import manifest, moment, status, styled, values

_NODE = "node"


class FenceGroup(group.VerbGroup):
    """``fence NODE`` fences; everything else that follows ``fence`` is a sub-command."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Take a first word that is no sub-command for the name of a node."""
        if args[0] not in self.commands:
            return _NODE, self.commands[_NODE], args
        return super().resolve_command(ctx, args)


@click.group(cls=FenceGroup, subcommand_metavar="NODE | COMMAND [ARGS]...")
def fence() -> None:
    """Fence NODE: switch it off for certain, and on again.

    The node's name has to be typed again, or given as --confirm-fence=NODE. With --off it stays
    off. The commands below switch nothing.
    """


@fence.command(_NODE, hidden=True)
@click.argument("node")
@params.manifests
@params.lock_timeout
@click.option(
    "--confirm-fence", metavar="NODE", help="The node's name again, instead of typing it."
)
@click.option("--off", is_flag=True, help="Leave it off.")
def fence_node(
    node: str, paths: tuple[str, ...], lock_timeout: float, confirm_fence: str | None, off: bool
) -> int:
    """Fence NODE: switch it off for certain, and, without --off, on again."""
    wanted = manifests.read(paths).desired
    names.require_node(wanted, node)
    _confirmed(node, confirm_fence, "switched off" if off else "power-cycled")

    async def work(context: Context, _: running.Stop) -> Result:
        return await commands.fence(
            context, wanted, node, confirm=node, reboot=not off, lock_timeout_s=lock_timeout
        )

    _, exit_status = acting.carry_out(
        wanted,
        f"fence {node}",
        work,
        done=lambda result: (
            f"{node} was proven off by {result.message}" + ("" if off else " and switched on again")
        ),
    )
    return exit_status


@fence.command()
@click.argument("node")
@params.manifests
@params.lock_timeout
@click.option(
    "--confirm-fence", metavar="NODE", help="The node's name again, instead of typing it."
)
@click.option("--reason", required=True, help="How you know; kept in the cluster's records.")
def confirm(
    node: str, paths: tuple[str, ...], lock_timeout: float, confirm_fence: str | None, reason: str
) -> int:
    """Give your word that NODE is off, where no device can prove it.

    If it is not off, data will be damaged: its resources are started elsewhere at once.
    """
    wanted = manifests.read(paths).desired
    names.require_node(wanted, node)
    _confirmed(node, confirm_fence, "taken for switched off, on your word")

    async def work(context: Context, _: running.Stop) -> Result:
        return await commands.confirm_off(
            context, wanted, node, confirm=node, reason=reason, lock_timeout_s=lock_timeout
        )

    _, exit_status = acting.carry_out(
        wanted,
        f"fence confirm {node}",
        work,
        done=lambda _: f"{node} is taken for off, on your word",
    )
    return exit_status


def _confirmed(node: str, given: str | None, what: str) -> None:
    """Have the node's name given twice. Raises Quit."""
    if given is not None and given != node:
        raise Quit(ExitStatus.APPROVAL_NEEDED, f"--confirm-fence={given} is not {node}")
    if given is None and not terminal.can_ask():
        raise Quit(
            ExitStatus.APPROVAL_NEEDED,
            f"{node} would be {what}; that has to be confirmed, and there is no terminal to ask on",
            fix=f"if it is meant: --confirm-fence={node}",
        )
    if given is None and not terminal.ask(f"{node} will be {what}. Type its name to go on:", node):
        raise Quit(ExitStatus.APPROVAL_NEEDED, "not confirmed, nothing was done")


@fence.command("list")
@params.manifests
def list_devices(paths: tuple[str, ...]) -> int:
    """List the fence devices and levels of the manifests."""
    terminal.output().lines(manifest.fencing(manifests.read(paths).desired))
    return 0


@fence.command("agents")
def list_agents() -> int:
    """List the fence agents of this machine."""
    found = ("ipmi", *(one for one in installed.listed() if one.startswith("fence_")))
    terminal.output().lines(styled.line(one) for one in found)
    return 0


@fence.command()
@click.argument("agent")
def describe(agent: str) -> int:
    """Describe a fence AGENT: its parameters and actions."""
    terminal.output().lines(view.lines(installed.described(agent), agent))
    return 0


@fence.command("status")
@params.manifests
@params.output("text", "json")
def device_status(paths: tuple[str, ...], form: str) -> int:
    """Ask every fence device whether it answers, switching nothing."""
    wanted = manifests.read(paths, form=form).desired
    found = fences.devices(wanted, check=True)
    if form == "json":
        body = {
            "format_version": values.FORMAT_VERSION,
            "devices": [
                {
                    "device": one.name,
                    "agent": one.agent,
                    "hosts": list(one.hosts),
                    "ok": one.ok,
                    "message": one.message,
                }
                for one in found
            ],
        }
        terminal.output().text(values.text(body))
    else:
        terminal.output().lines(status.devices(found) or manifest.fencing(wanted))
    return int(ExitStatus.SUCCESS if all(one.ok for one in found) else ExitStatus.ERROR)


@fence.command()
@params.manifests
@params.output("text", "json")
def history(paths: tuple[str, ...], form: str) -> int:
    """Show the last fencing of each node, as the cluster's own records have it."""
    wanted = manifests.read(paths, form=form).desired
    seen = look.at(wanted, command="fence history")
    seen.require_answers()
    found = fences.recorded(wanted, seen.known)
    if form == "json":
        body = {
            "format_version": values.FORMAT_VERSION,
            "fenced": [
                {
                    "at": moment.rfc3339(one.at),
                    "node": one.node,
                    "confirmed": one.confirmed,
                    "device": one.device,
                    "reason": one.message,
                }
                for one in found
            ],
        }
        terminal.output().text(values.text(body))
    elif found:
        terminal.output().lines(status.fenced(found))
    else:
        terminal.note("no node was fenced")
    return 0
