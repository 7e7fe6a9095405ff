"""Commands on the live cluster."""

from __future__ import annotations

import asyncio

import pytest

from reconciler.controller import commands
from reconciler.controller.result import State
from reconciler.model import action
from reconciler.scheduler import pipeline
from reconciler.simulator import clock, example
from reconciler.simulator.fencer import Device
from reconciler.simulator.stage import Stage
from reconciler.simulator.truth import What
from reconciler.simulator.world import Habit


def stage():
    """Return a stage with one resource."""
    return Stage(example.cluster(resources=("a",), orders=()), pipeline.schedule)


def test_standby_moves_resources_away_and_unstandby_lets_them_back():
    """The record outlives the command; the next run follows it; nothing is left behind."""

    async def main():
        on = stage()
        await on.controller("first").converge(on.wanted)
        place = on.where("a")[0]
        one = on.controller("operator")
        done = await commands.standby(one.context, on.wanted, place, on=True)
        still = on.where("a")
        await on.controller("second").converge(on.wanted)
        moved = on.where("a")
        for name in on.world.machines:
            await commands.standby(one.context, on.wanted, name, on=name != place)
        await on.controller("third").converge(on.wanted)
        return place, done.state, still, moved, on.where("a")

    place, state, still, moved, back = clock.run(main())

    assert (state, still, back) == (State.DONE, (place,), (place,))
    assert moved != (place,)


def test_maintenance_keeps_the_controller_off():
    """A node in maintenance is left alone, whatever dies there."""

    async def main():
        on = stage()
        await on.controller("first").converge(on.wanted)
        place = on.where("a")[0]
        await commands.maintenance(on.controller("op").context, on.wanted, place, on=True)
        on.world.machines[place].die("a")
        await asyncio.sleep(15)
        del on.world.trace[:]
        await on.controller("second").converge(on.wanted)
        return [one.task for one in on.world.trace if one.what is What.BEGAN]

    assert not {action.Task.START, action.Task.STOP} & set(clock.run(main()))


def test_cleanup_makes_the_resource_be_probed_anew():
    """History and fail counts go, the resource itself is not touched."""

    async def main():
        on = stage()
        on.world.habits.append(Habit("a", action.Task.START, "n1", rc=1))
        await on.controller("first").converge(on.wanted)
        counts = dict(on.world.machines["n1"].transient)
        running = on.where("a")
        ended = await commands.cleanup(on.controller("op").context, on.wanted, "a", node="n1")
        left = dict(on.world.machines["n1"].transient), on.world.machines["n1"].histories
        return counts, ended, left, running == on.where("a")

    counts, ended, left, same = clock.run(main())

    assert any(name.startswith("fail-count-a") for name in counts)
    assert (ended.state, ended.actions, left, same) == (State.DONE, 1, ({}, {}), True)


def test_fencing_by_hand_is_proven_and_recorded():
    """A node that is fenced by hand is off for certain, and its resources start elsewhere."""

    async def main():
        on = stage()
        await on.controller("first").converge(on.wanted)
        place = on.where("a")[0]
        one = on.controller("op")
        refused = await commands.fence(one.context, on.wanted, place, confirm="yes")
        done = await commands.fence(one.context, on.wanted, place, confirm=place, reboot=False)
        ended = await on.controller("second").converge(on.wanted)
        return refused.state, done.state, ended.state, on.where("a"), place, on.world.violations

    refused, done, ended, now, place, violations = clock.run(main())

    assert (refused, done, ended) == (State.REFUSED, State.DONE, State.CONVERGED)
    assert now
    assert now != (place,)
    assert violations == []


def test_a_fencing_that_fails_says_so():
    """A device that cannot is reported, with its own words."""

    async def main():
        on = stage()
        on.room.devices["n1"] = Device.BROKEN
        return await commands.fence(on.controller("op").context, on.wanted, "n1", confirm="n1")

    ended = clock.run(main())

    assert (ended.state, ended.message) == (State.REFUSED, "device-n1: failed")


def test_a_persons_word_counts_only_for_a_silent_node():
    """confirm-off is refused while the node answers, and is the way on where no device can prove."""

    async def main():
        on = stage()
        await on.controller("first").converge(on.wanted)
        place = on.where("a")[0]
        on.room.devices[place] = Device.BROKEN
        one = on.controller("op")
        word = {"confirm": place, "reason": "I pulled the plug"}
        early = await commands.confirm_off(one.context, on.wanted, place, **word)
        on.world.machines[place].power_off()
        blocked = await on.controller("second").converge(on.wanted)
        done = await commands.confirm_off(one.context, on.wanted, place, **word)
        ended = await on.controller("third").converge(on.wanted)
        return (
            [one.state for one in (early, blocked, done, ended)],
            on.where("a"),
            on.world.violations,
        )

    states, now, violations = clock.run(main())

    assert states == [State.REFUSED, State.BLOCKED, State.DONE, State.CONVERGED]
    assert now
    assert violations == []


@pytest.mark.parametrize("count", [2, 3])
def test_commands_need_a_majority(count):
    """Without a majority nothing is recorded anywhere."""

    async def main():
        on = stage()
        for name in example.THREE[:count]:
            on.world.cut(name)
        ended = await commands.standby(on.controller("op").context, on.wanted, "n3", on=True)
        return ended.state, [one.what for one in on.world.trace if one.what is What.RECORDED]

    expected = State.UNREACHABLE if count == 3 else State.NO_QUORUM
    assert clock.run(main()) == (expected, [])


def test_a_node_that_the_manifest_does_not_name_is_refused():
    """A misspelt node name changes nothing."""

    async def main():
        on = stage()
        one = on.controller("op").context
        return {
            (await commands.standby(one, on.wanted, "n9", on=True)).state,
            (await commands.cleanup(one, on.wanted, "a", node="n9")).state,
            (await commands.fence(one, on.wanted, "n9", confirm="n9")).state,
        }, on.world.trace

    assert clock.run(main()) == ({State.REFUSED}, [])


def test_a_command_names_who_acts():
    """While another controller acts, a command is told who, and does nothing."""

    async def main():
        on = stage()
        on.world.habits.append(Habit("a", action.Task.START, seconds=10.0))
        running = asyncio.ensure_future(on.controller("first").converge(on.wanted))
        await asyncio.sleep(2)
        ended = await commands.standby(on.controller("op").context, on.wanted, "n1", on=True)
        await running
        return ended

    ended = clock.run(main())

    assert (ended.state, ended.holder.id) == (State.LEASE_HELD, "first")
