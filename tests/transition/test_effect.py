"""What carrying actions out does to an observation."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model import action, observed, outcome, plan, remote
from reconciler.model.action import ActionKind, Task
from reconciler.model.agent import AgentName
from reconciler.transition import effect

_DUMMY = AgentName("ocf", "heartbeat", "Dummy")
_FAILED = outcome.Outcome(outcome.OutcomeKind.FAILURE, rc=1, message="broke", ended_at=60.0)


def _record(operation, call, interval_ms=0, rc=0):
    return observed.OperationRecord(operation, interval_ms, call, rc, observed.OperationStatus.DONE)


def _seen(*records, attributes=()):
    history = observed.ResourceHistory("r", _DUMMY, records, revision=4)
    node = observed.ObservedNode(
        "n",
        observed.Presence.ONLINE,
        attributes=dict(attributes),
        histories={"r": history} if records else {},
    )
    other = observed.ObservedNode("m", observed.Presence.ONLINE)
    return observed.Observed(50.0, quorate=True, nodes={"n": node, "m": other}, id="x")


def _step(task, *, kind=ActionKind.RESOURCE, key="", **more):
    values = {"node": "n", "resource": "r", "agent": _DUMMY, **more}
    return action.Action(key or f"{task.value}", kind, task, **values)


def _operations(seen):
    return {
        (one.operation, one.interval_ms): one for one in seen.nodes["n"].histories["r"].operations
    }


def test_success_is_recorded():
    """An operation that succeeded is in the history with its digests, after all others."""
    step = _step(Task.START, digests=observed.Digests("d"))

    after = effect.carry_out(step, _seen(_record("monitor", 7, rc=7)))
    found = _operations(after)["start", 0]

    assert (found.rc, found.call, found.status) == (0, 8, observed.OperationStatus.DONE)
    assert (found.digests.all, found.run_at) == ("d", 50.0)
    assert after.nodes["n"].histories["r"].revision == 5
    assert after.id != "x"


def test_probe_that_finds_nothing():
    """A probe that succeeds found what it expected."""
    step = _step(Task.MONITOR, expected_rc=7, probe=True)

    after = effect.carry_out(step, _seen())

    assert _operations(after)["monitor", 0].rc == 7
    assert after.nodes["n"].histories["r"].agent == _DUMMY


def test_latest_of_a_name_and_interval():
    """A new entry takes the place of the one with the same name and interval only."""
    seen = _seen(_record("monitor", 1), _record("monitor", 2, 10_000))

    after = effect.carry_out(_step(Task.MONITOR, interval_ms=10_000), seen)

    assert {key: one.call for key, one in _operations(after).items()} == {
        ("monitor", 0): 1,
        ("monitor", 10_000): 3,
    }


@pytest.mark.parametrize(
    ("identity", "kept"), [("r_last_0", False), ("r_start_0", True), ("", True)]
)
def test_a_record_of_whatever_was_last_is_replaced(identity, kept):
    """What was begun there is over with the next operation, though it has no number yet."""
    begun = dataclasses.replace(_record("start", -1), id=identity)

    found = _operations(effect.carry_out(_step(Task.STOP), _seen(begun)))

    assert (("start", 0) in found) is kept


@pytest.mark.parametrize(
    ("controller", "call"),
    [("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", 0), ("5a1c0f5e-3a52-4b0e-9d54-0123456789ab", -1)],
)
def test_what_a_simulation_left_begun_is_over_once_it_goes_on(controller, call):
    """Of another controller nobody knows whether it does."""
    begun = dataclasses.replace(
        _record("start", -1, rc=193),
        status=observed.OperationStatus.PENDING,
        token=f"3:9:0:{controller}",
    )
    after = effect.carry_out(_step(Task.STOP), _seen(begun))

    assert _operations(after)["start", 0].call == call
    assert _operations(after)["stop", 0].call > 0


def test_failure_counts():
    """A failure raises the count of its operation and notes when it was."""
    seen = _seen(attributes={"fail-count-r#monitor_10000": "2"})

    after = effect.carry_out(_step(Task.MONITOR, interval_ms=10_000), seen, _FAILED)

    assert after.nodes["n"].attributes == {
        "fail-count-r#monitor_10000": "3",
        "last-failure-r#monitor_10000": "60",
    }
    assert _operations(after)["monitor", 10_000].reason == "broke"


def test_fatal_failure():
    """A fatal failure counts as infinitely many."""
    after = effect.carry_out(_step(Task.START, fatal=True), _seen(), _FAILED)

    assert after.nodes["n"].attributes["fail-count-r#start_0"] == "INFINITY"


def test_count_stays_infinite():
    """A count that is infinite stays so."""
    seen = _seen(attributes={"fail-count-r#start_0": "INFINITY"})

    after = effect.carry_out(_step(Task.START), seen, _FAILED)

    assert after.nodes["n"].attributes["fail-count-r#start_0"] == "INFINITY"


def test_failed_probe_does_not_count():
    """A probe that fails is no failure of the resource."""
    after = effect.carry_out(_step(Task.MONITOR, probe=True, expected_rc=7), _seen(), _FAILED)

    assert after.nodes["n"].attributes == {}


def test_unknown_outcome():
    """What nobody knows the end of is lost, never stopped."""
    unknown = outcome.Outcome(outcome.OutcomeKind.UNKNOWN)

    found = _operations(effect.carry_out(_step(Task.STOP), _seen(), unknown))["stop", 0]

    assert (found.status, found.rc) == (observed.OperationStatus.LOST, observed.Rc.UNKNOWN)


def test_refused():
    """What was not begun changes nothing at all."""
    seen = _seen(_record("start", 1))
    refused = outcome.Outcome(outcome.OutcomeKind.REFUSED)

    assert effect.carry_out(_step(Task.STOP), seen, refused) is seen


@pytest.mark.parametrize("task", [Task.OFF, Task.REBOOT])
def test_fenced(task):
    """A fenced node is proven down, with nothing left on it, until it is seen again."""
    seen = _seen(_record("start", 1), attributes={"standby": "on"})
    step = _step(task, kind=ActionKind.FENCE, resource="")

    after = effect.carry_out(step, seen).nodes["n"]

    assert after.presence is observed.Presence.OFFLINE
    assert (after.histories, after.attributes, after.expected_up) == ({}, {}, False)


def test_fencing_that_failed():
    """A node that could not be fenced is as it was before."""
    seen = _seen(_record("start", 1))
    step = _step(Task.REBOOT, kind=ActionKind.FENCE, resource="")

    assert effect.carry_out(step, seen, _FAILED).nodes == seen.nodes


def test_cancel():
    """Cancelling a monitor removes its entry, and no other."""
    seen = _seen(_record("start", 1), _record("monitor", 2, 10_000), _record("monitor", 3, 20_000))

    after = effect.carry_out(_step(Task.CANCEL, interval_ms=10_000), seen)

    assert set(_operations(after)) == {("start", 0), ("monitor", 20_000)}


@pytest.mark.parametrize("begun", [(), ("migrate_to",)])
def test_cancelling_the_only_record_forgets_nothing(begun):
    """What a monitor found stays known, as if by a probe, where nothing else tells of it."""
    pending = [
        dataclasses.replace(_record(task, -1), status=observed.OperationStatus.PENDING)
        for task in begun
    ]
    after = effect.carry_out(
        _step(Task.CANCEL, interval_ms=10_000), _seen(*pending, _record("monitor", 2, 10_000))
    )

    assert set(_operations(after)) == {("monitor", 0), *((task, 0) for task in begun)}


@pytest.mark.parametrize("kind", [ActionKind.RESOURCE, ActionKind.CLUSTER])
def test_delete(kind):
    """Deleting removes the whole history of a resource."""
    after = effect.carry_out(_step(Task.DELETE, kind=kind), _seen(_record("stop", 1)))

    assert after.nodes["n"].histories == {}


def test_clear_failures():
    """Clearing removes every count of the resource, and of no other."""
    seen = _seen(
        attributes={
            "fail-count-r#start_0": "1",
            "last-failure-r#start_0": "1",
            "fail-count-r": "1",
            "fail-count-r2#start_0": "1",
            "standby": "off",
        }
    )

    after = effect.carry_out(_step(Task.CLEAR_FAILCOUNT, kind=ActionKind.CLUSTER), seen)

    assert set(after.nodes["n"].attributes) == {"fail-count-r2#start_0", "standby"}


def test_reload():
    """After a reload the resource runs with the new parameters."""
    seen = _seen(_record("start", 1), _record("monitor", 2, 10_000))
    step = _step(Task.RELOAD_AGENT, digests=observed.Digests("new"))

    found = _operations(effect.carry_out(step, seen))

    assert found["start", 0].digests.all == "new"
    assert found["monitor", 10_000].digests.all == ""


@pytest.mark.parametrize(
    "step",
    [
        _step(Task.NOTIFY),
        _step(Task.STOP, kind=ActionKind.PSEUDO),
        _step(Task.SHUTDOWN, kind=ActionKind.CLUSTER),
        _step(Task.START, node="elsewhere"),
    ],
)
def test_nothing_to_see(step):
    """Actions whose effect is not observed, or on nodes not observed, change nothing."""
    seen = _seen(_record("start", 1))

    assert effect.carry_out(step, seen) is seen


def test_plan_is_followed_in_order():
    """A plan's actions take effect in the order of its edges, not of their keys."""
    due = plan.Plan(
        actions=(_step(Task.START, key="a"), _step(Task.STOP, key="b")),
        edges=(plan.Edge("b", "a"),),
    )

    found = _operations(effect.apply(due, _seen()))

    assert found["stop", 0].call < found["start", 0].call


