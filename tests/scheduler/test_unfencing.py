"""Unfencing: nodes are let back before they use what a fence device guards."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies
from scheduler import test_rules as facts

from reconciler.model import attribute, plan, resource, rule
from reconciler.model.action import Task
from reconciler.model.agent import AgentName
from reconciler.scheduler import digest

UNFENCED = {"#node-unfenced": "1700000000"}


def _device(provides: str) -> resource.Primitive:
    """Return a fence device managed as a resource."""
    return resource.Primitive(
        "f", AgentName("stonith", "", "fence_scsi"), meta=strategies.sets(provides=provides)
    )


def _due(provides: str = "unfencing", *, states=None, attributes=None, **meta: str) -> plan.Plan:
    """Return the plan for a fence device and a primitive, not known anywhere yet."""
    wanted = facts.wanted(
        _device(provides), strategies.primitive("p", **meta), fencing_enabled="true"
    )
    seen = facts.seen(states or {"n1": {}, "n2": {}}, attributes=attributes)
    return facts.pipeline.schedule(wanted, seen)


def _unfenced(due: plan.Plan) -> set[str]:
    """Return the nodes that a plan unfences."""
    return {one.node for one in due.actions if one.task is Task.ON}


def test_every_node_is_unfenced_before_it_is_probed():
    """Where a device provides unfencing, a node that was not let in is, before anything else."""
    due = _due()

    edges = {(edge.before, edge.after) for edge in due.edges}
    assert _unfenced(due) == {"n1", "n2"}
    assert ("stonith-n1-on@n1", "p_monitor_0@n1") in edges
    assert ("stonith-n1-on@n1", "f_monitor_0@n1") in edges


def test_a_node_that_leaves_is_not_unfenced():
    """It is looked at without that, and nothing will be started there."""
    wanted = facts.wanted(_device("unfencing"), strategies.primitive("p"), fencing_enabled="true")
    seen = facts.seen({"n1": {}, "n2": {}})
    leaving = dataclasses.replace(seen.nodes["n2"], shutdown=True)
    seen = dataclasses.replace(seen, nodes={**seen.nodes, "n2": leaving})
    due = facts.pipeline.schedule(wanted, seen)

    assert _unfenced(due) == {"n1"}
    assert "p_monitor_0@n2" in {one.key for one in due.actions}


def test_a_node_is_unfenced_once():
    """A node whose attribute says that it was let in is left alone; 0 says that it was not."""
    due = _due(attributes={"n1": UNFENCED, "n2": {"#node-unfenced": "0"}})

    assert _unfenced(due) == {"n2"}


@pytest.mark.parametrize(
    ("provides", "requires", "nodes"),
    [("fencing", "unfencing", {"n1", "n2"}), ("fencing", "fencing", set())],
)
def test_a_resource_can_require_unfencing(provides, requires, nodes):
    """Unfencing is used where a device provides it or a resource requires it, and only there."""
    assert _unfenced(_due(provides, requires=requires)) == nodes


def test_what_requires_less_does_not_wait():
    """A resource that requires only quorum is probed without waiting for the unfencing."""
    due = _due(requires="quorum")

    assert ("stonith-n1-on@n1", "p_monitor_0@n1") not in {
        (edge.before, edge.after) for edge in due.edges
    }


def test_what_runs_on_a_node_that_is_not_unfenced_is_restarted():
    """A resource that was started before its node was let in stops, waits, and starts again."""
    due = _due(
        states={"n1": {"p": "running", "f": "stopped"}, "n2": {"p": "stopped", "f": "stopped"}},
        attributes={"n2": UNFENCED},
        resource_stickiness="100",
    )

    edges = {(edge.before, edge.after) for edge in due.edges}
    assert facts.change(due, "p").kind is plan.ChangeKind.RESTART
    assert ("p_stop_0@n1", "stonith-n1-on@n1") in edges
    assert ("stonith-n1-on@n1", "p_start_0@n1") in edges


PARAMS = {"devices": "/dev/a", "passwd": "secret"}
TODAY, PUBLIC = digest.digest(PARAMS), digest.digest({"devices": "/dev/a"})


@pytest.mark.parametrize(
    ("attributes", "nodes"),
    [
        ({}, set()),
        ({"#digests-all": f"f:fence_scsi:{TODAY},"}, set()),
        ({"#digests-all": f"g:fence_scsi:1,f:fence_scsi:{TODAY},"}, set()),
        ({"#digests-all": "f:fence_scsi:0,"}, {"n2"}),
        ({"#digests-all": f"f:fence_mpath:{TODAY},"}, {"n2"}),
        ({"#digests-all": f"xf:fence_scsi:{TODAY},"}, {"n2"}),
        ({"#digests-all": ""}, {"n2"}),
        ({"#digests-all": "f:fence_scsi:0,", "#digests-secure": f"f:fence_scsi:{PUBLIC},"}, set()),
        ({"#digests-all": "f:fence_scsi:0,", "#digests-secure": f"f:fence_scsi:{TODAY},"}, {"n2"}),
    ],
)
def test_a_node_is_unfenced_again_if_a_device_was_defined_otherwise(attributes, nodes):
    """What let it in may guard something else by now; of private parameters that is not thought."""
    due = _redefinable(attributes)

    assert _unfenced(due) == nodes
    restarted = {one.source for one in due.changes if one.kind.value == "restart"}
    assert restarted == nodes


def _redefinable(attributes, **properties: str) -> plan.Plan:
    """Return the plan for a device and a primitive that runs on n2, of which a node says more."""
    device = dataclasses.replace(
        _device("unfencing"), params=(attribute.AttributeSet(pairs=dict(PARAMS)),)
    )
    wanted = facts.wanted(
        device,
        strategies.primitive("p", resource_stickiness="100"),
        fencing_enabled="true",
        **properties,
    )
    states = {"n1": {"p": "stopped", "f": "stopped"}, "n2": {"p": "running", "f": "stopped"}}
    given = {"n1": UNFENCED, "n2": {**UNFENCED, **attributes}}
    return facts.pipeline.schedule(wanted, facts.seen(states, attributes=given))


def test_no_node_is_unfenced_in_maintenance():
    """People work on it, and nothing is restarted for it either."""
    due = _redefinable({"#digests-all": "f:fence_scsi:0,"}, maintenance_mode="true")

    assert _unfenced(due) == set()


def test_a_device_that_runs_with_other_parameters_has_its_node_unfenced():
    """Wherever it goes."""
    wanted = facts.wanted(
        dataclasses.replace(
            _device("unfencing"), params=(attribute.AttributeSet(pairs=dict(PARAMS)),)
        ),
        strategies.primitive("p", requires="quorum"),
        fencing_enabled="true",
    )
    states = {"n1": {"f": "running", "p": "stopped"}, "n2": {"f": "stopped", "p": "stopped"}}
    due = facts.pipeline.schedule(
        wanted, facts.seen(states, attributes={"n1": UNFENCED, "n2": UNFENCED})
    )

    assert _unfenced(due) == {"n1"}


def test_a_rule_that_does_not_hold_still_asks_for_unfencing():
    """Somebody has to say so only somewhere: the nodes are let in before it begins to hold."""
    never = rule.Rule((rule.DateTest("lt", end="2020-01-01"),))
    block = attribute.AttributeSet({"requires": "unfencing"}, rule=never)
    member = dataclasses.replace(strategies.primitive("p"), meta=(block,))
    given = facts.wanted(_device("fencing"), member, fencing_enabled="true")

    assert _unfenced(facts.pipeline.schedule(given, facts.seen())) == {"n1", "n2"}
