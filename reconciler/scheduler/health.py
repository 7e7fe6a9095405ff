"""Node health: attributes of a node that tell how well it is, as one location score for everything.

Agents write node attributes whose names begin with ``#health``: green, yellow, red or a number.
Pacemaker Explained, "Tracking node health".
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.model import property  # noqa: A004 - a module's name
from reconciler.model.score import INFINITY, Term, TermKind, total
from reconciler.scheduler import location, options
from reconciler.scheduler.expansion import Expansion
from reconciler.scheduler.nodes import Node
from reconciler.scheduler.options import HealthStrategy
from reconciler.scheduler.ranking import Ranking

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


def apply(ranking: Ranking, expansion: Expansion, settings: options.Cluster) -> None:
    """Add the health of each node to the scores of every resource that minds it."""
    for node in ranking.nodes:
        value = score(node, settings)
        if not value:
            continue
        term = Term(TermKind.NODE_HEALTH, value, node.desired.origin, node.name)
        for top in expansion.tops:
            if not top.meta.allow_unhealthy:
                for one in location.affected(top):
                    ranking.add(one, node.index, term)
