"""Guest nodes: held by a resource, recovered with it, and what else is contained in one."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import pytest
from scheduler import far
from scheduler.far import ABSENT, STARTED, Cluster

from reconciler.model import constraint, resource
from reconciler.model.action import ActionKind
from reconciler.model.plan import ChangeKind
from reconciler.scheduler import pipeline

_WATCH = (resource.Operation("monitor", interval_ms=60_000),)
_VM = dataclasses.replace(far.primitive("vm", remote_node="g"), operations=_WATCH)
_A = far.primitive("a")
_TO_GUEST = (far.prefers("a", "g"), far.prefers("vm", "n1"))
_FAILED = (*STARTED, ("monitor", 60_000, 1))


def _cluster(
    vm: tuple[far.Done, ...],
    connection: tuple[far.Done, ...],
    on_guest: tuple[far.Done, ...] = (),
    **settings: Any,
) -> Cluster:
    done = {
        "n1": {"vm": vm, "g": connection, "a": ABSENT},
        "n2": {"vm": ABSENT, "g": ABSENT, "a": ABSENT},
        "g": {"a": on_guest} if on_guest else {},
    }
    settings.setdefault("constraints", _TO_GUEST)
    settings.setdefault("resources", (_VM, _A))
    return Cluster(done=done, **settings)


def test_a_guest_is_reached_by_a_connection_that_nobody_wrote():
    """It is made where the guest's holder runs, after that has started."""
    due = _cluster(ABSENT, ABSENT).plan()
    assert {"start vm n1", "start g n1", "start a g"} <= set(far.steps(due))
    assert far.waits(due, "g_start_0", "vm_start_0")
    assert far.waits(due, "a_start_0", "g_start_0")


@pytest.mark.parametrize(
    ("vm", "connection", "fencing"),
    [
        *itertools.product((_FAILED,), (STARTED,), (True, False)),
        *itertools.product((STARTED,), (far.LOST, ABSENT), (True, False)),
        (ABSENT, ABSENT, True),
    ],
)
def test_what_ran_on_a_lost_guest_starts_only_after_its_holder_was_stopped(vm, connection, fencing):
    """Stopping what holds the guest proves it off, so no fence device is asked for it."""
    away = (far.prefers("a", "n2"), far.prefers("a", "g", -1_000_000))
    due = _cluster(vm, connection, STARTED, constraints=away, fencing=fencing).plan()
    assert [(one.node, one.guest_of) for one in due.fencing] == [("g", "vm")]
    assert not [one for one in due.actions if one.kind is ActionKind.FENCE]
    assert far.waits(due, "a_start_0", "stonith-g")
    if vm != ABSENT:
        assert far.waits(due, "stonith-g", "vm_stop_0")


def test_a_guest_whose_host_is_lost_is_off_once_the_host_was_fenced():
    """Nothing inside a machine survives it, but nothing else proves that the machine is off."""
    due = _cluster(STARTED, STARTED, STARTED, lost=("n1",), constraints=()).plan()
    assert {one.node for one in due.fencing} == {"g", "n1"}
    assert far.waits(due, "a_start_0", "stonith-n1")


def test_a_lost_guest_is_off_once_its_holder_was_looked_for_everywhere():
    """Where it is found, too, it would have to be stopped first."""
    cluster = _cluster(STARTED, STARTED, STARTED, lost=("n1",), constraints=())
    del cluster.done["n2"]["vm"]
    assert far.waits(cluster.plan(), "stonith-g", "vm_monitor_0@n2")


def test_what_runs_on_a_guest_stops_before_its_holder_and_starts_after_it():
    """Whoever restarts the holder restarts the guest, in order."""
    changed = dataclasses.replace(_VM, params=far.sets(size="2"))
    due = _cluster(STARTED, STARTED, STARTED, resources=(changed, _A)).plan()
    assert far.waits(due, "vm_stop_0", "g_stop_0")
    assert far.waits(due, "g_stop_0", "a_stop_0")
    assert far.waits(due, "a_start_0", "vm_start_0")
    assert not due.fencing


def test_a_guest_moves_with_its_holder_without_interruption():
    """A live migration of the holder takes along what runs inside."""
    moves = dataclasses.replace(_VM, meta=far.sets(remote_node="g", allow_migrate="true"))
    where = (far.prefers("a", "g"), far.prefers("vm", "n2"))
    due = _cluster(STARTED, STARTED, STARTED, resources=(moves, _A), constraints=where).plan()
    assert "migrate_to vm n1" in far.steps(due)
    assert not [one for one in due.actions if one.resource == "a"]


