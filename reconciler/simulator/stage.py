"""A stage: one world with its checkers and fence devices, and any number of controllers on it."""

from __future__ import annotations

from reconciler.controller import context
from reconciler.model import desired
from reconciler.simulator import checkers
from reconciler.simulator.controllers import Controller, Schedule
from reconciler.simulator.fencer import Room
from reconciler.simulator.world import World


class Stage:
    """What a simulation of one manifest needs; made inside the virtual loop.

    Args:
        wanted: the manifest; every node of it is a machine that is up.
        schedule: the pure function that makes plans.
        seed: of everything that is random.
    """

    def __init__(self, wanted: desired.Desired, schedule: Schedule, *, seed: int = 0) -> None:
        self.wanted = wanted
        self.room = Room()
        self.suite = checkers.suite(wanted)
        self.world = World([one.name for one in wanted.nodes], seed=seed, checkers=self.suite)
        self._schedule = schedule

    def controller(
        self, name: str, *, dies_at: int = 0, bounds: context.Bounds | None = None
    ) -> Controller:
        """Bring in another controller."""
        return Controller(
            self.world, name, self._schedule, room=self.room, dies_at=dies_at, bounds=bounds
        )

    def where(self, resource: str) -> tuple[str, ...]:
        """Return the machines on which a resource really runs."""
        return tuple(self.world.active().get(resource, {}))
