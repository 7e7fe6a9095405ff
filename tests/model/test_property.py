"""The tables of options and the readers of their texts."""

import pytest

from reconciler.model import property as options
from reconciler.model import score

TABLES = (
    options.CLUSTER,
    options.RESOURCE_META,
    options.CLONE_META,
    options.OPERATION,
    options.FENCE_META,
)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("stonith-enabled", "fencing-enabled"),
        ("stonith-action", "fencing-action"),
        ("stonith-timeout", "fencing-timeout"),
        ("stop-orphan-resources", "stop-removed-resources"),
        ("stop-orphan-actions", "cancel-removed-actions"),
        ("master-max", "promoted-max"),
        ("fencing-enabled", "fencing-enabled"),
        ("no-such-thing", "no-such-thing"),
    ],
)
def test_old_names_lead_to_current_ones(old, new):
    """An older name is read as the current one, and unknown names stay."""
    assert options.canonical(old) == new


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.title)
def test_every_default_is_readable(table):
    """Each default in the tables is a valid text of its own option."""
    for option in table.options.values():
        if option.default is not None:
            assert options.typed(option, option.default) is not None, option.name


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.title)
def test_names_are_unique(table):
    """No name or older name stands for two options of one table."""
    names = [name for one in table.options.values() for name in (one.name, *one.aliases)]

    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("YES", True),
        ("y", True),
        ("1", True),
        ("On", True),
        ("false", False),
        ("No", False),
        ("n", False),
        ("0", False),
        ("off", False),
        ("maybe", None),
        (" true", None),
        ("", None),
        ("2", None),
    ],
)
def test_boolean_words(text, value):
    """The words that Pacemaker takes for true and false are read in any case."""
    assert options.boolean(text) is value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("INFINITY", score.INFINITY),
        ("+INFINITY", score.INFINITY),
        ("-INFINITY", -score.INFINITY),
        ("100", 100),
        ("-5", -5),
        ("+5", 5),
        ("99999999", score.INFINITY),
        ("lots", None),
        ("1.5", 1),
        ("1 000", 1),
        ("INF", None),
        ("red", None),
    ],
)
def test_scores(text, value):
    """Scores begin with a whole number or are INFINITY, and saturate."""
    assert options.score(text) == value


def test_what_follows_a_number_makes_no_score_for_people():
    """What Pacemaker reads as far as it can is refused where somebody writes it anew."""
    option = options.META.options["priority"]

    assert [options.typed(option, text) for text in ("1.5", "15", "-INFINITY")] == [
        None,
        15,
        -score.INFINITY,
    ]


def test_health_words_count_only_where_asked_for():
    """Red, yellow and green are scores where the caller says what they count."""
    assert options.score("red", options.HEALTH_DEFAULTS) == -score.INFINITY
    assert options.score("green", options.HEALTH_DEFAULTS) == 0


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("no-quorum-policy", "suicide", "fence"),
        ("no-quorum-policy", "Stop", "stop"),
        ("no-quorum-policy", "explode", None),
        ("fencing-timeout", "2min", 120_000),
        ("fencing-timeout", "10parsecs", None),
        ("load-threshold", "80%", 80),
        ("load-threshold", "much", None),
        ("fencing-max-attempts", "0", None),
        ("batch-limit", "12", 12),
    ],
)
def test_typed_values(name, text, value):
    """A text is read as its option's type says, or refused."""
    option = options.CLUSTER.find(name)

    assert option is not None
    assert options.typed(option, text) == value


def test_legacy_names_are_those_of_pacemaker_2_1():
    """The names written for an older Pacemaker are its own."""
    assert options.LEGACY["fencing-enabled"] == "stonith-enabled"
    assert options.LEGACY["stop-removed-resources"] == "stop-orphan-resources"
    assert "symmetric-cluster" not in options.LEGACY
