"""The group of all verbs: imports a verb's module when that verb is used, and nothing before."""

from __future__ import annotations

import importlib
from collections.abc import Iterable

import click

from reconciler.cli import catalogue


def nearest(word: str, valid: Iterable[str]) -> str:
    """Return ``; did you mean 'X'?``, or nothing where no valid word is near."""
    import difflib

    close = difflib.get_close_matches(word, list(valid), n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else ""


class LazyGroup(click.Group):
    """A group whose commands are named in the catalogue."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the verbs in the catalogue's order."""
        return list(catalogue.VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import and return a verb."""
        verb = catalogue.VERBS.get(cmd_name)
        if verb is None:
            return None
        module = importlib.import_module(f"reconciler.cli.verbs.{verb.module}")
        command: click.Command = getattr(module, verb.attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb; an unknown one is refused with the nearest."""
        return resolve(self, ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Write the verbs by section, from the catalogue alone."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, verb in catalogue.VERBS.items():
            sections.setdefault(verb.section, []).append((name, verb.summary))
        for title, rows in sections.items():
            with formatter.section(title):
                formatter.write_dl(rows)


class VerbGroup(click.Group):
    """A verb with verbs of its own, e.g. ``sandbox up``."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the sub-command; an unknown one is refused with the nearest."""
        return resolve(self, ctx, args)


def resolve(
    group: click.Group, ctx: click.Context, args: list[str]
) -> tuple[str | None, click.Command | None, list[str]]:
    """Return name, command and remaining words. Raises click.UsageError for an unknown name."""
    name = args[0]
    command = group.get_command(ctx, name)
    if command is None and not ctx.resilient_parsing:
        near = nearest(name, group.list_commands(ctx))
        raise click.UsageError(f"no such command '{name}'{near}", ctx)
    return (name if command else None), command, args[1:]
