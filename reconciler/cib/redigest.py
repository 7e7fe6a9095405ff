"""Digests in a history, carried over where the same parameters are written in another way.

A manifest refers to a secret that a CIB holds, and a CIB made from a manifest has something else in
its place. The digests in the operation history were made of what was there; where such a digest
says that nothing has changed, it must say the same of the parameters as they are written now.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from reconciler.frozen import frozen
from reconciler.model import attribute, desired, duration, observed, resource, secret, unfencing
from reconciler.scheduler import digest

_TIMEOUT = "CRM_meta_timeout"
_DEFAULT_MS = 20_000
Params = Mapping[str, secret.Value]


def carried(
    seen: observed.Observed, before: desired.Desired, after: desired.Desired
) -> observed.Observed:
    """Return what was seen, with the digests that fit ``before`` made to fit ``after``.

    Digests that do not fit ``before`` stay: the parameters have really changed.
    """
    old, new = dict(_definitions(before)), dict(_definitions(after))
    changed = {
        name: (one, new[name])
        for name, one in old.items()
        if name in new and one.params != new[name].params
    }
    if not changed:
        return seen
    nodes = {
        name: dataclasses.replace(
            node,
            histories={
                key: _history(one, changed.get(one.resource.partition(":")[0]))
                for key, one in node.histories.items()
            },
            attributes={
                key: _unfenced(text, changed) if key == unfencing.DIGESTS else text
                for key, text in node.attributes.items()
            },
        )
        for name, node in seen.nodes.items()
    }
    return dataclasses.replace(seen, nodes=nodes)


@frozen
class _Definition:
    """What digests of a primitive are made of."""

    params: Params
    operations: tuple[resource.Operation, ...]
    default_timeout_ms: int | None = None


def _definitions(wanted: desired.Desired) -> Iterator[tuple[str, _Definition]]:
    text = _plain(wanted.operation_defaults).get("timeout")
    timeout = duration.parse_ms(text) if isinstance(text, str) else None
    for top in wanted.resources:
        for one, above in _below(top, ()):
            params = _plain((*one.params, *above))
            yield one.name, _Definition(params, one.operations, timeout)


def _below(
    one: resource.Resource, above: attribute.AttributeSets
) -> Iterator[tuple[resource.Primitive, attribute.AttributeSets]]:
    """Yield the primitives of a resource with the parameters that stand above them."""
    match one:
        case resource.Primitive():
            yield one, above
        case resource.Group():
            for member in one.members:
                yield from _below(member, (*one.params, *above))
        case resource.Clone():
            yield from _below(one.child, (*one.params, *above))
        case resource.Bundle():
            for inside in resource.primitives(one):
                yield inside, above


def _plain(sets: attribute.AttributeSets) -> Params:
    """Return the values that always hold; the higher score counts first, then what comes first."""
    found: dict[str, secret.Value] = {}
    for one in sorted(sets, key=lambda each: -each.score):
        if one.rule is None:
            found = {**one.pairs, **found}
    return found


def _history(
    one: observed.ResourceHistory, change: tuple[_Definition, _Definition] | None
) -> observed.ResourceHistory:
    if change is None:
        return one
    records = tuple(_record(record, *change) for record in one.operations)
    return dataclasses.replace(one, operations=records)


def _unfenced(text: str, changed: Mapping[str, tuple[_Definition, _Definition]]) -> str:
    """Return the digests of the devices that let a node in: ``device:agent:digest,...``."""
    parts = []
    for part in text.split(","):
        name, _, rest = part.partition(":")
        agent, _, recorded = rest.partition(":")
        found = recorded
        if name in changed and recorded:
            before, after = changed[name]
            found = _same(recorded, before.params, after.params)
        parts.append(f"{name}:{agent}:{found}" if found != recorded else part)
    return ",".join(parts)


def _record(
    record: observed.OperationRecord, before: _Definition, after: _Definition
) -> observed.OperationRecord:
    names = record.digests.restart_parameters
    found = dataclasses.replace(
        record.digests,
        all=_translated(record.digests.all, record, before, after),
        nonreloadable=_same(
            record.digests.nonreloadable, _only(before.params, names), _only(after.params, names)
        ),
    )
    return dataclasses.replace(record, digests=found)


def _only(params: Params, names: tuple[str, ...]) -> Params:
    return {name: value for name, value in params.items() if name in names}


def _same(text: str, before: Params, after: Params) -> str:
    return digest.digest(after) if text and text == digest.digest(before) else text


def _translated(
    text: str, record: observed.OperationRecord, before: _Definition, after: _Definition
) -> str:
    for extra in _extras(record, before):
        found = _same(text, {**before.params, **extra}, {**after.params, **extra})
        if found != text:
            return found
    # A reference stands for what was masked before, which counted as unchanged.
    extra = _usual(record, before)
    fits = digest.fits(record.digests, before.params, extra)
    return digest.digest({**after.params, **extra}) if fits else text


def _usual(record: observed.OperationRecord, one: _Definition) -> Params:
    """Return what an operation of today has besides the resource's own parameters."""
    own: Params = {}
    timeout = None
    for each in one.operations:
        if (each.name, each.interval_ms) == (record.operation, record.interval_ms):
            own, timeout = _plain(each.attributes), each.timeout_ms
    known = (given for given in (timeout, one.default_timeout_ms) if given is not None)
    return digest.beyond(own, record.interval_ms, next(known, _DEFAULT_MS))


def _extras(record: observed.OperationRecord, one: _Definition) -> Iterator[Params]:
    """Yield what a digest can hold besides the resource's own parameters."""
    own: dict[str, secret.Value] = {}
    for each in one.operations:
        if (each.name, each.interval_ms) == (record.operation, record.interval_ms):
            own = dict(_plain(each.attributes))
            for timeout in (each.timeout_ms, one.default_timeout_ms, _DEFAULT_MS):
                yield {**own, _TIMEOUT: str(timeout)}
                yield {_TIMEOUT: str(timeout)}
    yield {}
    yield own
