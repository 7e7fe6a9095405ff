"""Facts about decisions, one at a time: placement, colocation, order, failures, quorum."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies

from reconciler.model import constraint, desired, fencing, node, observed, plan, resource
from reconciler.model.action import ActionKind, Task
from reconciler.model.agent import AgentName
from reconciler.model.observed import Presence
from reconciler.model.reason import ReasonCode
from reconciler.model.resource import OnFail
from reconciler.model.role import Role
from reconciler.scheduler import digest, influence, pipeline

INFINITY = 1_000_000


def wanted(*resources, constraints=(), nodes=("n1", "n2"), **properties) -> desired.Desired:
    """Return desired state without fencing, unless the properties say otherwise."""
    properties.setdefault("fencing_enabled", "false")
    return desired.Desired(
        "facts",
        properties=strategies.sets(**properties),
        nodes=tuple(node.Node(name) for name in nodes),
        resources=resources,
        constraints=tuple(constraints),
    )


def seen(states=None, *, presence=None, attributes=None, quorate=True) -> observed.Observed:
    """Return an observation; ``states`` maps a node to resource to state, else probed."""
    states = {"n1": {}, "n2": {}} if states is None else states
    nodes = {}
    for name, found in states.items():
        histories = {key: strategies.history(key, state) for key, state in found.items()}
        nodes[name] = observed.ObservedNode(
            name,
            (presence or {}).get(name, Presence.ONLINE),
            histories={key: one for key, one in histories.items() if one is not None},
            attributes=(attributes or {}).get(name, {}),
        )
    return observed.Observed(strategies.NOW, quorate, nodes)


def change(due: plan.Plan, name: str) -> plan.Change:
    """Return the change of a resource without instances."""
    return next(one for one in due.changes if one.resource == name)


def location(name: str, where: str, score: int) -> constraint.Location:
    """Return a location constraint."""
    return constraint.Location(f"l-{name}-{where}", (name,), where, score)


def test_any_negative_score_forbids_a_node():
    """A total of -1 is enough to keep a resource off."""
    due = pipeline.schedule(
        wanted(strategies.primitive("p"), constraints=[location("p", "n1", -1)]), seen()
    )

    assert change(due, "p").target == "n2"


def test_a_tie_goes_to_the_first_name_by_bytes():
    """Names are compared as plain texts: n10 comes before n2."""
    due = pipeline.schedule(
        wanted(strategies.primitive("p"), nodes=("n2", "n10")), seen({"n2": {}, "n10": {}})
    )

    assert change(due, "p").target == "n10"


def test_resources_spread_without_preferences():
    """The node with fewer resources is taken."""
    due = pipeline.schedule(wanted(strategies.primitive("a"), strategies.primitive("b")), seen())

    assert {change(due, name).target for name in "ab"} == {"n1", "n2"}


@pytest.mark.parametrize(("stickiness", "kind"), [("0", "move"), ("1", "leave"), ("-9", "move")])
def test_stickiness_keeps_a_resource_where_it_runs(stickiness, kind):
    """Without stickiness, which is none below 0, a running resource moves to even out the counts."""
    resources = [strategies.primitive(name, resource_stickiness=stickiness) for name in "ab"]
    states = {
        "n1": {"a": "running", "b": "running"},
        "n2": {"a": "stopped", "b": "stopped"},
    }
    due = pipeline.schedule(wanted(*resources), seen(states))

    assert change(due, "b").kind.value == kind


def test_an_asymmetric_cluster_needs_a_location():
    """Only nodes that a constraint names are candidates; a score of 0 is enough."""
    resources = (strategies.primitive("p"), strategies.primitive("q"))
    due = pipeline.schedule(
        wanted(*resources, constraints=[location("p", "n2", 0)], symmetric_cluster="false"), seen()
    )

    assert change(due, "p").target == "n2"
    assert change(due, "q").target == ""


def test_a_mandatory_colocation_gives_no_bonus():
    """Nodes that do not match are forbidden; the one that matches keeps its score."""
    resources = (strategies.primitive("p"), strategies.primitive("q"))
    pair = constraint.Colocation("k", "q", "p", INFINITY)
    due = pipeline.schedule(wanted(*resources, constraints=[pair]), seen())

    assert due.ledgers["q"]["n1"].score == 0
    assert due.ledgers["q"]["n2"].score == -INFINITY


def test_a_wish_is_never_rounded_away():
    """500 times 100/INFINITY still counts 1, in the direction of the colocation."""
    assert influence.scaled(500, 100 / INFINITY) == 1
    assert influence.scaled(-500, 100 / INFINITY) == 1
    assert influence.scaled(500, -100 / INFINITY) == -1
    assert influence.scaled(0, 1.0) == 0


def test_the_wish_of_a_dependent_moves_the_primary():
    """With a mandatory colocation the whole preference of the dependent reaches the primary."""
    resources = (strategies.primitive("p"), strategies.primitive("q"))
    pair = constraint.Colocation("k", "q", "p", INFINITY)
    due = pipeline.schedule(
        wanted(*resources, constraints=[pair, location("q", "n2", 100)]), seen()
    )

    assert due.ledgers["p"]["n2"].score == 100
    assert change(due, "p").target == change(due, "q").target == "n2"


def test_a_groups_stickiness_adds_up():
    """The first member's score on the current node is the sum over the members."""
    members = tuple(
        strategies.primitive(name, resource_stickiness="100") for name in ("a", "b", "c")
    )
    states = {
        "n1": dict.fromkeys("abc", "running"),
        "n2": dict.fromkeys("abc", "stopped"),
    }
    due = pipeline.schedule(wanted(resource.Group("g", members)), seen(states))

    assert due.ledgers["a"]["n1"].score == 300


