"""Resources that nothing can be done for, though they are not as people want them."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies
from scheduler import test_rules as facts
from scheduler.test_ordering import before

from reconciler.model import constraint, fencing, resource
from reconciler.model.action import Task
from reconciler.model.constraint import OrderKind
from reconciler.model.observed import Presence
from reconciler.model.resource import OnFail
from reconciler.render import plan_text
from reconciler.scheduler import pipeline


def _failed_stop():
    """Return a plan for p, whose stop failed on n1; nothing can fence."""
    seen = facts.seen({"n1": {"p": "running"}, "n2": {"p": "stopped"}})
    node = seen.nodes["n1"]
    stop = strategies.record("stop", 1, 9, 0)
    found = dataclasses.replace(
        node.histories["p"], operations=(*node.histories["p"].operations, stop)
    )
    held = dataclasses.replace(node, histories={"p": found})
    return pipeline.schedule(
        facts.wanted(strategies.primitive("p")),
        dataclasses.replace(seen, nodes={**seen.nodes, "n1": held}),
    )


def _twice(policy):
    """Return a plan for p, which runs on two nodes."""
    seen = facts.seen({"n1": {"p": "running"}, "n2": {"p": "running"}})
    return pipeline.schedule(facts.wanted(strategies.primitive("p", multiple_active=policy)), seen)


@pytest.mark.parametrize("due", [_failed_stop(), _twice("block")])
def test_what_a_failure_holds_is_blocked(due):
    """A plan that must leave alone what failed does not call the cluster as desired."""
    text = "\n".join(str(one) for one in plan_text.lines(due))

    assert [one.task for one in due.actions if one.task in {Task.START, Task.STOP}] == []
    assert [one.resource for one in due.blocked] == ["p"]
    assert "as desired" not in text
    assert "1 blocked" in text


def test_what_people_took_out_of_management_is_not_blocked():
    """Unmanaged is a wish, so leaving the resource alone is what was asked for."""
    seen = facts.seen({"n1": {"p": "running"}, "n2": {"p": "stopped"}})
    due = pipeline.schedule(facts.wanted(strategies.primitive("p", is_managed="false")), seen)

    assert due.blocked == ()


def test_what_a_failure_holds_on_a_node_that_is_down_is_fenced():
    """That nobody may touch it is said of where it runs, and nobody knows what a lost node runs."""
    stop = resource.Operation("stop", on_fail=OnFail.BLOCK)
    held = dataclasses.replace(strategies.primitive("p"), operations=(stop,))
    device = fencing.Fencing((fencing.FenceDevice("f", "fence_ipmilan", hosts=("n1",)),))
    wanted = dataclasses.replace(facts.wanted(held, fencing_enabled="true"), fencing=device)
    seen = facts.seen(
        {"n1": {"p": "stop-failed"}, "n2": {"p": "stopped"}}, presence={"n1": Presence.OFFLINE}
    )
    due = pipeline.schedule(wanted, seen)

    assert [one.node for one in due.fencing] == ["n1"]
    assert facts.change(due, "p").target == "n2"


@pytest.mark.parametrize("kind", [OrderKind.OPTIONAL, OrderKind.MANDATORY])
@pytest.mark.parametrize(("state", "waits"), [("running", True), ("stop-failed", False)])
def test_nobody_waits_for_part_of_a_group_that_cannot_stop_as_a_whole(kind, state, waits):
    """Where a member cannot be stopped the group never is, so the others' stops say nothing."""
    group = resource.Group("g", tuple(strategies.primitive(name) for name in ("p", "q")))
    clone = resource.Clone("c", group, meta=strategies.sets(clone_max="2"))
    due = pipeline.schedule(
        facts.wanted(
            clone,
            strategies.primitive("x"),
            constraints=[
                constraint.Order("o", "x", "c", kind=kind),
                facts.location("c", "n1", -facts.INFINITY),
                facts.location("x", "n1", -facts.INFINITY),
            ],
        ),
        facts.seen({"n1": {"p": state, "q": "running", "x": "running"}, "n2": {}}),
    )

    found = any(key.startswith("q:0_stop") for key in before(due, "x_stop_0@n1"))
    assert found is waits
