"""Bundles: containers with their addresses, connections, and one instance inside of each."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from scheduler import far, strategies
from scheduler.far import ABSENT, LOST, STARTED, Cluster

from reconciler.model import constraint, container, observed, resource, score
from reconciler.model.action import Task
from reconciler.model.role import Role
from reconciler.scheduler import digest, pipeline, replica

_ENGINE = container.Container(container.Technology.PODMAN, "web:1", replicas=2)
_NETWORK = container.Network(ip_range_start="192.0.2.254")
_WEB = resource.Bundle("web", _ENGINE, _NETWORK, child=far.primitive("httpd"))


def _cluster(bundle: resource.Bundle = _WEB, **settings: Any) -> Cluster:
    made = [
        one.name
        for number in range(bundle.container.count)
        for one in (replica.holder(bundle, number), replica.ip(bundle, number))
        if one is not None
    ]
    done = {node: dict.fromkeys(made, ABSENT) for node in far.MEMBERS}
    settings.setdefault("resources", (bundle,))
    return Cluster(done=done, **settings)


def _starts(cluster: Cluster) -> set[str]:
    return {one for one in far.steps(cluster.plan()) if one.startswith("start")}


def test_every_replica_has_an_address_a_container_a_connection_and_an_instance():
    """They are started in that order, each replica on a node of its own."""
    due = _cluster().plan()
    assert _starts(_cluster()) == {
        "start web-ip-192.0.2.254 n1",
        "start web-podman-0 n1",
        "start web-0 n1",
        "start httpd web-0",
        "start web-ip-192.0.3.1 n2",
        "start web-podman-1 n2",
        "start web-1 n2",
        "start httpd web-1",
    }
    for earlier, later in (
        ("web-ip-192.0.2.254_start_0", "web-podman-0_start_0"),
        ("web-podman-0_start_0", "web-0_start_0"),
        ("web-0_start_0", "httpd:0_start_0"),
    ):
        assert far.waits(due, later, earlier)


def test_a_node_holds_no_more_replicas_than_it_may():
    """What finds no place is not started, and nothing is started inside of it."""
    three = dataclasses.replace(_WEB, container=dataclasses.replace(_ENGINE, replicas=3))
    assert sum(one.startswith("start web-podman") for one in _starts(_cluster(three))) == 2
    both = dataclasses.replace(three.container, replicas_per_host=2)
    shared = dataclasses.replace(three, container=both)
    assert sum(one.startswith("start web-podman") for one in _starts(_cluster(shared))) == 3


def test_nothing_else_runs_inside_of_a_bundle():
    """Its containers are nodes for its own instances only, whatever is preferred."""
    other = far.primitive("other")
    wishes = (far.prefers("other", "web-0"), far.prefers("web", "n2"))
    due = _cluster(resources=(_WEB, other), constraints=wishes).plan()
    assert set(due.placement["other"]) <= set(far.MEMBERS)
    assert not [one for one in due.actions if one.resource == "other" and one.node == "web-0"]


def test_what_follows_a_bundle_waits_for_what_runs_inside():
    """A bundle is up when its instances are, not when its containers are."""
    after = constraint.Order("o", "web", "other")
    due = _cluster(resources=(_WEB, far.primitive("other")), constraints=(after,)).plan()
    assert far.waits(due, "other_start_0", "httpd:0_start_0")


def test_instances_inside_are_promoted_as_many_as_wanted():
    """With promoted-max the instances have roles, and the scores of their nodes decide."""
    engine = dataclasses.replace(_ENGINE, promoted_max=1)
    scores = {"web-0": {"master-httpd": "5"}, "web-1": {"master-httpd": "9"}}
    bundle = dataclasses.replace(_WEB, container=engine)
    cluster = _cluster(bundle, attributes=scores)
    cluster = dataclasses.replace(cluster, done={**cluster.done, "web-0": {}, "web-1": {}})
    steps = far.steps(cluster.plan())
    assert "promote httpd web-1" in steps
    assert "promote httpd web-0" not in steps


def test_a_bundle_without_a_resource_inside_is_only_containers():
    """There is nothing to connect to."""
    plain = dataclasses.replace(_WEB, child=None)
    assert not [one for one in _starts(_cluster(plain)) if "httpd" in one or "web-0 " in one]


def test_an_address_and_a_connection_count_as_soon_as_their_container_is_placed():
    """What comes after the bundle goes to the member that has none of its replicas."""
    one = dataclasses.replace(_WEB, container=dataclasses.replace(_ENGINE, replicas=1))
    others = tuple(far.primitive(name) for name in ("a", "b", "c"))
    placement = _cluster(one, resources=(one, *others)).plan().placement
    assert placement["web-podman-0"] == {"n1": Role.STARTED}
    assert [list(placement[other.name]) for other in others] == [["n2"], ["n2"], ["n2"]]


_UP = (*far.STARTED, ("monitor", 60_000, 0))
_HURT = (*_UP, ("monitor", 60_000, 1))
_INSIDE = dataclasses.replace(far.primitive("httpd"), operations=far.ROLES)
_ROLES = dataclasses.replace(
    _WEB, container=dataclasses.replace(_ENGINE, promoted_max=1), child=_INSIDE
)


def _running(bundle: resource.Bundle, hurt: str = "", **settings: Any) -> Cluster:
    """Return a cluster where all of a bundle runs, the first instance promoted if it can be."""
    done = _cluster(bundle).done
    implied = []
    for number, node in enumerate(far.MEMBERS):
        made = (replica.ip(bundle, number), replica.holder(bundle, number))
        pieces = [one for one in (*made, replica.connection(bundle, number)) if one is not None]
        implied += pieces
        done[node] |= {one.name: _HURT if one.name == hurt else _UP for one in pieces}
        role = (
            (("promote", 0, 0), ("monitor", 15_000, 8)) if bundle is _ROLES and not number else ()
        )
        done[f"web-{number}"] = {"httpd": (*far.STARTED, *role)}
    return Cluster((bundle,), done, implied=tuple(implied), **settings)


def test_a_container_goes_on_running_while_its_address_is_recovered():
    """The address is stopped and started, and nothing else."""
    cluster = _running(_WEB, "web-ip-192.0.2.254")
    steps = [one for one in far.steps(cluster.plan()) if one.startswith(("start", "stop"))]
    assert steps == ["start web-ip-192.0.2.254 n1", "stop web-ip-192.0.2.254 n1"]


def test_what_is_promoted_in_a_bundle_waits_for_containers_that_stop():
    """All of a bundle with roles stops before any of it rises; its monitors end before that."""
    banned = (far.prefers("web", "n1", -score.INFINITY),)
    votes = {"web-0": {"master-httpd": "10"}, "web-1": {"master-httpd": "5"}}
    due = _running(_ROLES, constraints=banned, attributes=votes).plan()
    assert far.waits(due, "httpd:1_promote_0", "web-podman-0_stop_0")
    assert far.waits(due, "httpd:0_demote_0", "httpd:0_cancel")


def test_a_container_that_failed_is_recovered_with_all_that_is_inside():
    """What it held counts as stopped and demoted; only the bundle's stop waits for the proof."""
    due = _running(_ROLES, "web-podman-0").plan()
    assert [(one.node, one.guest_of) for one in due.fencing] == [("web-0", "web-podman-0")]
    assert not due.diagnostics
    assert not far.waits(due, "httpd:0_demote_0", "stonith-web-0")
    assert far.waits(due, "httpd:0_start_0", "web-podman-0_stop_0")


