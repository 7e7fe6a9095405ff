"""JSON texts that are the same, byte for byte, for the same value."""

from __future__ import annotations

import json

FORMAT_VERSION = 1
"""Rises when a field changes its meaning or goes; new fields do not raise it."""


def text(value: object) -> str:
    """Return a JSON value as text: sorted keys, two blanks of indentation, ASCII, newline at end.

    ASCII only, so that no control or direction character reaches a terminal through it.
    """
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=True) + "\n"


def compact(value: object) -> str:
    """Return a JSON value on one line, sorted keys; what digests are made of."""
    # That a value holds itself is not looked for: what is written here are trees, and large ones.
    return json.dumps(
        value, sort_keys=True, ensure_ascii=True, check_circular=False, separators=(",", ":")
    )
