"""Convergence in a simulated cluster: the real controller and scheduler, simulated ports."""

from __future__ import annotations

import asyncio

import pytest

from reconciler.controller import context, loop
from reconciler.controller.result import State
from reconciler.model import action, desired, outcome
from reconciler.scheduler import pipeline
from reconciler.simulator import clock, example
from reconciler.simulator.fencer import Device
from reconciler.simulator.stage import Stage
from reconciler.simulator.truth import What
from reconciler.simulator.world import Habit


def stage(wanted=None, seed=0):
    """Return a stage with the real scheduler."""
    return Stage(wanted or example.cluster(), pipeline.schedule, seed=seed)


def whats(on, *kinds):
    """Return (what, node, resource, task) of all happenings of some kinds."""
    return [one for one in on.world.trace if one.what in kinds]


def check(on):
    """Fail where a checker found anything."""
    assert not on.world.violations


async def converged(on, name="first", **rest):
    """Run one controller to its end."""
    ended = await on.controller(name).converge(on.wanted, **rest)
    check(on)
    return ended


def test_a_fresh_cluster_converges_and_the_next_run_does_nothing():
    """Everything is probed, then started in order; the next run takes no lease and acts not."""

    async def main():
        on = stage()
        first = await converged(on)
        events = len(on.world.trace)
        token = on.world.machines["n1"].token
        second = await converged(on, "second")
        return on, first, second, events, token

    on, first, second, events, token = clock.run(main())

    assert (first.state, second.state) == (State.CONVERGED, State.CONVERGED)
    assert (second.actions, second.cycles) == (0, 0)
    assert len(on.world.trace) == events
    assert on.world.machines["n1"].token == token
    assert len(on.where("a")) == len(on.where("b")) == 1


def test_planning_writes_nothing_anywhere():
    """plan_only leaves every machine exactly as it was: no token, lease, record or action."""

    async def main():
        on = stage()
        one = on.controller("planner")
        before = {name: it.report() for name, it in on.world.machines.items()}
        preview = await loop.plan_only(one.context, on.wanted)
        after = {name: it.report() for name, it in on.world.machines.items()}
        return preview, before == after, one.journal.entries, on.world.trace

    preview, same, journal, trace = clock.run(main())

    assert not preview.plan.empty
    assert (same, journal, trace) == (True, [], [])


def test_a_lost_node_is_fenced_before_its_resources_start_elsewhere():
    """Intent recorded, fenced, confirmation recorded, and only then started elsewhere."""

    async def main():
        on = stage()
        await converged(on)
        victim = on.where("a")[0]
        on.world.machines[victim].power_off()
        del on.world.trace[:]
        return on, victim, await converged(on, "second")

    on, victim, ended = clock.run(main())

    assert ended.state is State.CONVERGED
    story = [
        (one.what, one.body["state"] if one.what is What.RECORDED else one.task)
        for one in on.world.trace
        if (one.what is What.RECORDED and one.detail == f"fence/{victim}")
        or (one.what is What.BEGAN and one.resource == "a" and one.task is action.Task.START)
    ]
    states = [word for what, word in story if what is What.RECORDED]
    assert states == ["intent", "intent", "confirmed", "confirmed"]
    assert story[-1] == (What.BEGAN, action.Task.START)
    assert victim not in on.where("a")


def test_a_node_that_hangs_is_fenced_and_what_it_wakes_up_with_is_refused():
    """A frozen node still runs its resources: it is fenced first, and comes back empty."""

    async def main():
        on = stage()
        await converged(on)
        victim = on.where("a")[0]
        on.world.machines[victim].freeze()
        ended = await converged(on, "second")
        fenced = [one.node for one in whats(on, What.SWITCHED_OFF)]
        await asyncio.sleep(120)
        again = await converged(on, "third")
        return on, victim, ended, again, fenced

    on, victim, ended, again, fenced = clock.run(main())

    assert (ended.state, again.state, fenced) == (State.CONVERGED, State.CONVERGED, [victim])
    assert len(on.where("a")) == 1


