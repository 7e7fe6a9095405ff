"""The executor's protocol in the words of the model, both ways. Pure: no I/O, no clock.

Only this file decides what an answer means. An answer that is not what the protocol says gives
OddAnswerError, from which the caller makes "unreachable" or UNKNOWN, and never "stopped".
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from reconciler.frozen import frozen
from reconciler.model import action, agent, observed, outcome, secret
from reconciler.ports import nodes
from reconciler.transport import fields
from reconciler.transport.fields import Document, OddAnswerError

PROTOCOL = 1
LINE_MAX = 4 * 1024 * 1024
"""Bytes of one line."""


@frozen
class Refusal:
    """An error reply: the protocol's code, words for people, and what else it carries."""

    code: str
    message: str
    details: Document


@frozen
class Reply:
    """A reply to one request; either a result or a refusal."""

    id: int | None
    result: Document | None = None
    refusal: Refusal | None = None


@frozen
class Event:
    """Something pushed."""

    kind: str
    body: Document


@frozen
class Hello:
    """Who answers."""

    node: str
    boot_id: str
    executor_id: str


def encode(request: Document) -> bytes:
    """Return a request as a line. Raises ValueError where it is too long."""
    line = json.dumps(request, separators=(",", ":"), allow_nan=False).encode() + b"\n"
    if len(line) > LINE_MAX:
        raise ValueError(f"the request takes {len(line)} bytes, at most {LINE_MAX} may be sent")
    return line


def decode(line: bytes) -> Reply | Event:
    """Return what a line says. Raises OddAnswerError."""
    try:
        body = fields.document(json.loads(line, parse_constant=_no_constant), "the line")
    except (ValueError, RecursionError) as error:
        raise OddAnswerError(f"not JSON: {error}") from None
    if "event" in body:
        return Event(fields.text(body, "event"), body)
    identity = None if body.get("id") is None else fields.integer(body, "id")
    match body.get("ok"):
        case True:
            return Reply(identity, result=fields.document(body.get("result"), "result"))
        case False:
            details = fields.document(body.get("error"), "error")
            code, message = fields.text(details, "code"), fields.text(details, "message")
            return Reply(identity, refusal=Refusal(code, message, details))
        case _:
            raise OddAnswerError("a reply is neither ok nor not")


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def hello(body: Document) -> Hello:
    """Return who answers. Raises OddAnswerError, also for another version of the protocol."""
    version = fields.integer(body, "protocol")
    if version != PROTOCOL:
        raise OddAnswerError(f"the executor speaks protocol {version}, not {PROTOCOL}")
    return Hello(
        fields.text(body, "node"), fields.text(body, "boot_id"), fields.text(body, "executor_id")
    )


def report(body: Document) -> nodes.NodeReport:
    """Return what a node says of itself. Raises OddAnswerError."""
    attributes = fields.document(body.get("attributes"), "attributes")
    lease = body.get("lease")
    held = None if lease is None else fields.document(lease, "lease")
    return nodes.NodeReport(
        node=fields.text(body, "node"),
        boot_id=fields.text(body, "boot_id"),
        executor_id=fields.text(body, "executor_id"),
        generation=fields.integer(body, "generation"),
        token=fields.integer(body, "token"),
        holder=None if held is None else holder(held.get("holder")),
        lease_remaining_s=0.0 if held is None else fields.number(held, "remaining_ms") / 1000,
        histories={
            name: _history(name, fields.document(one, name))
            for name, one in fields.document(body.get("resources"), "resources").items()
        },
        recurring=tuple(
            _recurring(fields.document(one, "recurring"))
            for one in fields.sequence(body.get("recurring"), "recurring")
        ),
        running=tuple(
            _running(fields.document(one, "running"))
            for one in fields.sequence(body.get("running"), "running")
        ),
        transient=fields.strings(attributes.get("transient"), "transient"),
        permanent=fields.strings(attributes.get("permanent"), "permanent"),
        records={
            key: _record(fields.document(one, key))
            for key, one in fields.document(body.get("records"), "records").items()
        },
    )


def holder(value: Any) -> nodes.LeaseHolder:
    """Return who holds a lease; only its id is sure to be there. Raises OddAnswerError."""
    body = fields.document(value, "holder")
    return nodes.LeaseHolder(
        id=fields.text(body, "id"),
        host=fields.text(body, "host", ""),
        user=fields.text(body, "user", ""),
        pid=fields.integer(body, "pid", 0),
        command=fields.text(body, "command", ""),
        since=fields.number(body, "since", 0.0),
    )


