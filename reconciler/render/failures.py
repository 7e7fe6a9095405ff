"""Failures in the operation history, in words: what failed, how, how often, until when it counts.

Reads the history and the fail-count attributes as the executor writes them
(``fail-count-RESOURCE#OPERATION_INTERVALMS``); what follows from a failure is the scheduler's.
"""

from __future__ import annotations

import dataclasses
import re

from reconciler.frozen import frozen
from reconciler.model import attribute, duration, score
from reconciler.model.desired import Desired
from reconciler.model.observed import Observed, OperationRecord, OperationStatus, Rc
from reconciler.model.resource import primitives

EXIT_CODES: dict[int, str] = {
    Rc.OK: "ok",
    Rc.ERROR: "error",
    Rc.ARGUMENTS: "invalid parameter",
    Rc.UNIMPLEMENTED: "not supported by the agent",
    Rc.PERMISSION: "insufficient privileges",
    Rc.NOT_INSTALLED: "not installed",
    Rc.NOT_CONFIGURED: "not configured",
    Rc.NOT_RUNNING: "not running",
    Rc.PROMOTED: "promoted",
    Rc.FAILED_PROMOTED: "failed while promoted",
    Rc.DEGRADED: "degraded",
    Rc.DEGRADED_PROMOTED: "degraded while promoted",
    Rc.UNKNOWN: "unknown",
}
"""Exit codes of agents in words; a test holds the table complete."""

_STATUS_WORDS: dict[OperationStatus, str] = {
    OperationStatus.TIMEOUT: "timed out",
    OperationStatus.ERROR: "ended abnormally",
    OperationStatus.LOST: "its outcome was lost",
    OperationStatus.NOT_INSTALLED: "agent not installed",
    OperationStatus.NOT_SUPPORTED: "not supported",
    OperationStatus.ERROR_HARD: "cannot run on this node",
    OperationStatus.ERROR_FATAL: "cannot run anywhere",
    OperationStatus.NOT_CONNECTED: "the node was not connected",
    OperationStatus.INVALID: "invalid request",
}
_COUNT = re.compile(r"fail-count-(?P<resource>.+)#(?P<operation>.+)_(?P<interval>\d+)")
_INSTANCE = re.compile(r":\d+$")


@frozen
class Failure:
    """A failed operation of a resource on a node, or what is still counted of it.

    Attributes:
        count: failures counted; score.INFINITY: one that bans at once.
        threshold: the migration-threshold; 0: none.
        rc: exit code; None where only the count is left.
        text: how it failed.
        at: of the last failure, seconds since 1970; 0: not known.
        expires_at: when it stops counting; None: never by itself.
    """

    resource: str
    node: str
    operation: str
    interval_ms: int
    count: int = 0
    threshold: int = 0
    rc: int | None = None
    text: str = ""
    reason: str = ""
    at: float = 0.0
    expires_at: float | None = None

    @property
    def operation_text(self) -> str:
        """``monitor every 2s``, ``start``, ``probe``."""
        if self.interval_ms:
            return f"{self.operation} every {duration.text(self.interval_ms)}"
        return "probe" if self.operation == "monitor" else self.operation


def found(desired: Desired, observed: Observed) -> tuple[Failure, ...]:
    """Return every failure, by resource, node and operation."""
    result: dict[tuple[str, str, str, int], Failure] = {}
    for name, node in observed.nodes.items():
        for history in node.histories.values():
            for record in history.operations:
                if _failed(record):
                    key = (history.resource, name, record.operation, record.interval_ms)
                    result[key] = _from_record(key, record)
        for attribute_name, value in node.attributes.items():
            match = _COUNT.fullmatch(attribute_name)
            count = score.INFINITY if value == "INFINITY" else _number(value)
            if match is None or not count:
                continue
            key = (match["resource"], name, match["operation"], int(match["interval"]))
            last = _number(
                node.attributes.get(attribute_name.replace("fail-count", "last-failure", 1))
            )
            known = result.get(key, Failure(*key))
            result[key] = dataclasses.replace(known, count=count, at=last or known.at)
    return tuple(_limits(desired, result[key]) for key in sorted(result))


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0


def _failed(record: OperationRecord) -> bool:
    if record.status in _STATUS_WORDS:
        return True
    if record.status is not OperationStatus.DONE:
        return False
    probe = record.operation == "monitor" and not record.interval_ms
    if probe and record.rc in {Rc.OK, Rc.NOT_RUNNING, Rc.PROMOTED}:
        return False
    return record.rc not in {record.expected_rc, Rc.DEGRADED, Rc.DEGRADED_PROMOTED}


def _from_record(key: tuple[str, str, str, int], record: OperationRecord) -> Failure:
    words = _STATUS_WORDS.get(record.status) or EXIT_CODES.get(record.rc, "unknown exit code")
    code = record.rc if record.status is OperationStatus.DONE else None
    return Failure(
        *key, rc=code, text=words, reason=record.reason, at=record.changed_at or record.run_at
    )


def _limits(desired: Desired, failure: Failure) -> Failure:
    base = _INSTANCE.sub("", failure.resource)
    timeout = duration.parse_ms(meta(desired, base, "failure-timeout") or "0") or 0
    threshold = _number(meta(desired, base, "migration-threshold"))
    return dataclasses.replace(
        failure,
        threshold=threshold,
        expires_at=failure.at + timeout / 1000 if timeout and failure.at else None,
    )


def meta(desired: Desired, name: str, option: str) -> str | None:
    """Return a meta-attribute of a primitive: its own, its parents', or the default; no rules."""
    sets: list[attribute.AttributeSets] = []
    for one in desired.resources:
        for primitive in primitives(one):
            if primitive.name == name:
                sets.append(primitive.meta)
                if primitive is not one:
                    sets.append(one.meta)
    sets.append(desired.resource_defaults)
    for each in sets:
        value = attribute.always(each, option)
        if value is not None:
            return str(value)
    return None


def text(failure: Failure) -> str:
    """Return how it failed: ``not running (rc 7): the agent's words``."""
    words = failure.text or "failed"
    if failure.rc is not None:
        words += f" (rc {failure.rc})"
    return words + (f": {failure.reason}" if failure.reason else "")


def count_text(failure: Failure) -> str:
    """Return ``fail-count 2 of 3``."""
    if not failure.count:
        return ""
    limit = f" of {failure.threshold}" if failure.threshold else ""
    return f"fail-count {score.text(failure.count)}{limit}"
