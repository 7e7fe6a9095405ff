"""Live migrations that were left half done: where the resource counts as active then."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies
from scheduler import test_rules as facts

from reconciler.model import fencing, observed, resource
from reconciler.model.action import ActionKind, Task
from reconciler.model.observed import OperationStatus, Presence
from reconciler.model.plan import ChangeKind
from reconciler.scheduler import pipeline

NOW = strategies.NOW
START, STOP, PROBE = ("start", 0), ("stop", 0), ("monitor", 7)
TO, TO_FAILED = ("migrate_to", 0), ("migrate_to", 1)
FROM, FROM_FAILED = ("migrate_from", 0), ("migrate_from", 1)


def _history(done, *, since: float, source="n1", target="n2") -> observed.ResourceHistory:
    """Return the history of operations a second apart; None for an exit code: under way."""
    records = []
    for call, (task, rc) in enumerate(done, 1):
        record = strategies.record(task, 193 if rc is None else rc, call, 7 * (task == "monitor"))
        status = OperationStatus.PENDING if rc is None else OperationStatus.DONE
        moved = {"source": source, "target": target} if task.startswith("migrate") else {}
        when = since + call
        records.append(dataclasses.replace(record, status=status, changed_at=when, **moved))
    return observed.ResourceHistory("p", strategies.AGENT, tuple(records))


def _seen(left, came, *, later=False, lost="") -> observed.Observed:
    """Return p as it was migrated from n1 to n2; what n2 says is older, or younger."""
    told = {"n1": _history(left, since=NOW - 1000)}
    if came:
        told["n2"] = _history(came, since=NOW - (500 if later else 2000))
    told["n3"] = _history((PROBE,), since=NOW - 2000)
    nodes = {
        name: observed.ObservedNode(
            name,
            Presence.UNKNOWN if name == lost else Presence.ONLINE,
            histories={"p": told[name]} if name in told else {},
        )
        for name in ("n1", "n2", "n3")
    }
    return observed.Observed(NOW, quorate=True, nodes=nodes)


def _wanted(**properties):
    primitive = dataclasses.replace(strategies.primitive("p", allow_migrate="true"), operations=())
    return facts.wanted(primitive, nodes=("n1", "n2", "n3"), **properties)


def _placed(*args, **options) -> tuple[str, set[str]]:
    """Return where p counts as active, with ``!`` for failed, and what is done about it."""
    desired, seen = _wanted(), _seen(*args, **options)
    (shown,) = pipeline.status(desired, seen).resources
    failed = "!" * any(flag.value == "failed" for flag in shown.flags)
    due = pipeline.schedule(desired, seen)
    real = [one for one in due.actions if one.kind is ActionKind.RESOURCE]
    done = {f"{one.task.value}@{one.node}" for one in real}
    return " ".join(shown.nodes) + failed, done


@pytest.mark.parametrize(
    ("left", "came", "later", "expected"),
    [
        ((START, TO), (), False, "n1"),
        ((START, TO), (PROBE,), False, "n1 n2"),
        ((START, TO), (PROBE,), True, "n1!"),
        ((START, TO), (FROM,), False, "n2"),
        ((START, TO), (FROM, STOP), False, ""),
        ((START, TO), (FROM_FAILED,), False, "n1 n2!"),
        ((START, TO), (FROM_FAILED, STOP), False, "n1!"),
        ((START, TO), (PROBE, ("migrate_from", None)), False, "n1 n2"),
        ((START, TO), (("migrate_from", None),), False, "n1"),
        ((START, TO), (("monitor", None),), False, "n1"),
        ((START, TO, STOP), (PROBE,), False, "n2"),
        ((START, TO, STOP), (PROBE,), True, ""),
        ((START, TO, STOP, START), (PROBE,), False, "n1 n2"),
        ((START, TO_FAILED), (PROBE,), False, "n1 n2!"),
        ((START, TO_FAILED), (PROBE,), True, "n1!"),
        ((START, TO_FAILED), (("monitor", None),), False, "n1!"),
        ((START, TO_FAILED), (FROM, STOP), False, "n1!"),
        ((PROBE,), (FROM_FAILED,), True, "n1 n2!"),
        ((PROBE,), (FROM_FAILED,), False, "n2!"),
    ],
)
def test_where_a_migration_leaves_a_resource(left, came, later, expected):
    """What left may have arrived unless the target was asked since, and the other way round."""
    assert _placed(left, came, later=later)[0] == expected


@pytest.mark.parametrize(
    ("left", "shown", "kind"),
    [
        ((START, TO), "n1 n2", ChangeKind.MIGRATE),
        ((START, TO_FAILED), "n1 n2", ChangeKind.RECOVER),
        ((START, TO_FAILED, STOP), "n2", ChangeKind.RESTART),
    ],
)
def test_what_left_nobody_knows_when_may_have_arrived(left, shown, kind):
    """Whatever the node that it went to said, it may have been before."""
    seen = _seen(left, (PROBE,), later=True)
    history = seen.nodes["n1"].histories["p"]
    operations = tuple(
        dataclasses.replace(one, changed_at=0.0) if one.operation == "migrate_to" else one
        for one in history.operations
    )
    histories = {"p": dataclasses.replace(history, operations=operations)}
    n1 = dataclasses.replace(seen.nodes["n1"], histories=histories)
    seen = dataclasses.replace(seen, nodes={**seen.nodes, "n1": n1})
    desired = dataclasses.replace(_wanted(), constraints=(facts.location("p", "n2", 100),))

    (status,) = pipeline.status(desired, seen).resources
    (change,) = pipeline.schedule(desired, seen).changes

    assert set(status.nodes) == set(shown.split())
    assert (change.kind, change.target) == (kind, "n2")


def test_what_arrived_is_stopped_where_it_left():
    """Only the stop on the source is missing; nothing restarts for it."""
    assert _placed((START, TO), (FROM,))[1] == {"stop@n1"}


def test_what_only_left_is_restarted_where_it_must_be():
    """Nobody took it over: it is stopped there before it is started."""
    due = _placed((START, TO, STOP), (PROBE,))[1]

    assert {one for one in due if one.endswith("@n2")} >= {"stop@n2"}


@pytest.mark.parametrize(("chosen", "kind"), [("n2", ChangeKind.RESTART), ("n3", ChangeKind.MOVE)])
def test_what_is_half_there_is_told_to_be_where_it_went(chosen, kind):
    """So it is unless the migration is brought to its end."""
    desired, seen = _wanted(), _seen((START, TO), (PROBE,))
    resources = (dataclasses.replace(desired.resources[0], meta=()),)
    there = (facts.location("p", chosen, 100),)
    desired = dataclasses.replace(desired, resources=resources, constraints=there)
    change = facts.change(pipeline.schedule(desired, seen), "p")

    assert (change.kind, change.source, change.target) == (kind, "n2", chosen)


def test_a_begun_migration_is_brought_to_its_end():
    """Where the target is still the right place, only the second half is done."""
    desired, seen = _wanted(), _seen((START, TO), (PROBE,))
    nodes = {**seen.nodes, "n1": dataclasses.replace(seen.nodes["n1"], standby=True)}
    nodes["n3"] = dataclasses.replace(nodes["n3"], standby=True)
    due = pipeline.schedule(desired, dataclasses.replace(seen, nodes=nodes))
    done = [
        f"{one.task.value}@{one.node}" for one in due.actions if one.kind is ActionKind.RESOURCE
    ]

    assert sorted(done) == ["migrate_from@n2", "stop@n1"]


def test_a_migration_from_a_lost_node_is_stopped_at_its_target():
    """It may be half there: it is not started elsewhere before that is over."""
    properties = {"fencing_enabled": "true", "no_quorum_policy": "ignore"}
    device = facts.resource.Primitive("f", facts.AgentName("stonith", "", "fence_xvm"))
    wanted = dataclasses.replace(_wanted(**properties), resources=(*_wanted().resources, device))
    seen = _seen((START, ("migrate_to", None)), (PROBE,), lost="n1")
    due = pipeline.schedule(wanted, seen)

    assert ("stop", "n2") in {(one.task.value, one.node) for one in due.actions}


@pytest.mark.parametrize("place", [-1, 1])
def test_a_node_that_left_is_lost_with_what_is_recorded_there_before(place):
    """What runs there makes it a lost one, but not for migrations that are recorded before."""
    properties = {"fencing_enabled": "true", "no_quorum_policy": "ignore"}
    device = facts.resource.Primitive("f", facts.AgentName("stonith", "", "fence_xvm"))
    others = (strategies.primitive("q"), device)
    wanted = dataclasses.replace(_wanted(**properties), resources=(*_wanted().resources, *others))
    seen = _seen((START, ("migrate_to", None)), (PROBE,))
    running = strategies.history("q", "running")
    assert running is not None
    histories = {**seen.nodes["n1"].histories, "q": dataclasses.replace(running, place=place)}
    left = dataclasses.replace(seen.nodes["n1"], presence=Presence.OFFLINE, histories=histories)
    due = pipeline.schedule(wanted, dataclasses.replace(seen, nodes={**seen.nodes, "n1": left}))
    keys = {one.key for one in due.actions}

    assert "stonith-n1-reboot@n1" in keys
    assert ("p_stop_0@n2" in keys) is (place < 0)


@pytest.mark.parametrize(("last", "target"), [("n1", "n1"), ("n2", "n2")])
def test_what_did_not_arrive_is_first_where_the_other_end_tells_of_it(last, target):
    """The end that is recorded first speaks of the other before it speaks of itself."""
    seen = _seen((START, TO), (PROBE, FROM_FAILED), later=True)
    nodes = {
        name: dataclasses.replace(one, place=int(name == last)) for name, one in seen.nodes.items()
    }
    due = pipeline.schedule(_wanted(), dataclasses.replace(seen, nodes=nodes))

    assert facts.change(due, "p").target == target


def _fenceable(seen, name, presence):
    """Return the plan with fencing, where one of the nodes is not as the others."""
    device = fencing.FenceDevice("f", "fence_ipmilan", hosts=tuple(seen.nodes))
    node = dataclasses.replace(seen.nodes[name], presence=presence)
    desired = dataclasses.replace(
        _wanted(fencing_enabled="true"), fencing=fencing.Fencing((device,))
    )
    changed = dataclasses.replace(seen, nodes={**seen.nodes, name: node})
    return pipeline.schedule(desired, changed)


@pytest.mark.parametrize(
    ("presence", "fenced"), [(Presence.PENDING, []), (Presence.OFFLINE, ["n1"])]
)
def test_what_arrived_stays_up_where_what_is_left_cannot_be_stopped(presence, fenced):
    """A node that is down is fenced for it, one that is joining is waited for."""
    due = _fenceable(_seen((START, TO), (FROM,)), "n1", presence)

    assert "p_stop_0@n2" not in {one.key for one in due.actions}
    assert [one.node for one in due.fencing] == fenced


def test_what_may_have_gone_to_a_node_that_joins_is_not_started_again():
    """Nobody has asked there since."""
    due = _fenceable(_seen((START, TO), (PROBE,)), "n2", Presence.PENDING)

    assert not [one for one in due.actions if one.key.startswith("p_start_0")]


@pytest.mark.parametrize(("source", "found"), [("n2", ["n1", "n3", "n2"]), ("n1", ["n3", "n1"])])
def test_where_it_may_have_gone_comes_before_where_it_left(source, found):
    """Nodes that were recorded before that one stay first."""
    told = {
        "n1": _history((START,), since=NOW - 1000),
        "n2": _history((PROBE,), since=NOW - 1000),
        "n3": _history((PROBE,), since=NOW - 2000),
    }
    told[source] = _history((START, TO_FAILED), since=NOW - 1000, source=source, target="n3")
    nodes = {
        name: observed.ObservedNode(name, Presence.ONLINE, histories={"p": told[name]}, place=place)
        for place, name in enumerate(told)
    }
    standing = pipeline._examine(_wanted(), observed.Observed(NOW, quorate=True, nodes=nodes))
    running = standing.standing.standing[0].running

    assert [standing.standing.nodes[where].name for where in running] == found


def test_what_did_not_arrive_well_long_ago_may_be_there():
    """The failure does not count any more, but the resource is stopped there before it starts."""
    primitive = strategies.primitive("p", allow_migrate="true", failure_timeout="60s")
    seen = _seen((START, TO), (PROBE, FROM_FAILED))
    due = pipeline.schedule(facts.wanted(primitive, nodes=tuple(seen.nodes)), seen)
    stops = {one.node for one in due.actions if one.task is Task.STOP and one.real}

    assert (facts.change(due, "p").kind, stops) == (ChangeKind.RESTART, {"n1", "n2"})


def _alike(target: str) -> tuple[bool, set[str]]:
    """Return whether an instance that was sent from n1 failed, and where its clone stops one."""
    wanted = dataclasses.replace(strategies.primitive("p", allow_migrate="true"), operations=())
    clone = resource.Clone("c", wanted, meta=strategies.sets(clone_max="1"))
    left = _history((START, TO), since=NOW - 1000, target=target)
    came = _history((FROM,), since=NOW - 500)
    nodes = {
        name: observed.ObservedNode(name, Presence.ONLINE, histories={"p": told}, place=place)
        for place, (name, told) in enumerate({"n1": left, "n2": came}.items())
    }
    seen = observed.Observed(NOW, quorate=True, nodes=nodes)
    due = pipeline.schedule(facts.wanted(clone), seen)
    recovered = any(one.kind is ChangeKind.RECOVER for one in due.changes)
    return recovered, {one.node for one in due.actions if one.task is Task.STOP and one.real}


@pytest.mark.parametrize(
    ("target", "expected"), [("n2", (False, {"n2"})), ("n9", (True, {"n1", "n2"}))]
)
def test_of_instances_that_are_alike_none_is_known_to_have_gone(target, expected):
    """Each node has what its own history says; only to a node that is not there nobody goes."""
    assert _alike(target) == expected
