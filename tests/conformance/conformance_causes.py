"""Differences on purpose of which the cause can be taken out of a CIB."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterable

import conformance_parts as parts
from conformance_parts import Answer


def _blocks(cib: ET.Element, _: Answer) -> bool:
    """Let no failure block that stands in a history with an instance's number."""
    numbered = {
        one.get("id", "").partition(":")[0]
        for one in cib.iter("lrm_resource")
        if ":" in one.get("id", "")
    }
    operations = [
        one
        for member in cib.iter("primitive")
        if member.get("id") in numbered
        for one in member.iter("op")
        if one.get("on-fail") == "block"
    ]
    for one in operations:
        one.attrib.pop("on-fail")
    return bool(operations)


def _crowded_groups(cib: ET.Element, right: Answer) -> bool:
    """Remove cloned groups of which the reference's scores put two instances on one node."""
    names: set[str | None] = set()
    for clone in parts.cloned_groups(cib):
        members = {one.get("id") for one in clone.iter("primitive")}
        only = Counter(
            (name.partition(":")[0], usable[0])
            for name, scores in right.get("scores", {}).get("primitive", {}).items()
            if ":" in name and name.partition(":")[0] in members
            if len(usable := [node for node, score in scores.items() if _last(score) >= 0]) == 1
        )
        if any(count > parts.node_max(clone) for count in only.values()):
            names |= {one.get("id") for one in clone.iter()}
    return bool(names) and _drop([*cib.iter()], lambda one: _is_about(one, names))


def _last(score: int | list[int]) -> int:
    return score if isinstance(score, int) else score[-1]


def _is_about(one: ET.Element, names: set[str | None]) -> bool:
    """Tell whether something defines, binds or tells of one of some resources."""
    if one.tag == "lrm_resource":
        return one.get("id", "").partition(":")[0] in names
    told = (one.get(key) for key in ("id", "rsc", "with-rsc", "first", "then"))
    return one.tag not in {"node", "nvpair"} and any(name in names for name in told if name)


def _clone_min(cib: ET.Element, _: Answer) -> bool:
    return _drop(_options_of(parts.cloned_groups(cib)), lambda one: one.get("name") == "clone-min")


def _drop(parents: Iterable[ET.Element], told: Callable[[ET.Element], bool]) -> bool:
    """Remove children; tell whether there were any."""
    found = [(parent, one) for parent in parents for one in parent if told(one)]
    for parent, one in found:
        parent.remove(one)
    return bool(found)


def _told_bundles(cib: ET.Element, _: Answer) -> bool:
    """Let what runs inside of bundles be told of nothing."""
    blocks = cib.findall("configuration/resources/bundle/primitive/meta_attributes")
    blocks += cib.findall("configuration/resources/bundle/meta_attributes")
    return _drop(blocks, lambda one: one.get("name") == "notify")


def _require_all(cib: ET.Element, _: Answer) -> bool:
    """Let all of what holds groups or clones be required."""
    wholes = {one.get("id") for one in (*cib.iter("group"), *parts.clones(cib))}
    orders = [one for tag in ("rsc_order", "resource_set") for one in cib.iter(tag)]
    given = [
        one
        for one in orders
        if one.get("require-all") in ("false", "no", "off", "0")
        and wholes & {one.get("first"), *(each.get("id") for each in one.iter("resource_ref"))}
    ]
    for one in given:
        one.attrib.pop("require-all")
    return bool(given)


def _weaker(cib: ET.Element, _: Answer) -> bool:
    """Remove the orders that ask for less than another one of the same two."""
    orders = [*cib.iter("rsc_order")]
    strict = [one for one in orders if _is_strict(one)]
    weak = [
        one
        for one in orders
        if not _is_strict(one) and any(_ordered(one) & _ordered(each) for each in strict)
    ]
    return _drop(cib.iter("constraints"), lambda one: one in weak)


