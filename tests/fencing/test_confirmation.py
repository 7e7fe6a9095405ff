"""What counts as proof that a node is off, round of answers by round of answers."""

from __future__ import annotations

import pytest

from reconciler.fencing import confirmation
from reconciler.model.fencing import PowerState
from reconciler.ports import fencing as port

VERDICT = confirmation.Verdict
ON = port.FenceReply(ok=True, power=PowerState.ON)
OFF = port.FenceReply(ok=True, power=PowerState.OFF)
ODD = port.FenceReply(ok=True, power=PowerState.UNKNOWN)
SILENT = port.FenceReply(ok=False, fault=port.FenceFault.TIMEOUT)
FAILED_OFF = port.FenceReply(ok=False, power=PowerState.OFF, fault=port.FenceFault.FAILED)


def judge(*rounds, give_up_at=100.0) -> confirmation.Confirmation:
    """Record rounds, each given as when it began, when it ended, and the answer or answers."""
    so_far = confirmation.Confirmation(gap_s=1.0, give_up_at=give_up_at)
    for began_at, ended_at, *replies in rounds:
        named = {f"d{number}": reply for number, reply in enumerate(replies)}
        so_far = so_far.record(named, began_at=began_at, ended_at=ended_at)
    return so_far


@pytest.mark.parametrize(
    ("second_began_at", "expected"),
    [(1.0, VERDICT.WAIT_GAP), (1.99, VERDICT.WAIT_GAP), (2.0, VERDICT.PROVEN)],
)
def test_gap_is_counted_from_end_to_begin(second_began_at, expected):
    """The second query must begin a full gap after the first one was answered."""
    so_far = judge((0.0, 1.0, OFF), (second_began_at, 3.0, OFF))

    assert so_far.verdict is expected


def test_too_early_a_second_answer_does_not_move_the_first():
    """Off, off too early, off: the gap is counted from the first of the row."""
    assert judge((0, 0.1, OFF), (0.5, 0.6, OFF), (1.1, 1.2, OFF)).verdict is VERDICT.PROVEN


def test_device_that_said_off_and_then_on_fails_at_once():
    """It contradicts itself: later off answers are not waited for."""
    so_far = judge((0, 0.1, OFF), (1.2, 1.3, ON))

    assert so_far.verdict is VERDICT.FAILED
    assert so_far.fault is port.FenceFault.CONTRADICTION


def test_contradiction_is_remembered_over_lost_answers():
    """Off, silence, on is the same contradiction."""
    assert judge((0, 1, OFF), (2, 3, SILENT), (4, 5, ON)).verdict is VERDICT.FAILED


@pytest.mark.parametrize("reply", [ODD, SILENT, FAILED_OFF])
def test_unclear_answer_breaks_the_row(reply):
    """A failed call is no off whatever it says, and the next off is a first one again."""
    assert judge((0, 1, OFF), (2.5, 2.6, reply)).verdict is VERDICT.ASK_AGAIN
    assert judge((0, 1, OFF), (2.5, 2.6, reply), (4, 5, OFF)).verdict is VERDICT.WAIT_GAP


def test_all_devices_must_be_off_in_the_same_rounds():
    """One feed off now and the other later is no proof: a node with one feed is on."""
    assert judge((0, 1, OFF, ODD), (3, 4, ODD, OFF)).verdict is VERDICT.ASK_AGAIN
    assert judge((0, 1, OFF, OFF), (3, 4, OFF, OFF)).verdict is VERDICT.PROVEN


def test_no_devices_are_no_proof():
    """Nobody's word is no word."""
    assert judge((0, 1), (3, 4), (101, 102)).verdict is VERDICT.FAILED


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        (ON, port.FenceFault.CONTRADICTION),
        (SILENT, port.FenceFault.TIMEOUT),
        (ODD, port.FenceFault.FAILED),
    ],
)
def test_time_ends_with_a_reason(reply, fault):
    """When the time is up the last answer says why there is no proof."""
    so_far = judge((0, 1, reply), (99, 100, reply))

    assert (so_far.verdict, so_far.fault) == (VERDICT.FAILED, fault)


@pytest.mark.parametrize("fault", sorted(confirmation.FINAL, key=lambda one: one.value))
def test_faults_that_stay_end_it_at_once(fault):
    """A wrong password is not asked again."""
    so_far = judge((0, 1, port.FenceReply(ok=False, fault=fault)))

    assert (so_far.verdict, so_far.fault) == (VERDICT.FAILED, fault)
