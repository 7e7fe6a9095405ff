"""Differences that are on purpose, told from those that are faults (ARCHITECTURE, decision 14).

Some are seen in the answers; of others the cause can be taken out of the CIB, and where nothing
that weighs differs then, the cause was it.
"""

from __future__ import annotations

import ast
import itertools
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import conformance_names

from reconciler.cib import document

Answer = Mapping[str, Any]
Differences = Mapping[str, Mapping[str, list[str]]]
Line = tuple[str, str, str]
"""Aspect, whether it is missing or extra, and what differs."""
_CLONES = ("clone", "master")
_DEPARTURES = ("stop", "move", "migrate", "restart", "recover")
_ARRIVALS = ("start", *_DEPARTURES[1:])
_UP = ("Started", "Unpromoted", "Promoted")
_WITHOUT_INSTANCES = ("lsb", "systemd", "service", "upstart")
"""Standards whose agents cannot tell the instances of a clone apart."""
_YES = ("true", "on", "yes", "y", "1")
_LIGHT = {"initial", "order", "scores", "summary"}
"""What may differ along with actions that were decided otherwise."""


def seen(text: str, right: Answer, differences: Differences) -> str:
    """Return the decision that is seen in the reference's answer or in what differs; empty: none.

    Several may tell a part of what differs each.
    """
    cib = document.parse(text).root
    found = next((name for name, told in _SEEN.items() if told(cib, right, differences)), "")
    return found or _in_parts(right, differences)


def _in_parts(right: Answer, differences: Differences) -> str:
    """Return the decisions that tell all that weighs line by line; empty: they do not."""
    left = {
        (aspect, sign, line)
        for aspect in ("actions", "final")
        for sign, lines in differences.get(aspect, {}).items()
        for line in lines
    }
    names = []
    for name, lines in _LINES.items():
        told = left & lines(right)
        left -= told
        names += [name] if told else []
    return "" if left else "; ".join(names)


def removals(text: str, right: Answer, differences: Differences) -> Iterator[tuple[str, str]]:
    """Yield decisions that the CIB gives a cause for, each with the CIB without it."""
    causes = {**_CAUSES, **conformance_names.CAUSES}
    causes |= _CAUSES_OF_WAITING if _only_waits_for_fencing(differences) else {}
    for name, remove in causes.items():
        cib = document.parse(text).root
        if remove(cib, right):
            yield name, ET.tostring(cib, encoding="unicode")


def _too_many_on_a_node(cib: ET.Element, right: Answer, _: Differences) -> bool:
    """Tell whether the reference puts more on a node than may be there, by what it says of it.

    It is seen in what is active then, in what is used of the node, or in what would be promoted.
    """
    most = {
        member.get("id"): _node_max(clone)
        for clone in _clones(cib)
        for tag in ("primitive", "group")
        for member in clone.iter(tag)
    }
    active = Counter(
        (_base(one["rsc"]), node)
        for one in right["initial"]["resources"]
        if one["role"] != "Stopped"
        for node in one["nodes"]
    )
    before = active.copy()
    for group in cib.iter("group"):
        for (name, node), count in active.items():
            if group.find(f"primitive[@id='{name}']") is not None:
                before[group.get("id", ""), node] = max(before[group.get("id", ""), node], count)
    for one in right["summary"]:
        name = _base(one["rsc"])
        if one.get("source"):
            active[name, one["source"]] -= one["action"] in _DEPARTURES
        if one.get("dest"):
            active[name, one["dest"]] += one["action"] in _ARRIVALS
    used = (right.get("utilization") or {}).get("assigned", ())
    assigned = Counter((_base(name), node) for name, node, _ in used)
    rivals = (right.get("promotion_scores") or {}).items()
    rising = Counter((_base(name), node) for name, nodes in rivals for node in nodes if node)
    return any(
        count > max(most[name], before[name, node])
        for counts in (active, assigned, rising)
        for (name, node), count in counts.items()
        if name in most
    )


def _base(name: str) -> str:
    return name.partition(":")[0]


def _node_max(clone: ET.Element) -> int:
    """Return how many instances a node may have; of those that are alike no more than one."""
    if not any(one.get("value") in _YES for one in _options(clone, "globally-unique")):
        return 1
    return max(_numbers(clone, "clone-node-max"), default=1)


