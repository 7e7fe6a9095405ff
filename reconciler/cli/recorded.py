"""What is due for a CIB, and what comes of it, in the form of a recorded decision."""

from __future__ import annotations

from typing import Any

from reconciler.cib.read import CibImport
from reconciler.model.desired import Desired
from reconciler.model.simulation import Round
from reconciler.render import reference
from reconciler.transition import foresight


def record(imported: CibImport) -> dict[str, Any]:
    """Return the decisions about a CIB as it is."""
    return of_round(imported.desired, foresight.foresee(imported.desired, imported.observed))


def of_round(wanted: Desired, found: Round) -> dict[str, Any]:
    """Return a simulated plan as a recorded decision."""
    return reference.record(
        found.plan,
        wanted,
        initial=found.initial,
        final=found.final,
        done=[step for step, _ in found.steps],
    )
