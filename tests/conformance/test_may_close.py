"""Looking for what can run nowhere is left out only where nothing can be found."""

from __future__ import annotations

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import conformance_harness as harness

from reconciler.cib import read
from reconciler.manifest import checks
from reconciler.scheduler import pipeline

pytestmark = pytest.mark.skipif(
    not harness.in_ci() and bool(harness.missing()), reason=harness.missing() or "has its data"
)


def test_nothing_is_missed_in_recorded_cases():
    """Wherever a recorded cluster has a resource that can run nowhere, it is looked for."""
    clusters = [
        read.read(path.read_text(encoding="utf-8"), now=0.0).desired
        for path in sorted((harness.DATA / "cib").glob("*.xml"))
    ]
    asked = [one for one in clusters if checks.may_close(one)]
    spared = [one for one in clusters if not checks.may_close(one)]

    assert spared
    assert any(pipeline.foresee(one) for one in asked)
    assert [pipeline.foresee(one) for one in spared if pipeline.foresee(one)] == []


@pytest.mark.parametrize("level", [1, 2])
def test_nothing_is_missed_in_random_clusters(level):
    """The same of random clusters."""
    random_cib = harness.load("random_cib")
    clusters = [read.read(random_cib.generate(level, seed)).desired for seed in range(60)]
    spared = [one for one in clusters if not checks.may_close(one)]

    assert spared
    assert [pipeline.foresee(one) for one in spared if pipeline.foresee(one)] == []
