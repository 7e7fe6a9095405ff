"""Remote nodes: a node that is there exactly while a connection to it is up.

The connection is a resource that a member holds; what is done on the node goes through that
member, after the connection's start and before its stop. A node whose connection failed is fenced;
one whose connection is merely down is doubted, and fenced only if the connection cannot come back.
Pacemaker Remote, "Configuration Explained"; what follows from failures is measured.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from reconciler.model import remote as implied
from reconciler.model.action import Task
from reconciler.model.node import NodeKind
from reconciler.model.reason import Reason, ReasonCode
from reconciler.model.resource import OnFail
from reconciler.model.role import Role
from reconciler.model.score import INFINITY, Term, TermKind
from reconciler.scheduler import bundle, guest, operation
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.nodes import UNDECIDED, Node, Remote, never_seen
from reconciler.scheduler.step import Link, Places, Step, Steps, link, link_all, present

if TYPE_CHECKING:
    from reconciler.scheduler import options
    from reconciler.scheduler.circumstance import Circumstances
    from reconciler.scheduler.colocation import Pair
    from reconciler.scheduler.expansion import Expansion
    from reconciler.scheduler.placement import Placing
    from reconciler.scheduler.ranking import Ranking
    from reconciler.scheduler.situation import Situation
    from reconciler.scheduler.state import State

_LEAVING = frozenset({Task.STOP, Task.DEMOTE, Task.MIGRATE_TO, Task.CANCEL})
_RISING = frozenset({Task.START, Task.PROMOTE})
_OF_THE_MEMBER = frozenset({OnFail.FENCE, OnFail.STANDBY})
"""What a failed connection leads to for the member that held it instead of for its own node."""
_KINDS = (NodeKind.REMOTE, NodeKind.GUEST)
"""Guests may be held by resources on remote nodes, so they are met after those."""


def is_connection(one: Instance) -> bool:
    """Tell whether an instance is the connection to a remote or guest node."""
    return one.primitive is not None and one.primitive.agent == implied.CONNECTION


def connection(expansion: Expansion, node: Node) -> Instance | None:
    """Return the connection to a remote node; None: no resource makes one."""
    found = expansion.by_name.get(node.name)
    return found if found is not None and is_connection(found) else None


def met(
    situation: Situation,
    recorded: Sequence[Node],
    settings: options.Cluster,
    operations: operation.Reader,
) -> Iterator[Node]:
    """Yield the nodes whose histories count, remote ones with their state set.

    They come as they are recorded, but remote nodes only once it is known that they are up: those
    that nobody knew of by then in a later round (measured). Where nodes are fenced, those that are
    down come in the end. Each node's histories must be read before the next one is asked for.
    """
    waiting = list(recorded)
    while True:
        later = []
        for node in waiting:
            if node.remote is not None and not _is_up(situation, node):
                later.append(node)
                continue
            yield node
        if len(later) == len(waiting):
            break
        waiting = later
    down = {node.index for node in waiting}
    for kind in _KINDS:
        for node in recorded:
            if node.remote is not None and node.desired.kind is kind:
                running = _meet(situation, node, node.remote, settings, operations)
                if node.index in down and (running or settings.fencing_enabled):
                    yield node


def _is_up(situation: Situation, node: Node) -> bool:
    """Tell whether it is known by now that a remote node runs, with what holds it."""
    held = connection(situation.expansion, node), guest.holder(situation.expansion, node)
    needed = held[:1] if not node.guest else held
    return all(one is not None and situation.standing[one.index].running for one in needed)


def _meet(
    situation: Situation,
    node: Node,
    remote: Remote,
    settings: options.Cluster,
    operations: operation.Reader,
) -> bool:
    """Set the state of a remote node; tell whether it may be up."""
    held = connection(situation.expansion, node)
    if held is None:
        # Nobody will ever reach it again.
        remote.connects, remote.failed = False, True
    else:
        if node.observed.shutdown and (settings.fencing_enabled or _runs(situation, held)):
            # Whoever is on it leaves, and the connection then lets it go (measured).
            situation.standing[held.index].next_role = Role.STOPPED
        bad = _learn(situation, node, remote, held, operations)
        if settings.fencing_enabled:
            _suspect(node, held, bad, settings, operations)
    inside = guest.holder(situation.expansion, node)
    if inside is None:
        return held is not None and _runs(situation, held)
    # What is lost with it is recovered with its container, never waited for.
    remote.failed = True
    node.online = guest.is_up(situation, node, inside) and node.online
    return _runs(situation, inside)


def _runs(situation: Situation, one: Instance) -> bool:
    return bool(situation.standing[one.index].running)


def _learn(
    situation: Situation,
    node: Node,
    remote: Remote,
    held: Instance,
    operations: operation.Reader,
) -> list[State]:
    """Set what a connection's histories say of its node; return the failures to be acted on."""
    standing = situation.standing[held.index]
    bad = [state for state in standing.states.values() if _counts(held, state, operations)]
    remote.failed = bool(standing.running and bad)
    node.online = bool(standing.running) and not bad
    down = Role.STOPPED in {held.meta.target_role, standing.next_role}
    node.shutdown = node.online and (held.removed or down)
    given_up = any(state.on_fail is OnFail.BLOCK for state in bad)
    left_alone = any(situation.nodes[where].maintenance for where in standing.running)
    if held.meta.managed and not (held.meta.maintenance or given_up or left_alone):
        return bad
    # People took the connection over, and with it what is on the node (measured).
    node.maintenance = True
    return []


