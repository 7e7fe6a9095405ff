"""Observation files: an ``Observed`` as JSON, as it is kept, sent, edited, and simulated with.

What has its usual value is left out, and what stands as the key of an object is not repeated inside,
so that a person can read the file, and write one. The shape follows the nouns of
``reconciler.model.observed``; reading is strict: whatever is unknown or of another type is found.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import hashlib
import json
import math
import re
import typing
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any

from reconciler.errors.diagnostic import Diagnostic, InvalidInputError
from reconciler.errors.position import Position
from reconciler.manifest import similar
from reconciler.model import agent, observed
from reconciler.render import values

KIND = "reconciler-observation"
FORMAT_VERSION = 1
CHARACTERS_MAX = 64 * 1024 * 1024
FINDINGS_MAX = 50
_SHOWN_MAX = 40
"""A longer value is cut in the finding about it."""

_KEYS: Mapping[type, str] = {observed.ObservedNode: "name", observed.ResourceHistory: "resource"}
"""Field that is the key under which the object stands."""
_LEFT_OUT: Mapping[type, str] = {observed.Observed: "id"}
"""Field that follows from all others."""
_WORDS: Mapping[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    NoneType: "null",
}
_AGENT = re.compile(
    r"(?P<standard>\w+):(?:(?<=ocf:)(?P<provider>[\w.-]+):)?(?P<kind>[\w/][\w./@:\\-]*)", re.ASCII
)
"""Wider than in manifests: what is no longer configured may have been of any old standard."""


class _Missing(enum.Enum):
    """Marks what could not be read; a finding says why."""

    MISSING = enum.auto()


_MISSING = _Missing.MISSING


def save(seen: observed.Observed) -> str:
    """Return the text of the observation file for an observation."""
    head = {"format_version": FORMAT_VERSION, "kind": KIND}
    return values.text({**head, **_plain(seen)})


def _plain(value: Any) -> Any:
    match value:
        case agent.AgentName():
            return str(value)
        case enum.Enum() if not isinstance(value, int):
            return value.value
        case Mapping():
            return {name: _plain(one) for name, one in value.items()}
        case tuple():
            return [_plain(one) for one in value]
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    kind: type = type(value)
    skipped = {_KEYS.get(kind), _LEFT_OUT.get(kind)}
    return {
        field.name: _plain(getattr(value, field.name))
        for field in dataclasses.fields(kind)
        if field.name not in skipped and getattr(value, field.name) != _usual(field)
    }


def _usual(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def parse(text: str, file: str) -> observed.Observed:
    """Return the observation that a file holds.

    Args:
        text: its contents.
        file: its name, for findings.

    Raises:
        InvalidInputError: it is no observation file, or holds what an observation cannot.
    """
    body = _document(text, file)
    reader = _Reader(file)
    found = reader.read(observed.Observed, body, "")
    if reader.findings or not isinstance(found, observed.Observed):
        raise InvalidInputError(reader.findings)
    identity = hashlib.sha256(save(found).encode()).hexdigest()[:16]
    return dataclasses.replace(found, id=identity)


def _document(text: str, file: str) -> dict[str, Any]:
    """Return the object in a file, without its head."""
    if len(text) > CHARACTERS_MAX:
        raise _refused("observation-too-long", f"longer than {CHARACTERS_MAX} characters", file)
    try:
        body = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        where = Position(file, error.lineno, error.colno)
        raise _refused("observation-not-json", f"no JSON: {error.msg}", where) from None
    except (ValueError, RecursionError) as error:
        raise _refused("observation-not-json", f"no JSON: {error}", file) from None
    if not isinstance(body, dict) or body.pop("kind", None) != KIND:
        fix = "write one with: reconcile status --save-observed FILE"
        what = f"no observation file (its kind is not {KIND})"
        raise _refused("observation-none", what, file, fix)
    version = body.pop("format_version", None)
    if version != FORMAT_VERSION:
        what = f"its format_version is {version!r}, this release reads {FORMAT_VERSION}"
        raise _refused("observation-version", what, file)
    return body


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        message = f"{twice!r} stands twice in one object"
        raise ValueError(message)
    return found


def _no_number(word: str) -> Any:
    message = f"{word} is no number"
    raise ValueError(message)


def _refused(code: str, message: str, where: str | Position, fix: str = "") -> InvalidInputError:
    position = Position(where) if isinstance(where, str) else where
    return InvalidInputError([Diagnostic(code, message, position, fix=fix)])


class _Reader:
    """Turns JSON values into nouns, and collects what it cannot; lives inside ``parse`` only."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.findings: list[Diagnostic] = []

    def read(self, shape: Any, value: Any, path: str) -> Any:
        """Return a value as a type says it should be; _MISSING where it cannot be."""
        origin, inside = typing.get_origin(shape), typing.get_args(shape)
        if origin in {typing.Union, UnionType}:
            return self._either(inside, value, path)
        if origin is not None:
            return (
                self._sequence(inside[0], value, path)
                if origin is tuple
                else self._mapping(inside[1], value, path)
            )
        if shape is agent.AgentName:
            return self._agent(value, path)
        if issubclass(shape, enum.Enum):
            return self._word(shape, value, path)
        if dataclasses.is_dataclass(shape):
            return self._record(typing.cast("type", shape), value, path, "")
        return self._plain(shape, value, path)

    def _either(self, shapes: tuple[Any, ...], value: Any, path: str) -> Any:
        if value is None and NoneType in shapes:
            return None
        return self.read(next(one for one in shapes if one is not NoneType), value, path)

    def _plain(self, shape: type, value: Any, path: str) -> Any:
        if shape is float and type(value) is int:
            value = float(value)
        if type(value) is not shape or (isinstance(value, float) and not math.isfinite(value)):
            return self._wrong(_WORDS[shape], value, path)
        return value

    def _mapping(self, shape: Any, value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            return self._wrong("an object", value, path)
        found = {}
        for name, one in value.items():
            inside = _joined(path, name)
            keyed = isinstance(shape, type) and shape in _KEYS
            found[name] = (
                self._record(shape, one, inside, name) if keyed else self.read(shape, one, inside)
            )
        return found

    def _sequence(self, shape: Any, value: Any, path: str) -> Any:
        if not isinstance(value, list):
            return self._wrong("a list", value, path)
        return tuple(self.read(shape, one, f"{path}[{index}]") for index, one in enumerate(value))

    def _agent(self, value: Any, path: str) -> Any:
        found = _AGENT.fullmatch(value) if isinstance(value, str) else None
        if found is None or ".." in value:
            return self._wrong("an agent, e.g. ocf:heartbeat:IPaddr2", value, path)
        return agent.AgentName(found["standard"], found["provider"] or "", found["kind"])

    def _word(self, shape: type[enum.Enum], value: Any, path: str) -> Any:
        words = [str(one.value) for one in shape]
        if value not in words:
            near = similar.nearest(value, words) if isinstance(value, str) else ()
            return self._wrong(f"one of {', '.join(words)}", value, path, near)
        return shape(value)

    def _record(self, shape: type, value: Any, path: str, key: str) -> Any:
        if not isinstance(value, dict):
            return self._wrong("an object", value, path)
        types = _types(shape)
        skipped = {_KEYS.get(shape), _LEFT_OUT.get(shape)}
        fields = {one.name: one for one in dataclasses.fields(shape) if one.name not in skipped}
        for name in sorted(value.keys() - fields.keys()):
            near = similar.nearest(name, fields)
            self._found("observation-unknown-field", f"{_joined(path, name)}: no such field", near)
        given = {
            name: self.read(types[name], value[name], _joined(path, name))
            for name in fields
            if name in value
        }
        for name, field in fields.items():
            if name not in given and _usual(field) is dataclasses.MISSING:
                self._found("observation-missing-field", f"{_joined(path, name)} is missing")
        if self.findings:
            return _MISSING
        return shape(**given, **({_KEYS[shape]: key} if shape in _KEYS else {}))

    def _wrong(self, expected: str, value: Any, path: str, near: tuple[str, ...] = ()) -> _Missing:
        shown = json.dumps(value)
        shown = shown if len(shown) <= _SHOWN_MAX else f"{shown[:_SHOWN_MAX]}..."
        self._found("observation-wrong-value", f"{path}: {shown} is not {expected}", near)
        return _MISSING

    def _found(self, code: str, message: str, near: tuple[str, ...] = ()) -> None:
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(Diagnostic(code, message, Position(self.file), nearest=near))


@functools.cache
def _types(shape: type) -> dict[str, Any]:
    """Return the types of a noun's fields."""
    return typing.get_type_hints(shape)


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
