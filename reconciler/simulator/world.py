"""The truth of a simulated cluster: machines, power, links, and what really runs where."""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any, Protocol

from reconciler.frozen import frozen
from reconciler.model import action, node
from reconciler.simulator import clock, machine
from reconciler.simulator.truth import Happening, What


class Checker(Protocol):
    """Compares every event with the truth."""

    def check(self, world: World, happening: Happening) -> str:
        """Return what is wrong; empty: nothing."""
        ...


@dataclasses.dataclass(slots=True)
class Weather:
    """How bad the network and the agents are; probabilities in [0, 1], times in seconds.

    Attributes:
        latency_s: least and longest time of a message.
        lost_answer: the answer to an action never comes; it was carried out all the same.
        late_request: a request for an action is delivered ``late_s`` later.
        agent_failure: an agent does nothing, and exits with 1.
        agent_hangs: an agent does not end within its time-out.
    """

    latency_s: tuple[float, float] = (0.001, 0.005)
    lost_answer: float = 0.0
    late_request: float = 0.0
    late_s: float = 60.0
    agent_failure: float = 0.0
    agent_hangs: float = 0.0


@frozen
class Habit:
    """What an agent always does for one resource and task, on one node or (empty) on all.

    Attributes:
        rc: exits with it and does nothing; None: works.
        seconds: how long it takes; None: as others do.
    """

    resource: str
    task: action.Task
    node: str = ""
    rc: int | None = None
    seconds: float | None = None


class World:
    """Everything that is true.

    Args:
        nodes: names of the machines; all are up, and nothing runs.
        seed: of everything that is random.
        checkers: told of every event.
        boot_s: how long a machine takes from power to an executor that answers.
    """

    def __init__(
        self,
        nodes: Iterable[str],
        *,
        seed: int = 0,
        checkers: Iterable[Checker] = (),
        boot_s: float = 20.0,
    ) -> None:
        self.seed = seed
        self.random = random.Random(seed)  # noqa: S311 - reproducible faults, nothing secret
        self.weather = Weather()
        self.habits: list[Habit] = []
        self.clock = clock.VirtualClock()
        self.boot_s = boot_s
        self.trace: list[Happening] = []
        self.violations: list[str] = []
        self.checkers = tuple(checkers)
        self.cuts: set[tuple[str, str]] = set()
        self.changed = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self.machines = {name: machine.Machine(self, name) for name in nodes}

    def happen(self, what: What, name: str = "", **facts: Any) -> None:
        """Write an event down and have it checked."""
        one = Happening(self.clock.monotonic(), what, name, **facts)
        self.trace.append(one)
        for checker in self.checkers:
            wrong = checker.check(self, one)
            if wrong:
                self.violations.append(f"seed {self.seed}, {one}: {wrong}")

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Let something go on by itself, whoever started it."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def chance(self, probability: float) -> bool:
        """Throw the dice."""
        return probability > 0 and self.random.random() < probability

    def linked(self, who: str, name: str) -> bool:
        """Tell whether messages pass between a controller and a machine."""
        return (who, name) not in self.cuts and ("", name) not in self.cuts

    def cut(self, name: str, who: str = "") -> None:
        """Cut the link of a machine to one controller, or (empty) to all."""
        self.cuts.add((who, name))
        self.happen(What.CUT, name, who=who)

    def heal(self, name: str | None = None) -> None:
        """Mend the links of one machine, or of all."""
        self.cuts = {one for one in self.cuts if name is not None and one[1] != name}
        self.happen(What.HEALED, name or "")
        self.stir()

    def stir(self) -> None:
        """Wake everything that waits for the world to change."""
        self.changed.set()
        self.changed = asyncio.Event()

    async def travel(self, who: str, name: str) -> None:
        """Bring one message over; waits for as long as the link is cut or the machine cannot."""
        await asyncio.sleep(self.random.uniform(*self.weather.latency_s))
        while not (self.linked(who, name) and self.machines[name].listening):
            await self.changed.wait()

    def active(self) -> Mapping[str, Mapping[str, str]]:
        """Return what really runs: resource to machine to role."""
        found: dict[str, dict[str, str]] = {}
        for name, one in self.machines.items():
            for resource, role in one.active.items():
                found.setdefault(resource, {})[name] = role.value
        return {key: dict(sorted(found[key].items())) for key in sorted(found)}

    def habit(self, resource: str, task: action.Task, name: str) -> Habit | None:
        """Return how an agent behaves there, if in any special way."""
        for one in self.habits:
            if (one.resource, one.task) == (resource, task) and one.node in {"", name}:
                return one
        return None

    def targets(self) -> tuple[node.Node, ...]:
        """Return the machines as nodes of a manifest."""
        return tuple(node.Node(name) for name in self.machines)