def test_nobody_migrates_to_a_guest_that_goes_down_after_that():
    """It would be lost there; Pacemaker's scheduler carries it over, and then stops the guest."""
    moves = dataclasses.replace(_A, meta=far.sets(allow_migrate="true"))
    changed = dataclasses.replace(_VM, params=far.sets(size="2"))
    cluster = _cluster(STARTED, STARTED, ABSENT, resources=(changed, moves))
    due = dataclasses.replace(
        cluster, done={**cluster.done, "n2": {**cluster.done["n2"], "a": STARTED}}
    ).plan()
    assert "migrate_to a n2" not in far.steps(due)
    assert far.waits(due, "a_start_0", "g_start_0")


def test_a_failed_stop_on_a_guest_takes_its_holder_down():
    """What cannot be stopped inside is ended with what it is inside of."""
    due = _cluster(STARTED, STARTED, (*STARTED, ("stop", 0, 1))).plan()
    assert "stop vm n1" in far.steps(due)
    assert "start a g" not in far.steps(due)


def test_the_holder_of_a_guest_does_not_run_on_remote_nodes():
    """It can neither run inside of itself nor where nobody could hold its connection."""
    here = (far.prefers("vm", "g"), far.prefers("vm", "far", 5_000))
    due = _cluster(ABSENT, ABSENT, resources=(_VM, _A, far.connection()), constraints=here).plan()
    assert set(due.placement["vm"]) <= set(far.MEMBERS)


def test_a_failure_inside_a_container_restarts_the_container():
    """Unless it says otherwise; whatever else is inside restarts with it."""
    inside = dataclasses.replace(far.primitive("a", container="vm"), operations=_WATCH)
    other = far.primitive("b", container="vm")
    plain = dataclasses.replace(_VM, meta=())
    done = {
        "n1": {"vm": STARTED, "a": _FAILED, "b": STARTED},
        "n2": {"vm": ABSENT, "a": ABSENT, "b": ABSENT},
    }
    due = Cluster((plain, inside, other), done, (far.prefers("vm", "n1"),)).plan()
    assert {"stop vm n1", "start vm n1", "stop b n1", "start b n1"} <= set(far.steps(due))
    restart = dataclasses.replace(_WATCH[0], on_fail=resource.OnFail.RESTART)
    alone = dataclasses.replace(inside, operations=(restart,))
    due = Cluster((plain, alone, other), done, (far.prefers("vm", "n1"),)).plan()
    assert "stop vm n1" not in far.steps(due)


def test_what_runs_on_a_guest_whose_holder_was_removed_is_stopped_before_it():
    """Its connection's history says what held it, so nothing is fenced, and nothing left behind."""
    cluster = Cluster((_A,), {"n1": {"vm": STARTED, "g": STARTED}, "n2": {}, "g": {"a": STARTED}})
    seen = cluster.observed()
    n1 = seen.nodes["n1"]
    histories = {
        "vm": dataclasses.replace(n1.histories["vm"], agent=far.DUMMY),
        "g": dataclasses.replace(n1.histories["g"], container="vm"),
    }
    n1 = dataclasses.replace(n1, histories=histories)
    due = pipeline.schedule(
        cluster.desired(), dataclasses.replace(seen, nodes={**seen.nodes, "n1": n1})
    )
    assert not due.fencing
    assert far.waits(due, "vm_stop_0@n1", "a_stop_0@g")
    assert far.waits(due, "g_stop_0@n1", "a_stop_0@g")
    assert "monitor vm g" not in far.steps(due)


@pytest.mark.parametrize(("known", "waits"), [("nothing", True), ("holder", False), ("all", False)])
def test_a_start_waits_for_the_probes_of_the_holder_of_a_guest_that_is_not_up_yet(known, waits):
    """What runs on the guest cannot be asked there yet; not where the holder's start waits not."""
    asked = {"nothing": {}, "holder": {"vm": ABSENT}, "all": {"vm": ABSENT, "a": ABSENT}}[known]
    where = (far.prefers("a", "n2"), far.prefers("vm", "n1"))
    guest = {"g": {"a": ABSENT}} if known == "all" else {}
    done = {"n1": asked, "n2": {**asked, "vm": ABSENT}, **guest}
    due = Cluster((_VM, _A), done, where, fencing=False).plan()
    assert {"start vm n1", "start a n2"} <= set(far.steps(due))
    assert far.waits(due, "a_start_0", "vm_monitor_0") is waits


