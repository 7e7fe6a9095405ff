"""What is believed of the nodes' reports."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from reconciler.controller import fold, quorum, records
from reconciler.model import agent, desired, node, observed
from reconciler.ports import nodes

WANTED = desired.Desired("c", nodes=tuple(node.Node(name) for name in ("n1", "n2", "n3")))
DUMMY = agent.AgentName("ocf", "heartbeat", "Dummy")


def report(name, boot="b1", **rest):
    """Return a node's report."""
    return nodes.NodeReport(name, boot, f"{name}-executor", 1, 0, **rest)


def entry(operation, rc=0, interval_ms=0, status=observed.OperationStatus.DONE, **rest):
    """Return a history entry."""
    return observed.OperationRecord(operation, interval_ms, 1, rc, status, **rest)


def history(*operations, name="r", revision=7):
    """Return histories of one resource."""
    return {name: observed.ResourceHistory(name, DUMMY, operations, revision)}


def recorded(**values):
    """Return records; two underscores stand for a slash."""
    return {
        key.replace("__", "/").replace("_dash_", "-"): nodes.Record(value, (1, 1))
        for key, value in values.items()
    }


def folded(reports, known=None, **rest):
    """Return what is seen when some nodes report and all others are silent."""
    every = {one.name: reports.get(one.name) for one in WANTED.nodes}
    return fold.fold(WANTED, every, known or {}, 1000.0, **rest)


def presence(known, reports=None):
    """Return what is known of n1."""
    return folded(reports or {}, known).nodes["n1"].presence


SEEN = records.Seen("b1", 900.0).value()
CONFIRMED = records.Fence("confirmed", "b1", 950.0, 3, "pdu", "node-lost").value()


def test_a_node_that_answers_is_online():
    """An answer is all that ONLINE needs."""
    assert presence({}, {"n1": report("n1")}) is observed.Presence.ONLINE


def test_silence_is_unknown_never_offline():
    """A known node that does not answer is UNKNOWN, one that nobody ever saw is UNSEEN."""
    assert presence(recorded(node__n1=SEEN)) is observed.Presence.UNKNOWN
    assert presence({}) is observed.Presence.UNSEEN


def test_a_confirmed_fencing_of_the_last_known_boot_proves_a_node_off():
    """Only a confirmation, and only of the boot that was seen last, makes silence OFFLINE."""
    proven = recorded(node__n1=SEEN, fence__n1=CONFIRMED)
    intent = recorded(node__n1=SEEN, fence__n1={**CONFIRMED, "state": "intent"})
    other = recorded(node__n1={**SEEN, "boot_id": "b2"}, fence__n1=CONFIRMED)

    assert presence(proven) is observed.Presence.OFFLINE
    assert presence(intent) is observed.Presence.UNKNOWN
    assert presence(other) is observed.Presence.UNKNOWN


def test_a_node_that_was_never_seen_can_be_proven_off():
    """A fencing that was confirmed without any known boot holds until the node is seen."""
    unseen = recorded(fence__n1={**CONFIRMED, "boot_id": ""})

    assert presence(unseen) is observed.Presence.OFFLINE


def test_a_node_that_left_cleanly_is_offline():
    """A recorded clean leave makes silence OFFLINE."""
    left = recorded(node__n1={**SEEN, "expected_up": False})

    assert presence(left) is observed.Presence.OFFLINE


def test_a_node_that_answers_from_a_fenced_boot_is_unclean():
    """A device that confirmed a node off is contradicted by its answer: it must be fenced."""
    known = recorded(node__n1=SEEN, fence__n1=CONFIRMED)

    assert "pdu" in folded({"n1": report("n1")}, known).nodes["n1"].unclean_reason
    assert not folded({"n1": report("n1", "b2")}, known).nodes["n1"].unclean_reason


@pytest.mark.parametrize("value", [None, 7, "text", [], {"boot_id": 5, "state": []}])
def test_records_of_another_shape_prove_nothing(value):
    """A record that cannot be understood is read as if there were none."""
    known = recorded(node__n1=value, fence__n1=value, standby__n1=value, ticket__t=value)

    seen = folded({}, known)

    assert seen.nodes["n1"].presence is observed.Presence.UNSEEN
    assert seen.nodes["n1"].standby is None


def test_a_lost_operation_voids_the_history_of_its_resource():
    """Where an outcome is lost the scheduler finds no history, and probes."""
    lost = history(entry("start"), entry("stop", status=observed.OperationStatus.LOST))
    kept = history(entry("start"), name="other")

    seen = folded({"n1": report("n1", histories={**lost, **kept})})

    assert list(seen.nodes["n1"].histories) == ["other"]


