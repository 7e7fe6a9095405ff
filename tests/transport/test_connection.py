"""Connections to real executors: actions, lost replies, silence, garbage, the lease."""

from __future__ import annotations

import asyncio
import json
import signal
import uuid

import pytest

from reconciler.model import action, outcome, secret
from reconciler.ports import nodes

pytestmark = pytest.mark.real

KIND = outcome.OutcomeKind
CODE = outcome.RefusalCode
HOLDER = nodes.LeaseHolder("a", "ci-1", "root", 10, "apply", 1.0)
OTHER = nodes.LeaseHolder("b", "ci-2", "root", 11, "watch", 2.0)


async def test_actions_of_a_resource_leave_a_history(lab):
    """Probe, start, recurring monitor, stop: outcomes and history are those of the agent."""
    connected = await lab.connect()

    probe = await lab.perform(connected, lab.step(action.Task.MONITOR, probe=True, expected_rc=7))
    start = await lab.perform(connected, lab.step(), action_id=str(uuid.UUID(int=7)))
    await lab.perform(connected, lab.step(action.Task.MONITOR, interval_ms=60_000))
    report = await connected.observe(deadline_s=5)

    history = report.histories["r"]
    started = next(one for one in history.operations if one.operation == "start")
    assert (probe.kind, probe.rc) == (KIND.SUCCESS, 7)
    assert (start.kind, start.rc) == (KIND.SUCCESS, 0)
    assert start.began_at > 0
    assert report.boot_id == lab.executor.boot_id
    assert started.token == str(uuid.UUID(int=7))
    assert report.recurring == (nodes.Recurring("r", "monitor", 60_000),)
    assert str(history.agent) == "ocf:reconciler:Dummy"
    assert history.revision > start.revision


async def test_unexpected_exit_code_is_a_failure(lab):
    """The agent answered, and not as expected."""
    connected = await lab.connect()

    result = await lab.perform(connected, lab.step(action.Task.MONITOR, expected_rc=0))

    assert (result.kind, result.rc) == (KIND.FAILURE, 7)


async def test_time_out_is_unknown(lab):
    """An agent that was killed at its time-out may have done anything."""
    connected = await lab.connect()

    result = await lab.perform(connected, lab.step(timeout_ms=300), delay="30")

    assert result.kind is KIND.UNKNOWN
    assert result.rc is None


async def test_cleanup_cancel_and_delete_are_the_executors_own(lab):
    """Bookkeeping actions succeed without an agent and show in the next observation."""
    connected = await lab.connect()
    await lab.perform(connected, lab.step(action.Task.MONITOR, expected_rc=0, interval_ms=60_000))
    failed = await connected.observe(deadline_s=5)

    cleared = await lab.perform(connected, lab.step(action.Task.CLEAR_FAILCOUNT))
    after_clear = await connected.observe(deadline_s=5)
    cancelled = await lab.perform(connected, lab.step(action.Task.CANCEL, interval_ms=60_000))
    after_cancel = await connected.observe(deadline_s=5)
    deleted = await lab.perform(connected, lab.step(action.Task.DELETE))

    assert failed.transient["fail-count-r#monitor_60000"] == "1"
    assert cleared.ok
    assert "fail-count-r#monitor_60000" not in after_clear.transient
    assert cancelled.ok
    assert after_cancel.recurring == ()
    assert deleted.ok
    assert (await connected.observe(deadline_s=5)).histories == {}


async def test_what_no_executor_does_is_refused(lab):
    """Fencing is not sent to the node."""
    connected = await lab.connect()

    result = await lab.perform(connected, lab.step(action.Task.OFF))

    assert (result.kind, result.refusal) == (KIND.REFUSED, CODE.OTHER)


