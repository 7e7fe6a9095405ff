"""Locations: what rules say of nodes."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies
from scheduler.test_rules import INFINITY, seen, wanted

from reconciler.model import constraint, resource, rule
from reconciler.model.observed import Presence
from reconciler.model.role import Role
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


def _score(written: constraint.Location, one: resource.Resource, **attributes: str) -> int:
    """Return the score of a primitive p on n2, which has attributes that n1 has not."""
    due = pipeline.schedule(
        wanted(one, constraints=[written]),
        seen({"n1": {}, "n2": {}}, attributes={"n2": attributes}),
    )
    return due.ledgers["p"]["n2"].score


@pytest.mark.parametrize(
    ("pattern", "attribute", "score"),
    [("^(p)$", "rack-%1", 100), ("p", "rack-%0", 100), ("p", "rack-%1", 0), ("[", "rack-p", 0)],
)
def test_a_rule_may_refer_to_what_a_pattern_met(pattern, attribute, score):
    """A percent sign with a number is a group of the pattern; what is no pattern meets nothing."""
    test = rule.AttributeTest(attribute, "defined")
    written = constraint.Location("l", (), None, 100, rule=rule.Rule((test,)), pattern=pattern)

    assert _score(written, strategies.primitive("p"), **{"rack-p": "1"}) == score


def test_a_rule_about_a_parameter_looks_at_what_the_constraint_names():
    """The parameters of a group are its own, not those of its members."""
    test = rule.AttributeTest("rack", "eq", "place", value_source="param")
    written = constraint.Location("l", ("g",), None, 100, rule=rule.Rule((test,)))
    member = dataclasses.replace(strategies.primitive("p"), params=strategies.sets(place="2"))
    group = resource.Group("g", (member,), params=strategies.sets(place="1"))

    assert _score(written, group, rack="1") == 100
    assert _score(written, group, rack="2") == 0


def test_a_location_for_the_stopped_role_says_nothing():
    """What is stopped is nowhere."""
    written = constraint.Location("l", ("p",), "n2", 100, role=Role.STOPPED)

    assert _score(written, strategies.primitive("p")) == 0
