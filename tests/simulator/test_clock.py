"""Virtual time."""

from __future__ import annotations

import asyncio

import pytest

from reconciler.simulator import clock


def test_hours_pass_at_once_and_in_order():
    """Timers fire in the order of their times, and the clock says exactly those times."""
    seen = []

    async def wait(seconds):
        await clock.VirtualClock().sleep(seconds)
        seen.append(round(clock.VirtualClock().monotonic()))

    async def main():
        await asyncio.gather(*(wait(seconds) for seconds in (7200, 60, 3600)))

    clock.run(main())

    assert seen == [60, 3600, 7200]


def test_time_outs_follow_virtual_time():
    """Asyncio's own time-outs read the same clock."""

    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(100):
                await asyncio.sleep(1000)
        return clock.VirtualClock().monotonic()

    assert clock.run(main()) == pytest.approx(100, abs=0.01)


def test_a_deadlock_is_an_error():
    """Waiting for what can never happen ends with an error instead of hanging."""

    async def main():
        await asyncio.Event().wait()

    with pytest.raises(clock.DeadlockError):
        clock.run(main())


def test_a_simulation_is_bounded():
    """Something that goes on for ever is ended at the limit."""

    async def main():
        await clock.VirtualClock().sleep(1000)

    with pytest.raises(clock.OutOfTimeError):
        clock.run(main(), limit_s=50)


def test_the_wall_clock_may_be_wrong():
    """The wall clock can be set off; the monotonic one cannot."""

    async def main():
        right, wrong = clock.VirtualClock(), clock.VirtualClock(skew_s=-3600)
        return right.now() - wrong.now(), right.monotonic() - wrong.monotonic()

    assert clock.run(main()) == (3600, 0)
