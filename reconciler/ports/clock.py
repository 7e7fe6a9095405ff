"""The clock port: the only source of time above the core."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Time to tell, time to measure, and waiting."""

    def now(self) -> float:
        """Return the wall clock, seconds since 1970. For people and for ``Observed.now`` only."""
        ...

    def monotonic(self) -> float:
        """Return seconds of a clock that never goes back and counts suspended time."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...
