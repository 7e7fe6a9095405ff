"""Clearing of fail counts that no longer say anything."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies
from scheduler import test_rules as facts

from reconciler.model import observed, resource
from reconciler.model.action import Task
from reconciler.model.plan import Edge
from reconciler.scheduler import digest, pipeline

SAME = observed.Digests(all=digest.digest({"CRM_meta_timeout": "20000"}))
CHANGED = observed.Digests(all="0" * 32)


def _cleared(*resources, **given):
    """Return where a fail count of p on n1 is cleared, with a monitor that has some digests."""
    due = _plan(*resources, **given)
    return [one.node for one in due.actions if one.task is Task.CLEAR_FAILCOUNT]


def _plan(*resources, last: float = 10.0, digests=SAME, interval_ms=10_000, state="running"):
    """Return what is due where p has failed on n1."""
    attributes = {
        "fail-count-p#monitor_10000": "1",
        "last-failure-p#monitor_10000": str(strategies.NOW - last),
    }
    seen = facts.seen({"n1": {"p": state}, "n2": {"p": "stopped"}}, attributes={"n1": attributes})
    node = seen.nodes["n1"]
    histories = dict(node.histories)
    if state == "running":
        monitor = strategies.record("monitor", 0, 9, 0, interval_ms)
        monitor = dataclasses.replace(monitor, digests=digests)
        found = histories["p"]
        found = dataclasses.replace(found, operations=(*found.operations, monitor))
        histories["p"] = found
    nodes = {**seen.nodes, "n1": dataclasses.replace(node, histories=histories)}
    return pipeline.schedule(facts.wanted(*resources), dataclasses.replace(seen, nodes=nodes))


def test_a_fail_count_of_what_runs_unchanged_is_kept():
    """Without a time-out and without a change a failure is never forgotten."""
    assert _cleared(strategies.primitive("p")) == []


@pytest.mark.parametrize(("digests", "interval_ms"), [(CHANGED, 10_000), (SAME, 20_000)])
def test_a_redefinition_clears_the_fail_count(digests, interval_ms):
    """A monitor with other parameters, or one that is not configured any more, tells of one."""
    found = _cleared(strategies.primitive("p"), digests=digests, interval_ms=interval_ms)

    assert found == ["n1"]


@pytest.mark.parametrize(("last", "cleared"), [(8_000.0, []), (10.0, ["n1"])])
def test_a_redefinition_clears_no_fail_count_that_has_expired(last, cleared):
    """It waits until all that is on record is as old: it counts for nothing in the meantime."""
    resource = strategies.primitive("p", failure_timeout="2h")

    assert _cleared(resource, last=last, digests=CHANGED) == cleared


def test_a_redefinition_clears_nothing_where_nothing_may_run():
    """On a node that shuts down no definition is looked at."""
    attributes = {"n1": {"fail-count-p#start_0": "1"}}
    seen = facts.seen({"n1": {"p": "running"}, "n2": {}}, attributes=attributes)
    leaving = dataclasses.replace(seen.nodes["n1"], shutdown=True)
    seen = dataclasses.replace(seen, nodes={**seen.nodes, "n1": leaving})
    changed = dataclasses.replace(strategies.primitive("p"), params=strategies.sets(fake="another"))
    due = pipeline.schedule(facts.wanted(changed), seen)

    assert {Task.STOP, Task.CLEAR_FAILCOUNT} & {one.task for one in due.actions} == {Task.STOP}


def test_an_unmanaged_resource_keeps_its_fail_count():
    """Nothing is done for a resource that is not managed, not even that."""
    assert _cleared(strategies.primitive("p", is_managed="false"), digests=CHANGED) == []


def test_a_removed_resource_loses_its_fail_count():
    """Failures of what is configured no longer are cleared with the rest."""
    assert _cleared() == ["n1"]


def test_what_was_removed_loses_its_fail_count_before_it_is_stopped():
    """Also where it runs well."""
    due = _plan()
    assert Edge("p_clear_failcount_0@n1", "p_stop_0@n1") in due.edges


def test_what_was_removed_is_stopped_nowhere_before_it_loses_every_fail_count():
    """A fail count on another node is cleared first, too."""
    count = {"fail-count-p#monitor_10000": "3", "last-failure-p#monitor_10000": "1"}
    states = {"n1": {"p": "running"}, "n2": {"p": "stopped"}}
    due = pipeline.schedule(facts.wanted(), facts.seen(states, attributes={"n2": count}))

    assert Edge("p_clear_failcount_0@n2", "p_stop_0@n1") in due.edges


@pytest.mark.parametrize(("state", "cleared"), [("stopped", ["n1"]), ("unknown", [])])
def test_an_expired_fail_count_is_cleared_where_there_is_a_history(state, cleared):
    """What was never asked on a node has nothing to be cleared there."""
    resource = strategies.primitive("p", failure_timeout="60s")

    assert _cleared(resource, last=100.0, state=state) == cleared


def test_an_expired_fail_count_is_cleared_beside_an_instance_in_maintenance():
    """Where no instance is active those that are managed speak for it."""
    count = {"fail-count-p#start_0": "1", "last-failure-p#start_0": str(strategies.NOW - 100)}
    states = {"n1": {"p": "running"}, "n2": {"p": "stopped"}}
    wanted = facts.wanted(resource.Clone("c", strategies.primitive("p", failure_timeout="60s")))
    resting, other = wanted.nodes
    wanted = dataclasses.replace(
        wanted, nodes=(dataclasses.replace(resting, maintenance=True), other)
    )
    due = pipeline.schedule(wanted, facts.seen(states, attributes={"n2": count}))

    assert [one.node for one in due.actions if one.task is Task.CLEAR_FAILCOUNT] == ["n2"]


_NOW = strategies.NOW


@pytest.mark.parametrize(
    ("changed_at", "cleared", "recheck_at"),
    [(_NOW - 3_600, ["n1"], None), (_NOW - 30, [], _NOW + 30), (0.0, [], None)],
)
def test_a_fail_count_stays_while_all_that_is_on_record_is_young(changed_at, cleared, recheck_at):
    """An operation has to be known to be older than the time-out; it need not be one that failed."""
    resource = strategies.primitive("p", failure_timeout="60s")
    last = strategies.NOW - 100
    attributes = {"fail-count-p#monitor_10000": "1", "last-failure-p#monitor_10000": str(last)}
    seen = facts.seen({"n1": {"p": "stopped"}, "n2": {}}, attributes={"n1": attributes})
    found = seen.nodes["n1"].histories["p"]
    record = dataclasses.replace(found.operations[0], changed_at=changed_at)
    history = {"p": dataclasses.replace(found, operations=(record,))}
    node = dataclasses.replace(seen.nodes["n1"], histories=history)
    seen = dataclasses.replace(seen, nodes={**seen.nodes, "n1": node})
    due = pipeline.schedule(facts.wanted(resource), seen)

    assert [one.node for one in due.actions if one.task is Task.CLEAR_FAILCOUNT] == cleared
    assert due.recheck_at == recheck_at


def _remembering(digests: observed.Digests, count: str | None) -> observed.Observed:
    """Return a node that remembers a failed monitor of what was stopped since."""
    attributes = {} if count is None else {"fail-count-p#monitor_10000": count}
    seen = facts.seen({"n1": {"p": "stopped"}}, attributes={"n1": attributes})
    failed = dataclasses.replace(
        strategies.record("monitor", 1, 2, 0, 10_000), digests=digests, id="p_last_failure_0"
    )
    known = seen.nodes["n1"].histories["p"]
    past = (*known.operations, failed, strategies.record("stop", 0, 3))
    seen.nodes["n1"].histories["p"] = dataclasses.replace(known, operations=past)
    return seen


@pytest.mark.parametrize("digests", [CHANGED, SAME])
@pytest.mark.parametrize("count", ["INFINITY", None])
def test_a_remembered_failure_of_another_definition_bans_nothing(digests, count):
    """It is cleared with its count, if there is one, and also where all has been stopped since."""
    seen = _remembering(digests, count)
    wanted = facts.wanted(strategies.primitive("p", migration_threshold="3"), nodes=("n1",))
    tasks = {one.task for one in pipeline.schedule(wanted, seen).actions}

    assert (Task.CLEAR_FAILCOUNT in tasks) is (digests is CHANGED)
    assert (Task.START in tasks) is (digests is CHANGED or count is None)


def test_an_anonymous_clone_keeps_its_ban_until_such_a_failure_is_cleared():
    """Any of its instances may have failed there."""
    seen = _remembering(CHANGED, "INFINITY")
    clone = resource.Clone("c", strategies.primitive("p", migration_threshold="3"))
    due = pipeline.schedule(facts.wanted(clone, nodes=("n1",)), seen)

    assert {one.task for one in due.actions if one.real} == {Task.CLEAR_FAILCOUNT}
