"""A score is the sum of its ledger: over every recorded situation, at every stage of the placement."""

from __future__ import annotations

import functools
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import conformance_harness as harness

from reconciler.cib import read
from reconciler.model import plan, score
from reconciler.scheduler import pipeline

needs_data = pytest.mark.skipif(
    bool(harness.missing()) and not harness.in_ci(), reason=harness.missing() or "data present"
)
EXACT = 305
"""Cases in which every score of every stage, and every instance number, is as recorded."""


@functools.cache
def _plan(identity: str) -> plan.Plan:
    one = harness.case(identity)
    imported = read.read(one.text, now=one.now)
    return pipeline.schedule(imported.desired, imported.observed)


def _cases(family: str) -> list[str]:
    return [name for name, group in harness.identities() if group == family]


def _sums(due: plan.Plan) -> dict[tuple[str, str, str], list[int]]:
    """Return stage, instance and node to the sums of the ledgers, moment after moment."""
    found: dict[tuple[str, str, str], list[int]] = {}
    for moment in due.moments:
        for node, ledger in moment.ledgers.items():
            found.setdefault((moment.stage.value, moment.instance, node), []).append(ledger.score)
    return found


def _recorded(identity: str) -> dict[tuple[str, str, str], list[int]]:
    """Return stage, instance and node to the scores that Pacemaker printed; alike ones once."""
    scores = harness.case(identity).record["expected"].get("scores") or {}
    return {
        (stage, name, node): value if isinstance(value, list) else [value]
        for stage, instances in scores.items()
        for name, nodes in instances.items()
        for node, value in nodes.items()
    }


def _exact(identity: str) -> bool:
    alike = {
        key: values if len(set(values)) > 1 else values[:1]
        for key, values in _sums(_plan(identity)).items()
    }
    return alike == _recorded(identity)


@needs_data
@pytest.mark.parametrize("family", harness.CLASSES)
def test_every_score_is_the_sum_of_its_ledger(family):
    """Whenever something is placed, its ledgers add up to the scores that decide."""
    for identity in _cases(family):
        for moment in _plan(identity).moments:
            for node, value in moment.scores.items():
                assert moment.ledgers[node].score == value, (identity, moment.instance, node)


@needs_data
def test_every_promotion_score_is_the_sum_of_its_ledger():
    """What decides which instances are promoted adds up to the promotion scores, in every case."""
    for identity in (name for name, _ in harness.identities()):
        due = _plan(identity)
        for name, ledger in due.promotion_ledgers.items():
            assert list(due.promotion_scores[name].values()) == [ledger.score], (identity, name)


@needs_data
@pytest.mark.parametrize("family", harness.CLASSES)
def test_ledgers_add_up_to_what_pacemaker_printed(family):
    """Where scores agree, the ledgers of each resource and node add up to the recorded score."""
    oracle = harness.load("oracle")
    for identity in _cases(family):
        if not harness.evaluate(harness.case(identity), oracle).agrees("scores"):
            continue
        sums = _sums(_plan(identity))
        for (stage, name, node), values in _recorded(identity).items():
            if stage == score.Stage.PRIMITIVE.value and ":" not in name:
                assert set(sums[stage, name, node]) & set(values), (identity, name, node)


@needs_data
def test_most_cases_are_exact_at_every_stage():
    """In most cases the ledgers add up to all that Pacemaker printed, instance by instance."""
    exact = [name for name, _ in harness.identities() if _exact(name)]

    assert len(exact) >= EXACT
