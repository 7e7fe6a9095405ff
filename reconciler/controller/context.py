"""The context: everything of the outside world that a run of the controller may use."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable

from reconciler.frozen import frozen
from reconciler.model import desired as desired_model
from reconciler.model import observed as observed_model
from reconciler.model import plan as plan_model
from reconciler.ports import clock, fencing, journal, nodes, progress, secrets


@frozen
class Bounds:
    """The limits of a run; seconds unless the name says otherwise.

    Attributes:
        lease_ttl_s: how long a lease lives without renewal; it is renewed at a third of it.
        dying_lease_s: a lease with less time left belongs to somebody whose connection is gone;
            it is waited for even without a lock time-out.
        fan_out: nodes that are talked to at once.
        first_connect: the membership time-out times this is the deadline of a first connection,
            which may have to log in, copy the executor and start it.
        answer_margin_s: what is added to an action's own time-out before it counts as UNKNOWN.
        predecessor_wait_s: how long actions of a dead predecessor are waited for.
        drain_s: how long actions in flight are waited for when a run is stopped.
        cycles: plans that one run executes at most.
        stalls: times that one plan may be tried without any change of what is observed.
        fence_attempts: failed fencings of one node in one run before it counts as blocked.
        fences_per_hour: of one node.
        retry_s, retry_max_s: first and longest pause before something failed is tried again.
        revisit_s: how often a watching controller tries to reach nodes that are silent.
        full_pass_s: a watching controller looks at everything at least this often.
    """

    lease_ttl_s: float = 15.0
    dying_lease_s: float = 2.5
    fan_out: int = 32
    first_connect: float = 3.0
    answer_margin_s: float = 10.0
    predecessor_wait_s: float = 60.0
    drain_s: float = 30.0
    cycles: int = 200
    stalls: int = 3
    fence_attempts: int = 2
    fences_per_hour: int = 5
    retry_s: float = 0.5
    retry_max_s: float = 60.0
    revisit_s: float = 5.0
    full_pass_s: float = 300.0


@frozen
class Context:
    """The ports, who acts, and the limits.

    Attributes:
        transport: how nodes are reached.
        fencers: makes the fencer for the devices of a manifest (it may change while watching).
        secrets, journal, clock, progress: the other ports.
        identity: who asks for the lease; ``id`` is the id of this run.
        schedule: the pure function from desired and observed to the plan.
        bounds: the limits.
        new_id: makes ids of actions.
        chance: uniform in [0, 1), for jitter.
    """

    transport: nodes.Transport
    fencers: Callable[[desired_model.Desired], fencing.Fencer]
    secrets: secrets.Secrets
    journal: journal.Journal
    clock: clock.Clock
    progress: progress.Progress
    identity: nodes.LeaseHolder
    schedule: Callable[[desired_model.Desired, observed_model.Observed], plan_model.Plan]
    bounds: Bounds = Bounds()
    new_id: Callable[[], str] = lambda: str(uuid.uuid4())
    chance: Callable[[], float] = random.random

    def note_event(self, event: str, **body: object) -> None:
        """Append to the journal. Raises OSError where it cannot be written."""
        self.journal.append(journal.Entry(self.clock.now(), self.identity.id, event, dict(body)))
