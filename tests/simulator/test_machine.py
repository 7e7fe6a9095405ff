"""The simulated executor keeps the promises of the real one's protocol."""

from __future__ import annotations

import asyncio

import pytest

from reconciler.model import action, node, observed, outcome
from reconciler.ports import nodes
from reconciler.simulator import clock, example
from reconciler.simulator.life import Life
from reconciler.simulator.nodes import SimulatedTransport
from reconciler.simulator.truth import What
from reconciler.simulator.world import Habit, World

START = action.Action(
    "start",
    action.ActionKind.RESOURCE,
    action.Task.START,
    resource="a",
    node="n1",
    agent=example.DUMMY,
)


async def connected(world, who="c"):
    """Return a connection to n1."""
    transport = SimulatedTransport(world, Life(who))
    return await transport.connect(node.Node("n1"), deadline_s=3)


async def perform(connection, step=START, action_id="id", token=1, boot_id="n1-boot-1"):
    """Have an action done."""
    return await connection.perform(
        step, action_id=action_id, token=token, boot_id=boot_id, params={}
    )


def played(play):
    """Play in a world of one machine; return what the play returns."""

    async def main():
        world = World(("n1",))
        return await play(world, await connected(world))

    return clock.run(main())


def test_an_action_id_never_runs_twice():
    """Sent again, while it runs or later, the same id gives the recorded result."""

    async def play(world, connection):
        both = await asyncio.gather(perform(connection), perform(connection))
        again = await perform(connection)
        began = [one for one in world.trace if one.what is What.BEGAN]
        return [*both, again], len(began)

    results, began = played(play)

    assert {one.kind for one in results} == {outcome.OutcomeKind.SUCCESS}
    assert began == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"token": 1}, outcome.RefusalCode.STALE_TOKEN),
        ({"boot_id": "n1-boot-0"}, outcome.RefusalCode.WRONG_BOOT),
        (
            {"step": START._replace(revision=3)},
            outcome.RefusalCode.REVISION_CHANGED,
        ),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_runs(change, code):
    """An old token, another boot and a changed history are refusals."""

    async def play(world, connection):
        world.machines["n1"].token = 2
        result = await perform(connection, **{"token": 2, **change})
        return result.refusal, world.machines["n1"].active

    assert played(play) == (code, {})


def test_one_action_of_a_resource_at_a_time():
    """A second action of the same resource is refused while one runs."""

    async def play(world, connection):
        del world
        results = await asyncio.gather(
            perform(connection, action_id="one"), perform(connection, action_id="two")
        )
        return {one.refusal for one in results}

    assert played(play) == {None, outcome.RefusalCode.BUSY}


def test_the_intent_stands_in_the_history_before_the_agent_ends():
    """While an agent runs its entry is pending, and the report says that it runs."""

    async def play(world, connection):
        world.habits.append(Habit("a", action.Task.START, seconds=5.0))
        running = asyncio.ensure_future(perform(connection))
        await asyncio.sleep(1)
        report = await connection.observe(deadline_s=3)
        await running
        return report

    report = played(play)

    (entry,) = report.histories["a"].operations
    assert entry.status is observed.OperationStatus.PENDING
    assert [one.action_id for one in report.running] == ["id"]


def test_power_loss_voids_everything_but_token_and_records():
    """After a power cycle there is a new boot, no history and no process."""

    async def play(world, connection):
        await perform(connection, token=7)
        await connection.put_record(7, "k", nodes.Record("v", (7, 1)))
        world.machines["n1"].power_off()
        world.machines["n1"].power_on()
        await asyncio.sleep(60)
        with pytest.raises(nodes.NodeUnreachableError):
            await connection.observe(deadline_s=3)
        fresh = await connected(world)
        return await fresh.observe(deadline_s=3), world.active()

    report, active = played(play)

    assert (report.boot_id, report.token, list(report.records)) == ("n1-boot-2", 7, ["k"])
    assert (dict(report.histories), dict(active)) == ({}, {})


def test_an_older_record_does_not_replace_a_newer_one():
    """Versions decide, not the order of arrival."""

    async def play(world, connection):
        for version in ((2, 1), (1, 9)):
            await connection.put_record(3, "k", nodes.Record(version, version))
        return world.machines["n1"].records["k"].value

    assert played(play) == (2, 1)


def test_a_closed_connection_cuts_its_lease_short():
    """Two seconds after the holder's connection has gone somebody else can have the lease."""

    async def play(world, connection):
        first, second = (nodes.LeaseHolder(who, "h", "u", 1, "apply", 0.0) for who in "cd")
        await connection.acquire_lease(first, 1, 60.0)
        other = await connected(world, "d")
        with pytest.raises(nodes.LeaseHeldError):
            await other.acquire_lease(second, 2, 60.0)
        await connection.close()
        await asyncio.sleep(2.5)
        await other.acquire_lease(second, 2, 60.0)
        return world.machines["n1"].live_lease().holder.id

    assert played(play) == "d"