def test_the_host_that_a_container_leaves_speaks_for_what_is_inside():
    """Agents inside set attributes of the node where they run now, not of where they will."""
    inside = dataclasses.replace(_INSIDE, meta=far.sets(container_attribute_target="host"))
    bundle = dataclasses.replace(_ROLES, child=inside)
    votes = {"n1": {"master-httpd": "10"}, "n2": {"master-httpd": "5"}}
    banned = (far.prefers("web", "n1", -score.INFINITY),)
    scores = _running(bundle, constraints=banned, attributes=votes).plan().promotion_scores
    assert scores["httpd:1"] == {"web-1": 5}
    fresh = _cluster(bundle, attributes=votes).plan().promotion_scores
    assert fresh["httpd:0"] == {"web-0": -1}


def test_what_a_bundle_says_of_itself_holds_for_addresses_and_connections():
    """An unmanaged bundle has no address that is recovered."""
    unmanaged = dataclasses.replace(_WEB, meta=far.sets(is_managed="false"))
    assert "stop web-ip-192.0.2.254 n1" in far.steps(_running(_WEB, "web-ip-192.0.2.254").plan())
    steps = far.steps(_running(unmanaged, "web-ip-192.0.2.254").plan())
    assert not [one for one in steps if one.startswith(("start", "stop"))]


