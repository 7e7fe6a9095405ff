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


@pytest.mark.parametrize(
    ("level", "seed", "reason"),
    [
        (4, 4, "no node gets more instances of a cloned group than it may have"),
        (4, 700641, "what the unpromoted role is to avoid of what shall be unpromoted"),
        (4, 700370, "nobody is promoted beside a promoted instance that may not be touched"),
        (5, 701440, "who must be with a cloned group that runs nowhere"),
        (5, 701188, "instances that need a partner only where they are promoted"),
        (5, 701078, "no node gets more instances of a clone than it may have"),
        (4, 90, "every member of a cloned group is looked for on every node"),
        (5, 114, "a node in maintenance is not fenced"),
        (5, 0, "clone-min of a cloned group"),
        (4, 303, "require-all with groups or clones"),
        (4, 1025, "a mandatory order beside a weaker one"),
        (4, 1099, "what a role of a cloned group is to avoid"),
        (4, 1145, "instances that need a partner only where they are promoted"),
        (5, 701590, "who must be with a cloned group of which nothing has its partner"),
        (4, 1084, "a lost node that cannot be fenced"),
        (6, 20300051, "a start, promotion or migration that began long ago"),
        (6, 91, "a monitor never follows the stop of what it would watch"),
        (6, 20300150, "what was stopped does not run because a monitor of it ends"),
        (7, 25, "a monitor never follows the stop of what it would watch"),
        (7, 20300062, "nobody migrates to a remote node that goes down after that"),
        (7, 234, "standby or maintenance of a remote node that was never seen"),
        (5, 700821, "what nobody manages keeps its monitors"),
        (5, 700366, "what is to restart without quorum restarts under freeze"),
        (5, 700920, "a failure that blocks in a history with an instance's number"),
        (
            5,
            700819,
            "a lost node that cannot be fenced; what is to restart without quorum restarts under freeze",
        ),
        (4, 700130, "what requires less than fencing waits for it"),
        (5, 700236, "what no location names may be on a lost node"),
        (4, 700482, "clone-min of a cloned group"),
        (7, 247, "a guest whose connection is down where its holder runs"),
        (7, 313, "what is not in a bundle never runs in its containers"),
        (7, 20300078, "a node in maintenance is not fenced"),
        (1, 0, ""),
    ],
)
def test_deliberate(level, seed, reason):
    """What differs on purpose is told from what does not, with the decision."""
    assert fuzz.deliberate(fuzz.situation(level, seed)) == reason
