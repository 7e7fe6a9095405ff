"""A transition as a value."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model import action, outcome, plan
from reconciler.transition import graph, limits, machine

OK = outcome.Outcome(outcome.OutcomeKind.SUCCESS, rc=0, revision=5)
BAD = outcome.Outcome(outcome.OutcomeKind.FAILURE, rc=1, revision=6)
LOST = outcome.Outcome(outcome.OutcomeKind.UNKNOWN)
REFUSED = outcome.Outcome(outcome.OutcomeKind.REFUSED, refusal=outcome.RefusalCode.REVISION_CHANGED)


def real(key, node="n1", resource=None, revision=None, **rest):
    """Return an action of a resource."""
    return action.Action(
        key,
        action.ActionKind.RESOURCE,
        action.Task.START,
        resource=resource or key,
        node=node,
        revision=revision,
        **rest,
    )


def pseudo(key):
    """Return a pseudo action."""
    return action.Action(key, action.ActionKind.PSEUDO, action.Task.NOTHING)


def fence(node):
    """Return a fencing of a node, with its name as key."""
    return action.Action(node, action.ActionKind.FENCE, action.Task.REBOOT, node=node)


def begin(*actions, edges=()):
    """Return the transition of a plan."""
    pairs = tuple(sorted(plan.Edge(*pair.split()) for pair in edges))
    return machine.begin(plan.Plan(actions=actions, edges=pairs))


def keys(transition, bounds=limits.NO_LIMITS):
    """Return the keys of what is ready."""
    return [one.key for one in machine.ready(transition, bounds)]


def done(transition, *names, result=OK):
    """Return the transition after some actions ended, one after the other."""
    for name in names:
        transition = machine.record(machine.dispatch(transition, name), name, result)
    return transition


def test_an_empty_plan_is_done():
    """A plan without actions is done at once."""
    assert begin().done


def test_what_waits_for_nothing_is_ready_and_the_rest_is_not():
    """Only actions before which everything has succeeded are ready."""
    transition = begin(real("a"), real("b"), real("c"), edges=["a c", "b c"])

    assert keys(transition) == ["a", "b"]
    assert keys(done(transition, "a")) == ["b"]
    assert keys(done(transition, "a", "b")) == ["c"]
    assert done(transition, "a", "b", "c").done


@pytest.mark.parametrize("result", [BAD, LOST, REFUSED])
def test_nothing_after_an_action_that_did_not_succeed_becomes_ready(result):
    """Failure, doubt and refusal all hold back what depends on them, and nothing else."""
    transition = begin(real("a"), pseudo("p"), real("c"), real("d"), edges=["a p", "p c"])

    transition = done(transition, "a", result=result)

    assert keys(transition) == ["d"]
    assert transition.failed == ("a",)
    assert not transition.stuck
    assert done(transition, "d").stuck


def test_pseudo_actions_complete_by_themselves():
    """A chain of pseudo actions is done as soon as what comes before it is."""
    transition = begin(real("a"), pseudo("p"), pseudo("q"), real("b"), edges=["a p", "p q", "q b"])

    assert keys(transition) == ["a"]
    assert keys(done(transition, "a")) == ["b"]
    assert begin(pseudo("p"), pseudo("q"), edges=["p q"]).done


def test_waiting_names_the_real_actions_behind_pseudo_ones():
    """What is waited for is what somebody has to do, not what only joins orderings."""
    transition = begin(real("a"), pseudo("p"), real("b"), edges=["a p", "p b"])

    assert machine.waiting(transition) == {"a": (), "b": ("a",)}


def test_one_action_of_a_resource_on_a_node_at_a_time():
    """Two monitors of one resource on one node follow each other; other nodes do not matter."""
    transition = begin(
        real("m1", resource="r"), real("m2", resource="r"), real("m3", node="n2", resource="r")
    )

    assert keys(transition) == ["m1", "m3"]
    assert keys(machine.dispatch(transition, "m1")) == ["m3"]
    assert keys(done(transition, "m1")) == ["m2", "m3"]


def test_own_outcomes_move_the_expected_revision():
    """A later action expects the revision that the earlier one of this transition left."""
    transition = begin(
        real("stop", resource="r", revision=3),
        real("start", resource="r", revision=3),
        real("other", node="n2", resource="r", revision=3),
        edges=["stop start", "stop other"],
    )

    after = {
        one.key: one.revision for one in machine.ready(done(transition, "stop"), limits.NO_LIMITS)
    }

    assert after == {"start": 5, "other": 3}


def test_a_refused_action_does_not_move_the_revision():
    """What was not begun has changed nothing."""
    transition = begin(real("a", resource="r", revision=3), real("b", resource="r", revision=3))

    transition = done(transition, "a", result=REFUSED)

    assert machine.ready(transition, limits.NO_LIMITS)[0].revision == 3


def test_batch_limit_counts_what_is_in_flight():
    """No more actions than batch-limit are in flight in the whole cluster."""
    transition = begin(*(real(name, node=name) for name in "abcd"))
    bounds = limits.Limits(batch=2)

    assert keys(transition, bounds) == ["a", "b"]
    assert keys(machine.dispatch(transition, "a"), bounds) == ["b"]
    assert keys(done(transition, "a"), bounds) == ["b", "c"]


def test_node_limit_counts_on_each_node():
    """No more actions than node-action-limit are in flight on one node; routers count."""
    transition = begin(
        real("a"), real("b"), real("c", node="n2"), real("d", node="far", router="n1")
    )

    assert keys(transition, limits.Limits(per_node=1)) == ["a", "c"]


def test_fencing_is_one_at_a_time_and_comes_first():
    """Nodes are fenced one after the other unless concurrent-fencing is set."""
    transition = begin(real("a"), fence("x"), fence("y"))

    assert keys(transition, limits.Limits()) == ["x", "a"]
    assert keys(transition, limits.Limits(concurrent_fencing=True)) == ["x", "y", "a"]
    assert keys(transition, limits.Limits(batch=1)) == ["x", "a"]


def test_an_aborted_transition_begins_nothing_and_records_what_flies():
    """After abort nothing is ready; outcomes in flight are still recorded; the first reason stays."""
    transition = machine.dispatch(begin(real("a"), real("b")), "a")

    transition = machine.abort(machine.abort(transition, "first"), "second")

    assert (keys(transition), transition.aborted, transition.stuck) == ([], "first", False)
    transition = machine.record(transition, "a", OK)
    assert transition.stuck
    with pytest.raises(ValueError, match="b cannot be begun"):
        machine.dispatch(transition, "b")


def test_an_outcome_is_recorded_once():
    """A duplicated result is a mistake of the caller and changes nothing."""
    transition = done(begin(real("a")), "a")

    with pytest.raises(ValueError, match="not in flight"):
        machine.record(transition, "a", BAD)


def test_a_plan_that_is_none_is_refused():
    """Cycles and keys that are used twice are refused before anything is begun."""
    with pytest.raises(graph.CyclicPlanError):
        begin(real("a"), real("b"), edges=["a b", "b a"])
    with pytest.raises(ValueError, match="same key: a"):
        begin(real("a"), real("a"))


@st.composite
def plans(draw):
    """Return random acyclic plans."""
    count = draw(st.integers(1, 12))
    names = [f"k{number:02}" for number in range(count)]
    actions = []
    for name in names:
        kind = draw(st.sampled_from(["real", "real", "pseudo", "fence"]))
        node = draw(st.sampled_from(["n1", "n2", "n3"]))
        made = {"real": real(name, node=node), "pseudo": pseudo(name)}
        actions.append(
            made.get(kind)
            or action.Action(name, action.ActionKind.FENCE, action.Task.OFF, node=node)
        )
    pairs = [(one, other) for i, one in enumerate(names) for other in names[i + 1 :]]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    return plan.Plan(actions=tuple(actions), edges=tuple(sorted(plan.Edge(*one) for one in chosen)))


@settings(max_examples=150, deadline=None)
@given(plans(), st.randoms(use_true_random=False), st.integers(0, 3))
def test_every_execution_keeps_the_order_and_ends(due, chance, batch):
    """Whatever succeeds or fails in whatever order, no action begins before what precedes it.

    Every execution ends, with everything done or held back by a failure.
    """
    transition = machine.begin(due)
    bounds = limits.Limits(batch=batch)
    order = []
    for _ in range(1000):
        due_now = machine.ready(transition, bounds)
        flying = transition.in_flight
        if not due_now and not flying:
            break
        if due_now and (not flying or chance.random() < 0.6):
            key = chance.choice(due_now).key
            transition = machine.dispatch(transition, key)
            assert all(
                transition.steps[edge.before] is machine.Step.SUCCEEDED
                for edge in due.edges
                if edge.after == key
            )
            order.append(key)
        else:
            key = chance.choice(flying)
            transition = machine.record(transition, key, OK if chance.random() < 0.85 else BAD)
        flying_real = [
            transition.actions[one]
            for one in transition.in_flight
            if transition.actions[one].kind is not action.ActionKind.FENCE
        ]
        assert not batch or len(flying_real) <= batch
        assert len(transition.in_flight) - len(flying_real) <= 1
    assert len(order) == len(set(order))
    assert transition.done or (transition.stuck and transition.failed)