async def test_changed_facts_are_refused(lab):
    """Another boot, another revision, a lower token, an unknown agent: nothing is run."""
    connected = await lab.connect()
    await lab.perform(connected, lab.step(action.Task.MONITOR, expected_rc=7), token=5)

    boot = await lab.perform(connected, lab.step(), token=5, boot_id=str(uuid.uuid4()))
    revision = await lab.perform(connected, lab.step(revision=99), token=5)
    stale = await lab.perform(connected, lab.step(), token=4)
    name = await lab.perform(connected, lab.step(resource="-x"), token=5)

    refusals = [boot, revision, stale, name]
    assert [one.kind for one in refusals] == [KIND.REFUSED] * 4
    assert [one.refusal for one in refusals] == [
        CODE.WRONG_BOOT,
        CODE.REVISION_CHANGED,
        CODE.STALE_TOKEN,
        CODE.OTHER,
    ]
    assert lab.journal == []


async def test_same_action_id_runs_once(lab):
    """An action that is sent twice, at once and again later, is done once."""
    connected = await lab.connect()
    same = {"action_id": str(uuid.uuid4()), "delay": "1"}

    results = await asyncio.gather(
        lab.perform(connected, lab.step(), **same), lab.perform(connected, lab.step(), **same)
    )
    later = await lab.perform(connected, lab.step(), **same)

    assert all(one.ok for one in [*results, later])
    assert lab.journal == ["start"]


async def test_second_action_of_a_resource_is_busy(lab):
    """One action of a resource at a time."""
    connected = await lab.connect()
    first = asyncio.create_task(lab.perform(connected, lab.step(), delay="2"))
    await lab.until_running(connected)

    second = await lab.perform(connected, lab.step(action.Task.STOP))

    assert second.refusal is CODE.BUSY
    assert (await first).ok


async def test_requests_run_at_once(lab):
    """A long action does not keep an observation waiting."""
    connected = await lab.connect()
    long = asyncio.create_task(lab.perform(connected, lab.step(), delay="2"))
    await lab.until_running(connected)

    report = await connected.observe(deadline_s=5)

    assert not long.done()
    assert [one.resource for one in report.running] == ["r"]
    assert (await long).ok


async def test_connection_lost_in_mid_action_recovers_its_result(lab):
    """The reply is lost, the result is not: it is asked for by the action's id."""
    connected, relay = await lab.relayed()
    task = asyncio.create_task(lab.perform(connected, lab.step(), delay="2"))
    await lab.until_running(connected)
    relay.cut()

    result = await task

    assert (result.kind, result.rc) == (KIND.SUCCESS, 0)
    assert lab.journal == ["start"]
    assert [event async for event in connected.events() if event.kind == "operation"] == []


async def test_several_lost_actions_are_recovered_each(lab):
    """Every action whose reply was lost gets its own result."""
    connected, relay = await lab.relayed()
    steps = [lab.step(resource=f"r{number}") for number in range(5)]
    tasks = [
        asyncio.create_task(
            lab.perform(connected, one, delay="2", state=str(lab.executor.directory / one.resource))
        )
        for one in steps
    ]
    await lab.until_running(connected, len(steps))
    relay.cut()

    results = await asyncio.gather(*tasks)

    assert [one.kind for one in results] == [KIND.SUCCESS] * 5


async def test_connection_that_cannot_be_had_again_gives_unknown(lab):
    """Where the executor cannot be asked, the outcome is not guessed."""
    connected, relay = await lab.relayed()
    task = asyncio.create_task(lab.perform(connected, lab.step(), delay="2"))
    await lab.until_running(connected)
    relay.accepting = False
    relay.cut()

    result = await asyncio.wait_for(task, 60)

    assert result.kind is KIND.UNKNOWN


async def test_executor_killed_in_mid_action_is_unknown(lab):
    """The new executor says lost, and lost is UNKNOWN."""
    connected = await lab.connect()
    task = asyncio.create_task(lab.perform(connected, lab.step(), delay="30"))
    await lab.until_running(connected)
    await asyncio.to_thread(lab.executor.kill)
    await asyncio.to_thread(lab.executor.start)

    result = await asyncio.wait_for(task, 60)

    assert result.kind is KIND.UNKNOWN


async def test_node_that_booted_in_mid_action_is_unknown(lab):
    """After another boot nothing of the earlier one is known."""
    connected = await lab.connect()
    task = asyncio.create_task(lab.perform(connected, lab.step(), delay="30"))
    await lab.until_running(connected)
    await asyncio.to_thread(lab.executor.kill)
    lab.executor.boot()
    await asyncio.to_thread(lab.executor.start)

    result = await asyncio.wait_for(task, 60)

    assert result.kind is KIND.UNKNOWN
    assert "booted" in result.message