def _is_strict(order: ET.Element) -> bool:
    """Tell whether an order is mandatory both ways."""
    lasting = order.get("symmetrical", "true") in parts.YES
    return lasting and order.get("kind", "Mandatory") == "Mandatory"


def _ordered(order: ET.Element) -> set[tuple[str | None, str | None]]:
    """Return which resources an order puts before which."""
    names = [one.get("id") for one in order.iter("resource_ref")]
    return {*itertools.combinations(names, 2)} | {(order.get("first"), order.get("then"))} - {
        (None, None)
    }


def _stops_one_way(cib: ET.Element, right: Answer) -> bool:
    """Remove the orders one way of stops, if the reference has stops that cannot be done."""
    if not any(one["action"] == "stop" and one.get("blocked") for one in right["summary"]):
        return False
    return _drop(
        cib.iter("constraints"),
        lambda one: (
            one.get("symmetrical", "true") not in parts.YES
            and one.get("first-action") == one.get("then-action") == "stop"
        ),
    )


def _role_of_group(cib: ET.Element, _: Answer) -> bool:
    names = {clone.get("id") for clone in parts.cloned_groups(cib)}
    with_role = [one for one in cib.iter("rsc_colocation") if one.get("rsc-role")]
    told = [one for one in with_role if one.get("rsc") in names]
    return _drop(cib.iter("constraints"), lambda one: one in told)


def _avoided_unpromoted(cib: ET.Element, _: Answer) -> bool:
    """Remove what the unpromoted role of clones is to avoid that people want unpromoted."""
    names = {
        clone.get("id")
        for clone in parts.clones(cib)
        for one in clone.iter("nvpair")
        if one.get("name") == "target-role" and one.get("value") in ("Unpromoted", "Slave")
    }
    told = [
        one
        for one in cib.iter("rsc_colocation")
        if one.get("rsc") in names and one.get("rsc-role") in ("Unpromoted", "Slave")
    ]
    return _drop(
        cib.iter("constraints"), lambda one: one in told and one.get("score", "").startswith("-")
    )


def _pairs_of_promoted(cib: ET.Element, _: Answer) -> bool:
    promoted = {
        one.get("rsc")
        for one in cib.iter("rsc_colocation")
        if one.get("rsc-role") in ("Promoted", "Master")
    }
    clones = [clone for clone in parts.clones(cib) if clone.get("id") in promoted]
    return _let_go(clones)


def _partners_of_groups(cib: ET.Element, _: Answer) -> bool:
    """Let cloned groups that somebody must be with have no partners to follow."""
    required = {
        one.get("with-rsc")
        for one in cib.iter("rsc_colocation")
        if one.get("score") in ("INFINITY", "+INFINITY")
    }
    clones = [clone for clone in parts.cloned_groups(cib) if clone.get("id") in required]
    return _let_go(clones)


def _let_go(clones: Iterable[ET.Element]) -> bool:
    """Take interleaving from clones, so that their instances need no partners."""
    return _drop(_options_of(clones), lambda one: one.get("name") == "interleave")


def _options_of(clones: Iterable[ET.Element]) -> list[ET.Element]:
    return [block for clone in clones for block in clone.findall("meta_attributes")]


def _unfenced(cib: ET.Element, right: Answer) -> bool:
    """Remove the nodes that the reference would fence and cannot."""
    fenced = {one.get("node") for one in right["fencing_summary"]}
    lost = {
        one["node"]
        for one in right["initial"]["nodes"]
        if "unclean" in one["flags"] and one["node"] not in fenced
    }
    nodes = [*cib.iter("nodes"), *cib.iter("status")]
    return _drop(nodes, lambda one: one.get("uname") in lost)


