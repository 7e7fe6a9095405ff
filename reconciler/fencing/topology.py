"""Fences a node by the levels of its devices, and proves that it is off.

Levels are tried in their order until one is proven: all of its devices are switched off, then
``confirmation`` decides by separate status queries. ``reboot`` is off, proof, on; what happens to
the ``on`` does not undo the proof.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import random
from collections.abc import Callable, Mapping

from reconciler.fencing import confirmation
from reconciler.frozen import frozen
from reconciler.model import attribute, fencing, secret
from reconciler.ports import clock as clock_port
from reconciler.ports import fencing as port
from reconciler.ports import secrets as secrets_port


@frozen
class Limits:
    """The bounds of fencing; times in seconds.

    Attributes:
        gap_s: between the two status queries that count, at least 1.
        settle_s: how long a device that accepted a command may take to show its effect.
        status_s: bound of one status query.
        poll_s: wait between status queries while the effect does not show.
        backoff_s, backoff_most_s: wait before the first retry, doubled for each further one.
        total_s: bound of fencing one node, all levels together.
        per_node: fences of one node within ``window_s``.
    """

    gap_s: float = 1.2
    settle_s: float = 20.0
    status_s: float = 15.0
    poll_s: float = 0.5
    backoff_s: float = 1.0
    backoff_most_s: float = 8.0
    total_s: float = 900.0
    per_node: int = 3
    window_s: float = 3600.0


DEFAULT = Limits()
"""The bounds that hold unless others are given."""
_DRAW = random.SystemRandom().uniform


class Memory:
    """What outlives a manifest: which nodes and devices are busy, and when a node was fenced.

    Give the same one to each Topology of a process, so that a changed manifest neither lifts the
    limit nor lets a node be fenced twice at once.
    """

    def __init__(self) -> None:
        self.nodes: dict[str, asyncio.Lock] = collections.defaultdict(asyncio.Lock)
        self.devices: dict[str, asyncio.Lock] = collections.defaultdict(asyncio.Lock)
        self.fenced: dict[str, list[float]] = collections.defaultdict(list)


class Topology:
    """The Fencer of a cluster; see the port.

    Args:
        desired: devices and levels.
        driver: speaks to the devices.
        secrets: resolves their options, and cuts secrets out of messages.
        clock: time.
        limits: bounds.
        draw: draws a number between two, for the delay against fencing races.
        memory: shared with other topologies of this process; None: its own.
    """

    def __init__(  # noqa: PLR0913 - one for each port and bound
        self,
        desired: fencing.Fencing,
        driver: port.FenceDriver,
        secrets: secrets_port.Secrets,
        clock: clock_port.Clock,
        *,
        limits: Limits = DEFAULT,
        draw: Callable[[float, float], float] = _DRAW,
        memory: Memory | None = None,
    ) -> None:
        self._desired = desired
        self._memory = memory or Memory()
        self._calls = _Calls(driver, secrets, self._memory)
        self._clock = clock
        self._limits = limits
        self._draw = draw

    async def fence(
        self,
        target: str,
        *,
        reboot: bool,
        report: Callable[[port.FenceStep], None],
        may_act: Callable[[], bool],
        proven: Callable[[port.FenceResult], None] = port.unheard,
    ) -> port.FenceResult:
        """Cut a node off for certain; see the port."""
        began_at = self._clock.now()
        async with self._memory.nodes[target]:
            run = _Run(
                target,
                _World(self._calls, self._clock, self._limits, self._draw),
                report,
                self._permission(target, may_act),
                lambda proof: proven(dataclasses.replace(proof, began_at=began_at)),
            )
            result = await run.fence(self._levels(target), reboot=reboot)
        return dataclasses.replace(
            result, began_at=began_at, ended_at=self._clock.now(), steps=tuple(run.steps)
        )

    async def status(self, target: str) -> tuple[port.FenceStep, ...]:
        """Ask every device of a node for its power state; see the port."""
        steps: list[port.FenceStep] = []
        asked: set[str] = set()
        for number, level in enumerate(self._desired.topology(target), 1):
            for device in level:
                if device.name in asked:
                    continue
                asked.add(device.name)
                reply = await self._calls.ask(
                    device, port.FenceVerb.STATUS, target, self._limits.status_s
                )
                steps.append(
                    port.FenceStep(
                        number, device.name, port.FenceVerb.STATUS, 1, reply, self._clock.now()
                    )
                )
        return tuple(steps)

    async def check(self, device: str) -> port.FenceReply:
        """Ask whether a device can be reached and logged in to."""
        for one in self._desired.devices:
            if one.name == device:
                return await self._calls.ask(one, port.FenceVerb.MONITOR, "", _timeout_s(one))
        return port.FenceReply(
            ok=False, fault=port.FenceFault.NO_DEVICE, message=f"there is no device {device}"
        )

    def _levels(self, target: str) -> tuple[_Level, ...]:
        known = {one.name for one in self._desired.devices}
        named = sorted(
            (one for one in self._desired.levels if one.target == target),
            key=lambda one: one.index,
        )
        found = self._desired.topology(target)
        # A name that stands for no device must not make its level smaller.
        lacks = [tuple(name for name in one.devices if name not in known) for one in named]
        return tuple(
            _Level(number, devices, lacks[number - 1] if lacks else ())
            for number, devices in enumerate(found, 1)
        )

    def _permission(self, target: str, may_act: Callable[[], bool]) -> Callable[[], None]:
        """Return what is called right before every switching call; it raises _EndedError."""
        counted = False

        def require() -> None:
            nonlocal counted
            if not may_act():
                raise _EndedError(
                    port.FenceFault.NOT_ALLOWED, "the lease or the quorum is not held any more"
                )
            if counted:
                return
            now = self._clock.monotonic()
            recent = [at for at in self._memory.fenced[target] if now - at < self._limits.window_s]
            if len(recent) >= self._limits.per_node:
                raise _EndedError(
                    port.FenceFault.LIMIT,
                    f"{target} was fenced {len(recent)} times in the last"
                    f" {self._limits.window_s / 60:.0f} min",
                )
            self._memory.fenced[target] = [*recent, now]
            counted = True

        return require


@frozen
class _Level:
    """A level; ``lacks``: names that stand for no device."""

    number: int
    devices: tuple[fencing.FenceDevice, ...]
    lacks: tuple[str, ...] = ()


class _EndedError(Exception):
    """Fencing ends here, whatever levels there still are."""

    def __init__(self, fault: port.FenceFault, message: str) -> None:
        self.fault = fault
        super().__init__(message)


class _Calls:
    """Calls to devices: options resolved, one call at a time to each device."""

    def __init__(
        self, driver: port.FenceDriver, secrets: secrets_port.Secrets, memory: Memory
    ) -> None:
        self._driver = driver
        self._secrets = secrets
        self._devices = memory.devices

    async def ask(
        self, device: fencing.FenceDevice, verb: port.FenceVerb, target: str, deadline_s: float
    ) -> port.FenceReply:
        if target and device.targets and target not in device.targets:
            return port.FenceReply(
                ok=False,
                fault=port.FenceFault.BAD_OPTION,
                message=f"{device.name} is not for {target}",
            )
        try:
            # A secret may be the output of a program: others must not wait for it.
            options = await asyncio.to_thread(self._secrets.resolve_all, _options(device))
        except secrets_port.SecretUnavailableError as error:
            return port.FenceReply(
                ok=False, fault=port.FenceFault.BAD_OPTION, message=f"no secret: {error}"
            )
        async with self._devices[device.name]:
            reply = await self._driver.call(
                device, verb, target, options, deadline_s=min(deadline_s, _timeout_s(device))
            )
        return dataclasses.replace(reply, message=self._secrets.redact(reply.message))


def _options(device: fencing.FenceDevice) -> Mapping[str, secret.Value]:
    """Return a device's options; the first definition of a name wins, rules do not apply."""
    names = [name for one in device.params if one.rule is None for name in one.pairs]
    ranked = sorted(device.params, key=lambda one: -one.score)
    values = {name: attribute.always(ranked, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _timeout_s(device: fencing.FenceDevice) -> float:
    return device.timeout_ms / 1000


@frozen
class _World:
    """What every fencing uses."""

    calls: _Calls
    clock: clock_port.Clock
    limits: Limits
    draw: Callable[[float, float], float]


class _Run:
    """The fencing of one node, once."""

    def __init__(
        self,
        target: str,
        world: _World,
        report: Callable[[port.FenceStep], None],
        require_permission: Callable[[], None],
        proven: Callable[[port.FenceResult], None],
    ) -> None:
        self._proven = proven
        self._target = target
        self._calls = world.calls
        self._clock = world.clock
        self._limits = world.limits
        self._draw = world.draw
        self._report = report
        self._require_permission = require_permission
        self._end = world.clock.monotonic() + world.limits.total_s
        self._switched: dict[str, tuple[_Level, fencing.FenceDevice]] = {}
        self.steps: list[port.FenceStep] = []

    async def fence(self, levels: tuple[_Level, ...], *, reboot: bool) -> port.FenceResult:
        """Try the levels; never raises."""
        fault, message = port.FenceFault.NO_DEVICE, f"no device can fence {self._target}"
        try:
            failures: list[str] = []
            for level in levels:
                failure = await self._level(level)
                if failure is None:
                    return await self._fenced(level, reboot=reboot)
                fault = failure[0]
                failures.append(f"level {level.number}: {failure[1]}")
            message = "; ".join(failures) or message
        except _EndedError as ended:
            fault, message = ended.fault, str(ended)
        return port.FenceResult(self._target, confirmed_off=False, fault=fault, message=message)

    async def _fenced(self, level: _Level, *, reboot: bool) -> port.FenceResult:
        proof = port.FenceResult(
            self._target,
            confirmed_off=True,
            device=", ".join(device.name for device in level.devices),
        )
        self._proven(
            dataclasses.replace(proof, ended_at=self._clock.now(), steps=tuple(self.steps))
        )
        if not reboot:
            return proof
        try:
            failure = await self._power_on(level)
        except _EndedError as ended:
            failure = str(ended)
        return dataclasses.replace(
            proof, back_on=not failure, message=f"not on again: {failure}" if failure else ""
        )

    async def _level(self, level: _Level) -> tuple[port.FenceFault, str] | None:
        """Switch off and prove; return None, or why the level failed."""
        if level.lacks or not level.devices:
            return port.FenceFault.NO_DEVICE, f"there is no device {', '.join(level.lacks)}"
        for device in level.devices:
            await self._delay(device)
            reply = await self._switch(level, device, port.FenceVerb.OFF)
            if not reply.ok:
                fault = reply.fault or port.FenceFault.FAILED
                return fault, f"{device.name}: {reply.message or fault.value}"
            self._switched[device.name] = level, device
        proof = await self._prove(level)
        if proof.verdict is confirmation.Verdict.PROVEN:
            return None
        return proof.fault or port.FenceFault.FAILED, proof.message

    async def _delay(self, device: fencing.FenceDevice) -> None:
        low, high = device.delay_base_ms / 1000, device.delay_max_ms / 1000
        seconds = self._draw(low, high) if high > low else low
        if seconds > 0:
            await self._clock.sleep(min(seconds, self._remaining()))

    async def _switch(
        self, level: _Level, device: fencing.FenceDevice, verb: port.FenceVerb
    ) -> port.FenceReply:
        wait = self._limits.backoff_s
        attempt = 1
        while True:
            self._require_permission()
            reply = await self._ask(level, device, verb, attempt, _timeout_s(device))
            if reply.ok or reply.fault in confirmation.FINAL or attempt > device.retries:
                return reply
            await self._clock.sleep(min(wait, self._remaining()))
            wait = min(2 * wait, self._limits.backoff_most_s)
            attempt += 1

    async def _prove(self, level: _Level) -> confirmation.Confirmation:
        so_far = confirmation.Confirmation(
            max(1.0, self._limits.gap_s), self._clock.monotonic() + self._limits.settle_s
        )
        attempt = 1
        while True:
            began_at = self._clock.monotonic()
            replies = await self._statuses(level, attempt)
            so_far = so_far.record(replies, began_at=began_at, ended_at=self._clock.monotonic())
            match so_far.verdict:
                case confirmation.Verdict.PROVEN | confirmation.Verdict.FAILED:
                    return so_far
                case confirmation.Verdict.WAIT_GAP:
                    await self._clock.sleep(so_far.gap_s)
                case confirmation.Verdict.ASK_AGAIN:
                    await self._clock.sleep(self._limits.poll_s)
            attempt += 1

    async def _power_on(self, proven: _Level) -> str:
        """Switch everything on again; return why it is not known to be on, or nothing."""
        failures: list[str] = []
        for level, device in self._switched.values():
            reply = await self._switch(level, device, port.FenceVerb.ON)
            if not reply.ok:
                failures.append(f"{device.name}: {reply.message}")
        if failures:
            return "; ".join(failures)
        give_up_at = self._clock.monotonic() + self._limits.settle_s
        attempt = 1
        while True:
            replies = await self._statuses(proven, attempt)
            if all(one.ok and one.power is fencing.PowerState.ON for one in replies.values()):
                return ""
            if self._clock.monotonic() >= give_up_at:
                return "status does not say on"
            await self._clock.sleep(self._limits.poll_s)
            attempt += 1

    async def _statuses(self, level: _Level, attempt: int) -> dict[str, port.FenceReply]:
        return {
            device.name: await self._ask(
                level, device, port.FenceVerb.STATUS, attempt, self._limits.status_s
            )
            for device in level.devices
        }

    async def _ask(
        self,
        level: _Level,
        device: fencing.FenceDevice,
        verb: port.FenceVerb,
        attempt: int,
        deadline_s: float,
    ) -> port.FenceReply:
        step = port.FenceStep(level.number, device.name, verb, attempt, None, self._clock.now())
        self._report(step)
        reply = await self._calls.ask(
            device, verb, self._target, min(deadline_s, self._remaining())
        )
        done = dataclasses.replace(step, reply=reply, at=self._clock.now())
        self.steps.append(done)
        self._report(done)
        return reply

    def _remaining(self) -> float:
        remaining = self._end - self._clock.monotonic()
        if remaining <= 0:
            raise _EndedError(
                port.FenceFault.TIMEOUT, f"not proven off in {self._limits.total_s:.0f} s"
            )
        return remaining
