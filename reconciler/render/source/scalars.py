"""Scores and durations as people write them."""

from __future__ import annotations

from reconciler.model import duration, score
from reconciler.render.source import yaml

_SECONDS_MS = 600_000
"""Shorter durations are thought of in seconds."""


def number(value: int) -> yaml.Node:
    """Return a score."""
    return score.text(value) if abs(value) >= score.INFINITY else value


def length(milliseconds: int) -> str:
    """Return a duration."""
    if milliseconds < _SECONDS_MS and milliseconds % 1_000 == 0:
        return f"{milliseconds // 1_000}s"
    return duration.text(milliseconds)
