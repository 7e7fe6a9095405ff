"""Recorded situations with something changed: near to what people run, and never decided before."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Mapping, Sequence
from xml.etree import ElementTree as ET

import conformance_harness as harness

_CHANGES_MAX = 3
_SCORES = ("INFINITY", "-INFINITY", "100", "-100", "1", "0")
_FLAGS = ("true", "false")
_VALUES: Mapping[str, Sequence[str]] = {
    "target-role": ("Started", "Stopped", "Unpromoted", "Promoted"),
    "is-managed": _FLAGS,
    "maintenance": _FLAGS,
    "allow-migrate": _FLAGS,
    "interleave": _FLAGS,
    "ordered": _FLAGS,
    "notify": _FLAGS,
    "globally-unique": _FLAGS,
    "clone-max": ("1", "2", "3"),
    "clone-node-max": ("1", "2"),
    "clone-min": ("1", "2"),
    "promoted-max": ("0", "1", "2"),
    "multiple-active": ("stop_start", "stop_only", "block", "stop_unexpected"),
    "resource-stickiness": ("0", "1", "100", "INFINITY", "-10"),
    "migration-threshold": ("1", "2", "INFINITY"),
    "failure-timeout": ("0", "60s", "1h"),
    "priority": ("0", "1", "10"),
    "critical": _FLAGS,
    "requires": ("nothing", "quorum", "fencing", "unfencing"),
    "stonith-enabled": _FLAGS,
    "symmetric-cluster": _FLAGS,
    "maintenance-mode": _FLAGS,
    "stop-all-resources": _FLAGS,
    "no-quorum-policy": ("stop", "freeze", "ignore", "demote", "suicide"),
    "placement-strategy": ("default", "utilization", "minimal", "balanced"),
    "start-failure-is-fatal": _FLAGS,
    "stop-orphan-resources": _FLAGS,
    "stop-orphan-actions": _FLAGS,
    "stonith-action": ("reboot", "off"),
    "startup-fencing": _FLAGS,
    "standby": _FLAGS,
}
"""Options whose values are changed where they stand, or that may be added."""
_OF_CLUSTER = frozenset(
    {
        "stonith-enabled", "symmetric-cluster", "maintenance-mode", "stop-all-resources",
        "no-quorum-policy", "placement-strategy", "start-failure-is-fatal",
        "stop-orphan-resources", "stop-orphan-actions", "stonith-action", "startup-fencing",
    }
)  # fmt: skip
_OF_CLONE = frozenset(
    {
        "interleave", "ordered", "notify", "globally-unique", "clone-max", "clone-node-max",
        "clone-min", "promoted-max",
    }
)  # fmt: skip
_OF_RESOURCE = frozenset(_VALUES) - _OF_CLUSTER - _OF_CLONE - {"standby"}
_ATTRIBUTES: Mapping[str, Sequence[str]] = {
    "score": _SCORES,
    "kind": ("Mandatory", "Optional", "Serialize"),
    "symmetrical": _FLAGS,
    "require-all": _FLAGS,
    "sequential": _FLAGS,
    "influence": _FLAGS,
    "on-fail": ("ignore", "block", "stop", "restart", "fence", "standby", "demote"),
    "rsc-role": ("Started", "Promoted", "Unpromoted"),
    "with-rsc-role": ("Started", "Promoted", "Unpromoted"),
    "first-action": ("start", "stop", "promote", "demote"),
    "then-action": ("start", "stop", "promote", "demote"),
    "rc-code": ("0", "1", "5", "7", "8"),
    "loss-policy": ("stop", "demote", "fence", "freeze"),
    "have-quorum": ("0", "1"),
}
"""Attributes whose values are changed where they stand."""

Change = Callable[[ET.Element, random.Random], bool]
"""Changes a CIB in place; False where it has nothing to change."""


@functools.cache
def _bases() -> list[harness.Case]:
    """Return the records that can be changed: those that no later release decides otherwise."""
    found = (harness.case(name) for name, _ in harness.identities())
    return [one for one in found if one.stable]


def generate(seed: int) -> tuple[str, str, float]:
    """Return the id of a record, its CIB with one to three changes, and the time that counts."""
    chance = random.Random(f"mutation/{seed}")  # noqa: S311 - the same seed makes the same CIB
    base = chance.choice(_bases())
    root = ET.fromstring(base.text)  # noqa: S314 - the records
    for _ in range(chance.randint(1, _CHANGES_MAX)):
        for change in chance.sample(_CHANGES, len(_CHANGES)):
            if change(root, chance):
                break
    return base.id, ET.tostring(root, encoding="unicode"), base.now


def _one_of(chance: random.Random, found: list[ET.Element]) -> ET.Element | None:
    return chance.choice(found) if found else None


def _remove(root: ET.Element, one: ET.Element) -> None:
    for parent in root.iter():
        if one in list(parent):
            parent.remove(one)
            return


def _drop_constraint(root: ET.Element, chance: random.Random) -> bool:
    one = _one_of(chance, root.findall("configuration/constraints/*"))
    if one is not None:
        _remove(root, one)
    return one is not None


def _drop_history(root: ET.Element, chance: random.Random) -> bool:
    one = _one_of(chance, [*root.iter("lrm_resource"), *root.iter("lrm_rsc_op")])
    if one is not None:
        _remove(root, one)
    return one is not None


def _drop_option(root: ET.Element, chance: random.Random) -> bool:
    found = [
        pair
        for block in (
            "meta_attributes",
            "cluster_property_set",
            "utilization",
            "instance_attributes",
        )
        for owner in root.iter(block)
        for pair in owner.findall("nvpair")
    ]
    one = _one_of(chance, found)
    if one is not None:
        _remove(root, one)
    return one is not None


def _drop_operation(root: ET.Element, chance: random.Random) -> bool:
    one = _one_of(chance, list(root.iter("op")))
    if one is not None:
        _remove(root, one)
    return one is not None


def _change_attribute(root: ET.Element, chance: random.Random) -> bool:
    found = [
        (one, name)
        for one in root.iter()
        for name in sorted(one.attrib)
        if name in _ATTRIBUTES and not (one.tag == "lrm_rsc_op" and name == "on-fail")
    ]
    if not found:
        return False
    # Histories would drown all else: one kind of place first, then one of its places.
    kind = chance.choice(sorted({(one.tag, name) for one, name in found}))
    one, name = chance.choice([each for each in found if (each[0].tag, each[1]) == kind])
    value = chance.choice(_ATTRIBUTES[name])
    one.set(name, value)
    if name == "rc-code":
        _finish(one, value, status="0")
    return True


def _finish(record: ET.Element, rc: str, status: str) -> None:
    """Give a recorded operation another end, everywhere it says so."""
    record.set("rc-code", rc)
    record.set("op-status", status)
    key = record.get("transition-key", "")
    record.set("transition-magic", f"{status}:{rc};{key}")


def _hang_operation(root: ET.Element, chance: random.Random) -> bool:
    one = _one_of(chance, list(root.iter("lrm_rsc_op")))
    if one is None:
        return False
    status = chance.choice(("-1", "2", "4"))
    _finish(one, {"-1": "193", "2": "1", "4": "1"}[status], status)
    return True


def _change_option(root: ET.Element, chance: random.Random) -> bool:
    found = [one for one in root.iter("nvpair") if one.get("name") in _VALUES]
    one = _one_of(chance, found)
    if one is not None:
        one.set("value", chance.choice(_VALUES[one.get("name", "")]))
    return one is not None


def _add_option(root: ET.Element, chance: random.Random) -> bool:
    places = [
        *((one, _OF_RESOURCE) for one in root.iterfind("configuration/resources//primitive")),
        *((one, _OF_RESOURCE) for one in root.iterfind("configuration/resources//group")),
        *((one, _OF_CLONE) for one in root.iterfind("configuration/resources//clone")),
        *((one, _OF_CLONE) for one in root.iterfind("configuration/resources//master")),
    ]
    settings = root.find("configuration/crm_config")
    if settings is not None:
        places += [(settings, _OF_CLUSTER)] * max(1, len(places) // 3)
    owner, names = chance.choice(places)
    block = "cluster_property_set" if owner is settings else "meta_attributes"
    inside = owner.find(block)
    if inside is None:
        inside = ET.Element(block, id=f"{owner.get('id', 'cluster')}-changed")
        owner.insert(0, inside)
    name = chance.choice(sorted(names))
    for pair in inside.findall("nvpair"):
        if pair.get("name") == name:
            inside.remove(pair)
    value = chance.choice(_VALUES[name])
    ET.SubElement(inside, "nvpair", id=f"{inside.get('id')}-{name}-new", name=name, value=value)
    return True


def _lose_node(root: ET.Element, chance: random.Random) -> bool:
    one = _one_of(chance, root.findall("status/node_state"))
    if one is None:
        return False
    loss = chance.choice(("silent", "left", "leaving", "joining"))
    if loss == "leaving":
        one.set("expected", "down")
        return True
    crmd = "online" if loss == "joining" else "offline"
    in_ccm = "true" if loss == "joining" else "false"
    one.attrib |= {"in_ccm": in_ccm, "crmd": crmd}
    one.attrib |= {
        "silent": {"join": "member", "expected": "member"},
        "left": {"join": "down", "expected": "down"},
        "joining": {"join": "pending", "expected": "member"},
    }[loss]
    return True


def _change_node(root: ET.Element, chance: random.Random) -> bool:
    one = _one_of(chance, root.findall("configuration/nodes/node"))
    if one is None:
        return False
    block = one.find("instance_attributes")
    if block is None:
        block = ET.SubElement(one, "instance_attributes", id=f"nodes-{one.get('id')}-changed")
    name = chance.choice(("standby", "maintenance"))
    ET.SubElement(block, "nvpair", id=f"{block.get('id')}-{name}-new", name=name, value="true")
    return True


def _prefer(root: ET.Element, chance: random.Random) -> bool:
    constraints = root.find("configuration/constraints")
    node = _one_of(chance, root.findall("configuration/nodes/node"))
    resources = [one for one in root.iterfind("configuration/resources//*") if one.tag in _KINDS]
    resource = _one_of(chance, resources)
    if constraints is None or node is None or resource is None:
        return False
    ET.SubElement(
        constraints,
        "rsc_location",
        id=f"changed-{len(constraints)}",
        rsc=resource.get("id", ""),
        node=node.get("uname", ""),
        score=chance.choice(_SCORES),
    )
    return True


def _bind(root: ET.Element, chance: random.Random) -> bool:
    constraints = root.find("configuration/constraints")
    tops = [one for one in root.findall("configuration/resources/*") if one.tag in _KINDS]
    if constraints is None or len(tops) < 2:
        return False
    first, second = (one.get("id", "") for one in chance.sample(tops, 2))
    number = len(constraints)
    if chance.random() < 0.5:
        attributes = {"rsc": first, "with-rsc": second, "score": chance.choice(_SCORES)}
        ET.SubElement(constraints, "rsc_colocation", id=f"changed-{number}", **attributes)
    else:
        kind = chance.choice(_ATTRIBUTES["kind"])
        attributes = {"first": first, "then": second, "kind": kind}
        ET.SubElement(constraints, "rsc_order", id=f"changed-{number}", **attributes)
    return True


_KINDS = frozenset({"primitive", "group", "clone", "master", "bundle"})
_CHANGES: Sequence[Change] = (
    _drop_constraint,
    _drop_history,
    _drop_option,
    _drop_operation,
    _change_attribute,
    _change_attribute,
    _hang_operation,
    _change_option,
    _add_option,
    _lose_node,
    _change_node,
    _prefer,
    _bind,
)