def _history(name: str, body: Document) -> observed.ResourceHistory:
    return observed.ResourceHistory(
        resource=name,
        agent=agent.parse(fields.text(body, "agent")),
        operations=tuple(
            operation(fields.document(one, "operation"))
            for one in fields.sequence(body.get("operations"), "operations")
        ),
        revision=fields.integer(body, "revision"),
    )


def operation(body: Document) -> observed.OperationRecord:
    """Return one entry of the history. Raises OddAnswerError."""
    migrate = fields.strings(body.get("migrate") or {}, "migrate")
    started_at = fields.number(body, "started_at", 0.0)
    queued_at = fields.number(body, "queued_at", started_at)
    return observed.OperationRecord(
        operation=fields.text(body, "operation"),
        interval_ms=fields.integer(body, "interval_ms"),
        call=fields.integer(body, "call"),
        rc=fields.integer(body, "rc"),
        status=_status(body),
        expected_rc=fields.integer(body, "expected_rc", 0),
        changed_at=fields.number(body, "changed_at", 0.0),
        run_at=started_at,
        exec_ms=fields.integer(body, "exec_ms", 0),
        queue_ms=max(0, round((started_at - queued_at) * 1000)),
        reason=fields.text(body, "reason", ""),
        digests=_digests(fields.document(body.get("digests") or {}, "digests")),
        source=migrate.get("source", ""),
        target=migrate.get("target", ""),
        token=fields.text(body, "action_id", ""),
    )


def _status(body: Document) -> observed.OperationStatus:
    word = fields.text(body, "status")
    try:
        return observed.OperationStatus(word)
    except ValueError:
        raise OddAnswerError(f"status {word!r} is not known") from None


def _digests(body: Document) -> observed.Digests:
    names = fields.sequence(body.get("restart_parameters", []), "restart_parameters")
    return observed.Digests(
        all=fields.text(body, "all", ""),
        nonreloadable=fields.text(body, "nonreloadable", ""),
        nonprivate=fields.text(body, "nonprivate", ""),
        restart_parameters=tuple(fields.text({"name": name}, "name") for name in names),
    )


def _recurring(body: Document) -> nodes.Recurring:
    return nodes.Recurring(
        fields.text(body, "resource"),
        fields.text(body, "operation"),
        fields.integer(body, "interval_ms"),
    )


def _running(body: Document) -> nodes.Running:
    return nodes.Running(
        fields.text(body, "action_id"),
        fields.text(body, "resource"),
        fields.text(body, "operation"),
        fields.integer(body, "interval_ms"),
        fields.number(body, "since"),
    )


def _record(body: Document) -> nodes.Record:
    version = fields.sequence(body.get("version"), "version")
    if len(version) != 2:  # noqa: PLR2004 - token and sequence number
        raise OddAnswerError("version is no pair")
    pair = {"token": version[0], "sequence": version[1]}
    return nodes.Record(
        body.get("value"), (fields.integer(pair, "token"), fields.integer(pair, "sequence"))
    )


_RUNS = frozenset(
    {
        action.Task.START, action.Task.STOP, action.Task.PROMOTE, action.Task.DEMOTE,
        action.Task.MONITOR, action.Task.MIGRATE_TO, action.Task.MIGRATE_FROM,
        action.Task.RELOAD, action.Task.RELOAD_AGENT, action.Task.NOTIFY,
    }
)  # fmt: skip
"""What an agent does."""


@frozen
class Request:
    """A request without its id; ``runs``: an agent is run, so its outcome may get lost."""

    op: str
    body: Document
    runs: bool = False


def request(
    step: action.Action,
    *,
    action_id: str,
    token: int,
    boot_id: str,
    params: Mapping[str, str],
) -> Request | None:
    """Return the request that has an action done; None where no executor does such an action."""
    if step.task in _RUNS and step.agent is not None:
        return Request("act", _act(step, action_id, token, boot_id, params), runs=True)
    about = {"token": token, "resource": step.resource}
    match step.task:
        case action.Task.CLEAR_FAILCOUNT:
            return Request("forget", {**about, "fail_counts_only": True})
        case action.Task.DELETE:
            return Request("forget", about)
        case action.Task.CANCEL:
            monitor = {"operation": "monitor", "interval_ms": step.interval_ms}
            return Request("cancel", {**about, **monitor})
        case action.Task.SHUTDOWN:
            return Request("shutdown", {"token": token})
        case _:
            return None


