"""Causes of differences on purpose that lie in names and histories, to be taken out of a CIB.

Pacemaker's scheduler overlooks what people wrote where a history spells a name in another way, or
calls a parameter private.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from typing import Any

_UNPROMOTED = ("Unpromoted", "Slave")
_SIDES = ("rsc", "with-rsc", "first", "then")


def _named_inside(cib: ET.Element, _: Mapping[str, Any]) -> bool:
    """Remove the constraints that name something inside of a clone."""
    inside = {
        one.get("id")
        for tag in ("clone", "master")
        for clone in cib.iter(tag)
        for one in (*clone.iter("group"), *clone.iter("primitive"))
    }
    return _drop(cib, lambda one: bool(inside & _named(one)))


def _named(constraint: ET.Element) -> set[str | None]:
    """Return which resources a constraint names."""
    names = {constraint.get(side) for side in _SIDES}
    return (names | {one.get("id") for one in constraint.iter("resource_ref")}) - {None}


def _drop(cib: ET.Element, told: Callable[[ET.Element], bool]) -> bool:
    """Remove constraints; tell whether there were any."""
    found = [(parent, one) for parent in cib.iter("constraints") for one in parent if told(one)]
    for parent, one in found:
        parent.remove(one)
    return bool(found)


def _fencing_tickets(cib: ET.Element, _: Mapping[str, Any]) -> bool:
    """Let who is unpromoted stay when a ticket is lost that would have its node fenced."""
    found = [
        one
        for one in cib.iter("rsc_ticket")
        if one.get("loss-policy") == "fence" and one.get("rsc-role") in _UNPROMOTED
    ]
    for one in found:
        one.set("loss-policy", "freeze")
    return bool(found)


def _misspelt(cib: ET.Element, _: Mapping[str, Any]) -> bool:
    """Name operations in histories after the resource, where configured ones say what to do."""
    told = {
        member.get("id")
        for member in cib.iter("primitive")
        if any(one.get("on-fail") for one in member.iter("op"))
    }
    changed = False
    for history in cib.iter("lrm_resource"):
        name = history.get("id", "")
        for one in history if name.partition(":")[0] in told else ():
            key = f"{name}_{one.get('operation')}_{one.get('interval', '0')}"
            if one.get("operation_key", one.get("id")) != key:
                one.set("operation_key", key)
                changed = True
    return changed


def _private(cib: ET.Element, _: Mapping[str, Any]) -> bool:
    """Let no history call a parameter private."""
    told = [one for one in cib.iter("lrm_rsc_op") if one.get("op-secure-digest")]
    for one in told:
        for name in ("op-secure-digest", "op-secure-params"):
            one.attrib.pop(name, None)
    return bool(told)


_UNHEARD: dict[str, Callable[[ET.Element, Mapping[str, Any]], bool]] = {
    "what names something inside of a clone always counts": _named_inside,
    "a lost ticket fences for every role that says so": _fencing_tickets,
}
UNHEARD = frozenset(_UNHEARD)
"""Those of which the reference takes no notice: without them it must say the same."""
CAUSES = {
    **_UNHEARD,
    "what is configured for operations counts however histories spell them": _misspelt,
    "a new password is a change even where the history calls it private": _private,
}
