"""Blocks of name-value pairs (Pacemaker Explained, "Using XML attributes and name-value pairs")."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from xml.etree import ElementTree as ET

from reconciler.cib.writing import element, rule
from reconciler.model import attribute, secret
from reconciler.model import property as options

Pair = tuple[str, str]
_OLDER_WORDS = {("no-quorum-policy", "fence"): "suicide"}
"""Words of properties that the installed releases know under another name."""


def blocks(
    parent: ET.Element,
    tag: str,
    sets: Iterable[attribute.AttributeSet],
    ids: element.Ids,
    spelled: Callable[[str, str], Pair] | None = None,
) -> None:
    """Add blocks of a kind; of equal scores the last one is what Pacemaker looks at first.

    Args:
        parent: the element that they are for.
        tag: ``instance_attributes``, ``meta_attributes``, ...
        sets: the blocks.
        ids: of the whole document.
        spelled: name and value as the CIB shall have them; None: as they are.
    """
    for one in reversed(attribute.merged(tuple(sets))):
        identity = ids.new(one.id or f"{parent.get('id', parent.tag)}-{tag}")
        block = element.add(
            parent, tag, {"id": identity, "score": element.number(one.score) if one.score else None}
        )
        if one.rule is not None:
            rule.add(block, one.rule, ids, f"{identity}-rule")
        for name, value in one.pairs.items():
            written = text(value)
            if spelled is not None:
                name, written = spelled(name, written)  # noqa: PLW2901 - the pair as it is spelled
            pair = {"id": ids.new(f"{identity}-{name}"), "name": name, "value": written}
            element.add(block, "nvpair", pair)


def text(value: secret.Value) -> str:
    """Return a value as text: of a secret where it is to be found, never what it is."""
    return value if isinstance(value, str) else str(value)


def property_spelled(name: str, value: str) -> Pair:
    """Return a cluster property as Pacemaker 2 reads it."""
    return options.LEGACY.get(name, name), _OLDER_WORDS.get((name, value), value)
