"""Recurring monitors: which are started, and which are cancelled before a change of role."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies
from scheduler.test_ordering import before
from scheduler.test_rules import INFINITY, location, seen, wanted

from reconciler.model import constraint, node, observed, resource
from reconciler.model.observed import OperationStatus
from reconciler.model.role import Role
from reconciler.scheduler import digest, pipeline

STATEFUL = resource.Primitive(
    "p",
    strategies.AGENT,
    operations=(
        resource.Operation("monitor", 10_000),
        resource.Operation("monitor", 5_000, role=Role.PROMOTED),
    ),
)
CLONE = resource.Clone("c", STATEFUL, meta=strategies.sets(promotable="true"))


def watched(states, interval_ms: int, *, failed=False, pending=False, **kinds) -> observed.Observed:
    """Return an observation in which p is watched on n1, too."""
    found = seen(states, **kinds)
    node = found.nodes["n1"]
    history = node.histories["p"]
    rc = 8 if states["n1"]["p"] == "promoted" else 0
    monitor = dataclasses.replace(
        strategies.record("monitor", 1 if failed else rc, 9, rc, interval_ms),
        digests=observed.Digests(all=digest.digest({"CRM_meta_timeout": "20000"})),
    )
    if pending:
        monitor = dataclasses.replace(monitor, status=OperationStatus.PENDING, call=-1)
    history = dataclasses.replace(history, operations=(*history.operations, monitor))
    node = dataclasses.replace(node, histories={**node.histories, "p": history})
    return dataclasses.replace(found, nodes={**found.nodes, "n1": node})


@pytest.mark.parametrize(("implied", "cancelled"), [(True, True), (False, False)])
def test_a_monitor_of_another_role_is_cancelled_where_a_stop_is_only_implied(implied, cancelled):
    """What stops on its own account ends its monitors with it."""
    states = {"n1": {"p": "running", "o": "running"}, "n2": {"p": "stopped", "o": "stopped"}}
    orders = [constraint.Order("x", "o", "c"), location("o", "n1", -INFINITY)]
    due = pipeline.schedule(
        wanted(CLONE, strategies.primitive("o"), constraints=orders if implied else ()),
        watched(states, 10_000, failed=not implied, attributes={"n1": {"master-p": "5"}}),
    )
    keys = {one.key for one in due.actions}

    assert "p:0_stop_0@n1" in keys
    assert ("p:0_cancel_monitor_10000@n1" in keys) is cancelled
    if cancelled:
        assert "p:0_cancel_monitor_10000@n1" in before(due, "p:0_promote_0@n1")
        assert "p:0_cancel_monitor_10000@n1" not in before(due, "p:0_start_0@n1")


@pytest.mark.parametrize("answered", [True, False])
def test_a_monitor_that_has_not_answered_yet_is_not_cancelled_for_its_role(answered):
    """A monitor of the unpromoted role goes before a promotion once it has answered."""
    given = watched(
        {"n1": {"p": "running"}},
        10_000,
        pending=not answered,
        attributes={"n1": {"master-p": "5"}},
    )
    keys = {one.key for one in pipeline.schedule(wanted(CLONE), given).actions}

    assert "p:0_promote_0@n1" in keys
    assert ("p:0_cancel_monitor_10000@n1" in keys) is answered


@pytest.mark.parametrize("quorate", [True, False])
def test_a_monitor_of_another_role_is_cancelled_where_no_start_follows_the_stop(quorate):
    """Without quorum a failed instance that would be promoted does not end its monitors itself."""
    due = pipeline.schedule(
        wanted(CLONE, no_quorum_policy="stop"),
        watched(
            {"n1": {"p": "running"}, "n2": {"p": "stopped"}},
            10_000,
            failed=True,
            attributes={"n1": {"master-p": "5"}},
            quorate=quorate,
        ),
    )
    keys = {one.key for one in due.actions}

    assert "p:0_stop_0@n1" in keys
    assert ("p:0_cancel_monitor_10000@n1" in keys) is not quorate


@pytest.mark.parametrize("redefined", [True, False])
def test_what_was_redefined_ends_its_monitors_without_quorum_too(redefined):
    """It is stopped for its own sake, whether or not there is quorum."""
    given = watched(
        {"n1": {"p": "running"}, "n2": {"p": "stopped"}},
        10_000,
        attributes={"n1": {"master-p": "5"}},
        quorate=False,
    )
    histories = given.nodes["n1"].histories
    probe, start, monitor = histories["p"].operations
    if redefined:
        start = dataclasses.replace(start, digests=observed.Digests(all="0" * 32))
    histories["p"] = dataclasses.replace(histories["p"], operations=(probe, start, monitor))
    due = pipeline.schedule(wanted(CLONE, no_quorum_policy="stop"), given)
    keys = {one.key for one in due.actions}

    assert "p:0_stop_0@n1" in keys
    assert ("p:0_cancel_monitor_10000@n1" in keys) is not redefined


@pytest.mark.parametrize("requires", ["quorum", "nothing"])
def test_without_quorum_what_is_demoted_is_watched_as_unpromoted(requires):
    """With no-quorum-policy=demote nothing is promoted that needs quorum."""
    clone = dataclasses.replace(CLONE, meta=strategies.sets(promotable="true", requires=requires))
    due = pipeline.schedule(
        wanted(clone, no_quorum_policy="demote"),
        watched(
            {"n1": {"p": "promoted"}, "n2": {"p": "running"}},
            5_000,
            attributes={"n1": {"master-p": "5"}},
            quorate=False,
        ),
    )
    keys = {one.key for one in due.actions}
    demoted = requires == "quorum"

    assert ("p:0_demote_0@n1" in keys) is demoted
    assert ("p:0_cancel_monitor_5000@n1" in keys) is demoted
    assert ("p:0_monitor_10000@n1" in keys) is demoted


@pytest.mark.parametrize("standby", [True, False])
def test_maintenance_ends_no_monitors_where_nothing_is_to_run(standby):
    """A node in standby is left as it is."""
    found = watched({"n1": {"p": "running"}, "n2": {"p": "stopped"}}, 10_000)
    target = wanted(CLONE, maintenance_mode="true")
    one = node.Node("n1", standby=standby)
    target = dataclasses.replace(target, nodes=(one, node.Node("n2")))
    keys = {one.key for one in pipeline.schedule(target, found).actions}

    assert ("p:0_cancel_monitor_10000@n1" in keys) is not standby


@pytest.mark.parametrize("resting", ["n1", "n2"])
def test_maintenance_of_another_node_ends_no_monitor(resting):
    """What is active there, too, is left alone, but watched where it was."""
    found = watched({"n1": {"p": "running"}, "n2": {"p": "running"}}, 10_000)
    nodes = tuple(node.Node(name, maintenance=name == resting) for name in ("n1", "n2"))
    target = dataclasses.replace(wanted(strategies.primitive("p")), nodes=nodes)
    keys = {one.key for one in pipeline.schedule(target, found).actions}

    assert ("p_cancel_monitor_10000@n1" in keys) is (resting == "n1")


@pytest.mark.parametrize(("resting", "begun"), [("n1", set()), ("n2", {"n1"})])
def test_what_is_active_beside_a_node_in_maintenance_too_is_watched(resting, begun):
    """It is left alone, but where it counts as active nobody wants it unwatched."""
    desired = wanted(strategies.primitive("p"))
    nodes = tuple(
        dataclasses.replace(one, maintenance=one.name == resting) for one in desired.nodes
    )
    states = {name: {"p": "running"} for name in ("n1", "n2")}
    due = pipeline.schedule(dataclasses.replace(desired, nodes=nodes), seen(states))

    assert {one.node for one in due.actions if one.interval_ms} == begun
    assert {one.kind.value for one in due.changes} == {"leave"}


@pytest.mark.parametrize("cloned", [True, False])
def test_a_monitor_for_where_it_is_stopped_is_left_alone_in_an_anonymous_clone(cloned):
    """It is not begun there, nor is one cancelled that a node has."""
    monitor = resource.Operation("monitor", 10_000, role=Role.STOPPED)
    plain = dataclasses.replace(strategies.primitive("p"), operations=(monitor,))
    states = {"n1": {"p": "running"}, "n2": {"p": "stopped"}}
    due = pipeline.schedule(
        wanted(resource.Clone("c", plain) if cloned else plain), watched(states, 10_000)
    )
    keys = {one.key for one in due.actions if one.interval_ms}

    assert keys == (set() if cloned else {"p_cancel_monitor_10000@n1", "p_monitor_10000@n2"})


@pytest.mark.parametrize(
    ("meta", "properties", "begun"),
    [
        ({}, {}, True),
        ({"is_managed": "false"}, {}, True),
        ({"maintenance": "true"}, {}, False),
        ({}, {"maintenance_mode": "true"}, False),
    ],
)
def test_maintenance_begins_no_monitor_for_where_it_is_stopped(meta, properties, begun):
    """In maintenance nothing is watched anew, be it where it is down."""
    monitor = resource.Operation("monitor", 12_000, role=Role.STOPPED)
    plain = dataclasses.replace(strategies.primitive("p", **meta), operations=(monitor,))
    states = {"n1": {"p": "running"}, "n2": {"p": "stopped"}}
    due = pipeline.schedule(wanted(plain, **properties), seen(states))

    assert ("p_monitor_12000@n2" in {one.key for one in due.actions}) is begun


@pytest.mark.parametrize(
    ("digests", "rc", "due"), [("0" * 32, 1, True), (None, 1, False), (None, 193, False)]
)
def test_the_last_failure_of_a_monitor_is_no_record_of_its_own(digests, rc, due):
    """Only if it was started with other parameters the monitor is started anew."""
    found = watched({"n1": {"p": "running"}, "n2": {"p": "stopped"}}, 10_000)
    history = found.nodes["n1"].histories["p"]
    monitor = history.operations[-1]
    status = OperationStatus.PENDING if rc == 193 else OperationStatus.DONE
    failed = dataclasses.replace(
        monitor,
        rc=rc,
        status=status,
        id="p_last_failure_0",
        changed_at=monitor.changed_at + 1,
        digests=monitor.digests if digests is None else observed.Digests(all=digests),
    )
    operation = dataclasses.replace(monitor, call=10, changed_at=monitor.changed_at + 2)
    operations = (*history.operations[:-1], failed, operation)
    found.nodes["n1"].histories["p"] = dataclasses.replace(history, operations=operations)
    keys = {one.key for one in pipeline.schedule(wanted(strategies.primitive("p")), found).actions}

    assert ("p_monitor_10000@n1" in keys) is due


@pytest.mark.parametrize(
    ("timeout", "found", "on_fail", "cancelled"),
    [
        ("20000", 7, None, True),
        ("30000", 7, None, True),
        ("20000", 0, None, True),
        ("20000", 0, resource.OnFail.BLOCK, False),
    ],
)
def test_a_monitor_for_where_it_is_stopped_goes_before_a_start(timeout, found, on_fail, cancelled):
    """Whatever parameters it was started with; not where it blocks what it found."""
    monitor = resource.Operation("monitor", 10_000, role=Role.STOPPED, on_fail=on_fail)
    primitive = dataclasses.replace(strategies.primitive("p"), operations=(monitor,))
    known = seen({"n1": {"p": "stopped"}})
    history = known.nodes["n1"].histories["p"]
    record = dataclasses.replace(
        strategies.record("monitor", found, 9, 7, 10_000),
        digests=observed.Digests(all=digest.digest({"CRM_meta_timeout": timeout})),
    )
    history = dataclasses.replace(history, operations=(*history.operations, record))
    known.nodes["n1"].histories["p"] = history
    keys = {one.key for one in pipeline.schedule(wanted(primitive, nodes=("n1",)), known).actions}

    assert ("p_start_0@n1" in keys) is cancelled
    assert ("p_cancel_monitor_10000@n1" in keys) is cancelled
