"""Remote nodes: there while their connection is up, doubted when it is lost."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import pytest
from scheduler import far
from scheduler.far import ABSENT, LOST, STARTED, Cluster

from reconciler.model import constraint, container, remote, resource
from reconciler.model.action import ActionKind
from reconciler.scheduler import pipeline

_A = far.primitive("a")
_TO_FAR = far.prefers("a", "far")
_STOPPED = (*STARTED, ("stop", 0, 0))


def _cluster(
    n1: tuple[far.Done, ...],
    on_far: tuple[far.Done, ...] = (),
    *,
    connection: resource.Primitive | None = None,
    **settings: Any,
) -> Cluster:
    resources = (connection or far.connection(), _A)
    done = {
        "n1": {"far": n1, "a": ABSENT},
        "n2": {"far": ABSENT, "a": ABSENT},
        "far": {"a": on_far} if on_far else {},
    }
    settings.setdefault("constraints", (_TO_FAR,))
    return Cluster(resources, done, **settings)


@pytest.mark.parametrize("stays_down", [False, True])
@pytest.mark.parametrize("connection", [LOST, _STOPPED, (("start", 0, 1),), ABSENT])
@pytest.mark.parametrize("fenced", [(), ("far",)])
def test_what_may_run_behind_a_lost_connection_is_not_started_elsewhere(
    connection, stays_down, fenced
):
    """It is started anew only after the node was fenced, or after it was stopped there."""
    held = far.connection(target_role="Stopped") if stays_down else far.connection()
    away = (far.prefers("a", "n2"), far.prefers("a", "far", -1_000_000))
    due = _cluster(connection, STARTED, connection=held, constraints=away, fenced=fenced).plan()
    starts = [one for one in due.actions if one.key.startswith("a_start_0@n")]
    assert starts
    for _ in starts:
        proven = far.waits(due, "a_start_0", "stonith-far")
        assert proven or far.waits(due, "a_start_0", "a_stop_0@far")


def test_a_connection_is_brought_up_before_anything_is_done_on_its_node():
    """The node is there only then: it is probed after that, and the resource started after that."""
    due = _cluster(ABSENT).plan()
    assert "start a far" in far.steps(due)
    assert far.waits(due, "a_monitor_0@far", "far_start_0")
    assert far.waits(due, "a_start_0", "a_monitor_0@far")


def test_the_member_that_holds_the_connection_does_what_is_done_on_the_node():
    """Every action on a remote node names the member through which it goes."""
    due = _cluster(STARTED, STARTED, constraints=(far.prefers("a", "n2"),)).plan()
    stop = next(one for one in due.actions if one.key == "a_stop_0@far")
    assert stop.router == "n1"
    assert all(not one.router for one in due.actions if one.node in far.MEMBERS)


def test_a_connection_that_stops_is_left_last():
    """What runs on the node is moved away while it can still be reached."""
    held = far.connection(target_role="Stopped")
    due = _cluster(STARTED, STARTED, connection=held).plan()
    assert far.waits(due, "far_stop_0", "a_stop_0@far")
    assert not due.fencing


def test_a_lost_connection_leads_to_fencing_before_it_is_made_again():
    """Nobody knows what happens on a node that cannot be reached, so it is fenced first."""
    due = _cluster(LOST, STARTED).plan()
    assert [one.node for one in due.fencing] == ["far"]
    assert far.waits(due, "far_start_0", "stonith-far")


def test_a_connection_that_is_only_down_is_tried_again_instead_of_fencing():
    """What still runs there is taken up again once the connection is back."""
    due = _cluster(_STOPPED, STARTED).plan()
    assert far.steps(due) == ["monitor far n1", "start far n1"]
    assert not due.fencing


@pytest.mark.parametrize(
    ("connection", "fenced"), [((("start", 0, 1),), True), (ABSENT, False), (_STOPPED, False)]
)
@pytest.mark.parametrize("startup", ["true", "false"])
def test_a_node_of_which_nobody_ever_heard_is_fenced_if_it_cannot_be_reached(
    connection, fenced, startup
):
    """As any node that is unseen since the cluster began; its connection was tried, and failed."""
    cluster = _cluster(connection)
    wanted = dataclasses.replace(
        cluster.desired(), properties=far.sets(fencing_enabled="true", startup_fencing=startup)
    )
    seen = cluster.observed()
    members = {name: one for name, one in seen.nodes.items() if name in far.MEMBERS}
    due = pipeline.schedule(wanted, dataclasses.replace(seen, nodes=members))
    assert [one.node for one in due.fencing] == ["far"] * (fenced and startup == "true")
    assert due.fencing == () or far.waits(due, "far_start_0", "stonith-far")


@pytest.mark.parametrize("stays_down", [False, True])
def test_a_node_of_which_nobody_ever_heard_is_fenced_if_nobody_will_connect_to_it(stays_down):
    """Whatever keeps the connection down; where it will be made, it is waited for."""
    held = far.connection(target_role="Stopped") if stays_down else far.connection()
    due = Cluster((held, _A), {"n1": {"far": ABSENT}, "n2": {}}).plan()
    assert [one.node for one in due.fencing] == ["far"] * stays_down


@pytest.mark.parametrize("heard_of", [False, True])
@pytest.mark.parametrize("connection", [ABSENT, _STOPPED, STARTED])
def test_a_node_whose_connection_was_removed_is_fenced_if_nobody_ever_heard_of_it(
    connection, heard_of
):
    """What runs there will never be known otherwise."""
    done = {"n1": {"far": connection}, "n2": {"a": ABSENT}, **({"far": {}} if heard_of else {})}
    due = Cluster((_A,), done).plan()
    assert [one.node for one in due.fencing] == ([] if heard_of else ["far"])


@pytest.mark.parametrize(("connection", "fenced"), [((("start", 0, 1),), True), (STARTED, False)])
def test_a_node_is_fenced_whose_failed_connection_will_not_be_tried_again(connection, fenced):
    """Through a failed connection nobody can look after the node, whatever was fenced before."""
    held = far.connection(target_role="Stopped")
    due = _cluster(connection, connection=held, fenced=("far",)).plan()
    assert [one.node for one in due.fencing] == ["far"] * fenced


def test_a_node_whose_connection_cannot_come_back_is_fenced_if_something_may_run_there():
    """Without a member to hold the connection, only fencing tells that nothing runs there."""
    due = _cluster(STARTED, STARTED, lost=("n1", "n2")).plan()
    assert "far" in {one.node for one in due.fencing}
    idle = _cluster(STARTED, lost=("n1", "n2")).plan()
    assert "far" not in {one.node for one in idle.fencing}


def test_a_connection_outlives_the_member_that_held_it():
    """It is made again elsewhere, and what runs on the node is not touched."""
    due = _cluster(STARTED, STARTED, lost=("n1",)).plan()
    assert [one.node for one in due.fencing] == ["n1"]
    assert far.steps(due) == ["monitor far n2", "reboot n1", "start far n2"]


@pytest.mark.parametrize(("interval", "fenced"), [(None, ["n1"]), ("60s", ["far", "n1"])])
def test_a_connection_that_failed_with_a_lost_member_is_tried_with_another(interval, fenced):
    """That member may be why it failed; with reconnect_interval it is not tried at once."""
    pairs = {"reconnect_interval": interval} if interval else {}
    params = (far.attribute.AttributeSet(pairs),)
    held = dataclasses.replace(far.connection(), params=params)
    due = _cluster(LOST, STARTED, connection=held, lost=("n1",)).plan()
    assert sorted(one.node for one in due.fencing) == fenced
    assert ("start far n2" in far.steps(due)) is (interval is None)


def test_a_connection_moves_without_being_interrupted():
    """Connections migrate unless told otherwise, and what runs on the node stays."""
    away = far.prefers("far", "n2")
    due = _cluster(STARTED, STARTED, constraints=(_TO_FAR, away)).plan()
    assert "migrate_to far n1" in far.steps(due)
    assert not any(one.resource == "a" for one in due.actions)


def test_what_leaves_a_node_waits_for_a_connection_that_is_half_way():
    """The member to which the connection goes holds half of it already."""
    away = (far.prefers("a", "n2", 1_000_000), far.prefers("far", "n2"))
    cluster = _cluster((("migrate_to", 0, 0),), STARTED, constraints=away)
    seen = cluster.observed()
    n1, known = seen.nodes["n1"], seen.nodes["n1"].histories["far"]
    begun = dataclasses.replace(known.operations[0], source="n1", target="n2", changed_at=50.0)
    histories = {**n1.histories, "far": dataclasses.replace(known, operations=(begun,))}
    nodes = {**seen.nodes, "n1": dataclasses.replace(n1, histories=histories)}
    due = pipeline.schedule(cluster.desired(), dataclasses.replace(seen, nodes=nodes))
    assert "migrate_from far n2" in far.steps(due)
    assert far.waits(due, "a_stop_0@far", "far_migrate_from_0@n2")


def test_connections_and_fence_devices_never_run_on_remote_nodes():
    """A remote node has no part of the cluster that could hold them, so it is not even asked."""
    device = far.primitive("f", far.AgentName("stonith", "", "fence_xvm"))
    done = {"n1": {"far": STARTED}, "far": {}}
    here = (far.prefers("f", "far"), far.prefers("other", "far"))
    resources = (far.connection(), device, far.connection("other"))
    due = Cluster(resources, done, here).plan()
    assert not [one for one in due.actions if one.node == "far"]
    assert due.placement["f"] != {"far": due.placement["f"].get("far")}


def test_no_plan_with_remote_nodes_starts_an_unproven_resource_twice():
    """Whatever became of the connection, one resource is started on one node, after proof."""
    states = (LOST, STARTED, _STOPPED, (("start", 0, 1),), ABSENT)
    for connection, lost in itertools.product(states, ((), ("n1",), ("n1", "n2"))):
        due = _cluster(connection, STARTED, lost=lost).plan()
        starts = [one for one in due.actions if one.real and one.key.startswith("a_start")]
        assert len(starts) <= 1
        for one in starts:
            assert one.node == "far" or far.waits(due, one.key, "stonith-far")


def test_a_resource_is_where_it_was_while_its_remote_node_cannot_be_fenced():
    """Without fencing a lost connection is only made again; nothing is started elsewhere."""
    due = _cluster(LOST, STARTED, fencing=False).plan()
    assert not [one for one in due.actions if one.key.startswith("a_start")]
    assert not [one for one in due.actions if one.kind is ActionKind.FENCE]


def test_remote_nodes_count_as_nodes_for_clones():
    """A clone without a maximum runs on remote nodes, too."""
    clone = resource.Clone("c", far.primitive("p"))
    done = {"n1": {"far": STARTED}, "n2": {"far": ABSENT}, "far": {}}
    due = Cluster((far.connection(), clone), done).plan()
    assert "start p far" in far.steps(due)


def test_a_clone_has_an_instance_for_each_node_that_is_written_before_it():
    """Also for the containers of bundles before it; not for what a removed connection leads to."""
    clone = resource.Clone("c", far.primitive("p"))
    inside = container.Container(container.Technology.PODMAN, "web:1", replicas=2)
    bundle = resource.Bundle("web", inside, child=far.primitive("httpd"))
    done = {"n1": {"old": STARTED}, "n2": {}}
    for resources, count in (((clone, bundle), 2), ((bundle, clone), 4)):
        placement = Cluster(resources, done).plan().placement
        assert sum(name.startswith("p:") for name in placement) == count


def test_a_connection_with_an_interval_waits_before_it_is_made_again():
    """With reconnect_interval a lost connection stays down until the node was fenced."""
    held = resource.Primitive(
        "far",
        remote.CONNECTION,
        params=(far.attribute.AttributeSet({"reconnect_interval": "60s"}),),
        operations=far.connection().operations,
    )
    due = _cluster(LOST, STARTED, connection=held).plan()
    assert [one.node for one in due.fencing] == ["far"]
    assert "start far n1" not in far.steps(due)
    again = _cluster(LOST, STARTED, connection=held, fenced=("far",)).plan()
    assert not again.fencing


_COUNTS = {"n1": {"fail-count-far#monitor_10000": "1"}}


def test_a_connection_with_an_interval_is_forgotten_once_its_node_was_fenced():
    """The failure that has expired by then would let it be made again at once."""
    held = dataclasses.replace(
        far.connection(), params=(far.attribute.AttributeSet({"reconnect_interval": "60s"}),)
    )
    due = _cluster(LOST, STARTED, connection=held, attributes=_COUNTS).plan()
    assert far.waits(due, "far_clear_failcount_0", "stonith-far")


def test_a_connection_is_forgotten_before_it_is_made_again():
    """The failure count of a lost one would keep it off its node."""
    held = dataclasses.replace(far.connection(), params=far.sets(server="elsewhere"))
    due = _cluster(LOST, STARTED, connection=held, attributes=_COUNTS).plan()
    assert far.waits(due, "far_start_0", "far_clear_failcount_0")


@pytest.mark.parametrize("meta", [{"is_managed": "false"}, {"maintenance": "true"}])
def test_what_is_on_a_node_is_left_alone_where_its_connection_is(meta):
    """Nothing is started there either, though the connection is up."""
    held = far.connection(**meta)
    due = _cluster(STARTED, ABSENT, connection=held).plan()
    assert "start a far" not in far.steps(due)
    away = (far.prefers("a", "far", -1_000_000),)
    due = _cluster(STARTED, STARTED, connection=held, constraints=away).plan()
    assert "stop a far" not in far.steps(due)


@pytest.mark.parametrize(
    ("connection", "banned", "placed"),
    [(ABSENT, False, "n1"), (STARTED, False, "far"), (STARTED, True, "far")],
)
def test_what_is_placed_before_a_connection_is_where_that_is_up_now(connection, banned, placed):
    """Where it will not be up then, nothing is started."""
    away = [far.prefers("far", name, -1_000_000) for name in far.MEMBERS] if banned else []
    near = constraint.Colocation("c", "far", "a", score=100)
    due = _cluster(connection, ABSENT, constraints=(_TO_FAR, near, *away)).plan()
    assert list(due.placement["a"]) == [placed]
    assert (f"start a {placed}" in far.steps(due)) is not banned


def test_what_is_on_a_node_is_left_alone_while_the_member_that_holds_it_is_in_maintenance():
    """The connection is not managed then, and neither is what it leads to."""
    cluster = _cluster(STARTED, STARTED, constraints=(far.prefers("a", "n2"),))
    wanted = cluster.desired()
    members = tuple(
        [dataclasses.replace(one, maintenance=one.name == "n1") for one in wanted.nodes]
    )
    due = pipeline.schedule(dataclasses.replace(wanted, nodes=members), cluster.observed())
    assert "stop a far" in far.steps(cluster.plan())
    assert not [one for one in far.steps(due) if one.startswith(("start", "stop"))]


def test_connections_are_placed_by_priority():
    """The more important one chooses first, though it was written last."""
    held = (far.connection(), far.connection("near", priority="5"))
    cluster = Cluster(held, {"n1": {}, "n2": {}})
    assert [list(cluster.plan().placement[name]) for name in ("near", "far")] == [["n1"], ["n2"]]


def test_a_connection_that_is_left_alone_is_not_banned_from_remote_nodes():
    """Nor is a guest's holder with it; a connection that is managed is."""
    for managed in ("true", "false"):
        vm = far.primitive("vm", remote_node="g", is_managed=managed)
        held = far.connection(is_managed=managed)
        ledgers = Cluster((held, vm), {"n1": {}, "n2": {}}).plan().ledgers
        for name in ("far", "vm", "g"):
            assert (ledgers[name]["g"].score < 0) == (managed == "true")


