"""Changed parameters that an agent takes up while it runs, and those that it cannot."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies

from reconciler.model import action, agent, desired, node, observed, plan, resource
from reconciler.model.action import Task
from reconciler.model.observed import Presence
from reconciler.model.plan import ChangeKind
from reconciler.model.reason import ReasonCode
from reconciler.scheduler import digest, pipeline
from reconciler.transition import effect

_OLD = {"fake": "old", "size": "1"}


def _metadata(*operations: str) -> agent.Metadata:
    return agent.Metadata(
        strategies.AGENT,
        parameters=(agent.Parameter("fake", reloadable=True), agent.Parameter("size")),
        operations=tuple(agent.AdvisedOperation(name) for name in operations),
    )


_ABLE = _metadata("reload-agent")


def _wanted(params, metadata=_ABLE, **meta) -> desired.Desired:
    """Return one resource with these parameters, that prefers to stay where it is."""
    meta.setdefault("resource_stickiness", "1")
    one = dataclasses.replace(
        strategies.primitive("p", **meta),
        params=strategies.sets(**params),
        operations=(resource.Operation("monitor", 10_000, timeout_ms=20_000),),
    )
    return desired.Desired(
        "reloads",
        properties=strategies.sets(fencing_enabled="false"),
        nodes=(node.Node("n1"), node.Node("n2")),
        resources=(one,),
        agents={} if metadata is None else {strategies.AGENT: metadata},
    )


def _seen(recorded=_ABLE) -> observed.Observed:
    """Return a cluster whose resource runs on n1 with the old parameters."""
    start = dataclasses.replace(
        strategies.record("start", 0, 2), digests=digest.digests(_OLD, recorded)
    )
    monitor = dataclasses.replace(
        strategies.record("monitor", 0, 3, 0, 10_000),
        digests=digest.digests(_OLD, recorded, 10_000, 20_000),
    )
    runs = observed.ResourceHistory("p", strategies.AGENT, (start, monitor))
    stopped = strategies.history("p", "stopped")
    nodes = {
        "n1": observed.ObservedNode("n1", Presence.ONLINE, histories={"p": runs}),
        "n2": observed.ObservedNode("n2", Presence.ONLINE, histories={"p": stopped}),
    }
    return observed.Observed(strategies.NOW, quorate=True, nodes=nodes)


def _only(due: plan.Plan) -> plan.Change:
    (change,) = due.changes
    return change


def _tasks(due: plan.Plan) -> list[tuple[Task, int]]:
    return [(one.task, one.interval_ms) for one in due.actions if one.real]


def test_unchanged_parameters_need_nothing():
    """What runs with the wanted parameters is left alone."""
    assert _tasks(pipeline.schedule(_wanted(_OLD), _seen())) == []


def test_a_reloadable_parameter_reaches_the_agent_by_a_reload():
    """The agent gets the new value, then is monitored with it; nothing is stopped."""
    due = pipeline.schedule(_wanted({**_OLD, "fake": "new"}), _seen())
    reload, monitor = sorted(due.actions, key=lambda one: one.interval_ms)

    assert _tasks(due) == [(Task.MONITOR, 10_000), (Task.RELOAD_AGENT, 0)]
    assert dict(reload.params) == {"fake": "new", "size": "1"}
    assert reload.digests == digest.digests({"fake": "new", "size": "1"}, _ABLE)
    assert due.edges == (plan.Edge(reload.key, monitor.key),)
    assert _only(due).kind is ChangeKind.RELOAD
    assert _only(due).reason.code is ReasonCode.PARAMETERS_CHANGED
    assert (_only(due).source, _only(due).target) == ("n1", "n1")


def test_after_the_reload_nothing_is_left_to_do():
    """The digests that the reload left in the history are those that count."""
    wanted, seen = _wanted({**_OLD, "fake": "new"}), _seen()

    after = effect.apply(pipeline.schedule(wanted, seen), seen)

    assert _tasks(pipeline.schedule(wanted, after)) == []


def test_only_the_latest_of_start_and_reload_counts():
    """Going back to the first value is a change, too, once another was reloaded."""
    seen = _seen()
    changed = effect.apply(pipeline.schedule(_wanted({**_OLD, "fake": "new"}), seen), seen)
    kept = changed.nodes["n1"].histories["p"].operations
    kept = tuple(
        dataclasses.replace(one, digests=digest.digests(_OLD, _ABLE))
        if one.operation == "start"
        else one
        for one in kept
    )
    history = dataclasses.replace(changed.nodes["n1"].histories["p"], operations=kept)
    node_after = dataclasses.replace(changed.nodes["n1"], histories={"p": history})
    changed = dataclasses.replace(changed, nodes={**changed.nodes, "n1": node_after})

    due = pipeline.schedule(_wanted(_OLD), changed)

    assert Task.RELOAD_AGENT in {one.task for one in due.actions}


_FIXED = {"fake": "old", "size": "2"}


@pytest.mark.parametrize(
    ("records", "restarts"),
    [
        pytest.param([("start", _OLD), ("promote", _FIXED)], True, id="promoted since"),
        pytest.param([("promote", _FIXED), ("demote", _OLD)], False, id="demoted since"),
        pytest.param([("start", _OLD), ("monitor", _FIXED)], True, id="probed since"),
        pytest.param([("monitor", _FIXED), ("start", _OLD)], False, id="started since"),
        pytest.param([("start", _OLD), ("demote", _FIXED)], False, id="only demoted"),
    ],
)
def test_every_record_since_the_start_tells_of_parameters(records, restarts):
    """Promotions and probes do, but a promotion that is over does not."""
    seen = _seen(None)
    operations = tuple(
        dataclasses.replace(strategies.record(name, 0, call), digests=digest.digests(params, None))
        for call, (name, params) in enumerate(records, 1)
    )
    history = dataclasses.replace(seen.nodes["n1"].histories["p"], operations=operations)
    nodes = {**seen.nodes, "n1": dataclasses.replace(seen.nodes["n1"], histories={"p": history})}
    wanted = _wanted(_OLD, None)
    clone = resource.Clone("c", wanted.resources[0], meta=strategies.sets(promotable="true"))
    wanted = dataclasses.replace(wanted, resources=(clone,))
    due = pipeline.schedule(wanted, dataclasses.replace(seen, nodes=nodes))

    assert ("n1" in {one.node for one in due.actions if one.task is Task.STOP}) is restarts


def test_a_reload_starts_monitors_anew():
    """Even those that were started with today's parameters."""
    seen, today = _seen(), {**_OLD, "fake": "new"}
    start, monitor = seen.nodes["n1"].histories["p"].operations
    monitor = dataclasses.replace(monitor, digests=digest.digests(today, _ABLE, 10_000, 20_000))
    history = dataclasses.replace(seen.nodes["n1"].histories["p"], operations=(start, monitor))
    nodes = {**seen.nodes, "n1": dataclasses.replace(seen.nodes["n1"], histories={"p": history})}
    due = pipeline.schedule(_wanted(today), dataclasses.replace(seen, nodes=nodes))

    assert _tasks(due) == [(Task.MONITOR, 10_000), (Task.RELOAD_AGENT, 0)]


