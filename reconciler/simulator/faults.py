"""A storm of faults from a seed, and the two phases of a simulation.

Safety first: anything may fail at any time, controllers are killed and started again, and no checker
may ever find anything. Then liveness: everything is mended, and the next controller has to converge.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from reconciler.controller import commands, result
from reconciler.frozen import frozen
from reconciler.model import action, desired
from reconciler.simulator import clock
from reconciler.simulator.controllers import Controller, Schedule
from reconciler.simulator.fencer import Device
from reconciler.simulator.stage import Stage
from reconciler.simulator.world import Habit, Weather


@frozen
class Report:
    """What a simulation has shown.

    Attributes:
        violations: what the checkers found, with the seed; must be empty.
        fired: how often each fault happened.
        armed: how often each checker had something to check.
        final: the result of the last controller, after everything was mended.
        active: what really ran in the end.
        trace: every event, one line each.
    """

    seed: int
    violations: tuple[str, ...]
    fired: dict[str, int]
    armed: dict[str, int]
    final: result.Result | None
    active: dict[str, dict[str, str]]
    trace: tuple[str, ...]
    diary: tuple[str, ...]

    def __str__(self) -> str:
        state = self.final.state.value if self.final is not None else "killed"
        excuse = self.final.message if self.final is not None else ""
        lines = [f"seed {self.seed}: {state} {excuse}", f"active: {self.active}", *self.violations]
        return "\n".join([*lines, "trace:", *self.trace[-60:], "diary:", *self.diary[-40:]])


class Storm:
    """Brings faults into a world, at random times, until it is told to end."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._world = stage.world
        self._room = stage.room
        wanted = stage.wanted
        self._operators = 0
        self._names = tuple(stage.world.machines)
        self._resources = tuple(one.name for one in wanted.resources)
        self.victims: list[Controller] = []
        self.fired: Counter[str] = Counter()
        self._faults: dict[str, Callable[[], None]] = {
            "power-loss": self._power_loss,
            "power-back": self._power_back,
            "freeze": self._freeze,
            "thaw": self._thaw,
            "cut": self._cut,
            "heal": self._heal,
            "resource-dies": self._resource_dies,
            "agent-fails": self._agent_fails,
            "agent-recovers": self._agent_recovers,
            "device": self._device,
            "kill-controller": self._kill,
            "stop-controller": self._stop,
            "bad-weather": self._bad_weather,
            "executor-restarts": self._restart,
            "standby": self._standby,
        }

    async def blow(self, duration_s: float) -> None:
        """Bring a fault every few seconds."""
        ends = self._world.clock.monotonic() + duration_s
        while self._world.clock.monotonic() < ends:
            await asyncio.sleep(self._world.random.expovariate(1 / 6))
            name = self._world.random.choice(sorted(self._faults))
            self.fired[name] += 1
            self._faults[name]()

    def end(self) -> None:
        """Mend everything: power, links, devices, agents, network."""
        world = self._world
        world.weather = Weather()
        world.habits.clear()
        self._room.devices.clear()
        for one in self.victims:
            one.life.go_on()
        for name in self._names:
            world.machines[name].thaw()
            world.machines[name].power_on()
        world.heal()

    def _any(self) -> str:
        return self._world.random.choice(self._names)

    def _power_loss(self) -> None:
        self._world.machines[self._any()].power_off()

    def _power_back(self) -> None:
        for one in self._world.machines.values():
            one.power_on()

    def _freeze(self) -> None:
        self._world.machines[self._any()].freeze()

    def _thaw(self) -> None:
        for one in self._world.machines.values():
            one.thaw()

    def _cut(self) -> None:
        who = self._world.random.choice(["", *(one.life.name for one in self.victims)])
        self._world.cut(self._any(), who)

    def _heal(self) -> None:
        self._world.heal()

    def _resource_dies(self) -> None:
        for one in self._world.machines.values():
            if not one.frozen and one.active:
                one.die(self._world.random.choice(sorted(one.active)))
                return

    def _agent_fails(self) -> None:
        random = self._world.random
        task = random.choice([action.Task.START, action.Task.STOP, action.Task.MONITOR])
        rc = 1 if task is not action.Task.MONITOR else None
        seconds = random.choice([None, 30.0]) if rc is None else None
        self._world.habits.append(
            Habit(random.choice(self._resources), task, self._any(), rc, seconds)
        )

    def _agent_recovers(self) -> None:
        self._world.habits.clear()

    def _device(self) -> None:
        kinds = [Device.HONEST, Device.BROKEN, Device.SILENT, Device.BOASTER]
        self._room.devices[self._any()] = self._world.random.choice(kinds)

    def _kill(self) -> None:
        if self.victims:
            self._world.random.choice(self.victims).life.kill()

    def _stop(self) -> None:
        if self.victims:
            life = self._world.random.choice(self.victims).life
            life.stop()
            self._world.spawn(self._later(life.go_on))

    def _restart(self) -> None:
        busy = [one for one in self._world.machines.values() if one.pending]
        for one in busy or [self._world.machines[self._any()]]:
            one.restart_executor()

    def _standby(self) -> None:
        self._operators += 1
        operator = self._stage.controller(f"operator-{self._operators}")
        on = self._world.random.choice([True, False])
        self._world.spawn(
            operator.live(
                commands.standby(operator.context, self._stage.wanted, self._any(), on=on)
            )
        )

    async def _later(self, work: Callable[[], None]) -> None:
        await asyncio.sleep(self._world.random.uniform(5, 60))
        work()

    def _bad_weather(self) -> None:
        random = self._world.random
        self._world.weather = Weather(
            latency_s=(0.001, random.choice([0.01, 0.5, 2.0])),
            lost_answer=random.choice([0.0, 0.1, 0.3]),
            late_request=random.choice([0.0, 0.1, 0.3]),
            agent_failure=random.choice([0.0, 0.1]),
            agent_hangs=random.choice([0.0, 0.05]),
        )


