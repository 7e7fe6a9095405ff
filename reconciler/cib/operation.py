"""Operations of a CIB's resources (Pacemaker Explained, "Resource Operations")."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from xml.etree import ElementTree as ET

from reconciler.cib import attribute as attributes
from reconciler.cib import document as documents
from reconciler.model import attribute, duration, resource, role
from reconciler.model import property as options

_STRUCTURE = frozenset({"id", "name", "description"})
"""XML attributes that are no options."""
_FIELDS = frozenset({"interval", "timeout", "role", "on-fail", "enabled", "start-delay"})
"""Options that have a field of their own."""
_NESTED = frozenset({"timeout", "on-fail", "start-delay"})
"""Those of them that may also be written in a block of options (measured)."""


def operations(
    document: documents.Document, elements: Iterable[ET.Element]
) -> tuple[resource.Operation, ...]:
    """Return the operations in the ``operations`` blocks among elements.

    A resource's own operations replace those of its template. Recurring ones that are written twice
    in one place are kept but never scheduled, as Pacemaker does: two of a name and interval could
    not be told apart in the history.
    """
    found: tuple[resource.Operation, ...] = ()
    for block in elements:
        source = document.resolved(block) if block.tag == "operations" else None
        here = [
            _operation(document, element)
            for element in (source if source is not None else ())
            if element.tag == "op"
        ]
        keys = [(one.name, one.interval_ms) for one in here]
        for index, one in enumerate(here):
            if one.interval_ms > 0 and keys.count(keys[index]) > 1:
                message = f"another {one.name} has the same interval: neither is scheduled"
                document.findings.warn("cib-duplicate-operation", block, message)
                here[index] = dataclasses.replace(one, enabled=False)
        found = resource.overriding(found, here)
    return found


def _operation(document: documents.Document, element: ET.Element) -> resource.Operation:
    written_apart = attributes.blocks(document, element, "meta_attributes", options.OPERATION)
    meta = timed(_known(document, element, one) for one in written_apart)
    params = attributes.blocks(document, element, "instance_attributes")
    nested = (*meta, *(_parameters(document, element, one) for one in params))
    written = dict(
        attributes.current(options.OPERATION, name, value)
        for name, value in element.items()
        if name not in _STRUCTURE
    )
    for name in _NESTED - written.keys() if meta else ():
        value = attribute.always(meta, name)
        if isinstance(value, str):
            written[name] = value
    rest = {name: value for name, value in written.items() if name not in _FIELDS}
    own = (attribute.AttributeSet(rest, id=element.get("id", "")),) if rest else ()
    return resource.Operation(
        name=element.get("name", ""),
        interval_ms=_duration(document, element, written, "interval") or 0,
        timeout_ms=_duration(document, element, written, "timeout"),
        role=_role(document, element, written),
        on_fail=_on_fail(document, element, written),
        enabled=options.boolean(written.get("enabled", "true")) is not False,
        start_delay_ms=_duration(document, element, written, "start-delay") or 0,
        attributes=(*own, *nested),
        id=element.get("id", ""),
        origin=documents.origin(element),
    )


def _known(
    document: documents.Document, element: ET.Element, one: attribute.AttributeSet
) -> attribute.AttributeSet:
    """Return a block of options without those that no operation has: they are no parameters."""
    unknown = [name for name in one.pairs if options.OPERATION.find(name) is None]
    for name in unknown:
        document.findings.not_carried(element, f"{name} is no option of an operation")
    return _without(one, unknown)


def _parameters(
    document: documents.Document, element: ET.Element, one: attribute.AttributeSet
) -> attribute.AttributeSet:
    """Return a block of parameters without those named as an option, which none of them is.

    Pacemaker hands even a time-out that is written there to the agent only (measured).
    """
    named = [name for name in one.pairs if options.OPERATION.find(name) is not None]
    for name in named:
        document.findings.not_carried(element, f"{name} is no option where parameters are")
    return _without(one, named)


def _without(one: attribute.AttributeSet, names: Collection[str]) -> attribute.AttributeSet:
    if not names:
        return one
    pairs = {name: value for name, value in one.pairs.items() if name not in names}
    return dataclasses.replace(one, pairs=pairs)


def timed(sets: Iterable[attribute.AttributeSet]) -> attribute.AttributeSets:
    """Return options of operations with their time-outs as Pacemaker reads them."""
    return tuple(_timed(one) for one in sets)


def _timed(one: attribute.AttributeSet) -> attribute.AttributeSet:
    text = one.pairs.get("timeout")
    if not isinstance(text, str) or duration.parse_ms(text) == _timeout(text):
        return one
    value = _timeout(text)
    others = _without(one, ["timeout"])
    exact = {} if value is None else {"timeout": f"{value}ms"}
    return dataclasses.replace(others, pairs={**others.pairs, **exact})


def _timeout(text: str) -> int | None:
    return None if text.strip().startswith("P") else documents.milliseconds(text)


def _duration(
    document: documents.Document, element: ET.Element, written: Mapping[str, str], name: str
) -> int | None:
    """Return a duration as written; ISO 8601 is for others than time-outs (measured)."""
    text = written.get(name)
    if text is None:
        return None
    value = _timeout(text) if name == "timeout" else documents.milliseconds(text)
    if value is None:
        document.findings.warn("cib-bad-value", element, f"{name} {text!r} is no duration")
    return value


def _role(
    document: documents.Document, element: ET.Element, written: Mapping[str, str]
) -> role.Role | None:
    text = written.get("role")
    if text is None:
        return None
    found = role.parse(text)
    if found is None:
        document.findings.warn("cib-bad-value", element, f"{text!r} is no role")
    return found


def _on_fail(
    document: documents.Document, element: ET.Element, written: Mapping[str, str]
) -> resource.OnFail | None:
    text = written.get("on-fail")
    if text is None:
        return None
    try:
        return resource.OnFail(text)
    except ValueError:
        document.findings.warn("cib-bad-value", element, f"{text!r} is no on-fail")
        return None