def test_a_start_waits_for_the_end_of_a_guest_where_it_was_never_looked_for():
    """What the guest may have of it ends with the guest."""
    done = {"n1": {"vm": STARTED, "g": STARTED, "a": ABSENT}, "n2": {"vm": ABSENT, "a": ABSENT}}
    where = (far.prefers("a", "n1"), far.prefers("vm", "n2"))
    due = Cluster((_VM, _A), done, where, fencing=False).plan()
    assert far.waits(due, "a_start_0", "vm_stop_0@n1")
    asked = Cluster((_VM, _A), {**done, "g": {"a": ABSENT}}, where, fencing=False).plan()
    assert not far.waits(asked, "a_start_0", "vm_stop_0@n1")


@pytest.mark.parametrize("moves", [True, False])
def test_a_holder_waits_for_the_probes_of_its_connection_only_to_migrate(moves):
    """To stop it takes whatever connection there is with it."""
    held = dataclasses.replace(
        _VM, meta=far.sets(remote_node="g", allow_migrate=str(moves).lower())
    )
    done = {"n1": {"vm": STARTED, "g": STARTED}, "n2": {"vm": ABSENT}}
    due = Cluster((held,), done, (far.prefers("vm", "n2"),), fencing=False).plan()
    assert far.waits(due, "vm_stop_0@n1", "g_monitor_0@n2") is moves


def test_a_holder_migrates_with_what_has_yet_to_stop_on_the_guest():
    """It is carried along; only the connection waits for it."""
    moves = far.sets(remote_node="g", allow_migrate="true", remote_allow_migrate="true")
    held = dataclasses.replace(_VM, meta=moves)
    where = (far.prefers("vm", "n2"), far.prefers("a", "g", -1_000_000))
    due = _cluster(
        STARTED, STARTED, STARTED, resources=(held, _A), constraints=where, fencing=False
    ).plan()
    assert far.waits(due, "g_migrate_to_0", "a_stop_0@g")
    assert not far.waits(due, "vm_migrate_to_0", "a_stop_0@g")


def test_a_container_may_be_a_member_of_the_group_that_it_contains():
    """What a group says holds for its members; the container itself is inside of nothing."""
    members = (dataclasses.replace(_VM, meta=()), far.primitive("a"), far.primitive("b"))
    inside = resource.Group("g", members, meta=far.sets(container="vm"))
    fresh = Cluster((inside,), {"n1": {}, "n2": {}}).plan()
    assert {"monitor vm n1", "monitor vm n2", "start vm n1"} <= set(far.steps(fresh))
    assert not {"monitor a n1", "monitor b n1"} & set(far.steps(fresh))
    done = {
        "n1": {"vm": STARTED, "a": (*STARTED, ("stop", 0, 1)), "b": STARTED},
        "n2": {"vm": ABSENT},
    }
    due = Cluster((inside,), done).plan()
    assert {"stop vm n1", "start vm n1", "start a n1"} <= set(far.steps(due))
    assert not due.fencing


def test_failures_inside_count_for_the_container():
    """A container is moved away when it and what is inside have failed too often together."""
    meta = far.sets(migration_threshold="3")
    plain = dataclasses.replace(_VM, meta=meta)
    inside = dataclasses.replace(far.primitive("a", container="vm"), operations=_WATCH)
    done = {"n1": {"vm": STARTED, "a": STARTED}, "n2": {"vm": ABSENT, "a": ABSENT}}
    where = (far.prefers("vm", "n1"),)
    counts = {"n1": {"fail-count-vm#monitor_60000": "1", "fail-count-a#monitor_60000": "2"}}
    due = Cluster((plain, inside), done, where, attributes=counts).plan()
    assert due.placement["vm"] == due.placement["a"] != {}
    assert "n1" not in due.placement["vm"]


@pytest.mark.parametrize("connection", [STARTED, ABSENT])
def test_what_a_guest_said_is_void_where_it_is_down_and_nothing_can_be_fenced(connection):
    """Nothing runs inside of a holder that runs nowhere, so there is nothing to recover."""
    due = _cluster(ABSENT, connection, STARTED, fencing=False).plan()
    assert not due.fencing
    assert "stop a g" not in far.steps(due)
    assert "start a g" in far.steps(due)


