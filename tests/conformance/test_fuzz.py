"""Random situations: the reference, asked at once, and this scheduler decide the same."""

from __future__ import annotations

import json
import pathlib
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import conformance_harness as harness
import fuzz

FLOORS = pathlib.Path(__file__).with_name("fuzz_figures.json")
SEEDS = range(10)

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not harness.in_ci() and bool(harness.missing() or not shutil.which("crm_simulate")),
        reason=harness.missing() or "needs crm_simulate (pacemaker-cli-utils)",
    ),
]


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_random_situations(level):
    """Random CIBs never break the scheduler, and agree at least as often as recorded."""
    judged = fuzz.run(level, SEEDS, jobs=1)
    agreeing = sum(
        not error and not fuzz.decisions(differences) for _, error, differences in judged
    )

    assert [f"seed {seed}: {error}" for seed, error, _ in judged if error] == []
    assert agreeing >= json.loads(FLOORS.read_text(encoding="utf-8"))[str(level)]
