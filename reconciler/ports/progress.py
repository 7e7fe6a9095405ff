"""The progress port: what a running transition tells, for a terminal or a log."""

from __future__ import annotations

import enum
from typing import Protocol

from reconciler.frozen import frozen
from reconciler.model import action, outcome, plan
from reconciler.ports import fencing


class Phase(enum.Enum):
    """What the controller is doing."""

    LOCKING = "locking"
    OBSERVING = "observing"
    PLANNING = "planning"
    EXECUTING = "executing"
    CONVERGED = "converged"
    BLOCKED = "blocked"
    TIMED_OUT = "timed-out"


@frozen
class Waiting:
    """An action that is not ready, and the keys of the actions that it waits for."""

    key: str
    waits_for: tuple[str, ...]


class Progress(Protocol):
    """Told about everything that happens, in order. Must not block and must not raise."""

    def phase(self, phase: Phase, detail: str = "") -> None:
        """A new phase began."""
        ...

    def planned(self, number: int, due: plan.Plan) -> None:
        """The ``number``-th plan of this run (from 1) is going to be executed."""
        ...

    def began(self, step: action.Action) -> None:
        """An action was begun."""
        ...

    def ended(self, step: action.Action, result: outcome.Outcome) -> None:
        """An action ended."""
        ...

    def fencing(self, target: str, step: fencing.FenceStep) -> None:
        """A step of fencing a node."""
        ...

    def note(self, message: str) -> None:
        """Something worth a line, e.g. a re-plan after a surprise."""
        ...
