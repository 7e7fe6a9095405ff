"""Operation history of one resource on one node -> what that node makes of the resource.

Only this file reads exit codes and operation statuses. Silence is never "stopped": what nobody
has asked stays unknown (Pacemaker Explained, "Operations"; Pacemaker Administration, "Agents").
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from reconciler.frozen import frozen
from reconciler.model import resource
from reconciler.model.observed import OperationRecord, OperationStatus, Rc, ResourceHistory
from reconciler.model.resource import OnFail
from reconciler.model.role import Role
from reconciler.model.score import TermKind
from reconciler.scheduler import operation

SEVERITY: Mapping[OnFail | None, int] = {
    None: 0,
    OnFail.IGNORE: 1,
    OnFail.DEMOTE: 2,
    OnFail.RESTART: 3,
    OnFail.RESTART_CONTAINER: 4,
    OnFail.BLOCK: 5,
    OnFail.STOP: 6,
    OnFail.STANDBY: 7,
    OnFail.FENCE: 8,
}
"""Which of several remembered failures decides."""

_STICKY = frozenset({OnFail.STOP, OnFail.FENCE, OnFail.STANDBY})
"""Policies that a later success does not lift."""

_HARD = {
    Rc.UNIMPLEMENTED,
    Rc.ARGUMENTS,
    Rc.PERMISSION,
    Rc.NOT_INSTALLED,
}

_NO_ANSWER = frozenset(
    {OperationStatus.TIMEOUT, OperationStatus.LOST, OperationStatus.NOT_CONNECTED}
)
_NOT_RUNNING = int(Rc.NOT_RUNNING)
_HEALTHY = {int(Rc.DEGRADED): int(Rc.OK), int(Rc.DEGRADED_PROMOTED): int(Rc.PROMOTED)}
"""Degraded is running; what it lacks is for people."""


@frozen
class Facts:
    """What has to be known besides the history itself.

    Attributes:
        now: seconds since 1970.
        fencing: whether fencing is enabled.
        can_fence: whether the node can be fenced at all.
        promotable: whether the resource has roles.
        managed: whether it may be acted on.
        failure_timeout_ms: 0: failures do not expire.
        fail_count: failures on the node that have not expired.
        last_failure: seconds since 1970; 0: none.
        unfenced: the resource is the connection to a node that was not fenced since it was lost.
    """

    now: float
    fencing: bool
    can_fence: bool
    promotable: bool
    managed: bool
    failure_timeout_ms: int
    fail_count: int
    last_failure: float
    unfenced: bool = False


@dataclasses.dataclass(slots=True)
class State:
    """What a node's history says of a resource there.

    Attributes:
        role: UNKNOWN until something was learnt.
        known: whether the node was asked since it came up.
        failed: it must be recovered.
        on_fail: the policy that decides; None: nothing failed.
        failure: the operation that decides.
        bans: kind of ban, and whether it holds on all nodes.
        next_role: role that it must not pass after a failure; None: no limit.
        pending: task that is under way; empty: none.
        recurring: live recurring operations by name and interval.
        latest: the record of each operation by name and interval.
        last: the record from which it was started, or found active.
        expired: failed operations that no longer count.
        ignored: an operation failed of which nobody minds it.
        migrating_to, migrating_from: other node of a live migration under way.
    """

    role: Role = Role.UNKNOWN
    known: bool = False
    failed: bool = False
    on_fail: OnFail | None = None
    failure: OperationRecord | None = None
    bans: tuple[tuple[TermKind, bool], ...] = ()
    next_role: Role | None = None
    pending: str = ""
    recurring: dict[tuple[str, int], OperationRecord] = dataclasses.field(default_factory=dict)
    latest: dict[tuple[str, int], OperationRecord] = dataclasses.field(default_factory=dict)
    last: OperationRecord | None = None
    expired: list[OperationRecord] = dataclasses.field(default_factory=list)
    failures: list[OperationRecord] = dataclasses.field(default_factory=list)
    stop_failed: bool = False
    demote_failed: bool = False
    ignored: bool = False
    migrated_to: str = ""
    migrated_from: str = ""
    migrating_to: str = ""
    revision: int = 0
    reprobe: bool = False

    @property
    def active(self) -> bool:
        """Whether it runs, or may run, there."""
        return self.role not in {Role.UNKNOWN, Role.STOPPED}


IDLE = State(role=Role.STOPPED, known=True)
"""What a node says that was asked once and does not run it: the same wherever it is so.

