"""Fold what the nodes report into one ``Observed``. Silence is UNKNOWN, never stopped.

Only this file decides what is believed:

- a node that does not answer is OFFLINE only where that is proven: its last known boot was fenced
  and the fencing confirmed, or it left cleanly. Else UNKNOWN, or UNSEEN if nobody ever saw it;
- a node that answers from a boot that was confirmed off contradicts the device: it must be fenced;
- the history of a resource is void where an operation's outcome is lost, or pending though nothing
  runs, and no later operation has shown what the resource is: the scheduler then finds no history,
  and probes;
- a recurring monitor that was well counts only while the executor really has it scheduled; one
  that failed counts in any case;
- what a silent node is remembered to have run is kept, since it may still run.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from reconciler.controller import quorum, records
from reconciler.model import desired as desired_model
from reconciler.model import node as node_model
from reconciler.model import observed
from reconciler.ports import nodes

_TELLING = frozenset({"monitor", "start", "stop", "promote", "demote"})
"""Operations whose result shows what a resource is."""

NO_REMEMBERED: Mapping[str, nodes.NodeReport] = {}
"""Nothing is remembered of nodes that do not answer."""


def fold(
    wanted: desired_model.Desired,
    reports: records.Reports,
    known: records.Records,
    now: float,
    *,
    remembered: Mapping[str, nodes.NodeReport] = NO_REMEMBERED,
) -> observed.Observed:
    """Return the cluster as seen at ``now``.

    Args:
        wanted: its nodes are the ones that count.
        reports: node to what it says of itself; None where it does not answer.
        known: the merged cluster records.
        now: seconds since 1970.
        remembered: the last report of nodes that answered earlier in this run.
    """
    answering = [name for name, report in reports.items() if report is not None]
    seen = {
        one.name: _node(one, reports.get(one.name), known, remembered.get(one.name))
        for one in wanted.nodes
        if one.kind is not node_model.NodeKind.PING
    }
    view = observed.Observed(
        now=now,
        quorate=quorum.holds(wanted, answering),
        nodes=dict(sorted(seen.items())),
        tickets=_tickets(known),
        attributes={
            name: value
            for name, value in records.family(known, "attribute").items()
            if isinstance(value, str)
        },
    )
    return dataclasses.replace(view, id=digest(view))


def digest(view: observed.Observed) -> str:
    """Return a digest of everything in an observation but its time and its own id.

    Two observations with the same digest lead to the same plan, unless time itself changes it.
    """
    plain = _plain(dataclasses.replace(view, now=0.0, id=""))
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _node(
    wanted: node_model.Node,
    report: nodes.NodeReport | None,
    known: records.Records,
    remembered: nodes.NodeReport | None,
) -> observed.ObservedNode:
    name = wanted.name
    seen = records.seen(known, name)
    fenced = records.fence(known, name)
    if report is None:
        presence = _absence(seen, fenced)
        maybe_there = presence in {observed.Presence.UNKNOWN, observed.Presence.UNSEEN}
        old = remembered if maybe_there else None
        return observed.ObservedNode(
            name=name,
            presence=presence,
            boot_id=seen.boot_id,
            attributes=_attributes(old) if old else {},
            standby=records.switch(known, records.standby_key(name)),
            maintenance=records.switch(known, records.maintenance_key(name)),
            expected_up=seen.expected_up,
            histories=_histories(old, running=True) if old else {},
            since=fenced.at if presence is observed.Presence.OFFLINE and fenced.confirmed else 0.0,
        )
    attributes = _attributes(report)
    return observed.ObservedNode(
        name=name,
        presence=observed.Presence.ONLINE,
        boot_id=report.boot_id,
        attributes=attributes,
        standby=records.switch(known, records.standby_key(name)),
        maintenance=records.switch(known, records.maintenance_key(name)),
        shutdown=attributes.get("shutdown", "0") not in {"", "0"},
        histories=_histories(report, running=False),
        unclean_reason=_contradiction(report, fenced),
    )


def _absence(seen: records.Seen, fenced: records.Fence) -> observed.Presence:
    """Return what is known of a node that does not answer."""
    if fenced.confirmed and fenced.boot_id == seen.boot_id:
        return observed.Presence.OFFLINE
    if not seen.boot_id:
        return observed.Presence.UNSEEN
    return observed.Presence.UNKNOWN if seen.expected_up else observed.Presence.OFFLINE


def _contradiction(report: nodes.NodeReport, fenced: records.Fence) -> str:
    if fenced.confirmed and fenced.boot_id and fenced.boot_id == report.boot_id:
        device = fenced.device or "a device"
        return f"{device} confirmed it off, yet it answers from the same boot"
    return ""


def _attributes(report: nodes.NodeReport) -> dict[str, str]:
    return dict(sorted({**report.permanent, **report.transient}.items()))


def _histories(report: nodes.NodeReport, *, running: bool) -> dict[str, observed.ResourceHistory]:
    """Return the histories that count; ``running`` keeps pending operations as they are."""
    busy = {one.resource for one in report.running}
    scheduled = {(one.resource, one.operation, one.interval_ms) for one in report.recurring}
    kept = {}
    for name, history in sorted(report.histories.items()):
        lost = [one for one in history.operations if _lost(one, busy=running or name in busy)]
        if lost and not running and not _answered(history, max(one.call for one in lost)):
            continue
        operations = tuple(
            one
            for one in history.operations
            if one not in lost
            and (
                not one.interval_ms
                or one.rc != one.expected_rc
                or (name, one.operation, one.interval_ms) in scheduled
            )
        )
        kept[name] = dataclasses.replace(history, operations=operations)
    return kept


def _lost(operation: observed.OperationRecord, *, busy: bool) -> bool:
    if operation.status is observed.OperationStatus.LOST:
        return True
    return operation.status is observed.OperationStatus.PENDING and not busy


def _answered(history: observed.ResourceHistory, call: int) -> bool:
    """Tell whether a later operation has shown what the resource is since."""
    return any(
        one.call > call
        and one.status is observed.OperationStatus.DONE
        and one.operation in _TELLING
        for one in history.operations
    )


def _tickets(known: records.Records) -> dict[str, observed.TicketState]:
    found = {}
    for name, value in sorted(records.family(known, "ticket").items()):
        if isinstance(value, dict):
            last = value.get("last_granted")
            found[name] = observed.TicketState(
                granted=value.get("granted") is True,
                standby=value.get("standby") is True,
                last_granted=float(last) if isinstance(last, int | float) else None,
            )
    return found


def _plain(value: Any) -> Any:
    """Return dataclasses, enums and mappings as JSON values."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return value
