"""Node health: attributes of a node that tell how well it is, as one location score for everything.

Agents write node attributes whose names begin with ``#health``: green, yellow, red or a number.
Pacemaker Explained, "Tracking node health".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.model import property  # noqa: A004 - a module's name
from reconciler.model.constraint import ResourceDiscovery
from reconciler.model.score import INFINITY, TermKind, total
from reconciler.scheduler import options
from reconciler.scheduler.expansion import Expansion
from reconciler.scheduler.location import Wish
from reconciler.scheduler.nodes import Node
from reconciler.scheduler.options import HealthStrategy

_PREFIX = "#health"
_WORDS: Mapping[HealthStrategy, Mapping[str, int]] = {
    HealthStrategy.MIGRATE_ON_RED: {"red": -INFINITY, "yellow": 0, "green": 0},
    HealthStrategy.ONLY_GREEN: {"red": -INFINITY, "yellow": -INFINITY, "green": 0},
}


def score(node: Node, settings: options.Cluster) -> int:
    """Return the health of a node as a score; 0 where the strategy leaves health alone."""
    progressive = settings.health_strategy is HealthStrategy.PROGRESSIVE
    if settings.health_strategy is HealthStrategy.NONE:
        return 0
    words = _WORDS.get(settings.health_strategy, settings.health_words)
    found = (
        property.score(text, words) or 0
        for name, text in node.attributes.items()
        if name.startswith(_PREFIX)
    )
    return total((settings.health_base if progressive else 0, *found))


def wishes(
    nodes: Sequence[Node], expansion: Expansion, settings: options.Cluster
) -> Iterator[Wish]:
    """Yield the health of each node as a location for every resource.

    A resource that does not mind an unhealthy node is drawn to a healthy one all the same, and
    health opens nodes in a cluster where constraints must name them. Of what follows from a bundle
    none hears of it but through the bundle (all measured).
    """
    for node in nodes:
        value = score(node, settings)
        for top in expansion.tops if value else ():
            heard = top.index not in expansion.implied
            if heard and (value > 0 or not top.meta.allow_unhealthy):
                yield Wish(
                    instance=top,
                    scores=((node.index, value),),
                    role=None,
                    discovery=ResourceDiscovery.ALWAYS,
                    origin=node.desired.origin,
                    id=node.name,
                    kind=TermKind.NODE_HEALTH,
                )
