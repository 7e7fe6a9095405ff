"""What is known of the resources of a random CIB: its status section.

Places resources as a cluster would, with a failure here and a loss there, and writes the operation
histories that lead to it. Digests are those of the parameters as configured.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET

from reconciler.cib import read
from reconciler.scheduler import digest, expansion, nodes, operation, options, parameters, rule

NOW = 1_700_000_000
_UUID = "5a1c0f5e-3a52-4b0e-9d54-0123456789ab"
_CHANGED = "0" * 32
_QUIET = {
    "unknown": ("", 0),
    "stopped": ("monitor", 7),
    "was-active": ("stop", 0),
    "start-pending": ("start", 193),
}
"""States to which a single operation leads, with its exit code."""
_ALIVE = frozenset({"online", "standby", "maintenance", "shutdown", "unclean"})


@dataclasses.dataclass
class Machine:
    """A node.

    Attributes:
        kind: member, remote, guest or replica (of a bundle).
        state: of a member: online, standby, offline, unclean, ...
        connection, container: what makes a node that is no member.
        inside: what runs in a replica.
        addressed: whether a replica has an address of its own.
        number: of a replica.
        up: whether it takes, or took, resources.
    """

    name: str
    id: str
    kind: str
    state: str
    connection: str = ""
    container: str = ""
    inside: str = ""
    addressed: bool = False
    number: int = 0
    attributes: dict[str, str] = dataclasses.field(default_factory=dict)
    fleeting: dict[str, str] = dataclasses.field(default_factory=dict)
    records: dict[str, list[dict[str, str]]] = dataclasses.field(default_factory=dict)
    up: bool = False
    calls: int = 0


@dataclasses.dataclass
class Piece:
    """A primitive.

    Attributes:
        watches: role and seconds of its monitors.
        connection: it makes a remote or guest node.
        container: what a connection leads into.
        holds: the guest node that it holds.
        beside: the address that belongs to a container.
        implied: it follows from a bundle.
        confined: it runs inside of a bundle only.
        unique: its instances are told apart by their numbers.
        policies: whether its operations may say what follows from failures.
    """

    name: str
    agent: tuple[str, str, str]
    watches: list[tuple[str, int]] = dataclasses.field(default_factory=list)
    connection: bool = False
    container: str = ""
    holds: str = ""
    beside: str = ""
    implied: bool = False
    confined: bool = False
    unique: bool = False
    cloned: bool = False
    promotable: bool = False
    policies: bool = False
    fence_device: bool = False

    def known_as(self, machine: Machine) -> str:
        """Return its name in the history of a node."""
        return f"{self.name}:{machine.number}" if self.unique else self.name


class _Digests:
    """The digests that a cluster would have written, from what is configured."""

    def __init__(self, root: ET.Element) -> None:
        wanted = read.read(ET.tostring(root, encoding="unicode"))
        clock = rule.Clock(float(NOW))
        settings = options.cluster(wanted.desired, clock)
        reader = options.Reader(wanted.desired, clock)
        self._nodes = nodes.compile_nodes(wanted.desired, wanted.observed, settings)
        self._numbers = {one.name: one.index for one in self._nodes}
        self._tree = expansion.expand(wanted.desired, reader)
        self._parameters = parameters.Parameters(wanted.desired, self._nodes, clock)
        self._operations = operation.Reader(wanted.desired.operation_defaults, clock)

    def of(self, piece: Piece, machine: Machine, interval_ms: int) -> str:
        """Return the digest of an operation of a primitive on a node."""
        one = self._tree.by_base[piece.name][0]
        params = dict(self._parameters.of(one, self._numbers[machine.name]))
        if interval_ms:
            found = self._operations.options(one.definition, "monitor", interval_ms)
            params["CRM_meta_timeout"] = str(found.timeout_ms)
        return digest.digest(params)


def enter(
    chance: random.Random,
    machines: Sequence[Machine],
    pieces: Mapping[str, Piece],
    root: ET.Element,
    status: ET.Element,
) -> None:
    """Make up what is known, and write it into the status section."""
    _Histories(chance, machines, pieces, _Digests(root)).make()
    for machine in machines:
        _write(chance, machine, pieces, status)


class _Histories:
    """Makes up histories; lives inside ``enter`` only."""

    def __init__(
        self,
        chance: random.Random,
        machines: Sequence[Machine],
        pieces: Mapping[str, Piece],
        digests: _Digests,
    ) -> None:
        self.chance = chance
        self.machines = machines
        self.pieces = pieces
        self.digests = digests
        self.cold = chance.random() < 0.15
        self.calm = chance.random() < 0.4
        self.where: dict[str, Machine] = {}

    def make(self) -> None:
        """Place everything: what holds nodes first, then what may be on them."""
        for machine in self.machines:
            machine.up = machine.kind == "member" and machine.state in _ALIVE
            self._leave(machine)
        for kind in ("remote", "guest", "replica"):
            for machine in self.machines:
                if machine.kind == kind:
                    self._bring_up(machine)
        for piece in self.pieces.values():
            if piece.name not in self.where and not piece.confined:
                self._place(piece)
        for machine in self.machines:
            if machine.kind == "replica" and machine.up:
                self._inhabit(machine)

    def _leave(self, machine: Machine) -> None:
        """Note what a member says of itself."""
        if machine.state == "standby":
            kept = machine.attributes if self.happens(0.5) else machine.fleeting
            kept["standby"] = "on"
        if machine.state == "maintenance":
            machine.attributes["maintenance"] = "true"
        if machine.state == "shutdown":
            machine.fleeting["shutdown"] = str(NOW - 10)

    def happens(self, probability: float) -> bool:
        """Tell whether something with a probability happens."""
        return self.chance.random() < probability

    def _bring_up(self, machine: Machine) -> None:
        """Place what makes a node that is no member, with what may go wrong."""
        connection = self.pieces[machine.connection]
        holder = self.pieces.get(machine.container)
        members = [one for one in self.machines if one.kind == "member" and one.up]
        hosts = members
        if machine.kind == "replica":
            hosts = members + [one for one in self.machines if one.kind == "remote" and one.up]
        if self.cold or not members or self.happens(0.1):
            for piece in (holder, connection):
                if piece is not None:
                    self._everywhere(piece, members, None, "")
            return
        host = self.chance.choice(hosts)
        held = "active"
        if holder is not None:
            held = self._how("active", "monitor-failed", "stop-failed", "start-pending", "stopped")
            self._everywhere(holder, hosts, host, held)
            beside = self.pieces.get(holder.beside)
            if beside is not None:
                self._everywhere(beside, hosts, host, "active")
        near = host if host.kind == "member" else self.chance.choice(members)
        state = self._how("active", "monitor-failed", "start-failed", "stopped", "start-pending")
        if held == "stopped" and self.happens(0.8):
            state = "stopped"
        self._everywhere(connection, members, near, state)
        machine.up = held != "stopped" and (state != "stopped" or self.happens(0.3))

    def _how(self, usual: str, *others: str) -> str:
        """Return a state: nearly always the usual one."""
        return usual if self.calm or self.happens(0.85) else self.chance.choice(others)

    def _everywhere(
        self, piece: Piece, machines: Sequence[Machine], home: Machine | None, state: str
    ) -> None:
        """Write a resource's history on every node that was asked."""
        if home is not None:
            self.where[piece.name] = home
        for machine in machines:
            if machine is home:
                self._history(machine, piece, state)
            elif self.happens(0.97 if not self.cold else 0.4):
                self._history(machine, piece, "was-active" if self.happens(0.05) else "stopped")

    def _place(self, piece: Piece) -> None:
        """Place what may run anywhere."""
        open_to = [one for one in self.machines if one.up and one.kind != "replica"]
        if piece.fence_device or piece.holds or piece.connection:
            open_to = [one for one in open_to if one.kind == "member"]
        if piece.implied or piece.holds or piece.connection:
            self._everywhere(piece, open_to, None, "")
            return
        promoted = not piece.promotable
        home = self.chance.choice(open_to) if open_to and self.happens(0.8) else None
        for machine in open_to:
            here = machine is home or (piece.cloned and self.happens(0.8))
            if not here or self.cold:
                self._everywhere(piece, [machine], None, "")
                continue
            state = "active" if promoted or self.happens(0.5) else "promoted"
            promoted = promoted or state == "promoted"
            self._history(machine, piece, self._troubled(piece, state))
        self._speak(piece, open_to)

    def _speak(self, piece: Piece, machines: Sequence[Machine]) -> None:
        """Let nodes say how much speaks for promotion."""
        for machine in machines if piece.promotable else ():
            if self.happens(0.8):
                score = self.chance.choice(("5", "10", "10", "100"))
                machine.fleeting[f"master-{piece.known_as(machine)}"] = score

    def _troubled(self, piece: Piece, state: str) -> str:
        if piece.fence_device:
            return state
        if not piece.watches and not self.calm and self.happens(0.05):
            return "stop-failed"
        return self._how(state, "monitor-failed", "start-failed", "stop-failed", "start-pending")

    def _inhabit(self, machine: Machine) -> None:
        """Place what runs inside of a replica."""
        piece = self.pieces[machine.inside]
        others = [one for one in self.machines if one.inside == machine.inside]
        first = all(
            record["operation"] != "promote"
            for one in others
            for record in one.records.get(piece.known_as(one), ())
        )
        if self.happens(0.1):
            self._history(machine, piece, self.chance.choice(("stopped", "was-active", "unknown")))
        else:
            promoted = piece.promotable and first and self.happens(0.6)
            self._history(
                machine, piece, self._troubled(piece, "promoted" if promoted else "active")
            )
        hosts = [one for one in self.machines if one.kind == "member" and one.up]
        self._speak(piece, [machine])
        if self.happens(0.5):
            self._speak(piece, [one for one in hosts if f"master-{piece.name}" not in one.fleeting])

    def _history(self, machine: Machine, piece: Piece, state: str) -> None:
        """Write the operations that lead to a state."""
        machine.records.setdefault(piece.known_as(machine), [])
        if state in _QUIET:
            task, rc = _QUIET[state]
            if task:
                status = -1 if state == "start-pending" else 0
                self._record(machine, piece, (task, 0), rc, status=status)
            return
        if state == "start-failed":
            self._record(machine, piece, ("start", 0), 1, slot="last_failure_0")
            self._count(machine, piece, "start_0", self.chance.choice(("1", "INFINITY")))
            if self.happens(0.5):
                self._record(machine, piece, ("stop", 0), 0)
            return
        promoted = state == "promoted"
        self._record(machine, piece, ("promote" if promoted else "start", 0), 0)
        self._watch(machine, piece, "Promoted" if promoted else "Unpromoted", state)
        if state == "stop-failed":
            self._record(machine, piece, ("stop", 0), 1, slot="last_failure_0")
            self._count(machine, piece, "stop_0", "INFINITY")

    def _watch(self, machine: Machine, piece: Piece, active: str, state: str) -> None:
        """Write what the monitors of a role found."""
        for role, seconds in piece.watches:
            if role not in {"", active}:
                continue
            key = ("monitor", seconds * 1000)
            good = 8 if role == "Promoted" else 0
            if self.happens(0.95):
                self._record(machine, piece, key, good, expected=good)
            if state == "monitor-failed":
                rc = self.chance.choice((1, 7, 7))
                self._record(machine, piece, key, rc, expected=good, slot="last_failure_0")
                self._count(machine, piece, f"monitor_{key[1]}", self.chance.choice("123"))

    def _count(self, machine: Machine, piece: Piece, key: str, count: str) -> None:
        machine.fleeting[f"fail-count-{piece.known_as(machine)}#{key}"] = count
        when = NOW - self.chance.choice((10, 100, 1000, 10000))
        machine.fleeting[f"last-failure-{piece.known_as(machine)}#{key}"] = str(when)

    def _record(
        self,
        machine: Machine,
        piece: Piece,
        key: tuple[str, int],
        rc: int,
        *,
        expected: int | None = None,
        slot: str = "",
        status: int = 0,
    ) -> None:
        machine.calls += 1
        task, interval = key
        if expected is None:
            expected = 7 if task == "monitor" else 0
        transition = f"1:{machine.calls}:{expected}:{_UUID}"
        # A connection leads to the node of its container.
        text = self.digests.of(piece, self.where.get(piece.container, machine), interval)
        if not piece.implied and self.happens(0.005):
            text = _CHANGED
        slot = slot or (f"{task}_{interval}" if interval else "last_0")
        name = piece.known_as(machine)
        values = {
            "id": f"{name}_{slot}",
            "operation_key": f"{name}_{task}_{interval}",
            "operation": task,
            "crm_feature_set": "3.16.1",
            "transition-key": transition,
            "transition-magic": f"{status}:{rc};{transition}",
            "on_node": machine.name,
            "call-id": str(-1 if status < 0 else machine.calls),
            "rc-code": str(rc),
            "op-status": str(status),
            "interval": str(interval),
            "last-rc-change": str(NOW - 5000 + machine.calls),
            "op-digest": text,
        }
        kept = [one for one in machine.records[name] if one["id"] != values["id"]]
        machine.records[name] = [*kept, values]


