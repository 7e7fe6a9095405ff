"""Options that every test package shares."""

from __future__ import annotations

import hypothesis
import pytest

# How fast a machine makes examples says nothing about what they show: no test depends on it.
hypothesis.settings.register_profile(
    "unhurried",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("unhurried")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--update``: golden files are rewritten from what the program says now."""
    parser.addoption("--update", action="store_true", help="rewrite the golden files")
