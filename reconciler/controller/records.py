"""Cluster records: what has to outlive every controller, replicated on all nodes that answer.

Keys and values, and only this file knows them:

- ``node/NAME`` {boot_id, seen_at, expected_up}: the boot in which the node was last seen, and whether
  it is expected back (false: it left cleanly);
- ``fence/NAME`` {state: intent | confirmed, boot_id, at, token, device, reason};
- ``fenced-times/NAME`` [seconds since 1970, ...]: for the limit per hour;
- ``standby/NAME``, ``maintenance/NAME``: true, false, or null (the manifest decides);
- ``ticket/NAME`` {granted, standby, last_granted}; ``attribute/NAME``: a cluster-wide attribute.

A record counts when it has the highest version among the nodes that answer. Everything that a
controller relies on is written to a majority before it acts, so any later majority holds it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from reconciler.frozen import frozen
from reconciler.ports import nodes

HOUR_S = 3600.0

Records = Mapping[str, nodes.Record]
Reports = Mapping[str, nodes.NodeReport | None]


@frozen
class Seen:
    """The record of a node; ``boot_id`` empty: it was never seen."""

    boot_id: str = ""
    seen_at: float = 0.0
    expected_up: bool = True

    def value(self) -> dict[str, Any]:
        """Return the record's JSON value."""
        return dataclasses.asdict(self)


@frozen
class Fence:
    """The record of the last fencing of a node; ``state`` empty: there was none."""

    state: str = ""
    boot_id: str = ""
    at: float = 0.0
    token: int = 0
    device: str = ""
    reason: str = ""

    @property
    def confirmed(self) -> bool:
        """Whether the node was proven off."""
        return self.state == "confirmed"

    def value(self) -> dict[str, Any]:
        """Return the record's JSON value."""
        return dataclasses.asdict(self)


def node_key(name: str) -> str:
    """Return the key of a node's record."""
    return f"node/{name}"


def fence_key(name: str) -> str:
    """Return the key of a node's fence record."""
    return f"fence/{name}"


def times_key(name: str) -> str:
    """Return the key of the times at which a node was fenced."""
    return f"fenced-times/{name}"


def standby_key(name: str) -> str:
    """Return the key of a node's standby."""
    return f"standby/{name}"


def maintenance_key(name: str) -> str:
    """Return the key of a node's maintenance."""
    return f"maintenance/{name}"


def merge(reports: Reports) -> dict[str, nodes.Record]:
    """Return for every key the record of the highest version that any answering node holds."""
    found: dict[str, nodes.Record] = {}
    for name in sorted(reports):
        report = reports[name]
        for key, record in (report.records if report else {}).items():
            if key not in found or record.version > found[key].version:
                found[key] = record
    return dict(sorted(found.items()))


def outdated(reports: Reports) -> dict[str, dict[str, nodes.Record]]:
    """Return node to the records that it lacks, or holds in an older version than another node."""
    merged = merge(reports)
    lacking = {}
    for name, report in reports.items():
        if report is None:
            continue
        held = report.records
        stale = {
            key: record
            for key, record in merged.items()
            if key not in held or held[key].version < record.version
        }
        if stale:
            lacking[name] = stale
    return lacking


def seen(records: Records, name: str) -> Seen:
    """Return the record of a node; odd values read as never seen."""
    value = _mapping(records, node_key(name))
    up = value.get("expected_up", True)
    return Seen(_text(value, "boot_id"), _number(value, "seen_at"), up is not False)


def fence(records: Records, name: str) -> Fence:
    """Return the fence record of a node; odd values read as no fencing."""
    value = _mapping(records, fence_key(name))
    return Fence(
        state=_text(value, "state"),
        boot_id=_text(value, "boot_id"),
        at=_number(value, "at"),
        token=int(_number(value, "token")),
        device=_text(value, "device"),
        reason=_text(value, "reason"),
    )


def switch(records: Records, key: str) -> bool | None:
    """Return a record that is true, false or null."""
    record = records.get(key)
    return record.value if record is not None and isinstance(record.value, bool) else None


def times(records: Records, name: str, now: float) -> tuple[float, ...]:
    """Return when the node was fenced within an hour of ``now``, before or after it."""
    record = records.get(times_key(name))
    value = record.value if record is not None else None
    if not isinstance(value, list):
        return ()
    known = [float(one) for one in value if isinstance(one, int | float)]
    return tuple(sorted(one for one in known if abs(now - one) < HOUR_S))


def family(records: Records, prefix: str) -> dict[str, Any]:
    """Return name to value of all records ``prefix/name`` that are not null."""
    start = f"{prefix}/"
    return {
        key.removeprefix(start): record.value
        for key, record in records.items()
        if key.startswith(start) and record.value is not None
    }


def _mapping(records: Records, key: str) -> Mapping[str, Any]:
    record = records.get(key)
    return record.value if record is not None and isinstance(record.value, dict) else {}


def _text(value: Mapping[str, Any], name: str) -> str:
    found = value.get(name, "")
    return found if isinstance(found, str) else ""


def _number(value: Mapping[str, Any], name: str) -> float:
    found = value.get(name, 0)
    return float(found) if isinstance(found, int | float) else 0.0