def _begun_long_ago(cib: ET.Element, _: Answer) -> bool:
    """Forget how long ago the operations began that have not ended and may have got through."""
    begun = [
        one
        for one in cib.iter("lrm_rsc_op")
        if one.get("operation") in ("start", "promote", "migrate_to", "migrate_from")
        and one.get("op-status") == "-1"
    ]
    for one in begun:
        one.attrib.pop("last-rc-change", None)
    return bool(begun)


def _unseen(cib: ET.Element, right: Answer) -> bool:
    """Remove the standby and maintenance of remote nodes that the reference does not know of."""
    flags = {one["node"]: one["flags"] for one in right["initial"]["nodes"]}
    blocks = [
        block
        for node in cib.findall("configuration/nodes/node[@type='remote']")
        for block in node.findall("instance_attributes")
        if not {"online", "standby", "maintenance"} & set(flags.get(node.get("uname", ""), ()))
    ]
    return _drop(blocks, lambda one: one.get("name") in ("standby", "maintenance"))


def _little_required(cib: ET.Element, _: Answer) -> bool:
    """Let all that require quorum only, or nothing, require what is required by default."""
    return _drop(
        cib.iter("meta_attributes"),
        lambda one: one.get("name") == "requires" and one.get("value") in ("quorum", "nothing"),
    )


def _not_named(cib: ET.Element, right: Answer) -> bool:
    """Let each fence device be allowed on the lost nodes of an opt-in cluster."""
    lost = [one["node"] for one in right["initial"]["nodes"] if "unclean" in one["flags"]]
    devices = [one for one in cib.iter("primitive") if one.get("class") == "stonith"]
    symmetric = cib.find("configuration/crm_config//nvpair[@name='symmetric-cluster']")
    constraints = cib.find("configuration/constraints")
    if symmetric is None or symmetric.get("value") in parts.YES or constraints is None:
        return False
    for place, (device, node) in enumerate(itertools.product(devices, lost)):
        allowed = {"id": f"allowed-{place}", "rsc": device.get("id", ""), "node": node}
        constraints.append(constraints.makeelement("rsc_location", {**allowed, "score": "0"}))
    return bool(devices and lost)


def _forgotten(cib: ET.Element, right: Answer) -> bool:
    """Remove the histories of guests that are down where nothing is fenced: nobody reads them."""
    enabled = cib.find("configuration/crm_config//nvpair[@name='stonith-enabled']")
    if enabled is None or enabled.get("value") in parts.YES:
        return False
    guests = {one.get("id") for one in cib.iter("lrm_resource") if one.get("container")}
    up = {one["node"] for one in right["initial"]["nodes"] if "online" in one["flags"]}
    states = [one for one in cib.iter("node_state") if one.get("uname") in guests - up]
    return _drop(states, lambda one: one.tag == "lrm")


CAUSES: dict[str, Callable[[ET.Element, Answer], bool]] = {
    "clone-min of a cloned group": _clone_min,
    "no node gets more instances of a cloned group than it may have": _crowded_groups,
    "require-all with groups or clones": _require_all,
    "what is ordered after a bundle that notifies waits for it": _told_bundles,
    "what a role of a cloned group is to avoid": _role_of_group,
    "what the unpromoted role is to avoid of what shall be unpromoted": _avoided_unpromoted,
    "instances that need a partner only where they are promoted": _pairs_of_promoted,
    "who must be with a cloned group of which nothing has its partner": _partners_of_groups,
    "a mandatory order beside a weaker one": _weaker,
    "a stop that nobody asked for": _stops_one_way,
    "a lost node that cannot be fenced": _unfenced,
    "a start, promotion or migration that began long ago": _begun_long_ago,
    "standby or maintenance of a remote node that was never seen": _unseen,
    "a guest whose connection is down where its holder runs": _forgotten,
    "a failure that blocks in a history with an instance's number": _blocks,
}
CAUSES_OF_WAITING: dict[str, Callable[[ET.Element, Answer], bool]] = {
    "what requires less than fencing waits for it": _little_required,
    "what no location names may be on a lost node": _not_named,
}