def test_circle_is_an_error():
    """A plan whose actions wait for each other is refused."""
    due = plan.Plan(
        actions=(_step(Task.START, key="a"), _step(Task.STOP, key="b")),
        edges=(plan.Edge("b", "a"), plan.Edge("a", "b")),
    )

    with pytest.raises(ValueError, match="circle"):
        effect.sequence(due)


_PAIRS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30)


def test_old_histories_number_every_instance():
    """A step of a clone instance goes to the history that the node has under a number."""
    old = observed.ResourceHistory("r:0", _DUMMY, (_record("monitor", 1, rc=7),))
    history = observed.ResourceHistory("r:3", _DUMMY, (_record("start", 2),))
    seen = _seen()
    node = dataclasses.replace(seen.nodes["n"], histories={"r:0": old, "r:3": history})
    seen = dataclasses.replace(seen, nodes={"n": node})

    after = effect.carry_out(_step(Task.STOP, instance=0), seen).nodes["n"]

    assert [one.operation for one in after.histories["r:3"].operations] == ["start", "stop"]
    assert after.histories["r:0"] == old


@given(_PAIRS)
def test_sequence_keeps_every_edge(pairs):
    """Every action comes once, and after all that it waits for."""
    edges = tuple(plan.Edge(str(a), str(b)) for a, b in pairs if a < b)
    due = plan.Plan(tuple(_step(Task.START, key=str(n)) for n in range(10)), edges)

    order = [one.key for one in effect.sequence(due)]

    assert sorted(order) == [str(n) for n in range(10)]
    assert all(order.index(edge.before) < order.index(edge.after) for edge in edges)


