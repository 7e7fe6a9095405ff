"""What was observed as the status section of a CIB (Pacemaker Explained, "Status").

The four facts from which the presence of a node is judged are chosen so that the judgement is the
same again; see ``cib.presence``.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree import ElementTree as ET

from reconciler.cib import presence
from reconciler.cib import status as reader
from reconciler.cib.history import STATUS
from reconciler.cib.writing import element
from reconciler.frozen import frozen
from reconciler.model import node, observed
from reconciler.scheduler import digest

_CODES = {status: code for code, status in STATUS.items()} | {observed.OperationStatus.LOST: 4}
_NOBODY = "00000000-0000-0000-0000-000000000000"
_KEY_PARTS = 4


@frozen
class _Facts:
    """The facts of a node's entry; ``in_ccm`` None: not said."""

    in_ccm: bool | None
    online: bool
    join: str
    expected: bool


def add(
    parent: ET.Element,
    seen: observed.Observed,
    ids: Mapping[str, str],
    *,
    fencing: bool,
) -> None:
    """Add the entries of the nodes, and the tickets.

    Args:
        parent: the ``status`` element.
        seen: what was observed.
        ids: node to its id.
        fencing: whether fencing is enabled; presence means something else without.
    """
    for name, one in sorted(seen.nodes.items(), key=lambda entry: entry[1].place):
        unseen = one.presence is observed.Presence.UNSEEN and not one.remote
        if unseen and not (one.histories or one.attributes):
            continue
        entry = element.add(parent, "node_state", {"id": ids.get(name, name), "uname": one.name})
        if one.remote:
            entry.set("remote_node", "true")
            if one.fenced:
                entry.set("node_fenced", "1")
        elif name in ids:
            _presence(entry, one, fencing=fencing)
        _inside(entry, one, ids.get(name, name))
    if seen.tickets:
        tickets = element.add(parent, "tickets", {})
        for name, ticket in seen.tickets.items():
            element.add(
                tickets,
                "ticket_state",
                {
                    "id": name,
                    "granted": element.flag(ticket.granted),
                    "standby": element.flag(ticket.standby),
                    "last-granted": _moment(ticket.last_granted),
                },
            )


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else str(int(seconds))


def _presence(entry: ET.Element, one: observed.ObservedNode, *, fencing: bool) -> None:
    facts = _facts(one, fencing=fencing)
    if facts.in_ccm is not None:
        entry.set("in_ccm", "true" if facts.in_ccm else "false")
    entry.set("crmd", "online" if facts.online else "offline")
    entry.set("join", facts.join)
    entry.set("expected", "member" if facts.expected else "down")


def _inside(entry: ET.Element, one: observed.ObservedNode, identity: str) -> None:
    attributes = _attributes(one)
    if attributes:
        base = f"status-{identity}"
        transient = element.add(entry, "transient_attributes", {"id": identity})
        block = element.add(transient, "instance_attributes", {"id": base})
        for name, value in attributes.items():
            pair = {"id": f"{base}-{name}", "name": name, "value": value}
            element.add(block, "nvpair", pair)
    if one.histories:
        inside = element.add(element.add(entry, "lrm", {"id": identity}), "lrm_resources", {})
        for history in sorted(one.histories.values(), key=lambda entry: entry.place):
            _history(inside, history)


_FACTS: Mapping[observed.Presence, tuple[bool | None, bool, str]] = {
    observed.Presence.ONLINE: (True, True, "member"),
    observed.Presence.PENDING: (True, True, "pending"),
    observed.Presence.UNKNOWN: (False, False, "down"),
    observed.Presence.OFFLINE: (False, False, "down"),
    observed.Presence.UNSEEN: (None, False, "down"),
}
"""Presence to what is said of membership, controller and join where nothing else matters."""


def _facts(one: observed.ObservedNode, *, fencing: bool) -> _Facts:
    expected = one.expected_up
    in_ccm, online, join = _FACTS[one.presence]
    if one.presence is observed.Presence.ONLINE:
        if one.unclean_reason == presence.REFUSED:
            join = "banned"
        elif one.unclean_reason not in {"", reader.TERMINATE}:
            online, join, expected = False, "down", True
        else:
            expected = expected or one.shutdown
    elif one.presence is observed.Presence.UNKNOWN:
        if not fencing:
            in_ccm, expected = True, True
        elif not expected:
            join = "banned"
    return _Facts(in_ccm, online, join, expected)


def _attributes(one: observed.ObservedNode) -> dict[str, str]:
    flags = {"standby": one.standby, "maintenance": one.maintenance}
    said = {name: str(element.flag(value)) for name, value in flags.items() if value is not None}
    found = {**said, **one.attributes}
    if one.shutdown and not reader.asks_to_leave(found):
        found["shutdown"] = "1"
    return found


def _history(parent: ET.Element, one: observed.ResourceHistory) -> None:
    found = element.add(
        parent,
        "lrm_resource",
        {
            "id": one.resource,
            "class": one.agent.standard if one.agent else None,
            "provider": (one.agent.provider or None) if one.agent else None,
            "type": one.agent.kind if one.agent else None,
            "container": one.container or None,
            "shutdown-lock": _moment(one.locked_at) if one.locked_at else None,
        },
    )
    for record in one.operations:
        _record(found, one.resource, record)


def _record(parent: ET.Element, owner: str, one: observed.OperationRecord) -> None:
    key = f"{owner}_{one.operation}_{one.interval_ms}"
    token = one.token
    if len(token.split(":")) < _KEY_PARTS:
        token = f"0:0:{one.expected_rc}:{_NOBODY}"
    digests = one.digests
    status = _CODES[one.status]
    element.add(
        parent,
        "lrm_rsc_op",
        {
            "id": one.id or key,
            "operation_key": key,
            "operation": one.operation,
            "crm_feature_set": _RECORD_FEATURE_SET,
            "transition-key": token,
            "transition-magic": f"{status}:{one.rc};{token}",
            "exit-reason": one.reason or None,
            "call-id": one.call,
            "rc-code": one.rc,
            "op-status": status,
            "interval": one.interval_ms,
            "last-run": _moment(one.run_at) if one.run_at else None,
            "last-rc-change": _moment(one.changed_at) if one.changed_at else None,
            "exec-time": one.exec_ms,
            "queue-time": one.queue_ms,
            "migrate_source": one.source or None,
            "migrate_target": one.target or None,
            "op-digest": digests.all or None,
            "op-force-restart": _names(digests.restart_parameters),
            "op-restart-digest": digests.nonreloadable or None,
            "op-secure-params": _names(digests.private_parameters),
            "op-secure-digest": digests.nonprivate or None,
        },
    )


FEATURE_SET = "3.16.1"
"""The release that the CIB claims to be of: the oldest that knows every word in it."""
_RECORD_FEATURE_SET = "3.0.10"
"""The release that the digests claim to be of: later ones make those without secrets otherwise
(measured)."""


def _names(names: tuple[str, ...]) -> str | None:
    written = [name for name in names if name != digest.SETTINGS]
    return f" {' '.join(written)} " if written else None


def ids(found: tuple[node.Node, ...]) -> dict[str, str]:
    """Return node to its id."""
    return {one.name: one.id or one.name for one in found}