def _counts(held: Instance, state: State, operations: operation.Reader) -> bool:
    """Tell whether a connection failed with a member that holds it, or may.

    A member that is lost itself takes the blame, unless it is to be waited before the connection is
    made again (measured).
    """
    waited = implied.reconnect_interval(held.definition) is not None
    return state.failed and (not state.late or (waited and _lost(held, state, operations)))


def _suspect(
    node: Node,
    held: Instance,
    bad: Sequence[State],
    settings: options.Cluster,
    operations: operation.Reader,
) -> None:
    """Have a node fenced whose connection broke, or that was never heard of and cannot be reached.

    One that nobody heard of is let be while its connection was not even tried, unless there will
    be none any more (measured).
    """
    if held.removed and not (node.online or node.guest):
        node.unclean = node.unclean or never_seen(node.observed, settings)
    for state in bad:
        if _lost(held, state, operations):
            _reset(node, held, state)
        elif state.on_fail not in _OF_THE_MEMBER and not node.guest:
            node.unclean = node.unclean or never_seen(node.observed, settings)


def _reset(node: Node, held: Instance, state: State) -> None:
    """Have the node fenced whose connection broke, unless that was done meanwhile."""
    if node.observed.fenced:
        return
    node.unclean = Reason(ReasonCode.CONNECTION_LOST, held.name)
    if implied.reconnect_interval(held.definition) is not None:
        state.next_role = Role.STOPPED


def _lost(held: Instance, state: State, operations: operation.Reader) -> bool:
    """Tell whether a connection broke, as opposed to not having been made."""
    record = state.failure
    if record is None or held.container:
        return False
    return operation.resets(
        held.definition,
        operations.options(held.definition, record.operation, record.interval_ms),
        record.operation,
        record.interval_ms,
    )


def forbid(ranking: Ranking, situation: Situation) -> None:
    """Ban from remote nodes what only a member can run: connections and fence devices.

    With a connection what holds its node is banned, unless it is a bundle's container: that may be
    on a remote node, since a member holds the connection. What is left alone is not banned, but for
    connections into bundles (measured).
    """
    far = [node for node in situation.nodes if node.remote is not None]
    for one in situation.expansion.all if far else ():
        bundled = one.name in situation.expansion.owners
        if not members_only(one) or (situation.standing[one.index].left_alone and not bundled):
            continue
        inside = guest.container(situation.expansion, one)
        for each in [one] if inside is None or bundled else [one, inside]:
            for node in far:
                ranking.forbid(each, node.index, Term(TermKind.REMOTE_NODE, -INFINITY))


def members_only(one: Instance) -> bool:
    """Tell whether a resource cannot run on a remote node."""
    return one.is_fence_device or is_connection(one)


