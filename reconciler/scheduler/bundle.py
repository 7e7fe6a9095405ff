"""Bundles: containers spread as a clone's instances are, and a clone that runs inside of them.

Every container is a guest node on which exactly one instance of that clone can run, and nothing
else. Pacemaker Explained, "Bundles".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reconciler.model import remote as implied
from reconciler.model import resource
from reconciler.model.score import INFINITY, Term, TermKind
from reconciler.scheduler import replica
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.nodes import Node

if TYPE_CHECKING:
    from reconciler.scheduler.expansion import Expansion
    from reconciler.scheduler.ranking import Ranking
    from reconciler.scheduler.situation import Situation


def instance_on(
    expansion: Expansion, candidates: Sequence[Instance], node: Node
) -> Instance | None:
    """Return which of a clone's instances a node is for; None where any can run there."""
    clone = candidates[0].in_clone
    if clone is None or clone.outer is None:
        return None
    bundle, number = expansion.owners.get(node.name, (None, -1))
    if bundle is not clone.outer:
        return None
    return next((one for one in candidates if one.clone_child.number == number), None)


def admits(expansion: Expansion, one: Instance, node: Node) -> bool:
    """Tell whether a resource can be on a node at all, as far as bundles go."""
    if not expansion.bundles:
        return True
    clone = one if one.outer is not None else one.in_clone
    outer = clone.outer if clone is not None else None
    bundle, number = expansion.owners.get(node.name, (None, -1))
    if bundle is not outer:
        return False
    return outer is None or one is clone or one.clone_child.number == number


def confine(ranking: Ranking, situation: Situation) -> None:
    """Let what runs inside of a bundle run there and nowhere else, and nothing else run there."""
    expansion = situation.expansion
    ban = Term(TermKind.NOT_ALLOWED, -INFINITY)
    for one in expansion.all if expansion.bundles else ():
        for node in situation.nodes:
            if not admits(expansion, one, node):
                ranking.add(one, node.index, ban)
            elif node.name in expansion.owners:
                ranking.clear(one, node.index)


def enter(expansion: Expansion, wanted: resource.Bundle) -> None:
    """Enter a bundle: containers, their addresses and connections, and what runs inside."""
    bundle = expansion.collect(wanted)
    made = []
    for number in range(wanted.container.count):
        expansion.put_inside(bundle, replica.holder(wanted, number))
        made.append(replica.ip(wanted, number))
        if wanted.child is not None:
            made.append(replica.connection(wanted, number))
    for one in made:
        if one is not None:
            expansion.imply(one)
    inner = replica.inside(wanted)
    if inner is not None:
        bundle.inner = expansion.imply(inner)
        bundle.inner.outer = bundle
    expansion.bundles.append(bundle)
    for number in range(wanted.container.count) if wanted.child is not None else ():
        expansion.owners[implied.replica(wanted, number)] = (bundle, number)
