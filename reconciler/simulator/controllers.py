"""A controller in a simulated world: the real code, with the simulated ports."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from reconciler.controller import context, loop, result
from reconciler.model import action, desired, observed, outcome, plan, secret
from reconciler.ports import fencing, journal, nodes, progress
from reconciler.simulator.fencer import Room, SimulatedFencer
from reconciler.simulator.life import Life
from reconciler.simulator.nodes import SimulatedTransport
from reconciler.simulator.truth import What
from reconciler.simulator.world import World

Schedule = Callable[[desired.Desired, observed.Observed], plan.Plan]


class Memory:
    """The ``Journal`` port in memory; writing is a step of the controller's life."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self.entries: list[journal.Entry] = []
        self.writable = True

    def append(self, entry: journal.Entry) -> None:
        """Keep an entry."""
        self._life.count()
        if not self.writable:
            raise OSError(28, "No space left on device")
        if not self._life.dead:
            self.entries.append(entry)

    def read(self, *, limit: int = 1000) -> Sequence[journal.Entry]:
        """Return the newest entries."""
        return self.entries[-limit:]


class Vault:
    """The ``Secrets`` port: every reference has its own text as value."""

    def resolve(self, value: secret.Value) -> str:
        """Return a value."""
        return value if isinstance(value, str) else f"secret of {value}"

    def resolve_all(self, values: Mapping[str, secret.Value]) -> dict[str, str]:
        """Return values by name."""
        return {name: self.resolve(value) for name, value in values.items()}

    def redact(self, text: str) -> str:
        """Return the text; there is no secret in this world."""
        return text


class Diary:
    """The ``Progress`` port: writes down what it is told."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.lines: list[str] = []
        self.plans: list[plan.Plan] = []
        self.outcomes: list[tuple[action.Action, outcome.Outcome]] = []

    def phase(self, phase: progress.Phase, detail: str = "") -> None:
        """A phase began."""
        self._write(f"phase {phase.value} {detail}")

    def planned(self, number: int, due: plan.Plan) -> None:
        """A plan is going to be executed."""
        self.plans.append(due)
        self._write(f"plan {number}: {', '.join(one.key for one in due.actions if one.real)}")

    def began(self, step: action.Action) -> None:
        """An action was begun."""
        self._write(f"began {step.key}")

    def ended(self, step: action.Action, result: outcome.Outcome) -> None:
        """An action ended."""
        self.outcomes.append((step, result))
        refusal = result.refusal.value if result.refusal else ""
        self._write(f"ended {step.key} {result.kind.value} {refusal} {result.message}")

    def fencing(self, target: str, step: fencing.FenceStep) -> None:
        """A device was asked."""
        self._write(f"fencing {target} {step.verb.value} {step.reply}")

    def note(self, message: str) -> None:
        """Something worth a line."""
        self._write(f"note {message}")

    def _write(self, line: str) -> None:
        self.lines.append(f"{self._world.clock.monotonic():9.3f} {line}")


class Controller:
    """One controller with its own life, ports and name.

    Args:
        world: where it lives.
        name: its id; leases name it.
        schedule: the pure function that makes plans.
        room: the fence devices.
        dies_at: the step at which it is killed; 0: never.
        bounds: its limits.
    """

    def __init__(  # noqa: PLR0913 - what a controller can differ in, by keyword
        self,
        world: World,
        name: str,
        schedule: Schedule,
        *,
        room: Room | None = None,
        dies_at: int = 0,
        bounds: context.Bounds | None = None,
    ) -> None:
        self.world = world
        self.life = Life(name, dies_at)
        self.life.on_death.append(lambda: world.happen(What.KILLED, who=name))
        self.journal = Memory(self.life)
        self.diary = Diary(world)
        self._numbers = 0
        fencer = SimulatedFencer(world, self.life, room or Room())
        self.context = context.Context(
            transport=SimulatedTransport(world, self.life),
            fencers=lambda _wanted: fencer,
            secrets=Vault(),
            journal=self.journal,
            clock=world.clock,
            progress=self.diary,
            identity=nodes.LeaseHolder(name, "host", "root", 1, "apply", world.clock.now()),
            schedule=schedule,
            bounds=bounds or context.Bounds(),
            new_id=self._new_id,
            chance=world.random.random,
        )

    async def converge(
        self,
        wanted: desired.Desired,
        *,
        deadline_s: float = 1800.0,
        lock_timeout_s: float = 0.0,
        stop: asyncio.Event | None = None,
    ) -> result.Result | None:
        """Converge; None where it was killed on the way."""
        return await self.live(
            loop.converge(
                self.context,
                wanted,
                deadline_s=deadline_s,
                lock_timeout_s=lock_timeout_s,
                stop=stop,
            )
        )

    async def live(self, work: Awaitable[result.Result]) -> result.Result | None:
        """Do something that a kill may end; None where it did."""
        task = asyncio.ensure_future(work)
        self.life.task = task
        await asyncio.wait([task])
        if self.life.dead and (task.cancelled() or task.exception() is not None):
            return None
        return task.result()

    def _new_id(self) -> str:
        self._numbers += 1
        return f"{self.life.name}-{self._numbers}"
