"""Operation histories of a CIB's status (Pacemaker Administration, "Operation history")."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterable, Iterator
from xml.etree import ElementTree as ET

from reconciler.cib import document as documents
from reconciler.cib import feature_set
from reconciler.model import agent, observed
from reconciler.scheduler import digest

STATUS = {
    -1: observed.OperationStatus.PENDING,
    0: observed.OperationStatus.DONE,
    1: observed.OperationStatus.CANCELLED,
    2: observed.OperationStatus.TIMEOUT,
    3: observed.OperationStatus.NOT_SUPPORTED,
    4: observed.OperationStatus.ERROR,
    5: observed.OperationStatus.ERROR_HARD,
    6: observed.OperationStatus.ERROR_FATAL,
    7: observed.OperationStatus.NOT_INSTALLED,
    8: observed.OperationStatus.NOT_CONNECTED,
    9: observed.OperationStatus.INVALID,
}
_KEY_PARTS = 4
"""A transition key is action:transition:expected:uuid."""
_SHARED_MAX = 4_096
"""Digests are few and come back on every node: each is made once and shared."""


def histories(state: ET.Element) -> dict[str, observed.ResourceHistory]:
    """Return the histories of a node's status entry by resource name."""
    found: dict[str, observed.ResourceHistory] = {}
    for element in _resources(state):
        written = element.attrib.get
        name = written("id", "")
        records = tuple(
            [
                record(one, device=written("class") == "stonith")
                for one in element
                if one.tag == "lrm_rsc_op"
            ]
        )
        locked = documents.moment(written("shutdown-lock"))
        one = observed.ResourceHistory(
            name,
            kind(element),
            _settled(records),
            locked_at=locked,
            place=len(found),
            container=written("container", ""),
        )
        found.setdefault(name, one)
    return found


def _settled(
    records: tuple[observed.OperationRecord, ...],
) -> tuple[observed.OperationRecord, ...]:
    """Return records with call 0 for what is over, though it was never given a number.

    It is over where the same controller has gone on to a later transition since, and then it was
    before all others (measured).
    """
    if all(one.call >= 0 for one in records):
        return records
    numbered = [_transition(one.token) for one in records if one.call >= 0]
    return tuple(
        [
            dataclasses.replace(one, call=0)
            if one.call < 0 and _is_past(_transition(one.token), numbered)
            else one
            for one in records
        ]
    )


def _is_past(one: tuple[str, float], others: Iterable[tuple[str, float]]) -> bool:
    controller, number = one
    return any(controller == same and number < later for same, later in others)


def _transition(key: str) -> tuple[str, float]:
    """Return who counted the transition of a key, and its number.

    What was asked for outside of any, of which the number is below 0, is later than all.
    """
    parts = key.split(":")
    number = parts[1] if len(parts) > 1 else ""
    return parts[-1], int(number) if number.isdecimal() else math.inf


def kind(element: ET.Element) -> agent.AgentName | None:
    """Return the agent that a history is of; None: it does not say."""
    written = element.attrib.get
    return agent.named(written("class", ""), written("provider", ""), written("type", ""))


def _resources(state: ET.Element) -> Iterator[ET.Element]:
    for section in state.iterfind("lrm/lrm_resources"):
        for element in section:
            if element.tag == "lrm_resource":
                yield element


def record(element: ET.Element, *, device: bool = False) -> observed.OperationRecord:
    """Return one ``lrm_rsc_op``, of a fence device or of something else."""
    written = element.attrib.get
    key, status, rc = written("transition-key"), written("op-status"), written("rc-code")
    magic_status, magic_rc = -1, -1
    if not key or status is None or rc is None:
        magic_status, magic_rc, magic_key = _magic(written("transition-magic", ""))
        key = key or magic_key
    return observed.OperationRecord(
        operation=written("operation", ""),
        interval_ms=documents.whole(written("interval-ms") or written("interval")),
        call=documents.whole(written("call-id"), -1),
        rc=documents.whole(rc, magic_rc),
        status=STATUS.get(documents.whole(status, magic_status), observed.OperationStatus.ERROR),
        expected_rc=_expected(key),
        changed_at=documents.moment(written("last-rc-change")),
        run_at=documents.moment(written("last-run")),
        exec_ms=documents.whole(written("exec-time")),
        queue_ms=documents.whole(written("queue-time")),
        reason=written("exit-reason", ""),
        digests=_digests(
            written("op-digest", ""),
            written("op-restart-digest", ""),
            written("op-secure-digest", ""),
            written("op-force-restart", ""),
            _private(element) if device else written("op-secure-params", ""),
        ),
        source=written("migrate_source", ""),
        target=written("migrate_target", ""),
        token=key,
        id=written("id", ""),
    )


def _private(element: ET.Element) -> str:
    """Return what a device's digest leaves out as private: once all its settings (measured)."""
    names = element.get("op-secure-params", "")
    if not names or feature_set.at_least(element.get("crm_feature_set", ""), 3, 16, 0):
        return names
    return f"{names} {digest.SETTINGS}"


def _magic(text: str) -> tuple[int, int, str]:
    """Return status, exit code and key of a ``transition-magic``: ``0:7;4:3:7:uuid``."""
    numbers, _, key = text.partition(";")
    status, _, rc = numbers.partition(":")
    return documents.whole(status or None, -1), documents.whole(rc or None, -1), key


def _expected(key: str) -> int:
    parts = key.split(":")
    return documents.whole(parts[2]) if len(parts) >= _KEY_PARTS else 0


@functools.lru_cache(maxsize=_SHARED_MAX)
def _digests(
    everything: str, fixed: str, public: str, names: str, private: str
) -> observed.Digests:
    return observed.Digests(
        all=everything,
        nonreloadable=fixed,
        nonprivate=public,
        restart_parameters=tuple(names.split()),
        private_parameters=tuple(private.split()),
    )