def _act(
    step: action.Action, action_id: str, token: int, boot_id: str, params: Mapping[str, str]
) -> Document:
    digests = {
        "all": step.digests.all,
        "nonprivate": step.digests.nonprivate,
        "nonreloadable": step.digests.nonreloadable,
        "restart_parameters": list(step.digests.restart_parameters),
    }
    migrate = {"source": step.source, "target": step.target}
    return {
        "token": token,
        "action_id": action_id,
        "expect": {"boot_id": boot_id, "revision": step.revision},
        "resource": step.resource,
        "agent": str(step.agent),
        "operation": step.task.value,
        "interval_ms": step.interval_ms,
        "timeout_ms": step.timeout_ms,
        "start_delay_ms": step.start_delay_ms,
        "params": dict(params),
        "meta": dict(step.meta),
        "expected_rc": step.expected_rc,
        "digests": digests,
        "fatal": step.fatal,
        "probe": step.probe,
        "migrate": migrate if step.source or step.target else None,
        "secret_params": sorted(
            name for name, value in step.params.items() if isinstance(value, secret.SecretRef)
        ),
    }


_CLEAR = {
    observed.OperationStatus.DONE: None,
    observed.OperationStatus.NOT_INSTALLED: outcome.OutcomeKind.FAILURE,
}
"""Statuses that tell what the agent did; by any other whatever it did may have been done."""


def result(body: Document) -> outcome.Outcome:
    """Return the outcome in the reply to ``act`` or ``result``. Raises OddAnswerError."""
    entry = fields.document(body.get("operation"), "operation")
    ran = operation(entry)
    revision = fields.integer(body, "revision") if body.get("revision") is not None else None
    if ran.status not in _CLEAR:
        kind = outcome.OutcomeKind.UNKNOWN
    elif ran.status is observed.OperationStatus.DONE and ran.rc == ran.expected_rc:
        kind = outcome.OutcomeKind.SUCCESS
    else:
        kind = outcome.OutcomeKind.FAILURE
    clear = kind is not outcome.OutcomeKind.UNKNOWN
    words = ran.reason or ("" if clear else f"the operation ended with status {ran.status.value}")
    return outcome.Outcome(
        kind,
        rc=ran.rc if clear else None,
        message=words,
        revision=revision,
        began_at=ran.run_at,
        ended_at=fields.number(entry, "ended_at", 0.0),
    )


_REFUSALS: Mapping[str, outcome.RefusalCode] = {
    "stale-token": outcome.RefusalCode.STALE_TOKEN,
    "wrong-boot": outcome.RefusalCode.WRONG_BOOT,
    "revision-changed": outcome.RefusalCode.REVISION_CHANGED,
    "busy": outcome.RefusalCode.BUSY,
    "unknown-agent": outcome.RefusalCode.UNKNOWN_AGENT,
    "state-not-writable": outcome.RefusalCode.STATE_NOT_WRITABLE,
    "bad-request": outcome.RefusalCode.OTHER,
    "bad-name": outcome.RefusalCode.OTHER,
    "unknown-op": outcome.RefusalCode.OTHER,
    "not-started": outcome.RefusalCode.OTHER,
    "cancelled": outcome.RefusalCode.OTHER,
    "shutting-down": outcome.RefusalCode.OTHER,
}
"""Codes that say for certain that nothing was run. Any other says nothing: ``internal`` may come
after the agent ran, ``too-large`` and ``already-done`` do."""


def refused(refusal: Refusal) -> outcome.Outcome:
    """Return the outcome of an action that an error reply was given to."""
    code = _REFUSALS.get(refusal.code)
    words = f"{refusal.code}: {refusal.message}"
    if code is None:
        return outcome.Outcome(outcome.OutcomeKind.UNKNOWN, message=words)
    revision = refusal.details.get("revision")
    return outcome.Outcome(
        outcome.OutcomeKind.REFUSED,
        message=words,
        refusal=code,
        revision=revision if isinstance(revision, int) else None,
    )


def lease_request(
    verb: str, holder: nodes.LeaseHolder, token: int, ttl_s: float | None = None
) -> Document:
    """Return the body of a request about the lease."""
    body: dict[str, Any] = {"action": verb, "holder": dataclasses.asdict(holder), "token": token}
    if ttl_s is not None:
        body["ttl_ms"] = round(ttl_s * 1000)
    return body


def raised(refusal: Refusal) -> Exception:
    """Return the exception that a refusal means. Raises OddAnswerError."""
    match refusal.code:
        case "lease-held":
            return nodes.LeaseHeldError(
                holder(refusal.details.get("holder")),
                fields.number(refusal.details, "remaining_ms", 0) / 1000,
                fields.integer(refusal.details, "token", 0),
            )
        case "stale-token":
            return nodes.StaleTokenError(fields.integer(refusal.details, "token", 0))
        case _:
            return nodes.RequestRefusedError(refusal.code, f"{refusal.code}: {refusal.message}")