In a large cluster nearly every history is this one: each node is asked for every resource.
"""


def is_idle(history: ResourceHistory) -> bool:
    """Tell whether all that a node was ever asked is a probe that found nothing running."""
    if len(history.operations) != 1:
        return False
    only = history.operations[0]
    return (
        only.rc == _NOT_RUNNING
        and only.operation == "monitor"
        and not only.interval_ms
        and only.status is OperationStatus.DONE
    )


def in_order(operations: Sequence[OperationRecord]) -> list[OperationRecord]:
    """Return records in the order in which they were called; pending ones without call last."""
    return sorted(
        operations,
        key=lambda one: (one.call < 0, max(one.call, 0), one.changed_at),
    )


def read(
    primitive: resource.Primitive,
    history: ResourceHistory,
    options: operation.Reader,
    facts: Facts,
) -> State:
    """Return what the history says, reading the operations in the order of their calls."""
    state = State(revision=history.revision)
    reader = _Reading(primitive, options, facts, state)
    records = in_order(history.operations)
    for record in records:
        reader.take(record)
    _find_recurring(state, records)
    if state.role is Role.STARTED and facts.promotable:
        state.role = Role.UNPROMOTED
    reader.conclude()
    return state


def _find_recurring(state: State, records: list[OperationRecord]) -> None:
    """Note the recurring operations that are live: none survives a stop before or after it."""
    began = -1
    for index, record in enumerate(records):
        started = record.operation in {"start", "migrate_from", "promote", "demote"}
        if started and record.status is not OperationStatus.PENDING:
            began = index
        if record.operation == "stop" and record.rc == 0:
            began = len(records)
    for index, record in enumerate(records):
        key = (record.operation, record.interval_ms)
        state.latest[key] = record
        if record.interval_ms and (index > began or record.call < 0):
            state.recurring[key] = record
    if began == len(records):
        state.recurring = {
            (one.operation, one.interval_ms): one
            for one in records
            if one.interval_ms and one.rc == Rc.NOT_RUNNING and one.expected_rc == Rc.NOT_RUNNING
        }


class _Reading:
    """One history being read; lives inside ``read`` only."""

    __slots__ = ("facts", "failed_key", "options", "primitive", "state")

    def __init__(
        self,
        primitive: resource.Primitive,
        options: operation.Reader,
        facts: Facts,
        state: State,
    ) -> None:
        self.primitive = primitive
        self.options = options
        self.facts = facts
        self.state = state
        self.failed_key: tuple[str, int] | None = None

    def take(self, record: OperationRecord) -> None:
        """Let one record change the state."""
        if record.operation in {"notify", "meta-data"}:
            return
        if record.status in {OperationStatus.CANCELLED, OperationStatus.INVALID}:
            return
        if record.status is OperationStatus.PENDING:
            self._pending(record)
            return
        if record.status is OperationStatus.LOST:
            # Whatever it did may have been done: nothing is known until somebody asks.
            self.state.role, self.state.reprobe = Role.UNKNOWN, True
            return
        probe = record.operation == "monitor" and record.interval_ms == 0
        status, rc = self._judged(record, probe=probe)
        if status is not OperationStatus.DONE and self._expired(record):
            self.state.expired.append(record)
            if record.interval_ms == 0 and record.operation != "stop":
                self.state.reprobe = True
                return
            if record.interval_ms:
                status, rc = OperationStatus.DONE, int(record.expected_rc)
        self.state.known = True
        if status is OperationStatus.DONE:
            self._succeeded(record, rc)
        else:
            self._failed(record, status, rc, probe=probe)

    def _judged(self, record: OperationRecord, *, probe: bool) -> tuple[OperationStatus, int]:
        """Return status and exit code as they count."""
        rc, status = record.rc, record.status
        missing = rc == Rc.NOT_INSTALLED and (probe or record.operation != "stop")
        if status in _NO_ANSWER or status in {
            OperationStatus.ERROR_HARD,
            OperationStatus.ERROR_FATAL,
        }:
            return status, rc
        if status is OperationStatus.NOT_INSTALLED or missing:
            return OperationStatus.NOT_INSTALLED, Rc.NOT_INSTALLED
        rc = _HEALTHY.get(rc, rc)
        if self._is_success(record, rc, probe=probe):
            return OperationStatus.DONE, rc
        unoffered = rc == Rc.UNIMPLEMENTED and record.interval_ms
        if rc == Rc.NOT_CONFIGURED:
            return OperationStatus.ERROR_FATAL, rc
        return OperationStatus.ERROR_HARD if rc in _HARD and not unoffered else (
            OperationStatus.ERROR
        ), rc

    def _is_success(self, record: OperationRecord, rc: int, *, probe: bool) -> bool:
        """Tell whether an exit code is what was asked for, or an answer to a question."""
        if record.operation == "monitor":
            if probe and rc in {Rc.OK, Rc.PROMOTED, Rc.NOT_RUNNING}:
                return True
            if rc == Rc.NOT_RUNNING and not self.facts.managed:
                return True
            if rc != record.rc and record.expected_rc in {Rc.OK, Rc.PROMOTED}:
                return True
        return rc == record.expected_rc and rc in {Rc.OK, Rc.PROMOTED, Rc.NOT_RUNNING}

    def _expired(self, record: OperationRecord) -> bool:
        timeout_ms = self.facts.failure_timeout_ms
        if not timeout_ms or not record.changed_at:
            return False
        if self._policy(record) is OnFail.BLOCK or (self.facts.unfenced and self._resets(record)):
            return False
        return (
            record.changed_at + timeout_ms / 1000 <= self.facts.now and self.facts.fail_count == 0
        )

    def _policy(self, record: OperationRecord) -> OnFail:
        configured = operation.lookup(self.primitive, record.operation, record.interval_ms)
        options = self.options.options(
            self.primitive, record.operation, record.interval_ms, configured
        )
        role = configured.role if configured else None
        return operation.policy(
            self.primitive, options, record.operation, role, fencing=self.facts.fencing
        )

    def _resets(self, record: OperationRecord) -> bool:
        options = self.options.options(self.primitive, record.operation, record.interval_ms)
        return operation.resets(self.primitive, options, record.operation, record.interval_ms)

    def _pending(self, record: OperationRecord) -> None:
        state = self.state
        if record.operation == "start":
            state.known = True
            state.role = Role.STARTED
            state.pending = "start"
        elif record.operation == "promote":
            state.role = Role.PROMOTED
            state.pending = "promote"
        elif record.operation == "migrate_to":
            state.migrating_to = record.target
            state.pending = "migrate_to"
        elif record.operation == "monitor" and record.interval_ms == 0:
            state.pending = state.pending or "probe"
        else:
            state.pending = record.operation

    def _succeeded(self, record: OperationRecord, rc: int) -> None:
        state = self.state
        match record.operation:
            case "monitor":
                cleared = self._found(record, rc)
            case "stop":
                state.role, state.failed, state.stop_failed = Role.STOPPED, False, False
                state.last, state.migrated_to = None, ""
                cleared = True
            case "demote":
                state.role, state.demote_failed = Role.UNPROMOTED, False
                cleared = state.on_fail is OnFail.DEMOTE or self._same_failure(record)
            case "migrate_to":
                state.role, state.migrated_to = Role.STOPPED, record.target
                cleared = False
            case _:
                cleared = self._rose(record)
        if record.operation == state.pending:
            state.pending = ""
        state.reprobe = False
        if cleared and state.on_fail is not None and state.on_fail not in _STICKY:
            state.on_fail, state.failure, state.next_role = None, None, None
            state.failed = False

    def _found(self, record: OperationRecord, rc: int) -> bool:
        """Take a monitor's answer; tell whether it makes up for failures before it."""
        state = self.state
        if rc == Rc.NOT_RUNNING:
            state.role, state.failed = Role.STOPPED, False
            return True
        if rc == Rc.PROMOTED:
            state.role = Role.PROMOTED
        elif state.role in {Role.UNKNOWN, Role.STOPPED} or not record.interval_ms:
            state.role = Role.STARTED
        if rc != Rc.PROMOTED and not record.interval_ms:
            state.last = record
        return self._same_failure(record)

    def _rose(self, record: OperationRecord) -> bool:
        """Take a success that leaves the resource active; tell whether it makes up for failures."""
        state = self.state
        if record.operation in {"start", "migrate_from"}:
            state.role, state.last = Role.STARTED, record
            state.migrated_from = record.source if record.operation == "migrate_from" else ""
            return True
        if record.operation == "promote":
            state.role = Role.PROMOTED
            return True
        if state.role is Role.UNKNOWN:
            state.role = Role.STARTED
        return False

    def _same_failure(self, record: OperationRecord) -> bool:
        return self.failed_key == (record.operation, record.interval_ms)

    def _failed(
        self, record: OperationRecord, status: OperationStatus, rc: int, *, probe: bool
    ) -> None:
        state = self.state
        if status is OperationStatus.NOT_INSTALLED and probe:
            state.bans = (*state.bans, (TermKind.HARD_ERROR, False))
            state.role = Role.STOPPED
            return
        policy = self._policy(record)
        state.failures.append(record)
        if policy is OnFail.IGNORE:
            if record.status is not OperationStatus.NOT_INSTALLED:
                self._ignored(record)
                return
            policy = OnFail.RESTART
        if status is OperationStatus.ERROR_HARD:
            state.bans = (*state.bans, (TermKind.HARD_ERROR, False))
        elif status is OperationStatus.ERROR_FATAL:
            state.bans = (*state.bans, (TermKind.HARD_ERROR, True))
        elif status is OperationStatus.NOT_INSTALLED:
            state.bans = (*state.bans, (TermKind.HARD_ERROR, False))
        self.failed_key = (record.operation, record.interval_ms)
        if SEVERITY[policy] >= SEVERITY[state.on_fail]:
            state.on_fail, state.failure = policy, record
        if record.operation == "stop" and policy is OnFail.RESTART_CONTAINER:
            # It ends with its container, which is stopped for it.
            state.role = Role.STOPPED
            return
        if record.operation == "stop":
            state.stop_failed = True
            state.bans = (*state.bans, (TermKind.FAILED_STOP, False))
        self._role_after_failure(record, rc)

    def _ignored(self, record: OperationRecord) -> None:
        """Act as if the operation had done what it was asked to."""
        self.state.ignored = True
        self.state.on_fail = self.state.on_fail or OnFail.IGNORE
        self._succeeded(record, int(record.expected_rc))

    def _role_after_failure(self, record: OperationRecord, rc: int) -> None:
        state = self.state
        if rc == Rc.NOT_RUNNING and record.operation != "stop":
            state.role = Role.STOPPED if record.operation == "demote" else Role.STARTED
        elif record.operation == "promote" or rc in {Rc.PROMOTED, Rc.FAILED_PROMOTED}:
            state.role = Role.PROMOTED
        elif record.operation == "demote":
            state.demote_failed = True
            state.role = Role.PROMOTED
        elif record.operation == "migrate_to":
            state.migrating_to = ""
            state.role = Role.STARTED
        elif state.role in {Role.UNKNOWN, Role.STOPPED}:
            state.role = Role.STARTED
        if record.operation == "start":
            state.last = None

    def conclude(self) -> None:
        """Turn the policy that decides into what it means for the resource."""
        state = self.state
        if state.on_fail is OnFail.STOP:
            state.next_role = Role.STOPPED
            state.failed = state.active
        elif state.on_fail not in {None, OnFail.IGNORE}:
            state.failed = state.active
        if state.migrated_to and not state.active and state.role is Role.STOPPED:
            state.known = True
