"""Small random CIBs that use much of Pacemaker's language: rules, options, tickets, templates...

A few nodes and resources with a simple past, and some features each, so that what differs is what
a feature means. The same seed always makes the same CIB.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from xml.etree import ElementTree as ET

from reconciler.scheduler import digest

NOW = 1_700_000_000
"""2023-11-14 22:13:20 UTC, a Tuesday."""
_UUID = "0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f9"
_INFINITY = "INFINITY"
_SCORES = (_INFINITY, "-INFINITY", "100", "50", "10", "-10", "-100", "1000", "+5", "0")
_BOOLEANS = ("true", "false", "yes", "no", "1", "0", "on", "TRUE")
_STATES: Mapping[str, Mapping[str, str]] = {
    "online": {"in_ccm": "true", "crmd": "online", "join": "member", "expected": "member"},
    "offline": {"in_ccm": "false", "crmd": "offline", "join": "down", "expected": "down"},
    "lost": {"in_ccm": "false", "crmd": "offline", "join": "member", "expected": "member"},
    "joining": {"in_ccm": "true", "crmd": "online", "join": "pending", "expected": "member"},
}
_OPTIONS: Mapping[str, Sequence[str]] = {
    "no-quorum-policy": ("stop", "freeze", "ignore", "demote", "suicide"),
    "stop-all-resources": ("true", "false"),
    "stop-orphan-resources": _BOOLEANS,
    "stop-orphan-actions": _BOOLEANS,
    "symmetric-cluster": _BOOLEANS,
    "start-failure-is-fatal": _BOOLEANS,
    "enable-startup-probes": _BOOLEANS,
    "startup-fencing": _BOOLEANS,
    "concurrent-fencing": _BOOLEANS,
    "stonith-action": ("reboot", "off", "poweroff"),
    "maintenance-mode": _BOOLEANS,
    "placement-strategy": ("default", "utilization", "balanced", "minimal"),
    "node-health-strategy": ("none", "migrate-on-red", "only-green", "progressive", "custom"),
    "node-health-base": ("0", "10", "-10", _INFINITY),
    "node-health-red": ("-INFINITY", "-50", "0"),
    "node-health-yellow": ("0", "-10", "-INFINITY"),
    "node-health-green": ("0", "5"),
    "shutdown-lock": _BOOLEANS,
    "shutdown-lock-limit": ("0", "1min", "1h", "PT30M"),
    "priority-fencing-delay": ("0", "15s", "1min"),
    "migration-limit": ("-1", "0", "1"),
    "cluster-name": ("here", "there"),
}
_META: Mapping[str, Sequence[str]] = {
    "target-role": ("Started", "Stopped", "Slave", "Promoted", "Unpromoted", "Master"),
    "is-managed": _BOOLEANS,
    "maintenance": _BOOLEANS,
    "priority": ("1", "5", "-3", _INFINITY),
    "resource-stickiness": ("0", "1", "100", _INFINITY, "-5", "2.5"),
    "migration-threshold": ("1", "2", "3", _INFINITY, "0"),
    "failure-timeout": ("10", "5min", "PT1H", "P40S", "0", "1h"),
    "multiple-active": ("stop_start", "stop_only", "block"),
    "requires": ("nothing", "quorum", "fencing", "unfencing"),
    "allow-migrate": _BOOLEANS,
    "critical": _BOOLEANS,
    "allow-unhealthy-nodes": _BOOLEANS,
}
_CLONE_META: Mapping[str, Sequence[str]] = {
    "clone-max": ("0", "1", "2", "3"),
    "clone-node-max": ("1", "2"),
    "promoted-max": ("0", "1", "2"),
    "master-max": ("1", "2"),
    "interleave": _BOOLEANS,
    "ordered": _BOOLEANS,
    "notify": _BOOLEANS,
    "globally-unique": ("false", "false", "true"),
    "clone-min": ("1", "2"),
}
_OP_OPTIONS: Mapping[str, Sequence[str]] = {
    "timeout": ("20s", "77s", "20"),
    "on-fail": ("ignore", "block", "stop", "restart", "fence", "standby", "demote", "nothing"),
    "record-pending": _BOOLEANS,
    "start-delay": ("5s", "0"),
}
_ATTRIBUTES = ("rack", "size", "version", "site-name")
_VALUES = ("1", "2", "10", "1.5", "1.10", "a", "A", "", "-1", "0x10", "true")
_DATES = (
    "2023-11-14", "2023-11-14T22:13:20", "2023-11-14 22:13:21Z", "2023-11-14 22:13:19Z",
    "2023-W46-2", "2023-318", "20231114T221320Z", "2023-11-15", "2022-12-31", "2023-11-07",
)  # fmt: skip
_SPECS: Mapping[str, Sequence[str]] = {
    "hours": ("22", "9-16", "20-", "-21"),
    "weekdays": ("2", "1-5", "6-7"),
    "monthdays": ("14", "1-7", "10-"),
    "months": ("11", "1-6"),
    "yeardays": ("318", "1-100"),
    "weeks": ("46", "1-45"),
    "years": ("2023", "2024-"),
    "weekyears": ("2023",),
    "minutes": ("13", "30-59"),
    "seconds": ("20", "0-10"),
}
_DURATIONS: Mapping[str, Sequence[str]] = {
    "months": ("1", "11"),
    "weeks": ("1", "46"),
    "days": ("1", "7"),
    "hours": ("1", "23"),
    "minutes": ("13", "59"),
    "seconds": ("1", "20"),
}
_TYPES = ("", "", "string", "integer", "number", "version")
_COMPARISONS = ("lt", "gt", "lte", "gte", "eq", "ne", "eq", "ne")
_DUMMY = {"class": "ocf", "provider": "pacemaker", "type": "Dummy"}
_STATEFUL = {"class": "ocf", "provider": "pacemaker", "type": "Stateful"}


_LATER_FROM = 1_000
"""Seeds from here have words, too, that came later: those below make what they always made."""


def generate(seed: int) -> str:
    """Return the CIB of a seed."""
    chance = random.Random(f"features/{seed}")  # noqa: S311 - same seed, same CIB
    return _Maker(chance, later=seed >= _LATER_FROM).make()


class _Maker:
    """Makes one CIB."""

    def __init__(self, chance: random.Random, *, later: bool) -> None:
        self.chance = chance
        self.later = later
        self.number = 0
        self.calls = 0
        self.fencing = self.likely(0.5)
        self.root = ET.Element("cib")
        configuration = ET.SubElement(self.root, "configuration")
        self.options = ET.SubElement(configuration, "crm_config")
        self.nodes = ET.SubElement(configuration, "nodes")
        self.resources = ET.SubElement(configuration, "resources")
        self.constraints = ET.SubElement(configuration, "constraints")
        self.configuration = configuration
        self.status = ET.SubElement(self.root, "status")
        self.names = [f"node{number}" for number in range(1, chance.choice((2, 3, 3)) + 1)]
        self.primitives: dict[str, ET.Element] = {}
        self.tops: dict[str, ET.Element] = {}
        self.monitors: dict[str, list[int]] = {}
        self.set: dict[str, str] = {"stonith-enabled": str(self.fencing).lower()}
        self.fleeting: dict[str, dict[str, str]] = {name: {} for name in self.names}
        self.lasting: dict[str, ET.Element] = {}

    def likely(self, share: float) -> bool:
        """Tell whether something happens that does with this probability."""
        return self.chance.random() < share

    def some(self, table: Mapping[str, Sequence[str]], most: int) -> dict[str, str]:
        """Return a few entries of a table, each with one of its values."""
        names = self.chance.sample(sorted(table), self.chance.randint(1, most))
        return {name: self.chance.choice(table[name]) for name in names}

    def add(self, parent: ET.Element, tag: str, **values: str) -> ET.Element:
        """Add an element with an id that nothing has yet."""
        self.number += 1
        named = {name.rstrip("_").replace("_", "-"): value for name, value in values.items()}
        return ET.SubElement(parent, tag, {"id": f"{tag}-{self.number}", **named})

    def pairs(
        self, parent: ET.Element, tag: str, values: Mapping[str, str], place: int | None = None
    ) -> ET.Element:
        """Add a block of names and values."""
        block = self.add(parent, tag)
        for name, value in values.items():
            self.add(block, "nvpair", name=name, value=value)
        if place is not None:
            parent.remove(block)
            parent.insert(place, block)
        return block

    def make(self) -> str:
        """Return the CIB."""
        for number, name in enumerate(self.names, 1):
            node = ET.SubElement(self.nodes, "node", id=str(number), uname=name)
            self.lasting[name] = self.pairs(node, "instance_attributes", {})
        for number in range(self.chance.randint(1, 4)):
            self._resource(f"r{number}")
        if self.fencing:
            device = self.add(self.resources, "primitive", class_="stonith", type="fence_xvm")
            device.set("id", "Fence")
            self.primitives["Fence"] = device
            self.monitors["Fence"] = []
        features: list[Callable[[], None]] = [
            self._set_options, self._set_meta, self._set_meta, self._default, self._operation_default,
            self._location, self._location, self._ticket, self._health, self._utilize, self._relate,
            self._conditional, self._tag, self._operate, self._fail,
        ]  # fmt: skip
        for feature in self.chance.sample(features, self.chance.randint(2, 5)):
            feature()
        if self.later:
            self.chance.choice((self._part, self._forget, self._look))()
        self._know()
        block = self.pairs(self.options, "cluster_property_set", self.set, 0)
        block.set("id", "cib-bootstrap-options")
        head = {
            "crm_feature_set": "3.16.1", "validate-with": "pacemaker-3.9", "admin_epoch": "0",
            "epoch": "1", "num_updates": "1", "have-quorum": "0" if self.likely(0.15) else "1",
            "execution-date": str(NOW), "dc-uuid": "1",
        }  # fmt: skip
        for name, value in head.items():
            self.root.set(name, value)
        ET.indent(self.root, " ")
        return ET.tostring(self.root, encoding="unicode")

    # resources

    def _resource(self, name: str) -> None:
        kind = self.chance.choice(("primitive", "primitive", "group", "clone", "promotable"))
        if kind == "primitive":
            self.tops[name] = self._primitive(self.resources, name)
            return
        tag = "group" if kind == "group" else "clone"
        top = self.tops[name] = ET.SubElement(self.resources, tag, id=name)
        inside = top
        if kind == "clone" and self.likely(0.3):
            inside = ET.SubElement(top, "group", id=f"{name}g")
        count = self.chance.randint(1, 3) if inside.tag == "group" else 1
        for letter in "abc"[:count]:
            self._primitive(inside, f"{name}{letter}", roles=kind == "promotable")
        if kind == "promotable":
            self.pairs(top, "meta_attributes", {"promotable": "true"}, 0)

    def _primitive(self, parent: ET.Element, name: str, *, roles: bool = False) -> ET.Element:
        one = ET.SubElement(parent, "primitive", {"id": name, **(_STATEFUL if roles else _DUMMY)})
        self.primitives[name] = one
        self.monitors[name] = []
        watched = [("Master", 10), ("Slave", 11)] if roles else [("", 10)]
        if self.likely(0.3):
            return one
        operations = self.add(one, "operations")
        for role, seconds in watched:
            op = self.add(operations, "op", name="monitor", interval=f"{seconds}s")
            self.monitors[name].append(seconds * 1000)
            if role:
                op.set("role", role)
        return one

    def _any(self) -> ET.Element:
        """Return a resource of any kind, or a member."""
        every = [*self.tops.values(), *(self.primitives[one] for one in self.primitives)]
        return self.chance.choice(every)

    # conditions

    def _rule(self, parent: ET.Element, kinds: Sequence[str], depth: int = 0) -> ET.Element:
        rule = self.add(parent, "rule")
        if self.likely(0.5):
            rule.set("boolean-op", self.chance.choice(("and", "or")))
        for _ in range(self.chance.choice((1, 1, 2))):
            if depth == 0 and self.likely(0.15):
                self._rule(rule, kinds, 1)
            else:
                self._test(rule, self.chance.choice(kinds))
        return rule

    def _test(self, rule: ET.Element, kind: str) -> None:
        if kind == "date":
            self._date(rule)
        elif kind == "agent":
            wanted = {"class": "ocf", "provider": "pacemaker", "type": "Stateful"}
            for name in self.chance.sample(sorted(wanted), self.chance.choice((0, 0, 1))):
                del wanted[name]
            ET.SubElement(rule, "rsc_expression", {"id": self._fresh("rsc"), **wanted})
        elif kind == "operation":
            test = self.add(rule, "op_expression", name=self.chance.choice(("monitor", "start")))
            if self.likely(0.5):
                test.set("interval", self.chance.choice(("10s", "0", "11000ms")))
        elif self.likely(0.2):
            word = self.chance.choice(("defined", "not_defined"))
            self.add(rule, "expression", attribute=self._attribute(), operation=word)
        else:
            operation = self.chance.choice(_COMPARISONS)
            test = self.add(rule, "expression", attribute=self._attribute(), operation=operation)
            test.set("value", self.chance.choice((*_VALUES, *self.names)))
            kind = self.chance.choice(_TYPES)
            if kind:
                test.set("type", kind)

    def _fresh(self, word: str) -> str:
        self.number += 1
        return f"{word}-{self.number}"

    def _attribute(self) -> str:
        return self.chance.choice((*_ATTRIBUTES, "#uname", "#uname", "#kind", "#is_dc", "#id"))

    def _date(self, rule: ET.Element) -> None:
        operation = self.chance.choice(("gt", "lt", "in_range", "in_range", "date_spec"))
        test = self.add(rule, "date_expression", operation=operation)
        if operation == "date_spec":
            self.add(test, "date_spec", **self.some(_SPECS, 2))
            return
        if operation != "lt":
            test.set("start", self.chance.choice(_DATES))
        if operation == "lt" or (operation == "in_range" and self.likely(0.5)):
            test.set("end", self.chance.choice(_DATES))
        elif operation == "in_range":
            self.add(test, "duration", **self.some(_DURATIONS, 2))

    # features

    def _set_options(self) -> None:
        self.set.update(self.some(_OPTIONS, 4))

    def _set_meta(self) -> None:
        one = self._any()
        table = {**_META, **_CLONE_META} if one.tag == "clone" else _META
        block = self.pairs(one, "meta_attributes", self.some(table, 3), 0)
        if self.likely(0.2):
            block.set("score", self.chance.choice(("5", "-5", _INFINITY)))
        if self.likely(0.2):
            self._ruled(block, ("date",))

    def _ruled(self, block: ET.Element, kinds: Sequence[str]) -> None:
        rule = self._rule(block, kinds)
        rule.set("score", _INFINITY)
        block.remove(rule)
        block.insert(0, rule)

    def _section(self, name: str) -> ET.Element:
        found = self.configuration.find(name)
        return ET.SubElement(self.configuration, name) if found is None else found

    def _default(self) -> None:
        block = self.pairs(self._section("rsc_defaults"), "meta_attributes", self.some(_META, 2))
        if self.likely(0.6):
            self._ruled(block, ("date", "agent", "agent"))

    def _operation_default(self) -> None:
        values = self.some(_OP_OPTIONS, 2)
        block = self.pairs(self._section("op_defaults"), "meta_attributes", values)
        if self.likely(0.7):
            self._ruled(block, ("date", "agent", "operation", "operation"))

    def _location(self) -> None:
        one = self.add(self.constraints, "rsc_location")
        if self.likely(0.2):
            one.set("rsc-pattern", self.chance.choice(("^r(.)$", "r[01]", "!r0", "r")))
        else:
            one.set("rsc", self.chance.choice(sorted(self.tops)))
        if self.likely(0.3):
            one.set("node", self.chance.choice(self.names))
            one.set("score", self.chance.choice(_SCORES))
            return
        rule = self._rule(one, ("attribute", "attribute", "date"))
        if self.likely(0.2):
            rule.set("score-attribute", self.chance.choice(_ATTRIBUTES))
        else:
            rule.set("score", self.chance.choice(_SCORES))
        if self.likely(0.2):
            rule.set("role", self.chance.choice(("Master", "Promoted", "Slave")))

    def _ticket(self) -> None:
        one = self.add(self.constraints, "rsc_ticket", ticket="T")
        one.set("rsc", self.chance.choice(sorted(self.tops)))
        if self.likely(0.7):
            one.set("loss-policy", self.chance.choice(("stop", "demote", "fence", "freeze")))
        if self.likely(0.4):
            one.set("rsc-role", self.chance.choice(("Started", "Master", "Promoted")))
        if self.status.find("tickets") is None and self.likely(0.8):
            section = ET.SubElement(self.status, "tickets")
            state = {"granted": self.chance.choice(_BOOLEANS[:2]), "standby": "false"}
            if self.likely(0.2):
                state["standby"] = "true"
            ET.SubElement(section, "ticket_state", {"id": "T", **state})

    def _health(self) -> None:
        self.set["node-health-strategy"] = self.chance.choice(_OPTIONS["node-health-strategy"])
        for name in self.names:
            if self.likely(0.6):
                word = self.chance.choice(("red", "yellow", "green", "-5", "20"))
                self.fleeting[name][f"#health-{self.chance.choice('ab')}"] = word

    def _utilize(self) -> None:
        self.set["placement-strategy"] = self.chance.choice(_OPTIONS["placement-strategy"])
        for node in self.nodes:
            values = {name: str(self.chance.randint(0, 5)) for name in ("cpu", "memory")}
            self.pairs(node, "utilization", values)
        for name, one in self.primitives.items():
            if name != "Fence" and self.likely(0.7):
                self.pairs(one, "utilization", {"cpu": str(self.chance.randint(0, 3))})

    def _relate(self) -> None:
        if len(self.tops) < len(("first", "then")):
            return
        first, then = self.chance.sample(sorted(self.tops), 2)
        score = self.chance.choice((_INFINITY, _INFINITY, "-INFINITY", "50", "-50"))
        if self.likely(0.6):
            one = self.add(self.constraints, "rsc_colocation", rsc=then, score=score)
            one.set("with-rsc", first)
        if self.likely(0.6):
            kind = self.chance.choice(("Mandatory", "Mandatory", "Optional", "Serialize"))
            self.add(self.constraints, "rsc_order", first=first, then=then, kind=kind)

    def _conditional(self) -> None:
        """Let parameters, node attributes or options depend on a rule."""
        match self.chance.choice(("params", "node", "options")):
            case "params":
                one = self.primitives[self.chance.choice(sorted(self.primitives))]
                self._ruled(
                    self.pairs(one, "instance_attributes", {"fake": "1"}, 0), ("date", "attribute")
                )
            case "node":
                node = self.chance.choice(list(self.nodes))
                values = {self.chance.choice((*_ATTRIBUTES, "standby", "maintenance")): "true"}
                self._ruled(self.pairs(node, "instance_attributes", values, 0), ("date",))
            case _:
                values = self.some(_OPTIONS, 2)
                block = self.pairs(self.options, "cluster_property_set", values)
                block.set("score", self.chance.choice(("5", "-5")))
                self._ruled(block, ("date",))

    def _tag(self) -> None:
        section = self._section("tags")
        tag = ET.SubElement(section, "tag", id=self._fresh("tag"))
        for name in self.chance.sample(sorted(self.tops), self.chance.randint(1, len(self.tops))):
            ET.SubElement(tag, "obj_ref", id=name)
        score = self.chance.choice(_SCORES)
        one = self.add(self.constraints, "rsc_location", rsc=tag.get("id", ""), score=score)
        one.set("node", self.chance.choice(self.names))

    def _operate(self) -> None:
        """Give an operation options of its own."""
        found = [op for one in self.primitives.values() for op in one.iter("op")]
        if not found:
            return
        op = self.chance.choice(found)
        values = self.some(_OP_OPTIONS, 2)
        if self.likely(0.5):
            op.attrib.update({k: v for k, v in values.items() if k != "record-pending"})
        else:
            self.pairs(op, "meta_attributes", values)

    def _fail(self) -> None:
        """Let something have failed, and more or less long ago."""
        name = self.chance.choice(sorted(self.primitives))
        node = self.chance.choice(self.names)
        key = f"{name}#{self.chance.choice(('start_0', 'monitor_10000', 'stop_0'))}"
        self.fleeting[node][f"fail-count-{key}"] = self.chance.choice(("1", "2", "3", _INFINITY))
        when = NOW - self.chance.choice((5, 30, 100, 1000, 10000))
        self.fleeting[node][f"last-failure-{key}"] = str(when)

    def _part(self) -> None:
        """Let members of groups start at once, or be apart."""
        for group in self.resources.iter("group"):
            words = self.some({"ordered": _BOOLEANS, "collocated": _BOOLEANS}, 2)
            self.pairs(group, "meta_attributes", words, 0)

    def _forget(self) -> None:
        self.set["remove-after-stop"] = self.chance.choice(_BOOLEANS)

    def _look(self) -> None:
        """Say where to look for resources."""
        for name in self.chance.sample(self.names, self.chance.randint(1, len(self.names))):
            one = self.add(self.constraints, "rsc_location", node=name)
            one.set("rsc", self.chance.choice(sorted(self.tops)))
            one.set("score", self.chance.choice(_SCORES))
            one.set("resource-discovery", self.chance.choice(("always", "never", "exclusive")))

    # what is known

    def _know(self) -> None:
        """Write the status of the nodes and the histories of the resources."""
        self._lasting()
        entries = {name: self._state(number, name) for number, name in enumerate(self.names, 1)}
        self._promotion_scores()
        sections = {}
        for number, name in enumerate(self.names, 1):
            if self.fleeting[name]:
                block = ET.SubElement(entries[name], "transient_attributes", id=str(number))
                self.pairs(block, "instance_attributes", self.fleeting[name])
            lrm = ET.SubElement(entries[name], "lrm", id=str(number))
            sections[name] = ET.SubElement(lrm, "lrm_resources")
        for top in (*self.tops.values(), self.primitives.get("Fence")):
            if top is not None:
                self._past(top, sections)

    def _lasting(self) -> None:
        """Give nodes permanent attributes."""
        for name in self.names:
            for attribute in _ATTRIBUTES:
                if self.likely(0.3):
                    value = self.chance.choice((*_VALUES, "5", "-INFINITY"))
                    self.add(self.lasting[name], "nvpair", name=attribute, value=value)

    def _state(self, number: int, name: str) -> ET.Element:
        """Write the entry of a node: most are there, the first always."""
        there = number == 1 or self.likely(0.8)
        state = "online" if there else self.chance.choice(list(_STATES))
        facts = {"id": str(number), "uname": name, **_STATES[state]}
        entry = ET.SubElement(self.status, "node_state", facts)
        if self.likely(0.05):
            self.fleeting[name]["shutdown"] = str(NOW - 10)
        if self.likely(0.05):
            self.fleeting[name]["standby"] = self.chance.choice(_BOOLEANS)
        return entry

    def _promotion_scores(self) -> None:
        for name, one in self.primitives.items():
            for node in self.names if one.get("type") == "Stateful" else ():
                if self.likely(0.7):
                    score = self.chance.choice(("5", "10", "-1"))
                    self.fleeting[node][f"master-{name}"] = score

    def _past(self, top: ET.Element, sections: Mapping[str, ET.Element]) -> None:
        """Write where a resource and all in it runs: in one place, or a clone in most."""
        home = self.chance.choice(self.names) if self.likely(0.8) else ""
        promoted = False
        for node in self.names:
            here = node == home or (top.tag == "clone" and self.likely(0.7))
            role = here and not promoted and self.likely(0.4)
            promoted = promoted or role
            for one in top.iter("primitive"):
                self._history(sections[node], one, active=here, promoted=role)

    def _history(self, lrm: ET.Element, one: ET.Element, *, active: bool, promoted: bool) -> None:
        if not active and self.likely(0.15):
            return
        name = one.get("id", "")
        kind = {k: one.get(k, "") for k in ("class", "provider", "type") if one.get(k)}
        history = ET.SubElement(lrm, "lrm_resource", {"id": name, **kind})
        if not active:
            self._record(history, "monitor", 0, 7, 7)
            return
        promoted = promoted and one.get("type") == "Stateful"
        self._record(history, "promote" if promoted else "start", 0, 0, 0)
        for interval in self.monitors[name]:
            good = 8 if promoted else 0
            if one.get("type") == "Stateful" and (interval == 10_000) is not promoted:
                continue
            self._record(history, "monitor", interval, good, good)
            if self.likely(0.08):
                self._record(history, "monitor", interval, self.chance.choice((1, 7)), good)

    def _record(self, history: ET.Element, task: str, interval: int, rc: int, wanted: int) -> None:
        self.calls += 1
        name = history.get("id", "")
        slot = "last_failure_0" if rc != wanted else f"{task}_{interval}" if interval else "last_0"
        key = f"1:{self.calls}:{wanted}:{_UUID}"
        params = {"CRM_meta_timeout": "20000"} if interval else {}
        ET.SubElement(
            history,
            "lrm_rsc_op",
            {
                "id": f"{name}_{slot}",
                "operation_key": f"{name}_{task}_{interval}",
                "operation": task,
                "crm_feature_set": "3.16.1",
                "transition-key": key,
                "transition-magic": f"0:{rc};{key}",
                "call-id": str(self.calls),
                "rc-code": str(rc),
                "op-status": "0",
                "interval": str(interval),
                "last-rc-change": str(NOW - self.chance.choice((20, 100, 1000, 5000))),
                "op-digest": digest.digest(params),
            },
        )
