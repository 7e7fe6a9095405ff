"""Asymmetric clusters: which nodes a location constraint opens, and for what."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies
from scheduler import test_rules as facts

from reconciler.model import constraint, resource
from reconciler.model.role import Role

GROUP = resource.Group("g", (strategies.primitive("a"), strategies.primitive("b")))


def _targets(*resources: resource.Resource, constraints: list[constraint.Constraint]):
    wanted = facts.wanted(*resources, constraints=constraints, symmetric_cluster="false")
    due = facts.pipeline.schedule(wanted, facts.seen())
    return {one.resource: one.target for one in due.changes}


@pytest.mark.parametrize(
    ("named", "targets"),
    [("g", {"a": "n2", "b": "n2"}), ("a", {"a": "n2", "b": ""}), ("b", {"a": "", "b": ""})],
)
def test_a_location_opens_a_node_for_what_it_names_and_all_below(named, targets):
    """A group's location lets all members in, a member's only that member."""
    assert _targets(GROUP, constraints=[facts.location(named, "n2", 0)]) == targets


def test_a_location_of_the_promoted_role_opens_nothing():
    """What says where to promote does not say where to run."""
    rule = dataclasses.replace(facts.location("p", "n2", 100), role=Role.PROMOTED)

    assert _targets(strategies.primitive("p"), constraints=[rule]) == {"p": ""}
