"""``reconcile agents``: the agents of this machine, and the lock file that describes them."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable

import click

from reconciler.cli import group, installed, manifests, params, terminal
from reconciler.cli.quit import Quit
from reconciler.errors.exit_status import ExitStatus
from reconciler.model.agent import AgentName
from reconciler.model.desired import Desired
from reconciler.model.resource import primitives
from reconciler.render import agent as view
from reconciler.render import styled, values

LOCK_NAME = "agents.lock"


@click.group(cls=group.VerbGroup)
def agents() -> None:
    """List and describe the agents of this machine; write agents.lock."""


@agents.command("list")
@click.argument("pattern", required=False)
@params.output("text", "json")
def list_agents(pattern: str | None, form: str) -> int:
    """List agents by standard and provider; PATTERN keeps those that contain it."""
    names = [one for one in installed.listed() if pattern is None or pattern in one]
    if form == "json":
        body = {"format_version": values.FORMAT_VERSION, "agents": list(names)}
        terminal.output().text(values.text(body))
        return 0
    screen = terminal.output()
    for number, (head, members) in enumerate(view.by_standard(names).items()):
        screen.lines([styled.EMPTY] if number else [])
        screen.lines([styled.heading(f"{head}  ({len(members)})")])
        screen.lines(styled.line(f"  {name}") for name in members)
    if not names:
        terminal.note("no agent" + (f" contains {pattern!r}" if pattern else "s are installed"))
    return 0


@agents.command()
@click.argument("agent")
def describe(agent: str) -> int:
    """Describe AGENT: what it does, its parameters and operations."""
    terminal.output().lines(view.lines(installed.described(agent), agent))
    return 0


@agents.command()
@params.paths
def lock(paths: tuple[str, ...]) -> int:
    """Write agents.lock beside the manifests: what the agents that they use say of themselves.

    With it committed, validate checks parameters and operations also where the agents are not
    installed, e.g. in CI.
    """
    from reconciler.agents import lock as lock_file

    directory = pathlib.Path(manifests.named(paths)[0])
    directory = directory if directory.is_dir() else directory.parent
    wanted = manifests.read(paths).desired
    names = sorted(
        {str(one) for one in _used(wanted)} | {one.agent for one in wanted.fencing.devices}
    )
    described = [installed.described(name) for name in names]
    target = directory / LOCK_NAME
    try:
        target.write_text(lock_file.write(described), encoding="utf-8")
    except OSError as error:
        raise Quit(ExitStatus.ERROR, f"{target}: {error.strerror}") from None
    terminal.note(f"wrote {target}: {len(described)} agents")
    return 0


def _used(wanted: Desired) -> Iterable[AgentName]:
    return (primitive.agent for one in wanted.resources for primitive in primitives(one))
