"""Differences on purpose that are seen in the reference's answer, or in what differs."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable

import conformance_parts as parts
from conformance_parts import Answer, Differences, Line

_WATCHING = ("monitor", "cancel", "notify")
"""What changes nothing."""
_DEPARTURES = ("stop", "move", "migrate", "restart", "recover")
_ARRIVALS = ("start", *_DEPARTURES[1:])
_UP = ("Started", "Unpromoted", "Promoted")
_WITHOUT_INSTANCES = ("lsb", "systemd", "service", "upstart")
"""Standards whose agents cannot tell the instances of a clone apart."""
_LIGHT = {"initial", "order", "scores", "summary"}
"""What may differ along with actions that were decided otherwise."""


def _too_many_on_a_node(cib: ET.Element, right: Answer, differences: Differences) -> bool:
    """Tell whether the reference puts more on a node than may be there, by what it says of it.

    It is seen in what is active then, in what is used of the node, or in what would be promoted;
    something must be done, or be there, otherwise.
    """
    most = {
        member.get("id"): parts.node_max(clone)
        for clone in parts.clones(cib)
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
    crowded = {
        name
        for counts in (active, assigned, rising)
        for (name, node), count in counts.items()
        if name in most and count > max(most[name], before[name, node])
    }
    return bool(crowded) and _decides_otherwise(differences)


def _decides_otherwise(differences: Differences) -> bool:
    """Tell whether anything starts, stops, changes its role, or is somewhere else in the end."""
    words = [line.split() for lines in differences.get("actions", {}).values() for line in lines]
    done = any(each[0] == "rsc" and each[2] not in _WATCHING for each in words)
    return done or "final" in differences


def _base(name: str) -> str:
    return name.partition(":")[0]


def _probes_of_members(cib: ET.Element, _: Answer, differences: Differences) -> bool:
    if not set(differences) <= _LIGHT | {"actions"}:
        return False
    members = {
        one.get("id") for clone in parts.cloned_groups(cib) for one in clone.iter("primitive")
    }
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
        for clone in parts.clones(cib)
        if clone.get("id") in pairs
        and any(one.get("value") in parts.YES for one in parts.options(clone, "interleave"))
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
        for clone in parts.cloned_groups(cib)
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
    if cib.get("have-quorum") in parts.YES or not frozen:
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
        for clone in parts.clones(cib)
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


def _promoted_beside(cib: ET.Element, right: Answer, differences: Differences) -> bool:
    """Tell whether only a clone differs of which one too many is promoted, beside one left alone."""
    final = [line for lines in differences.get("final", {}).values() for line in lines]
    names = {line.split()[0].partition(":")[0] for line in final}
    for clone in parts.clones(cib):
        members = {one.get("id") for one in clone.iter("primitive")}
        most = max([1, *parts.numbers(clone, "promoted-max"), *parts.numbers(clone, "master-max")])
        promoted: dict[str, list[bool]] = {}
        for one in right["final"]["resources"]:
            if one["rsc"] in members and one["role"] == "Promoted":
                promoted.setdefault(one["rsc"], []).append("unmanaged" in one.get("flags", ()))
        crowded = any(any(found) and len(found) > most for found in promoted.values())
        if crowded and names and names <= members:
            return True
    return False


SEEN: dict[str, Callable[[ET.Element, Answer, Differences], bool]] = {
    "a node in maintenance is not fenced": _fenced_in_maintenance,
    "no node gets more instances of a clone than it may have": _too_many_on_a_node,
    "every member of a cloned group is looked for on every node": _probes_of_members,
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
LINES: dict[str, Callable[[Answer], set[Line]]] = {
    "a monitor never follows the stop of what it would watch": _watched_after_its_stop,
    "nobody migrates to a remote node that goes down after that": _carried_into_a_restart,
    "what nobody manages keeps its monitors": _monitors_of_unmanaged,
}