def _numbers(clone: ET.Element, name: str) -> list[int]:
    """Return what is written for an option of a clone."""
    written = [one.get("value", "") for one in _options(clone, name)]
    return [int(one) for one in written if one.isdigit()]


def _clones(cib: ET.Element) -> Iterator[ET.Element]:
    for tag in _CLONES:
        yield from cib.iter(tag)


def _cloned_groups(cib: ET.Element) -> list[ET.Element]:
    return [clone for clone in _clones(cib) if clone.find("group") is not None]


def _options(clone: ET.Element, name: str) -> list[ET.Element]:
    return clone.findall(f"meta_attributes/nvpair[@name='{name}']")


def _probes_of_members(cib: ET.Element, _: Answer, differences: Differences) -> bool:
    if not set(differences) <= _LIGHT | {"actions"}:
        return False
    members = {one.get("id") for clone in _cloned_groups(cib) for one in clone.iter("primitive")}
    more = [line.split() for line in differences.get("actions", {}).get("extra", ())]
    fewer = differences.get("actions", {}).get("missing")
    return bool(more) and not fewer and all(_is_probe(line, members) for line in more)


def _is_probe(line: list[str], names: set[str | None]) -> bool:
    kind, name, *what = line
    return kind == "rsc" and name.partition(":")[0] in names and what[:2] == ["monitor", "0"]


def _fenced_in_maintenance(_: ET.Element, right: Answer, differences: Differences) -> bool:
    fenced = {line.split()[1] for line in differences.get("fencing", {}).get("missing", ())}
    nodes = right["initial"]["nodes"]
    return bool(fenced) and fenced <= {
        one["node"] for one in nodes if "maintenance" in one["flags"]
    }


def _strangers_in_containers(cib: ET.Element, right: Answer, _: Differences) -> bool:
    """Tell whether the reference runs in a bundle's container what is not in that bundle."""
    owners = {
        f"{bundle.get('id')}-{number}": {one.get("id") for one in bundle.iter("primitive")}
        for bundle in cib.iter("bundle")
        for box in bundle
        for number in range(int(box.get("replicas", box.get("promoted-max", "0"))))
    }
    goes = [(one["rsc"].partition(":")[0], one.get("dest")) for one in right["summary"]]
    return any(node in owners and name not in owners[node] for name, node in goes)


def _parted(cib: ET.Element, _: Answer, differences: Differences) -> bool:
    """Tell whether the reference only stops instances without the partner for a role."""
    pairs = {
        one.get("rsc")
        for one in cib.iter("rsc_colocation")
        if one.get("rsc-role") in ("Promoted", "Master") and one.get("score") == "INFINITY"
    }
    parted = {
        member.get("id")
        for clone in _clones(cib)
        if clone.get("id") in pairs
        and any(one.get("value") in _YES for one in _options(clone, "interleave"))
        for member in clone.iter("primitive")
    }
    actions, final = differences.get("actions", {}), differences.get("final", {})
    changed = [line.split()[1] for sign in actions for line in actions[sign]]
    kept = [line.split()[0] for line in final.get("extra", ())]
    told = {_base(name) for name in (*changed, *kept)} <= parted
    return told and bool(kept) and not final.get("missing") and "fencing" not in differences


def _beside_nothing(cib: ET.Element, right: Answer, differences: Differences) -> bool:
    """Tell whether all that differs is that the reference runs what must be with what is down."""
    up = {_base(name) for name, nodes in right["final"]["placement"].items() if nodes}
    down = {
        clone.get("id")
        for clone in _cloned_groups(cib)
        if not any(one.get("id") in up for one in clone.iter("primitive"))
    }
    bound: set[str | None] = set()
    for one in cib.iter("rsc_colocation"):
        names = [one.get("rsc"), one.get("with-rsc")]
        names += [each.get("id") for each in one.iter("resource_ref")]
        if one.get("score") == "INFINITY" and down.intersection(names):
            bound.update(names)
    beside = {
        member.get("id")
        for one in cib.findall("configuration/resources/*")
        if one.get("id") in bound
        for member in one.iter("primitive")
    }
    actions, final = differences.get("actions", {}), differences.get("final", {})
    fewer = [line.split()[1] for line in actions.get("missing", ())]
    fewer += [line.split()[0] for line in final.get("missing", ())]
    more = actions.get("extra") or final.get("extra") or "fencing" in differences
    return bool(fewer) and not more and {_base(name) for name in fewer} <= beside