def askable(case: Circumstances, one: Instance, nodes: Sequence[Node]) -> Sequence[Node]:
    """Return those of some nodes on which a resource can be looked for.

    What is contained in another resource ends with it, so it is nowhere but where it was started.
    """
    expansion = case.situation.expansion
    if guest.container(expansion, one) is not None and not is_connection(one):
        return ()
    if one.name in expansion.owners and not _has_container(case, one):
        return ()
    return [
        node
        for node in nodes
        if bundle.admits(expansion, one, node)
        and (node.remote is None or _askable_afar(case, one, node))
    ]


def _askable_afar(case: Circumstances, one: Instance, node: Node) -> bool:
    """Tell whether a resource can be looked for on a remote node.

    Not where nobody makes the connection, though its container is up (measured).
    """
    situation, held = case.situation, connection(case.situation.expansion, node)
    left = held is not None and not situation.standing[held.index].managed
    if left and case.assignment.chosen[present(held).index] < 0:
        return False
    return not (members_only(one) or (node.guest and guest.holds(situation, one)))


def _has_container(case: Circumstances, held: Instance) -> bool:
    """Tell whether the container that a connection leads into is, or will be, there."""
    inside = guest.container(case.situation.expansion, held)
    if inside is None:
        return False
    running = case.situation.standing[inside.index].running
    return bool(running) or case.assignment.chosen[inside.index] >= 0


def expect(placing: Placing) -> None:
    """Take it that connections stay as they are while nothing is decided (measured).

    What has to be placed before them may be where one is up.
    """
    for node in placing.nodes:
        if node.remote is not None and node.name not in placing.situation.expansion.owners:
            node.remote.connects = node.online and not node.shutdown


def connect(placing: Placing, sequence: Sequence[Instance]) -> None:
    """Place the connections before all else; a node takes resources if its connection will be up.

    Args:
        placing: the assignment while it is made.
        sequence: the outermost resources in the order of their placement, which connections keep.
    """
    expansion = placing.situation.expansion
    led = {
        held.index: node.remote
        for node in placing.nodes
        if node.remote is not None
        and node.name not in expansion.owners
        and (held := connection(expansion, node)) is not None
    }
    for top in sequence if led else ():
        for one in top.primitives():
            state = led.get(one.index)
            if state is not None:
                placing.place(top)
                state.connects = placing.chosen[one.index] >= 0


def reach(placing: Placing, bundle: Instance) -> None:
    """Place a bundle's containers before what runs inside of them.

    What is inside a container that goes stays assigned to it, and is stopped with it; so does what
    is to be inside of one that will not come (measured).
    """
    placing.place(bundle)
    for node in placing.nodes:
        owner, number = placing.situation.expansion.owners.get(node.name, (None, -1))
        if node.remote is not None and owner is bundle:
            node.remote.connects = placing.chosen[bundle.children[number].index] >= 0
            node.remote.fading = not node.remote.connects


def reaching(placing: Placing, pair: Pair) -> Pair:
    """Return a connection's colocation with its container, as it counts where that is placed.

    A container on a remote node leaves no choice: that node has one connection only.
    """
    where = placing.chosen[pair.primary.index]
    if where < 0 or placing.nodes[where].remote is None:
        return pair
    return dataclasses.replace(pair, score=INFINITY)


def holders(placing: Placing, hosts: set[int] | None) -> set[int] | None:
    """Return the members that can hold a connection into a container on some nodes.

    A container on a remote node is reached through the member that holds that node's connection;
    where that is not decided yet, nothing is known of the holder.
    """
    found = set()
    for where in hosts or ():
        node = placing.nodes[where]
        held = connection(placing.situation.expansion, node) if node.remote is not None else None
        found.add(where if held is None else placing.chosen[held.index])
    if UNDECIDED in found:
        return None
    return None if hosts is None else found


def doubt(situation: Situation, settings: options.Cluster) -> None:
    """Have those doubted nodes fenced whose connection will not come back.

    Nothing has to be fenced where a member can still stop what runs there: not through a
    connection that failed, nor on a node that nobody heard of yet (measured).
    """
    for node in situation.nodes:
        state = node.remote
        if state is None or state.connects or node.unclean is not None or node.guest:
            continue
        held = connection(situation.expansion, node)
        hosts = situation.standing[held.index].running if held is not None else []
        if held is not None and any(situation.nodes[where].reachable for where in hosts):
            broken = state.failed and settings.fencing_enabled
            node.unclean = Reason(ReasonCode.CONNECTION_LOST, held.name) if broken else None
        else:
            if state.doubt is None and node.online:
                state.doubt = _active(situation, node)
            node.unclean = state.doubt
        if held is not None and node.unclean is None:
            node.unclean = never_seen(node.observed, settings)


