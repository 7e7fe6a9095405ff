"""The status section of a CIB: nodes with their attributes and histories, and tickets."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from xml.etree import ElementTree as ET

from reconciler.cib import document as documents
from reconciler.cib import fail_count, history, presence
from reconciler.model import attribute, node, observed, remote
from reconciler.model import property as options

_OLD_TICKET = "granted-ticket-"
TERMINATE = "terminate requested"
"""Somebody asked for the node to be fenced."""


def nodes(
    document: documents.Document,
    configured: Iterable[node.Node],
    made: Collection[str] = (),
    *,
    fencing: bool,
) -> dict[str, observed.ObservedNode]:
    """Return what the status says of each configured node, and of remote nodes it knows of.

    A configured node of which it says nothing is UNSEEN.

    Args:
        document: the CIB.
        configured: the nodes of its configuration.
        made: names of the nodes that its resources make.
        fencing: whether a node would be fenced in doubt.
    """
    known = tuple(configured)
    names = {one.id: one.name for one in known} | {one.name: one.name for one in known}
    permanent = {one.name: one.attributes for one in known}
    found: dict[str, observed.ObservedNode] = {}
    made = {*made, *_connected(document)}
    feature_set = document.root.get("crm_feature_set", "")
    for element in document.section("status"):
        if element.tag != "node_state":
            continue
        name = names.get(element.get("id", "")) or names.get(element.get("uname", ""))
        if name is None:
            name = _far(element, made)
        if name is None:
            document.findings.not_carried(element, "the status of a node that is not configured")
        elif name not in found:
            far = _remote(element) or name in made
            lasting = permanent.get(name, ())
            entry = _node(element, name, lasting, fencing=fencing, far=far)
            attributes = fail_count.counting(entry.attributes, feature_set)
            found[name] = dataclasses.replace(entry, attributes=attributes, place=len(found))
    unseen = observed.Presence.UNSEEN
    seen = {
        one.name: found.get(one.name) or observed.ObservedNode(one.name, unseen, expected_up=False)
        for one in known
    }
    return seen | found


def _connected(document: documents.Document) -> Iterator[str]:
    """Yield the names of nodes that members ever connected to, whether or not they still should."""
    for element in document.root.iterfind("status/node_state/lrm/lrm_resources/lrm_resource"):
        if history.kind(element) == remote.CONNECTION:
            yield element.get("id", "")


def _far(element: ET.Element, made: Collection[str]) -> str | None:
    """Return the name of a node that is no member, and so need not be configured."""
    name = element.get("uname") or element.get("id")
    return name if name in made or _remote(element) else None


def _remote(element: ET.Element) -> bool:
    return options.boolean(element.get("remote_node", "")) is True


def _node(
    element: ET.Element,
    name: str,
    permanent: attribute.AttributeSets,
    *,
    fencing: bool,
    far: bool,
) -> observed.ObservedNode:
    attributes = _transient(element)
    asked = _requests(permanent) | attributes
    leaving = asks_to_leave(asked)
    facts = presence.membership(element.attrib, shutdown=leaving)
    verdict = presence.judge(facts, fencing=fencing)
    here = verdict.presence
    if far and here is observed.Presence.UNSEEN:
        # Remote nodes are members of nothing; whoever has an entry was heard of.
        here = observed.Presence.OFFLINE
    reason = verdict.unclean_reason
    if fencing and not leaving and _asks_to_be_fenced(asked):
        reason = reason or TERMINATE
    return observed.ObservedNode(
        name=name,
        presence=here,
        attributes=attributes,
        standby=_flag(attributes, "standby"),
        maintenance=_flag(attributes, "maintenance"),
        shutdown=leaving,
        expected_up=verdict.expected_up,
        histories=history.histories(element),
        since=facts.since,
        unclean_reason=reason,
        remote=far,
        fenced=_given(element.get("node_fenced")),
    )


def _transient(element: ET.Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in element.iterfind("transient_attributes/instance_attributes/nvpair"):
        name, value = pair.get("name"), pair.get("value")
        if name and value is not None:
            found.setdefault(name, value)
    return found


def _requests(permanent: attribute.AttributeSets) -> dict[str, str]:
    """Return what the lasting attributes of a node ask for; those that pass away say it, too."""
    found = {name: attribute.always(permanent, name) for name in ("shutdown", "terminate")}
    return {name: value for name, value in found.items() if isinstance(value, str)}


def asks_to_leave(attributes: Mapping[str, str]) -> bool:
    """Tell whether a node's attributes hold a request to leave: anything but 0 (measured)."""
    return attributes.get("shutdown", "0") != "0"


def _asks_to_be_fenced(attributes: Mapping[str, str]) -> bool:
    """Tell whether a node's attributes ask for its fencing: yes, or a time since when (measured)."""
    text = attributes.get("terminate", "")
    since = re.match(r"\d+", text)
    return options.boolean(text) is True or (since is not None and int(since[0]) > 0)


def _flag(attributes: Mapping[str, str], name: str) -> bool | None:
    text = attributes.get(name)
    return options.boolean(text) if text is not None else None


def tickets(document: documents.Document) -> dict[str, observed.TicketState]:
    """Return the tickets that the site knows."""
    found: dict[str, observed.TicketState] = {}
    for element in document.section("status/tickets"):
        if element.tag == "ticket_state":
            last = element.get("last-granted")
            found[element.get("id", "")] = observed.TicketState(
                granted=_true(element.get("granted")),
                standby=_true(element.get("standby")),
                last_granted=documents.moment(last) if last is not None else None,
            )
        else:
            _old_tickets(element, found)
    return found


def _old_tickets(element: ET.Element, found: dict[str, observed.TicketState]) -> None:
    """Add tickets of the oldest form: name-value pairs that say whether they are granted."""
    for pair in element.iter("nvpair"):
        name = pair.get("name", "")
        if name.startswith(_OLD_TICKET):
            state = observed.TicketState(granted=_true(pair.get("value")))
            found.setdefault(name.removeprefix(_OLD_TICKET), state)


def _given(text: str | None) -> bool:
    """Tell whether a time, or a flag written as a number, is set."""
    return text is not None and documents.whole(text) > 0


def _true(text: str | None) -> bool:
    return text is not None and options.boolean(text) is True
