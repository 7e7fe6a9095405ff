"""Random operation histories: small clusters in which anything may have happened before.

Few nodes and resources and no constraints, so that what differs is what was read out of a history.
Half of the histories are what a life leaves behind (started, watched, migrated...), perhaps with
something broken in the end; the others are operations without sense, in any order.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator, Mapping, Sequence
from xml.etree import ElementTree as ET

from reconciler.scheduler import digest

_NOW = 1_700_000_000
_UUID = "0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f9"
_INFINITY = "INFINITY"
_PRESENCE: Mapping[str, Mapping[str, str]] = {
    "online": {"in_ccm": "true", "crmd": "online", "join": "member", "expected": "member"},
    "offline": {"in_ccm": "false", "crmd": "offline", "join": "down", "expected": "down"},
    "lost": {"in_ccm": "false", "crmd": "offline", "join": "member", "expected": "member"},
    "joining": {"in_ccm": "true", "crmd": "online", "join": "pending", "expected": "member"},
}
_CONDITIONS = ("online",) * 12 + ("lost", "lost", "offline", "joining", "standby", "maintenance")
_CONDITIONS += ("shutdown",)
_MONITOR = 10_000
_OF_PROMOTED = 11_000
_OF_STOPPED = 12_000
_GONE = 13_000
"""A monitor that is configured no longer."""


@dataclasses.dataclass(frozen=True)
class _End:
    """How an operation ended: status, exit code; None: the one that was expected."""

    status: int = 0
    rc: int | None = None


_WELL = _End()
_PENDING = _End(-1, 193)
_BROKEN: Sequence[_End] = (
    *(_End(0, 1),) * 4, *(_End(4, 1),) * 3, *(_End(0, 7),) * 3, _End(4, 7), _End(2, 1), _End(2, 198),
    _End(0, 5), _End(7, 5), _End(4, 5), _End(0, 2), _End(0, 4), _End(0, 6), _End(4, 6), _End(0, 3),
    _End(3, 3), _End(0, 8), _End(0, 9), _End(4, 9), _End(8, 1), _End(5, 4), _End(6, 6), _End(0, 0),
    _End(1, 1), _End(9, 1), _End(0, 190), _End(0, 191), _End(4, 8),
)  # fmt: skip
"""Other ends than the expected one: errors, time-outs, not installed, cancelled and so on."""


@dataclasses.dataclass
class _Op:
    """One operation that was done."""

    task: str
    interval: int = 0
    end: _End = _WELL
    expected: int | None = None
    peer: str = ""

    @property
    def wanted(self) -> int:
        """The exit code that was expected."""
        if self.expected is not None:
            return self.expected
        if self.task != "monitor":
            return 0
        return {0: 7, _OF_PROMOTED: 8, _OF_STOPPED: 7}.get(self.interval, 0)

    @property
    def rc(self) -> int:
        """The exit code that came."""
        return self.wanted if self.end.rc is None else self.end.rc

    @property
    def failed(self) -> bool:
        """Whether it goes down as a failure."""
        return self.end.status not in {-1, 1} and (self.end.status > 0 or self.rc != self.wanted)


@dataclasses.dataclass
class _Node:
    name: str
    id: str
    condition: str
    call: int = 0
    attributes: dict[str, str] = dataclasses.field(default_factory=dict)
    histories: dict[str, list[dict[str, str]]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class _Resource:
    name: str
    kind: str
    meta: dict[str, str]
    params: dict[str, str]
    monitors: list[int]
    unique: bool = False
    removed: bool = False

    @property
    def promotable(self) -> bool:
        return self.kind == "promotable"


def generate(seed: int) -> str:
    """Return the CIB that a seed makes."""
    return _Maker(random.Random(f"histories/{seed}")).make()  # noqa: S311 - same seed, same CIB


class _Maker:
    """Makes one CIB."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.fencing = self.likely(0.6)
        self.keyed = self.likely(0.3)
        self.nodes = [
            _Node(f"node{number}", str(number), chance.choice(_CONDITIONS))
            for number in range(1, chance.choice((1, 2, 2, 2, 3, 3)) + 1)
        ]
        if all(one.condition != "online" for one in self.nodes):
            self.nodes[0].condition = "online"
        self.resources = [self._resource(number) for number in range(chance.choice((1, 1, 2, 3)))]
        if self.likely(0.08):
            self.resources.append(_Resource("gone", "primitive", {}, {}, [], removed=True))

    def likely(self, share: float) -> bool:
        """Tell whether something happens that does with this probability."""
        return self.chance.random() < share

    def make(self) -> str:
        """Return the CIB."""
        cib = ET.Element(
            "cib",
            {
                "crm_feature_set": "3.16.1", "validate-with": "pacemaker-3.9", "admin_epoch": "0",
                "epoch": "1", "num_updates": "1", "have-quorum": "1", "dc-uuid": self._dc(),
                "execution-date": str(_NOW),
            },
        )  # fmt: skip
        configuration = ET.SubElement(cib, "configuration")
        self._settings(ET.SubElement(configuration, "crm_config"))
        members = ET.SubElement(configuration, "nodes")
        for node in self.nodes:
            member = ET.SubElement(members, "node", id=node.id, uname=node.name)
            if node.condition in {"standby", "maintenance"}:
                values = {node.condition: "on"}
                _pairs(member, "instance_attributes", f"node-{node.id}", values)
        section = ET.SubElement(configuration, "resources")
        if self.fencing:
            attributes = {"id": "fence", "class": "stonith", "type": "fence_xvm"}
            ET.SubElement(section, "primitive", attributes)
        for one in self.resources:
            if not one.removed:
                self._written(section, one)
        ET.SubElement(configuration, "constraints")
        if self.likely(0.5):
            values = {"resource-stickiness": self.chance.choice(("0", "1", "100"))}
            _pairs(ET.SubElement(configuration, "rsc_defaults"), "meta_attributes", "all", values)
        status = ET.SubElement(cib, "status")
        for one in self.resources:
            self._past(one)
        for node in self.nodes:
            self._state(status, node)
        ET.indent(cib, " ")
        return ET.tostring(cib, encoding="unicode")

    def _dc(self) -> str:
        return next(node.id for node in self.nodes if node.condition == "online")

    def _settings(self, section: ET.Element) -> None:
        possible = (
            (0.1, "start-failure-is-fatal", "false"),
            (0.03, "maintenance-mode", "true"),
            (0.03, "stop-orphan-resources", "false"),
            (0.03, "stop-orphan-actions", "false"),
        )
        values = {"stonith-enabled": str(self.fencing).lower(), "no-quorum-policy": "ignore"}
        values |= {name: value for share, name, value in possible if self.likely(share)}
        _pairs(section, "cluster_property_set", "cluster", values)

    # ---- resources

    def _resource(self, number: int) -> _Resource:
        kind = self.chance.choice(("primitive",) * 4 + ("clone", "promotable", "promotable"))
        kind = self.chance.choice((kind, kind, kind, "migratable"))
        meta: dict[str, str] = {}
        offers: tuple[tuple[float, str, Sequence[str]], ...] = (
            (0.2, "failure-timeout", ("60s", "10min", "1h")),
            (0.2, "migration-threshold", ("1", "2", "3")),
            (0.05, "is-managed", ("false",)),
            (0.03, "maintenance", ("true",)),
            (0.07, "target-role", ("Stopped", "Started", "Unpromoted")),
            (0.1, "multiple-active", ("block", "stop_only", "stop_unexpected", "stop_start")),
            (0.05, "requires", ("nothing", "quorum")),
        )
        for share, name, values in offers:
            if self.likely(share):
                meta[name] = self.chance.choice(values)
        if kind == "migratable":
            meta["allow-migrate"] = "true"
        params = {"state": f"/run/r{number}"} if self.likely(0.3) else {}
        monitors = [_MONITOR] if self.likely(0.8) else []
        if kind == "promotable" and self.likely(0.8):
            monitors.append(_OF_PROMOTED)
        if self.likely(0.1):
            monitors.append(_OF_STOPPED)
        unique = kind == "clone" and self.likely(0.2)
        return _Resource(f"r{number}", kind, meta, params, monitors, unique)

    def _written(self, section: ET.Element, one: _Resource) -> None:
        """Write a resource's configuration."""
        cloned = one.kind in {"clone", "promotable"}
        outer = section
        if cloned:
            outer = ET.SubElement(section, "clone", id=f"{one.name}-clone")
            values = {"promotable": "true"} if one.promotable else {}
            if one.unique:
                values["globally-unique"] = "true"
            if self.likely(0.2):
                values["notify"] = "true"
            if self.likely(0.2):
                values["clone-max"] = self.chance.choice(("1", "2"))
            _pairs(outer, "meta_attributes", f"{one.name}-clone", values)
        agent = "Stateful" if one.promotable else "Dummy"
        attributes = {"id": one.name, "class": "ocf", "provider": "pacemaker", "type": agent}
        element = ET.SubElement(outer, "primitive", attributes)
        _pairs(element, "instance_attributes", one.name, one.params)
        _pairs(element, "meta_attributes", one.name, one.meta)
        operations = ET.SubElement(element, "operations")
        for interval in one.monitors:
            role = {_OF_PROMOTED: "Promoted", _OF_STOPPED: "Stopped"}.get(interval)
            self._operation(operations, one, "monitor", interval, role)
        for task in ("start", "stop", "promote", "demote", "migrate_to", "migrate_from"):
            if self.likely(0.15):
                self._operation(operations, one, task, 0, None)

    def _operation(
        self, section: ET.Element, one: _Resource, task: str, interval: int, role: str | None
    ) -> None:
        values = {"id": f"{one.name}-{task}-{interval}", "name": task, "interval": f"{interval}ms"}
        values["timeout"] = "20s"
        if role:
            values["role"] = role
        if self.likely(0.35):
            choices = ["ignore", "block", *(["fence"] if self.fencing else [])]
            if task != "stop":
                choices += ["restart", "stop", "standby"]
            if task == "promote" or role == "Promoted":
                choices += ["demote", "demote"]
            values["on-fail"] = self.chance.choice(choices)
        ET.SubElement(section, "op", values)

    # ---- what happened

    def _past(self, one: _Resource) -> None:
        """Write what happened to a resource on all nodes."""
        cloned = one.kind in {"clone", "promotable"}
        home = self.chance.choice(self.nodes)
        if one.kind == "migratable" and len(self.nodes) > 1 and self.likely(0.75):
            self._migration(one)
            return
        for number, node in enumerate(self.nodes):
            name = f"{one.name}:{number}" if one.unique else one.name
            if node.condition == "joining" and self.likely(0.7):
                continue
            if self.likely(0.12):
                ops = list(self._nonsense(one, node))
            elif cloned or node is home or self.likely(0.07):
                ops = list(self._life(one))
            else:
                ops = list(self._absence())
            self._record(node, one, name, ops)
            if one.promotable and self.likely(0.8):
                score = self.chance.choice(("5", "10", "-1"))
                node.attributes[f"master-{name}"] = score

    def _absence(self) -> Iterator[_Op]:
        """Yield what happens where a resource does not run."""
        if self.likely(0.1):
            return
        if self.likely(0.15):
            yield _Op("start")
            yield _Op("stop", end=self._end(0.2))
            return
        yield _Op("monitor", end=self._end(0.07))

    def _life(self, one: _Resource) -> Iterator[_Op]:
        """Yield what happens where a resource runs, until something breaks or hangs."""
        if self.likely(0.25):
            code = self.chance.choice((0, 0, 8)) if one.promotable else 0
            yield _Op("monitor", end=_End(0, code))
        else:
            yield _Op("start", end=self._end(0.12))
        yield from self._watched(one, 0.12)
        if one.promotable and self.likely(0.5):
            yield _Op("promote", end=self._end(0.2))
            if _OF_PROMOTED in one.monitors:
                yield _Op("monitor", _OF_PROMOTED, self._end(0.3))
            if self.likely(0.4):
                yield _Op("demote", end=self._end(0.4))
                yield from self._watched(one, 0.1)
        if self.likely(0.06):
            yield _Op(self.chance.choice(("reload", "reload-agent", "notify")), end=self._end(0.2))
        if self.likely(0.25):
            yield _Op("stop", end=self._end(0.5))
            if self.likely(0.4):
                yield _Op("start", end=self._end(0.3))
                yield from self._watched(one, 0.2)

    def _watched(self, one: _Resource, broken: float) -> Iterator[_Op]:
        if _MONITOR in one.monitors and self.likely(0.9):
            yield _Op("monitor", _MONITOR, self._end(broken))
        if self.likely(0.03):
            yield _Op("monitor", _GONE, self._end(broken))
        if self.likely(0.05):
            yield _Op("monitor", 0, self._end(0.5), expected=self.chance.choice((0, 7, 8)))

    def _nonsense(self, one: _Resource, node: _Node) -> Iterator[_Op]:
        """Yield operations in any order."""
        tasks = ["start", "stop", "monitor", "monitor", "recurring", "recurring", "notify"]
        tasks += ["promote", "demote"] * (2 if one.promotable else 0)
        tasks += ["migrate_to", "migrate_from"] * (1 if len(self.nodes) > 1 else 0)
        tasks += ["reload"]
        others = [each.name for each in self.nodes if each is not node]
        for _ in range(self.chance.randint(1, 4)):
            task = self.chance.choice(tasks)
            interval = 0
            if task == "recurring":
                task, interval = "monitor", self.chance.choice([*one.monitors, _MONITOR])
            peer = self.chance.choice(others) if others and task.startswith("migrate") else ""
            yield _Op(task, interval, self._end(0.35), peer=peer)

    def _end(self, broken: float) -> _End:
        if not self.likely(broken):
            return _WELL
        return _PENDING if self.likely(0.2) else self.chance.choice(_BROKEN)

    def _migration(self, one: _Resource) -> None:
        """Write a live migration that came to any state, and what is known of it elsewhere."""
        source, target, *others = self.chance.sample(self.nodes, len(self.nodes))
        stage = self.chance.choice(("to", "to", "from", "from", "stop", "over"))
        left = [_Op("start"), *self._watched(one, 0.05)]
        come = [] if self.likely(0.3) else [_Op("monitor")]
        last = self._end(0.6)
        left.append(_Op("migrate_to", end=last if stage == "to" else _WELL, peer=target.name))
        if stage != "to":
            end = last if stage == "from" else _WELL
            come.append(_Op("migrate_from", end=end, peer=source.name))
        if stage == "stop" or (stage == "from" and self.likely(0.2)):
            left.append(_Op("stop", end=last if stage == "stop" else _WELL))
        if stage == "over":
            left.append(_Op("stop"))
            come.extend(self._watched(one, 0.3))
        if self.likely(0.15):
            come.append(_Op("stop", end=self._end(0.3)))
        if self.likely(0.1):
            left.extend(self._watched(one, 0.3))
        self._record(source, one, one.name, left)
        self._record(target, one, one.name, come)
        for node in others:
            self._record(node, one, one.name, list(self._absence()))

    def _record(self, node: _Node, one: _Resource, name: str, ops: list[_Op]) -> None:
        """Keep what a node keeps of operations: the last of each kind."""
        kept: dict[str, dict[str, str]] = {}
        when = _NOW - self.chance.choice((100, 100, 1000, 5000))
        for number, op in enumerate(ops):
            if op.end is not _PENDING:
                node.call += 1
            record = self._entry(node, one, name, op, when + 2 * number)
            if op.task in {"start", "stop"} and self.likely(0.8):
                kept = {each: kept[each] for each in kept if not each.endswith("000")}
            for slot in self._slots(name, op):
                kept.pop(slot, None)
                kept[slot] = {**record, "id": slot}
            if op.failed:
                self._count(node, name, op, when + 2 * number)
        records = list(kept.values())
        if self.likely(0.3):
            self.chance.shuffle(records)
        if records:
            node.histories[name] = records

    def _slots(self, name: str, op: _Op) -> list[str]:
        """Return the ids under which an operation goes down."""
        key = f"{name}_{op.task}_{op.interval}"
        if op.task == "notify":
            return [f"{name}_post_notify_start_0"]
        if self.keyed or op.task.startswith("migrate"):
            usual = key
        else:
            usual = key if op.interval else f"{name}_last_0"
        if not op.failed or op.end.status == -1:
            return [usual]
        failure = f"{name}_last_failure_0"
        return [failure] if op.interval or self.likely(0.5) else [usual, failure]

    def _entry(self, node: _Node, one: _Resource, name: str, op: _Op, when: int) -> dict[str, str]:
        key = f"{node.call}:1:{op.wanted}:{_UUID}"
        record = {
            "operation": op.task, "operation_key": f"{name}_{op.task}_{op.interval}",
            "transition-key": key, "transition-magic": f"{op.end.status}:{op.rc};{key}",
            "on_node": node.name, "interval": str(op.interval), "rc-code": str(op.rc),
            "op-status": str(op.end.status), "exec-time": "10", "queue-time": "0",
            "call-id": "-1" if op.end is _PENDING else str(node.call),
            "last-rc-change": str(when), "op-digest": self._digest(one, op.interval),
        }  # fmt: skip
        if op.task == "migrate_to":
            record |= {"migrate_source": node.name, "migrate_target": op.peer}
        if op.task == "migrate_from":
            record |= {"migrate_source": op.peer, "migrate_target": node.name}
        return record

    def _digest(self, one: _Resource, interval: int) -> str:
        if self.likely(0.03):
            return "0" * 32
        params = dict(one.params) | ({"CRM_meta_timeout": "20000"} if interval else {})
        return digest.digest(params)

    def _count(self, node: _Node, name: str, op: _Op, when: int) -> None:
        """Write that an operation failed; sometimes somebody has cleaned that up."""
        if self.likely(0.3):
            return
        fatal = op.task in {"start", "stop"} and self.likely(0.7)
        subject = f"{name}#{op.task}_{op.interval}"
        count = _INFINITY if fatal else self.chance.choice(("1", "1", "2", "3"))
        node.attributes[f"fail-count-{subject}"] = count
        node.attributes[f"last-failure-{subject}"] = str(when)

    def _state(self, status: ET.Element, node: _Node) -> None:
        presence = _PRESENCE.get(node.condition, _PRESENCE["online"])
        state = ET.SubElement(status, "node_state", {"id": node.id, "uname": node.name, **presence})
        if node.condition == "shutdown":
            node.attributes["shutdown"] = str(_NOW - 10)
        if node.attributes and node.condition != "offline":
            transient = ET.SubElement(state, "transient_attributes", id=node.id)
            _pairs(transient, "instance_attributes", f"status-{node.id}", node.attributes)
        lrm = ET.SubElement(ET.SubElement(state, "lrm", id=node.id), "lrm_resources")
        agents = {one.name: "Stateful" if one.promotable else "Dummy" for one in self.resources}
        for name, records in node.histories.items():
            agent = agents[name.partition(":")[0]]
            attributes = {"id": name, "class": "ocf", "provider": "pacemaker", "type": agent}
            resource = ET.SubElement(lrm, "lrm_resource", attributes)
            for record in records:
                ET.SubElement(resource, "lrm_rsc_op", record)


def _pairs(parent: ET.Element, block: str, owner: str, values: Mapping[str, str]) -> None:
    """Write options as name-value pairs."""
    if not values:
        return
    inside = ET.SubElement(parent, block, id=f"{owner}-{block}")
    for name, value in values.items():
        identity = f"{owner}-{block}-{name}".replace("#", "-").replace(":", "-")
        ET.SubElement(inside, "nvpair", id=identity, name=name, value=value)
