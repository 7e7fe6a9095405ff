"""The codec: what answers mean, and that odd ones mean nothing."""

from __future__ import annotations

import copy

import pytest

from reconciler.model import action, agent, observed, outcome
from reconciler.ports import nodes
from reconciler.transport import wire
from reconciler.transport.fields import OddAnswerError

OPERATION = {
    "action_id": "id",
    "call": 3,
    "resource": "r",
    "operation": "start",
    "interval_ms": 0,
    "rc": 0,
    "status": "done",
    "expected_rc": 0,
    "reason": "",
    "output": "",
    "queued_at": 10.0,
    "started_at": 10.5,
    "ended_at": 11.0,
    "changed_at": 11.0,
    "exec_ms": 500,
    "digests": {"all": "d", "nonprivate": "p", "nonreloadable": "n", "restart_parameters": ["x"]},
    "migrate": {"source": "n1", "target": "n2"},
    "agent": "ocf:heartbeat:Dummy",
    "node": "n1",
}
REPORT = {
    "node": "n1",
    "boot_id": "b",
    "executor_id": "e",
    "generation": 7,
    "time": 1.0,
    "token": 4,
    "lease": {"holder": {"id": "h", "pid": 1}, "token": 4, "remaining_ms": 1500},
    "resources": {
        "r": {"agent": "ocf:heartbeat:Dummy", "revision": 2, "operations": [OPERATION], "meta": {}}
    },
    "recurring": [{"resource": "r", "operation": "monitor", "interval_ms": 1000}],
    "running": [
        {"action_id": "i", "resource": "r", "operation": "stop", "interval_ms": 0, "since": 1.0}
    ],
    "attributes": {"transient": {"a": "1"}, "permanent": {"b": "2"}},
    "records": {"k": {"value": [1], "version": [4, 2]}},
}


def test_report_is_read_as_a_whole():
    """Every part of an observation arrives in the words of the model."""
    report = wire.report(REPORT)

    (entry,) = report.histories["r"].operations
    assert report.holder == nodes.LeaseHolder("h", "", "", 1, "", 0.0)
    assert report.lease_remaining_s == 1.5
    assert report.recurring == (nodes.Recurring("r", "monitor", 1000),)
    assert report.running == (nodes.Running("i", "r", "stop", 0, 1.0),)
    assert (report.transient, report.permanent) == ({"a": "1"}, {"b": "2"})
    assert report.records == {"k": nodes.Record([1], (4, 2))}
    assert report.histories["r"].agent == agent.AgentName("ocf", "heartbeat", "Dummy")
    assert entry == observed.OperationRecord(
        operation="start",
        interval_ms=0,
        call=3,
        rc=0,
        status=observed.OperationStatus.DONE,
        changed_at=11.0,
        run_at=10.5,
        exec_ms=500,
        queue_ms=500,
        digests=observed.Digests("d", "n", "p", ("x",)),
        source="n1",
        target="n2",
        token="id",
    )


def _paths(value, path=()):
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _paths(one, (*path, key))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _paths(one, (*path, index))
    if path:
        yield path


UNREAD = {"time", "meta", "output", "ended_at"}
OPERATION_PATH = ("resources", "r", "operations", 0)


def _is_read(path) -> bool:
    """Tell whether the codec looks at a value: some are for people, or may be anything."""
    if path[-1] in UNREAD or path[:3] == ("records", "k", "value") or path == ("lease", "token"):
        return False
    return path[:4] != OPERATION_PATH or path[-1] not in {"resource", "agent", "node"}


@pytest.mark.parametrize("path", sorted(filter(_is_read, set(_paths(REPORT))), key=repr), ids=repr)
@pytest.mark.parametrize("wrong", [b"bytes", float("nan"), [[]]], ids=["object", "nan", "list"])
def test_value_of_another_type_spoils_the_report(path, wrong):
    """Nothing is guessed: one odd value and the whole report means nothing."""
    spoilt = copy.deepcopy(REPORT)
    inner = spoilt
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = wrong

    with pytest.raises(OddAnswerError):
        wire.report(spoilt)


@pytest.mark.parametrize("name", sorted(set(REPORT) - {"time", "lease"}))
def test_missing_part_spoils_the_report(name):
    """A report without its resources is no report of no resources."""
    with pytest.raises(OddAnswerError):
        wire.report({key: value for key, value in REPORT.items() if key != name})


@pytest.mark.parametrize("name", ["operation", "interval_ms", "call", "rc", "status"])
def test_operation_without_its_facts_is_odd(name):
    """An entry without exit code or status tells nothing."""
    with pytest.raises(OddAnswerError):
        wire.operation({key: value for key, value in OPERATION.items() if key != name})


