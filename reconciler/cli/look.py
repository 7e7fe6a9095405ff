"""One look at the cluster for verbs that change nothing."""

from __future__ import annotations

from reconciler.cli import compose, running
from reconciler.cli.quit import Quit
from reconciler.controller import records, session
from reconciler.errors.exit_status import ExitStatus
from reconciler.frozen import frozen
from reconciler.model.desired import Desired
from reconciler.model.observed import Observed
from reconciler.model.plan import Plan
from reconciler.ports import nodes, progress


@frozen
class Seen:
    """What one look has shown.

    Attributes:
        plan: what is due.
        known: the cluster records.
        reports: node to what it says of itself; None: it does not answer.
    """

    plan: Plan
    observed: Observed
    known: records.Records
    reports: records.Reports

    @property
    def silent(self) -> tuple[str, ...]:
        """The nodes that do not answer."""
        return tuple(sorted(name for name, one in self.reports.items() if one is None))

    @property
    def lease(self) -> tuple[nodes.LeaseHolder, float] | None:
        """Who acts, and for how many seconds that is certain; None: nobody."""
        held = [
            (one.holder, one.lease_remaining_s)
            for one in self.reports.values()
            if one is not None and one.holder is not None and one.lease_remaining_s > 0
        ]
        return max(held, key=lambda one: one[1]) if held else None

    def require_answers(self) -> None:
        """End the verb where no node answers at all: then nothing is known. Raises Quit."""
        if self.reports and len(self.silent) == len(self.reports):
            raise Quit(
                ExitStatus.ERROR,
                f"no node answers ({', '.join(self.silent)}), so nothing is known",
                fix="start a sandbox with: reconcile sandbox up; see: reconcile sandbox status",
            )


class Silent:
    """The progress port for looks: they are short, and stderr stays empty."""

    def phase(self, phase: progress.Phase, detail: str = "") -> None:
        """Say nothing."""

    def planned(self, number: int, due: Plan) -> None:
        """Say nothing."""

    def began(self, step: object) -> None:
        """Say nothing."""

    def ended(self, step: object, result: object) -> None:
        """Say nothing."""

    def fencing(self, target: str, step: object) -> None:
        """Say nothing."""

    def note(self, message: str) -> None:
        """Say nothing."""


def at(wanted: Desired, *, command: str) -> Seen:
    """Look at the cluster once and plan. Raises Quit where a signal ends it."""
    world = compose.world(wanted, command=command, told=Silent())
    return running.to_end(lambda _: within(world, wanted), at_once=True)


async def within(world: compose.World, wanted: Desired) -> Seen:
    """Look at the cluster once and plan."""
    async with session.opened(world.context, wanted) as held:
        view = await held.look()
    due = world.context.schedule(wanted, view.observed)
    return Seen(due, view.observed, view.known, view.reports)
