"""Every plan can be finished, and is safe while it is carried out, over clusters made at random.

Plans are driven by the machine that drives them in the real world, in different orders where the
plan leaves a choice. Pacemaker's own scheduler makes transitions that cannot be finished of some
of these situations; they are not left out.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import random
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scheduler import strategies, test_rules

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "conformance"))

import conformance_harness as harness

from reconciler.cib import read
from reconciler.model import action, constraint, desired, observed, plan, resource
from reconciler.model.action import ActionKind, Task
from reconciler.scheduler import pipeline
from reconciler.transition import effect, limits, machine

LEVELS = (1, 2, 3, 4, 5)
SEEDS = int(os.environ.get("FINISHABLE_SEEDS", "40"))
RISING = frozenset({Task.START, Task.PROMOTE, Task.MIGRATE_FROM})
PROFILE = settings(
    max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
needs_data = pytest.mark.skipif(
    bool(harness.missing()) and not harness.in_ci(), reason=harness.missing() or "data present"
)


@dataclasses.dataclass
class World:
    """What is active where while a plan is carried out, and what must never happen.

    Attributes:
        active: resource as agents know it to the nodes where it is, or may be, active.
        exclusive: resources that may be active only once.
        doubtful: nodes that must be fenced, and are not yet.
        guests: doubtful guest nodes by the resource that holds them: off once that was stopped.
    """

    active: dict[str, set[str]]
    exclusive: set[str]
    doubtful: set[str]
    guests: dict[str, set[str]]

    def check(self, one: action.Action) -> None:
        """Assert that an action may be done now."""
        if one.kind is not ActionKind.RESOURCE:
            return
        if one.task in RISING:
            assert one.node not in self.doubtful, f"{one.key}: {one.node} is not fenced yet"
        if one.resource in self.exclusive:
            elsewhere = self.active.get(one.resource, set()) - {one.node}
            if one.task is Task.START:
                assert not elsewhere, f"{one.key}: still active on {sorted(elsewhere)}"
            if one.task is Task.MIGRATE_FROM:
                assert elsewhere <= {one.source}, f"{one.key}: active on {sorted(elsewhere)}"
        if one.task is Task.PROMOTE:
            assert one.node in self.active.get(one.resource, set()), f"{one.key}: not active"

    def after(self, one: action.Action) -> None:
        """Take note of what an action did."""
        nodes = self.active.setdefault(one.resource, set())
        if one.kind is ActionKind.FENCE and one.task is not Task.ON:
            self._prove_off(one.node)
        elif one.kind is ActionKind.RESOURCE and one.task in {Task.START, Task.MIGRATE_FROM}:
            nodes.add(one.node)
        elif one.kind is ActionKind.RESOURCE and one.task is Task.STOP:
            nodes.discard(one.node)
            self.prove_guests_off()

    def _prove_off(self, node: str) -> None:
        self.doubtful.discard(node)
        for places in self.active.values():
            places.discard(node)
        self.prove_guests_off()

    def prove_guests_off(self) -> None:
        """Take the guests as off that nothing holds any more."""
        for holder in [one for one in self.guests if not self.active.get(one)]:
            for guest in self.guests.pop(holder, ()):
                self._prove_off(guest)


def _harmless(one: resource.Primitive) -> bool:
    """Tell whether being known to two nodes does no harm: fence devices, remote connections."""
    return one.agent.standard == "stonith" or (one.agent.provider, one.agent.kind) == (
        "pacemaker",
        "remote",
    )


def _world(wanted: desired.Desired, seen: observed.Observed, due: plan.Plan) -> World:
    placed = pipeline.status(wanted, seen).placement
    repeatable = {
        member.name
        for one in wanted.resources
        for member in resource.primitives(one)
        if isinstance(one, (resource.Clone, resource.Bundle)) or _harmless(member)
    }
    guests: dict[str, set[str]] = {}
    for one in due.fencing:
        if one.guest_of:
            guests.setdefault(one.guest_of, set()).add(one.node)
    world = World(
        active={name: set(nodes) for name, nodes in placed.items()},
        exclusive={name for name in placed if name.partition(":")[0] not in repeatable},
        doubtful={one.node for one in due.fencing if one.task is not Task.ON},
        guests=guests,
    )
    world.prove_guests_off()
    return world


def _run(due: plan.Plan, world: World, choice: random.Random) -> Iterator[str]:
    """Carry a plan out, several actions in flight where it allows that; yield their keys."""
    transition = machine.begin(due)
    while not transition.done:
        for one in machine.ready(transition, limits.NO_LIMITS):
            world.check(one)
            transition = machine.dispatch(transition, one.key)
        assert transition.in_flight, f"stalled: {machine.waiting(transition)}"
        ended = choice.choice(transition.in_flight)
        transition = machine.record(transition, ended, effect.SUCCESS)
        world.after(transition.actions[ended])
        yield ended


def _finish(wanted: desired.Desired, seen: observed.Observed, seed: int) -> plan.Plan:
    """Carry out the plan that is due, in an order of the seed's choice."""
    due = pipeline.schedule(wanted, seen)
    choice = random.Random(seed)  # noqa: S311 - it chooses an order, and must repeat itself
    done = list(_run(due, _world(wanted, seen, due), choice))

    assert sorted(done) == sorted(one.key for one in due.actions if one.real)
    return due