async def test_action_on_a_lost_connection_is_refused(lab):
    """What was never sent was never begun."""
    connected, relay = await lab.relayed()
    relay.cut()
    assert [event async for event in connected.events() if event.kind == "operation"] == []

    result = await lab.perform(connected, lab.step())

    assert (result.kind, result.refusal) == (KIND.REFUSED, CODE.UNREACHABLE)
    with pytest.raises(nodes.NodeUnreachableError):
        await connected.observe(deadline_s=5)


async def test_frozen_executor_is_noticed(lab):
    """A daemon that stands still sends no heartbeat: all that waits is told, events end."""
    connected = await lab.connect()
    watching = asyncio.create_task(_drained(connected))
    task = asyncio.create_task(lab.perform(connected, lab.step(), delay="2"))
    await lab.until_running(connected)
    lab.executor.signal(signal.SIGSTOP)

    await asyncio.wait_for(watching, 60)
    result = await asyncio.wait_for(task, 60)

    assert result.kind is KIND.UNKNOWN
    with pytest.raises(nodes.NodeUnreachableError):
        await connected.observe(deadline_s=5)
    with pytest.raises(nodes.NodeUnreachableError):
        await lab.connect(deadline_s=1.0)


async def _drained(connected) -> None:
    async for _ in connected.events():
        pass


@pytest.mark.parametrize(
    "said",
    [
        b"nonsense\n",
        b"[]\n",
        b"{}\n",
        b'{"id": 1}\n',
        b'{"id": true, "ok": true, "result": {}}\n',
        b'{"id": 1, "ok": 1, "result": {}}\n',
        b'{"id": 1, "ok": true}\n',
        b'{"id": 1, "ok": false, "error": "no"}\n',
        b'{"id": null, "ok": false, "error": {"code": "bad-request", "message": "no"}}\n',
        b'{"event": 1}\n',
        b'{"event": "x", "v": NaN}\n',
        b"\xff\xfe\n",
        b"[" * 100_000 + b"\n",
        b"x" * (4 * 1024 * 1024 + 2),
    ],
    ids=lambda said: repr(said[:40]),
)
async def test_garbage_ends_the_connection(lab, said):
    """A line that is none means that nothing that follows can be believed."""
    connected, relay = await lab.relayed()
    relay.say(said)

    await asyncio.wait_for(_drained(connected), 60)

    with pytest.raises(nodes.NodeUnreachableError):
        await connected.observe(deadline_s=5)


async def test_late_and_duplicate_replies_are_ignored(lab):
    """A reply that nobody waits for any more changes nothing."""
    connected, relay = await lab.relayed()
    for number in (1, 1, 99, 10**12):
        relay.say(json.dumps({"id": number, "ok": True, "result": {}}).encode() + b"\n")
    await asyncio.sleep(0.2)

    report = await connected.observe(deadline_s=5)

    assert report.node == "n1"


async def test_events_are_pushed(lab):
    """Operations of others, attributes and heartbeats arrive without asking."""
    listening, acting = await lab.connect(), await lab.connect()
    await lab.perform(acting, lab.step())
    await acting.put_attribute(1, "site", "west", permanent=False)

    seen = {}
    async for event in listening.events():
        seen[event.kind] = event
        if {"operation", "attribute", "heartbeat"} <= set(seen):
            break

    assert seen["operation"].body["resource"] == "r"
    assert seen["attribute"].body["value"] == "west"
    assert seen["heartbeat"].node == "n1"


async def test_events_that_nobody_fetches_end_the_connection(lab):
    """The queue is bounded: who listens and does not fetch must look anew."""
    connected, relay = await lab.relayed()
    events = connected.events()
    await anext(events)
    for number in range(1500):
        event = {"event": "generation", "generation": number}
        relay.say(json.dumps(event).encode() + b"\n")

    # The answer stands behind the events, which are too many.
    with pytest.raises(nodes.NodeUnreachableError):
        await connected.observe(deadline_s=5)
    count = sum([1 async for _ in events])

    assert count <= 1024


