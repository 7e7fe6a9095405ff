"""Names that a person types."""

from __future__ import annotations

import click
import pytest

from reconciler.cli import names


def test_each_known_name_is_listed_once():
    """What is known by the manifest and by the cluster stands in the list once."""
    with pytest.raises(click.UsageError) as refused:
        names.require("resource", "nosuch", ["db", "web", "db"])

    assert refused.value.message == "no resource 'nosuch'; there are db, web"
