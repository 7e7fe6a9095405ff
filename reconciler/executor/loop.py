"""The event loop: one thread, coroutines, timers, descriptors, signals and child exits.

Not asyncio, for three reasons: this daemon idles on every node (asyncio is half of its memory),
it forks (safe only without threads), and it must reap every child, adopted ones included, in one
place. Callbacks never run inside each other: each is called from `run`.
"""

from __future__ import annotations

import heapq
import os
import selectors
import signal
import sys
import traceback
from collections import deque
from typing import (
    Any,
    Callable,
    Coroutine,
    Deque,
    Dict,
    Generator,
    Generic,
    List,
    Optional,
    Tuple,
    TypeVar,
)

from reconciler.executor import clock

T = TypeVar("T")
_SIGNAL_BYTES = 512


class Future(Generic[T]):
    """A value that is there later; `await` it in a coroutine of the same loop."""

    __slots__ = ("_callbacks", "_error", "_loop", "_value", "done")

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._callbacks: List[Callable[[], None]] = []
        self._error: Optional[BaseException] = None
        self._value: Any = None
        self.done = False

    def set(self, value: T) -> None:
        """Give the value; a second value is ignored."""
        self._finish(value, None)

    def fail(self, error: BaseException) -> None:
        """Give an error instead of a value."""
        self._finish(None, error)

    def _finish(self, value: Any, error: Optional[BaseException]) -> None:
        if self.done:
            return
        self.done, self._value, self._error = True, value, error
        for callback in self._callbacks:
            self._loop.call_soon(callback)
        self._callbacks.clear()

    def when_done(self, callback: Callable[[], None]) -> None:
        """Call `callback` from the loop once the value is there."""
        if self.done:
            self._loop.call_soon(callback)
        else:
            self._callbacks.append(callback)

    def result(self) -> T:
        """Return the value or raise the error."""
        assert self.done  # noqa: S101  a coroutine is resumed only when its future is done
        if self._error is not None:
            raise self._error
        value: T = self._value
        return value

    def __await__(self) -> Generator[Future[Any], None, T]:
        if not self.done:
            yield self
        return self.result()


class Timer:
    """A call that is due at a time; it can be cancelled."""

    __slots__ = ("call", "due")

    def __init__(self, due: float, call: Callable[[], None]) -> None:
        self.due = due
        self.call: Optional[Callable[[], None]] = call

    def cancel(self) -> None:
        """Do not call."""
        self.call = None

    def fire(self) -> None:
        """Call, unless it was cancelled in this very turn."""
        if self.call is not None:
            self.call()


class Loop:
    """Runs callbacks until it is stopped.

    `turn_end` is called whenever nothing is left to do at once: the journal writes there, one
    write for all that happened in the turn.
    """

    def __init__(self) -> None:
        self.turn_end: Callable[[], None] = lambda: None
        self._ready: Deque[Callable[[], None]] = deque()
        self._timers: List[Tuple[float, int, Timer]] = []
        self._order = 0
        self._selector = selectors.DefaultSelector()
        self._children: Dict[int, Callable[[int], None]] = {}
        self._signals: Dict[int, Callable[[], None]] = {}
        self._running = True
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        self.watch(self._wake_read, selectors.EVENT_READ, self._read_signals)
        self.on_signal(signal.SIGCHLD, self._reap)

    def call_soon(self, call: Callable[[], None]) -> None:
        """Call in this turn, after what is already waiting."""
        self._ready.append(call)

    def call_at(self, due: float, call: Callable[[], None]) -> Timer:
        """Call at the monotonic time `due` (seconds)."""
        timer = Timer(due, call)
        self._order += 1
        heapq.heappush(self._timers, (due, self._order, timer))
        return timer

    def call_later(self, delay_s: float, call: Callable[[], None]) -> Timer:
        """Call after `delay_s` seconds."""
        return self.call_at(clock.monotonic() + delay_s, call)

    def sleep(self, delay_s: float) -> Future[None]:
        """Return a future that is done after `delay_s` seconds."""
        woken: Future[None] = Future(self)
        self.call_later(delay_s, lambda: woken.set(None))
        return woken

    def within(self, future: Future[Any], delay_s: float) -> Future[bool]:
        """Return a future that says whether `future` was done within `delay_s` seconds."""
        settled: Future[bool] = Future(self)
        timer = self.call_later(delay_s, lambda: settled.set(False))

        def done() -> None:
            timer.cancel()
            settled.set(True)

        future.when_done(done)
        return settled

    def start(self, coroutine: Coroutine[Any, None, T]) -> Future[T]:
        """Run a coroutine; the returned future has its value or error."""
        done: Future[T] = Future(self)

        def step() -> None:
            try:
                waited = coroutine.send(None)
            except StopIteration as stop:
                done.set(stop.value)
            except Exception as error:  # noqa: BLE001  it is the future's error, raised where that is awaited
                done.fail(error)
            else:
                waited.when_done(step)

        self.call_soon(step)
        return done

    def background(self, coroutine: Coroutine[Any, None, Any]) -> None:
        """Run a coroutine nobody waits for; its error is printed, and the daemon goes on."""
        done = self.start(coroutine)

        def report() -> None:
            try:
                done.result()
            except Exception:  # noqa: BLE001  one failed task must not take the node's monitors down
                traceback.print_exc(file=sys.stderr)

        done.when_done(report)

    def watch(self, descriptor: int, events: int, call: Callable[[], None]) -> None:
        """Call whenever the descriptor is ready for `events` (replaces an earlier watch)."""
        try:
            self._selector.modify(descriptor, events, call)
        except KeyError:
            self._selector.register(descriptor, events, call)

    def unwatch(self, descriptor: int) -> None:
        """Forget the descriptor; unknown ones are fine."""
        try:
            self._selector.unregister(descriptor)
        except (KeyError, ValueError):
            return

    def on_signal(self, number: int, call: Callable[[], None]) -> None:
        """Call from the loop after the signal came."""
        self._signals[number] = call
        signal.signal(number, lambda _number, _frame: None)

    def on_exit(self, pid: int, call: Callable[[int], None]) -> None:
        """Call with the wait status once the child `pid` has ended."""
        self._children[pid] = call

    def close(self) -> None:
        """Give the loop's descriptors back."""
        self._selector.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def stop(self) -> None:
        """Let `run` return after this turn."""
        self._running = False

    def run(self) -> None:
        """Run until `stop`."""
        while self._running:
            while self._ready:
                self._ready.popleft()()
            self.turn_end()
            if self._ready or not self._running:
                continue
            for key, _events in self._selector.select(self._patience()):
                self._ready.append(key.data)
            self._take_due()

    def _patience(self) -> Optional[float]:
        while self._timers and self._timers[0][2].call is None:
            heapq.heappop(self._timers)
        if not self._timers:
            return None
        return max(0.0, self._timers[0][0] - clock.monotonic())

    def _take_due(self) -> None:
        now = clock.monotonic()
        while self._timers and self._timers[0][0] <= now:
            timer = heapq.heappop(self._timers)[2]
            self._ready.append(timer.fire)

    def _read_signals(self) -> None:
        try:
            numbers = os.read(self._wake_read, _SIGNAL_BYTES)
        except BlockingIOError:
            return
        for number in sorted(set(numbers)):
            if number in self._signals:
                self._signals[number]()

    def _reap(self) -> None:
        """Collect every ended child; as process 1 also those that were adopted."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            call = self._children.pop(pid, None)
            if call is not None:
                call(status)