def test_a_lost_operation_is_over_once_a_later_one_has_shown_the_state():
    """After a probe the lost entry is dropped, and the history counts again."""
    probed = history(
        entry("start", status=observed.OperationStatus.LOST),
        dataclasses.replace(entry("monitor", rc=7, expected_rc=7), call=2),
    )

    seen = folded({"n1": report("n1", histories=probed)}).nodes["n1"].histories["r"]

    assert ([one.operation for one in seen.operations], seen.revision) == (["monitor"], 7)


def test_a_pending_operation_counts_only_while_something_runs():
    """An intent without a running action is as good as lost."""
    pending = history(entry("start", status=observed.OperationStatus.PENDING))
    running = (nodes.Running("id", "r", "start", 0, 0.0),)

    assert not folded({"n1": report("n1", histories=pending)}).nodes["n1"].histories
    busy = report("n1", histories=pending, running=running)
    assert folded({"n1": busy}).nodes["n1"].histories


def test_monitors_count_only_while_they_are_scheduled():
    """A monitor that was well and is not scheduled is dropped; a failed one is kept."""
    entries = history(
        entry("start"),
        entry("monitor", interval_ms=10),
        entry("monitor", interval_ms=20),
        entry("monitor", rc=7, interval_ms=30),
    )
    scheduled = (nodes.Recurring("r", "monitor", 10),)

    seen = folded({"n1": report("n1", histories=entries, recurring=scheduled)})

    kept = [one.interval_ms for one in seen.nodes["n1"].histories["r"].operations]
    assert kept == [0, 10, 30]


def test_what_a_silent_node_ran_is_remembered():
    """The last report of a node that is UNKNOWN now is kept: it may still run all that."""
    old = {"n1": report("n1", histories=history(entry("start")), transient={"x": "1"})}

    unknown = folded({}, recorded(node__n1=SEEN), remembered=old).nodes["n1"]
    proven = folded({}, recorded(node__n1=SEEN, fence__n1=CONFIRMED), remembered=old).nodes["n1"]

    assert (list(unknown.histories), dict(unknown.attributes)) == (["r"], {"x": "1"})
    assert (list(proven.histories), dict(proven.attributes)) == ([], {})


def test_switches_and_attributes_reach_the_node():
    """Standby and maintenance come from records, attributes and the wish to leave from the node."""
    known = recorded(standby__n1=True, maintenance__n1=False)
    here = report("n1", transient={"a": "t", "shutdown": "17"}, permanent={"a": "p", "b": "p"})

    seen = folded({"n1": here}, known).nodes["n1"]

    assert (seen.standby, seen.maintenance, seen.shutdown) == (True, False, True)
    assert seen.attributes == {"a": "t", "b": "p", "shutdown": "17"}


def test_tickets_and_cluster_attributes_come_from_records():
    """Tickets and cluster-wide attributes are records like others."""
    ticket = {"granted": True, "standby": False, "last_granted": 5}
    seen = folded({}, recorded(ticket__t=ticket, attribute__colour="red"))

    assert seen.tickets == {"t": observed.TicketState(granted=True, last_granted=5.0)}
    assert seen.attributes == {"colour": "red"}


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_quorum_is_a_majority_of_the_manifest(count):
    """Two of three nodes are a majority, one is not."""
    names = ["n1", "n2", "n3"][:count]

    assert folded({name: report(name) for name in names}).quorate is (count >= 2)


def test_remote_nodes_have_no_vote():
    """A remote node counts neither for nor against the quorum."""
    far = node.Node("far", kind=node.NodeKind.REMOTE)
    wanted = dataclasses.replace(WANTED, nodes=(*WANTED.nodes[:2], far))

    assert quorum.needed(wanted) == 2
    assert not quorum.holds(wanted, ["n1", "far"])


def test_the_id_names_what_was_seen_and_not_when():
    """The same facts at another time have the same id; any other fact gives another."""
    first = folded({"n1": report("n1")})
    later = fold.fold(WANTED, {"n1": report("n1")}, {}, 2000.0)
    fewer = folded({})

    assert first.id == later.id
    assert first.id != fewer.id


def test_the_highest_version_of_a_record_counts():
    """Whatever order the nodes are asked in, the newest record wins, and old ones are named."""
    old, new = nodes.Record("old", (1, 9)), nodes.Record("new", (2, 1))
    held = {
        "n1": report("n1", records={"k": old}),
        "n2": report("n2", records={"k": new}),
        "n3": report("n3"),
    }

    for order in itertools.permutations(held):
        assert records.merge({name: held[name] for name in order}) == {"k": new}
    assert records.outdated({**held, "n4": None}) == {"n1": {"k": new}, "n3": {"k": new}}


def test_fence_times_of_the_last_hour_count_on_both_sides():
    """A clock that was set back must not make the limit of fencings forget."""
    known = recorded(fenced_dash_times__n1=[100.0, 5000.0, 6000.0, 9000.0, "odd"])

    assert records.times(known, "n1", 6000.0) == (5000.0, 6000.0, 9000.0)