def test_a_promoted_location_counts_from_minus_one():
    """Without a promotion score, a location of 50 for the promoted role gives 49."""
    clone = resource.Clone("c", strategies.primitive("p"), meta=strategies.sets(promotable="true"))
    wish = constraint.Location("l", ("c",), "n1", 50, role=Role.PROMOTED)
    due = pipeline.schedule(wanted(clone, constraints=[wish]), seen())

    assert 49 in {score for scores in due.promotion_scores.values() for score in scores.values()}
    assert [one.target for one in due.changes if one.next_role is Role.PROMOTED] == ["n1"]


def test_nothing_is_promoted_without_a_score():
    """An unset promotion score never promotes."""
    clone = resource.Clone("c", strategies.primitive("p"), meta=strategies.sets(promotable="true"))
    due = pipeline.schedule(wanted(clone), seen())

    assert not any(one.task is Task.PROMOTE and one.real for one in due.actions)


def test_every_start_waits_for_every_probe():
    """A resource that is known nowhere is probed on all nodes before it starts."""
    due = pipeline.schedule(wanted(strategies.primitive("p")), seen())
    start = next(one for one in due.actions if one.task is Task.START)
    before = {edge.before for edge in due.edges if edge.after == start.key}

    assert before == {"p_monitor_0@n1", "p_monitor_0@n2"}


def test_an_optional_order_pulls_nothing():
    """A running resource is left alone when what optionally precedes it starts."""
    resources = (strategies.primitive("a"), strategies.primitive("b", resource_stickiness="1"))
    states = {"n1": {"a": "stopped", "b": "stopped"}, "n2": {"a": "stopped", "b": "running"}}
    order = constraint.Order("o", "a", "b", kind=constraint.OrderKind.OPTIONAL)
    due = pipeline.schedule(wanted(*resources, constraints=[order]), seen(states))

    assert change(due, "b").kind.value == "leave"


def test_a_mandatory_order_restarts_what_depends():
    """A running resource restarts when what it is ordered after starts anew."""
    resources = (strategies.primitive("a"), strategies.primitive("b", resource_stickiness="1"))
    states = {"n1": {"a": "stopped", "b": "stopped"}, "n2": {"a": "stopped", "b": "running"}}
    order = constraint.Order("o", "a", "b")
    due = pipeline.schedule(wanted(*resources, constraints=[order]), seen(states))

    assert change(due, "b").kind.value == "restart"


