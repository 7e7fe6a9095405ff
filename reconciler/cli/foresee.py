"""Scheduling, and running the plan to its end on an observation instead of a cluster."""

from __future__ import annotations

import dataclasses
from typing import Any

from reconciler.cib.read import CibImport
from reconciler.model.action import Action
from reconciler.model.desired import Desired
from reconciler.model.observed import Observed
from reconciler.model.plan import Plan
from reconciler.model.status import ClusterStatus
from reconciler.render import reference
from reconciler.scheduler import pipeline
from reconciler.transition import effect


@dataclasses.dataclass(frozen=True, slots=True)
class Round:
    """One plan, and what comes of it.

    Attributes:
        before: what was observed, and what that means.
        done: the actions in the order in which they were carried out.
        after: the observation at the end, and what that means.
    """

    before: Observed
    initial: ClusterStatus
    plan: Plan
    done: tuple[Action, ...]
    after: Observed
    final: ClusterStatus


def foresee(wanted: Desired, seen: Observed) -> Round:
    """Return what is due, and the cluster after all of it succeeded."""
    due = pipeline.schedule(wanted, seen)
    after = effect.apply(due, seen)
    return Round(
        before=seen,
        initial=pipeline.status(wanted, seen),
        plan=due,
        done=effect.sequence(due),
        after=after,
        final=pipeline.status(wanted, after),
    )


def record(imported: CibImport) -> dict[str, Any]:
    """Return what is due for a CIB, and what comes of it, in the form of a recorded decision."""
    found = foresee(imported.desired, imported.observed)
    return reference.record(
        found.plan,
        imported.desired,
        initial=found.initial,
        final=found.final,
        done=found.done,
    )
