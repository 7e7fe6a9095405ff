"""Node health decides where resources may run."""

from __future__ import annotations

import pytest
from scheduler import strategies
from scheduler import test_rules as facts

from reconciler.model import resource
from reconciler.model.score import TermKind


def _target(color: str, strategy: str, *, meta=None, **properties: str) -> str:
    """Return where a resource that runs on n1 will be, given the health of n1."""
    properties["node_health_strategy"] = strategy
    wanted = facts.wanted(strategies.primitive("p", **(meta or {})), **properties)
    seen = facts.seen(
        {"n1": {"p": "running"}, "n2": {"p": "stopped"}}, attributes={"n1": {"#health-disk": color}}
    )
    return facts.change(facts.pipeline.schedule(wanted, seen), "p").target


@pytest.mark.parametrize(
    ("strategy", "color", "target"),
    [
        ("none", "red", "n1"),
        ("custom", "red", "n2"),
        ("migrate-on-red", "red", "n2"),
        ("migrate-on-red", "yellow", "n1"),
        ("only-green", "yellow", "n2"),
        ("only-green", "green", "n1"),
        ("progressive", "red", "n2"),
        ("progressive", "-1", "n2"),
        ("migrate-on-red", "-1", "n2"),
    ],
)
def test_each_strategy_reads_health_in_its_own_way(strategy, color, target):
    """Whether a colour drives resources away depends on the strategy; a number is a score."""
    assert _target(color, strategy) == target


def test_progressive_health_counts_what_the_properties_say():
    """With the progressive strategy the base and the colours have the scores of the properties."""
    assert _target("yellow", "progressive", node_health_yellow="-10") == "n2"
    wanted = facts.wanted(
        strategies.primitive("p"),
        node_health_strategy="progressive",
        node_health_yellow="-10",
        node_health_base="30",
    )
    due = facts.pipeline.schedule(wanted, facts.seen(attributes={"n1": {"#health": "yellow"}}))

    assert due.ledgers["p"]["n1"].score == 20
    assert due.ledgers["p"]["n2"].score == 30


def test_a_resource_can_be_allowed_on_unhealthy_nodes():
    """allow-unhealthy-nodes makes a resource blind to health."""
    assert _target("red", "only-green", meta={"allow_unhealthy_nodes": "true"}) == "n1"


def test_health_reaches_every_instance_of_a_clone():
    """The health of a node is a term in the scores of clones' instances."""
    wanted = facts.wanted(
        resource.Clone("c", strategies.primitive("p")), node_health_strategy="migrate-on-red"
    )
    due = facts.pipeline.schedule(wanted, facts.seen(attributes={"n1": {"#health": "red"}}))

    kinds = {term.kind for term in due.ledgers["p:0"]["n1"].terms}
    assert TermKind.NODE_HEALTH in kinds
    assert {one.target for one in due.changes if one.target} == {"n2"}


def test_what_minds_no_health_is_drawn_to_a_healthy_node():
    """allow-unhealthy-nodes drops only what speaks against a node."""
    wanted = facts.wanted(
        strategies.primitive("p", allow_unhealthy_nodes="true"), node_health_strategy="custom"
    )
    attributes = {"n1": {"#health-disk": "-5"}, "n2": {"#health-disk": "5"}}
    due = facts.pipeline.schedule(wanted, facts.seen(attributes=attributes))

    assert due.ledgers["p"]["n1"].score == 0
    assert due.ledgers["p"]["n2"].score == 5


@pytest.mark.parametrize(("health", "target"), [("5", "n2"), ("green", ""), ("-5", "")])
def test_health_opens_a_node_as_a_constraint_does(health, target):
    """In an asymmetric cluster a node whose health counts is one that was named."""
    wanted = facts.wanted(
        strategies.primitive("p"), node_health_strategy="custom", symmetric_cluster="false"
    )
    seen = facts.seen(attributes={"n2": {"#health-disk": health}})

    assert facts.change(facts.pipeline.schedule(wanted, seen), "p").target == target


def test_what_a_word_counts_is_no_word():
    """An option of health that is no number counts nothing."""
    assert _target("yellow", "progressive", node_health_yellow="red") == "n1"
    assert _target("yellow", "progressive", node_health_base="red") == "n1"