def _write(
    chance: random.Random, machine: Machine, pieces: Mapping[str, Piece], status: ET.Element
) -> None:
    """Write what is known of a node."""
    far = machine.kind != "member"
    if far and not machine.up and not machine.records and chance.random() < 0.5:
        return
    values = {"id": machine.id, "uname": machine.name}
    if far:
        values |= {"remote_node": "true", "in_ccm": "true" if machine.up else "false"}
        if chance.random() < 0.6:
            values["node_fenced"] = "1" if not machine.up and chance.random() < 0.3 else "0"
    else:
        gone = machine.state in {"offline", "unclean"}
        joined = "down" if gone else "member"
        values |= {
            "in_ccm": "false" if gone else "true",
            "crmd": "offline" if gone else "online",
            "join": "pending" if machine.state == "pending" else joined,
            "expected": "down" if machine.state == "offline" else "member",
        }
    state = ET.SubElement(status, "node_state", values)
    if machine.fleeting:
        attributes = ET.SubElement(state, "transient_attributes", id=machine.id)
        block = ET.SubElement(attributes, "instance_attributes", id=f"status-{machine.id}")
        for number, (name, value) in enumerate(sorted(machine.fleeting.items())):
            pair = {"id": f"status-{machine.id}-{number}", "name": name, "value": value}
            ET.SubElement(block, "nvpair", pair)
    resources = ET.SubElement(ET.SubElement(state, "lrm", id=machine.id), "lrm_resources")
    for name, records in machine.records.items():
        piece = pieces[name.partition(":")[0]]
        standard, provider, agent = piece.agent
        one = ET.SubElement(
            resources, "lrm_resource", {"id": name, "class": standard, "type": agent}
        )
        if provider:
            one.set("provider", provider)
        if piece.container:
            one.set("container", piece.container)
        for record in records:
            ET.SubElement(one, "lrm_rsc_op", record)
