"""From pydantic's errors to findings with position, reason and the nearest valid name."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from typing import Any, TypeVar

import pydantic
import pydantic_core

from reconciler.errors import position
from reconciler.frozen import frozen
from reconciler.manifest import codes, tree

_M = TypeVar("_M", bound=pydantic.BaseModel)
Place = tuple[position.Position, position.Position]
"""Positions of a key and of its value."""


def shown(text: str) -> str:
    """Return a text in quotes, short and without characters that could mislead."""
    cut = text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004 - fits a line
    return (
        "'" + cut.encode("unicode_escape").decode() + "'" if not cut.isprintable() else f"{cut!r}"
    )


def validated(
    model: type[_M], value: object, place: Place, what: str, findings: codes.Findings
) -> _M | None:
    """Return the value as its model, or None with findings.

    Args:
        model: the shape it must have.
        value: the value as read.
        place: where its key and the value itself stand.
        what: what it is, for people.
        findings: where findings go.
    """
    try:
        return model.model_validate(value)
    except pydantic.ValidationError as problem:
        subject = _Subject(model, value, place, what)
        for error in problem.errors(include_url=False, include_context=True):
            _report(subject, error, findings)
    return None


@frozen
class _Subject:
    """What was validated."""

    model: type[pydantic.BaseModel]
    value: object
    place: Place
    what: str


def _walk(value: object, place: Place, loc: tuple[int | str, ...]) -> Place:
    """Follow an error's location through the tree; steps that are no keys are tags of unions."""
    for step in loc:
        if isinstance(value, tree.Mapping) and isinstance(step, str) and step in value:
            place = (value.key(step), value.value(step))
            value = value[step]
        elif isinstance(value, tree.Sequence) and isinstance(step, int) and step < len(value):
            place = (value.item(step), value.item(step))
            value = value[step]
    return place


def _report(subject: _Subject, error: pydantic_core.ErrorDetails, findings: codes.Findings) -> None:
    loc = error["loc"]
    what = subject.what
    key, at = _walk(subject.value, subject.place, loc)
    path = ".".join(str(step) for step in loc if not str(step).startswith("<"))
    field = f"{what}: {path}" if path else what
    got = tree.kind(error["input"])
    kind = error["type"]
    context: dict[str, Any] = error.get("ctx", {})
    if kind in codes.CODES:
        findings.refuse(kind, f"{field}: {context.get('words', '')}", at)
        return
    match kind:
        case "extra_forbidden":
            name = str(loc[-1])
            valid = fields(subject.model, loc[:-1])
            findings.refuse(
                "unknown-field",
                f"{what}: there is no field {shown(name)} here",
                key,
                nearest=findings.nearest(name, valid),
                fix="" if findings.nearest(name, valid) else f"the fields are: {', '.join(valid)}",
            )
        case "missing":
            findings.refuse(
                "missing-field", f"{what}: the field {shown(str(loc[-1]))} is missing", at
            )
        case "literal_error":
            valid = tuple(
                word.strip("'")
                for word in str(context.get("expected", "")).replace(" or ", ", ").split(", ")
            )
            text = str(error["input"])
            findings.refuse(
                "invalid-value",
                f"{field}: {shown(text)} is none of {', '.join(valid)}",
                at,
                nearest=findings.nearest(text, valid),
            )
        case _:
            findings.refuse("wrong-type", f"{field}: expected {_WANTED.get(kind, 'another type')}, got {got}", at)  # fmt: skip


_WANTED = {
    "string_type": "a text",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "list_type": "a list",
    "int_type": "a number",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


def fields(model: type[pydantic.BaseModel], loc: tuple[int | str, ...]) -> tuple[str, ...]:
    """Return the names of the fields that are valid at a place inside a model."""
    found: Any = model
    for step in loc:
        found = _below(found, step)
    inner = next(_models(found), None)
    if inner is None:
        return ()
    return tuple(field.alias or name for name, field in inner.model_fields.items())


def _models(annotation: Any) -> Iterator[type[pydantic.BaseModel]]:
    """Yield the models that an annotation is, or directly holds."""
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        yield annotation
    elif typing.get_origin(annotation) in (typing.Annotated, typing.Union, types.UnionType):
        for part in typing.get_args(annotation):
            yield from _models(part)


def _below(annotation: Any, step: int | str) -> Any:
    """Return what an annotation holds below a step of an error's location."""
    for model in _models(annotation):
        for name, field in model.model_fields.items():
            if (field.alias or name) == step:
                return field.annotation
    for part in _containers(annotation):
        arguments = typing.get_args(part)
        if typing.get_origin(part) is list and isinstance(step, int):
            return arguments[0]
        if typing.get_origin(part) is dict and isinstance(step, str) and step[:1] != "<":
            return arguments[1]
    return annotation


def _containers(annotation: Any) -> Iterator[Any]:
    if typing.get_origin(annotation) in (typing.Annotated, typing.Union, types.UnionType):
        for part in typing.get_args(annotation):
            yield from _containers(part)
    else:
        yield annotation
