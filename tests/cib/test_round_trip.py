"""A CIB as manifests, and these as a CIB again: the same decisions, over the whole corpus."""

from __future__ import annotations

import dataclasses
import pathlib
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "conformance"))

import conformance_harness as harness
import fuzz

from reconciler.cib import read, write
from reconciler.cli import adoption, recorded
from reconciler.manifest import load

pytestmark = pytest.mark.skipif(
    bool(harness.missing()) and not harness.in_ci(), reason=harness.missing() or "data present"
)
CASES = [] if harness.missing() else [name for name, _ in harness.identities()]
PROGRAM = "crm_simulate"
EXCEPTIONS = {
    "inc6": "its status has two histories of one resource on one node; the first is carried",
}
"""Case to the reason why the reference decides otherwise about the CIB that was written."""


@pytest.mark.parametrize("identity", CASES)
def test_manifests_decide_as_the_cib(identity):
    """The manifests of a CIB are valid, and with its status lead to the same decisions."""
    case = harness.case(identity)

    _same(read.read(case.text, now=case.now), identity)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("level", fuzz.LEVELS)
def test_random_manifests_decide_as_the_cib(level, seed):
    """Random CIBs come back from manifests, and from a CIB made of these, with every decision."""
    made = fuzz.situation(level, seed)
    found = read.read(made.text, now=made.now)

    again = _same(found, "random")
    back = write.text(again.desired, again.fencing.levels, again.observed)

    assert recorded.record(read.read(back, now=found.observed.now)) == recorded.record(found)


def _same(found, name):
    """Check that a CIB's manifests decide as it does, and return what they say."""
    adopted = adoption.adopted(found, name=name)
    texts = {name: text.encode() for name, text in adopted.files().items()}
    loaded = load.load_texts(texts, pacemaker=True)
    assert loaded.desired is not None, loaded.diagnostics
    again = dataclasses.replace(
        found, desired=loaded.desired, observed=adopted.observed, fencing=loaded.fencing
    )

    oracle = harness.load("oracle")
    before, after = recorded.record(found), recorded.record(again)
    assert oracle.compare(before, after, aspects=list(harness.DECISIONS)) == {}
    assert before["scores"] == after["scores"]
    return again


@pytest.mark.parametrize("identity", CASES[::4])
def test_cib_comes_back(identity):
    """A CIB that was read, written and read again leads to the same decisions and scores."""
    case = harness.case(identity)
    found = read.read(case.text, now=case.now)

    again = read.read(write.text(found.desired, found.fencing.levels, found.observed), now=case.now)

    assert recorded.record(again) == recorded.record(found)


@pytest.mark.real
@pytest.mark.skipif(
    shutil.which(PROGRAM) is None and not harness.in_ci(), reason=f"{PROGRAM} is not installed"
)
@pytest.mark.parametrize("identity", CASES)
def test_the_reference_decides_the_same(identity, tmp_path):
    """About what came of import and export, Pacemaker decides as about the CIB itself."""
    case = harness.case(identity)
    oracle = harness.load("oracle")
    adopted = adoption.adopted(read.read(case.text, now=case.now), name=identity)
    texts = {name: text.encode() for name, text in adopted.files().items()}
    loaded = load.load_texts(texts, pacemaker=True)
    assert loaded.desired is not None
    path = tmp_path / "cib.xml"
    path.write_text(write.text(loaded.desired, loaded.fencing.levels, adopted.observed))

    answer = oracle.simulate(
        str(path), set_datetime=case.record["options"]["set_datetime"], with_scores=False
    )

    expected = case.record["expected"]
    aspects = [name for name in harness.DECISIONS if name != "final" or expected["final"]]
    same = oracle.compare(expected, answer, aspects=aspects) == {}
    assert same != (identity in EXCEPTIONS)
