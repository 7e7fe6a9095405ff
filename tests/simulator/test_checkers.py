"""Each checker finds what it is for, and nothing in a world where all is well."""

from __future__ import annotations

import pytest

from reconciler.model import action
from reconciler.model.role import Role
from reconciler.simulator import checkers, clock
from reconciler.simulator.truth import What
from reconciler.simulator.world import World


def found(checker, play):
    """Return what a checker finds while a play goes on in a world of three machines."""

    async def main():
        world = World(("n1", "n2", "n3"), checkers=[checker])
        play(world)
        return world.violations

    return clock.run(main())


def started(world, name, resource="a"):
    """Let a start happen."""
    machine = world.machines[name]
    facts = {"resource": resource, "task": action.Task.START, "who": "c", "token": 1}
    machine.maybe.add(resource)
    world.happen(What.BEGAN, name, **facts)
    machine.active[resource] = Role.STARTED
    world.happen(What.ENDED, name, rc=0, **facts)


def stopped(world, name, resource="a"):
    """Let a stop happen."""
    machine = world.machines[name]
    facts = {"resource": resource, "task": action.Task.STOP, "who": "c", "token": 1}
    world.happen(What.BEGAN, name, **facts)
    machine.active.pop(resource, None)
    machine.maybe.discard(resource)
    world.happen(What.ENDED, name, rc=0, **facts)


def twice(world):
    """Start on two machines."""
    started(world, "n1")
    started(world, "n2")


def moved(world):
    """Start, stop, start elsewhere."""
    started(world, "n1")
    stopped(world, "n1")
    started(world, "n2")


def hung_start(world):
    """Begin a start that never ends, then start elsewhere."""
    world.machines["n1"].maybe.add("a")
    started(world, "n2")


def after_power_loss(world):
    """Start elsewhere after the power has really gone."""
    started(world, "n1")
    world.machines["n1"].power_off()
    started(world, "n2")


def wrong_order(world):
    """Start what comes then before what comes first."""
    started(world, "n1", "b")
    started(world, "n1", "a")


def wrong_stop(world):
    """Stop what comes first while what comes then still runs."""
    right_order(world)
    stopped(world, "n1", "a")


def right_order(world):
    """Start in order."""
    started(world, "n1", "a")
    started(world, "n1", "b")


def token_falls(world):
    """Accept a lower token after a higher one."""
    for token, who in ((5, "x"), (4, "y")):
        world.happen(What.ACCEPTED, "n1", token=token, who=who)


def token_shared(world):
    """Accept one token from two controllers."""
    for name, who in (("n1", "x"), ("n2", "y")):
        world.happen(What.ACCEPTED, name, token=5, who=who)


def false_confirmation(world):
    """Record a fencing of a machine that runs."""
    body = {"state": "confirmed", "boot_id": world.machines["n1"].boot_id}
    world.happen(What.RECORDED, "n2", detail="fence/n1", body=body)


def true_confirmation(world):
    """Record a fencing of a machine that is off."""
    world.machines["n1"].power_off()
    false_confirmation(world)


def all_fenced(world):
    """Fence two of three machines."""
    for name in ("n1", "n2"):
        world.machines[name].power_off(What.SWITCHED_OFF, "c")


def one_fenced(world):
    """Fence one of three machines."""
    world.machines["n1"].power_off(What.SWITCHED_OFF, "c")


@pytest.mark.parametrize(
    ("checker", "bad", "good"),
    [
        (lambda: checkers.NeverTwoActive(["a"]), twice, moved),
        (lambda: checkers.NothingElsewhere(["a"]), hung_start, after_power_loss),
        (lambda: checkers.OrderHolds([("a", "b")]), wrong_order, right_order),
        (lambda: checkers.OrderHolds([("a", "b")]), wrong_stop, right_order),
        (checkers.TokensRise, token_falls, moved),
        (checkers.TokensRise, token_shared, moved),
        (checkers.ProvenOff, false_confirmation, true_confirmation),
        (checkers.LawfulFencing, all_fenced, one_fenced),
        (lambda: checkers.Untouched(["b"]), moved, one_fenced),
    ],
)
def test_a_checker_finds_what_it_is_for(checker, bad, good):
    """The bad play is found, the good one is not."""
    assert found(checker(), bad)
    assert found(checker(), good) == []