def test_what_cannot_start_keeps_its_dependents_down():
    """Where the first of a mandatory order cannot start, the other stops."""
    resources = (
        strategies.primitive("a", target_role="Stopped"),
        strategies.primitive("b", resource_stickiness="1"),
    )
    states = {"n1": {"a": "stopped", "b": "stopped"}, "n2": {"a": "stopped", "b": "running"}}
    due = pipeline.schedule(
        wanted(*resources, constraints=[constraint.Order("o", "a", "b")]), seen(states)
    )

    assert change(due, "b").kind.value == "stop"


def test_an_order_cycle_is_reported_and_nothing_hangs():
    """A circle of mandatory orders gives a finding, and none of it is started."""
    resources = (strategies.primitive("a"), strategies.primitive("b"))
    circle = [constraint.Order("o1", "a", "b"), constraint.Order("o2", "b", "a")]
    due = pipeline.schedule(wanted(*resources, constraints=circle), seen())

    assert [one.code for one in due.diagnostics] == ["order-cycle"]
    assert not any(one.task is Task.START and one.real for one in due.actions)
    assert all(change(due, name).blocked for name in "ab")


def test_a_failed_monitor_means_recovery_in_place():
    """A resource whose monitor failed is stopped and started where it is."""
    states = {"n1": {"p": "monitor-failed"}, "n2": {"p": "stopped"}}
    resource_ = strategies.primitive("p", resource_stickiness="1")
    due = pipeline.schedule(wanted(resource_), seen(states))

    assert change(due, "p").kind.value == "recover"
    assert change(due, "p").target == "n1"


def test_the_threshold_bans_a_node():
    """At the migration threshold the resource leaves the node."""
    states = {"n1": {"p": "running"}, "n2": {"p": "stopped"}}
    attributes = {
        "n1": {"fail-count-p#monitor_10000": "2", "last-failure-p#monitor_10000": "1699999990"}
    }
    resource_ = strategies.primitive(
        "p", migration_threshold="2", failure_timeout="60s", resource_stickiness="100"
    )
    due = pipeline.schedule(wanted(resource_), seen(states, attributes=attributes))

    assert change(due, "p").target == "n2"
    assert due.recheck_at == 1_700_000_050.0


@pytest.mark.parametrize(
    ("threshold", "target"), [("-1", "n2"), ("1s", "n2"), ("0", "n1"), ("lots", "n1")]
)
def test_odd_thresholds(threshold, target):
    """Below 0 every failure is too many, what is no number is no threshold at all."""
    states = {"n1": {"p": "running"}, "n2": {"p": "stopped"}}
    attributes = {"n1": {"fail-count-p#monitor_10000": "1"}}
    one = strategies.primitive("p", migration_threshold=threshold, resource_stickiness="9")
    due = pipeline.schedule(wanted(one), seen(states, attributes=attributes))

    assert change(due, "p").target == target


def test_what_is_no_boolean_is_false():
    """A resource whose is-managed is no known word is left alone; so is one that says false."""
    for word in ("perhaps", "", "false"):
        one = strategies.primitive("p", is_managed=word)
        due = pipeline.schedule(wanted(one), seen({"n1": {"p": "monitor-failed"}, "n2": {}}))

        assert change(due, "p").kind.value == "leave"


@pytest.mark.parametrize(("limit", "started"), [("2.5", 2), ("many", 0), ("1 000", 1)])
def test_odd_numbers_of_instances(limit, started):
    """A number counts as far as it can be read, and what is none is 0."""
    one = resource.Clone("c", strategies.primitive("p"), meta=strategies.sets(clone_max=limit))
    due = pipeline.schedule(wanted(one), seen({"n1": {"p": "stopped"}, "n2": {"p": "stopped"}}))

    assert sum(each.kind.value == "start" for each in due.changes) == started