@pytest.mark.parametrize(("connection", "counts"), [(ABSENT, False), (STARTED, True)])
def test_failures_on_a_node_that_is_down_count_only_where_nodes_are_fenced(connection, counts):
    """Without fencing nothing that is recorded of it counts until its connection is up."""
    attributes = {"far": {"fail-count-a#start_0": "INFINITY"}}
    for fencing in (True, False):
        due = _cluster(connection, ABSENT, attributes=attributes, fencing=fencing).plan()
        assert ("far" not in due.placement["a"]) is (counts or fencing)


@pytest.mark.parametrize("meta", [{}, {"target_role": "Stopped"}])
def test_a_connection_is_kept_while_something_on_its_node_cannot_be_stopped(meta):
    """It is neither ended nor handed over where a failed stop blocks what it leads to."""
    held = far.connection(**meta)
    stuck = (*STARTED, ("stop", 0, 1))
    away = (far.prefers("far", "n2"),)
    due = _cluster(STARTED, stuck, connection=held, constraints=away, fencing=False).plan()
    assert [one.blocked for one in due.changes if one.resource == "far"] == [True]
    assert not [one for one in far.steps(due) if one.endswith(("far n1", "far n2"))]


@pytest.mark.parametrize(("places", "order"), [((0, 2, 1), "n1 far n2"), ((1, 2, 0), "n1 n2 far")])
def test_what_a_remote_node_has_is_read_in_turn_once_its_connection_is_known(places, order):
    """It gets the next instance of a clone, or one of the last, where it is recorded too early."""
    clone = resource.Clone("c", far.primitive("p"))
    done = {"n1": {"far": STARTED, "p": STARTED}, "n2": {"p": STARTED}, "far": {"p": STARTED}}
    cluster = Cluster((far.connection(), clone), done)
    seen = cluster.observed()
    nodes = {
        name: dataclasses.replace(seen.nodes[name], place=place)
        for name, place in zip(("n1", "n2", "far"), places, strict=True)
    }
    due = pipeline.schedule(cluster.desired(), dataclasses.replace(seen, nodes=nodes))
    assert [*itertools.chain(*(due.placement[f"p:{each}"] for each in range(3)))] == order.split()


