"""What an operation history says of a resource: its role, what failed, and what mends it."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies
from scheduler import test_rules as facts

from reconciler.model import observed, resource
from reconciler.model.action import Task
from reconciler.model.observed import OperationStatus
from reconciler.model.plan import ChangeKind
from reconciler.model.resource import OnFail
from reconciler.model.role import Role
from reconciler.scheduler import history, operation, pipeline, rule
from reconciler.scheduler.state import State

FACTS = history.Facts(
    now=strategies.NOW,
    fencing=False,
    promotable=True,
    managed=True,
    failure_timeout_ms=0,
    fail_count=0,
    last_failure=0.0,
)
DONE, ERROR, TIMEOUT = OperationStatus.DONE, OperationStatus.ERROR, OperationStatus.TIMEOUT
PENDING, CANCELLED = OperationStatus.PENDING, OperationStatus.CANCELLED
NOT_SUPPORTED, INVALID = OperationStatus.NOT_SUPPORTED, OperationStatus.INVALID
START, PROMOTE, STOP = ("start", 0), ("promote", 0), ("stop", 0)


def records(*done) -> tuple[observed.OperationRecord, ...]:
    """Return records of (operation, rc), (operation, rc, status) or with an expected rc, too."""
    found = []
    for call, (name, rc, *more) in enumerate(done, 1):
        task, _, interval = name.partition("/")
        status = more[0] if more else DONE
        usual = {"monitor": 7, "monitor/11": 8}.get(name, 0)
        expected = more[1] if len(more) > 1 else usual
        record = strategies.record(task, rc, call, expected, int(interval or 0) * 1000)
        found.append(dataclasses.replace(record, status=status))
    return tuple(found)


def _read(*done, operations=(), promotable=True) -> State:
    primitive = resource.Primitive("p", strategies.AGENT, operations=operations)
    known = observed.ResourceHistory("p", strategies.AGENT, records(*done))
    reader = operation.Reader((), rule.Clock(strategies.NOW))
    return history.read(primitive, known, reader, dataclasses.replace(FACTS, promotable=promotable))


@pytest.mark.parametrize(
    ("done", "role", "failed"),
    [
        ((("start", 1),), Role.UNPROMOTED, True),
        ((START, PROMOTE, ("migrate_to", 0)), Role.UNPROMOTED, False),
        ((("start", 0, ERROR),), Role.UNPROMOTED, False),
        ((("start", 0, TIMEOUT),), Role.UNPROMOTED, True),
        ((("start", 1, INVALID),), Role.UNPROMOTED, True),
        ((("start", 190),), Role.UNPROMOTED, True),
        ((("monitor", 190),), Role.UNPROMOTED, False),
        ((("monitor", 191),), Role.PROMOTED, False),
        ((("monitor", 0, DONE, 8),), Role.UNPROMOTED, True),
        ((START, ("monitor/10", 191)), Role.PROMOTED, True),
        ((START, ("monitor/10", 9)), Role.PROMOTED, True),
        ((START, PROMOTE, ("monitor", 0)), Role.PROMOTED, False),
        ((START, ("promote", 7)), Role.PROMOTED, True),
        ((START, ("migrate_to", 8)), Role.UNPROMOTED, True),
        ((("migrate_from", 9),), Role.UNPROMOTED, True),
        ((START, PROMOTE, ("demote", 1)), Role.UNPROMOTED, True),
        ((START, PROMOTE, ("demote", 8)), Role.UNPROMOTED, True),
        ((("monitor", 7), ("reload", 0)), Role.UNPROMOTED, False),
        ((START, ("stop", 1, CANCELLED)), Role.UNPROMOTED, False),
    ],
)
def test_the_role_is_the_highest_that_an_operation_may_have_left(done, role, failed):
    """What was promoted may still be, what failed is active, and a demotion counts as done."""
    state = _read(*done)

    assert (state.role, state.failed) == (role, failed)


@pytest.mark.parametrize("done", [(2,), (5,), (5, TIMEOUT), (7, OperationStatus.NOT_INSTALLED)])
def test_a_probe_that_finds_nothing_to_run_forbids_the_node(done):
    """Missing or unusable where it never ran is no failure, but nothing can start there."""
    state = _read(("monitor", *done))

    assert (state.role, state.failed, len(state.bans)) == (Role.STOPPED, False, 1)


@pytest.mark.parametrize(
    ("done", "banned"),
    [
        (("start", 3), True),
        (("start", 3, NOT_SUPPORTED), False),
        (("start", 5, TIMEOUT), False),
        (("monitor/10", 3), False),
        (("monitor/10", 4), True),
    ],
)
def test_a_failure_that_would_come_back_forbids_the_node(done, banned):
    """The exit code tells so, unless there was none or the operation is not offered."""
    assert bool(_read(done).bans) is banned


def _ops(task: str, on_fail: OnFail, interval_ms: int = 0) -> tuple[resource.Operation, ...]:
    role = Role.PROMOTED if interval_ms == 11_000 else None
    return (resource.Operation(task, interval_ms, role=role, on_fail=on_fail),)


def test_a_demotion_that_blocks_leaves_the_role():
    """Where nothing may be done about a failed demotion, it is still promoted."""
    done = (START, PROMOTE, ("demote", 1))
    assert _read(*done, operations=_ops("demote", OnFail.BLOCK)).role is Role.PROMOTED


@pytest.mark.parametrize(
    ("mend", "failed"),
    [
        (("start", 0), False),
        (("promote", 0), False),
        (("monitor/11", 8), False),
        (("demote", 0), True),
        (("monitor/10", 0), True),
        (("monitor", 0), True),
        (("reload", 0), True),
    ],
)
def test_what_mends_a_failed_monitor(mend, failed):
    """A start, a promotion, or an answer to the same question; a demotion does not."""
    assert _read(START, PROMOTE, ("monitor/11", 1), mend).failed is failed


@pytest.mark.parametrize(
    ("done", "limit"),
    [
        ((START, ("promote", 1)), Role.UNPROMOTED),
        ((START, ("promote", 1), ("demote", 0)), Role.UNPROMOTED),
        ((START, ("promote", 1), STOP, START), None),
    ],
)
def test_a_promotion_that_failed_is_not_tried_again(done, limit):
    """Until it has been started anew."""
    assert _read(*done).next_role is limit


def test_an_ignored_probe_is_asked_again():
    """A failure that people do not want to see leaves open whether it runs."""
    state = _read(("monitor", 1), operations=_ops("monitor", OnFail.IGNORE))

    assert (state.role, state.ignored, state.known) == (Role.STOPPED, True, False)


@pytest.mark.parametrize(
    ("done", "live"),
    [
        ((START, ("monitor/10", 0)), True),
        ((("monitor/10", 0), START), False),
        ((("monitor/10", 0), ("start", 1)), False),
        ((START, ("monitor/10", 0), PROMOTE), True),
        ((("monitor/10", 0), PROMOTE), False),
        ((START, ("monitor/10", 0), STOP), False),
        ((START, ("monitor/10", 0), ("stop", 1)), False),
        ((START, ("monitor/10", 0), ("stop", 1, ERROR)), True),
        ((START, STOP, ("monitor/10", 0)), True),
        ((STOP, ("monitor/10", 0)), True),
        ((("monitor/11", 8), ("monitor/10", 0)), True),
    ],
)
def test_what_a_monitor_survives(done, live):
    """It ends with a stop that was carried out, and with every start."""
    found = {(name, interval_ms) for name, interval_ms in _read(*done).recurring}
    assert found == (_monitors(done) if live else set())


def _monitors(done) -> set[tuple[str, int]]:
    return {("monitor", 1000 * int(name[8:])) for name, *_ in done if name.startswith("monitor/")}


def _planned(*done, operations, score="10"):
    """Return the plan for one promotable instance with a history."""
    primitive = resource.Primitive("p", strategies.AGENT, operations=operations)
    clone = resource.Clone("c", primitive, meta=strategies.sets(promotable="true"))
    known = observed.ResourceHistory("p", strategies.AGENT, records(*done))
    found = observed.ObservedNode(
        "n1", observed.Presence.ONLINE, attributes={"master-p": score}, histories={"p": known}
    )
    wanted = facts.wanted(clone, nodes=("n1",))
    seen = observed.Observed(strategies.NOW, quorate=True, nodes={"n1": found})
    return pipeline.schedule(wanted, seen)


@pytest.mark.parametrize(
    ("score", "kind", "tasks"),
    [
        ("10", ChangeKind.RE_PROMOTE, {Task.DEMOTE, Task.PROMOTE}),
        ("-1", ChangeKind.DEMOTE, {Task.DEMOTE}),
    ],
)
def test_on_fail_demote_demotes_and_no_more(score, kind, tasks):
    """It is promoted again where it may be; nothing is stopped."""
    operations = _ops("monitor", OnFail.DEMOTE, 11_000)
    done = (START, PROMOTE, ("monitor/11", 1))
    due = _planned(*done, operations=operations, score=score)

    assert [one.kind for one in due.changes] == [kind]
    done = {one.task for one in due.actions}
    assert done & {Task.DEMOTE, Task.PROMOTE, Task.START, Task.STOP} == tasks


@pytest.mark.parametrize(
    ("done", "cancelled"),
    [
        ((START, ("monitor/13", 0)), True),
        ((START, STOP, ("monitor/13", 0)), False),
        ((("monitor", 7), ("monitor/13", 7, DONE, 7)), False),
    ],
)
def test_only_a_monitor_of_its_life_is_cancelled(done, cancelled):
    """Not one where it does not run, nor one that was left over by a stop."""
    due = _planned(*done, operations=())

    assert (Task.CANCEL in {one.task for one in due.actions}) is cancelled


def test_on_fail_stop_holds_after_the_stop():
    """An anonymous instance that stopped after such a failure is not started again."""
    operations = _ops("monitor", OnFail.STOP, 10_000)
    due = _planned(START, ("monitor/10", 1), STOP, operations=operations)

    assert not due.actions


@pytest.mark.parametrize(
    ("done", "on_fail", "expected"),
    [
        ((START, ("monitor/10", 1)), None, (Role.UNPROMOTED, False, True)),
        ((START, ("stop", 1)), None, (Role.UNPROMOTED, False, True)),
        ((("monitor", 7), ("start", 1)), None, (Role.STOPPED, False, True)),
        ((("start", 1),), None, (Role.UNKNOWN, False, False)),
        ((START, ("stop", 1)), OnFail.BLOCK, (Role.UNPROMOTED, True, True)),
    ],
)
def test_an_expired_failure_is_as_if_it_had_never_been(done, on_fail, expected):
    """What else is known stays known; only where it was to block does it never expire."""
    task = done[-1][0].partition("/")[0]
    operations = () if on_fail is None else _ops(task, on_fail)
    primitive = resource.Primitive("p", strategies.AGENT, operations=operations)
    known = observed.ResourceHistory("p", strategies.AGENT, records(*done))
    reader = operation.Reader((), rule.Clock(strategies.NOW))
    given = dataclasses.replace(FACTS, failure_timeout_ms=60_000)
    state = history.read(primitive, known, reader, given)

    assert (state.role, state.failed, state.known) == expected
    assert state.has_expired(known.operations[-1]) is not state.failed


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        ((("start", 0, PENDING),), (Role.UNKNOWN, "", True)),
        ((("monitor", 7), ("start", 0, PENDING)), (Role.UNKNOWN, "", True)),
        ((START, ("stop", 0, PENDING)), (Role.UNPROMOTED, "", False)),
        ((START, PROMOTE, ("demote", 0, PENDING)), (Role.PROMOTED, "", False)),
        ((START, ("promote", 0, PENDING)), (Role.PROMOTED, "promote", False)),
    ],
)
@pytest.mark.parametrize(("fail_count", "waits"), [(0, False), (1, True)])
def test_nobody_waits_for_an_old_operation(done, expected, fail_count, waits):
    """After the failure time-out a start is asked about, unless other failures still count."""
    known = observed.ResourceHistory("p", strategies.AGENT, records(*done))
    reader = operation.Reader((), rule.Clock(strategies.NOW))
    given = dataclasses.replace(FACTS, failure_timeout_ms=60_000, fail_count=fail_count)
    state = history.read(resource.Primitive("p", strategies.AGENT), known, reader, given)

    assert waits or (state.role, state.pending, state.reprobe) == expected
    assert not waits or state.pending == done[-1][0]


@pytest.mark.parametrize("task", ["migrate_to", "migrate_from"])
def test_an_old_migration_is_still_waited_for(task):
    """However long ago it was begun, it may have got through."""
    known = observed.ResourceHistory("p", strategies.AGENT, records(START, (task, 0, PENDING)))
    reader = operation.Reader((), rule.Clock(strategies.NOW))
    given = dataclasses.replace(FACTS, failure_timeout_ms=60_000)
    state = history.read(resource.Primitive("p", strategies.AGENT), known, reader, given)

    assert state.pending == task


@pytest.mark.parametrize("task", ["start", "stop", "monitor/10", "reload"])
def test_what_nobody_manages_may_be_stopped(task):
    """There, an operation that found it stopped has not failed."""
    primitive = resource.Primitive("p", strategies.AGENT)
    known = observed.ResourceHistory("p", strategies.AGENT, records(START, (task, 7)))
    reader = operation.Reader((), rule.Clock(strategies.NOW))
    state = history.read(primitive, known, reader, dataclasses.replace(FACTS, managed=False))

    assert (state.role, state.failed) == (Role.STOPPED, False)


def test_what_is_active_twice_is_told_where_it_was_found_first():
    """The summary names the first of the nodes, wherever it will stay."""
    seen = facts.seen({"n1": {"p": "running"}, "n2": {"p": "running"}}, attributes={"n1": {}})
    nodes = {**seen.nodes, "n1": dataclasses.replace(seen.nodes["n1"], standby=True)}
    due = pipeline.schedule(
        facts.wanted(strategies.primitive("p")), dataclasses.replace(seen, nodes=nodes)
    )

    assert [(one.source, one.target) for one in due.changes] == [("n1", "n2")]


def test_an_expired_failure_does_not_end_the_monitor_before_it():
    """What the monitor said before it failed stands again."""
    primitive = resource.Primitive("p", strategies.AGENT)
    past = records(START, ("monitor/10", 0), ("monitor/10", 1))
    known = observed.ResourceHistory("p", strategies.AGENT, past)
    reader = operation.Reader((), rule.Clock(strategies.NOW))
    given = dataclasses.replace(FACTS, failure_timeout_ms=60_000)
    state = history.read(primitive, known, reader, given)

    assert state.recurring == {("monitor", 10_000): past[1]}


@pytest.mark.parametrize(("timeout", "fails"), [("60s", False), ("900ms", True), ("1.9s", False)])
def test_failures_expire_after_whole_seconds(timeout, fails):
    """What is less than a second of a failure-timeout is cut off; what is left of none is none."""
    wanted = facts.wanted(strategies.primitive("p", failure_timeout=timeout))
    seen = facts.seen({"n1": {"p": "monitor-failed"}, "n2": {"p": "stopped"}})
    due = facts.pipeline.schedule(wanted, seen)

    assert (facts.change(due, "p").kind is ChangeKind.RECOVER) is fails


def _old(*done) -> State:
    """Return what records say that are older than the failure-timeout."""
    known = observed.ResourceHistory("p", strategies.AGENT, records(*done))
    reader = operation.Reader((), rule.Clock(strategies.NOW))
    given = dataclasses.replace(FACTS, failure_timeout_ms=60_000)
    return history.read(resource.Primitive("p", strategies.AGENT), known, reader, given)


@pytest.mark.parametrize("task", ["monitor/10", "stop", "demote"])
@pytest.mark.parametrize("rc", [8, 9])
@pytest.mark.parametrize(
    ("status", "role"),
    [(DONE, Role.PROMOTED), (ERROR, Role.PROMOTED), (TIMEOUT, Role.UNPROMOTED)],
)
def test_a_role_that_was_found_outlives_the_failure(task, rc, status, role):
    """What an agent told of the promoted role counts, also once its failure has expired."""
    state = _old(START, (task, rc, status))

    assert (state.role, state.failed) == (role, False)


@pytest.mark.parametrize("status", [TIMEOUT, INVALID, NOT_SUPPORTED])
def test_only_an_agent_tells_a_role(status):
    """The exit code that stands beside a time-out, say, is not about the promoted role."""
    state = _read(START, ("monitor/10", 8, status))

    assert (state.role, state.failed) == (Role.UNPROMOTED, True)


def test_a_missing_agent_does_not_expire():
    """That nothing is installed stays a failure, however long ago it was found."""
    assert _old(START, ("monitor/10", 5, OperationStatus.NOT_INSTALLED)).failed


@pytest.mark.parametrize(
    ("first", "then", "live"), [(1, 0, False), (0, 1, True), (0, 0, True), (1, 1, False)]
)
def test_a_monitor_that_failed_first_is_not_live(first, then, live):
    """Of an expired failure and a success the one that was recorded first counts."""
    state = _old(START, ("monitor/10", first), ("monitor/10", then))
    found = state.recurring["monitor", 10_000]

    assert (not state.has_expired(found)) is live


@pytest.mark.parametrize(
    ("done", "told"),
    [
        ((("monitor", 0), START), 1),
        ((("monitor", 0), PROMOTE), 1),
        ((("monitor", 0), ("demote", 0)), 1),
        ((("monitor", 0), ("monitor/10", 0)), 2),
    ],
)
def test_what_was_found_before_a_change_says_nothing_of_parameters_since(done, told):
    """A start gives the resource those of its time, and so must have what changed its role."""
    assert len(_read(*done).life) == told


@pytest.mark.parametrize(("timeout_ms", "remembered"), [(0, True), (60_000, False)])
def test_what_is_remembered_of_a_failure_is_forgotten_with_time(timeout_ms, remembered):
    """Even if it was none: what was asked and found to be as expected."""
    found = dataclasses.replace(records(("monitor", 0))[0], id="p_last_failure_0")
    known = observed.ResourceHistory("p", strategies.AGENT, (found,))
    given = dataclasses.replace(FACTS, failure_timeout_ms=timeout_ms)
    reader = operation.Reader((), rule.Clock(strategies.NOW))
    state = history.read(resource.Primitive("p", strategies.AGENT), known, reader, given)

    assert (state.remembered is not None) is remembered


@pytest.mark.parametrize(("name", "idle"), [("p_last_0", True), ("p_last_failure_0", False)])
def test_who_remembers_a_failure_is_not_idle(name, idle):
    """It may have to be cleared once the resource is another one."""
    found = dataclasses.replace(records(("monitor", 7))[0], id=name)

    assert history.is_idle(observed.ResourceHistory("p", strategies.AGENT, (found,))) is idle


@pytest.mark.parametrize(("rc", "starts"), [(1, True), (5, False)])
def test_a_stop_that_would_fail_again_blocks_even_after_long(rc, starts):
    """The failure has expired, but the resource could not be stopped again."""
    past = observed.ResourceHistory("p", strategies.AGENT, records(("stop", rc)))
    seen = facts.seen({"n1": {}})
    node = dataclasses.replace(seen.nodes["n1"], histories={"p": past})
    due = pipeline.schedule(
        facts.wanted(strategies.primitive("p", failure_timeout="60s"), nodes=("n1",)),
        dataclasses.replace(seen, nodes={"n1": node}),
    )

    assert any(one.task is Task.START for one in due.actions) is starts
