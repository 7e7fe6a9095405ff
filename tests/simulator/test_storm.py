"""Safety in a storm of faults, then liveness: from seeds, which a failure prints."""

from __future__ import annotations

import dataclasses
from collections import Counter

import pytest

from reconciler.controller import commands
from reconciler.model import fencing
from reconciler.model import observed as observed_model
from reconciler.scheduler import pipeline
from reconciler.simulator import clock, example, faults
from reconciler.simulator.fencer import Device
from reconciler.simulator.stage import Stage

SEEDS = range(12)


def test_no_rule_is_ever_broken_and_calm_brings_convergence():
    """Whatever fails in whatever order: no violation; once it is over, everything runs once."""
    fired: Counter[str] = Counter()
    armed: Counter[str] = Counter()
    for seed in SEEDS:
        report = faults.simulate(example.cluster(), pipeline.schedule, seed=seed, storm_s=150)
        assert not report.violations, str(report)
        assert report.final is not None, str(report)
        assert report.final.ok, str(report)
        assert {name: len(places) for name, places in report.active.items()} == {"a": 1, "b": 1}
        fired.update(report.fired)
        armed.update(report.armed)
    assert len(fired) == 15, fired
    assert all(fired.values()), fired
    assert len(armed) == 7, armed
    assert all(armed.values()), armed


def test_the_same_seed_is_the_same_storm():
    """A seed repeats every event, so that what it found can be looked at again."""
    first, second = (
        faults.simulate(example.cluster(), pipeline.schedule, seed=1, storm_s=60) for _ in range(2)
    )

    assert first.trace == second.trace


def believing_silence(wanted, seen):
    """Plan as if a node that does not answer were proven off: the mistake of all mistakes."""
    offline = observed_model.Presence.OFFLINE
    unknown = {observed_model.Presence.UNKNOWN, observed_model.Presence.UNSEEN}
    nodes = {
        name: observed_model.ObservedNode(name, offline) if one.presence in unknown else one
        for name, one in seen.nodes.items()
    }
    return pipeline.schedule(
        wanted,
        observed_model.Observed(seen.now, seen.quorate, nodes=nodes, id=seen.id),
    )


def test_the_checkers_catch_a_scheduler_that_believes_silence():
    """A deliberate mistake is found within a few seeds: the checkers do check."""
    found = []
    for seed in range(20):
        report = faults.simulate(example.cluster(), believing_silence, seed=seed, storm_s=150)
        found += report.violations
        if found:
            break

    assert any("while it may run on" in one or "is active on" in one for one in found)


@pytest.mark.parametrize("reachable", [True, False])
def test_what_a_lying_device_breaks_is_contained_or_declared(reachable):
    """A device that lies about off and state is unmasked by a node that answers.

    Where the node does not answer either, nobody can know: that is the declared assumption, that one
    level of fencing tells the truth.
    """

    async def main():
        on = Stage(example.cluster(resources=("a",), orders=()), pipeline.schedule)
        await on.controller("first").converge(on.wanted)
        victim = on.where("a")[0]
        on.room.devices[victim] = Device.LIAR
        second = on.controller("second")
        if reachable:
            result = await second.live(_fence_by_hand(second, on.wanted, victim))
        else:
            on.world.cut(victim)
            result = await second.converge(on.wanted)
        return on, result

    on, result = clock.run(main())

    if reachable:
        assert not result.ok
        assert "answers from the same boot" in result.message
    assert bool(on.world.violations) is not reachable


def _fence_by_hand(controller, wanted, victim):
    return commands.fence(controller.context, wanted, victim, confirm=victim)


def test_a_node_without_any_device_blocks_what_may_run_there():
    """Without a device the node cannot be proven off: nothing starts, and the result says so."""

    async def main():
        wanted = example.cluster(resources=("a",), orders=())
        on = Stage(wanted, pipeline.schedule)
        await on.controller("first").converge(wanted)
        victim = on.where("a")[0]
        on.world.machines[victim].power_off()
        keep = [one for one in wanted.fencing.devices if victim not in one.hosts]
        bare = on.controller("second")
        result = await bare.converge(
            dataclasses.replace(wanted, fencing=fencing.Fencing(devices=tuple(keep)))
        )
        return on, victim, result

    on, victim, result = clock.run(main())

    assert not result.ok
    assert on.where("a") == ()
    assert victim in {one.node for one in result.blocked} | {one.subject for one in result.blocked}
