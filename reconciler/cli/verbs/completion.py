"""``reconcile completion``: completion for shells."""

from __future__ import annotations

import click

from reconciler.cli import terminal

_VARIABLE = "_RECONCILE_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> int:
    """Print the completion script for a shell.

    For bash: reconcile completion bash > /etc/bash_completion.d/reconcile
    """
    from click import shell_completion

    kind = shell_completion.get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}", ctx)
    made = kind(ctx.find_root().command, {}, "reconcile", _VARIABLE)
    terminal.output().text(made.source())
    return 0
