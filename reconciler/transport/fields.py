"""Strict reading of JSON objects: a value of another type than expected is never guessed at."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

Document = Mapping[str, Any]
"""A JSON object."""


class OddAnswerError(Exception):
    """What came is not what the protocol says; nothing follows from it."""


def document(value: Any, what: str) -> dict[str, Any]:
    """Return a JSON object. Raises OddAnswerError."""
    if not isinstance(value, dict):
        raise OddAnswerError(f"{what} is no object")
    return value


def sequence(value: Any, what: str) -> list[Any]:
    """Return a JSON array. Raises OddAnswerError."""
    if not isinstance(value, list):
        raise OddAnswerError(f"{what} is no array")
    return value


def text(body: Document, name: str, default: str | None = None) -> str:
    """Return a string. Raises OddAnswerError."""
    value = body.get(name, default)
    if not isinstance(value, str):
        raise OddAnswerError(f"{name} is no string")
    return value


def integer(body: Document, name: str, default: int | None = None) -> int:
    """Return a whole number. Raises OddAnswerError."""
    value = body.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool):
        raise OddAnswerError(f"{name} is no whole number")
    return value


def number(body: Document, name: str, default: float | None = None) -> float:
    """Return a finite number. Raises OddAnswerError."""
    value = body.get(name, default)
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise OddAnswerError(f"{name} is no number")
    return float(value)


def strings(value: Any, what: str) -> dict[str, str]:
    """Return an object of strings. Raises OddAnswerError."""
    found = document(value, what)
    if not all(isinstance(one, str) for one in found.values()):
        raise OddAnswerError(f"{what} holds something else than strings")
    return found