def test_a_device_that_cannot_fence_leaves_everything_blocked():
    """Without proof nothing starts; the result names the node, and the run ends in bounded time."""

    async def main():
        on = stage()
        await converged(on)
        victim = on.where("a")[0]
        on.room.devices[victim] = Device.BROKEN
        on.world.machines[victim].power_off()
        del on.world.trace[:]
        return on, victim, await converged(on, "second", deadline_s=3600)

    on, victim, ended = clock.run(main())

    assert ended.state is State.BLOCKED
    assert (victim, "cannot-fence") in [(one.node, one.code) for one in ended.blocked]
    assert not [one for one in whats(on, What.BEGAN) if one.task is action.Task.START]


@pytest.mark.parametrize("device", [Device.BOASTER, Device.LIAR, Device.SILENT])
def test_a_device_that_lies_proves_nothing(device):
    """Success that the state, or the node's own answer, contradicts is no fencing."""

    async def main():
        on = stage()
        await converged(on)
        victim = on.where("a")[0]
        on.room.devices[victim] = device
        on.world.habits.append(Habit("a", action.Task.STOP, victim, rc=1))
        on.world.machines[victim].die("a")
        await asyncio.sleep(30)
        del on.world.trace[:]
        return on, await converged(on, "second", deadline_s=3600)

    on, ended = clock.run(main())

    starts = [one for one in whats(on, What.BEGAN) if one.task is action.Task.START]
    assert ended.state is State.BLOCKED
    assert [one for one in starts if one.resource == "a"] == []
    assert not whats(on, What.SWITCHED_OFF)


def test_a_failed_stop_is_fenced_in_bounded_time():
    """A stop that fails escalates to fencing; the resource then starts elsewhere."""

    async def main():
        on = stage()
        await converged(on)
        victim = on.where("a")[0]
        on.world.habits.append(Habit("a", action.Task.STOP, victim, rc=1))
        on.world.machines[victim].die("a")
        await asyncio.sleep(30)
        ended = await converged(on, "second")
        return on, victim, ended

    on, victim, ended = clock.run(main())

    assert ended.state is State.CONVERGED
    assert [one.node for one in whats(on, What.SWITCHED_OFF)] == [victim]
    assert on.where("a")
    assert on.where("a") != (victim,)


def test_a_controller_that_is_cut_off_does_nothing():
    """All nodes silent means that it is us: no action, no fencing, and the result says so."""

    async def main():
        on = stage()
        await converged(on)
        for name in on.world.machines:
            on.world.cut(name, "second")
        del on.world.trace[:]
        return on, await converged(on, "second")

    on, ended = clock.run(main())

    assert (ended.state, ended.actions) == (State.UNREACHABLE, 0)
    assert ended.silent == ("n1", "n2", "n3")
    assert not whats(on, What.BEGAN, What.SWITCHED_OFF, What.ACCEPTED)


def test_a_controller_on_the_minority_side_refuses():
    """One of three nodes is no majority: nothing is done, and the silent nodes are named."""

    async def main():
        on = stage()
        await converged(on)
        for name in ("n2", "n3"):
            on.world.cut(name, "second")
        del on.world.trace[:]
        return on, await converged(on, "second")

    on, ended = clock.run(main())

    assert (ended.state, ended.silent) == (State.NO_QUORUM, ("n2", "n3"))
    assert not whats(on, What.BEGAN, What.SWITCHED_OFF, What.ACCEPTED)


def test_quorum_lost_in_mid_transition_ends_it():
    """Once a majority is gone nothing more is begun, and nothing is fenced."""

    async def main():
        on = stage(example.cluster(resources=("a", "b", "c"), orders=(("a", "b"), ("b", "c"))))
        on.world.habits.append(Habit("a", action.Task.START, seconds=8.0))
        one = on.controller("first")
        running = asyncio.ensure_future(one.converge(on.wanted))
        await asyncio.sleep(3)
        for name in ("n2", "n3"):
            on.world.cut(name)
        del on.world.trace[:]
        return on, await running

    on, ended = clock.run(main())

    assert ended.state in {State.NO_QUORUM, State.LEASE_LOST}
    assert not whats(on, What.BEGAN, What.SWITCHED_OFF)


