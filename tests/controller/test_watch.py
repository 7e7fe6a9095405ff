"""Watching: converge again whenever something happens."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses

from reconciler.controller import commands, observe, watch
from reconciler.controller.result import State
from reconciler.errors import diagnostic
from reconciler.model import action
from reconciler.scheduler import pipeline
from reconciler.simulator import clock, example
from reconciler.simulator.stage import Stage
from reconciler.simulator.truth import What
from reconciler.simulator.world import Habit


class Watched:
    """A watching controller on a stage, with a manifest that can be edited."""

    def __init__(self, on, wanted=None):
        self.on = on
        self.wanted = wanted or on.wanted
        self.broken = False
        self.edits: asyncio.Queue[str] = asyncio.Queue()
        self.stop = asyncio.Event()
        self.passes = []
        self.rejected = []
        self.controller = on.controller("watch")
        self.task = asyncio.ensure_future(
            self.controller.live(
                watch.watch(
                    self.controller.context,
                    self.load,
                    self.changes(),
                    stop=self.stop,
                    rejected=self.rejected.append,
                    passed=self.passes.append,
                )
            )
        )

    def load(self):
        """Read the manifest."""
        if self.broken:
            raise diagnostic.InvalidInputError([])
        return self.wanted

    async def changes(self):
        """Tell of edits."""
        while True:
            yield await self.edits.get()

    def edit(self, wanted):
        """Edit the manifest."""
        self.wanted = wanted
        self.edits.put_nowait("edited")

    async def end(self):
        """Stop watching; return what came of the last pass."""
        self.stop.set()
        return await self.task


@contextlib.asynccontextmanager
async def watching(**rest):
    """Watch a small cluster until the block ends; ``c`` may be added to its resources later."""
    wanted = example.cluster(**rest)
    on = Stage(example.cluster(resources=("a", "b", "c")), pipeline.schedule)
    one = Watched(on, wanted)
    yield one
    one.stop.set()
    await one.task
    assert not on.world.violations


def test_it_converges_and_recovers_by_itself():
    """A resource that dies is seen by its monitor and started again, without anybody asking."""

    async def main():
        async with watching() as one:
            await asyncio.sleep(20)
            first = one.on.where("a")
            one.on.world.machines[first[0]].die("a")
            await asyncio.sleep(30)
            return first, one.on.where("a")

    first, later = clock.run(main())

    assert len(first) == len(later) == 1


def test_a_node_that_is_lost_is_fenced_within_seconds():
    """Silence for the membership time-out wakes it: fence, prove, start elsewhere."""

    async def main():
        async with watching() as one:
            await asyncio.sleep(20)
            victim = one.on.where("a")[0]
            began = one.on.world.clock.monotonic()
            one.on.world.machines[victim].freeze()
            for _ in range(1000):
                if one.on.where("a") in {(victim,), ()}:
                    await asyncio.sleep(0.1)
            took = one.on.world.clock.monotonic() - began
            await asyncio.sleep(60)
            return victim, took, one.passes[-1].state, one.passes[-1].silent

    _, took, state, silent = clock.run(main())

    assert took < 25
    assert (state, silent) == (State.CONVERGED, ())


def test_a_broken_connection_alone_fences_nobody_before_the_time_out():
    """A node counts as silent only once the whole membership time-out has passed in vain."""

    async def main():
        on = Stage(example.cluster(), pipeline.schedule)
        context = on.controller("one").context
        peers = observe.Peers(context, on.wanted, lambda _name, _event: None)
        on.world.machines["n1"].power_off()
        began = on.world.clock.monotonic()
        silent = await peers.outlasts("n1")
        return silent, on.world.clock.monotonic() - began, peers.timeout_s

    silent, took, timeout_s = clock.run(main())

    assert silent
    assert took >= timeout_s


def test_starting_elsewhere_does_not_wait_for_power_to_be_switched_on():
    """The proof that a node is off is enough; that it comes back takes its own time."""

    async def main():
        async with watching() as one:
            await asyncio.sleep(20)
            victim = one.on.where("a")[0]
            one.on.room.on_s = 8.0
            one.on.world.machines[victim].power_off()
            proven = started = back = None
            for _ in range(400):
                await asyncio.sleep(0.1)
                now = one.on.world.clock.now()
                confirmed = any(
                    happening.what is What.RECORDED
                    and happening.detail == f"fence/{victim}"
                    and happening.body["state"] == "confirmed"
                    for happening in one.on.world.trace
                )
                proven = proven or (now if confirmed else None)
                started = started or (now if one.on.where("a") else None)
                back = back or (now if one.on.world.machines[victim].powered else None)
            return proven, started, back

    proven, started, back = clock.run(main())

    assert proven <= started < back


def test_in_peace_it_does_nothing_and_holds_no_lease():
    """Between passes there is no lease and no action; others get their turn."""

    async def main():
        async with watching() as one:
            await asyncio.sleep(20)
            del one.on.world.trace[:]
            leases = [it.live_lease() for it in one.on.world.machines.values()]
            await asyncio.sleep(1000)
            quiet = list(one.on.world.trace)
            place = one.on.where("a")[0]
            done = await commands.standby(
                one.on.controller("op").context, one.wanted, place, on=True
            )
            await asyncio.sleep(320)
            return leases, quiet, done.state, one.on.where("a"), place, len(one.passes)

    leases, quiet, state, now, place, passes = clock.run(main())

    assert (leases, quiet, state) == ([None] * 3, [], State.DONE)
    assert now
    assert now != (place,)
    assert passes < 30


def test_an_edit_takes_effect():
    """A changed manifest is read and put in force."""

    async def main():
        async with watching(resources=("a",), orders=()) as one:
            await asyncio.sleep(20)
            one.edit(example.cluster(resources=("a", "c"), orders=()))
            await asyncio.sleep(20)
            return one.on.where("a"), one.on.where("c")

    a, c = clock.run(main())

    assert (len(a), len(c)) == (1, 1)


def test_an_edit_in_the_middle_of_a_transition_takes_effect_at_the_next_safe_point():
    """What flies is ended, nothing of the old plan is begun any more."""

    async def main():
        on = Stage(example.cluster(resources=("a", "b", "c")), pipeline.schedule)
        on.world.habits.append(Habit("a", action.Task.START, seconds=6.0))
        one = Watched(on, example.cluster())
        await asyncio.sleep(2)
        one.edit(example.cluster(resources=("a", "c"), orders=()))
        await asyncio.sleep(30)
        await one.end()
        began = {it.resource for it in on.world.trace if it.task is action.Task.START}
        return began, on.where("c"), on.world.violations

    began, c, violations = clock.run(main())

    assert began == {"a", "c"}
    assert (len(c), violations) == (1, [])


def test_a_bad_edit_leaves_the_last_good_manifest_in_force():
    """An invalid or empty manifest stops nothing, and is said to be refused."""

    async def main():
        async with watching(resources=("a",), orders=()) as one:
            await asyncio.sleep(20)
            good = one.wanted
            one.broken = True
            one.edit(good)
            await asyncio.sleep(20)
            one.broken = False
            one.edit(dataclasses.replace(good, resources=()))
            await asyncio.sleep(20)
            one.on.world.machines[one.on.where("a")[0]].die("a")
            await asyncio.sleep(30)
            notes = [line for line in one.controller.diary.lines if "last good one" in line]
            return one.on.where("a"), len(one.rejected), len(notes)

    place, rejected, notes = clock.run(main())

    assert (len(place), rejected, notes) == (1, 1, 2)


def test_stopping_ends_what_flies_and_gives_everything_back():
    """On stop nothing new begins, and the lease is released."""

    async def main():
        on = Stage(example.cluster(), pipeline.schedule)
        on.world.habits.append(Habit("a", action.Task.START, seconds=6.0))
        one = Watched(on)
        await asyncio.sleep(2)
        del on.world.trace[:]
        ended = await one.end()
        began = [it for it in on.world.trace if it.what is What.BEGAN]
        return ended.state, began, [it.live_lease() for it in on.world.machines.values()]

    assert clock.run(main()) == (State.STOPPED, [], [None] * 3)


def test_it_waits_for_quorum_and_then_goes_on():
    """Without a majority it does nothing, again and again with growing pauses; then it acts."""

    async def main():
        on = Stage(example.cluster(), pipeline.schedule)
        for name in ("n1", "n2"):
            on.world.cut(name)
        one = Watched(on)
        await asyncio.sleep(300)
        passes = len(one.passes)
        states = {it.state for it in one.passes}
        on.world.heal()
        await asyncio.sleep(120)
        await one.end()
        return passes, states, on.where("a"), on.world.violations

    passes, states, place, violations = clock.run(main())

    assert states == {State.NO_QUORUM}
    assert passes < 30
    assert (len(place), violations) == (1, [])


def test_it_leaves_the_field_to_another_controller():
    """While somebody else acts it does nothing, and takes over when the other is gone."""

    async def main():
        on = Stage(example.cluster(), pipeline.schedule)
        on.world.habits.append(Habit("a", action.Task.START, seconds=15.0))
        other = on.controller("other")
        running = asyncio.ensure_future(other.converge(on.wanted))
        await asyncio.sleep(1)
        one = Watched(on)
        await running
        actors = {it.who for it in on.world.trace if it.what is What.BEGAN}
        await asyncio.sleep(60)
        on.world.machines[on.where("b")[0]].die("b")
        await asyncio.sleep(60)
        await one.end()
        return actors, {it.state for it in one.passes}, len(on.where("b")), on.world.violations

    actors, states, running, violations = clock.run(main())

    assert actors == {"other"}
    assert states >= {State.LEASE_HELD, State.CONVERGED}
    assert (running, violations) == (1, [])
