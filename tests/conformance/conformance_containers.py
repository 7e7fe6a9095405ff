"""Random CIBs with remote nodes, guest nodes and bundles, and with all that may run on them.

The same seed always makes the same CIB. This module makes the configuration; what is known of it,
``conformance_histories`` makes.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator, Mapping, Sequence
from xml.etree import ElementTree as ET

import conformance_histories as histories
from conformance_histories import NOW, Machine, Piece

_FEATURE_SET = "3.16.1"
_SCORES = ("INFINITY", "INFINITY", "-INFINITY", "100", "100", "50", "1000", "-100", "-50")
_TECHNOLOGIES = ("docker", "podman", "podman", "rkt")
_NAMES = ("node{}", "n{}", "host-{}")


@dataclasses.dataclass
class Plan:
    """A CIB while it is made up.

    Attributes:
        machines: members, remote nodes, guests and replicas, in this order.
        pieces: every primitive by name, those that bundles imply included.
        tops: resources that constraints may name.
        roles: those of them that have roles.
    """

    chance: random.Random
    fencing: bool
    machines: list[Machine] = dataclasses.field(default_factory=list)
    pieces: dict[str, Piece] = dataclasses.field(default_factory=dict)
    tops: list[str] = dataclasses.field(default_factory=list)
    roles: set[str] = dataclasses.field(default_factory=set)
    elements: list[ET.Element] = dataclasses.field(default_factory=list)
    number: int = 0

    def happens(self, probability: float) -> bool:
        """Tell whether something with a probability happens."""
        return self.chance.random() < probability

    def fresh(self, word: str) -> str:
        """Return an id that nothing has yet."""
        self.number += 1
        return f"{word}.{self.number}"

    def pairs(self, owner: ET.Element, tag: str, values: Mapping[str, str]) -> None:
        """Enter a block of names and values, if there are any."""
        if not values:
            return
        block = ET.SubElement(owner, tag, id=self.fresh(f"{owner.get('id', 'x')}-{tag}"))
        for name, value in values.items():
            ET.SubElement(block, "nvpair", id=self.fresh("nv"), name=name, value=value)


def generate(seed: int) -> str:
    """Return the CIB of a seed."""
    chance = random.Random(f"containers/{seed}")  # noqa: S311 - the same seed makes the same CIB
    plan = Plan(chance, fencing=chance.random() < 0.75)
    _members(plan)
    makers = [_remotes, _guests, _bundles, _ordinary]
    chance.shuffle(makers)
    for make in makers:
        make(plan)
    if len(plan.machines) == sum(machine.kind == "member" for machine in plan.machines):
        chance.choice((_remote, _guest, _bundle))(plan)
    root = ET.Element("cib", _head(plan))
    configuration = ET.SubElement(root, "configuration")
    _options(plan, ET.SubElement(configuration, "crm_config"))
    _nodes(plan, ET.SubElement(configuration, "nodes"))
    resources = ET.SubElement(configuration, "resources")
    resources.extend(plan.elements)
    if plan.fencing:
        _device(plan, resources)
    _constraints(plan, ET.SubElement(configuration, "constraints"))
    status = ET.SubElement(root, "status")
    histories.enter(plan.chance, plan.machines, plan.pieces, root, status)
    ET.indent(root, " ")
    return ET.tostring(root, encoding="unicode")


def _head(plan: Plan) -> dict[str, str]:
    return {
        "crm_feature_set": _FEATURE_SET,
        "validate-with": "pacemaker-3.9",
        "admin_epoch": "0",
        "epoch": "1",
        "num_updates": "0",
        "have-quorum": "0" if plan.happens(0.04) else "1",
        "execution-date": str(NOW),
        "dc-uuid": plan.machines[0].id,
    }


def _options(plan: Plan, owner: ET.Element) -> None:
    possible = (
        ("symmetric-cluster", "false", 0.03),
        ("maintenance-mode", "true", 0.02),
        ("concurrent-fencing", "true", 0.3),
        ("stonith-action", "off", 0.05),
        ("stop-all-resources", "true", 0.02),
        ("no-quorum-policy", "ignore", 0.2),
        ("start-failure-is-fatal", "false", 0.1),
        ("cluster-name", "ring", 0.2),
    )
    values = {"stonith-enabled": "true" if plan.fencing else "false"}
    values |= {name: value for name, value, chance in possible if plan.happens(chance)}
    plan.pairs(owner, "cluster_property_set", values)


def _members(plan: Plan) -> None:
    count = plan.chance.choice((2, 3, 3, 3, 4, 5))
    style = plan.chance.choice(_NAMES)
    kinds = {
        "online": 85,
        "standby": 4,
        "offline": 3,
        "maintenance": 2,
        "shutdown": 2,
        "pending": 1,
    }
    if plan.fencing:
        kinds["unclean"] = 7
    for number in range(1, count + 1):
        state = plan.chance.choices(list(kinds), list(kinds.values()))[0]
        if number == 1 and state != "shutdown":
            state = "online"
        plan.machines.append(Machine(style.format(number), str(number), "member", state))


def _nodes(plan: Plan, owner: ET.Element) -> None:
    for machine in plan.machines:
        # Once a node was connected it is listed; the reference takes those that are not for one,
        # but looks for addresses in listed replicas.
        if machine.kind == "replica" and (machine.addressed or plan.happens(0.4)):
            continue
        node = ET.SubElement(owner, "node", id=machine.id, uname=machine.name)
        if machine.kind != "member":
            node.set("type", "remote")
        plan.pairs(node, "instance_attributes", machine.attributes)


def _far(plan: Plan, name: str, kind: str, connection: str, container: str = "") -> None:
    """Enter a node that is no member."""
    machine = Machine(name, name, kind, "online", connection=connection, container=container)
    for word, probability in (("standby", 0.05), ("maintenance", 0.04)):
        if kind != "replica" and plan.happens(probability):
            machine.attributes[word] = "true"
    plan.machines.append(machine)


def _device(plan: Plan, owner: ET.Element) -> None:
    piece = Piece("Fencing", ("stonith", "", "fence_xvm"), watches=[("", 60)], fence_device=True)
    plan.pieces[piece.name] = piece
    owner.insert(plan.chance.choice((0, len(owner))), _primitive(plan, piece, {}, {}))


def _primitive(
    plan: Plan, piece: Piece, meta: Mapping[str, str], params: Mapping[str, str]
) -> ET.Element:
    """Return the element of a primitive."""
    standard, provider, agent = piece.agent
    one = ET.Element("primitive", {"id": piece.name, "class": standard, "type": agent})
    if provider:
        one.set("provider", provider)
    plan.pairs(one, "meta_attributes", meta)
    plan.pairs(one, "instance_attributes", params)
    operations = ET.SubElement(one, "operations")
    for role, seconds in piece.watches:
        operation = ET.SubElement(
            operations, "op", id=plan.fresh("op"), name="monitor", interval=f"{seconds}s"
        )
        if role:
            operation.set("role", role)
        if piece.policies and plan.happens(0.1):
            operation.set("on-fail", plan.chance.choice(_policies(plan)))
    for task in ("start", "stop"):
        if plan.happens(0.15):
            operation = ET.SubElement(
                operations, "op", id=plan.fresh("op"), name=task, interval="0s", timeout="30s"
            )
            if task == "stop" and piece.policies and plan.happens(0.2):
                operation.set("on-fail", "block")
    return one


def _policies(plan: Plan) -> Sequence[str]:
    found = ("restart", "block", "stop", "standby", "ignore", "restart-container")
    return (*found, "fence") if plan.fencing else found


def _meta(plan: Plan, extra: Mapping[str, float] | None = None) -> dict[str, str]:
    """Return some meta-attributes."""
    found = {}
    for name, values, probability in (
        ("resource-stickiness", ("0", "1", "100", "INFINITY"), 0.15),
        ("priority", ("1", "5", "10"), 0.1),
        ("target-role", ("Stopped", "Stopped", "Started"), 0.07),
        ("is-managed", ("false",), 0.03),
        ("maintenance", ("true",), 0.01),
        ("migration-threshold", ("1", "2", "3"), 0.15),
        ("failure-timeout", ("60s", "1h"), 0.08),
        ("allow-migrate", ("true",), 0.0),
    ):
        if plan.happens((extra or {}).get(name, probability)):
            found[name] = plan.chance.choice(values)
    return found


def _remotes(plan: Plan) -> None:
    for _ in range(plan.chance.choice((0, 0, 1, 1, 2))):
        _remote(plan)


def _remote(plan: Plan) -> None:
    """Make up a remote node."""
    name = f"remote{1 + sum(machine.kind == 'remote' for machine in plan.machines)}"
    watches = [("", plan.chance.choice((20, 60)))] if plan.happens(0.85) else []
    piece = Piece(name, ("ocf", "pacemaker", "remote"), watches=watches, connection=True)
    piece.policies = plan.happens(0.2)
    params = {}
    if plan.happens(0.3):
        params["server"] = f"{name}.example"
    if plan.happens(0.25):
        params["reconnect_interval"] = plan.chance.choice(("60", "1min"))
    plan.pieces[name] = piece
    plan.elements.append(_primitive(plan, piece, _meta(plan), params))
    plan.tops.append(name)
    _far(plan, name, "remote", name)


def _guests(plan: Plan) -> None:
    for _ in range(plan.chance.choice((0, 0, 1, 1, 2))):
        _guest(plan)


def _guest(plan: Plan) -> None:
    """Make up a guest node and the resource that holds it."""
    number = 1 + sum(machine.kind == "guest" for machine in plan.machines)
    inside, name = f"guest{number}", f"vm{number}"
    agent = plan.chance.choice((("heartbeat", "VirtualDomain"), ("pacemaker", "Dummy")))
    watches = [("", 10)] if plan.happens(0.7) else []
    piece = Piece(name, ("ocf", *agent), watches=watches, holds=inside)
    meta = {**_meta(plan, {"allow-migrate": 0.2}), "remote-node": inside}
    if plan.happens(0.2):
        meta["remote-addr"] = f"10.0.1.{number}"
    if plan.happens(0.1):
        meta["remote-allow-migrate"] = "true"
    if plan.happens(0.1):
        meta["remote-connect-timeout"] = "45s"
    plan.pieces[name] = piece
    plan.pieces[inside] = Piece(
        inside, ("ocf", "pacemaker", "remote"), watches=[("", 30)], connection=True, container=name
    )
    params = {"config": f"/etc/{name}.xml"} if plan.happens(0.5) else {}
    element = _primitive(plan, piece, meta, params)
    if plan.happens(0.1):
        other = Piece(plan.fresh("with"), ("ocf", "pacemaker", "Dummy"), watches=[("", 10)])
        plan.pieces[other.name] = other
        group = ET.Element("group", id=plan.fresh("grp"))
        parts = [element, _primitive(plan, other, {}, {})]
        plan.chance.shuffle(parts)
        group.extend(parts)
        plan.elements.append(group)
        plan.tops.append(group.get("id", ""))
    else:
        plan.elements.append(element)
        plan.tops.append(name)
    _far(plan, inside, "guest", inside, name)


def _bundles(plan: Plan) -> None:
    for _ in range(plan.chance.choice((0, 0, 1, 1, 1, 2))):
        _bundle(plan)


def _bundle(plan: Plan) -> None:
    """Make up a bundle."""
    name = plan.fresh("bundle").replace(".", "")
    word, replicas = plan.chance.choice(_TECHNOLOGIES), plan.chance.choice((1, 2, 3, 3))
    per_host = plan.chance.choice((1, 1, 1, 1, 2))
    promoted = plan.chance.choice((0, 0, 1, 1, 2))
    child = plan.happens(0.8)
    addressed = per_host > 1 or plan.happens(0.4)
    bundle = ET.Element("bundle", id=name)
    plan.pairs(bundle, "meta_attributes", _meta(plan))
    engine = ET.SubElement(bundle, word, image="image:latest", replicas=str(replicas))
    for key, value, given in (
        ("replicas-per-host", per_host, per_host > 1),
        ("promoted-max", promoted, bool(promoted and child)),
        ("network", "host", not addressed and plan.happens(0.5)),
        ("options", "--user=root --log-driver=journald", plan.happens(0.3)),
        ("run-command", "/usr/sbin/pacemaker-remoted", plan.happens(0.3)),
    ):
        if given:
            engine.set(key, str(value))
    addresses = _network(plan, bundle, replicas, addressed=addressed, needed=child)
    if plan.happens(0.4):
        storage = ET.SubElement(bundle, "storage")
        root = plan.chance.choice(("source-dir", "source-dir-root"))
        values = {root: f"/srv/{name}", "target-dir": "/srv", "options": "rw"}
        ET.SubElement(storage, "storage-mapping", {"id": plan.fresh("map"), **values})
    if child:
        inner = _inner(plan, f"{name}-app", promotable=promoted > 0)
        inner.unique = per_host > 1
        bundle.append(_primitive(plan, inner, _inner_meta(plan), {}))
    for number in range(replicas):
        _replica(plan, (name, word, number), addresses, inner if child else None)
    plan.elements.append(bundle)
    plan.tops.append(name)
    if promoted and child:
        plan.roles.add(name)


def _network(
    plan: Plan, bundle: ET.Element, replicas: int, *, addressed: bool, needed: bool
) -> Sequence[str]:
    """Enter a bundle's network; return the replicas' addresses, if they have any."""
    if not addressed and not needed and plan.happens(0.5):
        return ()
    network = ET.SubElement(bundle, "network")
    third = plan.number % 200
    if addressed:
        network.set("ip-range-start", f"192.168.{third}.131")
        if plan.happens(0.3):
            network.attrib |= {"host-interface": "eth0", "host-netmask": "24"}
    if not addressed or plan.happens(0.3):
        network.set("control-port", "3123")
    if plan.happens(0.2):
        ET.SubElement(network, "port-mapping", id=plan.fresh("port"), port="80")
    return [f"192.168.{third}.{131 + each}" for each in range(replicas if addressed else 0)]


def _inner(plan: Plan, name: str, *, promotable: bool) -> Piece:
    piece = _stateful(name) if promotable else Piece(name, _DUMMY, watches=[("", 10)])
    piece.policies = plan.happens(0.2)
    plan.pieces[name] = piece
    return piece


def _inner_meta(plan: Plan) -> dict[str, str]:
    possible = (
        ("container-attribute-target", "host", 0.4),
        ("migration-threshold", "1", 0.1),
        ("notify", "true", 0.1),
    )
    return {name: value for name, value, chance in possible if plan.happens(chance)}


def _replica(
    plan: Plan, owner: tuple[str, str, int], addresses: Sequence[str], inner: Piece | None
) -> None:
    """Enter what one replica of a bundle consists of."""
    name, word, number = owner
    holder = Piece(f"{name}-{word}-{number}", ("ocf", "heartbeat", word), watches=[("", 60)])
    holder.implied, holder.holds = True, f"{name}-{number}" if inner else ""
    plan.pieces[holder.name] = holder
    if addresses:
        address = Piece(
            f"{name}-ip-{addresses[number]}", ("ocf", "heartbeat", "IPaddr2"), watches=[("", 60)]
        )
        address.implied = True
        plan.pieces[address.name] = address
        holder.beside = address.name
    if inner is not None:
        reached = f"{name}-{number}"
        plan.pieces[reached] = Piece(
            reached,
            ("ocf", "pacemaker", "remote"),
            watches=[("", 30)],
            connection=True,
            implied=True,
            container=holder.name,
        )
        _far(plan, reached, "replica", reached, holder.name)
        plan.machines[-1].inside = inner.name
        plan.machines[-1].addressed = bool(addresses)
        plan.machines[-1].number = number
        inner.confined = True


_DUMMY = ("ocf", "pacemaker", "Dummy")


def _stateful(name: str) -> Piece:
    watches = [("Promoted", 15), ("Unpromoted", 16)]
    return Piece(name, ("ocf", "pacemaker", "Stateful"), watches=watches, promotable=True)


def _ordinary(plan: Plan) -> None:
    """Make up what may run anywhere."""
    for _ in range(plan.chance.randint(1, 4)):
        kind = plan.chance.choices(
            ("primitive", "group", "clone", "promotable", "cloned group"), (60, 15, 20, 10, 5)
        )[0]
        number = 1 + len(plan.elements)
        size = plan.chance.randint(2, 3) if "group" in kind else 1
        members = []
        for each in range(size):
            name = f"r{number}" if size == 1 else f"r{number}{'abc'[each]}"
            watched = plan.happens(0.8)
            piece = Piece(name, _DUMMY, watches=[("", 10)] if watched else [])
            if kind == "promotable":
                piece = _stateful(name)
            piece.policies = plan.happens(0.3)
            piece.cloned = "clone" in kind or kind == "promotable"
            plan.pieces[name] = piece
            meta = _meta(plan, {"allow-migrate": 0.1}) if not piece.cloned else {}
            members.append(_primitive(plan, piece, meta, {}))
        plan.elements.append(_wrapped(plan, kind, number, members))
        plan.tops.append(plan.elements[-1].get("id", ""))


def _wrapped(plan: Plan, kind: str, number: int, members: list[ET.Element]) -> ET.Element:
    """Return a resource of a kind with its members."""
    if kind == "primitive":
        return members[0]
    group = ET.Element("group", id=f"grp{number}")
    group.extend(members)
    if kind == "group":
        plan.pairs(group, "meta_attributes", _meta(plan))
        return group
    clone = ET.Element("clone", id=f"cln{number}")
    meta = _meta(plan)
    for name, values, probability in (
        ("interleave", ("true",), 0.5),
        ("clone-max", ("1", "2", "3"), 0.2),
        ("notify", ("true",), 0.15),
        ("ordered", ("true",), 0.1),
    ):
        if plan.happens(probability):
            meta[name] = plan.chance.choice(values)
    if kind == "promotable":
        meta["promotable"] = "true"
        plan.roles.add(f"cln{number}")
    plan.pairs(clone, "meta_attributes", meta)
    clone.append(group if kind == "cloned group" else members[0])
    return clone


def _constraints(plan: Plan, owner: ET.Element) -> None:
    for _ in range(plan.chance.randint(0, 5)):
        kind = plan.chance.choice((_location, _location, _colocation, _order))
        for one in kind(plan):
            owner.append(one)


def _location(plan: Plan) -> Iterator[ET.Element]:
    resource = plan.chance.choice(plan.tops)
    places = [machine.name for machine in plan.machines if machine.kind != "replica"]
    one = ET.Element("rsc_location", id=plan.fresh("loc"), rsc=resource)
    if plan.happens(0.75):
        one.attrib |= {"node": plan.chance.choice(places), "score": plan.chance.choice(_SCORES)}
        if plan.happens(0.1):
            one.set("resource-discovery", plan.chance.choice(("never", "exclusive")))
    else:
        rule = ET.SubElement(one, "rule", id=plan.fresh("rule"), score=plan.chance.choice(_SCORES))
        if resource in plan.roles and plan.happens(0.5):
            rule.set("role", "Promoted")
        kind = plan.chance.choice(("cluster", "remote", "container"))
        operation = plan.chance.choice(("eq", "eq", "ne"))
        values = {"attribute": "#kind", "operation": operation, "value": kind}
        ET.SubElement(rule, "expression", {"id": plan.fresh("expr"), **values})
    yield one


def _colocation(plan: Plan) -> Iterator[ET.Element]:
    if len(plan.tops) < 2:
        return
    first, second = plan.chance.sample(plan.tops, 2)
    one = ET.Element("rsc_colocation", id=plan.fresh("col"), score=plan.chance.choice(_SCORES))
    one.attrib |= {"rsc": first, "with-rsc": second}
    for resource, name in ((first, "rsc-role"), (second, "with-rsc-role")):
        if resource in plan.roles and plan.happens(0.4):
            one.set(name, plan.chance.choice(("Promoted", "Promoted", "Unpromoted")))
    yield one


def _order(plan: Plan) -> Iterator[ET.Element]:
    if len(plan.tops) < 2:
        return
    first, second = plan.chance.sample(plan.tops, 2)
    one = ET.Element("rsc_order", {"id": plan.fresh("ord"), "first": first, "then": second})
    if plan.happens(0.3):
        one.set("kind", plan.chance.choice(("Optional", "Mandatory", "Serialize")))
    if plan.happens(0.1) and one.get("kind") != "Serialize":
        one.set("symmetrical", "false")
    if first in plan.roles and plan.happens(0.5):
        one.attrib |= {"first-action": "promote", "then-action": "start"}
    yield one