def _stopped_and_cancelled(_: ET.Element, right: Answer, differences: Differences) -> bool:
    """Tell whether all that differs is what the reference leaves behind a monitor's cancelling.

    Its simulation notes it down as one more success of what was stopped just before.
    """
    if set(differences) - {"final"}:
        return False
    last: dict[str, str] = {}
    done = [one for one in right["executed"] if one[0] == "rsc"]
    for _kind, task, name, node, *_rest in done:
        if task in {"start", "stop", "cancel"}:
            after = task == "cancel" and last.get(f"{name} {node}") == "stop"
            last[f"{name} {node}"] = "over" if after else task
    more = [" ".join(line.split()[:2]) for line in differences["final"].get("missing", ())]
    fewer = differences["final"].get("extra")
    return bool(more) and not fewer and all(last.get(line) == "over" for line in more)


def _watched_after_its_stop(right: Answer) -> set[Line]:
    """Return the monitors that wait for a connection at most, though what they watch stops there."""
    actions = right["actions"]
    before: dict[int, list[int]] = {}
    for first, then in right["order"]:
        before.setdefault(then, []).append(first)
    started, stopped = (
        {(one["rsc"], one["node"]) for one in actions if one["task"] == task}
        for task in ("start", "stop")
    )
    found: set[Line] = set()
    for index, one in enumerate(actions):
        waits = [
            (actions[each]["task"], actions[each].get("rsc")) for each in before.get(index, ())
        ]
        name, node, interval = one.get("rsc"), one["node"], one.get("interval")
        alone = waits == [("start", node)] or not (waits or (name, node) in started)
        if interval and alone and (name, node) in stopped:
            found.add(("actions", "missing", f"rsc {name} monitor {interval} {node}"))
            found |= {("final", "missing", f"{name} {node} {role}") for role in _UP}
    return found


def _carried_into_a_restart(right: Answer) -> set[Line]:
    """Return what differs where somebody migrates to a remote node before that goes down."""
    stopped = {one["rsc"] for one in right["actions"] if one["task"] == "stop"}
    found: set[Line] = set()
    for one in right["summary"]:
        name, source, node = one["rsc"], one.get("source"), one.get("dest")
        if one["action"] == "migrate" and node in stopped:
            found.add(("actions", "missing", f"rsc {name} migrate_to 0 {source}"))
            found.add(("actions", "missing", f"rsc {name} migrate_from 0 {node}"))
            found.add(("actions", "extra", f"rsc {name} start 0 {node}"))
    return found


def _monitors_of_unmanaged(right: Answer) -> set[Line]:
    """Return the monitors that the reference begins and ends of what nobody manages."""
    unmanaged = {
        (one["rsc"].partition(":")[0], node)
        for one in right["initial"]["resources"]
        if "unmanaged" in one.get("flags", ())
        for node in one["nodes"]
    }
    found: set[Line] = set()
    for one in right["actions"]:
        rsc, interval, node = one.get("rsc", ""), one.get("interval"), one.get("node")
        if interval and (rsc.partition(":")[0], node) in unmanaged:
            for name in (rsc, one.get("inst")):
                line = f"rsc {name} {one['task']} {interval} {node}"
                found.add(("actions", "missing", line))
    return found


def _restarts_frozen(cib: ET.Element, right: Answer, differences: Differences) -> bool:
    """Tell whether the reference, without quorum, only stops what is to restart under freeze."""
    policies = cib.findall("configuration/crm_config//nvpair[@name='no-quorum-policy']")
    frozen = any(one.get("value") == "freeze" for one in policies)
    if cib.get("have-quorum") in _YES or not frozen:
        return False
    stopped = {
        (name, one["source"])
        for one in right["summary"]
        if one["action"] == "stop" and not one.get("blocked")
        for name in (one["rsc"], one.get("inst"))
    }
    actions, final = differences.get("actions", {}), differences.get("final", {})
    if actions.get("missing") or final.get("missing") or "fencing" in differences:
        return False
    words = [line.split() for line in actions.get("extra", ()) if line.startswith("rsc ")]
    again = {(name, node) for _, name, _, _, node, *_ in words}
    kept = {tuple(line.split()[:2]) for line in final.get("extra", ())}
    # What was redefined, and moves, is stopped where it is and not started elsewhere.
    redefined = {
        one["rsc"]
        for one in right["summary"]
        if one["action"] == "stop" and one.get("reason") == "resource definition change"
    }
    moved = {(name, node) for name, node in again if name in redefined}
    return bool(again) and again == kept and again - moved <= stopped


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