def test_a_holder_is_looked_for_before_what_runs_on_its_guest_is_stopped():
    """It restarts with its holder, so it counts among what follows that."""
    moved = dataclasses.replace(
        _cluster(STARTED, STARTED, STARTED),
        constraints=(far.prefers("a", "g"), far.prefers("vm", "n2")),
    )
    done = {**moved.done, "n2": {"g": ABSENT, "a": ABSENT}}
    due = dataclasses.replace(moved, done=done).plan()
    assert far.waits(due, "a_stop_0", "vm_monitor_0@n2")


def test_what_runs_on_a_guest_is_stopped_before_the_member_that_holds_it_is_fenced_for_a_failure():
    """The member still answers, so the guest is not lost with it, and is stopped in order."""
    cluster = _cluster(STARTED, STARTED, STARTED, resources=(_VM, _A, far.primitive("b")))
    done = {name: {**known, "b": ABSENT} for name, known in cluster.done.items()}
    done["n1"]["b"] = (*STARTED, ("stop", 0, 1))
    due = dataclasses.replace(cluster, done=done).plan()
    assert [one.node for one in due.fencing] == ["n1"]
    stop = next(one for one in due.actions if one.resource == "a" and one.task.value == "stop")
    assert (stop.kind, stop.router) == (ActionKind.RESOURCE, "n1")
    assert far.waits(due, "a_start_0", "stonith-n1")


def test_a_start_that_goes_on_restarts_nothing_that_is_up():
    """The holder is started again where that was begun; its guest is left as it is."""
    steps = far.steps(_cluster((("start", 0, 193),), STARTED, STARTED).plan())
    assert [one for one in steps if one.startswith(("start", "stop"))] == ["start vm n1"]


def test_what_was_lost_with_a_guest_does_not_hold_up_the_end_of_its_holder():
    """It ends with the holder, though an order says that it is to be stopped before that."""
    after = constraint.Order("o", "vm", "a")
    lost = _cluster(STARTED, STARTED, STARTED, constraints=(*_TO_GUEST, after), lost=("n1",))
    due = lost.plan()
    assert {"start vm n2", "start g n2", "start a g"} <= set(far.steps(due))
    assert far.waits(due, "vm_start_0", "stonith-n1")
    assert not due.diagnostics


def test_a_holder_is_looked_for_before_the_connection_to_its_guest_is_stopped():
    """Even if both only stop: whatever is found of the holder may be the guest's."""
    down = dataclasses.replace(_VM, meta=far.sets(remote_node="g", target_role="Stopped"))
    stopping = _cluster(STARTED, STARTED, resources=(down, _A))
    done = {**stopping.done, "n2": {"g": ABSENT, "a": ABSENT}}
    due = dataclasses.replace(stopping, done=done).plan()
    assert far.waits(due, "g_stop_0", "vm_monitor_0@n2")


def test_what_nobody_manages_goes_down_with_its_guest():
    """It does not hold up the move of the holder, not even as a member of a group."""
    left = resource.Group("grp", (far.primitive("a", is_managed="false"),))
    cluster = _cluster(
        STARTED,
        STARTED,
        STARTED,
        resources=(_VM, left),
        constraints=(far.prefers("vm", "n2"),),
    )
    steps = far.steps(cluster.plan())
    assert {"stop vm n1", "start vm n2"} <= set(steps)
    assert "stop a g" not in steps


def test_what_is_left_alone_need_not_be_where_its_container_is():
    """It stays where it runs, and its scores do not tell of the container."""
    for managed, there in (("true", "n2"), ("false", "n1")):
        inside = far.primitive("a", container="vm", is_managed=managed)
        resources = (far.primitive("vm"), inside)
        cluster = _cluster(
            STARTED, ABSENT, resources=resources, constraints=(far.prefers("vm", "n2"),)
        )
        cluster.done["n1"]["a"] = STARTED
        due = cluster.plan()
        assert list(due.placement["a"]) == [there]
        assert due.ledgers["a"]["n2"].score == 0
        assert due.ledgers["vm"]["n1"].score == 0


@pytest.mark.parametrize("on_guest", [STARTED, (*STARTED, ("stop", 0, 1))])
def test_a_guest_does_not_count_as_fenced_while_its_holder_is_left_alone(on_guest):
    """The holder failed, and nobody stops it, so what was on its guest starts nowhere else."""
    vm = dataclasses.replace(_VM, meta=far.sets(remote_node="g", maintenance="true"))
    due = _cluster(_FAILED, STARTED, on_guest, resources=(vm, _A), constraints=()).plan()
    assert [one.node for one in due.fencing] == ["g"]
    assert not [one for one in far.steps(due) if one.startswith("start")]


