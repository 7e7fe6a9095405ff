"""A plan in the form of a recorded decision."""

from __future__ import annotations

import pytest

from reconciler.model import action, attribute, desired, node, plan, resource, status
from reconciler.model.action import ActionKind, Task
from reconciler.model.agent import AgentName
from reconciler.model.reason import Reason, ReasonCode
from reconciler.model.role import Role
from reconciler.model.score import Moment, Stage
from reconciler.render import reference

_PRIMITIVE = resource.Primitive("p", AgentName("ocf", "heartbeat", "Dummy"))


_EMPTY = status.ClusterStatus()


def _record(due, meta=(), initial=_EMPTY, final=_EMPTY, done=()):
    clone = resource.Clone("c", _PRIMITIVE, meta=(attribute.AttributeSet(dict(meta)),))
    wanted = desired.Desired("x", resources=(clone,))
    return reference.record(due, wanted, initial=initial, final=final, done=done)


def _action(key, kind=ActionKind.RESOURCE, task=Task.START, **more):
    return action.Action(key, kind, task, **{"resource": "p", "node": "n", **more})


def test_order_goes_through_pseudo_actions():
    """Pairs that a pseudo action joins are kept, and pairs that follow from others left out."""
    due = plan.Plan(
        actions=(
            _action("1", resource="a"),
            _action("2", kind=ActionKind.PSEUDO),
            _action("3", resource="b"),
            _action("4", resource="c"),
        ),
        edges=(
            plan.Edge("1", "2"),
            plan.Edge("2", "3"),
            plan.Edge("3", "4"),
            plan.Edge("1", "4"),
        ),
    )

    found = _record(due)

    assert [one["rsc"] for one in found["actions"]] == ["a", "b", "c"]
    assert found["order"] == [[0, 1], [1, 2]]
    assert found["pseudo"] == ["2"]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (
            _action("1", task=Task.MONITOR, interval_ms=10_000, instance=2),
            {"interval": 10_000, "inst": "p:2", "task": "monitor"},
        ),
        (_action("1", task=Task.MONITOR, expected_rc=7), {"expect_rc": 7}),
        (_action("1", resource="p:2", instance=2), {"rsc": "p:2"}),
        (
            _action(
                "1",
                task=Task.NOTIFY,
                meta={"notify_key_type": "pre", "notify_key_operation": "start"},
            ),
            {"notify": "pre-start"},
        ),
        (
            _action("1", task=Task.MIGRATE_TO, source="n", target="m"),
            {"migrate_source": "n", "migrate_target": "m"},
        ),
        (
            _action("1", ActionKind.CLUSTER, Task.DELETE),
            {"kind": "cluster", "task": "lrm_delete"},
        ),
        (_action("1", router="m"), {"router": "m"}),
    ],
)
def test_actions(step, expected):
    """An action carries what tells it apart, in the record's words."""
    (found,) = _record(plan.Plan((step,)))["actions"]

    assert {name: found.get(name) for name in expected} == expected


def test_fencing_names_no_resource():
    """A fencing action has its node only."""
    (found,) = _record(plan.Plan((_action("1", ActionKind.FENCE, Task.REBOOT),)))["actions"]

    assert found == {"kind": "fence", "task": "reboot", "node": "n"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            plan.Change("p", plan.ChangeKind.START, 1, target="n", next_role=Role.UNPROMOTED),
            {"action": "start", "rsc": "p", "inst": "p:1", "dest": "n"},
        ),
        (
            plan.Change("p", plan.ChangeKind.STOP, source="n", role=Role.PROMOTED),
            {"action": "stop", "rsc": "p", "source": "n", "role": "Promoted"},
        ),
        (
            plan.Change("p", plan.ChangeKind.MOVE, source="n", target="m", role=Role.STARTED),
            {"action": "move", "rsc": "p", "source": "n", "dest": "m"},
        ),
        (
            plan.Change(
                "p",
                plan.ChangeKind.RECOVER,
                source="n",
                target="n",
                role=Role.STARTED,
                next_role=Role.PROMOTED,
            ),
            {
                "action": "recover",
                "rsc": "p",
                "source": "n",
                "dest": "n",
                "role": "Started",
                "next_role": "Promoted",
            },
        ),
        (
            plan.Change("p", plan.ChangeKind.PROMOTE, target="m", next_role=Role.PROMOTED),
            {
                "action": "promote",
                "rsc": "p",
                "dest": "m",
                "role": "Stopped",
                "next_role": "Promoted",
            },
        ),
        (
            plan.Change(
                "p",
                plan.ChangeKind.START,
                target="n",
                blocked=True,
                reason=Reason(ReasonCode.NO_QUORUM, "x"),
            ),
            {
                "action": "start",
                "rsc": "p",
                "dest": "n",
                "blocked": True,
                "reason": "the nodes that answer are no majority",
            },
        ),
    ],
)
def test_summary(change, expected):
    """A change shows the nodes and those roles that the reference shows for its kind."""
    assert _record(plan.Plan(changes=(change,)))["summary"] == [expected]


def test_what_stays_is_no_change():
    """Resources that stay as they are do not appear in the summary."""
    assert _record(plan.Plan(changes=(plan.Change("p", plan.ChangeKind.LEAVE),)))["summary"] == []