def test_a_connection_never_runs_on_the_node_that_it_leads_to():
    """Whatever people write, and where they have to name the nodes as well."""
    cluster = _cluster(STARTED, ABSENT, constraints=(far.prefers("far", "far", 1_000_000),))
    for symmetric in ("true", "false"):
        properties = far.sets(fencing_enabled="true", symmetric_cluster=symmetric)
        wanted = dataclasses.replace(cluster.desired(), properties=properties)
        due = pipeline.schedule(wanted, cluster.observed())
        assert "far" not in due.placement["far"]


@pytest.mark.parametrize("kind", ["primitive", "clone"])
def test_nothing_waits_for_a_remote_node_that_cannot_be_reached(kind):
    """It is looked for there only if the connection is made, which must wait for something else."""
    down = far.primitive("b", target_role="Stopped")
    one = _A if kind == "primitive" else resource.Clone("c", _A)
    orders = (constraint.Order("o", "b", "far"), far.prefers(one.name, "n1"))
    cluster = Cluster((down, far.connection(), one), {"n1": {}, "n2": {}}, orders)
    steps = far.steps(cluster.plan())
    assert "start far n1" not in steps
    assert "start a n1" in steps


@pytest.mark.parametrize("fencing", [True, False])
def test_a_remote_node_that_asks_to_leave_is_let_go(fencing):
    """What runs there moves while it can be reached, and then the connection is taken down."""
    due = _cluster(STARTED, STARTED, leaving=("far",), fencing=fencing).plan()
    assert {"stop far n1", "stop a far"} <= set(far.steps(due))
    assert due.placement["far"] == {}
    assert set(due.placement["a"]) < set(far.MEMBERS)
    assert far.waits(due, "far_stop_0", "a_stop_0@far")
    assert not due.fencing


@pytest.mark.parametrize(("fencing", "again"), [(True, False), (False, True)])
def test_a_remote_node_that_is_down_asks_to_leave_only_where_nodes_are_fenced(fencing, again):
    """What it said before counts only there; it may come back where nothing is."""
    due = _cluster(_STOPPED, STARTED, leaving=("far",), fencing=fencing).plan()
    assert ("start far n1" in far.steps(due)) is again
    assert bool(due.fencing) is fencing