def _let_in_unready(_: ET.Element, right: Answer, differences: Differences) -> bool:
    """Tell whether all that is missing is the unfencing of nodes that have not joined, or are lost."""
    if set(differences) - {"actions", "fencing", "order"}:
        return False
    away = {
        one["node"]
        for one in right["initial"]["nodes"]
        if "online" not in one["flags"] or {"pending", "unclean"} & set(one["flags"])
    }
    actions = differences.get("actions", {})
    told = differences.get("fencing", {})
    missing = {line.removeprefix("fence ") for line in actions.get("missing", ())}
    missing |= set(told.get("missing", ()))
    more = actions.get("extra") or told.get("extra")
    return bool(missing) and not more and missing <= {f"on {name}" for name in away}


def _numbered(cib: ET.Element, _: Answer, differences: Differences) -> bool:
    """Tell whether only names differ: those of clones whose agents cannot tell instances apart."""
    alike = {
        member.get("id")
        for clone in _clones(cib)
        if any(one.get("class") in _WITHOUT_INSTANCES for one in clone.iter("primitive"))
        for member in clone.iter("primitive")
    }
    weighty = [differences[one] for one in ("actions", "final") if one in differences]
    return all(
        sorted(_plain(line, alike) for line in sides.get("missing", ()))
        == sorted(_plain(line, alike) for line in sides.get("extra", ()))
        for sides in weighty
    )


def _two_histories(cib: ET.Element, _: Answer, differences: Differences) -> bool:
    """Tell whether only the end differs, of what has two histories on the node in question."""
    if set(differences) - {"final", "scores"}:
        return False
    counts = Counter(
        (one.get("id", "").partition(":")[0], state.get("uname"))
        for state in cib.iterfind("status/node_state")
        for one in state.iter("lrm_resource")
    )
    found = [line.split() for sides in differences["final"].values() for line in sides]
    return all(counts[name.partition(":")[0], node] > 1 for name, node, _ in found)


def _plain(line: str, alike: set[str | None]) -> str:
    """Return a line without the instance numbers of some resources."""
    words = (word.partition(":") for word in line.split(" "))
    return " ".join(name if name in alike else name + colon + rest for name, colon, rest in words)


def _crowded_groups(cib: ET.Element, right: Answer) -> bool:
    """Remove cloned groups of which the reference's scores put two instances on one node."""
    names: set[str | None] = set()
    for clone in _cloned_groups(cib):
        members = {one.get("id") for one in clone.iter("primitive")}
        only = Counter(
            (name.partition(":")[0], usable[0])
            for name, scores in right.get("scores", {}).get("primitive", {}).items()
            if ":" in name and name.partition(":")[0] in members
            if len(usable := [node for node, score in scores.items() if _last(score) >= 0]) == 1
        )
        if any(count > _node_max(clone) for count in only.values()):
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


def _promoted_beside(cib: ET.Element, right: Answer, differences: Differences) -> bool:
    """Tell whether only a clone differs of which one too many is promoted, beside one left alone."""
    final = [line for lines in differences.get("final", {}).values() for line in lines]
    names = {line.split()[0].partition(":")[0] for line in final}
    for clone in _clones(cib):
        members = {one.get("id") for one in clone.iter("primitive")}
        most = max([1, *_numbers(clone, "promoted-max"), *_numbers(clone, "master-max")])
        promoted: dict[str, list[bool]] = {}
        for one in right["final"]["resources"]:
            if one["rsc"] in members and one["role"] == "Promoted":
                promoted.setdefault(one["rsc"], []).append("unmanaged" in one.get("flags", ()))
        crowded = any(any(found) and len(found) > most for found in promoted.values())
        if crowded and names and names <= members:
            return True
    return False


def _clone_min(cib: ET.Element, _: Answer) -> bool:
    return _drop(_options_of(_cloned_groups(cib)), lambda one: one.get("name") == "clone-min")


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
    wholes = {one.get("id") for one in (*cib.iter("group"), *_clones(cib))}
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
    lasting = order.get("symmetrical", "true") in _YES
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
            one.get("symmetrical", "true") not in _YES
            and one.get("first-action") == one.get("then-action") == "stop"
        ),
    )


