"""Whether a node is there, from what its status entry says."""

from __future__ import annotations

import pytest

from reconciler.cib import presence
from reconciler.model.observed import Presence


def _entry(in_ccm=None, crmd=None, join=None, expected=None):
    pairs = {"in_ccm": in_ccm, "crmd": crmd, "join": join, "expected": expected}
    return {name: value for name, value in pairs.items() if value is not None}


def _judge(entry, *, shutdown=False, fencing=True):
    facts = presence.membership(_entry(*entry), shutdown=shutdown)
    verdict = presence.judge(facts, fencing=fencing)
    return verdict.presence, verdict.expected_up, bool(verdict.unclean_reason)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (("true", "online", "member", "member"), (Presence.ONLINE, True, False)),
        (("true", "online", "down", "member"), (Presence.PENDING, True, False)),
        (("true", "online", "pending", "member"), (Presence.PENDING, True, False)),
        (("true", "online", None, "member"), (Presence.ONLINE, True, True)),
        (("true", "online", "banned", "member"), (Presence.ONLINE, True, True)),
        (("true", "online", "banned", None), (Presence.ONLINE, False, True)),
        (("true", "offline", "member", "member"), (Presence.ONLINE, True, True)),
        (("true", None, None, None), (Presence.PENDING, False, False)),
        (("true", "online", "member", "down"), (Presence.PENDING, False, False)),
        (("false", "offline", "down", "down"), (Presence.OFFLINE, False, False)),
        (("false", "online", "member", "down"), (Presence.OFFLINE, False, False)),
        (("false", "offline", "member", "member"), (Presence.UNKNOWN, True, False)),
        (("false", "offline", "banned", "down"), (Presence.UNKNOWN, False, False)),
        ((None, "online", "member", "member"), (Presence.UNSEEN, True, False)),
        ((None, None, None, None), (Presence.UNSEEN, False, False)),
    ],
)
def test_with_fencing(entry, expected):
    """With fencing a node in doubt is unknown, or unclean while it answers."""
    assert _judge(entry) == expected


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (("true", "online", "member", "member"), (Presence.ONLINE, True, False)),
        (("true", "online", "member", "down"), (Presence.ONLINE, False, False)),
        (("true", "online", "banned", "member"), (Presence.OFFLINE, True, False)),
        (("true", "offline", "member", "member"), (Presence.UNKNOWN, True, False)),
        (("true", "offline", "member", "down"), (Presence.OFFLINE, False, False)),
        (("false", "online", "member", "member"), (Presence.OFFLINE, True, False)),
        ((None, "online", "member", "member"), (Presence.UNSEEN, True, False)),
    ],
)
def test_without_fencing(entry, expected):
    """Without fencing the membership is taken at its word."""
    assert _judge(entry, fencing=False) == expected


@pytest.mark.parametrize(
    ("entry", "fencing", "expected"),
    [
        (("true", "online", "member", "member"), True, Presence.ONLINE),
        (("false", "online", "member", "member"), True, Presence.ONLINE),
        (("true", "offline", "member", "member"), True, Presence.OFFLINE),
        (("true", "online", "member", "member"), False, Presence.ONLINE),
        (("true", "online", "down", "member"), False, Presence.OFFLINE),
        (("false", "online", "member", "member"), False, Presence.OFFLINE),
    ],
)
def test_leaving(entry, fencing, expected):
    """A node that asked to leave is clean, and up only while it can still be worked with."""
    assert _judge(entry, shutdown=True, fencing=fencing) == (expected, False, False)


@pytest.mark.parametrize("entry", [("1700000000", "1700000001"), ("true", "online")])
def test_times_stand_for_words(entry):
    """Newer releases write since when a thing holds; that counts as the old word."""
    facts = presence.membership(_entry(*entry, join="member", expected="member"), shutdown=False)

    assert (facts.in_ccm, facts.controller) == (True, True)


def test_time_zero_is_no():
    """Zero means that it does not hold."""
    facts = presence.membership(_entry("0", "0", "down", "member"), shutdown=False)

    assert (facts.in_ccm, facts.controller, facts.since) == (False, False, 0.0)


def test_since():
    """The time of joining the membership is kept."""
    facts = presence.membership(_entry("1700000000", "1"), shutdown=False)

    assert facts.since == 1_700_000_000.0
