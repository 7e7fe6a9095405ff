"""The event loop: order, timers, coroutines and ended children."""

import os

import pytest

from reconciler.executor import loop as event_loop


@pytest.fixture
def loop():
    """A loop whose signal handling is taken away again."""
    import signal

    before = signal.getsignal(signal.SIGCHLD)
    made = event_loop.Loop()
    yield made
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, before)
    made.close()


def run(loop, coroutine):
    """Run a coroutine to its end; returns its value."""
    done = loop.start(coroutine)
    done.when_done(loop.stop)
    loop.run()
    return done.result()


def test_a_coroutine_waits_and_returns(loop):
    """Values come back through awaited coroutines and futures."""

    async def inner():
        await loop.sleep(0.01)
        return 2

    async def outer():
        return 1 + await inner()

    assert run(loop, outer()) == 3


def test_errors_go_to_who_waits(loop):
    """An error is raised where the future is awaited, and nowhere else."""

    async def failing():
        raise ValueError("no")

    async def waiting():
        with pytest.raises(ValueError, match="no"):
            await loop.start(failing())
        return True

    assert run(loop, waiting())


def test_a_failed_background_task_stops_nothing(loop, capfd):
    """A background error is printed, and the loop goes on."""

    async def failing():
        raise ValueError("printed")

    async def rest():
        loop.background(failing())
        await loop.sleep(0.01)
        return "on"

    assert run(loop, rest()) == "on"
    assert "printed" in capfd.readouterr().err


def test_timers_fire_in_order_and_can_be_cancelled(loop):
    """Timers are called by time; a cancelled one never, not even in its own turn."""
    called = []

    async def scenario():
        loop.call_later(0.02, lambda: called.append("second"))
        loop.call_later(0.01, lambda: called.append("first"))
        cancelled = loop.call_later(0.01, lambda: called.append("never"))
        loop.call_later(0.005, cancelled.cancel)
        await loop.sleep(0.05)

    run(loop, scenario())
    assert called == ["first", "second"]


def test_within_says_whether_it_was_in_time(loop):
    """A future that is done in time gives true, one that is late false."""

    async def scenario():
        never = event_loop.Future(loop)
        return [await loop.within(loop.sleep(0), 5), await loop.within(never, 0.01)]

    assert run(loop, scenario()) == [True, False]


def test_the_turns_end_comes_after_everything_ready(loop):
    """What happens in one turn is seen together at its end."""
    seen, ends = [], []
    loop.turn_end = lambda: ends.append(len(seen))

    async def scenario():
        for _call in range(3):
            loop.call_soon(lambda: seen.append(1))
        await loop.sleep(0.01)

    run(loop, scenario())
    assert 3 in ends
    assert not {1, 2} & set(ends)


def test_a_child_is_reaped_with_its_status(loop):
    """An ended child's wait status arrives, and no zombie is left."""

    async def scenario():
        ended = event_loop.Future(loop)
        pid = os.fork()
        if pid == 0:
            os._exit(7)
        loop.on_exit(pid, ended.set)
        return pid, await ended

    pid, status = run(loop, scenario())
    assert os.waitstatus_to_exitcode(status) == 7
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def test_it_stops_with_nothing_left_to_do(loop):
    """Stopping needs no event to wake up for."""
    loop.call_soon(loop.stop)
    loop.run()
