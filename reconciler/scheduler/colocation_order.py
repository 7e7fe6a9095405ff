"""What colocations say of order: who keeps apart changes places in turn, who keeps together rises."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping

from reconciler.model.action import Task
from reconciler.model.reason import Reason, ReasonCode
from reconciler.model.role import Role
from reconciler.model.score import INFINITY
from reconciler.scheduler import creation, probe_order
from reconciler.scheduler.colocation import Pair, Pairs
from reconciler.scheduler.instance import Instance, Variant
from reconciler.scheduler.ordering import OPPOSITE
from reconciler.scheduler.situation import Situation
from reconciler.scheduler.step import Link, Step, Steps, link, link_all

_TAKES: Mapping[Role | None, tuple[Task, ...]] = {
    Role.PROMOTED: (Task.PROMOTE,),
    Role.UNPROMOTED: (Task.START, Task.DEMOTE),
}
"""With which tasks a resource takes a role; with the opposite ones it leaves it (measured)."""
_STARTS = (Task.START,)
"""With which it takes any other; the role Stopped, too, keeps it off its node (measured)."""


def apply(steps: Steps, situation: Situation, pairs: Pairs, leading: Collection[int]) -> None:
    """Bind the steps of resources that must be, or must not be, together.

    What a failure holds, or what is placed nowhere, cannot start, but where nothing is ordered
    after its start, nobody finds that out (measured).

    Args:
        steps: all of them.
        situation: what is active, and blocked.
        pairs: all colocations.
        leading: numbers of the primitives after whose start something is ordered.
    """
    for pair in pairs.all:
        held = situation.standing[pair.primary.index].blocked
        if pair.score <= -INFINITY:
            primary = pair.primary, pair.primary_role
            dependent = pair.dependent, pair.dependent_role
            _apart(steps, primary, dependent)
            _apart(steps, dependent, primary)
        elif held and pair.primary.index not in leading:
            continue
        elif pair.mandatory and not pair.internal:
            _together(steps, pair, leads=pair.primary.index in leading)


def _apart(
    steps: Steps, goes: tuple[Instance, Role | None], comes: tuple[Instance, Role | None]
) -> None:
    """Let one leave a node or role before the other, that must not be with it, comes."""
    first, then = goes[0], comes[0]
    for task, rise in itertools.product(
        _TAKES.get(comes[1], _STARTS), _TAKES.get(goes[1], _STARTS)
    ):
        ending = OPPOSITE[rise]
        if (first.is_primitive and then.is_primitive) and (task, ending) == (Task.START, Task.STOP):
            _apart_there(steps, first, then)
            continue
        thens = creation.beginnings(steps, then, task)
        link_all(creation.endings(steps, first, ending), thens, Link.ADVISORY)
        if first.is_primitive and ending is Task.STOP:
            link_all(probe_order.steps_of(steps, first), thens, Link.ORDER)


def _apart_there(steps: Steps, first: Instance, then: Instance) -> None:
    """Let one leave the node to which the other comes; what is found there may have to leave."""
    places = steps.places[then.index]
    start = places.start if places is not None else None
    if start is None:
        return
    link(steps.at(first).stops.get(start.node), start, Link.ADVISORY)
    for probe in probe_order.steps_of(steps, first):
        if probe.node == start.node:
            link(probe, start, Link.ORDER)


def _together(steps: Steps, pair: Pair, *, leads: bool) -> None:
    """Let a dependent not rise where its primary cannot, without saying which is first.

    What cannot rise in a group keeps nobody outside of it from rising (measured). With ``leads``
    something waits for the start of the primary.
    """
    if Variant.GROUP in {pair.primary.variant, pair.primary.top.variant}:
        return
    promoted = pair.primary_role is Role.PROMOTED
    firsts = _risen(steps, pair.primary, Task.PROMOTE if promoted else Task.START)
    rises = pair.dependent_role is Role.PROMOTED
    task = Task.PROMOTE if rises else Task.START
    dependent = pair.dependent
    if dependent.variant is Variant.GROUP and dependent.children:
        dependent = dependent.children[0]
    thens = creation.beginnings(steps, dependent, task)
    link_all(firsts, thens, Link.NEEDS | Link.UNORDERED)
    if leads and not firsts:
        for step in thens:
            why = Reason(ReasonCode.WAITS_FOR_BLOCKED, pair.primary.base, origin=pair.origin)
            step.stop_short(why)


def _risen(steps: Steps, primary: Instance, task: Task) -> list[Step]:
    """Return steps that can run if a primary rises, or any instance of it.

    A cloned group is up with its first members, a bundle with its containers, whatever runs inside
    of these (measured).
    """
    leaders = [child.children[0] for child in primary.children if child.children]
    if primary.bundle is not None and task is Task.START:
        leaders = primary.children
    if primary.variant is not Variant.CLONE or not leaders:
        return creation.ends(steps, primary, task)
    join = steps.pseudo(f"leaders:{primary.name}:{task.value}", Task.NOTHING, primary)
    join.parts = [step for one in leaders for step in creation.beginnings(steps, one, task)]
    join.need = 1
    return [join]
