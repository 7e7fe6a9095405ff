"""The end of an operation -> what it means: exit code and status together.

Pacemaker Administration, "Agents" (return codes and how they are interpreted); what they do not
say is measured.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from reconciler.model.observed import OperationRecord, OperationStatus, Rc

_HEALTHY = {int(Rc.DEGRADED): int(Rc.OK), int(Rc.DEGRADED_PROMOTED): int(Rc.PROMOTED)}
"""Degraded is running, says a monitor; what it lacks is for people."""
PROMOTED = frozenset({Rc.PROMOTED, Rc.FAILED_PROMOTED, Rc.DEGRADED_PROMOTED})
"""Exit codes of what is promoted, well or not."""
_NOTHING_TO_RUN = frozenset({Rc.ARGUMENTS, Rc.NOT_INSTALLED})
"""What a probe finds where the resource cannot have been started (measured)."""


class Verdict(enum.Enum):
    """What the end of an operation means."""

    # Members are unique, so identity will do; the hash of Enum is a function that is called often.
    __hash__ = object.__hash__

    WELL = "well"
    MISSING = "missing"
    """A probe found nothing that could run there."""
    FAILED = "failed"
    HARD = "hard"
    """It would fail again on the node."""
    FATAL = "fatal"
    """It would fail again on every node."""


_PLAIN = frozenset(
    {
        OperationStatus.TIMEOUT,
        OperationStatus.NOT_CONNECTED,
        OperationStatus.NOT_SUPPORTED,
        OperationStatus.INVALID,
    }
)
"""Failures whatever the exit code, which may be another time's."""
_TOLD: Mapping[OperationStatus, Verdict] = {
    OperationStatus.ERROR_HARD: Verdict.HARD,
    OperationStatus.ERROR_FATAL: Verdict.FATAL,
}
_VERDICTS: Mapping[int, Verdict] = {
    Rc.ARGUMENTS: Verdict.HARD,
    Rc.UNIMPLEMENTED: Verdict.HARD,
    Rc.PERMISSION: Verdict.HARD,
    Rc.NOT_INSTALLED: Verdict.HARD,
    Rc.NOT_CONFIGURED: Verdict.FATAL,
}
"""Exit codes of failures that come back."""
BANS: Mapping[Verdict, bool] = {Verdict.HARD: False, Verdict.FATAL: True}
"""Verdicts that forbid, and whether on every node."""


_EXITED = frozenset({OperationStatus.DONE, OperationStatus.ERROR})
"""Ends of an agent's own, whose exit code tells what it found."""


def found_promoted(record: OperationRecord, rc: int) -> bool:
    """Tell whether an operation, well or not, found its resource promoted (measured)."""
    return rc in PROMOTED and record.status in _EXITED


def ends_all(record: OperationRecord, verdict: Verdict) -> bool:
    """Tell whether an agent itself said of a stop that it would fail again (measured)."""
    return record.operation == "stop" and verdict is Verdict.HARD and record.status in _EXITED


def is_probe(record: OperationRecord) -> bool:
    """Tell whether it was asked once whether a resource runs."""
    return record.operation == "monitor" and record.interval_ms == 0


def answer(record: OperationRecord) -> int:
    """Return the exit code as it counts."""
    return _HEALTHY.get(record.rc, record.rc) if record.operation == "monitor" else record.rc


def judge(record: OperationRecord, rc: int, *, managed: bool) -> Verdict:
    """Return what an operation's end means.

    Args:
        record: the operation, which has ended: of one that is lost nobody knows.
        rc: its exit code as it counts.
        managed: whether a resource that was stopped has failed, or was somebody's wish.
    """
    if is_probe(record) and _found_nothing(record, rc):
        return Verdict.MISSING
    if record.status in _PLAIN:
        return Verdict.FAILED
    if record.status in _TOLD:
        return _TOLD[record.status]
    if _is_success(record, rc, managed=managed):
        return Verdict.WELL
    if rc == Rc.UNIMPLEMENTED and record.interval_ms:
        return Verdict.FAILED
    return _VERDICTS.get(rc, Verdict.FAILED)


def _found_nothing(record: OperationRecord, rc: int) -> bool:
    """Tell whether a probe found that nothing can run, however it ended (measured)."""
    return rc in _NOTHING_TO_RUN or record.status is OperationStatus.NOT_INSTALLED


def _is_success(record: OperationRecord, rc: int, *, managed: bool) -> bool:
    """Tell whether an exit code is what was asked for, or an answer to a question."""
    if rc == Rc.NOT_RUNNING and (is_probe(record) or not managed):
        return True
    if is_probe(record) and rc in {Rc.OK, Rc.PROMOTED}:
        # Who expects the promoted role, and finds another, has found a failure.
        return rc == Rc.PROMOTED or record.expected_rc != Rc.PROMOTED
    return rc == record.expected_rc and rc in {Rc.OK, Rc.PROMOTED, Rc.NOT_RUNNING}
