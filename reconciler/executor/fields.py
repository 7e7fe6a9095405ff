"""Reading a request's fields: each has a type and bounds, anything else is a bad request."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence

from reconciler.executor import names, refusal

INTERVAL_MAX_MS = 30 * 24 * 3600 * 1000
TIMEOUT_MAX_MS = 7 * 24 * 3600 * 1000
TEXT_MAX = 64 * 1024
MAPPING_MAX = 512
NUMBER_MAX = 2**53


def bad(message: str) -> refusal.RefusedError:
    """Return the error for a field that is wrong."""
    return refusal.RefusedError(refusal.BAD_REQUEST, message)


def text(request: Mapping[str, Any], name: str, default: Optional[str] = None) -> str:
    """Return a string without NUL, at most 64 KiB."""
    value = request.get(name, default)
    if not isinstance(value, str) or "\x00" in value or len(value) > TEXT_MAX:
        raise bad(f"{name} must be a string without NUL of at most {TEXT_MAX} characters")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise bad(f"{name} holds a lone surrogate") from None
    return value


def name_of(request: Mapping[str, Any], field: str, kind: str) -> str:
    """Return a string that is a valid name of this kind."""
    return names.check(kind, text(request, field))


def integer(
    request: Mapping[str, Any],
    name: str,
    lowest: int = 0,
    highest: int = NUMBER_MAX,
    default: Optional[int] = None,
) -> int:
    """Return an integer in the given bounds; a boolean is none."""
    value = request.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
        raise bad(f"{name} must be an integer from {lowest} to {highest}")
    return value


def optional_integer(request: Mapping[str, Any], name: str) -> Optional[int]:
    """Return an integer, or None where the field is missing or null."""
    return None if request.get(name) is None else integer(request, name)


def boolean(request: Mapping[str, Any], name: str) -> bool:
    """Return true or false; missing is false."""
    value = request.get(name, False)
    if not isinstance(value, bool):
        raise bad(f"{name} must be true or false")
    return value


def choice(request: Mapping[str, Any], name: str, among: Sequence[str]) -> str:
    """Return one of the given words."""
    value = text(request, name)
    if value not in among:
        raise bad(f"{name} must be one of {', '.join(among)}")
    return value


def mapping(request: Mapping[str, Any], name: str) -> Dict[str, Any]:
    """Return an object; missing or null is empty."""
    value = request.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > MAPPING_MAX:
        raise bad(f"{name} must be an object with at most {MAPPING_MAX} keys")
    return value


def strings(request: Mapping[str, Any], name: str, kind: str) -> Dict[str, str]:
    """Return an object of strings whose keys are valid names of this kind."""
    found = mapping(request, name)
    return {names.check(kind, key): text(found, key) for key in found}


def string_list(request: Mapping[str, Any], name: str) -> List[str]:
    """Return a list of strings; missing is empty."""
    value = request.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise bad(f"{name} must be a list of strings")
    return list(value)