def test_what_is_inside_waits_until_containers_were_looked_for_where_they_are_to_be():
    """A container that was asked for there, but not elsewhere, keeps nothing from starting."""
    shared = dataclasses.replace(_WEB, container=dataclasses.replace(_ENGINE, replicas_per_host=2))
    cluster = _cluster(shared)
    for node, waits in (("n2", True), ("n1", False)):
        known = {name: done for name, done in cluster.done[node].items() if name != "web-podman-1"}
        due = dataclasses.replace(cluster, done={**cluster.done, node: known}).plan()
        assert due.placement["web-podman-1"] == {"n2": Role.STARTED}
        assert far.waits(due, "httpd:0_start_0", "web-podman-1_monitor_0") == waits


def test_a_connection_without_an_address_leads_to_where_its_container_is_going_to_be():
    """The node may be a remote one; the connection itself is held by a member."""
    plain = dataclasses.replace(
        _WEB,
        network=container.Network(control_port=3123),
        container=dataclasses.replace(_ENGINE, replicas=1),
    )
    both = tuple(far.prefers("web", name, -score.INFINITY) for name in far.MEMBERS)
    due = _cluster(plain, resources=(plain, far.connection()), constraints=both).plan()
    starts = [one for one in due.actions if one.resource == "web-0" and one.task is Task.START]
    assert [(one.node, one.params["addr"]) for one in starts] == [("n1", "far")]


def test_what_is_inside_of_a_container_that_cannot_come_is_told_to_be_blocked():
    """It is assigned to its container, and waits for it."""
    three = dataclasses.replace(_WEB, container=dataclasses.replace(_ENGINE, replicas=3))
    due = _cluster(three).plan()
    blocked = [(one.resource, one.target) for one in due.changes if one.blocked]
    assert ("httpd", "web-2") in blocked


def test_a_container_is_put_on_a_remote_node_only_where_no_member_can_have_it():
    """The connection into it is held by a member; one that runs well is left where it is."""
    members = _cluster(resources=(_WEB, far.connection()))
    both = tuple(far.prefers("web", name, -score.INFINITY) for name in far.MEMBERS)
    placement = members.plan().placement
    assert not {"far"} & {*placement["web-podman-0"], *placement["web-podman-1"]}
    placement = dataclasses.replace(members, constraints=both).plan().placement
    assert list(placement["web-podman-0"]) == ["far"]
    assert list(placement["web-0"]) == list(placement["far"])


@pytest.mark.parametrize(
    ("technology", "name"), [("docker", "-h web-0"), ("podman", "-h web-0"), ("rkt", "=web-0")]
)
def test_a_container_is_told_its_name_its_ports_and_what_it_sees(technology, name):
    """The command line of a replica carries its own address and directories."""
    bundle = resource.Bundle(
        "web",
        container.Container(container.Technology(technology), "web:1", options="--quiet"),
        container.Network("192.0.2.1", ports=(container.PortMapping(80, 8080),)),
        (container.StorageMapping("/www", source_dir_root="/srv", options="ro"),),
    )
    held = replica.holder(bundle, 0)
    values = {key: value for one in held.params for key, value in one.pairs.items()}
    words = values["run_opts"]
    assert isinstance(words, str)
    for part in (name, "192.0.2.1", "80", "8080", "/srv/web-0", "/www", "ro", "--quiet"):
        assert part in words
    assert values["mount_points"] == "/srv/web-0"
    assert held.agent == far.AgentName("ocf", "heartbeat", technology)


