"""Options that every test package shares."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--update``: golden files are rewritten from what the program says now."""
    parser.addoption("--update", action="store_true", help="rewrite the golden files")