def simulate(
    wanted: desired.Desired,
    schedule: Schedule,
    *,
    seed: int,
    storm_s: float = 300.0,
    controllers: int = 2,
) -> Report:
    """Simulate one cluster's bad day, and the calm after it."""
    return clock.run(_simulated(wanted, schedule, seed, storm_s, controllers), limit_s=50_000.0)


async def _simulated(
    wanted: desired.Desired, schedule: Schedule, seed: int, storm_s: float, count: int
) -> Report:
    stage = Stage(wanted, schedule, seed=seed)
    world, controller = stage.world, stage.controller
    storm = Storm(stage)
    over = asyncio.Event()
    everyone: list[Controller] = []

    async def actor(number: int) -> None:
        """Start a controller again and again, as a CI job or a service manager does."""
        turn = 0
        while not over.is_set():
            turn += 1
            one = controller(f"actor-{number}-{turn}")
            everyone.append(one)
            storm.victims = [other for other in everyone if not other.life.dead][-count:]
            await one.converge(wanted, deadline_s=120.0, stop=over)
            one.life.kill()
            await asyncio.sleep(world.random.uniform(1, 10))

    actors = [world.spawn(actor(number)) for number in range(count)]
    await storm.blow(storm_s)
    over.set()
    storm.end()
    await asyncio.wait(actors)
    await asyncio.sleep(world.boot_s + 60.0)
    sweeper = controller("sweeper")
    for one in wanted.nodes:
        await sweeper.live(
            commands.standby(sweeper.context, wanted, one.name, on=None, lock_timeout_s=60.0)
        )
    for top in wanted.resources:
        await sweeper.live(commands.cleanup(sweeper.context, wanted, top.name, lock_timeout_s=60.0))
    final = None
    for turn in range(3):
        last = controller(f"last-{turn}")
        everyone.append(last)
        final = await last.converge(wanted, deadline_s=1200.0, lock_timeout_s=60.0)
    return Report(
        seed=seed,
        violations=tuple(world.violations),
        fired=dict(storm.fired),
        armed={type(one).__name__: one.armed for one in stage.suite},
        final=final,
        active={name: dict(places) for name, places in world.active().items()},
        trace=tuple(str(one) for one in world.trace if one.what.value != "accepted"),
        diary=tuple(sorted(line for one in everyone for line in one.diary.lines)),
    )