def test_a_container_needs_what_runs_inside_of_it_needs():
    """The instance needs nothing of its guest node, but its container does of the host."""
    child = dataclasses.replace(far.primitive("httpd"), utilization=strategies.sets(cpu="4"))
    bundle = dataclasses.replace(_WEB, child=child)
    inside = replica.inside(bundle)

    assert replica.holder(bundle, 1).utilization == child.utilization
    assert inside is not None
    assert [one.utilization for one in resource.primitives(inside)] == [()]


def test_an_instance_with_a_number_does_not_return_to_a_container_where_it_failed_too_often():
    """Failures inside count, though nothing that is said of other nodes does."""
    engine = dataclasses.replace(_ENGINE, replicas_per_host=2)
    bundle = dataclasses.replace(_WEB, container=engine)
    failed = {"web-0": {"fail-count-httpd:0#start_0": "INFINITY"}}
    cluster = _cluster(bundle, attributes=failed)
    cluster = dataclasses.replace(cluster, done={**cluster.done, "web-0": {}})
    assert "start httpd:0 web-0" in _starts(_cluster(bundle))
    assert "start httpd:0 web-0" not in _starts(cluster)


def test_containers_are_nodes_only_to_what_is_inside_of_them():
    """A bundle with a replica for every other node hears no wishes for company."""
    other = far.primitive("other")
    near = constraint.Colocation("c", "other", "web", score=100_000)
    cluster = _cluster(resources=(_WEB, other), constraints=(near, far.prefers("other", "n2")))
    assert cluster.plan().ledgers["web-podman-0"]["n2"].score == 0


def test_a_connection_that_is_placed_near_a_bundle_may_have_a_container_on_its_node():
    """What leads into that container is held by a member, whichever that will be."""
    bundle = dataclasses.replace(_WEB, container=dataclasses.replace(_ENGINE, replicas=3))
    near = constraint.Colocation("c", "far", "web", score=100)
    cluster = _cluster(bundle, resources=(bundle, far.connection()), constraints=(near,))
    done = {**cluster.done, "n1": {**cluster.done["n1"], "far": _UP}, "far": {}}
    due = dataclasses.replace(cluster, done=done).plan()
    assert due.placement["web-podman-2"] == {"far": Role.STARTED}
    assert due.placement["web-2"]


@pytest.mark.parametrize(("technology", "mapped"), [("docker", False), ("rkt", True)])
def test_ports_are_mapped_on_the_network_of_the_host_only_where_a_program_wants_it(
    technology, mapped
):
    """It is told to all but rkt that there is nothing to map."""
    engine = container.Container(container.Technology(technology), "web:1", network="host")
    bundle = resource.Bundle("web", engine, child=far.primitive("httpd"))
    words = str(replica.holder(bundle, 0).params[0].pairs["run_opts"])
    assert ("3121:3121" in words) is mapped


def test_all_of_a_group_is_placed_where_a_member_of_it_has_to_be():
    """What is placed after it finds the nodes as full as the whole group makes them."""
    group = resource.Group("g", tuple(far.primitive(name) for name in ("g1", "g2", "g3")))
    near = constraint.Colocation("c", "a", "g1", score=-1)
    others = tuple(far.primitive(name) for name in ("a", "b"))
    due = _cluster(resources=(*others, group), constraints=(near, far.prefers("g1", "n1"))).plan()
    assert due.placement["b"] == {"n2": Role.STARTED}


def test_what_is_said_of_a_bundle_is_said_of_its_addresses():
    """They have its scores, and are looked for where it is."""
    here = dataclasses.replace(
        far.prefers("web", "n1", 100), discovery=constraint.ResourceDiscovery.EXCLUSIVE
    )
    unknown = dataclasses.replace(_cluster(constraints=(here,)), done={})
    due = unknown.plan()
    assert due.ledgers["web-ip-192.0.2.254"]["n1"].score == 100
    assert {one.node for one in due.actions if one.key.startswith("web-ip-192.0.2.254_mon")} == {
        "n1"
    }


