"""Colocations: how wishes travel, and whom a resource that cannot start takes along."""

from __future__ import annotations

import pytest
from scheduler import strategies
from scheduler.test_rules import INFINITY, change, location, seen, wanted

from reconciler.model import constraint, resource
from reconciler.scheduler import pipeline


@pytest.mark.parametrize(
    ("near", "far", "score"),
    [(50, INFINITY, 30_000), (50, 200_000, 6_000), (-5000, 200_000, -6_000), (-5000, -5000, 150)],
)
def test_wishes_from_behind_keep_their_own_strength(near, far, score):
    """Of a chain only the last link weighs a wish; negative links before it turn it round."""
    resources = [strategies.primitive(name) for name in "pqr"]
    constraints = [
        constraint.Colocation("k1", "q", "p", near),
        constraint.Colocation("k2", "r", "q", far),
        location("r", "n1", 30_000),
    ]
    due = pipeline.schedule(wanted(*resources, constraints=constraints), seen())

    assert due.ledgers["p"]["n1"].score == score


@pytest.mark.parametrize(("primary", "blocked"), [("x", True), ("g", False)])
def test_what_cannot_start_in_a_group_blocks_no_one_outside(primary, blocked):
    """A dependent does not start where its primary cannot, unless the primary is a group."""
    lone = strategies.primitive("x")
    leading = lone if primary == "x" else resource.Group("g", (lone,))
    resources = (
        strategies.primitive("z", target_role="Stopped"),
        leading,
        strategies.primitive("d"),
    )
    constraints = [
        constraint.Order("o", "z", primary),
        constraint.Colocation("k", "d", primary, INFINITY),
    ]
    due = pipeline.schedule(wanted(*resources, constraints=constraints), seen())

    assert change(due, "x").blocked
    assert change(due, "d").blocked is blocked
