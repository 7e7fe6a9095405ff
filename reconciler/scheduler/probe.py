"""Probes: what is not known of a resource on a node is asked before anything is started.

Pacemaker Explained, "resource-discovery". Every start waits for all probes of its resource.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.model.action import Task
from reconciler.model.constraint import ResourceDiscovery
from reconciler.model.observed import Rc
from reconciler.model.reason import Reason, ReasonCode
from reconciler.model.role import Role
from reconciler.scheduler import guest, remote
from reconciler.scheduler.circumstance import Circumstances
from reconciler.scheduler.instance import Instance, Variant
from reconciler.scheduler.location import Wish
from reconciler.scheduler.nodes import Node
from reconciler.scheduler.situation import Situation
from reconciler.scheduler.state import IDLE
from reconciler.scheduler.step import Link, Step, Steps, link_all

_DOWN = int(Rc.NOT_RUNNING)


class Discovery:
    """Where resources are not to be looked for; where they are exclusively, never is no more heard.

    Of what is said of the promoted role only, never is not heard either (both measured).
    """

    __slots__ = ("_exclusive", "_never")

    def __init__(self, wishes: Sequence[Wish]) -> None:
        self._never: dict[int, set[int]] = {}
        self._exclusive: dict[int, set[int]] = {}
        for wish in wishes:
            for one in (*wish.instance.below(), *wish.instance.addresses):
                if wish.discovery is ResourceDiscovery.NEVER and wish.role is not Role.PROMOTED:
                    never = self._never.setdefault(one.index, set())
                    never.update(node for node, _ in wish.scores)
                elif wish.discovery is ResourceDiscovery.EXCLUSIVE:
                    self._exclusive.setdefault(one.index, set()).update(wish.looked_for())

    def among(self, one: Instance, nodes: Sequence[Node]) -> Sequence[Node]:
        """Return those of some nodes on which a resource is looked for."""
        never = self._never.get(one.index, ())
        exclusive = self._exclusive.get(one.index)
        if not never and exclusive is None:
            return nodes
        if exclusive is not None:
            return [node for node in nodes if node.index in exclusive]
        return [node for node in nodes if node.index not in never]


def create(steps: Steps, case: Circumstances, discovery: Discovery) -> None:
    """Enter a probe for each resource and node whose state there is not known."""
    if not case.settings.probes:
        return
    situation = case.situation
    nodes = [node for node in situation.nodes if node.reachable or _joining(node)]
    away = {node.index for node in nodes if not node.reachable}
    shared: set[tuple[str, int]] = set()
    later: list[tuple[Instance, Node]] = []
    for one, asked in _open(case, discovery, nodes):
        first = Reason(ReasonCode.PROBE, one.base)
        again = Reason(ReasonCode.FAILURE_EXPIRED, one.base)
        alike = one.in_clone is not None and not one.unique
        known = situation.known.get(one.history_name, {})
        running = situation.standing[one.index].running
        for node in asked:
            if node.guest and not guest.can_be_probed(case, node):
                later.append((one, node))
                continue
            where, probed = node.index, one
            if alike:
                if (one.history_name, where) in shared:
                    continue
                shared.add((one.history_name, where))
                probed = _instance_for(case, one, where)
            step = steps.resource(probed, Task.MONITOR, where)
            step.probe = True
            step.expected_rc = _up(situation, one) if where in running else _DOWN
            step.require(again if where in known else first)
            if where in away:
                step.stop_short(Reason(ReasonCode.NODE_UNAVAILABLE, node.name))
            steps.at(probed).probes.append(step)
    _order(steps, situation)
    for one, node in later:
        _after_holder(steps, situation, one, node)


def _open(
    case: Circumstances, discovery: Discovery, nodes: Sequence[Node]
) -> Iterator[tuple[Instance, Sequence[Node]]]:
    """Yield resources with the nodes on which it is not known what they do."""
    situation = case.situation
    for one in situation.expansion.all:
        if not one.is_primitive or one.removed:
            continue
        known = situation.known.get(one.history_name)
        unknown = discovery.among(one, nodes)
        if known:
            unknown = [
                node
                for node in unknown
                if (state := known.get(node.index)) is None or (state is not IDLE and state.doubted)
            ]
        asked = remote.askable(case, one, unknown) if unknown else ()
        if asked:
            yield one, asked


def _after_holder(steps: Steps, situation: Situation, one: Instance, node: Node) -> None:
    """Let a start wait for what is due with the holder of a guest that cannot be asked yet.

    Where the holder will start on a node that is asked about it first, for what all its probes
    find; where it ends, for its end, unless it goes on elsewhere (measured).
    """
    held = guest.holder(situation.expansion, node)
    start = steps.at(one).start
    if held is None or start is None or node.unclean is not None:
        return
    before = steps.at(held)
    rise = before.start
    if rise is not None and any(probe.node == rise.node for probe in before.probes):
        link_all(before.probes, [start], Link.ORDER)
    if before.migrate_from is None:
        stops = [stop for stop in before.stops.values() if not stop.done_by_fencing]
        link_all(stops, [start], Link.ORDER)


def _joining(node: Node) -> bool:
    """Tell whether a node will have to be asked as soon as it can answer.

    Until then nothing starts that might run there (measured).
    """
    return node.online and node.pending and node.unclean is None


def _up(situation: Situation, one: Instance) -> int:
    """Return what a probe finds where a resource is up."""
    promoted = situation.standing[one.index].role is Role.PROMOTED
    return int(Rc.PROMOTED) if promoted else int(Rc.OK)


def _instance_for(case: Circumstances, one: Instance, node: int) -> Instance:
    """Return the instance of an anonymous clone that a probe on a node is done for.

    A member of a group goes with those of whom something is known there (measured).
    """
    situation, assignment = case.situation, case.assignment
    siblings = [
        other
        for other in situation.expansion.by_base[one.base]
        if other.is_primitive and not other.removed
    ]
    for other in siblings:
        group = other.clone_child
        if group is not other and any(
            node in situation.standing[member.index].seen_on for member in group.primitives()
        ):
            return other
    for other in siblings:
        if any(assignment.chosen[each.index] == node for each in other.clone_child.primitives()):
            return other
    for other in siblings:
        if node in situation.standing[other.index].running:
            return other
    return siblings[0]


def _order(steps: Steps, situation: Situation) -> None:
    """Let every start wait for all probes of its resource.

    A clone's start cannot be done while a probe cannot that one of its instances needs, though
    other instances are up; an instance that is up need not be looked for before it is moved. Inside
    of a bundle each instance has a place of its own, and waits for itself (all measured).
    """
    by_name: dict[str, list[Step]] = {}
    for step in steps.all:
        if step.probe and step.instance is not None:
            by_name.setdefault(step.instance.history_name, []).append(step)
    for one in situation.expansion.all:
        places = steps.places[one.index]
        if one.variant is Variant.CLONE and one.bundle is None:
            start = steps.whole(one).start
            names = {member.history_name for member in one.primitives()} & by_name.keys()
            for name in sorted(names):
                if one.outer is None:
                    _before_start(situation, by_name[name], start)
                else:
                    link_all(by_name[name], [start], Link.ORDER)
        elif places is not None:
            if places.start is not None:
                _before_start(situation, places.probes, places.start)
            found = by_name.get(one.history_name, ())
            for where, stop in places.stops.items():
                link_all([step for step in found if step.node == where], [stop], Link.ORDER)


def _before_start(situation: Situation, probes: Sequence[Step], start: Step) -> None:
    """Let a start wait for probes; what is up somewhere is moved whatever they find elsewhere.

    Nor does it matter if a remote node cannot be asked, since its connection cannot be made: what
    may still be active there is dealt with before (measured).
    """
    standing, nodes = situation.standing, situation.nodes
    needed: list[Step] = []
    others: list[Step] = []
    for probe in probes:
        active = probe.instance is not None and standing[probe.instance.index].running
        (others if active or nodes[probe.node].remote is not None else needed).append(probe)
    link_all(needed, [start], Link.NEEDS)
    link_all(others, [start], Link.ORDER)