def test_connections_into_containers_do_not_hear_of_health():
    """The containers and their addresses do, through the bundle."""
    healthy = {"n1": {"#health-disk": "5"}}
    cluster = _cluster(attributes=healthy)
    wanted = dataclasses.replace(
        cluster.desired(), properties=far.sets(node_health_strategy="custom")
    )
    ledgers = pipeline.schedule(wanted, cluster.observed()).ledgers
    assert ledgers["web-ip-192.0.2.254"]["n1"].score == 5
    assert ledgers["web-podman-0"]["n1"].score == 10
    assert ledgers["web-0"]["n1"].score == 10_000


def test_nobody_is_notified_inside_of_a_container_that_was_lost():
    """Before it is recovered there is nobody to be told of the stop, but elsewhere there is."""
    child = dataclasses.replace(_INSIDE, meta=far.sets(notify="true"))
    cluster = _running(dataclasses.replace(_ROLES, child=child), hurt="web-podman-0")
    due = cluster.plan()
    told = {one.node for one in due.actions if "pre_notify_stop" in one.key and one.real}
    assert told == {"web-1"}


@pytest.mark.parametrize(("unknown", "stopping"), [(0, 1), (1, 0)])
def test_containers_are_looked_for_before_others_that_cannot_be_beside_them_stop(unknown, stopping):
    """Where a bundle is stopped that is all the others, wherever they might be."""
    bundle = dataclasses.replace(_WEB, child=None, meta=far.sets(target_role="Stopped"))
    cluster = _running(bundle)
    done = {name: dict(cluster.done[name]) for name in far.MEMBERS}
    asked = far.MEMBERS[1 - unknown]
    del done[asked][f"web-podman-{unknown}"]
    due = dataclasses.replace(cluster, done=done).plan()
    assert f"monitor web-podman-{unknown} {asked}" in far.steps(due)
    assert far.waits(due, f"web-podman-{stopping}_stop_0", f"web-podman-{unknown}_mon")


@pytest.mark.parametrize(
    ("bundle", "fencing", "waits"),
    [(_ROLES, True, True), (_WEB, True, True), (_ROLES, False, False)],
)
def test_what_starts_elsewhere_waits_for_a_lost_container(bundle, fencing, waits):
    """As for any lost node, though what was in the container returns to it."""
    cluster = _running(bundle, "web-podman-0", fencing=fencing)
    cluster = dataclasses.replace(cluster, resources=(bundle, far.primitive("other")))
    assert far.waits(cluster.plan(), "other_start_0", "web-podman-0_stop_0") is waits


def test_a_failure_that_bans_an_instance_elsewhere_bans_it_not_from_its_container():
    """It has nowhere else to go; only failures that are counted keep it out."""
    engine = dataclasses.replace(_ENGINE, replicas_per_host=2)
    bundle = dataclasses.replace(_WEB, container=engine)
    done = {**_cluster(bundle).done, "web-0": {"httpd:0": (("start", 0, 5),)}}
    cluster = dataclasses.replace(_cluster(bundle), done=done)
    assert cluster.plan().placement["httpd:0"] == {"web-0": Role.STARTED}


def test_what_follows_a_bundle_is_started_anew_wherever_it_is():
    """It follows the bundle as a whole, not the container on its node."""
    one = dataclasses.replace(_WEB, container=dataclasses.replace(_ENGINE, replicas=1))
    cluster = _cluster(
        one,
        resources=(one, far.primitive("other")),
        constraints=(constraint.Order("o", "web", "other"), far.prefers("web", "n1")),
    )
    done = {**cluster.done, "n2": {**cluster.done["n2"], "other": far.STARTED}}
    due = dataclasses.replace(cluster, done=done).plan()
    assert far.waits(due, "other_start_0@n2", "web-podman-0_start_0")
    assert "stop other n2" in far.steps(due)


def test_containers_of_two_bundles_are_paired():
    """Each goes with one of the other bundle, so the second cannot be where the first is."""
    app = dataclasses.replace(
        _WEB, name="app", child=far.primitive("appd"), network=container.Network("192.0.2.1")
    )
    near = constraint.Colocation("c", "app", "web", score=score.INFINITY)
    cluster = _cluster(resources=(_WEB, app), constraints=(near,))
    ledgers = cluster.plan().ledgers["app-podman-0"]
    assert (ledgers["n1"].score, ledgers["n2"].score) == (0, -score.INFINITY)