@pytest.mark.parametrize(
    ("params", "metadata", "recorded"),
    [
        pytest.param({"fake": "old", "size": "2"}, _ABLE, _ABLE, id="fixed parameter"),
        pytest.param({"fake": "new", "size": "2"}, _ABLE, _ABLE, id="both kinds"),
        pytest.param({"fake": "new", "size": "1", "x": "1"}, _metadata(), _ABLE, id="no reload"),
        pytest.param({"fake": "new", "size": "1"}, _ABLE, _metadata(), id="not offered then"),
        pytest.param({"fake": "new", "size": "1"}, _ABLE, None, id="nothing known then"),
    ],
)
def test_what_the_agent_cannot_reload_is_restarted(params, metadata, recorded):
    """A change that the running agent cannot take up stops the resource and starts it."""
    due = pipeline.schedule(_wanted(params, metadata), _seen(recorded))

    assert _only(due).kind is ChangeKind.RESTART
    assert {Task.STOP, Task.START} <= {one.task for one in due.actions}
    assert Task.RELOAD_AGENT not in {one.task for one in due.actions}


@pytest.mark.parametrize(
    ("metadata", "task"),
    [(_metadata("reload"), Task.RELOAD), (None, Task.RELOAD_AGENT)],
)
def test_the_history_can_say_that_an_agent_reloads(metadata, task):
    """Agents of older days call it reload; unknown ones have shown that they can."""
    due = pipeline.schedule(_wanted({**_OLD, "fake": "new"}, metadata), _seen())

    assert task in {one.task for one in due.actions}
    assert _only(due).kind is ChangeKind.RELOAD


