"""The proof that a node is off. Only this file decides what counts.

Every device of a level must say off twice in a row, in separate sessions, with a gap between: a
machine that is being power cycled reads off for about a second. A device that says on after it has
said off contradicts itself, and so does one that goes on saying on. Anything that is no clear answer
is neither: it is asked again until the time is up.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping

from reconciler.frozen import frozen
from reconciler.model.fencing import PowerState
from reconciler.ports import fencing as port

FINAL = frozenset(
    {
        port.FenceFault.BAD_OPTION,
        port.FenceFault.NOT_INSTALLED,
        port.FenceFault.UNAUTHORIZED,
        port.FenceFault.NO_DEVICE,
    }
)
"""Faults that asking again cannot heal."""


class Verdict(enum.Enum):
    """What is known after a round of answers."""

    WAIT_GAP = "wait-gap"
    """All said off, once: to be asked again after the gap."""
    ASK_AGAIN = "ask-again"
    PROVEN = "proven"
    FAILED = "failed"


@frozen
class Confirmation:
    """The rounds of status answers so far, of all devices of a level.

    Attributes:
        gap_s: least time between the two rounds that count.
        give_up_at: when an answer other than off is final, by the monotonic clock.
        off_since: end of the first round of the present row in which all said off.
        ever_off: devices that have said off since they were switched.
        verdict: what follows.
        fault, message: why FAILED.
    """

    gap_s: float
    give_up_at: float
    off_since: float | None = None
    ever_off: frozenset[str] = frozenset()
    verdict: Verdict = Verdict.ASK_AGAIN
    fault: port.FenceFault | None = None
    message: str = ""

    def record(
        self, replies: Mapping[str, port.FenceReply], *, began_at: float, ended_at: float
    ) -> Confirmation:
        """Return the confirmation after one more round of answers, by name of the device."""
        powers = {name: _power(reply) for name, reply in replies.items()}
        off = frozenset(name for name, power in powers.items() if power is PowerState.OFF)
        turned = [name for name, power in powers.items() if power is PowerState.ON]
        relapsed = sorted(self.ever_off.intersection(turned))
        if relapsed:
            return self._failed(
                port.FenceFault.CONTRADICTION, f"{relapsed[0]} said off, and then on"
            )
        if replies and len(off) == len(replies):
            return self._all_off(off, began_at, ended_at)
        final = [one for one in replies.values() if one.fault in FINAL]
        if final or ended_at >= self.give_up_at:
            return self._failed(*_why(powers, replies, final))
        return dataclasses.replace(
            self, off_since=None, ever_off=self.ever_off | off, verdict=Verdict.ASK_AGAIN
        )

    def _all_off(self, off: frozenset[str], began_at: float, ended_at: float) -> Confirmation:
        if self.off_since is not None and began_at - self.off_since >= self.gap_s:
            return dataclasses.replace(self, verdict=Verdict.PROVEN)
        since = ended_at if self.off_since is None else self.off_since
        return dataclasses.replace(
            self, off_since=since, ever_off=self.ever_off | off, verdict=Verdict.WAIT_GAP
        )

    def _failed(self, fault: port.FenceFault, message: str) -> Confirmation:
        return dataclasses.replace(self, verdict=Verdict.FAILED, fault=fault, message=message)


def _power(reply: port.FenceReply) -> PowerState:
    return reply.power if reply.ok else PowerState.UNKNOWN


def _why(
    powers: Mapping[str, PowerState],
    replies: Mapping[str, port.FenceReply],
    final: list[port.FenceReply],
) -> tuple[port.FenceFault, str]:
    still_on = [name for name, power in powers.items() if power is PowerState.ON]
    if still_on:
        return port.FenceFault.CONTRADICTION, f"{still_on[0]} accepted off and still says on"
    for reply in [*final, *replies.values()]:
        if reply.fault is not None:
            return reply.fault, f"no status: {reply.message}"
    return port.FenceFault.FAILED, "no clear status"
