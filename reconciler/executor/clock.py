"""The node's clocks: wall time for people, boot time for leases, monotonic time for waiting."""

from __future__ import annotations

import time

BOOT_ID_FILE = "/proc/sys/kernel/random/boot_id"


def wall() -> float:
    """Return seconds since the epoch; shown to people, never decides anything."""
    return time.time()


def boottime_ms() -> int:
    """Return milliseconds since boot, time in suspend included: a sleeping holder loses its lease."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def monotonic() -> float:
    """Return seconds for time-outs and schedules."""
    return time.monotonic()


def fresh_uuid() -> str:
    """Return a random UUID from the kernel (importing `uuid` would cost a megabyte)."""
    with open("/proc/sys/kernel/random/uuid", encoding="ascii") as source:  # noqa: PTH123  pathlib costs memory
        return source.read().strip()


def read_boot_id(path: str) -> str:
    """Return the boot id in the file `path`.

    Raises:
        ValueError: The file holds none.
    """
    with open(path, encoding="ascii") as source:  # noqa: PTH123  pathlib costs memory
        boot_id = source.read(256).strip()
    if not boot_id:
        raise ValueError(f"{path} holds no boot id")
    return boot_id