def test_two_controllers_at_once_one_acts_and_the_other_names_it():
    """The second is told who holds the lease, and touches nothing."""

    async def main():
        on = stage()
        on.world.habits.append(Habit("a", action.Task.START, seconds=15.0))
        both = [on.controller(name) for name in ("first", "second")]
        ended = await asyncio.gather(*(one.converge(on.wanted) for one in both))
        return on, ended

    on, ended = clock.run(main())

    check(on)
    states = {one.state: one for one in ended}
    assert set(states) == {State.CONVERGED, State.LEASE_HELD}
    actors = {one.who for one in whats(on, What.BEGAN)}
    assert actors == {states[State.LEASE_HELD].holder.id}


def test_a_lock_time_out_waits_for_the_other():
    """With a lock time-out the second run begins when the first has ended."""

    async def main():
        on = stage()
        on.world.habits.append(Habit("a", action.Task.START, seconds=15.0))
        first, second = on.controller("first"), on.controller("second")
        running = asyncio.ensure_future(first.converge(on.wanted))
        await asyncio.sleep(1)
        return await second.converge(on.wanted, lock_timeout_s=60), await running

    assert [one.state for one in clock.run(main())] == [State.CONVERGED, State.CONVERGED]


def test_a_controller_that_was_stopped_finds_its_token_refused():
    """After SIGSTOP and a takeover, what the first one sends on SIGCONT is refused."""

    async def main():
        on = stage()
        on.world.habits.append(Habit("a", action.Task.START, seconds=3.0))
        first = on.controller("first")
        running = asyncio.ensure_future(first.converge(on.wanted))
        await asyncio.sleep(2)
        first.life.stop()
        await asyncio.sleep(30)
        second = await on.controller("second").converge(on.wanted)
        began = len([one for one in whats(on, What.BEGAN) if one.who == "first"])
        first.life.go_on()
        ended = await running
        check(on)
        return second, ended, began, on

    second, ended, began, on = clock.run(main())

    assert (second.state, ended.state) == (State.CONVERGED, State.LEASE_LOST)
    assert len([one for one in whats(on, What.BEGAN) if one.who == "first"]) == began


def test_a_killed_controller_does_not_block_its_successor():
    """The dead one's lease ends within seconds, and its running action is waited for."""

    async def main():
        on = stage()
        on.world.habits.append(Habit("a", action.Task.START, seconds=10.0))
        first = on.controller("first")
        running = asyncio.ensure_future(first.converge(on.wanted))
        await asyncio.sleep(2)
        first.life.kill()
        assert await running is None
        began = on.world.clock.monotonic()
        ended = await converged(on, "second")
        starts = [
            one
            for one in whats(on, What.BEGAN)
            if one.resource == "a" and one.task is action.Task.START
        ]
        return ended, starts, on.world.clock.monotonic() - began

    ended, starts, took = clock.run(main())

    assert (ended.state, len(starts)) == (State.CONVERGED, 1)
    assert took < 30


def test_a_lost_answer_is_unknown_and_nothing_is_started_twice():
    """Where the answer never comes the controller looks, and finds what was done."""

    async def main():
        on = stage()
        on.world.weather.lost_answer = 0.5
        ended = await converged(on)
        return on, ended

    on, ended = clock.run(main())

    starts = [one.resource for one in whats(on, What.BEGAN) if one.task is action.Task.START]
    assert ended.state is State.CONVERGED
    assert sorted(starts) == ["a", "b"]


