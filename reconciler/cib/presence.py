"""What a node's status entry says about whether it is there.

Four facts count: whether the membership layer has it (``in_ccm``), whether its controller answers
(``crmd``), how far it joined (``join``), and whether it was meant to be up (``expected``); a
request to leave (``shutdown``) stands above the last two. Without fencing, membership is taken at
its word. Pacemaker Explained, "Status", gives the meanings; the tables below were taken from what
``crm_simulate`` shows for every combination.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.cib import document as documents
from reconciler.frozen import frozen
from reconciler.model import observed
from reconciler.model import property as options

_MEMBER = "member"
_BANNED = "banned"
_JOINING = frozenset({"down", "pending"})
PROCESS_LOST = "controller lost"
"""The membership has the node, but its part of the cluster does not answer."""
REFUSED = "join refused"
"""The cluster would not have the node."""


@frozen
class Membership:
    """The facts of a status entry; ``in_ccm`` None: the membership never had the node."""

    in_ccm: bool | None
    controller: bool
    join: str
    expected: bool
    shutdown: bool
    since: float = 0.0


@frozen
class Verdict:
    """What the facts come to; see ``observed.ObservedNode``."""

    presence: observed.Presence
    expected_up: bool
    unclean_reason: str = ""


def membership(entry: Mapping[str, str], *, shutdown: bool) -> Membership:
    """Return the facts of the XML attributes of a ``node_state``.

    Newer releases write the time since which something holds instead of true and online, and 0
    for false and offline.
    """
    in_ccm = entry.get("in_ccm")
    there = None if in_ccm is None else _holds(in_ccm)
    return Membership(
        in_ccm=there,
        controller=_holds(entry.get("crmd", "")),
        join=entry.get("join", ""),
        expected=entry.get("expected") == _MEMBER,
        shutdown=shutdown,
        since=documents.moment(in_ccm) if there else 0.0,
    )


def _holds(text: str) -> bool:
    if text == "online":
        return True
    if text.isdecimal():
        return int(text) > 0
    return options.boolean(text) is True


def judge(facts: Membership, *, fencing: bool) -> Verdict:
    """Return what the facts of a node come to."""
    if facts.shutdown:
        return Verdict(_leaving(facts, fencing=fencing), expected_up=False)
    if facts.in_ccm is None:
        return Verdict(observed.Presence.UNSEEN, facts.expected)
    return _fenced(facts) if fencing else _unfenced(facts)


def _leaving(facts: Membership, *, fencing: bool) -> observed.Presence:
    full = facts.in_ccm is True and facts.join == _MEMBER
    up = facts.controller and (fencing or full)
    return observed.Presence.ONLINE if up else observed.Presence.OFFLINE


def _fenced(facts: Membership) -> Verdict:
    """Judge a node that would be fenced in doubt."""
    if not facts.in_ccm:
        lost = facts.expected or facts.join == _BANNED
        gone = observed.Presence.UNKNOWN if lost else observed.Presence.OFFLINE
        return Verdict(gone, facts.expected)
    if facts.join == _BANNED:
        return Verdict(observed.Presence.ONLINE, facts.expected, REFUSED)
    if not facts.expected or (facts.controller and facts.join in _JOINING):
        return Verdict(observed.Presence.PENDING, facts.expected)
    if facts.controller and facts.join == _MEMBER:
        return Verdict(observed.Presence.ONLINE, expected_up=True)
    return Verdict(observed.Presence.ONLINE, expected_up=True, unclean_reason=PROCESS_LOST)


def _unfenced(facts: Membership) -> Verdict:
    """Judge a node that nobody could fence."""
    if facts.in_ccm and facts.controller and facts.join == _MEMBER:
        return Verdict(observed.Presence.ONLINE, facts.expected)
    if facts.in_ccm and not facts.controller and facts.expected:
        return Verdict(observed.Presence.UNKNOWN, expected_up=True)
    return Verdict(observed.Presence.OFFLINE, facts.expected)
