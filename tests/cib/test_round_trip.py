"""A CIB written as manifests decides as the CIB itself, over the whole corpus."""

from __future__ import annotations

import dataclasses
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "conformance"))

import conformance_harness as harness

from reconciler.cib import read
from reconciler.cli import adoption, recorded
from reconciler.manifest import load

pytestmark = pytest.mark.skipif(
    bool(harness.missing()) and not harness.in_ci(), reason=harness.missing() or "data present"
)
CASES = [] if harness.missing() else [name for name, _ in harness.identities()]


@pytest.mark.parametrize("identity", CASES)
def test_manifests_decide_as_the_cib(identity):
    """The manifests of a CIB are valid, and with its status lead to the same decisions."""
    case = harness.case(identity)
    found = read.read(case.text, now=case.now)

    adopted = adoption.adopted(found, name=identity)
    texts = {name: text.encode() for name, text in adopted.files().items()}
    loaded = load.load_texts(texts, pacemaker=True)
    assert loaded.desired is not None, loaded.diagnostics
    again = dataclasses.replace(found, desired=loaded.desired, observed=adopted.observed)

    oracle = harness.load("oracle")
    before, after = recorded.record(found), recorded.record(again)
    assert oracle.compare(before, after, aspects=list(harness.DECISIONS)) == {}
    assert before["scores"] == after["scores"]