def test_an_instance_of_a_clone_goes_with_one_container():
    """Interleaved or not, so the second instance cannot be where the first is."""
    clone = resource.Clone("all", far.primitive("r"))
    near = constraint.Colocation("c", "all", "web", score=score.INFINITY)
    ledgers = _cluster(resources=(_WEB, clone), constraints=(near,)).plan().ledgers["r:0"]
    assert (ledgers["n1"].score, ledgers["n2"].score) == (0, -score.INFINITY)


def test_a_location_may_say_in_which_container_an_instance_is_promoted():
    """It names the bundle, and the node that its container is."""
    here = dataclasses.replace(far.prefers("web", "web-1"), role=Role.PROMOTED)
    steps = far.steps(_running(_ROLES, constraints=(here,)).plan())
    assert "promote httpd web-1" in steps


def test_connections_are_looked_for_where_their_containers_are_up_and_may_not_start():
    """A container that stays need not start for it, whatever it would have to follow."""
    left = far.sets(is_managed="false")
    never, bundle = far.primitive("x", is_managed="false"), dataclasses.replace(_WEB, meta=left)
    cluster = _running(bundle, constraints=(constraint.Order("o", "x", "web"),))
    due = dataclasses.replace(cluster, resources=(never, bundle)).plan()
    assert "monitor web-0 n2" in far.steps(due)


def test_what_must_be_with_the_promoted_instance_is_where_its_container_is():
    """The other containers will not do."""
    votes = {"web-0": {"master-httpd": "5"}, "web-1": {"master-httpd": "10"}}
    other = far.primitive("other")
    near = constraint.Colocation("c", "other", "web", score.INFINITY, primary_role=Role.PROMOTED)
    cluster = _running(_ROLES, attributes=votes, constraints=(near,))
    due = dataclasses.replace(cluster, resources=(_ROLES, other)).plan()
    assert due.placement["httpd:1"] == {"web-1": Role.PROMOTED}
    assert list(due.placement["other"]) == ["n2"]
    assert due.ledgers["other"]["n1"].score == -score.INFINITY


def test_containers_are_looked_for_before_what_is_promoted_again_inside_is_demoted():
    """What is found may take the place of the container that moves."""
    vm = far.primitive("vm", remote_node="g")
    votes = {"web-0": {"master-httpd": "10"}}
    wishes = (far.prefers("vm", "n2"), far.prefers("web", "n1", -score.INFINITY))
    cluster = _running(_ROLES, attributes=votes, constraints=wishes)
    cluster = dataclasses.replace(cluster, resources=(_ROLES, vm))
    cluster.done["n2"]["vm"] = far.STARTED
    due = cluster.plan()
    assert far.waits(due, "httpd:0_demote_0", "vm_monitor_0")


@pytest.mark.parametrize(
    ("value", "promoted"), [(-100, ["web-1"]), (-score.INFINITY, ["web-0"]), (0, ["web-1"])]
)
def test_containers_keep_off_what_their_promoted_instance_is_to_avoid(value, promoted):
    """Whatever role is named; where they must be there, nobody is promoted next to it."""
    apart = constraint.Colocation("c", "web", "other", value, dependent_role=Role.PROMOTED)
    votes = {"web-0": {"master-httpd": "5"}, "web-1": {"master-httpd": "10"}}
    wishes = (apart, far.prefers("other", "n2"))
    cluster = _running(_ROLES, attributes=votes, constraints=wishes)
    due = dataclasses.replace(cluster, resources=(_ROLES, far.primitive("other"))).plan()
    assert due.ledgers["web-podman-0"]["n2"].score == value
    rises = [
        node
        for name in ("httpd:0", "httpd:1")
        for node, role in due.placement[name].items()
        if role is Role.PROMOTED
    ]
    assert rises == promoted


