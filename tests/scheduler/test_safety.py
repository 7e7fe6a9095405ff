"""What must hold of every plan, whatever people want and whatever was seen."""

from __future__ import annotations

import dataclasses
import pathlib
import subprocess
import sys

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from scheduler import strategies
from scheduler import test_rules as facts

from reconciler.model import attribute, constraint, desired, plan, resource
from reconciler.model.action import ActionKind, Task
from reconciler.model.observed import Presence
from reconciler.scheduler import pipeline
from reconciler.transition import effect, foresight

PROFILE = settings(
    max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
LONG_PROFILE = settings(PROFILE, max_examples=1_000)
"""Where a hole would be a second running copy."""
RISING = frozenset({Task.START, Task.PROMOTE, Task.MIGRATE_FROM})


def ancestors(due: plan.Plan) -> dict[str, set[str]]:
    """Return for each action all that must have succeeded before it, in any order of execution."""
    found: dict[str, set[str]] = {one.key: set() for one in due.actions}
    before: dict[str, list[str]] = {one.key: [] for one in due.actions}
    for edge in due.edges:
        before[edge.after].append(edge.before)
    for one in effect.sequence(due):
        for earlier in before[one.key]:
            found[one.key] |= found[earlier] | {earlier}
    return found


def exclusive(wanted: desired.Desired) -> dict[str, resource.Primitive]:
    """Return the primitives that may be active only once."""
    return {
        member.name: member
        for one in wanted.resources
        if not isinstance(one, resource.Clone)
        for member in resource.primitives(one)
    }


def fenced_first(due: plan.Plan, node: str, before: set[str]) -> bool:
    """Tell whether a node's fencing is among what comes before."""
    return any(
        one.kind is ActionKind.FENCE and one.node == node and one.key in before
        for one in due.actions
    )


@PROFILE
@given(strategies.clusters())
def test_every_plan_can_be_finished(cluster):
    """A plan has no circle, and no action waits for one that is not in the plan."""
    wanted, seen = cluster
    due = pipeline.schedule(wanted, seen)
    keys = [one.key for one in due.actions]

    assert len(set(keys)) == len(keys)
    assert all(edge.before in keys and edge.after in keys for edge in due.edges)
    assert len(effect.sequence(due)) == len(keys)
    event(f"actions: {min(len(keys) // 5, 6)}")


@LONG_PROFILE
@given(strategies.clusters())
def test_never_two_active_instances(cluster):
    """A start waits until the resource was stopped, fenced or probed on every other node."""
    wanted, seen = cluster
    due = pipeline.schedule(wanted, seen)
    earlier = ancestors(due)
    active = pipeline.status(wanted, seen).placement
    for one in due.actions:
        if one.task is not Task.START or one.kind is ActionKind.PSEUDO:
            continue
        if one.resource not in exclusive(wanted):
            continue
        for node in active.get(one.resource, {}):
            if seen.nodes[node].presence is Presence.OFFLINE:
                # It was proven off, or has left; only its history is kept, for a shutdown lock.
                continue
            stopped = any(
                other.task is Task.STOP
                and other.resource == one.resource
                and other.node == node
                and other.key in earlier[one.key]
                for other in due.actions
            )

            assert stopped or fenced_first(due, node, earlier[one.key]), (one.key, node)


@LONG_PROFILE
@given(strategies.clusters())
def test_nothing_rises_beside_an_unknown_node(cluster):
    """No start or promotion while another node is unknown and was not fenced before."""
    wanted, seen = cluster
    due = pipeline.schedule(wanted, seen)
    earlier = ancestors(due)
    for one in due.actions:
        if one.task not in RISING or one.resource not in exclusive(wanted):
            continue
        for node in seen.nodes.values():
            if node.presence is not Presence.UNKNOWN or node.name == one.node:
                continue
            history = node.histories.get(one.resource)
            requires = attribute.always(exclusive(wanted)[one.resource].meta, "requires")
            if history is None and requires == "nothing":
                # People said that it may start whatever is unknown; where it ran, it still waits.
                continue
            proven = history is not None and history.operations[-1].rc == 7
            if not proven:
                event("rises after fencing")

                assert fenced_first(due, node.name, earlier[one.key]), (one.key, node.name)


@LONG_PROFILE
@given(st.one_of(strategies.lost_promoted(), strategies.clusters()))
def test_nothing_is_promoted_beside_a_lost_node_that_may_be_promoted(cluster):
    """A promotion waits for the fencing of every lost node, or does not happen."""
    wanted, seen = cluster
    due = pipeline.schedule(wanted, seen)
    earlier = ancestors(due)
    for one in due.actions:
        if one.task is not Task.PROMOTE or one.kind is ActionKind.PSEUDO:
            continue
        for node in seen.nodes.values():
            if node.presence is not Presence.UNKNOWN or node.name == one.node:
                continue
            history = node.histories.get(one.resource)
            stopped = history is not None and history.operations[-1].rc == 7
            if not stopped:
                event("promoted after fencing")

                assert fenced_first(due, node.name, earlier[one.key]), (one.key, node.name)


@PROFILE
@given(strategies.clusters())
def test_a_start_waits_for_all_probes(cluster):
    """A start waits for every probe of its resource in the plan."""
    wanted, seen = cluster
    due = pipeline.schedule(wanted, seen)
    earlier = ancestors(due)
    for one in due.actions:
        if one.task is Task.START and one.kind is ActionKind.RESOURCE:
            probes = {
                other.key for other in due.actions if other.probe and other.resource == one.resource
            }

            assert probes <= earlier[one.key], one.key


@PROFILE
@given(strategies.clusters())
def test_nothing_is_done_on_nodes_that_do_not_answer(cluster):
    """Agents run only on nodes that answer, and nobody is fenced without quorum."""
    wanted, seen = cluster
    due = pipeline.schedule(wanted, seen)
    properties = wanted.properties[0].pairs
    ignoring = properties["no-quorum-policy"] == "ignore"
    watched = properties["have-watchdog"] == "true" and not wanted.fencing.devices
    for one in due.actions:
        if one.kind is ActionKind.RESOURCE:
            assert seen.nodes[one.node].presence is Presence.ONLINE, one.key
        if one.kind is ActionKind.FENCE:
            answers = seen.nodes[one.node].presence in {Presence.ONLINE, Presence.PENDING}

            assert seen.quorate or ignoring or answers, one.key
            assert watched or wanted.fencing.topology(one.node), one.key


@PROFILE
@given(strategies.clusters())
def test_mandatory_orders_hold(cluster):
    """Where both ends of a mandatory order start in one plan, the first comes first."""
    wanted, seen = cluster
    due = pipeline.schedule(wanted, seen)
    if due.diagnostics:
        return
    earlier = ancestors(due)
    members = {one.name: {m.name for m in resource.primitives(one)} for one in wanted.resources}
    clones = {one.name for one in wanted.resources if isinstance(one, resource.Clone)}
    starts = [
        one for one in due.actions if one.task is Task.START and one.kind is ActionKind.RESOURCE
    ]
    for one in wanted.constraints:
        if not isinstance(one, constraint.Order) or one.kind.value != "Mandatory":
            continue
        if {one.first, one.then} & clones:
            continue
        for then in (each for each in starts if each.resource in members[one.then]):
            for first in (each for each in starts if each.resource in members[one.first]):
                assert first.key in earlier[then.key], (first.key, then.key)


@PROFILE
@given(strategies.clusters())
def test_what_is_done_stays_done(cluster):
    """After a plan was carried out, the next plan settles: soon nothing real is left to do."""
    *_, last = foresight.converge(*cluster, limit=5)

    assert last.plan.empty, [one.key for one in last.plan.actions]


@PROFILE
@given(strategies.clusters(), st.randoms(use_true_random=False))
def test_the_order_of_mappings_does_not_matter(cluster, random):
    """The same observation, with every mapping in another order, gives the same plan."""
    wanted, seen = cluster

    def shuffled(mapping):
        items = list(mapping.items())
        random.shuffle(items)
        return dict(items)

    other = dataclasses.replace(
        seen,
        nodes=shuffled(
            {
                name: dataclasses.replace(
                    node, histories=shuffled(node.histories), attributes=shuffled(node.attributes)
                )
                for name, node in seen.nodes.items()
            }
        ),
    )
    first, second = pipeline.schedule(wanted, seen), pipeline.schedule(wanted, other)

    assert first.actions == second.actions
    assert first.edges == second.edges
    assert first.changes == second.changes
    assert dict(first.placement) == dict(second.placement)


@PROFILE
@given(strategies.clusters())
def test_a_score_is_the_sum_of_its_ledger(cluster):
    """Every score is the saturating sum of its terms."""
    wanted, seen = cluster
    ledgers = pipeline.schedule(wanted, seen).ledgers
    for name, nodes in ledgers.items():
        for node, ledger in nodes.items():
            assert ledger.score == ledgers.score(name, node), (name, node, ledger)


@PROFILE
@given(strategies.clusters())
def test_placement_follows_the_ledgers(cluster):
    """What decides where a resource goes adds up at every stage, and no banned node is chosen."""
    wanted, seen = cluster
    due = pipeline.schedule(wanted, seen)
    for moment in due.moments:
        for node, value in moment.scores.items():
            assert moment.ledgers[node].score == value, (moment.stage, moment.instance, node)
    managed = {one.resource for one in due.changes if one.kind is not plan.ChangeKind.LEAVE}
    for name, nodes in due.placement.items():
        for node in nodes:
            if name in managed:
                assert due.ledgers[name][node].score >= 0, (name, node)


def test_the_hash_seed_does_not_matter():
    """Interpreters with different hash seeds make the same plan."""
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "from scheduler import fixed; from reconciler.scheduler import pipeline;"
        "due = pipeline.schedule(*fixed.cluster());"
        "print(repr((due.actions, due.edges, due.changes, dict(due.placement))))"
    )
    folder = str(pathlib.Path(strategies.__file__).parents[1])
    answers = {
        subprocess.run(
            [sys.executable, "-c", program, folder],
            env={"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        ).stdout
        for seed in ("0", "1", "4242")
    }

    assert len(answers) == 1
    assert "p_start_0@" in answers.pop()


def test_an_order_never_starts_what_is_not_managed():
    """A resource that runs unmanaged is not started again after what it is ordered after."""
    due = pipeline.schedule(
        facts.wanted(
            strategies.primitive("b"),
            strategies.primitive("a", is_managed="false"),
            constraints=[constraint.Order("o", "b", "a")],
        ),
        facts.seen(
            {"n1": {"a": "running", "b": "stopped"}, "n2": {"a": "stopped", "b": "stopped"}}
        ),
    )

    assert [one.resource for one in due.actions if one.task is Task.START] == ["b"]