@pytest.mark.parametrize(
    ("cloned", "states", "kinds"),
    [
        (False, ("monitor-failed", "stopped"), {"leave"}),
        (True, ("monitor-failed", "monitor-failed"), {"leave"}),
        (True, ("monitor-failed", "running"), {"leave", "stop"}),
    ],
)
def test_no_threshold_counts_failures_that_are_to_be_ignored(cloned, states, kinds):
    """Where a failure is ignored no count bans a node; of a clone in every instance."""
    monitor = resource.Operation("monitor", 10_000, on_fail=resource.OnFail.IGNORE)
    one = dataclasses.replace(
        strategies.primitive("p", migration_threshold="1"), operations=(monitor,)
    )
    found = {name: {"p": state} for name, state in zip(("n1", "n2"), states, strict=True)}
    due = pipeline.schedule(
        wanted(resource.Clone("c", one) if cloned else one),
        seen(found, attributes={"n1": {"fail-count-p#monitor_10000": "1"}}),
    )

    assert {change.kind.value for change in due.changes} == kinds


def test_expired_failures_are_cleared():
    """After the failure time-out the fail count is cleared and does not ban."""
    states = {"n1": {"p": "running"}, "n2": {"p": "stopped"}}
    attributes = {
        "n1": {"fail-count-p#monitor_10000": "2", "last-failure-p#monitor_10000": "1699990000"}
    }
    resource_ = strategies.primitive(
        "p", migration_threshold="2", failure_timeout="60s", resource_stickiness="100"
    )
    due = pipeline.schedule(wanted(resource_), seen(states, attributes=attributes))

    assert change(due, "p").kind.value == "leave"
    assert "p_clear_failcount_0@n1" in {one.key for one in due.actions}


@pytest.mark.parametrize(("counted", "kind"), [("1", "stop"), ("0", "leave")])
def test_no_failure_expires_while_one_blocks(counted, kind):
    """Where a stop failed of which people say that it blocks, old failures elsewhere stay counted."""
    stop = resource.Operation("stop", 0, on_fail=resource.OnFail.BLOCK)
    one = dataclasses.replace(
        strategies.primitive("p", migration_threshold="2", failure_timeout="60s"),
        operations=(stop,),
    )
    attributes = {
        "n1": {"fail-count-p#monitor_10000": "2", "last-failure-p#monitor_10000": "1699990000"},
        "n2": {"fail-count-p#stop_0": counted},
    }
    due = pipeline.schedule(
        wanted(resource.Clone("c", one), stonith_enabled="false"),
        seen({"n1": {"p": "running"}, "n2": {"p": "stop-failed"}}, attributes=attributes),
    )

    assert {each.kind.value for each in due.changes if each.source == "n1"} == {kind}
    cleared = [one.node for one in due.actions if one.task is Task.CLEAR_FAILCOUNT]
    assert cleared == (["n1"] if kind == "leave" else [])


def test_no_quorum_stops_everything():
    """Policy stop: what runs stops, nothing starts, and the reason says so."""
    resources = (strategies.primitive("p"), strategies.primitive("q"))
    states = {"n1": {"p": "running", "q": "stopped"}, "n2": {"p": "stopped", "q": "stopped"}}
    due = pipeline.schedule(
        wanted(*resources, no_quorum_policy="stop"), seen(states, quorate=False)
    )

    assert change(due, "p").kind.value == "stop"
    assert change(due, "q").blocked
    assert change(due, "q").reason.code is ReasonCode.NO_QUORUM


def test_a_lost_node_is_fenced_before_recovery():
    """The stop on a lost node follows from its fencing, and the start elsewhere waits for it."""
    due = pipeline.schedule(*lost(hosts=("n1", "n2")))
    stop = next(one for one in due.actions if one.task is Task.STOP)
    edges = {(edge.before, edge.after) for edge in due.edges}

    assert stop.kind is ActionKind.PSEUDO
    assert ("stonith-n1-reboot@n1", "p_start_0@n2") in edges


