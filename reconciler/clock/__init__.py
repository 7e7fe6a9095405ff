"""The clock of this machine."""

from __future__ import annotations

import time


class SystemClock:
    """The clock port on Linux: boot time as the monotonic clock, so suspension counts."""

    def now(self) -> float:
        """Return the wall clock, seconds since 1970."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds since boot, suspended time included."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        import asyncio  # a fifth of a short program's start; not all of them wait

        await asyncio.sleep(max(0.0, seconds))
