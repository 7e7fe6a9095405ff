"""Containment: what follows for a resource, and for a guest node, from what it is contained in.

A contained resource is where its container is, starts after it and stops before it; when it fails,
its container is restarted. A guest node needs no fence device: it is proven off when the resource
that holds it was stopped. Pacemaker Remote, "Guest Nodes"; what follows from failures is measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.model.action import ActionKind, Task
from reconciler.model.constraint import OrderKind
from reconciler.model.plan import FenceDecision
from reconciler.model.reason import Reason, ReasonCode
from reconciler.model.resource import OnFail
from reconciler.model.role import Role
from reconciler.model.score import INFINITY, TermKind
from reconciler.scheduler import guest, probe_order, remote, sequence
from reconciler.scheduler.circumstance import Circumstances
from reconciler.scheduler.colocation import Pair
from reconciler.scheduler.expansion import Expansion
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.nodes import Node
from reconciler.scheduler.situation import Situation, Standing
from reconciler.scheduler.step import Link, Places, Step, Steps, link, link_all, soften


def _contained(expansion: Expansion) -> Iterator[tuple[Instance, Instance]]:
    for one in expansion.contained:
        found = guest.container(expansion, one)
        if found is not None:
            yield one, found


_NEAR = 10_000
"""How much a bundle's connection wants to be on the node of its container (measured)."""


def pairs(situation: Situation) -> Iterator[Pair]:
    """Yield the colocations of contained resources with their containers.

    The connection into a bundle's container can only be near it, as that may be on a remote node,
    where no connection is held. It would keep the container off there, but never takes away one
    that runs well. Of what is left alone nothing is wanted (both measured).
    """
    for one, inside in _contained(situation.expansion):
        if situation.standing[one.index].left_alone:
            continue
        bundled = one.name in situation.expansion.owners
        standing = situation.standing[inside.index]
        yield Pair(
            id=one.name,
            dependent=one,
            primary=inside,
            score=_NEAR if bundled else INFINITY,
            influence=not bundled or standing.failed or not standing.running,
            internal=True,
            origin=one.origin,
        )


def sequences(expansion: Expansion) -> Iterator[sequence.Sequence]:
    """Yield the orders of contained resources after their containers."""
    for one, inside in _contained(expansion):
        yield sequence.Sequence(
            id=one.name,
            first=inside,
            first_task=Task.START,
            then=one,
            then_task=Task.START,
            kind=OrderKind.MANDATORY,
            symmetrical=True,
            require_all=True,
            origin=one.origin,
            finds=not remote.is_connection(one),
        )


def restart(steps: Steps, case: Circumstances) -> None:
    """Restart the container of what failed inside, unless told otherwise."""
    situation = case.situation
    for one, inside in _contained(situation.expansion):
        states = situation.standing[one.index].states
        failed = {
            where: state
            for where, state in states.items()
            if state.on_fail is OnFail.RESTART_CONTAINER and not state.late
        }
        if not failed or not situation.standing[inside.index].managed:
            continue
        record = next(iter(failed.values())).failure
        reason = Reason(ReasonCode.FAILED, one.base, record.operation if record else "", one.origin)
        places = steps.at(inside)
        if one.name not in situation.expansion.owners:
            _stop_there(steps, inside, failed)
        for step in (*places.stops.values(), places.start):
            if step is not None:
                step.require(reason)


def _stop_there(steps: Steps, inside: Instance, nodes: Iterable[int]) -> None:
    """Enter a container's stop also where only what failed inside of it was seen (measured)."""
    places = steps.at(inside)
    for where in nodes:
        if where not in places.stops:
            places.stops[where] = steps.resource(inside, Task.STOP, where)


