"""Blocks of name-value pairs in the words of the language."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.model import attribute, secret
from reconciler.render.source import rules, scalars, yaml


def value(one: secret.Value) -> yaml.Node:
    """Return a value; a secret as the reference that it is."""
    if isinstance(one, str):
        return yaml.natural(one)
    where = one.reference
    reference: yaml.Node = where[0] if len(where) == 1 and one.source.value != "exec" else [*where]
    return {"secretRef": {one.source.value: reference}}


def values(pairs: Mapping[str, secret.Value]) -> dict[str, yaml.Node]:
    """Return pairs as a mapping."""
    return {name: value(one) for name, one in pairs.items()}


def written(sets: attribute.AttributeSets) -> yaml.Node:
    """Return a mapping where all pairs always hold, otherwise a list of blocks."""
    blocks = attribute.merged(sets)
    if not blocks:
        return {}
    if len(blocks) == 1 and blocks[0].rule is None:
        return values(blocks[0].pairs)
    return [_block(one) for one in blocks]


def _block(one: attribute.AttributeSet) -> yaml.Node:
    found: dict[str, yaml.Node] = {}
    if one.rule is not None:
        found["rule"] = rules.written(one.rule)
    if one.score:
        found["score"] = scalars.number(one.score)
    found["values"] = values(one.pairs)
    return found


def put(into: dict[str, yaml.Node], name: str, sets: attribute.AttributeSets) -> None:
    """Add the pairs under a name where there are any."""
    found = written(sets)
    if found:
        into[name] = found