def test_a_request_that_comes_late_is_refused():
    """Once an answer is missing the token rises, so the request cannot do anything any more."""

    async def main():
        on = stage(example.cluster(resources=("a",), orders=()))
        await converged(on, "probing", deadline_s=0.3)
        on.world.weather.late_request, on.world.weather.late_s = 1.0, 100.0
        first = on.controller("first", bounds=context.Bounds(answer_margin_s=0.0))
        running = asyncio.ensure_future(first.converge(on.wanted))
        await asyncio.sleep(2)
        on.world.weather.late_request = 0.0
        ended = await running
        await asyncio.sleep(200)
        check(on)
        return on, ended, first

    on, ended, first = clock.run(main())

    assert ended.state is State.CONVERGED
    assert any(one.kind is outcome.OutcomeKind.UNKNOWN for _, one in first.diary.outcomes)
    assert "stale-token" in [one.detail for one in whats(on, What.REFUSED)]


def test_a_fast_reboot_voids_what_was_known():
    """A new boot id means probing: nothing is taken to run still."""

    async def main():
        on = stage()
        await converged(on)
        victim = on.where("a")[0]
        on.world.machines[victim].power_off()
        on.world.machines[victim].power_on()
        await asyncio.sleep(25)
        del on.world.trace[:]
        ended = await converged(on, "second")
        return on, victim, ended

    on, victim, ended = clock.run(main())

    probes = {
        one.resource
        for one in whats(on, What.BEGAN)
        if one.node == victim and one.task is action.Task.MONITOR and not one.interval_ms
    }
    assert (ended.state, probes) == (State.CONVERGED, {"a", "b"})
    assert not whats(on, What.SWITCHED_OFF)


def test_an_executor_that_lost_its_action_has_it_probed():
    """A lost outcome is neither success nor failure: the resource is asked what it is."""

    async def main():
        on = stage(example.cluster(resources=("a",), orders=()))
        on.world.habits.append(Habit("a", action.Task.START, seconds=5.0))
        first = on.controller("first")
        running = asyncio.ensure_future(first.converge(on.wanted))
        await asyncio.sleep(2)
        (busy,) = [one for one in on.world.machines.values() if one.pending]
        busy.restart_executor()
        ended = await running
        check(on)
        return on, ended

    on, ended = clock.run(main())

    assert ended.state is State.CONVERGED
    assert len(on.where("a")) == 1


def test_a_resource_that_dies_is_recovered():
    """A failed monitor leads to a recovery by the next run."""

    async def main():
        on = stage()
        await converged(on)
        place = on.where("b")[0]
        on.world.machines[place].die("b")
        await asyncio.sleep(15)
        return on, await converged(on, "second")

    on, ended = clock.run(main())

    assert (ended.state, len(on.where("b"))) == (State.CONVERGED, 1)


def test_a_resource_that_failed_everywhere_is_no_success():
    """Wanted, failed on every node, stopped everywhere: the run says blocked and names it."""

    async def main():
        on = Stage(example.cluster(resources=("a",)), pipeline.schedule)
        on.world.habits.append(Habit("a", action.Task.START, rc=1))
        return on, await converged(on)

    on, ended = clock.run(main())

    assert ended.state is State.BLOCKED
    assert [(one.subject, one.code) for one in ended.blocked] == [("a", "threshold-reached")]
    assert on.where("a") == ()


def test_the_fence_limit_of_an_hour_holds():
    """A node that was fenced too often within an hour is not fenced again: blocked."""

    async def main():
        on = stage()
        bounds = context.Bounds(fences_per_hour=1)
        await converged(on)
        for turn in range(2):
            on.world.machines["n1"].freeze()
            ended = await on.controller(f"again-{turn}", bounds=bounds).converge(on.wanted)
            await asyncio.sleep(60)
            await on.controller(f"meeting-{turn}", bounds=bounds).converge(on.wanted)
        return on, ended

    on, ended = clock.run(main())

    check(on)
    assert ended.state is State.BLOCKED
    assert len(whats(on, What.SWITCHED_OFF)) == 1


