"""``reconcile show``: what the manifests say, resolved."""

from __future__ import annotations

import click

from reconciler.cli import manifests, params, terminal
from reconciler.render import manifest, styled


@click.command()
@click.argument(
    "sections", nargs=-1, metavar="[SECTION]...", type=click.Choice(list(manifest.SECTIONS))
)
@params.manifests
def show(sections: tuple[str, ...], paths: tuple[str, ...]) -> int:
    """Show what the manifests say, resolved, with the line that says it.

    SECTION is one of properties, nodes, resources, constraints, fencing; all of them where none is
    given. Secrets are shown as references.
    """
    read = manifests.read(paths)
    chosen = sections or tuple(manifest.SECTIONS)
    screen = terminal.output()
    for number, name in enumerate(chosen):
        if len(chosen) > 1:
            screen.lines([styled.EMPTY] if number else [])
            screen.lines([styled.heading(name.capitalize()), styled.EMPTY])
        screen.lines(manifest.SECTIONS[name](read.desired))
    return 0
