"""The scheduler decides as Pacemaker's: what differs is listed, and nothing else may differ."""

from __future__ import annotations

import functools
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import conformance_differences as differences
import conformance_harness as harness

needs_data = pytest.mark.skipif(
    bool(harness.missing()) and not harness.in_ci(), reason=harness.missing() or "data present"
)


@functools.cache
def _results(family: str) -> list[harness.Result]:
    oracle = harness.load("oracle")
    wanted = [name for name, group in harness.identities() if group == family]
    return [harness.evaluate(harness.case(name), oracle) for name in wanted]


@needs_data
def test_data_is_there():
    """Where nothing may be skipped, the recorded decisions are present."""
    assert not harness.missing()


@needs_data
@pytest.mark.parametrize("family", harness.CLASSES)
def test_agreement(family):
    """Every case is scheduled, and nothing differs that is not on the list."""
    results = _results(family)

    assert [f"{one.case.id}: {one.error}" for one in results if one.error] == []
    assert differences.judge(results, differences.read()).new == {}


@needs_data
def test_the_list_names_cases():
    """Whatever is on the list is a case that can be compared."""
    assert set(differences.read()) <= {name for name, _ in harness.identities()}


def _result(identity: str, *aspects: str) -> harness.Result:
    case = harness.Case(identity, "A", stable=True, record={})
    return harness.Result(case, {one: {"missing": [], "extra": []} for one in aspects})


def _list(**entries: tuple[str, ...]) -> dict[str, differences.Entry]:
    return {name: differences.Entry(aspects, "why") for name, aspects in entries.items()}


def test_what_is_not_listed_is_new():
    """A case, or an aspect of a listed case, that differs without being listed is noticed."""
    verdict = differences.judge(
        [_result("a", "order"), _result("b", "actions", "order")], _list(b=("order",))
    )

    assert verdict.new == {"a": ("order",), "b": ("actions",)}
    assert not verdict.holds


def test_what_agrees_again_is_gone():
    """A listed aspect that agrees is noticed; cases that were not run are not."""
    listed = _list(a=("order",), b=("actions", "order"), c=("order",))

    verdict = differences.judge([_result("a"), _result("b", "order")], listed)

    assert (verdict.new, verdict.gone) == ({}, {"a": ("order",), "b": ("actions",)})
    assert differences.without(listed, verdict) == _list(b=("order",), c=("order",))


def test_accepting_keeps_the_reason_that_is_there():
    """What is accepted enters with the reason given, and adds to a case that has one."""
    listed = _list(b=("order",))
    verdict = differences.judge([_result("a", "order"), _result("b", "actions", "order")], listed)

    grown = differences.accepting(listed, verdict, "new")

    assert grown == {
        "a": differences.Entry(("order",), "new"),
        "b": differences.Entry(("actions", "order"), "why"),
    }


def test_a_broken_case_differs_in_everything():
    """A case that breaks the scheduler agrees in nothing."""
    broken = _result("a")
    broken.error = "AssertionError"

    assert broken.differing == harness.COMPARED


def test_a_list_reads_as_written(tmp_path):
    """Names, reasons and decisions survive being written; a case that stands twice is joined."""
    entries = {
        "a b": differences.Entry(("order",), 'says "no"', decision=True),
        "c": differences.Entry(("actions",), differences.UNEXPLAINED),
    }
    path = tmp_path / "list.toml"
    twice = 'c = { aspects = ["scores"], reason = "why" }\n'
    path.write_text(differences.text(entries) + twice, encoding="utf-8")

    found = differences.read(path)

    assert found["a b"] == entries["a b"]
    assert found["c"] == differences.Entry(("actions", "scores"), "why")


@pytest.mark.parametrize(
    "line",
    [
        'a = { aspects = ["order"] ',
        'a = { aspects = ["odour"], reason = "x" }',
        'a = { aspects = ["order"], reason = " " }',
        'a = { aspects = [], reason = "x" }',
        'a = { reason = "x" }',
        'a = { aspects = ["order"], raison = "x" }',
        "a = 1",
    ],
)
def test_a_malformed_line_is_named(tmp_path, line):
    """A line that is no entry is refused with its number."""
    path = tmp_path / "list.toml"
    path.write_text(f"# head\n{line}\n", encoding="utf-8")

    with pytest.raises(differences.ListError, match=r"list\.toml:2"):
        differences.read(path)
