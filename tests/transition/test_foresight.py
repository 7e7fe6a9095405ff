"""Plans run to their end on an observation, and what is left after them."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies
from scheduler import test_rules as facts

from reconciler.model.action import Task
from reconciler.model.observed import OperationStatus, Presence
from reconciler.model.outcome import OutcomeKind
from reconciler.scheduler import pipeline
from reconciler.transition import effect, event, foresight


def _cluster(*states: str):
    """Return two primitives, p running on n1 and q as told, on two nodes."""
    wanted = facts.wanted(
        strategies.primitive("p"), strategies.primitive("q"), start_failure_is_fatal="true"
    )
    seen = facts.seen(
        {"n1": {"p": "running", "q": "stopped"}, "n2": {"p": "stopped", "q": states[0]}}
    )
    return wanted, seen


def _fails(resource: str, task: Task, node: str) -> event.Operation:
    return event.Operation(resource, task, 0, node, 1)


def test_the_end_of_a_plan_is_shown():
    """After a round everything is as the plan wanted it, and the next round has nothing to do."""
    wanted, seen = _cluster("stopped")

    first = foresight.foresee(wanted, seen)
    second = foresight.foresee(wanted, first.after)

    assert first.initial.placement == {"p": {"n1": "Started"}, "q": {}}
    assert first.final.placement == {"p": {"n1": "Started"}, "q": {"n2": "Started"}}
    assert first.failed is None
    assert second.plan.empty


@pytest.mark.parametrize("under_way", [False, True])
def test_where_nothing_is_done_the_end_is_the_beginning(under_way):
    """Where nothing is done, the cluster stays as it is, and what is under way does not show."""
    wanted, seen = _cluster("stopped")
    wanted = dataclasses.replace(wanted, properties=strategies.sets(maintenance_mode="true"))
    if under_way:
        stop = dataclasses.replace(
            strategies.record("stop", -1, 0, 0, 0), status=OperationStatus.PENDING
        )
        histories = seen.nodes["n1"].histories
        known = dataclasses.replace(histories["p"], operations=(*histories["p"].operations, stop))
        node = dataclasses.replace(seen.nodes["n1"], histories={**histories, "p": known})
        seen = dataclasses.replace(seen, nodes={**seen.nodes, "n1": node})

    found = foresight.foresee(wanted, seen)

    assert (found.steps, found.after) == ((), seen)
    assert found.initial.under_way == under_way
    assert found.final == pipeline.status(wanted, seen, under_way=False)


def test_a_failure_ends_the_run():
    """What depends on a failed action is not begun, and the failure shows in the cluster after."""
    wanted, seen = _cluster("stopped")

    found = foresight.foresee(wanted, seen, [_fails("q", Task.START, "n2")])
    done = [(step.task, step.resource) for step, _ in found.steps if step.real]

    assert found.failed is not None
    assert found.failed[1].kind is OutcomeKind.FAILURE
    assert (Task.START, "q") in done
    assert (Task.MONITOR, "q") not in done
    assert ("q", ("failed",)) in [
        (one.name, tuple(flag.value for flag in one.flags)) for one in found.final.resources
    ]


def test_it_converges_around_a_failure():
    """Rounds go on until nothing is left: what cannot start on one node goes to the other."""
    wanted, seen = _cluster("stopped")

    rounds = list(foresight.converge(wanted, seen, [_fails("q", Task.START, "n2")], limit=9))

    assert rounds[-1].plan.empty
    assert rounds[-1].final.placement["q"] == {"n1": "Started"}
    assert [one.before.id for one in rounds[1:]] == [one.after.id for one in rounds[:-1]]


def test_a_node_that_was_let_go_is_gone_in_the_next_round():
    """A node that asked to leave, and may, has left in good order before the next plan is made."""
    wanted, seen = _cluster("stopped")
    leaving = dataclasses.replace(seen.nodes["n1"], shutdown=True)
    seen = dataclasses.replace(seen, nodes={**seen.nodes, "n1": leaving})

    first, second = foresight.converge(wanted, seen, limit=9)

    assert Task.SHUTDOWN in {step.task for step, _ in first.steps}
    assert first.after.nodes["n1"].presence is Presence.ONLINE
    assert second.before.nodes["n1"].presence is Presence.OFFLINE
    assert second.plan.empty
    assert second.final.placement["p"] == {"n2": "Started"}


@pytest.mark.parametrize("limit", [1, 3])
def test_it_ends_at_the_limit(limit):
    """What never comes to rest ends after as many rounds as allowed."""
    wanted, seen = _cluster("stopped")
    wanted = dataclasses.replace(
        wanted, properties=strategies.sets(fencing_enabled="false", start_failure_is_fatal="false")
    )
    failing = [_fails("q", Task.START, "n1"), _fails("q", Task.START, "n2")]

    rounds = list(foresight.converge(wanted, seen, failing, limit=limit))

    assert len(rounds) == limit
    assert not rounds[-1].plan.empty


def test_waves_keep_the_order():
    """An action is in a later wave than everything it waits for."""
    wanted, seen = _cluster("stopped")
    due = foresight.foresee(wanted, seen).plan
    place = {step.key: number for number, wave in enumerate(effect.waves(due)) for step in wave}

    assert len(place) == len(due.actions)
    assert all(place[edge.before] < place[edge.after] for edge in due.edges)
