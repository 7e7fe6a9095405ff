"""Blocks of name-value pairs: parameters, meta-attributes, node attributes, utilization."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from reconciler.errors import position
from reconciler.frozen import frozen
from reconciler.model import secret
from reconciler.model.rule import Rule


@frozen
class AttributeSet:
    """Pairs that hold always, or while a rule does.

    Attributes:
        pairs: name to value, in the order written.
        rule: the condition under which the pairs count; None: always.
        score: sets of higher score are looked at first; the first definition of a name wins.
        id: the id in a CIB; empty in manifests.
        origins: name to the position of its value.
    """

    pairs: Mapping[str, secret.Value]
    rule: Rule | None = None
    score: int = 0
    id: str = ""
    origins: Mapping[str, position.Position] = dataclasses.field(
        default_factory=dict, compare=False
    )


AttributeSets = tuple[AttributeSet, ...]


def always(sets: Sequence[AttributeSet], name: str) -> secret.Value | None:
    """Return the value of ``name`` in the sets that have no rule, or None."""
    for one in sets:
        if one.rule is None and name in one.pairs:
            return one.pairs[name]
    return None


def merged(sets: AttributeSets) -> AttributeSets:
    """Return blocks that mean the same, as few as can be.

    The higher score counts first, then what is written first; blocks without a rule that follow
    each other in that order are one.
    """
    found: list[AttributeSet] = []
    for one in sorted(sets, key=lambda each: -each.score):
        last = found[-1] if found else None
        if last is not None and last.rule is None and one.rule is None:
            more = {name: text for name, text in one.pairs.items() if name not in last.pairs}
            found[-1] = AttributeSet({**last.pairs, **more}, score=last.score, id=last.id)
        elif one.pairs:
            found.append(AttributeSet(one.pairs, one.rule, one.score, one.id))
    return tuple(found)