def _role_of_group(cib: ET.Element, _: Answer) -> bool:
    names = {clone.get("id") for clone in _cloned_groups(cib)}
    with_role = [one for one in cib.iter("rsc_colocation") if one.get("rsc-role")]
    told = [one for one in with_role if one.get("rsc") in names]
    return _drop(cib.iter("constraints"), lambda one: one in told)


def _avoided_unpromoted(cib: ET.Element, _: Answer) -> bool:
    """Remove what the unpromoted role of clones is to avoid that people want unpromoted."""
    names = {
        clone.get("id")
        for clone in _clones(cib)
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
    clones = [clone for clone in _clones(cib) if clone.get("id") in promoted]
    return _drop(_options_of(clones), lambda one: one.get("name") == "interleave")


def _partners_of_groups(cib: ET.Element, _: Answer) -> bool:
    """Let cloned groups that somebody must be with have no partners to follow."""
    required = {
        one.get("with-rsc")
        for one in cib.iter("rsc_colocation")
        if one.get("score") in ("INFINITY", "+INFINITY")
    }
    clones = [clone for clone in _cloned_groups(cib) if clone.get("id") in required]
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


def _only_waits_for_fencing(differences: Differences) -> bool:
    """Tell whether nothing differs but what waits for a fencing here, and not in the reference."""
    if set(differences) - {"order", "scores"}:
        return False
    order = differences.get("order", {})
    return not order.get("missing") and all(
        ast.literal_eval(pair)[0].startswith("fence ") for pair in order.get("extra", ())
    )


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
    if symmetric is None or symmetric.get("value") in _YES or constraints is None:
        return False
    for place, (device, node) in enumerate(itertools.product(devices, lost)):
        allowed = {"id": f"allowed-{place}", "rsc": device.get("id", ""), "node": node}
        constraints.append(constraints.makeelement("rsc_location", {**allowed, "score": "0"}))
    return bool(devices and lost)


def _forgotten(cib: ET.Element, right: Answer) -> bool:
    """Remove the histories of guests that are down where nothing is fenced: nobody reads them."""
    enabled = cib.find("configuration/crm_config//nvpair[@name='stonith-enabled']")
    if enabled is None or enabled.get("value") in _YES:
        return False
    guests = {one.get("id") for one in cib.iter("lrm_resource") if one.get("container")}
    up = {one["node"] for one in right["initial"]["nodes"] if "online" in one["flags"]}
    states = [one for one in cib.iter("node_state") if one.get("uname") in guests - up]
    return _drop(states, lambda one: one.tag == "lrm")


_SEEN: dict[str, Callable[[ET.Element, Answer, Differences], bool]] = {
    "no node gets more instances of a clone than it may have": _too_many_on_a_node,
    "every member of a cloned group is looked for on every node": _probes_of_members,
    "a node in maintenance is not fenced": _fenced_in_maintenance,
    "instances that need a partner only where they are promoted": _parted,
    "what is not in a bundle never runs in its containers": _strangers_in_containers,
    "who must be with a cloned group that runs nowhere": _beside_nothing,
    "nobody is promoted beside a promoted instance that may not be touched": _promoted_beside,
    "what was stopped does not run because a monitor of it ends": _stopped_and_cancelled,
    "what is to restart without quorum restarts under freeze": _restarts_frozen,
    "no node is unfenced that is lost or has not joined": _let_in_unready,
    "the instances of an anonymous clone have no numbers in their names": _numbered,
    "of two histories of a resource on a node the last counts at the end": _two_histories,
}
_LINES: dict[str, Callable[[Answer], set[Line]]] = {
    "a monitor never follows the stop of what it would watch": _watched_after_its_stop,
    "nobody migrates to a remote node that goes down after that": _carried_into_a_restart,
    "what nobody manages keeps its monitors": _monitors_of_unmanaged,
}
_CAUSES: dict[str, Callable[[ET.Element, Answer], bool]] = {
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
_CAUSES_OF_WAITING: dict[str, Callable[[ET.Element, Answer], bool]] = {
    "what requires less than fencing waits for it": _little_required,
    "what no location names may be on a lost node": _not_named,
}