def _active(situation: Situation, node: Node) -> Reason | None:
    for one in situation.expansion.all:
        if one.is_primitive and node.index in situation.standing[one.index].running:
            return Reason(ReasonCode.CONNECTION_LOST, node.name, one.base)
    return None


def order(steps: Steps, case: Circumstances) -> None:
    """Let what is done on remote nodes come after the connection's start or before its stop."""
    nodes = case.situation.nodes
    connections: dict[int, Places] = {}
    for node in nodes:
        held = connection(case.situation.expansion, node) if node.remote is not None else None
        places = steps.places[held.index] if held is not None else None
        if places is not None:
            connections[node.index] = places
    for step in steps.all if connections else ():
        places = connections.get(step.node)
        if places is None or step.instance is None:
            continue
        if step.done_by_fencing:
            if places.start is not None and not nodes[step.node].guest:
                link_all([step], list(places.stops.values()), Link.ORDER)
        elif step.task in _RISING and places.start is None:
            # It was placed while that was open.
            step.stop_short(Reason(ReasonCode.NODE_UNAVAILABLE, nodes[step.node].name))
        elif _goes_before(step, case.situation):
            _before_it_goes(steps, step, places, on_guest=nodes[step.node].guest)
        else:
            _once_it_is_up(steps, step, places)


def _before_it_goes(steps: Steps, step: Step, held: Places, *, on_guest: bool) -> None:
    """Let a step come before the end of the connection that it uses.

    That is kept while something that has to stop cannot; a guest ends with its holder, and what is
    on it does, too (measured).
    """
    if step.task is Task.CANCEL:
        # Whoever watches there forgets it with the connection, so nothing waits (measured).
        return
    stops = list(held.stops.values())
    ends = step.task is Task.STOP
    link_all([step], stops, Link.NEEDS_IF_REQUIRED if ends and not on_guest else Link.ORDER)
    if ends:
        # What a probe finds may have to be stopped, so it counts as a stop would.
        link_all(steps.at(present(step.instance)).probes, stops, Link.ORDER)


def _once_it_is_up(steps: Steps, step: Step, held: Places) -> None:
    # Whoever was asked to watch a resource there forgot it when the connection went down.
    link(held.start, step, Link.NEEDS | (Link.PULLS_THEN if step.interval_ms else Link.ORDER))
    if step.task is Task.START:
        # It is not taken away from elsewhere before it is known that the node can be reached.
        for stop in steps.at(present(step.instance)).stops.values():
            if stop.node != step.node and not stop.done_by_fencing:
                link(held.start, stop, Link.ADVISORY)


def _goes_before(step: Step, situation: Situation) -> bool:
    """Tell whether a step uses the connection as it is now."""
    node = situation.nodes[step.node]
    held = connection(situation.expansion, node)
    if held is None or not node.online or node.unclean is not None:
        return False
    standing = situation.standing[held.index]
    if standing.partial is not None and len(standing.running) == 1:
        # Half of it has moved already, and the rest is waited for (measured).
        return False
    hosts = standing.running
    # Also a member that is going to be fenced still passes on what it is told (measured).
    if not any(situation.nodes[where].online for where in hosts):
        return False
    return step.task in _LEAVING or (node.remote is not None and not node.remote.connects)


def router(step: Step, case: Circumstances) -> str:
    """Return the member that carries out a step on a remote node; empty for members' own."""
    situation = case.situation
    node = situation.nodes[step.node]
    if node.remote is None:
        return ""
    held = connection(situation.expansion, node)
    if held is None:
        return ""
    where = case.assignment.chosen[held.index]
    running = situation.standing[held.index].running
    if running and (where < 0 or _goes_before(step, situation)):
        where = running[0]
    return situation.nodes[where].name if where >= 0 else ""
