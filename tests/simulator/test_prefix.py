"""A controller that is killed at any step is resumed by the next run to the same end."""

from __future__ import annotations

import asyncio

import pytest

from reconciler.controller.result import State
from reconciler.scheduler import pipeline
from reconciler.simulator import clock, example
from reconciler.simulator.stage import Stage
from reconciler.simulator.truth import What

WANTED = example.cluster(resources=("a", "b"), together=(("b", "a"),))


def beginning(on):
    """Nothing runs anywhere yet."""
    del on


def node_lost(on):
    """The node on which everything runs has lost its power."""
    on.world.machines[on.where("a")[0]].power_off()


def resource_died(on):
    """A resource has died, and its monitor has told."""
    on.world.machines[on.where("a")[0]].die("a")


async def played(situation, dies_at):
    """Let one controller act in a situation until it dies, then another until it has converged."""
    on = Stage(WANTED, pipeline.schedule, seed=5)
    if situation is not beginning:
        assert (await on.controller("before").converge(on.wanted)).ok
        situation(on)
        await asyncio.sleep(15)
    first = on.controller("first", dies_at=dies_at)
    await first.converge(on.wanted)
    if first.life.dead:
        second = await on.controller("second").converge(on.wanted)
    else:
        second = None
    await asyncio.sleep(60)
    last = await on.controller("last").converge(on.wanted)
    return on, first, second, last


def end(on):
    """Return what runs, without where: any node will do as long as it is one."""
    return {name: len(places) for name, places in on.world.active().items()}


@pytest.mark.parametrize("situation", [beginning, node_lost, resource_died])
def test_every_interrupted_prefix_converges_to_the_same_end(situation):
    """Killed before or after any use of any port, the next run converges, and no rule is broken."""
    on, first, _, last = clock.run(played(situation, 0))
    assert (last.state, on.world.violations) == (State.CONVERGED, [])
    expected, steps = end(on), first.life.steps
    assert expected == {"a": 1, "b": 1}
    assert steps > 50

    killed = 0
    for step in range(1, steps + 1):
        on, first, second, last = clock.run(played(situation, step))
        story = f"killed at step {step}:\n" + "\n".join(str(one) for one in on.world.trace[-40:])
        assert on.world.violations == [], story
        assert last.state is State.CONVERGED, story
        assert second is None or second.state is State.CONVERGED, story
        assert end(on) == expected, story
        starts = [
            one for one in on.world.trace if one.what is What.BEGAN and one.task.value == "start"
        ]
        assert len({(one.resource, one.node) for one in starts}) <= 4, story
        killed += first.life.dead
    assert killed == steps
