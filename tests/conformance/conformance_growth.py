"""What a recorded situation can get more of: nodes, members, instances, operations, tickets, levels.

Each change is in place, and tells whether there was anything to change.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET

KINDS = frozenset({"primitive", "group", "clone", "master", "bundle"})
SCORES = ("INFINITY", "-INFINITY", "100", "-100", "1", "0")
FLAGS = ("true", "false")
VALUES: Mapping[str, Sequence[str]] = {
    "target-role": ("Started", "Stopped", "Unpromoted", "Promoted"),
    "is-managed": FLAGS,
    "maintenance": FLAGS,
    "allow-migrate": FLAGS,
    "interleave": FLAGS,
    "ordered": FLAGS,
    "notify": FLAGS,
    "globally-unique": FLAGS,
    "clone-max": ("1", "2", "3"),
    "clone-node-max": ("1", "2"),
    "clone-min": ("1", "2"),
    "promoted-max": ("0", "1", "2"),
    "multiple-active": ("stop_start", "stop_only", "block", "stop_unexpected"),
    "resource-stickiness": ("0", "1", "100", "INFINITY", "-10"),
    "migration-threshold": ("1", "2", "INFINITY"),
    "failure-timeout": ("0", "60s", "1h"),
    "priority": ("0", "1", "10"),
    "critical": FLAGS,
    "requires": ("nothing", "quorum", "fencing", "unfencing"),
    "stonith-enabled": FLAGS,
    "symmetric-cluster": FLAGS,
    "maintenance-mode": FLAGS,
    "stop-all-resources": FLAGS,
    "no-quorum-policy": ("stop", "freeze", "ignore", "demote", "suicide"),
    "placement-strategy": ("default", "utilization", "minimal", "balanced"),
    "start-failure-is-fatal": FLAGS,
    "stop-orphan-resources": FLAGS,
    "stop-orphan-actions": FLAGS,
    "stonith-action": ("reboot", "off"),
    "startup-fencing": FLAGS,
    "concurrent-fencing": FLAGS,
    "enable-startup-probes": FLAGS,
    "shutdown-lock": FLAGS,
    "priority-fencing-delay": ("0", "15s"),
    "node-health-strategy": ("none", "migrate-on-red", "only-green", "progressive", "custom"),
    "promotable": FLAGS,
    "promoted-node-max": ("1", "2"),
    "standby": FLAGS,
}
"""Options whose values are changed where they stand, or that may be added."""
OF_CLUSTER = frozenset(
    {
        "stonith-enabled", "symmetric-cluster", "maintenance-mode", "stop-all-resources",
        "no-quorum-policy", "placement-strategy", "start-failure-is-fatal",
        "stop-orphan-resources", "stop-orphan-actions", "stonith-action", "startup-fencing",
        "concurrent-fencing", "enable-startup-probes", "shutdown-lock", "priority-fencing-delay",
        "node-health-strategy",
    }
)  # fmt: skip
OF_CLONE = frozenset(
    {
        "interleave", "ordered", "notify", "globally-unique", "clone-max", "clone-node-max",
        "clone-min", "promoted-max", "promotable", "promoted-node-max",
    }
)  # fmt: skip
OF_RESOURCE = frozenset(VALUES) - OF_CLUSTER - OF_CLONE - {"standby"}
ATTRIBUTES: Mapping[str, Sequence[str]] = {
    "score": SCORES,
    "kind": ("Mandatory", "Optional", "Serialize"),
    "symmetrical": FLAGS,
    "require-all": FLAGS,
    "sequential": FLAGS,
    "influence": FLAGS,
    "on-fail": ("ignore", "block", "stop", "restart", "fence", "standby", "demote"),
    "role": ("Started", "Promoted", "Unpromoted", "Stopped"),
    "rsc-role": ("Started", "Promoted", "Unpromoted"),
    "with-rsc-role": ("Started", "Promoted", "Unpromoted"),
    "first-action": ("start", "stop", "promote", "demote"),
    "then-action": ("start", "stop", "promote", "demote"),
    "rc-code": ("0", "1", "5", "7", "8"),
    "loss-policy": ("stop", "demote", "fence", "freeze"),
    "have-quorum": ("0", "1"),
    "resource-discovery": ("always", "never", "exclusive"),
    "granted": FLAGS,
    "enabled": FLAGS,
}
"""Attributes whose values are changed where they stand."""


def one_of(chance: random.Random, found: list[ET.Element]) -> ET.Element | None:
    """Return one of some elements, None of none."""
    return chance.choice(found) if found else None


def _tops(root: ET.Element, *kinds: str) -> list[ET.Element]:
    return [one for one in root.findall("configuration/resources/*") if one.tag in kinds]


def regroup(root: ET.Element, chance: random.Random) -> bool:
    """Change the order of a group, take a member out of it, or put one into it."""
    resources = root.find("configuration/resources")
    group = one_of(chance, list(root.iterfind("configuration/resources//group")))
    if resources is None or group is None:
        return False
    members = group.findall("primitive")
    way = chance.choice(("order", "out", "into"))
    outside = one_of(chance, _tops(root, "primitive"))
    if way == "into" and outside is not None:
        resources.remove(outside)
        group.insert(list(group).index(chance.choice(members)), outside)
    elif len(members) < 2:
        return False
    elif way == "out":
        one = chance.choice(members)
        group.remove(one)
        resources.append(one)
    else:
        one = chance.choice(members)
        group.remove(one)
        group.append(one)
    return True


def multiply(root: ET.Element, chance: random.Random) -> bool:
    """Make a clone of a primitive or group; what was said of it is said of the clone."""
    resources = root.find("configuration/resources")
    one = one_of(chance, _tops(root, "primitive", "group"))
    if resources is None or one is None:
        return False
    identity = one.get("id", "")
    clone = ET.Element("clone", id=f"{identity}-cloned")
    resources.insert(list(resources).index(one), clone)
    resources.remove(one)
    block = ET.SubElement(clone, "meta_attributes", id=f"{identity}-cloned-meta")
    name = chance.choice(sorted(OF_CLONE))
    value = chance.choice(VALUES[name])
    ET.SubElement(block, "nvpair", id=f"{identity}-cloned-{name}", name=name, value=value)
    clone.append(one)
    for said in root.iterfind("configuration/constraints//*"):
        for attribute in ("rsc", "with-rsc", "first", "then", "id"):
            whole = attribute != "id" or said.tag == "resource_ref"
            if whole and said.get(attribute) == identity:
                said.set(attribute, clone.get("id", ""))
    return True


def add_node(root: ET.Element, chance: random.Random) -> bool:
    """Add a node like another one, on which nothing was ever done or even asked."""
    nodes = root.find("configuration/nodes")
    status = root.find("status")
    states = {one.get("id"): one for one in root.findall("status/node_state")}
    found = [one for one in root.findall("configuration/nodes/node") if one.get("id") in states]
    like = one_of(chance, found)
    if nodes is None or status is None or like is None:
        return False
    name = chance.choice(("added", "zz-added"))
    if any(one.get("uname") == name for one in found):
        return False
    node, state = copy.deepcopy(like), copy.deepcopy(states[like.get("id")])
    for each in (*node.iter(), *state.iter()):
        if each.get("id") is not None:
            each.set("id", f"{name}-{each.get('id')}")
    node.set("uname", name)
    state.attrib |= {"id": node.get("id", ""), "uname": name}
    for resources in state.iter("lrm_resources"):
        resources[:] = []
    nodes.append(node)
    status.append(state)
    return True


def add_operation(root: ET.Element, chance: random.Random) -> bool:
    """Say how something is done, or have it asked in one more interval."""
    one = one_of(chance, list(root.iterfind("configuration/resources//primitive")))
    if one is None:
        return False
    inside = one.find("operations")
    if inside is None:
        inside = ET.SubElement(one, "operations")
    name = chance.choice(("monitor", "monitor", "start", "stop", "promote", "demote"))
    interval = chance.choice(("7s", "11s")) if name == "monitor" else "0"
    identity = f"{one.get('id')}-{name}-{interval}-new"
    if any(each.get("id") == identity for each in inside):
        return False
    operation = ET.SubElement(inside, "op", id=identity, name=name, interval=interval)
    if name == "monitor" and chance.random() < 0.5:
        operation.set("role", chance.choice(ATTRIBUTES["role"]))
    else:
        operation.set("on-fail", chance.choice(ATTRIBUTES["on-fail"]))
    return True


def add_ticket(root: ET.Element, chance: random.Random) -> bool:
    """Make a resource depend on a ticket, granted or not."""
    constraints, status = root.find("configuration/constraints"), root.find("status")
    resource = one_of(chance, _tops(root, *sorted(KINDS)))
    if constraints is None or status is None or resource is None:
        return False
    identity = f"ticket-{len(constraints)}"
    attributes = {
        "rsc": resource.get("id", ""),
        "ticket": "added",
        "loss-policy": chance.choice(ATTRIBUTES["loss-policy"]),
    }
    if chance.random() < 0.4:
        attributes["rsc-role"] = chance.choice(ATTRIBUTES["rsc-role"])
    ET.SubElement(constraints, "rsc_ticket", id=identity, **attributes)
    tickets = status.find("tickets")
    if tickets is None:
        tickets = ET.SubElement(status, "tickets")
    if not any(one.get("id") == "added" for one in tickets):
        granted = {"granted": chance.choice(FLAGS), "standby": chance.choice(("false", "true"))}
        ET.SubElement(tickets, "ticket_state", id="added", **granted)
    return True


def add_level(root: ET.Element, chance: random.Random) -> bool:
    """Say which devices fence a node."""
    configuration = root.find("configuration")
    node = one_of(chance, root.findall("configuration/nodes/node"))
    devices = [
        one.get("id", "")
        for one in root.iterfind("configuration/resources//primitive")
        if one.get("class") == "stonith"
    ]
    if configuration is None or node is None or not devices:
        return False
    topology = configuration.find("fencing-topology")
    if topology is None:
        topology = ET.SubElement(configuration, "fencing-topology")
    ET.SubElement(
        topology,
        "fencing-level",
        id=f"level-{len(topology)}-new",
        target=node.get("uname", ""),
        index=str(len(topology) + 1),
        devices=",".join(chance.sample(devices, min(2, len(devices)))),
    )
    return True
