"""Simulated rounds: a plan, how it was run, and the cluster before and after."""

from __future__ import annotations

from reconciler.frozen import frozen
from reconciler.model.action import Action
from reconciler.model.observed import Observed
from reconciler.model.outcome import Outcome
from reconciler.model.plan import Plan
from reconciler.model.status import ClusterStatus

Step = tuple[Action, Outcome]
"""An action, and what became of it."""


@frozen
class Round:
    """One plan, and what comes of it where it is carried out.

    Attributes:
        before, initial: what was observed, and what that means.
        steps: the actions in the order in which they were carried out, with their outcomes.
        after, final: the observation at the end, and what that means.
    """

    before: Observed
    initial: ClusterStatus
    plan: Plan
    steps: tuple[Step, ...]
    after: Observed
    final: ClusterStatus

    @property
    def failed(self) -> Step | None:
        """The action that failed, which ended the run; None: none did."""
        return next((one for one in self.steps if not one[1].ok), None)