def test_a_failed_stop_on_a_guest_is_tried_again_where_its_holder_is_left_alone():
    """Nothing recovers the holder then, so the guest is not fenced."""
    vm = dataclasses.replace(_VM, meta=far.sets(remote_node="g", maintenance="true"))
    on_guest = (*STARTED, ("stop", 0, 1))
    due = _cluster(STARTED, STARTED, on_guest, resources=(vm, _A)).plan()
    assert not due.fencing
    assert "stop a g" in far.steps(due)


def test_a_guest_that_was_removed_is_fenced_only_if_it_may_be_up():
    """Nobody heard of it, its connection is down, and what held it is stopped: that is enough."""
    cluster = _cluster(STARTED, (*STARTED, ("stop", 0, 0)), resources=(_A,), constraints=())
    seen = cluster.observed()
    members = {name: one for name, one in seen.nodes.items() if name in far.MEMBERS}
    kept = members["n1"].histories
    known = {
        "vm": dataclasses.replace(kept["vm"], agent=far.DUMMY),
        "g": dataclasses.replace(kept["g"], container="vm"),
    }
    members["n1"] = dataclasses.replace(members["n1"], histories=known)
    members["n2"] = dataclasses.replace(members["n2"], histories={})
    due = pipeline.schedule(cluster.desired(), dataclasses.replace(seen, nodes=members))
    assert not due.fencing


def test_a_guest_whose_holder_could_not_be_stopped_is_told_to_stay_off():
    """It will not be started again, as nobody tries once more to stop what holds it."""
    due = _cluster((*STARTED, ("stop", 0, 1)), STARTED, STARTED, fencing=False).plan()
    assert [(one.node, one.task.value) for one in due.fencing] == [("g", "off")]


def test_what_runs_beside_a_failure_on_a_guest_restarts_without_having_failed():
    """Only what failed there is recovered, with the guest; where that was lost, all of it is."""
    resources = (_VM, _A, far.primitive("b"))
    for vm, on_guest, kind in (
        (STARTED, (*STARTED, ("stop", 0, 1)), ChangeKind.RESTART),
        (_FAILED, STARTED, ChangeKind.RECOVER),
    ):
        cluster = _cluster(vm, STARTED, on_guest, resources=resources, constraints=_TO_GUEST)
        cluster.done["g"]["b"] = STARTED
        changes = {one.resource: one.kind for one in cluster.plan().changes}
        assert changes["b"] is kind


def test_a_guest_that_asks_to_leave_is_let_go_and_looked_at_no_more():
    """Only the connection is taken down, and what ran there moves; its holder stays."""
    resources = (_VM, _A, far.primitive("b"))
    due = _cluster(STARTED, STARTED, STARTED, resources=resources, leaving=("g",)).plan()
    steps = far.steps(due)
    assert {"stop g n1", "stop a g"} <= set(steps)
    assert not {"monitor b g", "stop vm n1"} & set(steps)
    assert far.waits(due, "g_stop_0", "a_stop_0@g")


def test_a_holder_is_stopped_also_where_only_its_connection_failed():
    """Nobody knows what is left of the guest there."""
    cluster = _cluster(STARTED, ABSENT, constraints=())
    cluster.done["n2"]["g"] = far.LOST
    assert {"stop vm n1", "stop vm n2", "stop g n2"} <= set(far.steps(cluster.plan()))


def test_a_connection_that_failed_on_a_lost_node_restarts_no_holder():
    """It is not known to have failed where it is made anew."""
    cluster = _cluster(STARTED, ABSENT, lost=("n2",), constraints=())
    cluster.done["n2"]["g"] = far.LOST
    due = cluster.plan()
    assert "start g n1" in far.steps(due)
    assert "stop vm n1" not in far.steps(due)


def test_what_runs_well_goes_on_beside_a_guest_that_cannot_be_proved_off():
    """Its holder may not be touched; only what is to rise waits for ever."""
    vm = dataclasses.replace(_VM, meta=far.sets(remote_node="g", is_managed="false"))
    resources = (vm, _A, far.primitive("b"))
    stuck = (*STARTED, ("stop", 0, 1))
    cluster = _cluster(stuck, STARTED, STARTED, resources=resources, lost=("n1",), constraints=())
    cluster.done["n2"] |= {"b": STARTED}
    cluster.done["n1"] |= {"b": ABSENT}
    changes = {one.resource: one for one in cluster.plan().changes}
    assert changes["b"].kind is ChangeKind.LEAVE
    assert not changes["b"].blocked