def test_a_majority_is_never_fenced_away():
    """With one node off, a failed stop on another is not fenced: too few would be left."""

    async def main():
        on = stage()
        await converged(on)
        victim = on.where("a")[0]
        other = next(name for name in on.world.machines if name != victim)
        on.world.machines[other].power_off()
        await converged(on, "second")
        on.room.devices[other] = Device.BROKEN
        on.world.machines[other].power_off()
        on.world.habits.append(Habit("a", action.Task.STOP, victim, rc=1))
        on.world.machines[victim].die("a")
        await asyncio.sleep(15)
        del on.world.trace[:]
        return on, await converged(on, "third")

    on, ended = clock.run(main())

    assert ended.state in {State.BLOCKED, State.NO_PROGRESS}
    assert not whats(on, What.SWITCHED_OFF)


def test_a_plan_that_is_not_approved_is_not_executed():
    """Neither a refusal nor a stale approval lets anything begin."""

    async def answer(kind):
        on = stage()
        one = on.controller("first")

        async def say(_due, _seen, number):
            assert number == 1
            return kind

        ended = await loop.converge(one.context, on.wanted, deadline_s=60, approve=say)
        return ended.state, whats(on, What.BEGAN)

    assert clock.run(answer(loop.Approval.NO)) == (State.DECLINED, [])
    assert clock.run(answer(loop.Approval.STALE)) == (State.STALE, [])


def test_nothing_leaves_without_an_intent_in_the_journal():
    """A journal that cannot be written refuses every action."""

    async def main():
        on = stage()
        one = on.controller("first")
        one.journal.writable = False
        ended = await one.converge(on.wanted)
        return ended.state, whats(on, What.BEGAN)

    assert clock.run(main()) == (State.STATE_NOT_WRITABLE, [])


def test_an_empty_manifest_is_refused():
    """A manifest without resources is taken for a mistake, unless it is said to be meant."""

    async def main():
        on = stage()
        one = on.controller("first")
        return (await one.converge(desired.Desired("c", nodes=on.wanted.nodes))).state

    assert clock.run(main()) is State.EMPTY


def test_asked_to_stop_it_ends_what_flies_and_begins_nothing():
    """On stop the actions in flight end, nothing new begins, and the lease is given back."""

    async def main():
        on = stage()
        on.world.habits.append(Habit("a", action.Task.START, seconds=4.0))
        stop = asyncio.Event()
        one = on.controller("first")
        running = asyncio.ensure_future(one.converge(on.wanted, stop=stop))
        await asyncio.sleep(2)
        stop.set()
        del on.world.trace[:]
        ended = await running
        leases = [one.live_lease() for one in on.world.machines.values()]
        return ended, whats(on, What.BEGAN), whats(on, What.ENDED), leases

    ended, began, over, leases = clock.run(main())

    assert (ended.state, began, [one.resource for one in over]) == (State.STOPPED, [], ["a"])
    assert leases == [None, None, None]


def test_out_of_time_it_says_so():
    """At the deadline nothing more is begun, and the result is a time-out."""

    async def main():
        on = stage()
        on.world.habits.append(Habit("a", action.Task.START, seconds=15.0))
        return await converged(on, deadline_s=5)

    assert clock.run(main()).state is State.TIMED_OUT


def test_the_wall_clock_decides_nothing():
    """The same seed with another wall clock gives the same actions at the same times."""

    def trace(skew_s):
        async def main():
            on = stage(seed=3)
            on.world.clock.skew_s = skew_s
            await converged(on)
            on.world.machines["n1"].power_off()
            await converged(on, "second")
            return [(one.at, one.what, one.node, one.resource, one.task) for one in on.world.trace]

        return clock.run(main())

    assert trace(0) == trace(-10 * 365 * 86400) == trace(3600)


def test_secrets_are_resolved_for_the_agent_and_kept_nowhere_else():
    """What the journal and the progress are told holds no secret value."""

    async def main():
        on = stage()
        one = on.controller("first")
        await one.converge(on.wanted)
        return one

    one = clock.run(main())

    told = repr(one.journal.entries) + "\n".join(one.diary.lines)
    assert "secret of" not in told
    assert one.journal.entries[0].event == "run-began"
    assert one.journal.entries[-1].event == "run-ended"