@pytest.mark.parametrize(
    ("status", "rc", "kind"),
    [
        ("done", 0, outcome.OutcomeKind.SUCCESS),
        ("done", 7, outcome.OutcomeKind.FAILURE),
        ("not-installed", 5, outcome.OutcomeKind.FAILURE),
        ("not-installed", 0, outcome.OutcomeKind.FAILURE),
        ("timeout", 0, outcome.OutcomeKind.UNKNOWN),
        ("error", 0, outcome.OutcomeKind.UNKNOWN),
        ("lost", 0, outcome.OutcomeKind.UNKNOWN),
        ("pending", 0, outcome.OutcomeKind.UNKNOWN),
        ("cancelled", 0, outcome.OutcomeKind.UNKNOWN),
    ],
)
def test_only_a_done_operation_with_the_expected_code_is_success(status, rc, kind):
    """Whatever did not clearly end is UNKNOWN, also where its code is the expected one."""
    result = wire.result({"operation": {**OPERATION, "status": status, "rc": rc}, "revision": 9})

    assert result.kind is kind
    assert result.revision == 9
    assert (result.rc is None) == (kind is outcome.OutcomeKind.UNKNOWN)


def test_status_that_is_not_known_is_odd():
    """A newer executor's word is no guess at an older one."""
    with pytest.raises(OddAnswerError):
        wire.result({"operation": {**OPERATION, "status": "fine"}, "revision": 1})


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("stale-token", outcome.OutcomeKind.REFUSED),
        ("wrong-boot", outcome.OutcomeKind.REFUSED),
        ("revision-changed", outcome.OutcomeKind.REFUSED),
        ("busy", outcome.OutcomeKind.REFUSED),
        ("unknown-agent", outcome.OutcomeKind.REFUSED),
        ("state-not-writable", outcome.OutcomeKind.REFUSED),
        ("bad-name", outcome.OutcomeKind.REFUSED),
        ("bad-request", outcome.OutcomeKind.REFUSED),
        ("not-started", outcome.OutcomeKind.REFUSED),
        ("shutting-down", outcome.OutcomeKind.REFUSED),
        ("internal", outcome.OutcomeKind.UNKNOWN),
        ("too-large", outcome.OutcomeKind.UNKNOWN),
        ("already-done", outcome.OutcomeKind.UNKNOWN),
        ("a-new-word", outcome.OutcomeKind.UNKNOWN),
    ],
)
def test_refused_means_for_certain_not_begun(code, kind):
    """A code that may come after the agent ran is UNKNOWN, and so is one that is not known."""
    assert wire.refused(wire.Refusal(code, "m", {})).kind is kind


def test_act_carries_everything_that_the_executor_checks():
    """An action becomes the request of the protocol, with the observation it came from."""
    step = action.Action(
        "k",
        action.ActionKind.RESOURCE,
        action.Task.MIGRATE_TO,
        resource="r",
        agent=agent.AgentName("ocf", "heartbeat", "Dummy"),
        timeout_ms=1000,
        source="n1",
        target="n2",
        revision=5,
        fatal=True,
        meta={"interval": "0"},
    )

    request = wire.request(step, action_id="i", token=2, boot_id="b", params={"p": "v"})

    assert request.op == "act"
    assert request.runs
    assert request.body["expect"] == {"boot_id": "b", "revision": 5}
    assert request.body["migrate"] == {"source": "n1", "target": "n2"}
    assert request.body["agent"] == "ocf:heartbeat:Dummy"
    assert request.body["operation"] == "migrate_to"
    assert request.body["params"] == {"p": "v"}
    assert request.body["fatal"] is True


@pytest.mark.parametrize("task", list(action.Task))
def test_every_task_has_a_request_or_is_none_for_an_executor(task):
    """No task falls through: agents' and bookkeeping ones are sent, the others never."""
    step = action.Action(
        "k", action.ActionKind.RESOURCE, task, "r", agent=agent.AgentName("lsb", "", "x")
    )
    never = {action.Task.OFF, action.Task.ON, action.Task.REBOOT, action.Task.NOTHING}

    request = wire.request(step, action_id="i", token=1, boot_id="b", params={})

    assert (request is None) == (task in never)


def test_request_that_is_too_long_is_not_sent():
    """The executor would close the connection over it."""
    with pytest.raises(ValueError, match="at most"):
        wire.encode({"id": 1, "op": "act", "params": {"p": "x" * wire.LINE_MAX}})


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({"holder": {"id": "h"}, "remaining_ms": 900, "token": 3}, nodes.LeaseHeldError),
        ({"holder": None}, OddAnswerError),
    ],
)
def test_lease_held_names_its_holder(details, expected):
    """Who holds it is part of the refusal; without that it is none."""
    with pytest.raises(expected):
        raise wire.raised(wire.Refusal("lease-held", "m", details))