@needs_data
@pytest.mark.parametrize("level", LEVELS)
def test_plans_of_random_cibs_can_be_finished(level):
    """No action of a plan waits for one that never runs, and nothing unsafe happens on the way."""
    generate = harness.load("random_cib").generate
    for seed in range(SEEDS):
        imported = read.read(generate(level, seed))
        seen = imported.observed
        for number in range(2):
            try:
                due = _finish(imported.desired, seen, number)
            except AssertionError as error:
                error.add_note(f"level {level}, seed {seed}, transition {number}")
                raise
            seen = effect.apply(due, seen)


@needs_data
def test_plans_of_recorded_cases_can_be_finished():
    """The plans of all recorded situations can be finished, those of the reference's faults, too."""
    for identity, _ in harness.identities():
        one = harness.case(identity)
        imported = read.read(one.text, now=one.now)
        try:
            _finish(imported.desired, imported.observed, 0)
        except AssertionError as error:
            error.add_note(identity)
            raise


@PROFILE
@given(strategies.clusters(), st.integers(0, 1000))
def test_plans_of_generated_clusters_can_be_finished(cluster, seed):
    """Whatever is wanted and was seen, the plan runs to its end, and safely, in any order."""
    _finish(*cluster, seed)


@PROFILE
@given(strategies.lost_promoted(), st.integers(0, 1000))
def test_plans_for_lost_nodes_can_be_finished(cluster, seed):
    """With a promoted instance on a silent node, too, the plan runs to its end, and safely."""
    _finish(*cluster, seed)


@pytest.mark.parametrize("found", ["running", "stopped", "monitor-failed"])
@pytest.mark.parametrize(
    ("today", "name"),
    [
        (resource.Group("g", (strategies.primitive("a"),)), "g"),
        (resource.Clone("g", strategies.primitive("a")), "g"),
        (resource.Clone("c", resource.Group("g", (strategies.primitive("a"),))), "g:0"),
    ],
    ids=["group", "clone", "cloned group"],
)
def test_what_is_removed_may_have_the_name_of_a_group_or_clone(today, name, found):
    """Nodes that know a removed resource with the name of today's group know the same one."""
    wanted = test_rules.wanted(
        today, strategies.primitive("b"), constraints=[constraint.Order("o", "g", "b")]
    )
    seen = test_rules.seen({"n1": {name: "running"}, "n2": {name: found}})
    due = _finish(wanted, seen, 0)

    placed = pipeline.status(wanted, seen).placement[name]
    stopped = {one.node for one in due.actions if one.resource == name and one.task is Task.STOP}
    assert stopped >= placed.keys()
