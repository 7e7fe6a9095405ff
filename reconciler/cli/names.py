"""Names that a person types: checked against the manifest, with the nearest one offered."""

from __future__ import annotations

from collections.abc import Iterable

import click

from reconciler.cli import group
from reconciler.model.desired import Desired
from reconciler.model.resource import names


def require_node(wanted: Desired, name: str) -> None:
    """Refuse a node that the manifest does not have. Raises click.UsageError."""
    require("node", name, [one.name for one in wanted.nodes])


def require_resource(wanted: Desired, name: str, others: tuple[str, ...] = ()) -> None:
    """Refuse a resource that neither the manifest nor the cluster has. Raises click.UsageError."""
    known = [each for one in wanted.resources for each in names(one)]
    require("resource", name, [*known, *others])


def require(kind: str, name: str, known: Iterable[str]) -> None:
    """Refuse a name that is not among those known. Raises click.UsageError."""
    known = list(dict.fromkeys(known))
    if name not in known:
        near = group.nearest(name, known)
        listed = "" if near else f"; there are {', '.join(known)}" if known else ""
        raise click.UsageError(f"no {kind} '{name}'{near}{listed}")