def test_a_resource_that_is_stopped_anyway_is_not_reloaded():
    """Where the resource leaves or starts anew, it gets the parameters with the start."""
    due = pipeline.schedule(_wanted({**_OLD, "fake": "new"}, target_role="Stopped"), _seen())

    assert Task.RELOAD_AGENT not in {one.task for one in due.actions}
    assert _only(due).kind is ChangeKind.STOP


def test_an_unmanaged_resource_is_not_reloaded():
    """What is not managed keeps its parameters."""
    due = pipeline.schedule(_wanted({**_OLD, "fake": "new"}, is_managed="false"), _seen())

    assert not {Task.RELOAD_AGENT, Task.STOP} & {one.task for one in due.actions}


def test_a_failed_reload_leads_to_recovery():
    """An agent that could not reload is stopped and started with the new parameters."""
    wanted, seen = _wanted({**_OLD, "fake": "new"}), _seen()
    failed = observed.OperationRecord(
        "reload-agent", 0, 4, 1, observed.OperationStatus.ERROR, changed_at=strategies.NOW
    )
    history = seen.nodes["n1"].histories["p"]
    history = dataclasses.replace(history, operations=(*history.operations, failed))
    nodes = {**seen.nodes, "n1": dataclasses.replace(seen.nodes["n1"], histories={"p": history})}

    due = pipeline.schedule(wanted, dataclasses.replace(seen, nodes=nodes))

    assert _only(due).kind is ChangeKind.RECOVER
    started = next(one for one in due.actions if one.task is Task.START)
    assert isinstance(started, action.Action)
    assert started.params["fake"] == "new"


def test_parameters_of_the_start_operation_do_not_restart_for_ever():
    """A start's own parameters are part of its digest on both sides of the comparison."""
    start = resource.Operation("start", 0, attributes=strategies.sets(OCF_CHECK_LEVEL="10"))
    wanted = _wanted(_OLD, None)
    one = dataclasses.replace(wanted.resources[0], operations=(start,))
    wanted = dataclasses.replace(wanted, resources=(one,))
    seen = _seen(None)
    after = effect.apply(pipeline.schedule(wanted, seen), seen)

    assert _tasks(pipeline.schedule(wanted, after)) == []


_MASKED = {"size": "2", "secret": "****"}


def _masked(
    size: str, names: tuple[str, ...] = ("secret",), params: dict[str, str] = _MASKED
) -> list[tuple[Task, int]]:
    """Return what is done where a private parameter is masked, and another was ``size``."""
    then = observed.Digests("of a secret", "", digest.digest({"size": size}), (), names)
    seen = _seen()
    records = tuple(
        dataclasses.replace(one, digests=then) for one in seen.nodes["n1"].histories["p"].operations
    )
    history = dataclasses.replace(seen.nodes["n1"].histories["p"], operations=records)
    one = dataclasses.replace(seen.nodes["n1"], histories={"p": history})
    seen = dataclasses.replace(seen, nodes={**seen.nodes, "n1": one})
    return _tasks(pipeline.schedule(_wanted(params), seen))


def test_a_masked_parameter_is_no_change():
    """Without what the history names as private the parameters, and their monitor, are the same."""
    assert _masked("2") == []


def test_a_new_secret_is_a_change():
    """What runs with the old password is restarted with the new one: only masks do not count."""
    assert (Task.STOP, 0) in _masked("2", params={"size": "2", "secret": "new"})


@pytest.mark.parametrize(("size", "names"), [("1", ("secret",)), ("2", ())])
def test_beside_a_masked_parameter_others_count(size, names):
    """Another size is a change, and so is what the history does not name as private."""
    assert (Task.STOP, 0) in _masked(size, names)


@pytest.mark.parametrize(("names", "fits"), [(("x", digest.SETTINGS), True), (("x",), False)])
def test_settings_of_a_device_may_be_left_out_as_if_private(names, fits):
    """The parameters that tell the cluster how to use a fence device are named by one word."""
    recorded = observed.Digests("other", nonprivate=digest.digest({"ip": "1"}))
    recorded = dataclasses.replace(recorded, private_parameters=names)

    assert digest.fits(recorded, {"ip": "1", "x": "*", "pcmk_host_list": "n"}, {}) == fits
