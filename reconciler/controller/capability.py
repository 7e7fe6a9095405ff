"""Capability: what may be wanted, and planned, that the executors cannot carry out yet.

Such a cluster is refused as a whole before anything is looked at: half of a cluster must not be
run as if it were all of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.errors.diagnostic import Diagnostic
from reconciler.model import remote, resource
from reconciler.model.desired import Desired
from reconciler.model.node import Node, NodeKind

_FIX = "simulate it, or export it and let Pacemaker run it"


def missing(wanted: Desired) -> Iterator[Diagnostic]:
    """Yield a finding for each resource and node that no executor could run."""
    for one in wanted.resources:
        if isinstance(one, resource.Bundle):
            yield _finding(one.name, "a bundle, and containers cannot be run yet", one)
        elif any(remote.implied([one])):
            yield _finding(one.name, "the way to a remote node, which cannot be reached yet", one)
    for node in wanted.nodes:
        if node.kind in {NodeKind.REMOTE, NodeKind.GUEST}:
            yield _finding(node.name, "a remote node, which cannot be reached yet", node)


def _finding(name: str, what: str, where: resource.Resource | Node) -> Diagnostic:
    return Diagnostic("not-run-yet", f"{name} is {what}", where.origin, fix=_FIX)
