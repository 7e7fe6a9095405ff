"""Blocks of name-value pairs of a CIB.

Pacemaker Explained, "Using XML attributes and name-value pairs" and "Reusing parts of the
configuration": a pair may refer to another one, a block to another block.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from xml.etree import ElementTree as ET

from reconciler.cib import document as documents
from reconciler.cib import rule
from reconciler.errors import position
from reconciler.model import attribute
from reconciler.model import property as options

_UNSET = "#default"
"""A value that means that the pair is not there."""


def blocks(
    document: documents.Document,
    elements: Iterable[ET.Element],
    tag: str,
    table: options.Table | None = None,
) -> attribute.AttributeSets:
    """Return the blocks of a kind among elements, the last one first.

    Of blocks with equal scores the one that is written last counts before the others; within one
    it is the first pair of a name (measured).

    Args:
        document: where references lead.
        elements: e.g. the children of a primitive.
        tag: ``instance_attributes``, ``meta_attributes``, ``utilization``, ...
        table: options whose older names and words become current ones; None: as written.
    """
    named = [element for element in elements if element.tag == tag]
    if not named:
        return ()
    found = map(document.resolved, reversed(named))
    return tuple(_block(document, element, table) for element in found if element is not None)


def _block(
    document: documents.Document, element: ET.Element, table: options.Table | None
) -> attribute.AttributeSet:
    pairs: dict[str, str] = {}
    origins: dict[str, position.Position] = {}
    rules = [rule.read(document, child) for child in element if child.tag == "rule"]
    for child in element:
        pair = _pair(document, child, table) if child.tag == "nvpair" else None
        if pair is not None and pair[0] not in pairs:
            pairs[pair[0]] = pair[1]
            origins[pair[0]] = documents.origin(child)
    return attribute.AttributeSet(
        pairs=pairs,
        rule=rules[0] if rules else None,
        score=options.score(element.get("score", "0")) or 0,
        id=element.get("id", ""),
        origins=origins,
    )


def _pair(
    document: documents.Document, element: ET.Element, table: options.Table | None
) -> tuple[str, str] | None:
    target = document.resolved(element)
    if target is None:
        return None
    name = element.get("name") or target.get("name")
    value = target.get("value")
    if not name or value is None or value == _UNSET:
        return None
    return (name, value) if table is None else current(table, name, value)


def current(table: options.Table, name: str, value: str) -> tuple[str, str]:
    """Return a pair with the current name, and the current word where the value is one."""
    option = table.find(name)
    if option is None:
        return name, value
    if option.kind is options.Kind.ENUM:
        value = options.choice(option, value) or value
    return option.name, value


def first(sets: attribute.AttributeSets, identity: str) -> attribute.AttributeSets:
    """Return the blocks with the one of an id before all others, whatever their scores."""
    chosen = [one for one in sets if one.id == identity]
    others = [one for one in sets if one.id != identity]
    top = max((one.score for one in sets), default=0)
    return (*(dataclasses.replace(one, score=top) for one in chosen), *others)
