"""What came of a run of the controller."""

from __future__ import annotations

import enum

from reconciler.frozen import frozen
from reconciler.model import observed as observed_model
from reconciler.model import plan as plan_model
from reconciler.ports import nodes


class State(enum.Enum):
    """How a run ended."""

    CONVERGED = "converged"
    """Nothing is left to do."""
    DONE = "done"
    """A command was carried out."""
    BLOCKED = "blocked"
    """Something is due that cannot be done; the result says what, where and why."""
    TIMED_OUT = "timed-out"
    NO_PROGRESS = "no-progress"
    """The same plan again and again, and nothing changes."""
    STOPPED = "stopped"
    """Asked to stop; what was in flight has ended or its bounded wait has."""
    DECLINED = "declined"
    """The plan was not approved."""
    STALE = "stale"
    """What was approved is not what is due any more."""
    LEASE_HELD = "lease-held"
    """Somebody else acts; ``holder`` says who."""
    LEASE_LOST = "lease-lost"
    """Somebody else took over, or the majority that held the lease does not answer."""
    UNREACHABLE = "unreachable"
    """No node answers: nothing is known, and nothing was done."""
    NO_QUORUM = "no-quorum"
    """Less than a majority of the nodes answers: nothing was done."""
    EMPTY = "empty"
    """The manifest holds no resources at all; refused, lest everything be stopped by mistake."""
    REFUSED = "refused"
    """A command was not carried out; ``message`` says why."""
    STATE_NOT_WRITABLE = "state-not-writable"
    """The journal cannot be written, so nothing may be begun."""


@frozen
class Blockage:
    """Something due that cannot be done.

    Attributes:
        subject: the resource instance or node.
        node: where; empty: nowhere in particular.
        code: stable word of the reason.
        detail: for people.
    """

    subject: str
    node: str
    code: str
    detail: str = ""


@frozen
class Result:
    """The end of a run.

    Attributes:
        plan, observed: the last ones; None where it did not come to that.
        blocked: what is due but cannot be done.
        holder: who holds the lease, with LEASE_HELD.
        silent: nodes that did not answer the last time.
        cycles: plans executed.
        actions: actions carried out.
        message: more, for people.
    """

    state: State
    plan: plan_model.Plan | None = None
    observed: observed_model.Observed | None = None
    blocked: tuple[Blockage, ...] = ()
    holder: nodes.LeaseHolder | None = None
    silent: tuple[str, ...] = ()
    cycles: int = 0
    actions: int = 0
    message: str = ""

    @property
    def ok(self) -> bool:
        """Whether everything that was asked for holds."""
        return self.state in {State.CONVERGED, State.DONE}