def test_unique_instances_keep_their_number():
    """The number of an instance is part of its name only where the instances differ."""
    due = plan.Plan(changes=(plan.Change("p", plan.ChangeKind.START, 1, target="n"),))

    (found,) = _record(due, meta={"globally-unique": "true"})["summary"]

    assert found["rsc"] == "p:1"


def test_scores():
    """Scores stand under their stage, a list where they changed; others are plain values."""
    stages = [(Stage.PRIMITIVE, 7, 3), (Stage.CLONE, 5, 4), (Stage.PRIMITIVE, 7, 9)]
    due = plan.Plan(
        moments=[Moment(stage, "p", {"m": m, "n": n}, {}) for stage, m, n in stages],
        promotion_scores={"p:0": {"n": 5}},
        fencing=(plan.FenceDecision("n", Task.OFF, Reason(ReasonCode.NODE_LOST)),),
    )

    found = _record(due)

    assert found["scores"] == {
        "clone": {"p": {"m": 5, "n": 4}},
        "primitive": {"p": {"m": 7, "n": [3, 9]}},
    }
    assert found["promotion_scores"] == {"p:0": {"n": 5}}
    assert found["fencing_summary"] == [{"node": "n", "task": "off"}]


def test_usage():
    """Capacities are told where they count, without nodes that have none."""
    usage = plan.Usage(
        {"n": {"cpu": 4}, "m": {}}, {"n": {"cpu": 1}, "m": {}}, (("p", "n", {"cpu": 3}),)
    )

    assert _record(plan.Plan(usage=usage))["utilization"] == {
        "capacity": {"original": {"n": {"cpu": 4}}, "remaining": {"n": {"cpu": 1}}},
        "assigned": [["p", "n", {"cpu": 3}]],
    }
    assert "utilization" not in _record(plan.Plan())


def test_status():
    """The cluster before and after is told by node and by resource, with what holds only."""
    cluster = status.ClusterStatus(
        nodes=(
            status.NodeStatus("g", kind=node.NodeKind.GUEST, guest_of="vm"),
            status.NodeStatus("m", health="red"),
            status.NodeStatus("n", "1", flags=(status.NodeFlag.ONLINE, status.NodeFlag.DC)),
        ),
        resources=(
            status.ResourceStatus("p", "Started", ("n",), ("c", "g:0"), target_role="Started"),
            status.ResourceStatus("p", "Stopped", flags=(status.ResourceFlag.BLOCKED,)),
        ),
    )

    found = _record(plan.Plan(), initial=cluster)

    assert found["final"] == {"nodes": [], "resources": [], "placement": {}}
    assert found["initial"]["placement"] == {"p": {"n": "Started"}}
    assert found["initial"]["nodes"] == [
        {"node": "g", "type": "remote", "flags": [], "guest_of": "vm"},
        {"node": "m", "type": "member", "flags": [], "health": "red"},
        {"node": "n", "uuid": "1", "type": "member", "flags": ["online", "is_dc"]},
    ]
    assert found["initial"]["resources"] == [
        {
            "rsc": "p",
            "role": "Started",
            "nodes": ["n"],
            "in": ["c", "g:0"],
            "target_role": "Started",
        },
        {"rsc": "p", "role": "Stopped", "nodes": [], "flags": ["blocked"]},
    ]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (_action("1", task=Task.MONITOR, interval_ms=9), ["rsc", "monitor", "p", "n", 9]),
        (_action("g_running_0", ActionKind.PSEUDO, node=""), ["pseudo", "g_running_0", None]),
        (_action("1", ActionKind.FENCE, Task.OFF), ["fence", "off", "n"]),
        (_action("1", ActionKind.CLUSTER, Task.DELETE), ["cluster", "lrm_delete", "p", "n"]),
    ],
)
def test_executed(step, expected):
    """The simulated run lists what was done, each kind with its own columns."""
    assert _record(plan.Plan(), done=(step,))["executed"] == [expected]


@pytest.mark.parametrize(
    ("within", "flags", "other", "shown"),
    [
        (("g",), (status.ResourceFlag.UNMANAGED,), (), False),
        (("g",), (status.ResourceFlag.UNMANAGED,), ("m",), True),
        (("g",), (), (), True),
        ((), (status.ResourceFlag.UNMANAGED,), (), True),
    ],
)
def test_what_is_left_of_a_group_on_lost_nodes_is_not_shown(within, flags, other, shown):
    """The reference hides a group that is nowhere else, where nobody manages what it has there."""
    nodes = (status.NodeStatus("m", flags=(status.NodeFlag.ONLINE,)), status.NodeStatus("n"))
    resources = (
        status.ResourceStatus("p", "Started", nodes=("n",), within=within, flags=flags),
        status.ResourceStatus("q", "Started", nodes=other, within=within),
    )
    found = reference.cluster(status.ClusterStatus(nodes, resources))

    assert ("p" in found["placement"]) == shown


def test_of_what_stops_in_several_places_and_cannot_start_again_one_is_recorded():
    """The reference tells of one stop, though it makes them all."""
    first = plan.Change("p", plan.ChangeKind.STOP, source="m")
    other = plan.Change("p", plan.ChangeKind.STOP, source="n", further=True)

    assert [one["source"] for one in _record(plan.Plan(changes=(first, other)))["summary"]] == ["m"]
