"""``reconcile simulate`` prints what the comparison with recorded decisions reads."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import conformance_harness as harness

SAMPLE = ("simple11", "group9", "bug-1718", "systemhealtho3")
"""Of different classes; with times from the clock, and with and without the CIB's own."""

pytestmark = pytest.mark.skipif(
    bool(harness.missing()) and not harness.in_ci(), reason=harness.missing() or "data present"
)


def _simulate(*words: str) -> str:
    command = [sys.executable, "-m", "reconciler.cli.main", "simulate", *words, "-o", "json"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=True, env={**os.environ}
    )
    return done.stdout


@pytest.mark.parametrize("identity", SAMPLE)
def test_the_command_prints_what_is_compared(identity):
    """The program's own output is the answer that the figures are made from."""
    case = harness.case(identity)
    cib = harness.DATA / case.record["cib"]

    found = json.loads(_simulate("--cib", str(cib), "--at", str(case.now)))

    assert found == json.loads(json.dumps(harness.answer(case.text, case.now)))
    assert set(case.record["expected"]) <= set(found)


@pytest.mark.real
@pytest.mark.skipif(
    not shutil.which("crm_simulate") and not harness.in_ci(), reason="needs crm_simulate"
)
def test_the_comparator_reads_it(tmp_path):
    """The comparator that comes with the records finds no difference in a saved output."""
    cib = harness.DATA / harness.case(SAMPLE[0]).record["cib"]
    saved = tmp_path / "mine.json"
    saved.write_text(_simulate("--cib", str(cib)))

    done = subprocess.run(
        [sys.executable, harness.DATA / "oracle.py", cib, "--against", saved],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, json.loads(done.stdout)) == (0, {})
