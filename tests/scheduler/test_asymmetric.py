"""Asymmetric clusters: which nodes a location constraint opens, and for what."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies
from scheduler import test_rules as facts
from scheduler.test_ordering import before

from reconciler.model import constraint, fencing, resource
from reconciler.model.observed import Presence
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


def _scores(name: str, *constraints: constraint.Constraint) -> dict[str, int]:
    """Return the last scores of one of: a clone c that n1 and n2 are named for, and d, and e."""
    resources = (
        resource.Clone("c", strategies.primitive("p")),
        strategies.primitive("d"),
        strategies.primitive("e"),
    )
    named = [facts.location("c", "n1", 100), facts.location("c", "n2", 100)]
    wanted = facts.wanted(
        *resources,
        constraints=[*named, constraint.Colocation("k", "d", "c", facts.INFINITY), *constraints],
        nodes=("n1", "n2", "n3"),
        symmetric_cluster="false",
    )
    due = facts.pipeline.schedule(wanted, facts.seen({name: {} for name in ("n1", "n2", "n3")}))
    return dict([one for one in due.moments if one.instance == name][-1].scores)


def _moment(name: str, one: resource.Resource, states=None) -> dict[str, int]:
    """Return the last scores of a resource for which only n1 is named, with 5."""
    wanted = facts.wanted(
        one, constraints=[facts.location(name, "n1", 5)], symmetric_cluster="false"
    )
    due = facts.pipeline.schedule(wanted, facts.seen(states))
    return dict([each for each in due.moments if each.instance == name][-1].scores)


def test_what_holds_a_resource_where_it_runs_names_that_node_for_it():
    """A node that no constraint opens is as good as any for what is left alone there."""
    found = _moment(
        "p", strategies.primitive("p", is_managed="false"), {"n1": {}, "n2": {"p": "running"}}
    )

    assert found == {"n1": 5, "n2": facts.INFINITY}


@pytest.mark.parametrize("symmetric", ["true", "false"])
def test_what_nobody_manages_is_kept_off_a_lost_node_where_nodes_must_be_named(symmetric):
    """Elsewhere it stays there at any price."""
    device = fencing.FenceDevice("f", "fence_xvm", hosts=("n2",))
    wanted = facts.wanted(
        strategies.primitive("p", is_managed="false"),
        symmetric_cluster=symmetric,
        fencing_enabled="true",
    )
    seen = facts.seen({"n1": {}, "n2": {"p": "running"}}, presence={"n2": Presence.UNKNOWN})
    wanted = dataclasses.replace(wanted, fencing=fencing.Fencing((device,)))
    due = facts.pipeline.schedule(wanted, seen)

    score = facts.INFINITY if symmetric == "true" else -facts.INFINITY
    assert due.ledgers["p"]["n2"].score == score


def test_what_forbids_a_resource_everywhere_names_all_nodes_for_it():
    """A resource that is to be stopped has a score on each of them."""
    found = _moment("p", strategies.primitive("p", target_role="Stopped"))

    assert found == {"n1": -facts.INFINITY, "n2": -facts.INFINITY}


def test_a_node_s_own_score_does_not_count_where_nodes_must_be_named():
    """Only what is said of the resource counts there."""
    wanted = facts.wanted(
        strategies.primitive("p"),
        constraints=[facts.location("p", "n1", 5)],
        symmetric_cluster="false",
    )
    nodes = tuple(dataclasses.replace(one, score=3) for one in wanted.nodes)
    due = facts.pipeline.schedule(dataclasses.replace(wanted, nodes=nodes), facts.seen())

    assert due.ledgers["p"]["n1"].score == 5


def test_what_must_be_with_a_clone_has_scores_wherever_that_is():
    """The nodes that a clone is on are named for its dependents, but not opened."""
    assert _scores("d", facts.location("d", "n1", 5)) == {"n1": 5, "n2": -facts.INFINITY}


def test_wishes_do_not_move_a_clone_that_has_enough_for_every_node_named():
    """A third node does not count where only two are named for the clone."""
    assert _scores("p:0", facts.location("d", "n1", 5)) == {"n1": 100, "n2": 100}


def test_a_clone_s_score_that_wishes_used_up_is_not_raised_by_others_of_the_same_chain():
    """What d takes from n1 leaves 1, whatever e, which is with d, wishes; n2 gains 7."""
    behind = (
        constraint.Colocation("k2", "e", "d", facts.INFINITY),
        facts.location("d", "n2", 7),
        facts.location("e", "n1", 50),
        facts.location("e", "n2", 0),
    )
    assert _scores("c", *behind) == {"n1": 1, "n2": 107}


def test_wishes_that_would_use_up_every_score_of_a_clone_count_for_nothing():
    """A dependent without any node of its own moves no clone."""
    assert _scores("c") == {"n1": 100, "n2": 100}


@pytest.mark.parametrize("requires", ["quorum", "fencing"])
def test_what_may_have_been_started_on_a_lost_node_waits_for_its_fencing(requires):
    """Nothing is known of it there: a location may have named the node that does so no more."""
    wanted = facts.wanted(
        strategies.primitive("p", requires=requires),
        constraints=[facts.location("p", "n1", 0)],
        symmetric_cluster="false",
        fencing_enabled="true",
    )
    device = fencing.FenceDevice("f", "fence_x", hosts=("n2",))
    wanted = dataclasses.replace(wanted, fencing=fencing.Fencing((device,)))
    due = facts.pipeline.schedule(wanted, facts.seen(presence={"n2": Presence.UNKNOWN}))

    assert "stonith-n2-reboot@n2" in before(due, "p_start_0@n1")


def test_a_clone_s_score_that_wishes_raised_and_used_up_is_not_closed():
    """Those of one chain make it usable first, and take that back later: then 1 is left."""
    likes = [("c", -50), ("d", 1000), ("e", 5000)]
    wanted = facts.wanted(
        resource.Clone("c", strategies.primitive("p")),
        strategies.primitive("d"),
        strategies.primitive("e"),
        constraints=[
            *(facts.location(name, "n1", score) for name, score in likes),
            constraint.Colocation("k", "d", "c", facts.INFINITY),
            constraint.Colocation("l", "e", "d", -facts.INFINITY),
        ],
    )
    due = facts.pipeline.schedule(wanted, facts.seen())

    first = next(one for one in due.moments if one.instance == "c")
    assert dict(first.scores)["n1"] == 1