@pytest.mark.parametrize(("led_to", "cleared"), [("n1", False), ("n2", True)])
def test_a_connection_that_failed_is_forgotten_where_it_leads_elsewhere_by_now(led_to, cleared):
    """Without an address of its own a container is reached at the node where it is going to be."""
    plain = dataclasses.replace(_WEB, network=container.Network())
    here = (far.prefers("web", "n1"),)
    one = dataclasses.replace(plain, container=dataclasses.replace(_ENGINE, replicas=1))
    cluster = _cluster(one, constraints=here)
    cluster.done["n1"]["web-0"] = (("start", 0, 1),)
    seen = cluster.observed()
    history = seen.nodes["n1"].histories["web-0"]
    kept = observed.Digests(all=digest.digest({"addr": led_to, "port": "3121"}))
    failed = dataclasses.replace(history.operations[0], id="web-0_last_failure_0", digests=kept)
    told = dataclasses.replace(history, operations=(failed,))
    node = seen.nodes["n1"]
    node = dataclasses.replace(node, histories={**node.histories, "web-0": told})
    seen = dataclasses.replace(seen, nodes={**seen.nodes, "n1": node})
    due = pipeline.schedule(cluster.desired(), seen)
    assert ("clear_failcount web-0 n1" in far.steps(due)) is cleared


def test_a_connection_into_a_container_that_is_up_is_looked_for_though_it_cannot_start_again():
    """It has to stop for what it is ordered after, and nothing says that it comes back."""
    down = far.primitive("other", target_role="Stopped")
    cluster = _running(_WEB, constraints=(constraint.Order("o", "other", "web"),))
    steps = far.steps(dataclasses.replace(cluster, resources=(_WEB, down)).plan())
    assert "stop web-podman-0 n1" in steps
    assert "start web-podman-0 n1" not in steps
    assert "monitor web-0 n2" in steps


@pytest.mark.parametrize("lost", ["httpd", "web-podman-1"])
def test_what_follows_a_bundle_restarts_with_its_containers_but_not_for_what_is_inside(lost):
    """A container that comes is news to those that are up; what starts in one is not."""
    after = (constraint.Order("o", "web", "other"), far.prefers("other", "n1"))
    cluster = _running(_WEB, "" if lost == "httpd" else lost, constraints=after)
    cluster = dataclasses.replace(cluster, resources=(_WEB, far.primitive("other")))
    cluster.done["n1"]["other"] = far.STARTED
    cluster.done["n2"]["other"] = ABSENT
    if lost == "httpd":
        cluster.done["web-1"]["httpd"] = (*far.STARTED, ("stop", 0, 0))
    steps = far.steps(cluster.plan())
    assert "start httpd web-1" in steps
    assert ("stop other n1" in steps) is (lost != "httpd")


def test_a_replica_that_finds_no_place_restarts_nothing_that_follows_the_bundle():
    """What waits in vain inside of it is assigned, and starts never."""
    three = dataclasses.replace(_WEB, container=dataclasses.replace(_ENGINE, replicas=3))
    after = (constraint.Order("o", "web", "other"), far.prefers("other", "n1"))
    cluster = _running(three, constraints=after)
    cluster = dataclasses.replace(cluster, resources=(three, far.primitive("other")))
    cluster.done["n1"]["other"] = far.STARTED
    cluster.done["n2"]["other"] = ABSENT
    steps = far.steps(cluster.plan())
    assert not [one for one in steps if one.startswith(("start", "stop"))]


def test_failures_of_a_connection_do_not_ban_its_container():
    """The connection can be held by another member, while the container stays where it is."""
    counts = {"n1": {"fail-count-web-0#start_0": "INFINITY"}}
    due = _running(_WEB, attributes=counts).plan()
    assert list(due.placement["web-podman-0"]) == ["n1"]
    assert due.ledgers["web-podman-0"]["n1"].score == 0
    assert list(due.placement["web-0"]) == ["n2"]


def test_what_is_inside_waits_for_the_probes_of_a_container_on_a_guest_that_is_not_up_yet():
    """It cannot be looked for there, so nothing is known of it where it is going to be."""
    vm = far.primitive("vm", remote_node="g")
    three = dataclasses.replace(_WEB, container=dataclasses.replace(_ENGINE, replicas=3))
    cluster = _cluster(three, resources=(vm, three))
    del cluster.done["n1"]["web-podman-2"]
    due = cluster.plan()
    assert due.placement["web-podman-2"] == {"g": Role.STARTED}
    assert far.waits(due, "httpd:0_start_0", "web-podman-2_monitor_0@n1")


