"""Live migration: what becomes of others when a resource moves without being stopped."""

from __future__ import annotations

import pytest
from scheduler import strategies
from scheduler.test_rules import location, seen, wanted

from reconciler.model import constraint, resource
from reconciler.scheduler import pipeline

STATES = {
    "n1": {"a": "running", "b": "stopped"},
    "n2": {"a": "stopped", "b": "running"},
    "n3": {"a": "stopped", "b": "stopped"},
}


@pytest.mark.parametrize(
    ("whole", "restarts"),
    [
        (lambda one: one, False),
        (lambda one: resource.Group("A", (one,)), True),
        (lambda one: resource.Clone("A", one, meta=strategies.sets(clone_max="1")), True),
    ],
)
def test_what_follows_a_whole_restarts_when_its_only_part_migrates(whole, restarts):
    """A group or clone does not say how it moves; only what follows the resource itself stays up."""
    moving = strategies.primitive("a", allow_migrate="true")
    follower = resource.Clone("B", strategies.primitive("b"), meta=strategies.sets(clone_max="1"))
    name = "a" if not restarts else "A"
    rules = [
        constraint.Order("o", name, "B"),
        location(name, "n1", -1),
        location(name, "n3", -1),
        location("B", "n2", 100),
    ]
    target = wanted(whole(moving), follower, constraints=rules, nodes=tuple(STATES))
    keys = {one.key.replace(":0", "") for one in pipeline.schedule(target, seen(STATES)).actions}

    assert {"a_migrate_to_0@n1", "a_migrate_from_0@n2"} <= keys
    assert ({"b_stop_0@n2", "b_start_0@n2"} <= keys) == restarts
