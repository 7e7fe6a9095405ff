"""The clock of this machine tells, measures and waits."""

import time

from reconciler.clock import SystemClock


async def test_waiting_takes_at_least_the_time_asked_for():
    """A sleep does not end early by the monotonic clock."""
    clock = SystemClock()
    before = clock.monotonic()

    await clock.sleep(0.05)

    assert clock.monotonic() - before >= 0.045


async def test_a_negative_wait_returns_at_once():
    """A deadline that has passed is no error."""
    await SystemClock().sleep(-1)


def test_the_wall_clock_is_the_machine_s():
    """now() is the system's time."""
    assert abs(SystemClock().now() - time.time()) < 5
