"""Groups whose members need not be in one place."""

from __future__ import annotations

import pytest
from scheduler import strategies
from scheduler.test_rules import INFINITY, location, seen, wanted

from reconciler.model import constraint, resource
from reconciler.model.action import Task
from reconciler.model.plan import Plan
from reconciler.scheduler import pipeline

_NODES = ("n1", "n2", "n3")


def _places(due: Plan) -> dict[str, str]:
    return {name: next(iter(where), "") for name, where in due.placement.items()}


def _scattered(*members: resource.Primitive) -> resource.Group:
    return resource.Group("g", members, meta=strategies.sets(collocated="false"))


def _due(*others: resource.Primitive, constraints=(), **meta: str) -> Plan:
    members = [strategies.primitive("a"), strategies.primitive("b", **meta)]
    group = _scattered(*members, strategies.primitive("d"))
    given = wanted(*others, group, constraints=list(constraints), nodes=_NODES)
    return pipeline.schedule(given, seen({name: {} for name in _NODES}))


def test_members_go_where_there_is_room():
    """With collocated=false each member is placed by itself."""
    assert _places(_due()) == {"a": "n1", "b": "n2", "d": "n3"}


def test_nothing_starts_behind_a_member_that_will_not_run():
    """Members still start in turn, so the first that does not ends the row."""
    due = _due(target_role="Stopped")

    assert {one.resource for one in due.actions if one.task is Task.START and one.node} == {"a"}


def test_only_the_first_must_be_where_the_group_must_be():
    """What a group must be with holds its first member alone."""
    with_z = constraint.Colocation("k", "g", "z", INFINITY)
    due = _due(strategies.primitive("z"), constraints=[with_z, location("z", "n3", 5)])

    assert (_places(due)["a"], _places(due)["b"]) == ("n3", "n1")


def test_each_goes_where_the_group_is_wanted():
    """What a location says of the group it says of each member."""
    assert set(_places(_due(constraints=[location("g", "n3", 5)])).values()) == {"n3"}


@pytest.mark.parametrize(("score", "scores"), [(INFINITY, [0, 0, 0]), (-5, [-5, -5, 0])])
def test_nothing_is_with_all_of_it(score, scores):
    """Who must be with it is not told to, and a wish counts for each member while any node is left."""
    near = constraint.Colocation("k", "z", "g", score)
    due = _due(strategies.primitive("z"), constraints=[near])

    assert [due.ledgers["z"][node].score for node in _NODES] == scores


def test_instances_of_a_clone_stay_together():
    """A cloned group is one instance on each node, whatever it says."""
    group = _scattered(strategies.primitive("a"), strategies.primitive("b"))
    given = wanted(resource.Clone("c", group), nodes=_NODES)
    found = _places(pipeline.schedule(given, seen({name: {} for name in _NODES})))

    assert {(found[f"a:{i}"], found[f"b:{i}"]) for i in range(3)} == {(n, n) for n in _NODES}
