"""Recorded situations with something changed: near to what people run, and never decided before."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Sequence
from xml.etree import ElementTree as ET

import conformance_growth as growth
import conformance_harness as harness

_CHANGES_MAX = 3
_NEVER_OTHERWISE = frozenset({"probe_complete"})
"""Attributes that have the same value on every node of every record."""

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


def _remove(root: ET.Element, one: ET.Element) -> None:
    for parent in root.iter():
        if one in list(parent):
            parent.remove(one)
            return


def _drop_constraint(root: ET.Element, chance: random.Random) -> bool:
    one = growth.one_of(chance, root.findall("configuration/constraints/*"))
    if one is not None:
        _remove(root, one)
    return one is not None


def _drop_history(root: ET.Element, chance: random.Random) -> bool:
    one = growth.one_of(chance, [*root.iter("lrm_resource"), *root.iter("lrm_rsc_op")])
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
    one = growth.one_of(chance, found)
    if one is not None:
        _remove(root, one)
    return one is not None


def _drop_operation(root: ET.Element, chance: random.Random) -> bool:
    one = growth.one_of(chance, list(root.iter("op")))
    if one is not None:
        _remove(root, one)
    return one is not None


def _change_attribute(root: ET.Element, chance: random.Random) -> bool:
    found = [
        (one, name)
        for one in root.iter()
        for name in sorted(one.attrib)
        if name in growth.ATTRIBUTES and not (one.tag == "lrm_rsc_op" and name == "on-fail")
    ]
    if not found:
        return False
    # Histories would drown all else: one kind of place first, then one of its places.
    kind = chance.choice(sorted({(one.tag, name) for one, name in found}))
    one, name = chance.choice([each for each in found if (each[0].tag, each[1]) == kind])
    value = chance.choice(growth.ATTRIBUTES[name])
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
    one = growth.one_of(chance, list(root.iter("lrm_rsc_op")))
    if one is None:
        return False
    status = chance.choice(("-1", "2", "4"))
    _finish(one, {"-1": "193", "2": "1", "4": "1"}[status], status)
    return True


def _change_option(root: ET.Element, chance: random.Random) -> bool:
    found = [one for one in root.iter("nvpair") if one.get("name") in growth.VALUES]
    one = growth.one_of(chance, found)
    if one is not None:
        one.set("value", chance.choice(growth.VALUES[one.get("name", "")]))
    return one is not None


def _add_option(root: ET.Element, chance: random.Random) -> bool:
    places = [
        *((one, growth.OF_RESOURCE) for one in root.iterfind("configuration/resources//primitive")),
        *((one, growth.OF_RESOURCE) for one in root.iterfind("configuration/resources//group")),
        *((one, growth.OF_CLONE) for one in root.iterfind("configuration/resources//clone")),
        *((one, growth.OF_CLONE) for one in root.iterfind("configuration/resources//master")),
    ]
    settings = root.find("configuration/crm_config")
    if settings is not None:
        places += [(settings, growth.OF_CLUSTER)] * max(1, len(places) // 3)
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
    value = chance.choice(growth.VALUES[name])
    ET.SubElement(inside, "nvpair", id=f"{inside.get('id')}-{name}-new", name=name, value=value)
    return True


def _lose_node(root: ET.Element, chance: random.Random) -> bool:
    one = growth.one_of(chance, root.findall("status/node_state"))
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
    one = growth.one_of(chance, root.findall("configuration/nodes/node"))
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
    node = growth.one_of(chance, root.findall("configuration/nodes/node"))
    resources = [
        one for one in root.iterfind("configuration/resources//*") if one.tag in growth.KINDS
    ]
    resource = growth.one_of(chance, resources)
    if constraints is None or node is None or resource is None:
        return False
    ET.SubElement(
        constraints,
        "rsc_location",
        id=f"changed-{len(constraints)}",
        rsc=resource.get("id", ""),
        node=node.get("uname", ""),
        score=chance.choice(growth.SCORES),
    )
    return True


def _bind(root: ET.Element, chance: random.Random) -> bool:
    constraints = root.find("configuration/constraints")
    tops = [one for one in root.findall("configuration/resources/*") if one.tag in growth.KINDS]
    if constraints is None or len(tops) < 2:
        return False
    first, second = (one.get("id", "") for one in chance.sample(tops, 2))
    number = len(constraints)
    if chance.random() < 0.5:
        attributes = {"rsc": first, "with-rsc": second, "score": chance.choice(growth.SCORES)}
        ET.SubElement(constraints, "rsc_colocation", id=f"changed-{number}", **attributes)
    else:
        kind = chance.choice(growth.ATTRIBUTES["kind"])
        attributes = {"first": first, "then": second, "kind": kind}
        ET.SubElement(constraints, "rsc_order", id=f"changed-{number}", **attributes)
    return True


def _change_node_attribute(root: ET.Element, chance: random.Random) -> bool:
    """Give an attribute of a node, permanent or not, another value that is in use somewhere."""
    found = [pair for block in _of_nodes(root) for pair in block.findall("nvpair")]
    one = growth.one_of(chance, found)
    if one is None or one.get("name") in _NEVER_OTHERWISE:
        return False
    alike = {each.get("value", "") for each in found if each.get("name") == one.get("name")}
    one.set("value", chance.choice(sorted(alike | {"0", "1", "100", "INFINITY", "true"})))
    return True


def _of_nodes(root: ET.Element) -> list[ET.Element]:
    return [
        *root.iterfind("configuration/nodes/node/instance_attributes"),
        *root.iterfind("status/node_state/transient_attributes/instance_attributes"),
    ]


def _told(root: ET.Element, chance: random.Random, name: str, value: str) -> bool:
    """Give a node a transient attribute."""
    state = growth.one_of(chance, root.findall("status/node_state"))
    if state is None:
        return False
    place = state.find("transient_attributes")
    if place is None:
        place = ET.SubElement(state, "transient_attributes", id=state.get("id", ""))
    block = place.find("instance_attributes")
    if block is None:
        block = ET.SubElement(place, "instance_attributes", id=f"status-{state.get('id')}")
    for pair in block.findall("nvpair"):
        if pair.get("name") == name:
            block.remove(pair)
    ET.SubElement(block, "nvpair", id=f"{block.get('id')}-{name}", name=name, value=value)
    return True


def _tell_node(root: ET.Element, chance: random.Random) -> bool:
    """Let a node be ill, shut down, or count failures or a promotion score."""
    one = growth.one_of(chance, list(root.iterfind("configuration/resources//primitive")))
    if one is None:
        return False
    identity = one.get("id", "")
    name, values = chance.choice(
        (
            ("#health-disk", ("red", "yellow", "green", "-10")),
            ("shutdown", ("0", "1")),
            (f"fail-count-{identity}#monitor_10000", ("1", "3", "INFINITY")),
            (f"fail-count-{identity}#start_0", ("1", "INFINITY")),
            (f"master-{identity}", ("1", "10", "100", "-5")),
        )
    )
    return _told(root, chance, name, chance.choice(values))


def _redefine(root: ET.Element, chance: random.Random) -> bool:
    """Change a parameter of a resource, or what its history says that it was."""
    parameters = [
        pair
        for one in root.iterfind("configuration/resources//primitive")
        for pair in one.findall("instance_attributes/nvpair")
    ]
    records = [one for one in root.iter("lrm_rsc_op") if "op-digest" in one.attrib]
    one = growth.one_of(chance, parameters if chance.random() < 0.5 else records)
    if one is None:
        return False
    one.set("value" if one.tag == "nvpair" else "op-digest", "0123456789abcdef0123456789abcdef")
    return True


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
    _bind,
    _change_node_attribute,
    _tell_node,
    growth.regroup,
    growth.multiply,
    growth.add_node,
    growth.add_operation,
    growth.add_ticket,
    growth.add_level,
    _redefine,
)