@pytest.mark.parametrize(
    ("presence", "kind"),
    [(Presence.ONLINE, "recover"), (Presence.OFFLINE, "move"), (Presence.UNKNOWN, "move")],
)
def test_what_failed_on_a_node_that_is_down_is_only_moved(presence, kind):
    """Its fencing, due as something may be active there, makes up for it."""
    state, _ = lost(hosts=("n1", "n2"))
    state = dataclasses.replace(state, constraints=(location("p", "n1", -INFINITY),))
    states = {"n1": {"p": "monitor-failed"}, "n2": {"p": "stopped"}}
    due = pipeline.schedule(state, seen(states, presence={"n1": presence}))

    assert change(due, "p").kind.value == kind


@pytest.mark.parametrize("hosts", [("n2",), ()])
def test_without_a_device_nothing_starts_elsewhere(hosts):
    """Where no device can prove a node off, its resources are blocked and the report says so."""
    due = pipeline.schedule(*lost(hosts=hosts))

    assert not any(one.task is Task.START for one in due.actions)
    assert due.fencing[0].blocked is not None
    assert change(due, "p").blocked or change(due, "p").kind.value == "leave"


def test_fencing_disabled_blocks_what_may_run_on_a_lost_node():
    """With fencing disabled, a lost node keeps its resources from starting elsewhere."""
    state, observation = lost(hosts=())
    off = dataclasses.replace(state, properties=strategies.sets(fencing_enabled="false"))
    due = pipeline.schedule(off, observation)

    assert not any(one.task is Task.START for one in due.actions)
    assert change(due, "p").blocked
    assert change(due, "p").reason.code is ReasonCode.FENCING_DISABLED


def lost(hosts: tuple[str, ...]) -> tuple[desired.Desired, observed.Observed]:
    """Return a cluster whose node n1 was lost with a resource on it."""
    state = dataclasses.replace(
        wanted(strategies.primitive("p"), fencing_enabled="true"),
        fencing=fencing.Fencing(
            (fencing.FenceDevice("f", "fence_ipmilan", hosts=hosts),) if hosts else ()
        ),
    )
    states = {"n1": {"p": "running"}, "n2": {"p": "stopped"}}
    return state, seen(states, presence={"n1": Presence.UNKNOWN})


def test_active_twice_is_stopped_everywhere_and_started_once():
    """The default for a resource that is active on two nodes."""
    states = {"n1": {"p": "running"}, "n2": {"p": "running"}}
    due = pipeline.schedule(wanted(strategies.primitive("p")), seen(states))
    stops = [one for one in due.actions if one.task is Task.STOP]
    starts = [one for one in due.actions if one.task is Task.START]

    assert {one.node for one in stops} == {"n1", "n2"}
    assert len(starts) == 1
    assert change(due, "p").reason.code is ReasonCode.MULTIPLE_ACTIVE


def test_the_digest_is_of_sorted_parameters():
    """Without parameters the digest is that of the empty element; the order does not matter."""
    assert digest.digest({}) == "f2317cad3d54cec5d7d7aa7d0bf35cf8"
    assert digest.digest({"a": "1", "b": "2"}) == digest.digest({"b": "2", "a": "1"})
    assert digest.text({"a": '<"&'}) == ' <parameters a="&lt;&quot;&amp;"/>\n'


def test_a_changed_parameter_means_a_restart():
    """A digest that differs from the one in the history restarts the resource."""
    changed = dataclasses.replace(
        strategies.primitive("p", resource_stickiness="1"), params=strategies.sets(ip="10.0.0.1")
    )
    states = {"n1": {"p": "running"}, "n2": {"p": "stopped"}}
    due = pipeline.schedule(wanted(changed), seen(states))

    assert change(due, "p").kind.value == "restart"
    assert change(due, "p").reason.code is ReasonCode.PARAMETERS_CHANGED


def test_maintenance_leaves_everything_alone():
    """In maintenance mode nothing is started or stopped."""
    states = {"n1": {"p": "monitor-failed"}, "n2": {"p": "stopped"}}
    due = pipeline.schedule(
        wanted(strategies.primitive("p"), maintenance_mode="true"), seen(states)
    )

    assert not any(one.task in {Task.START, Task.STOP} and one.real for one in due.actions)


