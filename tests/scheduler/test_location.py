"""Locations: what rules say of nodes."""

from __future__ import annotations

import pytest
from scheduler import strategies
from scheduler.test_rules import INFINITY, seen, wanted

from reconciler.model import constraint, rule
from reconciler.model.observed import Presence
from reconciler.model.rule import BooleanOperator
from reconciler.scheduler import pipeline


@pytest.mark.parametrize(
    ("operator", "presence", "score"),
    [
        (BooleanOperator.OR, Presence.OFFLINE, -INFINITY),
        (BooleanOperator.OR, Presence.ONLINE, 100),
        (BooleanOperator.OR, Presence.PENDING, 100),
        (BooleanOperator.OR, Presence.UNSEEN, 100),
        (BooleanOperator.AND, Presence.OFFLINE, 100),
    ],
)
def test_a_rule_of_alternatives_closes_nodes_that_are_away(operator, presence, score):
    """Whatever the score of such a rule, a node that it names must be there."""
    test = rule.AttributeTest("rack", "not_defined")
    written = constraint.Location("l", ("p",), None, 100, rule=rule.Rule((test,), operator))

    due = pipeline.schedule(
        wanted(strategies.primitive("p"), constraints=[written]),
        seen({"n1": {}, "n2": {}}, presence={"n2": presence}),
    )

    assert due.ledgers["p"]["n1"].score == 100
    assert due.ledgers["p"]["n2"].score == score
