"""Operation histories of a CIB's status (Pacemaker Administration, "Operation history")."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from reconciler.cib import document as documents
from reconciler.model import agent, observed

_STATUS = {
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


def histories(state: ET.Element) -> dict[str, observed.ResourceHistory]:
    """Return the histories of a node's status entry by resource name."""
    found: dict[str, observed.ResourceHistory] = {}
    for element in state.iterfind("lrm/lrm_resources/lrm_resource"):
        name = element.get("id", "")
        kind = agent.AgentName(
            element.get("class", ""), element.get("provider", ""), element.get("type", "")
        )
        records = tuple(record(one) for one in element if one.tag == "lrm_rsc_op")
        locked = documents.moment(element.get("shutdown-lock"))
        found.setdefault(name, observed.ResourceHistory(name, kind, records, locked_at=locked))
    return found


def record(element: ET.Element) -> observed.OperationRecord:
    """Return one ``lrm_rsc_op``."""
    key = element.get("transition-key", "")
    status, rc, magic_key = _magic(element.get("transition-magic", ""))
    return observed.OperationRecord(
        operation=element.get("operation", ""),
        interval_ms=documents.whole(element.get("interval-ms") or element.get("interval")),
        call=documents.whole(element.get("call-id"), -1),
        rc=documents.whole(element.get("rc-code"), rc),
        status=_STATUS.get(
            documents.whole(element.get("op-status"), status), observed.OperationStatus.ERROR
        ),
        expected_rc=_expected(key or magic_key),
        changed_at=documents.moment(element.get("last-rc-change")),
        run_at=documents.moment(element.get("last-run")),
        exec_ms=documents.whole(element.get("exec-time")),
        queue_ms=documents.whole(element.get("queue-time")),
        reason=element.get("exit-reason", ""),
        digests=_digests(element),
        source=element.get("migrate_source", ""),
        target=element.get("migrate_target", ""),
        token=key or magic_key,
        id=element.get("id", ""),
    )


def _magic(text: str) -> tuple[int, int, str]:
    """Return status, exit code and key of a ``transition-magic``: ``0:7;4:3:7:uuid``."""
    numbers, _, key = text.partition(";")
    status, _, rc = numbers.partition(":")
    return documents.whole(status or None, -1), documents.whole(rc or None, -1), key


def _expected(key: str) -> int:
    parts = key.split(":")
    return documents.whole(parts[2]) if len(parts) >= _KEY_PARTS else 0


def _digests(element: ET.Element) -> observed.Digests:
    names = element.get("op-force-restart", "").split()
    return observed.Digests(
        all=element.get("op-digest", ""),
        nonreloadable=element.get("op-restart-digest", ""),
        nonprivate=element.get("op-secure-digest", ""),
        restart_parameters=tuple(names),
    )
