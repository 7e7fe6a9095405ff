"""``reconcile watch``: keep the cluster in the desired state, for as long as it runs."""

from __future__ import annotations

import pathlib
import sys

import click

from reconciler.cli import compose, logged, manifests, params, running, terminal, verdict
from reconciler.controller import files
from reconciler.controller import watch as controller
from reconciler.controller.result import Result
from reconciler.model.desired import Desired
from reconciler.telemetry import log


@click.command()
@params.paths
@click.option(
    "--log-format",
    type=click.Choice([one.value for one in log.LogFormat]),
    default=log.LogFormat.CONSOLE.value,
    show_default=True,
    help="For people or for machines.",
)
@click.option("--prune", is_flag=True, help="Stop what is no longer in the manifests.")
def watch(paths: tuple[str, ...], log_format: str, prune: bool) -> int:
    """Keep the cluster as the manifests say, until it is told to stop.

    Follows edits of the manifests, what the nodes push, and lost nodes. An edit that is invalid, or
    that leaves no resources, is refused, and the last good one stays in force. Logs to stderr.
    """
    read = manifests.read(paths, warn=True)

    def load() -> Desired:
        wanted = manifests.again(read.paths)
        return compose.pruning(wanted) if prune else wanted

    redact: list[compose.World] = []
    log.configure(
        sys.stderr,
        log_format=log.LogFormat(log_format),
        colours=terminal.error().colours,
        redact=lambda text: redact[0].context.secrets.redact(text) if redact else text,
    )
    told = logged.Logged()
    world = compose.world(read.desired, command="watch", told=told)
    redact.append(world)
    for note in world.notes(read.desired):
        told.note(note)
    where = [pathlib.Path(one) for one in read.paths]

    async def follow(stop: running.Stop) -> tuple[Result, int]:
        result = await controller.watch(
            world.context,
            load,
            files.changes(where, stop=stop.event),
            stop=stop.event,
            rejected=told.rejected,
            passed=told.passed,
        )
        return result, stop.status if stop.number else verdict.status(result, stop)

    log.logger().info("watching", cluster=read.desired.name, manifests=", ".join(read.paths))
    result, status = running.to_end(follow, say=told.note)
    if not result.ok and status < 128:  # noqa: PLR2004 - a signal is no failure of the watch
        verdict.tell(result)
    return status
