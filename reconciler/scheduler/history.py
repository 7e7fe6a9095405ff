"""Operation history of one resource on one node -> what that node makes of the resource.

Only this file and ``verdict`` read exit codes and operation statuses. Silence is never "stopped":
what nobody has asked stays unknown (Pacemaker Explained, "Operations"; Pacemaker Administration,
"Agents").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.frozen import frozen
from reconciler.model import resource
from reconciler.model.observed import OperationRecord, OperationStatus, Rc, ResourceHistory
from reconciler.model.resource import OnFail
from reconciler.model.role import Role
from reconciler.model.score import TermKind
from reconciler.scheduler import operation
from reconciler.scheduler.state import State
from reconciler.scheduler.verdict import (
    BANS,
    PROMOTED,
    Verdict,
    answer,
    ends_all,
    found_promoted,
    is_probe,
    judge,
)

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

_LAST_FAILURE = "_last_failure_0"
"""How histories name what they keep of a failure when the operation is done again."""
_NOT_RUNNING = int(Rc.NOT_RUNNING)
_ACTIVE = frozenset({Rc.OK, Rc.PROMOTED})


@frozen
class Facts:
    """What has to be known besides the history itself.

    Attributes:
        now: seconds since 1970.
        fencing: whether fencing is enabled.
        promotable: whether the resource has roles.
        managed: whether it may be acted on.
        failure_timeout_ms: 0: failures do not expire.
        fail_count: failures on the node that have not expired.
        last_failure: seconds since 1970; 0: none.
        contained: it runs inside of another resource.
        unfenced: the resource is the connection to a node that was not fenced since it was lost.
    """

    now: float
    fencing: bool
    promotable: bool
    managed: bool
    failure_timeout_ms: int
    fail_count: int
    last_failure: float
    unfenced: bool = False
    contained: bool = False


def is_idle(history: ResourceHistory) -> bool:
    """Tell whether all that a node was ever asked is a probe that found nothing running."""
    if len(history.operations) != 1:
        return False
    only = history.operations[0]
    return (
        only.rc == _NOT_RUNNING
        and not is_copy(only)
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
        state.role, state.plain = Role.UNPROMOTED, True
    reader.conclude()
    return state


def _find_recurring(state: State, records: list[OperationRecord]) -> None:
    """Note the recurring operations that are live.

    None survives a stop that was carried out, well or not, nor a start, however that ended. Of one
    that first failed, and has expired, a later success does not count (measured). Where no start
    is on record, a change of the role says that there was one, and so does the first monitor that
    found it active, though not of itself; with which parameters only the former says (measured).
    """
    ended = began = changed = -1
    found: int | None = None
    for index, record in enumerate(records):
        state.latest[record.operation, record.interval_ms] = record
        if record.operation in {"start", "monitor"} and is_copy(record):
            state.remembered = record
        if record.operation == "stop" and record.status is OperationStatus.DONE:
            ended = index
        elif record.operation in {"start", "migrate_from"}:
            began = index
        elif record.operation in {"promote", "demote"}:
            changed = index
        elif record.operation == "monitor" and record.rc in _ACTIVE and found is None:
            found = index - 1
    known = began >= 0
    began = began if known else changed
    state.life = records[max(began, ended, 0) :]
    began = began if known or found is None else max(began, found)
    last = max(ended, began)
    state.ended = ended > began >= 0
    for record in records[last + 1 :]:
        key = (record.operation, record.interval_ms)
        first = state.recurring.get(key)
        over = state.has_expired(record) or is_copy(record)
        if record.interval_ms and (first is None or not (over or state.has_expired(first))):
            state.recurring[key] = record


def is_copy(record: OperationRecord) -> bool:
    """Tell whether a record is kept beside that of the same operation, as its last failure."""
    return record.id.endswith(_LAST_FAILURE)


_MAY_STILL_MATTER = frozenset({"promote", "migrate_to", "migrate_from"})
"""What may have got through although nobody heard of its end, so that two are active."""


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
        if record.status is OperationStatus.CANCELLED:
            return
        if record.status is OperationStatus.PENDING:
            self._travel(record)
            if self._given_up(record):
                self._doubt(record)
            else:
                self._pending(record)
            return
        if record.status is OperationStatus.LOST:
            # Whatever it did may have been done: nothing is known until somebody asks.
            self.state.role, self.state.reprobe = Role.UNKNOWN, True
            return
        rc = answer(record)
        verdict = judge(record, rc, managed=self.facts.managed)
        if verdict is not Verdict.WELL and self._expired(record):
            self._lapse(record, verdict, rc)
            return
        self._travel(record)
        self.state.known = True
        if verdict is Verdict.WELL:
            self._succeeded(record, rc)
        elif verdict is Verdict.MISSING:
            self.state.bans = (*self.state.bans, (TermKind.HARD_ERROR, False))
            self.state.role = Role.STOPPED
        else:
            self._failed(record, verdict, rc)

    def _lapse(self, record: OperationRecord, verdict: Verdict, rc: int) -> None:
        """Take a failure that has expired.

        A role that was found then is still one, and a stop would fail again (both measured).
        """
        self.state.expired.append(record)
        self.state.stuck = self.state.stuck or ends_all(record, verdict)
        if record.operation == "migrate_from":
            self.state.arrived = record
        if verdict is Verdict.MISSING:
            self.state.role, self.state.reprobe = Role.STOPPED, True
        elif found_promoted(record, rc):
            self.state.role = Role.PROMOTED

    def _travel(self, record: OperationRecord) -> None:
        """Note what has to be compared with the history of another node."""
        state = self.state
        if record.operation == "migrate_from":
            state.arrived = record
        elif record.operation == "migrate_to" and record.status is not OperationStatus.PENDING:
            state.departed, state.moved_on, state.returned = record, False, False
        elif record.operation in {"start", "stop"}:
            state.moved_on = state.departed is not None

    def _given_up(self, record: OperationRecord) -> bool:
        """Tell whether nobody waits for an operation any longer, since it is too old (measured).

        A promotion is waited for, and so is a migration: until somebody knows, it may have got
        through.
        """
        return record.operation not in _MAY_STILL_MATTER and self._old(record)

    def _doubt(self, record: OperationRecord) -> None:
        """Ask anew what became of a start that nobody waits for; other operations never were."""
        if record.operation == "start":
            self.state.role, self.state.reprobe = Role.UNKNOWN, True

    def _old(self, record: OperationRecord) -> bool:
        """Tell whether an operation began before the failures that still count."""
        timeout_ms = self.facts.failure_timeout_ms
        if not timeout_ms or not record.changed_at:
            return False
        began = record.changed_at + timeout_ms / 1000
        return began <= self.facts.now and self.facts.fail_count == 0

    def _expired(self, record: OperationRecord) -> bool:
        """Tell whether a failure is over; that an agent is not there never is (measured)."""
        told = record.status is OperationStatus.NOT_INSTALLED
        if told or self._blocks(record) or (self.facts.unfenced and self._resets(record)):
            return False
        return self._old(record)

    def _policy(self, record: OperationRecord) -> OnFail:
        name, facts = record.operation, self.facts
        options = self.options.options(self.primitive, name, record.interval_ms)
        return operation.policy(
            self.primitive, options, name, fencing=facts.fencing, contained=facts.contained
        )

    def _blocks(self, record: OperationRecord) -> bool:
        """Tell whether people said that its failure blocks; by default it does not for ever."""
        options = self.options.options(self.primitive, record.operation, record.interval_ms)
        return options.on_fail is OnFail.BLOCK

    def _resets(self, record: OperationRecord) -> bool:
        options = self.options.options(self.primitive, record.operation, record.interval_ms)
        return operation.resets(self.primitive, options, record.operation, record.interval_ms)

    def _pending(self, record: OperationRecord) -> None:
        state = self.state
        if record.operation == "start":
            state.known = True
            state.role = self._up()
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
        match "stop" if rc == Rc.NOT_RUNNING else record.operation:
            case "monitor":
                cleared = self._found(record, rc)
            case "stop":
                state.role, state.failed = Role.STOPPED, False
                state.last = None
                cleared = True
            case "demote":
                state.role = Role.UNPROMOTED
                cleared = state.on_fail is OnFail.DEMOTE
            case "migrate_to":
                state.role = self._up()
                cleared = False
            case _:
                cleared = self._rose(record)
        if record.operation == state.pending:
            state.pending = ""
        state.reprobe = state.demotion_failed = False
        if cleared and state.on_fail is not None and state.on_fail not in _STICKY:
            state.on_fail, state.failure, state.next_role = None, None, None
            state.failed = False

    def _found(self, record: OperationRecord, rc: int) -> bool:
        """Take a monitor's answer; tell whether it makes up for failures before it."""
        state = self.state
        if rc == Rc.PROMOTED:
            state.role = Role.PROMOTED
        elif state.role in {Role.UNKNOWN, Role.STOPPED}:
            state.role = self._up()
        if rc != Rc.PROMOTED and not record.interval_ms:
            state.last = record
        state.returned = state.departed is not None
        return self._same_failure(record)

    def _rose(self, record: OperationRecord) -> bool:
        """Take a success that leaves the resource active; tell whether it makes up for failures."""
        state = self.state
        if record.operation in {"start", "migrate_from"}:
            state.role, state.last = Role.STARTED, record
            return True
        if record.operation == "promote":
            state.role = Role.PROMOTED
            return True
        if state.role in {Role.UNKNOWN, Role.STOPPED}:
            state.role = self._up()
        return False

    def _up(self) -> Role:
        """Return the role that something has at least that was found, or left, active."""
        return Role.UNPROMOTED if self.facts.promotable else Role.STARTED

    def _at_least_started(self) -> Role:
        role = self.state.role
        return self._up() if role in {Role.UNKNOWN, Role.STOPPED} else role

    def _same_failure(self, record: OperationRecord) -> bool:
        return self.failed_key == (record.operation, record.interval_ms)

    def _failed(self, record: OperationRecord, verdict: Verdict, rc: int) -> None:
        state = self.state
        policy = self._policy(record)
        state.stuck = state.stuck or ends_all(record, verdict)
        if policy is OnFail.IGNORE:
            if record.status is not OperationStatus.NOT_INSTALLED:
                self._ignored(record, rc)
                return
            policy = OnFail.RESTART
        state.failures.append(record)
        state.lasting = state.lasting or self._blocks(record)
        if verdict in BANS:
            state.bans = (*state.bans, (TermKind.HARD_ERROR, BANS[verdict]))
        self.failed_key = (record.operation, record.interval_ms)
        if SEVERITY[policy] >= SEVERITY[state.on_fail]:
            state.on_fail, state.failure = policy, record
        if record.operation == "stop" and policy is OnFail.RESTART_CONTAINER:
            # It ends with its container, which is stopped for it.
            state.role = Role.STOPPED
            return
        if record.operation == "stop":
            state.bans = (*state.bans, (TermKind.FAILED_STOP, False))
        self._role_after_failure(record, rc)

    def _ignored(self, record: OperationRecord, rc: int) -> None:
        """Act as if the operation had done what it was asked to.

        What a monitor found promoted is; what a probe did not find out is asked again (measured).
        """
        state = self.state
        self._succeeded(record, int(record.expected_rc))
        state.on_fail, state.ignored = state.on_fail or OnFail.IGNORE, True
        if record.operation == "monitor" and rc in PROMOTED:
            state.role = Role.PROMOTED
        state.known = not is_probe(record)

    def _role_after_failure(self, record: OperationRecord, rc: int) -> None:
        """Take the role that a resource has at worst.

        A demotion counts as done, unless nothing may be done about it. Which role a migration came
        upon does not count (both measured).
        """
        state = self.state
        if record.operation == "demote" and state.on_fail is OnFail.BLOCK:
            state.role = Role.PROMOTED
        elif record.operation == "demote":
            state.demotion_failed = rc != Rc.NOT_RUNNING
            state.role = Role.UNPROMOTED if state.demotion_failed else self._up()
        elif record.operation == "migrate_to":
            state.migrating_to, state.role = "", self._up()
        elif record.operation == "promote" or self._shows_promoted(record, rc):
            state.role = Role.PROMOTED
        elif state.role in {Role.UNKNOWN, Role.STOPPED}:
            state.role = self._up()
        if record.operation == "promote":
            state.next_role = Role.UNPROMOTED
        if record.operation == "start":
            state.last = None

    def _shows_promoted(self, record: OperationRecord, rc: int) -> bool:
        return record.operation != "migrate_from" and found_promoted(record, rc)

    def conclude(self) -> None:
        """Turn the policy that decides into what it means for the resource.

        What is remembered no longer counts once it is old, whatever it is (measured).
        """
        state = self.state
        if state.remembered is not None and self._old(state.remembered):
            state.remembered = None
        if state.on_fail is OnFail.STOP:
            state.next_role = Role.STOPPED
            state.failed = state.active
        elif state.on_fail not in {None, OnFail.IGNORE}:
            state.failed = state.active
        state.spent = state.failed and state.on_fail is not OnFail.DEMOTE
