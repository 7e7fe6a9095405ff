"""Values written as YAML come back as they were."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest import codes, reader
from reconciler.render.source import yaml

_TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Cs", "Cn", "Zl", "Zp", "Co"))
    | st.sampled_from("\n\t"),
    max_size=40,
)
_VALUES = st.recursive(
    _TEXTS | st.booleans() | st.integers(-(10**17), 10**17),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=12,
)


def _read(text):
    findings = codes.Findings()
    document = reader.read("m.yaml", text.encode(), findings)
    assert findings.items == []
    return document.root


@given(_VALUES)
def test_values_come_back(value):
    """The strict reader gives back what was written, whatever it is."""
    written = yaml.text({"value": value})

    assert _read(written) == {"value": value}


@pytest.mark.parametrize(
    "text", ["no", "on", "0x10", "0o7", "017", "1:30", "1e3", ".5", "1.10", "2026-12-24", "~", ""]
)
def test_words_of_older_yaml_are_quoted(text):
    """What YAML 1.1 takes for something else than text stands in quotes."""
    assert yaml.text({"value": text}) == f'value: "{text}"\n'


@pytest.mark.parametrize("text", ["ocf:heartbeat:IPaddr2", "10.0.0.1", "/dev/sda1", "-INFINITY"])
def test_common_words_are_plain(text):
    """The words of a cluster need no quotes."""
    assert yaml.text({"value": text}) == f"value: {text}\n"


def test_several_lines():
    """A text of several lines is written line by line."""
    assert yaml.text({"value": "first\n second\n"}) == "value: |\n  first\n   second\n"


def test_comments():
    """Comments stand above what they are about."""
    block = yaml.Block({"a": 1, "b": yaml.Block({"c": [1, 2]})})
    block.remark("b", "look here")

    assert yaml.text(block) == "a: 1\n\n# look here\nb:\n  c: [1, 2]\n"


def test_long_values_are_spread_out():
    """What does not fit on a line is written below its key."""
    names = [f"resource-number-{number}" for number in range(8)]

    assert yaml.text({"group": names}).splitlines()[:2] == ["group:", "  - resource-number-0"]


@pytest.mark.parametrize(
    ("text", "value"), [("24", 24), ("true", True), ("024", "024"), ("+1", "+1")]
)
def test_natural_values(text, value):
    """A text is a number or truth value where exactly this text comes of it."""
    assert yaml.natural(text) == value


def test_quotes_that_need_no_escapes():
    """A text with double quotes stands in single ones, where it can be read."""
    assert yaml.text({"value": '^(?!amq\\.).* {"a":1}'}) == "value: '^(?!amq\\.).* {\"a\":1}'\n"
