"""``reconcile schema``: the JSON Schema of manifests, for editors."""

from __future__ import annotations

import click

from reconciler.cli import terminal


@click.command()
def schema() -> int:
    """Print the JSON Schema of manifests.

    Editors check and complete manifests with it; put this on the first line of a file:

        # yaml-language-server: $schema=PATH
    """
    from reconciler.manifest import schema as manifest_schema

    terminal.output().text(manifest_schema.text())
    return 0
