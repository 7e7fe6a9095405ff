"""Injected events lead to the decisions that Pacemaker's own simulation takes after them."""

from __future__ import annotations

import itertools
import pathlib
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import conformance_harness as harness

from reconciler.cib import read
from reconciler.cli import recorded
from reconciler.model.action import Task
from reconciler.model.observed import Presence
from reconciler.transition import event, foresight

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not harness.in_ci() and bool(harness.missing() or not shutil.which("crm_simulate")),
        reason=harness.missing() or "needs crm_simulate (pacemaker-cli-utils)",
    ),
]

SEEDS = range(8)
_COMPARED = ("summary", "fencing", "actions", "final")


def _situations(tmp_path):
    """Yield random clusters on which both agree as they are: file, contents, one of its nodes."""
    oracle, generator = harness.load("oracle"), harness.load("random_cib")
    for seed in SEEDS:
        path = tmp_path / f"{seed}.xml"
        path.write_text(generator.generate(1, seed, False))
        held = read.read(path.read_text())
        online = [
            name for name, one in held.observed.nodes.items() if one.presence is Presence.ONLINE
        ]
        if online and not _differences(oracle, path, held, held.observed, []):
            yield path, held, online[seed % len(online)]


def _differences(oracle, path, held, seen, words):
    right = oracle.simulate(str(path), extra_args=words)
    if right["rc"]:
        return {}
    ours = recorded.of_round(held.desired, foresight.foresee(held.desired, seen))
    return oracle.compare(right, ours, aspects=_COMPARED)


def _fencing(held):
    return not any(one.pairs.get("fencing-enabled") == "false" for one in held.desired.properties)


@pytest.mark.parametrize(
    ("word", "change"),
    [
        (
            "--node-fail",
            lambda held, node: event.lose_node(held.observed, node, fencing=_fencing(held)),
        ),
        ("--node-down", lambda held, node: event.leave(held.observed, node)),
        ("--node-up", lambda held, node: event.join(held.observed, node)),
    ],
)
def test_nodes(tmp_path, word, change):
    """A node that fails, leaves or joins has the consequences that it has there."""
    oracle = harness.load("oracle")
    differing = {
        path.name: found
        for path, held, node in _situations(tmp_path)
        if (found := _differences(oracle, path, held, change(held, node), [f"{word}={node}"]))
    }

    assert differing == {}


def test_failed_stops(tmp_path):
    """A stop that has failed has the consequences that it has there."""
    oracle = harness.load("oracle")
    differing, compared = {}, 0
    for path, held, _ in _situations(tmp_path):
        for name, node in itertools.islice(_running(held), 2):
            operation = event.Operation(name, Task.STOP, 0, node, 1)
            seen = event.finish(held.observed, operation)
            compared += 1
            found = _differences(oracle, path, held, seen, [f"--op-inject={name}_stop_0@{node}=1"])
            if found:
                differing[path.name, name, node] = found

    assert differing == {}
    assert compared


def _running(held):
    """Yield the resources that were started, with their nodes."""
    for node, one in held.observed.nodes.items():
        for name, history in one.histories.items():
            last = max(history.operations, key=lambda record: record.call, default=None)
            if last is not None and (last.operation, last.rc) == ("monitor", 0):
                yield name, node
