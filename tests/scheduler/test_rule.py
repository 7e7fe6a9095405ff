"""Rules: how values are compared, and which times a date expression means."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies
from scheduler import test_rules as facts

from reconciler.model import attribute
from reconciler.model import rule as rules
from reconciler.scheduler import rule

NOW = 1_700_000_000.0  # 2023-11-14 22:13:20 UTC


def _orders(found: str | None, value: str | None, kind: str = "") -> set[str]:
    """Return the operations that hold between a node's attribute and a value."""
    nodes = {} if found is None else {"x": found}
    context = rule.Context(rule.Clock(NOW), node=nodes)
    operations = ("lt", "gt", "lte", "gte", "eq", "ne")
    tests = {name: rules.AttributeTest("x", name, value, kind) for name in operations}
    return {name for name, test in tests.items() if rule.holds(rules.Rule((test,)), context)}


LESS, SAME, MORE = {"lt", "lte", "ne"}, {"lte", "gte", "eq"}, {"gt", "gte", "ne"}


@pytest.mark.parametrize(
    ("found", "value", "kind", "orders"),
    [
        ("5", "10", "", LESS),
        ("5", "10", "string", MORE),
        ("5.5", "5x", "", MORE),
        ("5x", "10", "integer", LESS),
        ("0x10", "5", "integer", LESS),
        ("0x10", "5", "number", MORE),
        ("1e3", "5", "number", MORE),
        ("5.5", "5", "integer", SAME),
        ("abc", "5", "number", MORE),
        ("ABC", "abc", "", SAME),
        ("", "5", "", LESS),
        ("1.2.3", "1.10", "version", LESS),
        ("5.0", "5", "version", SAME),
        ("-1", "true", "version", LESS),
    ],
)
def test_values_are_read_as_far_as_their_type_goes(found, value, kind, orders):
    """What follows a number is ignored; what is no number at all is compared as text."""
    assert _orders(found, value, kind) == orders


def test_equality_compares_texts_unless_told_not_to():
    """05 is not 5, though neither is less; with a type they are the same."""
    assert _orders("05", "5") == {"ne", "lte", "gte"}
    assert _orders("05", "5", "integer") == SAME


@pytest.mark.parametrize("nothing", ["", None])
def test_an_empty_value_counts_as_none(nothing):
    """Only a missing attribute equals a missing value."""
    assert _orders(None, nothing) == {"eq"}
    assert _orders("5", nothing) == {"ne"}
    assert _orders(None, "5") == {"ne"}


@pytest.mark.parametrize(
    ("text", "shift_s"),
    [
        ("2023-11-14T22:13:20Z", 0),
        ("2023-11-14 23:13:21 +01:00", 1),
        ("2023-11-14T23:13:20+01", 0),
        ("20231114T221320.5Z", 0),
        ("2023-318T22:13:19", -1),
        ("2023-W46-2 22:13:20", 0),
        ("2023-11-14T24:00:00Z", 6400),
        ("2023-11-14T22:13:9", -11),
        ("2023-11-5T9:05", -824_900),
        ("2023-5T0:00", -27_123_200),
    ],
)
def test_times_are_iso_8601(text, shift_s):
    """Calendar, ordinal and week dates, with and without separators and zones."""
    found = rule.moment(text)

    assert found is not None
    assert found.timestamp() == NOW + shift_s


def test_a_year_is_no_date():
    """At least a day has to be said, too."""
    assert rule.moment("2023") is None


@pytest.mark.parametrize(
    ("spec", "answer"),
    [
        ({"hours": "x"}, True),
        ({"hours": ""}, True),
        ({"hours": "x-3"}, False),
        ({"moon": "0"}, True),
        ({"moon": "1-7"}, False),
    ],
)
def test_odd_calendars(spec, answer):
    """What is no number asks for nothing; the moon, new on 13 November 2023, is looked at."""
    test = rules.DateTest("date_spec", spec=spec)

    assert rule.holds(rules.Rule((test,)), rule.Context(rule.Clock(NOW))) is answer


def test_a_node_may_be_in_standby_by_the_clock():
    """A permanent attribute under a rule puts a node in standby while the rule holds."""
    year = rules.Rule((rules.DateTest("date_spec", spec={"years": "2023"}),))
    block = attribute.AttributeSet({"standby": "true"}, rule=year)
    wanted = facts.wanted(strategies.primitive("p"))
    first = dataclasses.replace(wanted.nodes[0], attributes=(block,))
    wanted = dataclasses.replace(wanted, nodes=(first, *wanted.nodes[1:]))

    assert facts.change(facts.pipeline.schedule(wanted, facts.seen()), "p").target == "n2"