async def test_lease_is_held_by_one(lab):
    """A second holder is told who it is; a lower token is stale; release frees it."""
    first, second = await lab.connect(), await lab.connect()
    await first.acquire_lease(HOLDER, 3, 30.0)

    with pytest.raises(nodes.LeaseHeldError) as held:
        await second.acquire_lease(OTHER, 4, 30.0)
    await first.renew_lease(HOLDER, 3, 60.0)
    report = await second.observe(deadline_s=5)
    await first.release_lease(HOLDER, 3)
    await second.acquire_lease(OTHER, 4, 30.0)
    with pytest.raises((nodes.StaleTokenError, nodes.LeaseHeldError)):
        await first.renew_lease(HOLDER, 3, 30.0)

    assert held.value.holder == HOLDER
    assert 0 < held.value.remaining_s <= 30
    assert report.holder == HOLDER
    assert 30 < report.lease_remaining_s <= 60


async def test_stale_token_names_the_highest(lab):
    """Records and attributes of a former controller are refused, with the token that was seen."""
    connected = await lab.connect()
    await connected.put_record(8, "k", nodes.Record({"a": [1]}, (8, 1)))

    for late in (
        connected.put_record(7, "k", nodes.Record(None, (7, 9))),
        connected.put_attribute(7, "a", "1", permanent=True),
        connected.forget(7, "r"),
        connected.acquire_lease(HOLDER, 8, 5.0),
    ):
        with pytest.raises(nodes.StaleTokenError) as stale:
            await late
        assert stale.value.highest == 8

    report = await connected.observe(deadline_s=5)
    assert report.records["k"] == nodes.Record({"a": [1]}, (8, 1))
    assert report.token == 8


async def test_attributes_of_both_scopes_are_set_and_deleted(lab):
    """Permanent and transient attributes are apart; None deletes."""
    connected = await lab.connect()
    await connected.put_attribute(1, "a", "1", permanent=True)
    await connected.put_attribute(1, "b", "2", permanent=False)
    await connected.put_attribute(1, "b", None, permanent=False)

    report = await connected.observe(deadline_s=5)

    assert report.permanent == {"a": "1"}
    assert report.transient == {}


async def test_agents_and_metadata_are_those_of_the_node(lab):
    """The node's agents can be listed and described; an unknown one is refused by name."""
    connected = await lab.connect()

    listed = await connected.agents()
    xml = await connected.metadata("ocf:reconciler:Dummy")
    with pytest.raises(nodes.RequestRefusedError) as refused:
        await connected.metadata("ocf:reconciler:Nothing")

    assert "ocf:reconciler:Dummy" in listed
    assert 'name="Dummy"' in xml
    assert refused.value.code == "unknown-agent"


async def test_secret_values_are_cut_out_by_the_executor(lab):
    """Parameters given by reference are named to the executor, and their values come nowhere."""
    connected = await lab.connect()
    reference = secret.SecretRef(secret.SecretSource.ENV, ("X",))

    await lab.perform(
        connected, lab.step(params={"fail_start_on": reference}), fail_start_on="c4nary-n1"
    )
    report = await connected.observe(deadline_s=5)
    kept = [path.read_bytes() for path in lab.executor.socket.parent.rglob("*") if path.is_file()]

    assert "c4nary" not in repr(report)
    assert not any(b"c4nary" in content for content in kept)


async def test_shutdown_ends_the_executor(lab):
    """A node that is told to leave says so and then is silent."""
    connected = await lab.connect()

    result = await lab.perform(connected, lab.step(action.Task.SHUTDOWN, agent=None))
    await asyncio.wait_for(_drained(connected), 60)

    assert result.ok


async def test_closed_connection_ends_its_events_and_requests(lab):
    """Closing is final, twice is once, and nobody is left waiting."""
    connected = await lab.connect()
    watching = asyncio.create_task(_drained(connected))

    await connected.close()
    await connected.close()

    await asyncio.wait_for(watching, 10)
    with pytest.raises(nodes.NodeUnreachableError):
        await connected.observe(deadline_s=5)
