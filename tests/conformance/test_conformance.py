"""The scheduler decides as Pacemaker's: agreement must never fall below what was reached."""

from __future__ import annotations

import functools
import json
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import conformance_harness as harness

pytestmark = pytest.mark.skipif(
    bool(harness.missing()) and not harness.in_ci(), reason=harness.missing() or "data present"
)


@functools.cache
def _results(family: str) -> list[harness.Result]:
    oracle = harness.load("oracle")
    wanted = [name for name, group in harness.identities() if group == family]
    return [harness.evaluate(harness.case(name), oracle) for name in wanted]


def test_data_is_there():
    """Where nothing may be skipped, the recorded decisions are present."""
    assert not harness.missing()


@pytest.mark.parametrize("family", harness.CLASSES)
def test_agreement(family):
    """Every case is scheduled, and no aspect agrees in fewer cases than recorded."""
    floors = json.loads(harness.FIGURES.read_text(encoding="utf-8"))[family]

    results = _results(family)
    reached = harness.figures(results)[family]

    assert [f"{one.case.id}: {one.error}" for one in results if one.error] == []
    assert {
        aspect: (reached[aspect], floor)
        for aspect, floor in floors.items()
        if reached[aspect] < floor
    } == {}