@pytest.mark.parametrize(
    ("lost", "held", "fenced"),
    [("n1", STARTED, {"n1"}), ("n1", LOST, {"n1"}), ("n2", STARTED, {"n2", "web-0"})],
)
def test_a_container_is_lost_with_the_node_that_holds_the_connection_to_it(lost, held, fenced):
    """Through one from another node what is inside is stopped, wherever the container is."""
    done = {
        "n1": {"web-podman-0": held, "web-0": ABSENT},
        "n2": {"web-podman-0": ABSENT, "web-0": STARTED},
        "web-0": {"httpd": STARTED},
    }
    one = dataclasses.replace(_WEB, container=dataclasses.replace(_ENGINE, replicas=1))
    cluster = dataclasses.replace(_cluster(one), done=done, lost=(lost,))
    due = cluster.plan()
    assert {one.node for one in due.fencing} == fenced
    assert ("stop httpd web-0" in far.steps(due)) is ("web-0" not in fenced)
    assert far.waits(due, "web-podman-0_start_0", f"stonith-{lost}")


def test_nobody_looks_into_a_container_to_which_no_connection_is_made():
    """Where a bundle is left alone and its connection is down, there is no way in."""
    left = dataclasses.replace(_WEB, meta=far.sets(is_managed="false"))
    cluster = _cluster(left)
    cluster.done["n1"]["web-podman-0"] = STARTED
    assert "monitor httpd web-0" not in far.steps(cluster.plan())


@pytest.mark.parametrize("fencing", [True, False])
def test_what_a_container_said_before_its_connection_went_down_does_not_count(fencing):
    """Where nothing is fenced, anything may have been started there since."""
    cluster = _cluster(fencing=fencing)
    done = {**cluster.done, "web-0": {"httpd": ABSENT}}
    done["n1"] |= {"web-podman-0": STARTED, "web-0": ABSENT}
    steps = far.steps(dataclasses.replace(cluster, done=done).plan())
    assert ("monitor httpd web-0" in steps) is not fencing


def test_what_comes_before_one_container_does_not_come_before_others_that_keep_away_from_it():
    """The node that one moves to has to start first, which is no matter of the other one's."""
    vm = far.primitive("vm", remote_node="g")
    wishes = (far.prefers("vm", "n2"), far.prefers("web", "n2", -score.INFINITY))
    cluster = _running(_WEB, "web-podman-0", constraints=wishes)
    cluster = dataclasses.replace(cluster, resources=(_WEB, vm))
    cluster.done["n2"]["vm"] = far.STARTED
    del cluster.done["n1"]["web-podman-1"]
    due = cluster.plan()
    assert due.placement["web-podman-1"] == {"g": Role.STARTED}
    assert far.waits(due, "web-podman-0_stop_0", "web-podman-1_monitor_0@n1")
    assert not far.waits(due, "web-podman-0_stop_0", "vm_monitor_0@n1")


@pytest.mark.parametrize("fencing", [True, False])
def test_what_was_set_in_a_container_that_is_down_does_not_count(fencing):
    """Where nothing is fenced, it is as forgotten as what ran there."""
    cluster = _cluster(_ROLES, fencing=fencing, attributes={"web-1": {"master-httpd": "5"}})
    done = {**cluster.done, "web-1": {"httpd": ABSENT}}
    assert (
        "promote httpd web-1" in far.steps(dataclasses.replace(cluster, done=done).plan())
    ) is fencing


def test_what_must_be_with_a_bundle_starts_beside_its_containers():
    """Though nobody may start what is to run inside of them."""
    left = dataclasses.replace(_WEB, meta=far.sets(is_managed="false"))
    near = constraint.Colocation("c", "other", "web", score.INFINITY)
    cluster = _cluster(left, constraints=(near,))
    up = ("web-ip-192.0.2.254", "web-podman-0", "web-0")
    cluster.done["n1"].update(dict.fromkeys(up, STARTED))
    due = dataclasses.replace(cluster, resources=(left, far.primitive("other"))).plan()
    assert "start other n1" in far.steps(due)
