"""An `act` request, read and checked."""

from __future__ import annotations

from typing import Any, Dict, Mapping, NamedTuple, Optional, Sequence

from reconciler.executor import fields, ocf
from reconciler.executor import operation as op

EXPECTED_RC_MAX = 255


class Act(NamedTuple):
    """What is to be done, and under which conditions; see PROTOCOL.md."""

    token: int
    action_id: str
    boot_id: str
    revision: Optional[int]
    resource: str
    agent: str
    operation: str
    interval_ms: int
    timeout_ms: int
    start_delay_ms: int
    params: Mapping[str, str]
    meta: Mapping[str, str]
    expected_rc: int
    digests: Mapping[str, Any]
    fatal: bool
    probe: bool
    migrate: Optional[Mapping[str, Any]]
    secret_params: Sequence[str]

    def key(self) -> op.Key:
        """Return what the history keeps the latest entry of."""
        return self.operation, self.interval_ms

    def call(self) -> ocf.Call:
        """Return the action as far as the agent sees it."""
        meta = dict(self.meta)
        if self.migrate is not None:
            meta["migrate_source"] = str(self.migrate.get("source", ""))
            meta["migrate_target"] = str(self.migrate.get("target", ""))
        return ocf.Call(
            self.resource, self.operation, self.interval_ms, self.timeout_ms, self.params, meta
        )

    def secrets(self) -> Sequence[str]:
        """Return the parameter values that must not be shown."""
        return [self.params[name] for name in self.secret_params if name in self.params]


def read_act(request: Mapping[str, Any]) -> Act:
    """Return the checked request.

    Raises:
        RefusedError: A field is missing, of another type or out of bounds.
    """
    expect = fields.mapping(request, "expect")
    migrate = fields.mapping(request, "migrate")
    read = Act(
        token=fields.integer(request, "token"),
        action_id=fields.name_of(request, "action_id", "action id"),
        boot_id=fields.text(expect, "boot_id"),
        revision=fields.optional_integer(expect, "revision"),
        resource=fields.name_of(request, "resource", "resource"),
        agent=fields.text(request, "agent"),
        operation=fields.choice(request, "operation", op.ACTIONS),
        interval_ms=fields.integer(request, "interval_ms", 0, fields.INTERVAL_MAX_MS, 0),
        timeout_ms=fields.integer(request, "timeout_ms", 1, fields.TIMEOUT_MAX_MS),
        start_delay_ms=fields.integer(request, "start_delay_ms", 0, fields.TIMEOUT_MAX_MS, 0),
        params=fields.strings(request, "params", "parameter"),
        meta=fields.strings(request, "meta", "parameter"),
        expected_rc=fields.integer(request, "expected_rc", 0, EXPECTED_RC_MAX, 0),
        digests=fields.mapping(request, "digests"),
        fatal=fields.boolean(request, "fatal"),
        probe=fields.boolean(request, "probe"),
        migrate=migrate or None,
        secret_params=fields.string_list(request, "secret_params"),
    )
    if read.interval_ms > 0 and read.operation != "monitor":
        raise fields.bad("only a monitor has an interval")
    return read


def pending(act: Act, node: str, call: int, queued_at: float, started_at: float) -> Dict[str, Any]:
    """Return the intent of an action: an OPERATION without a result."""
    return {
        "action_id": act.action_id,
        "call": call,
        "resource": act.resource,
        "operation": act.operation,
        "interval_ms": act.interval_ms,
        "rc": op.RC_LOST,
        "status": op.PENDING,
        "expected_rc": act.expected_rc,
        "reason": "",
        "output": "",
        "queued_at": queued_at,
        "started_at": started_at,
        "ended_at": 0.0,
        "changed_at": 0.0,
        "exec_ms": 0,
        "digests": dict(act.digests),
        "migrate": None if act.migrate is None else dict(act.migrate),
        "agent": act.agent,
        "node": node,
        "fatal": act.fatal,
        "probe": act.probe,
        "process": None,
    }