def bind(steps: Steps, case: Circumstances) -> None:
    """Let what runs on a guest node restart with its container, and be stopped before it.

    A container that migrates waits for what the probes of its connection find (measured).
    """
    expansion = case.situation.expansion
    for one, inside in _contained(expansion):
        places = steps.places[inside.index]
        if places is not None and remote.is_connection(one):
            for probe in steps.at(one).probes:
                link(probe, places.migrate_to or places.migrate_from, Link.ORDER)
    held = {
        node.index: steps.places[found.index]
        for node in case.situation.nodes
        if (found := guest.holder(expansion, node)) is not None
    }
    for step in steps.all if held else ():
        places = held.get(step.node)
        if places is None or step.instance is None:
            continue
        if step.done_by_fencing:
            # It has ended with its holder, so it cannot end before, whatever orders say (measured).
            soften(step)
        else:
            managed = case.situation.standing[step.instance.index].managed
            _between(step, places, step.instance, pulls=managed)


def _between(step: Step, holder: Places, one: Instance, *, pulls: bool) -> None:
    """Let a step on a guest come after the start of what holds it, or before its stop.

    Args:
        step: what is done on the guest.
        holder: the steps of what holds it.
        one: what it is done with.
        pulls: whether it is stopped for that; what nobody manages goes down with the guest.
    """
    if step.task in {Task.START, Task.PROMOTE}:
        if holder.start is None:
            step.stop_short(Reason(ReasonCode.NO_NODE, one.base))
        link(holder.start, step, Link.NEEDS | Link.PULLS_THEN)
    elif step.task is Task.STOP:
        for stop in holder.stops.values():
            pulling = Link.NEEDS_IF_REQUIRED | Link.PULLS_FIRST
            link(step, stop, pulling if pulls else Link.ORDER)


def followings(steps: Steps, case: Circumstances) -> Iterator[probe_order.Following]:
    """Yield what starts on guest nodes: it follows the start of what holds the node.

    Not where it was lost, and is not stopped but known to have ended (measured).
    """
    expansion = case.situation.expansion
    held = {node.index: guest.holder(expansion, node) for node in case.situation.nodes}
    for step in steps.all:
        holder = held.get(step.node) if step.task is Task.START else None
        if holder is None or step.instance is None:
            continue
        yield probe_order.Following(holder, step.instance, Task.START)


def fence(
    steps: Steps, case: Circumstances, node: Node, reason: Reason, held: Instance
) -> FenceDecision:
    """Enter the step with which an unclean guest counts as fenced: its container has stopped.

    It has not while that is left alone; what was lost with its host is looked for elsewhere before.
    What could not be stopped will not start again (both measured).
    """
    standing = case.situation.standing[held.index]
    gone = case.assignment.next_role[held.index] is Role.STOPPED or _is_stuck(standing)
    task = Task.OFF if gone else Task.REBOOT
    step = steps.add(f"stonith-{node.name}-{task.value}", ActionKind.PSEUDO, task, None, node.index)
    step.require(reason)
    steps.fences[node.index] = step
    endings = _endings(steps, case, node, held)
    for stop in endings:
        link(stop, step, Link.NEEDS_IF_REQUIRED if standing.managed else Link.NEEDS)
    if any(stop.instance is held and case.situation.nodes[stop.node].unclean for stop in endings):
        link_all(probe_order.steps_of(steps, held), [step], Link.ORDER)
    return FenceDecision(node.name, task, reason, guest_of=held.name)


def _is_stuck(standing: Standing) -> bool:
    """Tell whether a stop failed that nobody will try again."""
    bans = (kind for state in standing.states.values() for kind, _ in state.bans)
    return not standing.managed and TermKind.FAILED_STOP in bans


def _endings(steps: Steps, case: Circumstances, node: Node, held: Instance) -> list[Step]:
    """Return what ends a guest: its container's stops, or else those of the connection to it."""
    for one in (held, case.situation.expansion.by_name.get(node.name)):
        places = steps.places[one.index] if one is not None else None
        if places is not None and places.stops:
            return list(places.stops.values())
    return []
