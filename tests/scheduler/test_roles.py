"""Roles: what gives and takes them while other things start, stop and restart."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies
from scheduler import test_rules as facts
from scheduler.test_ordering import before

from reconciler.model import constraint, plan, resource
from reconciler.model.action import ActionKind, Task
from reconciler.model.role import Role
from reconciler.scheduler import pipeline

_META = strategies.sets(promotable="true")
_ONE = resource.Clone("c", strategies.primitive("p"), meta=_META)
_GROUPED = resource.Clone(
    "c",
    resource.Group("g", tuple(strategies.primitive(name) for name in ("p", "q", "r"))),
    meta=_META,
)


def _plan(clone, states, *others, constraints=(), score="10") -> plan.Plan:
    """Return the plan for a clone on one node."""
    return pipeline.schedule(
        facts.wanted(clone, *others, constraints=constraints, nodes=("n1",)),
        facts.seen({"n1": states}, attributes={"n1": {"master-p": score}}),
    )


def _tasks(due: plan.Plan, name: str) -> list[str]:
    return sorted(
        one.task.value
        for one in due.actions
        if one.kind is ActionKind.RESOURCE and one.resource == name
    )


def _after(first_task: str, then_task: str) -> constraint.Order:
    return constraint.Order("o", "a", "c", first_action=first_task, then_action=then_task)


def test_what_an_order_restarts_is_promoted_only_in_the_next_plan():
    """A restart that something else asks for ends in the role that a start gives."""
    order = constraint.Order("o", "a", "c")

    due = _plan(_ONE, {"p": "promoted"}, strategies.primitive("a"), constraints=[order])

    assert _tasks(due, "p") == ["demote", "start", "stop"]


def test_what_restarts_for_itself_is_promoted_again():
    """A changed definition takes the role away for no longer than the restart takes."""
    changed = dataclasses.replace(_ONE.child, params=strategies.sets(ip="10.0.0.1"))

    due = _plan(dataclasses.replace(_ONE, child=changed), {"p": "promoted"})

    assert {"demote", "promote", "start", "stop"} <= set(_tasks(due, "p"))


@pytest.mark.parametrize(
    ("running", "target", "expected"),
    [
        ("stopped", "Started", ["promote"]),
        ("stopped", "Stopped", []),
        ("running", "Stopped", []),
    ],
)
def test_what_a_promotion_had_to_wait_for_takes_no_role_away(running, target, expected):
    """It may be promoted once more, but is never demoted for what comes, or goes, before it."""
    other = strategies.primitive("a", target_role=target)
    states = {"p": "promoted", "a": running}

    due = _plan(_ONE, states, other, constraints=[_after("start", "promote")])

    assert _tasks(due, "p") == expected
    assert facts.change(due, "p").kind is plan.ChangeKind.LEAVE


def test_only_what_is_promoted_is_demoted():
    """Of a cloned group that loses its role, members without it have nothing to give up."""
    states = {"p": "promoted", "q": "running", "r": "running"}

    due = _plan(_GROUPED, states, score="-1")

    assert [("demote" in _tasks(due, name)) for name in ("p", "q", "r")] == [True, False, False]


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        (("INFINITY", "-INFINITY", None), 0),
        (("INFINITY", "INFINITY", "-INFINITY"), facts.INFINITY),
        (("-INFINITY", "100", None), -999_900),
        ((None, "5", None), 5),
        ((None, None, None), -1),
    ],
)
def test_the_promotion_score_of_a_group_is_a_plain_sum(scores, expected):
    """What one member gives or takes without limit, another can make up for."""
    members = dict.fromkeys(("p", "q", "r"), "stopped")
    attributes = {
        f"master-{name}": value for name, value in zip(members, scores, strict=True) if value
    }

    due = pipeline.schedule(
        facts.wanted(_GROUPED, nodes=("n1",)),
        facts.seen({"n1": members}, attributes={"n1": attributes}),
    )

    assert due.promotion_scores == {"g:0": {"n1": expected}}


def test_of_two_groups_without_limit_the_one_with_the_greater_sum_is_promoted():
    """Two members without limit count for more than one, although both scores are the same."""
    members = dict.fromkeys(("p", "q", "r"), "stopped")
    attributes = {"n1": {"master-p": "INFINITY"}}
    attributes["n2"] = {**attributes["n1"], "master-q": "INFINITY"}

    due = pipeline.schedule(
        facts.wanted(_GROUPED), facts.seen({"n1": members, "n2": members}, attributes=attributes)
    )

    assert {one.node for one in due.actions if one.task is Task.PROMOTE} - {""} == {"n2"}


def test_stopping_all_resources_changes_no_score():
    """With stop-all-resources nothing runs, but the scores stay what they are."""
    due = pipeline.schedule(
        facts.wanted(
            strategies.primitive("p"),
            constraints=[facts.location("p", "n1", 100)],
            stop_all_resources="true",
        ),
        facts.seen(),
    )

    assert facts.change(due, "p").target == ""
    assert due.ledgers["p"]["n1"].score == 100


@pytest.mark.parametrize(
    ("other", "told"), [("promoted", Role.STARTED), ("running", Role.UNPROMOTED)]
)
def test_a_member_is_told_to_be_started_beside_one_of_which_more_is_known(other, told):
    """What was started has no role yet; that of a whole group of such members is unpromoted."""
    due = _plan(_GROUPED, {"p": other, "q": "monitor-failed", "r": "running"})

    assert next(one.role for one in due.changes if one.resource == "q") is told


@pytest.mark.parametrize(("other", "waits"), [("promoted", True), ("running", False)])
def test_a_group_sinks_as_a_whole_or_not_at_all(other, waits):
    """Where not every member has a role to give up, none waits for those that give it up."""
    states = {"p": "promoted", "q": "promoted", "r": other}

    due = pipeline.schedule(
        facts.wanted(_GROUPED, nodes=("n1",), stop_all_resources="true"),
        facts.seen({"n1": states}),
    )

    assert ("p:0_demote_0@n1" in before(due, "r:0_stop_0@n1")) is waits


@pytest.mark.parametrize(("between", "waits"), [("promoted", True), ("stopped", False)])
@pytest.mark.parametrize("promotable", [True, False])
def test_members_give_up_their_roles_in_turn(between, promotable, waits):
    """The last is demoted first, but over none that has no role, nor where none is given."""
    group = dataclasses.replace(
        _GROUPED, meta=strategies.sets(promotable="true" if promotable else "false")
    )
    states = {"p": "promoted", "q": between, "r": "promoted"}

    due = pipeline.schedule(
        facts.wanted(group, nodes=("n1",), stop_all_resources="true"),
        facts.seen({"n1": states}),
    )

    found = "r:0_demote_0@n1" in before(due, "p:0_demote_0@n1")
    assert found is (waits and promotable)


@pytest.mark.parametrize(
    ("meta", "stopped"),
    [({"target_role": "Stopped"}, ["r"]), ({"target_role": "Unpromoted"}, []), ({}, None)],
)
def test_a_member_that_nobody_manages_keeps_no_other_from_giving_up_its_role(meta, stopped):
    """Though it holds up the stop of the one before it; while people want them, all stay promoted."""
    members = (
        strategies.primitive("p"),
        strategies.primitive("q", is_managed="false"),
        strategies.primitive("r"),
    )
    clone = resource.Clone(
        "c", resource.Group("g", members), meta=strategies.sets(promotable="true", **meta)
    )
    due = _plan(clone, dict.fromkeys(("p", "q", "r"), "promoted"), score="-100")

    done = {task: [one for one in "pqr" if task in _tasks(due, one)] for task in ("demote", "stop")}
    assert done == {"demote": [] if stopped is None else ["p", "r"], "stop": stopped or []}