def test_steps_add_up():
    """Carrying out one action after another is the same as the whole plan, but for its id."""
    steps = (_step(Task.STOP, key="a"), _step(Task.START, key="b"))
    due = plan.Plan(steps, (plan.Edge("a", "b"),))
    seen = _seen(_record("start", 1))

    together = effect.apply(due, seen)
    for step in steps:
        seen = effect.carry_out(step, seen)

    assert seen.nodes == together.nodes


def test_of_numbered_histories_the_running_one_is_gone_on_with():
    """Where old histories number instances, a stop goes to the one that shows something running."""
    histories = {
        "r:1": observed.ResourceHistory("r:1", _DUMMY, (_record("monitor", 9, rc=7),)),
        "r:2": observed.ResourceHistory("r:2", _DUMMY, (_record("start", 5),)),
        "r:3": observed.ResourceHistory("r:3", _DUMMY, (_record("stop", 8),)),
    }
    seen = _seen()
    node = dataclasses.replace(seen.nodes["n"], histories=histories)
    seen = dataclasses.replace(seen, nodes={"n": node})

    after = effect.carry_out(_step(Task.STOP, instance=0), seen).nodes["n"].histories

    assert [one.operation for one in after["r:2"].operations] == ["start", "stop"]
    assert after["r:1"] == histories["r:1"]


def test_a_remote_node_that_was_reached_again_counts_as_not_fenced():
    """Fencing makes up for the loss of one connection, not for that of the next."""
    far = observed.ObservedNode("far", observed.Presence.OFFLINE, remote=True, fenced=True)
    seen = _seen()
    seen = dataclasses.replace(seen, nodes={**seen.nodes, "far": far})
    start = _step(Task.START, resource="far", agent=remote.CONNECTION)
    assert not effect.carry_out(start, seen).nodes["far"].fenced
    assert effect.carry_out(start, seen, _FAILED).nodes["far"].fenced


def test_what_was_unfenced_is_not_outdated_any_more():
    """When is noted; by which definition is not known, so none is held against the node."""
    old = {"#digests-all": "f:fence_scsi:0,", "#digests-secure": "f:fence_scsi:0,", "kept": "1"}
    node = observed.ObservedNode("n1", observed.Presence.ONLINE, attributes=old)
    seen = observed.Observed(60.0, True, {"n1": node})
    step = action.Action("on", ActionKind.FENCE, Task.ON, node="n1")
    done = outcome.Outcome(outcome.OutcomeKind.SUCCESS)

    after = effect.after([(step, done)], seen).nodes["n1"]
    assert after.attributes == {"#node-unfenced": "60", "kept": "1"}
