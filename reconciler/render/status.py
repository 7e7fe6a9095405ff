"""The state of a cluster as text and JSON: nodes, resources, failures, fencing, who acts."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from reconciler.frozen import frozen
from reconciler.model import attribute
from reconciler.model import plan as plan_model
from reconciler.model.desired import Desired
from reconciler.model.observed import Observed, ObservedNode, Presence
from reconciler.model.plan import Change, ChangeKind, Plan
from reconciler.model.resource import Bundle, Clone, Group, Primitive, Resource, primitives
from reconciler.model.role import Role
from reconciler.render import failures, moment, plan_text, values
from reconciler.render.styled import EMPTY, Line, Lines, Span, Style, heading, line, span, table


@frozen
class Device:
    """A fence device and whether it answers; ``ok`` None: it was not asked."""

    name: str
    agent: str
    hosts: tuple[str, ...]
    ok: bool | None = None
    message: str = ""


@frozen
class Fenced:
    """A fencing that is over."""

    at: float
    node: str
    confirmed: bool
    device: str = ""
    message: str = ""


@frozen
class Lease:
    """Who acts on the cluster now."""

    user: str
    host: str
    pid: int
    command: str
    since: float
    remaining_s: float


@frozen
class Status:
    """Everything that the status shows.

    Attributes:
        plan: what would be due now; its changes also tell what is active where.
        unreachable: node to the words of the failed connection.
    """

    desired: Desired
    observed: Observed
    plan: Plan
    devices: tuple[Device, ...] = ()
    fenced: tuple[Fenced, ...] = ()
    lease: Lease | None = None
    silent: tuple[str, ...] = ()


_PRESENCE: dict[Presence, tuple[str, Style]] = {
    Presence.ONLINE: ("online", Style.GOOD),
    Presence.PENDING: ("pending", Style.WARNING),
    Presence.OFFLINE: ("offline", Style.BAD),
    Presence.UNKNOWN: ("UNKNOWN", Style.BAD),
    Presence.UNSEEN: ("UNSEEN", Style.BAD),
}
_PRESENCE_WORDS: dict[Presence, str] = {
    Presence.OFFLINE: "proven down, nothing runs there",
    Presence.PENDING: "answers, but cannot take work yet",
    Presence.UNKNOWN: "does not answer; whatever ran there may still run",
    Presence.UNSEEN: "nobody has seen it since the cluster began",
}
_ROLE_STYLES: dict[Role, Style] = {
    Role.STARTED: Style.GOOD,
    Role.PROMOTED: Style.GOOD,
    Role.UNPROMOTED: Style.GOOD,
    Role.STOPPED: Style.BAD,
    Role.UNKNOWN: Style.WARNING,
}


def lines(state: Status) -> Lines:
    """Return the status for people."""
    result: list[Line] = [_headline(state), EMPTY]
    for title, rows in (
        ("Nodes", _nodes(state)),
        ("Resources", _resources(state)),
        ("Failures", _failures(state)),
        ("Fencing", _devices(state)),
        ("Fenced", _fenced(state)),
    ):
        if rows:
            result += [heading(title), *rows, EMPTY]
    if state.lease is not None:
        result.append(_lease(state.lease, state.observed.now))
    result.append(_verdict(state))
    return tuple(result)


def _answering(observed: Observed) -> int:
    there = {Presence.ONLINE, Presence.PENDING}
    return sum(one.presence in there for one in observed.nodes.values())


def _headline(state: Status) -> Line:
    total = len(state.observed.nodes)
    words = f"{_answering(state.observed)} of {total} nodes answer"
    quorum = (
        span(f"quorum ({words})", Style.GOOD)
        if state.observed.quorate
        else span(f"NO QUORUM ({words})", Style.BAD)
    )
    return line(
        "Cluster ",
        span(state.desired.name, Style.STRONG),
        "  ",
        quorum,
        span(f"  {moment.rfc3339(state.observed.now)}", Style.FAINT),
        hang=2,
    )


def node_words(one: ObservedNode, desired_standby: bool, desired_maintenance: bool) -> str:
    """Return what else is to be said of a node, besides its presence."""
    words = []
    if one.standby or (one.standby is None and desired_standby):
        words.append("standby" + ("" if one.standby else " (manifest)"))
    if one.maintenance or (one.maintenance is None and desired_maintenance):
        words.append("maintenance" + ("" if one.maintenance else " (manifest)"))
    if one.shutdown:
        words.append("shutting down")
    if one.presence in _PRESENCE_WORDS:
        words.append(_PRESENCE_WORDS[one.presence])
    if one.unclean_reason:
        words.append(f"must be fenced: {one.unclean_reason}")
    return ", ".join(words)


def _nodes(state: Status) -> Lines:
    wanted = {one.name: one for one in state.desired.nodes}
    rows = []
    for name, one in state.observed.nodes.items():
        word, style = _PRESENCE[one.presence]
        known = wanted.get(name)
        extra = node_words(one, bool(known and known.standby), bool(known and known.maintenance))
        since = f"since {moment.rfc3339(one.since)}" if one.since else ""
        rows.append(
            (
                span(name, Style.STRONG),
                Span(word, style),
                span(known.address if known else "not in the manifest", Style.FAINT),
                span(", ".join(part for part in (extra, since) if part)),
            )
        )
    return table(rows)


def _resources(state: Status) -> Lines:
    seats = _seats(state)
    rows: list[tuple[Span, ...]] = []
    for one in state.desired.resources:
        rows += _resource(one, seats)
    listed = {primitive.name for one in state.desired.resources for primitive in primitives(one)}
    for name in sorted(set(seats) - listed):
        rows += _rows(name, "not in the manifest", seats[name], 0)
    return table(rows)


@frozen
class _Seat:
    """What is known of one instance of a resource; ``node`` empty: it is not known to run."""

    role: Role
    node: str = ""
    remark: str = ""


_NOWHERE = _Seat(Role.STOPPED)


def _lost(state: Status) -> tuple[str, ...]:
    """Return the nodes on which anything may run."""
    uncertain = {Presence.UNKNOWN, Presence.UNSEEN}
    return tuple(name for name, one in state.observed.nodes.items() if one.presence in uncertain)


def _seats(state: Status) -> dict[str, tuple[_Seat, ...]]:
    """Return the instances of each resource, promoted ones first; silence is never "stopped"."""
    by_name: dict[str, list[Change]] = {}
    for change in state.plan.changes:
        by_name.setdefault(change.resource, []).append(change)
    lost = _lost(state)
    found: dict[str, tuple[_Seat, ...]] = {}
    for name, changes in by_name.items():
        active = [one for one in changes if one.role.active]
        if active:
            ordered = sorted(
                active,
                key=lambda one: (one.role is not Role.PROMOTED, one.source, one.instance or 0),
            )
            found[name] = tuple(_Seat(one.role, one.source, _remark(one)) for one in ordered)
        elif lost:
            words = [f"may run on {', '.join(lost)}", _remark(changes[0])]
            remark = "  ".join(word for word in words if word)
            found[name] = (_Seat(Role.UNKNOWN, "", remark),)
        else:
            found[name] = (_Seat(Role.STOPPED, "", _remark(changes[0])),)
    return found


def _resource(one: Resource, seats: dict[str, tuple[_Seat, ...]]) -> Iterable[tuple[Span, ...]]:
    match one:
        case Primitive():
            yield from _rows(one.name, str(one.agent), seats.get(one.name, (_NOWHERE,)), 0)
            return
        case Clone():
            promotable = attribute.always(one.meta, "promotable") in {"true", "yes", "on", "1"}
            kind = "promotable clone" if promotable else "clone"
        case Group():
            kind = "group"
        case Bundle():
            kind = "bundle"
    yield span(one.name, Style.STRONG), span(kind, Style.FAINT), Span(""), Span("")
    for primitive in primitives(one):
        found = seats.get(primitive.name, (_NOWHERE,))
        yield from _rows(primitive.name, str(primitive.agent), found, 2)


def _rows(
    name: str, kind: str, seats: tuple[_Seat, ...], indent: int
) -> Iterable[tuple[Span, ...]]:
    for index, one in enumerate(seats):
        words = "  ".join(word for word in (one.node, one.remark) if word)
        yield (
            span("" if index else " " * indent + name, Style.PLAIN if indent else Style.STRONG),
            span("" if index else kind, Style.FAINT),
            Span(one.role.value, _ROLE_STYLES[one.role]),
            span(words),
        )


def _remark(one: Change) -> str:
    if one.blocked or one.held:
        return f"blocked: {plan_text.intent(one)}"
    return "" if one.kind is ChangeKind.LEAVE else f"due: {plan_text.intent(one)}"


def _failures(state: Status) -> Lines:
    rows = []
    for one in failures.found(state.desired, state.observed):
        tail = [failures.text(one)]
        if one.at:
            tail.append(f"at {moment.rfc3339(one.at)}")
        if one.expires_at is not None:
            tail.append(f"expires {moment.rfc3339(one.expires_at)}")
        rows.append(
            (
                span(one.resource, Style.STRONG),
                span(f"{one.operation_text} on {one.node}"),
                span(failures.count_text(one), Style.WARNING),
                span("; ".join(tail)),
            )
        )
    return table(rows)


def _devices(state: Status) -> Lines:
    return devices(state.devices)


def devices(found: Iterable[Device]) -> Lines:
    """Return fence devices as rows: name, agent, for whom, whether they answer."""
    words = {
        True: ("answers", Style.GOOD),
        False: ("DOES NOT ANSWER", Style.BAD),
        None: ("", Style.PLAIN),
    }
    return table(
        (
            span(one.name, Style.STRONG),
            span(one.agent, Style.FAINT),
            span(f"for {', '.join(one.hosts)}" if one.hosts else "for no node"),
            Span(*words[one.ok]),
            span(one.message),
        )
        for one in found
    )


def _fenced(state: Status) -> Lines:
    return fenced(state.fenced)


def fenced(found: Iterable[Fenced]) -> Lines:
    """Return fencings that are over as rows, as they were given."""
    return table(
        (
            span(moment.rfc3339(one.at), Style.FAINT),
            span(one.node, Style.STRONG),
            Span("proven off", Style.GOOD) if one.confirmed else Span("NOT PROVEN OFF", Style.BAD),
            span(f"by {one.device}" if one.device else ""),
            span(one.message),
        )
        for one in found
    )


def _lease(lease: Lease, now: float) -> Line:
    since = moment.length(max(0.0, now - lease.since))
    return line(
        span("Acting now: ", Style.NOTE),
        f"{lease.command} by {lease.user} on {lease.host} (pid {lease.pid}), for {since}",
        hang=2,
    )


def _verdict(state: Status) -> Line:
    due = state.plan
    blocked = len(due.blocked) + sum(one.blocked is not None for one in due.fencing)
    blocked += len(plan_model.exhausted(due, state.observed))
    changes = sum(one.kind is not ChangeKind.LEAVE and not one.blocked for one in due.changes)
    fences = [one.node for one in due.fencing if one.blocked is None]
    parts: list[Span] = []
    for text, style in (
        (f"{blocked} blocked" if blocked else "", Style.WARNING),
        (f"{', '.join(fences)} to be fenced" if fences else "", Style.FENCE),
        (f"{changes} change{'s' * (changes != 1)} due" if changes else "", Style.CHANGE),
    ):
        if text:
            parts += [Span(", ")] if parts else []
            parts.append(span(text, style))
    if parts:
        return Line((*parts, Span("; see: reconcile plan")), 2)
    if not due.empty:
        return line("As desired, but for upkeep (probes, monitors); see: reconcile plan")
    return line(span("As desired.", Style.GOOD))


def as_json(state: Status) -> dict[str, object]:
    """Return the status for programs."""
    wanted = {one.name: one for one in state.desired.nodes}
    uncertain = {
        name
        for name, seats in _seats(state).items()
        if all(one.role is Role.UNKNOWN for one in seats)
    }
    return {
        "format_version": values.FORMAT_VERSION,
        "cluster": state.desired.name,
        "at": moment.rfc3339(state.observed.now),
        "observation": state.observed.id,
        "quorate": state.observed.quorate,
        "converged": state.plan.empty
        and not state.plan.blocked
        and not plan_model.exhausted(state.plan, state.observed),
        "nodes": [
            {
                "node": name,
                "presence": one.presence.value,
                "address": wanted[name].address if name in wanted else None,
                "standby": one.standby
                if one.standby is not None
                else bool(name in wanted and wanted[name].standby),
                "maintenance": one.maintenance
                if one.maintenance is not None
                else bool(name in wanted and wanted[name].maintenance),
                "shutdown": one.shutdown,
                "boot_id": one.boot_id,
                "since": moment.rfc3339(one.since) if one.since else None,
                "attributes": dict(one.attributes),
            }
            for name, one in state.observed.nodes.items()
        ],
        "resources": [
            {
                "resource": one.resource,
                "instance": one.instance,
                "role": Role.UNKNOWN.value if one.resource in uncertain else one.role.value,
                "node": one.source or None,
                "may_run_on": list(_lost(state)) if one.resource in uncertain else [],
                "due": one.kind.value,
                "blocked": one.blocked,
            }
            for one in state.plan.changes
        ],
        "failures": [
            {
                **dataclasses.asdict(one),
                "at": moment.rfc3339(one.at) if one.at else None,
                "expires_at": moment.rfc3339(one.expires_at) if one.expires_at else None,
            }
            for one in failures.found(state.desired, state.observed)
        ],
        "fence_devices": [dataclasses.asdict(one) for one in state.devices],
        "fenced": [
            {**dataclasses.asdict(one), "at": moment.rfc3339(one.at)} for one in state.fenced
        ],
        "lease": dataclasses.asdict(state.lease) if state.lease else None,
    }