def test_a_lost_outcome_is_asked_for_before_anything_else():
    """An operation whose outcome is unknown leads to a probe, and starts wait for it."""
    record = dataclasses.replace(
        strategies.record("start", 0, 2), status=observed.OperationStatus.LOST
    )
    history = observed.ResourceHistory("p", strategies.AGENT, (record,))
    observation = seen({"n1": {}, "n2": {"p": "stopped"}})
    nodes = dict(observation.nodes)
    nodes["n1"] = dataclasses.replace(nodes["n1"], histories={"p": history})
    due = pipeline.schedule(
        wanted(strategies.primitive("p")), dataclasses.replace(observation, nodes=nodes)
    )
    edges = {(edge.before, edge.after) for edge in due.edges}

    assert "p_monitor_0@n1" in {one.key for one in due.actions}
    assert any(before == "p_monitor_0@n1" and "start" in after for before, after in edges)


def test_a_failure_on_a_lost_node_is_no_recovery():
    """What had failed on a node before it was lost simply moves."""
    states = {"n1": {"p": "monitor-failed"}, "n2": {"p": "stopped"}}
    state, _ = lost(hosts=("n1", "n2"))
    due = pipeline.schedule(state, seen(states, presence={"n1": Presence.UNKNOWN}))

    assert change(due, "p").kind.value == "move"


def test_stopping_all_resources_stops_fence_devices_too():
    """With stop-all-resources nothing is left up, devices that are resources included."""
    device = resource.Primitive("f", AgentName("stonith", "", "fence_xvm"))
    due = pipeline.schedule(wanted(device, stop_all_resources="true"), seen())

    assert change(due, "f").kind.value == "leave"
    assert change(due, "f").target == ""


def test_a_fence_device_stops_on_no_node_that_cannot_be_fenced():
    """Without quorum a lost node keeps its fence device as it keeps all others."""
    device = dataclasses.replace(strategies.primitive("f"), agent=AgentName("stonith", "", "x"))
    history = dataclasses.replace(strategies.history("f", "running"), agent=device.agent)
    found = seen({"n1": {}, "n2": {}}, presence={"n1": Presence.UNKNOWN}, quorate=False)
    entries = {
        **found.nodes,
        "n1": dataclasses.replace(found.nodes["n1"], histories={"f": history}),
    }
    due = pipeline.schedule(
        wanted(device, fencing_enabled="true"), dataclasses.replace(found, nodes=entries)
    )

    assert change(due, "f").kind.value == "stop"
    assert change(due, "f").blocked


def test_what_is_left_on_a_lost_node_is_followed_by_nothing():
    """A resource that nobody manages does not count as started where its node was lost."""
    resources = (strategies.primitive("a", is_managed="false"), strategies.primitive("b"))
    state = dataclasses.replace(
        wanted(*resources, constraints=[constraint.Order("o", "a", "b")], fencing_enabled="true"),
        fencing=fencing.Fencing((fencing.FenceDevice("f", "fence_ipmilan", hosts=("n1",)),)),
    )
    states = {"n1": {"a": "running", "b": "stopped"}, "n2": {"a": "stopped", "b": "stopped"}}
    due = pipeline.schedule(state, seen(states, presence={"n1": Presence.UNKNOWN}))

    assert change(due, "b").blocked


@pytest.mark.parametrize(("score", "where"), [(INFINITY, "n2"), (100, "n1")])
def test_nobody_must_be_with_a_blocked_instance(score, where):
    """An instance that could not be stopped is company for those only that need not be with it."""
    clone = resource.Clone("c", strategies.primitive("a"))
    states = {"n1": {"a": "stop-failed", "b": "stopped"}, "n2": {"a": "running", "b": "stopped"}}
    pair = constraint.Colocation("k", "b", "c", score)
    due = pipeline.schedule(
        wanted(strategies.primitive("b"), clone, constraints=[pair]), seen(states)
    )

    assert change(due, "b").target == where


