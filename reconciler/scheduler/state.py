"""State: what is known of a resource on one node, as its operation history there tells it.

``history`` reads it; ``partial_migration`` compares those of two nodes. What nobody has asked is
unknown, never stopped.
"""

from __future__ import annotations

import dataclasses

from reconciler.model.observed import OperationRecord
from reconciler.model.resource import OnFail
from reconciler.model.role import Role
from reconciler.model.score import TermKind


@dataclasses.dataclass(slots=True)
class State:
    """What a node's history says of a resource there.

    Attributes:
        role: UNKNOWN until something was learnt.
        known: whether the node was asked since it came up.
        plain: it was started, and nothing has told its role since.
        failed: it must be recovered.
        spent: it must be stopped for that; what on-fail=demote is about need only be demoted.
        on_fail: the policy that decides; None: nothing failed.
        failure: the operation that decides.
        bans: kind of ban, and whether it holds on all nodes.
        next_role: role that it must not pass after a failure; None: no limit.
        pending: task that is under way; empty: none.
        recurring: live recurring operations by name and interval.
        ended: it was stopped after it had been started; what is watched since is not its life.
        life: the records since it was last started or stopped, that one included.
        latest: the record of each operation by name and interval.
        remembered: the start or monitor that failed last, which histories keep beside the others.
        last: the record from which it was started, or found active.
        expired: failed operations that no longer count.
        ignored: an operation failed of which nobody minds it.
        lasting: an operation failed of which people said that it blocks.
        demotion_failed: it may still be promoted, though it counts as demoted.
        stuck: a stop failed as it would again, whatever was done since.
        late: the node was down, or to be fenced, before this was read: what failed is no failure.
        migrating_to: other node of a live migration under way.
        departed, arrived: the last operations that sent it to, and took it over from, another node.
        moved_on: it was started or stopped after it departed; returned: it was seen active then.
    """

    role: Role = Role.UNKNOWN
    known: bool = False
    plain: bool = False
    failed: bool = False
    ignored: bool = False
    lasting: bool = False
    demotion_failed: bool = False
    stuck: bool = False
    late: bool = False
    spent: bool = False
    on_fail: OnFail | None = None
    failure: OperationRecord | None = None
    bans: tuple[tuple[TermKind, bool], ...] = ()
    next_role: Role | None = None
    pending: str = ""
    recurring: dict[tuple[str, int], OperationRecord] = dataclasses.field(default_factory=dict)
    ended: bool = False
    life: list[OperationRecord] = dataclasses.field(default_factory=list)
    latest: dict[tuple[str, int], OperationRecord] = dataclasses.field(default_factory=dict)
    last: OperationRecord | None = None
    remembered: OperationRecord | None = None
    expired: list[OperationRecord] = dataclasses.field(default_factory=list)
    failures: list[OperationRecord] = dataclasses.field(default_factory=list)
    migrating_to: str = ""
    departed: OperationRecord | None = None
    arrived: OperationRecord | None = None
    moved_on: bool = False
    returned: bool = False
    revision: int = 0
    reprobe: bool = False

    @property
    def active(self) -> bool:
        """Whether it runs, or may run, there."""
        return self.role not in {Role.UNKNOWN, Role.STOPPED}

    @property
    def doubted(self) -> bool:
        """Whether the node has to be asked once more."""
        return self.reprobe or (not self.known and not self.active)

    @property
    def travelled(self) -> bool:
        """Whether a live migration is on record."""
        return bool(self.departed or self.arrived or self.migrating_to)

    def has_expired(self, record: OperationRecord) -> bool:
        """Tell whether an operation failed so long ago that it no longer counts."""
        return any(one is record for one in self.expired)

    def failure_of(self, record: OperationRecord) -> bool:
        """Tell whether an operation counts as failed."""
        return any(one is record for one in self.failures)


IDLE = State(role=Role.STOPPED, known=True)
"""What a node says that was asked once and does not run it: the same wherever it is so.

In a large cluster nearly every history is this one: each node is asked for every resource.
"""
