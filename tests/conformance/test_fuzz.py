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

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not harness.in_ci() and bool(harness.missing() or not shutil.which("crm_simulate")),
        reason=harness.missing() or "needs crm_simulate (pacemaker-cli-utils)",
    ),
]


@pytest.mark.parametrize("level", fuzz.LEVELS)
def test_random_situations(level):
    """Random CIBs never break the scheduler, and agree at least as often as recorded."""
    judged = fuzz.run(level, fuzz.FIXED_SEEDS, jobs=1)
    floor = json.loads(fuzz.FLOORS.read_text(encoding="utf-8"))[str(level)]

    assert [f"seed {seed}: {error}" for seed, error, _ in judged if error] == []
    assert fuzz.agreeing(judged) >= floor
