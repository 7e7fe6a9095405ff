"""The fencing ports: one call to one device, and the fencing of a node by its topology."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Protocol

from reconciler.frozen import frozen
from reconciler.model import fencing


class FenceVerb(enum.Enum):
    """What a device is asked."""

    OFF = "off"
    ON = "on"
    STATUS = "status"
    MONITOR = "monitor"
    LIST = "list"


class FenceFault(enum.Enum):
    """Why a call failed, as far as the device lets one tell."""

    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    UNAUTHORIZED = "unauthorized"
    CONTRADICTION = "contradiction"
    """It claimed success, and a separate status query says otherwise."""
    BAD_OPTION = "bad-option"
    NOT_INSTALLED = "not-installed"
    FAILED = "failed"
    NO_DEVICE = "no-device"
    LIMIT = "limit"
    NOT_ALLOWED = "not-allowed"
    """``may_act`` said no: the lease or the quorum is not held any more."""


@frozen
class FenceReply:
    """What came of one call to one device.

    Attributes:
        ok: the device did, or answered, what was asked.
        power: what it says of the power; UNKNOWN where it says nothing clear.
        fault: why not ok.
        message: the device's own words, redacted.
    """

    ok: bool
    power: fencing.PowerState = fencing.PowerState.UNKNOWN
    fault: FenceFault | None = None
    message: str = ""


class FenceDriver(Protocol):
    """Speaks to one kind of device. Never raises; every call ends within ``deadline_s``."""

    async def call(
        self,
        device: fencing.FenceDevice,
        verb: FenceVerb,
        target: str,
        options: Mapping[str, str],
        *,
        deadline_s: float,
    ) -> FenceReply:
        """Ask the device; ``options`` are resolved (secrets included) and complete."""
        ...


@frozen
class FenceStep:
    """One step of fencing a node, for progress and history.

    Attributes:
        level: 1-based number of the topology level.
        device: its name.
        verb: what was asked; ``attempt`` counts from 1.
        reply: what came of it; None while it is being asked.
    """

    level: int
    device: str
    verb: FenceVerb
    attempt: int
    reply: FenceReply | None = None
    at: float = 0.0


@frozen
class FenceResult:
    """What came of fencing a node.

    Attributes:
        confirmed_off: a device said off, and separate status queries said off twice, a second
            apart. Only this is proof.
        back_on: power was switched on again (reboot).
        device: which device proved it.
        steps: everything that was tried, in order.
    """

    node: str
    confirmed_off: bool
    back_on: bool = False
    device: str = ""
    fault: FenceFault | None = None
    message: str = ""
    steps: tuple[FenceStep, ...] = ()
    began_at: float = 0.0
    ended_at: float = 0.0


def unheard(_result: FenceResult) -> None:
    """For whoever waits for the whole of a fencing."""


class Fencer(Protocol):
    """Fences nodes by the devices and levels of a cluster."""

    async def fence(
        self,
        target: str,
        *,
        reboot: bool,
        report: Callable[[FenceStep], None],
        may_act: Callable[[], bool],
        proven: Callable[[FenceResult], None] = unheard,
    ) -> FenceResult:
        """Cut a node off for certain; asks ``may_act`` right before every switching call.

        ``may_act`` says whether the lease and the quorum are still held. Never raises; bounded in
        time. With ``reboot`` the node is switched on again after it was proven off; ``proven`` is
        told before that, so that nobody has to wait for it.
        """
        ...

    async def status(self, target: str) -> tuple[FenceStep, ...]:
        """Ask every device of a node for its power state, switching nothing."""
        ...

    async def check(self, device: str) -> FenceReply:
        """Ask whether a device can be reached and logged in to."""
        ...
