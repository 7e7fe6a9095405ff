"""Order in bundles: addresses before containers, containers before what runs inside, and probes.

What is ordered after a bundle waits for what runs inside of it. Pacemaker Explained, "Bundles"; the
orders among probes are measured.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from reconciler.model import remote as implied
from reconciler.model.action import Task
from reconciler.model.constraint import OrderKind
from reconciler.model.score import INFINITY
from reconciler.scheduler import creation, probe_order, replica, sequence
from reconciler.scheduler.circumstance import Circumstances
from reconciler.scheduler.colocation import Pair
from reconciler.scheduler.expansion import Expansion
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.step import Link, Step, Steps, link, link_all


def pairs(expansion: Expansion) -> Iterator[Pair]:
    """Yield the colocations of addresses with the containers that they are for."""
    for held, ip in _addressed(expansion):
        yield Pair(ip.name, ip, held, INFINITY, internal=True, origin=ip.origin)


def sequences(expansion: Expansion) -> Iterator[sequence.Sequence]:
    """Yield the orders of containers after their addresses.

    A container goes on running while its address is recovered (measured).
    """
    for held, ip in _addressed(expansion):
        yield sequence.Sequence(
            id=ip.name,
            first=ip,
            first_task=Task.START,
            then=held,
            then_task=Task.START,
            kind=OrderKind.MANDATORY,
            symmetrical=True,
            require_all=True,
            origin=ip.origin,
            restarts=False,
        )


def _addressed(expansion: Expansion) -> Iterator[tuple[Instance, Instance]]:
    """Yield containers with their addresses."""
    for bundle in expansion.bundles:
        for number, held in enumerate(bundle.children):
            ip = replica.ip(bundle.bundled, number)
            if ip is not None:
                yield held, expansion.by_name[ip.name]


def bind(steps: Steps, case: Circumstances) -> None:
    """Join what containers do with what is done inside of them, and with what probes find."""
    for bundle in case.situation.expansion.bundles:
        if bundle.inner is not None:
            _join(steps, bundle, bundle.inner)
            _look_first(steps, case, bundle, bundle.inner)
        _probe_apart(steps, bundle)
        for number, held in enumerate(bundle.children):
            reached = case.situation.expansion.by_name.get(implied.replica(bundle.bundled, number))
            there = steps.at(held).start
            places = steps.places[reached.index] if reached is not None else None
            # What is up need not start for it, nor be able to (measured).
            up = bool(case.situation.standing[held.index].running)
            for probe in places.probes if places is not None else ():
                link(there, probe, Link.ORDER if up else Link.NEEDS)


def _join(steps: Steps, bundle: Instance, inner: Instance) -> None:
    """Let what a bundle does as a whole include what is done inside."""
    whole, within = steps.whole(bundle), steps.whole(inner)
    for begin, inside in (
        (whole.start, within.start),
        (whole.stop, within.stop),
        (whole.promote, within.promote),
        (whole.demote, within.demote),
    ):
        link(begin, inside, Link.PULLS_FIRST)
    for task, end in (
        (Task.START, whole.running),
        (Task.STOP, whole.stopped),
        (Task.PROMOTE, whole.promoted),
        (Task.DEMOTE, whole.demoted),
    ):
        rises = task in {Task.START, Task.PROMOTE}
        for inside in creation.endings(steps, inner, task):
            link(inside, end, Link.PULLS_THEN | (Link.NEEDS if rises else Link.ORDER))


def _look_first(steps: Steps, case: Circumstances, bundle: Instance, inner: Instance) -> None:
    """Let what is inside of a bundle start once its containers were looked for.

    Only a container is waited for of which nothing is known where it is going to be, whether that
    node can be asked yet or not (measured).
    """
    for held in bundle.children:
        start, probes = _start(steps, held), list(probe_order.steps_of(steps, held))
        known = case.situation.known.get(held.history_name, {})
        asked = {probe.node for probe in probes}
        if start is not None and (start.node in asked or start.node not in known):
            link_all(probes, [steps.whole(inner).start], Link.ORDER)


def followings(steps: Steps, expansion: Expansion) -> Iterator[probe_order.Following]:
    """Yield which containers have to be looked for before others move (measured).

    They cannot share a node, so one starts where it is known that no other runs; for those that
    come before it, wherever they may run.
    """
    for bundle in expansion.bundles:
        for held, other in _apart(bundle):
            start = _start(steps, held)
            probes = probe_order.steps_of(steps, other)
            earlier = other.index < held.index
            if earlier or (start and any(probe.node == start.node for probe in probes)):
                yield probe_order.Following(other, held, Task.START, alone=True)


def _apart(bundle: Instance) -> Iterator[tuple[Instance, Instance]]:
    """Yield containers with those that they cannot share a node with."""
    if bundle.spread.node_max <= 1:
        yield from itertools.permutations(bundle.children, 2)


def _start(steps: Steps, held: Instance) -> Step | None:
    places = steps.places[held.index]
    return places.start if places is not None else None


def _probe_apart(steps: Steps, bundle: Instance) -> None:
    """Let containers that cannot share a node start there after it is known who runs there.

    One that only stops, since none may run any more, waits for what is found anywhere.
    """
    for held, other in _apart(bundle):
        start, probes = _start(steps, held), list(probe_order.steps_of(steps, other))
        if start is None:
            link_all(probes, probe_order.made(steps, held), Link.ADVISORY)
        for probe in probes:
            if start is not None and probe.node == start.node:
                link(probe, start, Link.ORDER)
