"""Rules in the words of the language."""

from __future__ import annotations

import pytest

from reconciler.model import rule
from reconciler.render.source import rules

_TEST = rule.AttributeTest("site", "eq", "north")
_WRITTEN = {"attribute": "site", "operation": "eq", "value": "north"}


@pytest.mark.parametrize(
    ("one", "written"),
    [
        (rule.Rule((_TEST,)), _WRITTEN),
        (rule.Rule((_TEST, _TEST)), {"and": [_WRITTEN, _WRITTEN]}),
        (rule.Rule((_TEST,), rule.BooleanOperator.OR), {"or": [_WRITTEN]}),
    ],
)
def test_operator_is_written_where_it_matters(one, written):
    """A single test stands for itself, but a single alternative stays an alternative."""
    assert rules.written(one) == written
