"""One actor at a time."""

from __future__ import annotations

import asyncio

import pytest

from reconciler.controller import session
from reconciler.controller.result import State
from reconciler.ports import nodes
from reconciler.scheduler import pipeline
from reconciler.simulator import clock, example
from reconciler.simulator.stage import Stage


def stage(*names):
    """Return a stage with some nodes."""
    return Stage(example.cluster(names or example.THREE), pipeline.schedule)


async def taken(on, name, **rest):
    """Return an open session that holds the lease, and what closes it."""
    opening = session.opened(on.controller(name).context, on.wanted)
    held = await opening.__aenter__()
    view = await held.look()
    try:
        got = await held.take_lease(view, wait_s=rest.get("wait_s", 0.0))
    except nodes.LeaseHeldError:
        await opening.__aexit__(None, None, None)
        raise
    return (held if got else None), opening


def test_the_token_is_above_every_one_seen():
    """A new lease takes the highest token of all nodes, plus one."""

    async def main():
        on = stage()
        on.world.machines["n2"].token = 41
        held, opening = await taken(on, "one")
        token = held.lease.token
        await opening.__aexit__(None, None, None)
        return token, [one.live_lease() for one in on.world.machines.values()]

    assert clock.run(main()) == (42, [None, None, None])


def test_it_lasts_by_renewal_and_ends_with_the_majority():
    """Renewals keep it for as long as a majority grants them, and not a ttl longer."""

    async def main():
        on = stage()
        held, opening = await taken(on, "one")
        await asyncio.sleep(300)
        kept = held.may_act()
        on.world.cut("n1")
        await asyncio.sleep(60)
        with_two = held.may_act()
        on.world.cut("n2")
        await asyncio.sleep(20)
        with_one = held.lease.held(), held.alarm.rung
        on.world.heal()
        await opening.__aexit__(None, None, None)
        return kept, with_two, with_one

    assert clock.run(main()) == (True, True, (False, True))


def test_it_is_over_here_before_it_can_be_over_there():
    """Without renewals it is not held any more while every node still grants it."""

    async def main():
        on = stage()
        on.world.weather.latency_s = (0.2, 0.3)
        held, opening = await taken(on, "one")
        await held.end_keeping()
        for name in on.world.machines:
            on.world.cut(name)
        for _ in range(2000):
            if held.lease.held():
                await asyncio.sleep(0.01)
        assert not held.lease.held()
        still = [one.live_lease() is not None for one in on.world.machines.values()]
        await opening.__aexit__(None, None, None)
        return still

    assert clock.run(main()) == [True, True, True]


def test_the_holder_is_named():
    """Whoever comes second is told who acts, on which host."""

    async def main():
        on = stage()
        _, opening = await taken(on, "one")
        with pytest.raises(nodes.LeaseHeldError) as caught:
            await taken(on, "two")
        await opening.__aexit__(None, None, None)
        return caught.value.holder

    holder = clock.run(main())

    assert (holder.id, holder.host) == ("one", "host")


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_many_at_once_get_it_one_after_the_other(count):
    """Contenders that split the nodes give back and try again: never two, and in the end each."""

    async def main():
        on = stage("n1", "n2", "n3", "n4")
        holding = 0
        worst = 0

        async def contend(name):
            nonlocal holding, worst
            held, opening = await taken(on, name, wait_s=300)
            assert held is not None
            holding += 1
            worst = max(worst, holding)
            await asyncio.sleep(3)
            holding -= 1
            await opening.__aexit__(None, None, None)
            return held.lease

        await asyncio.gather(*(contend(f"c{number}") for number in range(count)))
        return worst

    assert clock.run(main()) == 1


def test_a_minority_cannot_grant_it():
    """With less than a majority answering there is no lease, and no holder to name."""

    async def main():
        on = stage()
        on.world.cut("n1")
        on.world.cut("n2")
        held, opening = await taken(on, "one")
        await opening.__aexit__(None, None, None)
        return held

    assert clock.run(main()) is None


def test_a_node_that_comes_later_gets_the_lease_too():
    """A lease taken on two of three nodes spreads to the third, so that losing one does no harm."""

    async def main():
        on = stage()
        on.world.cut("n3")
        held, opening = await taken(on, "one")
        on.world.heal()
        await asyncio.sleep(2)
        await held.look()
        await held.look()
        on.world.cut("n1")
        await asyncio.sleep(30)
        kept = held.lease.held()
        await opening.__aexit__(None, None, None)
        return kept

    assert clock.run(main())


def test_a_higher_token_ends_it():
    """Once a node has seen a higher token, writing a record says that the lease is lost."""

    async def main():
        on = stage()
        held, opening = await taken(on, "one")
        for one in on.world.machines.values():
            one.token = 99
        stored = await held.put({"standby/n1": True})
        lost = held.lease.lost
        await opening.__aexit__(None, None, None)
        return stored, lost

    stored, lost = clock.run(main())

    assert not stored
    assert "99" in lost


def test_cancelling_gives_it_back():
    """A run that is cancelled releases the lease on its way out."""

    async def main():
        on = stage()
        running = asyncio.ensure_future(on.controller("one").converge(on.wanted))
        await asyncio.sleep(0.1)
        before = [one.live_lease() is not None for one in on.world.machines.values()]
        running.cancel()
        await asyncio.wait([running])
        await asyncio.sleep(1)
        after = [one.live_lease() is not None for one in on.world.machines.values()]
        ended = await on.controller("two").converge(on.wanted)
        return before, after, ended.state

    assert clock.run(main()) == ([True] * 3, [False] * 3, State.CONVERGED)