def test_instances_are_numbered_by_the_nodes_order():
    """A lost node counts in its place: what ran there is the instance with that number."""
    clone = resource.Clone("c", strategies.primitive("p"))
    target = wanted(clone, nodes=("n1", "n2", "n3"), fencing_enabled="true")
    device = fencing.FenceDevice("f", "fence_ipmilan", hosts=("n1", "n2", "n3"))
    target = dataclasses.replace(target, fencing=fencing.Fencing((device,)))
    states = {"n1": {"p": "running"}, "n2": {"p": "running"}, "n3": {"p": "running"}}
    due = pipeline.schedule(target, seen(states, presence={"n1": Presence.UNKNOWN}))

    assert {one.source: one.instance for one in due.changes if one.source}["n1"] == 0


@pytest.mark.parametrize(("maximum", "number"), [("3", 0), ("2", 2), ("4", 4)])
def test_a_lost_instance_that_nobody_waits_for_takes_no_place(maximum, number):
    """What requires only quorum is replaced at once, unless there is just one for each node."""
    names = ("n1", "n2", "n3")
    meta = strategies.sets(requires="quorum", clone_max=maximum)
    clone = resource.Clone("c", strategies.primitive("p"), meta=meta)
    target = wanted(clone, nodes=names, fencing_enabled="true")
    device = fencing.FenceDevice("f", "fence_ipmilan", hosts=names)
    target = dataclasses.replace(target, fencing=fencing.Fencing((device,)))
    states = {name: {"p": "running"} for name in names}
    due = pipeline.schedule(target, seen(states, presence={"n1": Presence.UNKNOWN}))

    assert {one.source: one.instance for one in due.changes if one.source}["n1"] == number


@pytest.mark.parametrize(
    ("on_fail", "code", "kind"),
    [
        (OnFail.STANDBY, 1, plan.ChangeKind.LEAVE),
        (OnFail.RESTART, 1, plan.ChangeKind.RECOVER),
        (OnFail.RESTART_CONTAINER, 1, plan.ChangeKind.LEAVE),
        (OnFail.RESTART, 5, plan.ChangeKind.LEAVE),
        (OnFail.IGNORE, 1, plan.ChangeKind.START),
        (OnFail.IGNORE, 5, plan.ChangeKind.LEAVE),
        (OnFail.FENCE, 1, plan.ChangeKind.STOP),
        (OnFail.FENCE, 5, plan.ChangeKind.LEAVE),
    ],
)
def test_what_cannot_be_stopped_is_left_alone_where_nothing_can_be_fenced(on_fail, code, kind):
    """Whatever people said, if the agent said that another stop would fail, too."""
    stop = resource.Operation("stop", on_fail=on_fail)
    one = resource.Primitive("p", strategies.AGENT, operations=(stop,))
    before = seen({"n1": {"p": "stop-failed"}, "n2": {"p": "stopped"}})
    known = before.nodes["n1"].histories["p"]
    *done, failed = known.operations
    known = dataclasses.replace(known, operations=(*done, dataclasses.replace(failed, rc=code)))
    before.nodes["n1"].histories["p"] = known

    found = change(pipeline.schedule(wanted(one), before), "p")

    assert (plan.ChangeKind.LEAVE if found.blocked else found.kind) is kind


def test_what_runs_inside_of_nothing_is_looked_for():
    """A container that does not exist ends nothing with it."""
    due = pipeline.schedule(wanted(strategies.primitive("p", container="gone")), seen())

    assert {"p_monitor_0@n1", "p_monitor_0@n2"} <= {one.key for one in due.actions}


@pytest.mark.parametrize("failed", [False, True])
def test_what_another_agent_failed_at_is_not_forgotten(failed):
    """It is stopped and started for the failure; else what is on record of another agent goes."""
    other = AgentName("ocf", "reconciler", "Other")
    one = resource.Primitive("p", other)
    state = "start-failed" if failed else "running"
    due = pipeline.schedule(wanted(one), seen({"n1": {"p": state}, "n2": {"p": "unknown"}}))
    tasks = {each.task for each in due.actions if each.node == "n1"}

    assert Task.STOP in tasks
    assert (Task.DELETE in tasks) is not failed
