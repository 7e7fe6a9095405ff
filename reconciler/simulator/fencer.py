"""The ``Fencer`` port over the simulated world: devices that work, fail, hang or lie."""

from __future__ import annotations

import asyncio
import dataclasses
import enum
from collections.abc import Callable

from reconciler.model import fencing as model
from reconciler.ports import fencing
from reconciler.simulator.life import Life
from reconciler.simulator.truth import What
from reconciler.simulator.world import World


class Device(enum.Enum):
    """What the device of a machine is like."""

    HONEST = "honest"
    BROKEN = "broken"
    """It answers that it cannot."""
    SILENT = "silent"
    """It does not answer at all."""
    BOASTER = "boaster"
    """It says that it has switched off, and has not; asked for the state, it says on."""
    LIAR = "liar"
    """It says that it has switched off, and that the state is off; nothing was switched."""


@dataclasses.dataclass(slots=True)
class Room:
    """The fence devices of a world, by machine; HONEST where nothing is said."""

    devices: dict[str, Device] = dataclasses.field(default_factory=dict)
    off_s: float = 0.5
    on_s: float = 0.0
    silence_s: float = 20.0


class SimulatedFencer:
    """Fences machines of the world on behalf of one controller."""

    def __init__(self, world: World, life: Life, room: Room) -> None:
        self._world = world
        self._life = life
        self._room = room

    async def fence(
        self,
        target: str,
        *,
        reboot: bool,
        report: Callable[[fencing.FenceStep], None],
        may_act: Callable[[], bool],
        proven: Callable[[fencing.FenceResult], None] = fencing.unheard,
    ) -> fencing.FenceResult:
        """Switch off, ask twice, a second apart, and switch on again."""
        steps: list[fencing.FenceStep] = []

        def told(verb: fencing.FenceVerb, reply: fencing.FenceReply) -> None:
            step = fencing.FenceStep(1, f"device-{target}", verb, 1, reply, self._world.clock.now())
            steps.append(step)
            report(step)

        await self._life.step()
        began = self._world.clock.now()
        fault = await self._off(target, may_act, told)
        for _ in range(2):
            if fault is None:
                await asyncio.sleep(1.0)
                power = self._power(target)
                told(fencing.FenceVerb.STATUS, fencing.FenceReply(ok=True, power=power))
                if power is not model.PowerState.OFF:
                    fault = fencing.FenceFault.CONTRADICTION
        await self._life.step()
        confirmed = fault is None
        if confirmed:
            proven(fencing.FenceResult(target, confirmed_off=True, device=f"device-{target}"))
        if confirmed and reboot:
            await asyncio.sleep(self._room.on_s)
        back = confirmed and reboot and may_act()
        if back and self._device(target) is Device.HONEST:
            self._world.machines[target].power_on(self._life.name)
        return fencing.FenceResult(
            target,
            confirmed_off=confirmed,
            back_on=back,
            device=f"device-{target}",
            fault=fault,
            message="" if fault is None else f"device-{target}: {fault.value}",
            steps=tuple(steps),
            began_at=began,
            ended_at=self._world.clock.now(),
        )

    async def status(self, target: str) -> tuple[fencing.FenceStep, ...]:
        """Ask the device."""
        reply = fencing.FenceReply(ok=True, power=self._power(target))
        return (fencing.FenceStep(1, f"device-{target}", fencing.FenceVerb.STATUS, 1, reply),)

    async def check(self, device: str) -> fencing.FenceReply:
        """Say whether a device works."""
        honest = self._device(device.removeprefix("device-")) is Device.HONEST
        return fencing.FenceReply(ok=honest)

    async def _off(
        self,
        target: str,
        may_act: Callable[[], bool],
        told: Callable[[fencing.FenceVerb, fencing.FenceReply], None],
    ) -> fencing.FenceFault | None:
        device = self._device(target)
        if device is Device.SILENT:
            await asyncio.sleep(self._room.silence_s)
            return self._fault(told, fencing.FenceFault.TIMEOUT)
        await asyncio.sleep(self._room.off_s)
        await self._life.step()
        if not may_act():
            return self._fault(told, fencing.FenceFault.LIMIT)
        if device is Device.BROKEN:
            return self._fault(told, fencing.FenceFault.FAILED)
        if device is Device.HONEST:
            self._world.machines[target].power_off(What.SWITCHED_OFF, self._life.name)
        told(fencing.FenceVerb.OFF, fencing.FenceReply(ok=True))
        return None

    def _fault(
        self,
        told: Callable[[fencing.FenceVerb, fencing.FenceReply], None],
        fault: fencing.FenceFault,
    ) -> fencing.FenceFault:
        told(fencing.FenceVerb.OFF, fencing.FenceReply(ok=False, fault=fault))
        return fault

    def _device(self, target: str) -> Device:
        return self._room.devices.get(target, Device.HONEST)

    def _power(self, target: str) -> model.PowerState:
        if self._device(target) is Device.LIAR:
            return model.PowerState.OFF
        machine = self._world.machines[target]
        return model.PowerState.ON if machine.powered else model.PowerState.OFF
