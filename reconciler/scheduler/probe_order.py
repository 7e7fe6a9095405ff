"""Probes before other resources: what a probe may find has to be known before more is changed.

A probe comes before whatever follows the stop of its resource, since what it finds may have to be
stopped; and before the stops of what starts after its resource by mandatory orders, directly or
over others (all measured).
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence

from reconciler.model.action import Task
from reconciler.scheduler import creation, remote
from reconciler.scheduler.circumstance import Circumstances
from reconciler.scheduler.instance import Instance, Variant
from reconciler.scheduler.nodes import NOWHERE
from reconciler.scheduler.options import PlacementStrategy
from reconciler.scheduler.step import Link, Places, Step, Steps, link, link_all


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Following:
    """``then`` does ``task`` after ``first`` has started.

    Attributes:
        led: an order written earlier lets something wait for the start of ``then``.
        alone: only the probes of ``first`` itself come before, and none of what comes before that.
    """

    first: Instance
    then: Instance
    task: Task
    led: bool = False
    alone: bool = False


def steps_of(steps: Steps, one: Instance) -> Iterator[Step]:
    """Yield the probes of everything in a resource."""
    for each in one.primitives():
        places = steps.places[each.index]
        if places is not None:
            yield from places.probes


def apply(steps: Steps, case: Circumstances, followings: Sequence[Following]) -> None:
    """Let probes come before what other resources do after them."""
    chains = _Chains(steps, case, followings)
    for one in case.situation.expansion.all:
        if one.is_primitive:
            probes = list(steps_of(steps, one))
            if probes:
                chains.bind(one, probes)
        else:
            _before_stopped(steps, one)


def _before_stopped(steps: Steps, whole: Instance) -> None:
    """Let all of a group or clone be probed before what waits for it to be stopped.

    What is in a cloned group only counts where that group stops, and nothing before the stops of
    the others in a group that is not ordered (both measured).
    """
    stopped = steps.whole(whole).stopped
    for one in whole.children:
        for probe in steps_of(steps, one) if one.is_primitive else ():
            link(probe, stopped, Link.ADVISORY)
    if whole.variant is not Variant.GROUP:
        if whole.clone is not None and whole.clone.ordered:
            _before_earlier(steps, whole)
        return
    before: list[Step] = []
    earlier: list[Step] = []
    for place, member in enumerate(whole.children) if whole.chained else ():
        probes = list(steps_of(steps, member))
        stops = creation.beginnings(steps, member, Task.STOP)
        link_all(probes, (before or earlier) if stops else before, Link.ADVISORY)
        # In a clone it is the clone that waits to start, not the member.
        for later in whole.children[place + 1 :] if whole.in_clone is None else ():
            link_all(probes, made(steps, later), Link.ADVISORY)
        before, earlier = stops, stops or earlier


def _before_earlier(steps: Steps, clone: Instance) -> None:
    """Let an instance of an ordered clone be looked for before the one before it stops."""
    for earlier, later in itertools.pairwise(clone.children):
        stops = creation.beginnings(steps, earlier, Task.STOP) if earlier.is_primitive else []
        link_all(steps_of(steps, later), stops, Link.ADVISORY)


class _Chains:
    """What starts after what, directly or over others; lives inside ``apply`` only."""

    def __init__(self, steps: Steps, case: Circumstances, followings: Sequence[Following]) -> None:
        self.steps = steps
        self.situation = case.situation
        self.chosen = case.assignment.chosen
        self.rows = case.assignment.ranking.rows
        self.spreads = case.settings.placement_strategy is not PlacementStrategy.MINIMAL
        self.after: dict[int, list[Following]] = {}
        for following in followings:
            self.after.setdefault(following.first.index, []).append(following)

    def bind(self, origin: Instance, probes: list[Step]) -> None:
        """Let probes come before the stops of all that the start of their resource comes before.

        A primitive that will not start ends a chain of orders, unless its definition changed or an
        earlier order has something wait for its start; inside a group, clone or bundle it only goes
        without. One that is only being started waits, too, but ends a chain. What is behind a member
        that starts is stopped in any case after the probes, but not behind one that a failure holds.
        """
        seen, linked = {origin.index}, {origin.index}
        todo = list(self._next(origin, origin))
        while todo:
            following = todo.pop()
            parent = following.then.parent
            begun = {parent} if parent is following.first.parent else set()
            todo.extend(self._after_all(following, seen))
            for then in self._near(following, origin):
                places = self.steps.places[then.index]
                if following.task is Task.PROMOTE:
                    _before_promotion(probes, then, places)
                    continue
                group = then.parent if _in_group(then) else None
                behind = group is not None and group in begun
                starts = following.led or _starts(places)
                stops = following.task is Task.STOP or remote.is_connection(then)
                rises = starts or self._is_rising(then)
                reached = rises or behind or stops
                if places is not None and reached and then.index not in linked:
                    linked.add(then.index)
                    link_all(probes, made(self.steps, then), Link.ADVISORY)
                    if then.in_clone is not None and then.in_clone.outer is not None:
                        _before_promotion(probes, then, places)
                lone = then is following.then and not behind
                held = self.situation.standing[then.index].blocked
                if rises and not held and then is not following.then:
                    begun.add(group)
                if following.task is Task.STOP or then.index in seen or (lone and not starts):
                    continue
                seen.add(then.index)
                todo.extend(self._next(then, origin, alone=not starts))

    def _is_rising(self, one: Instance) -> bool:
        """Tell whether the start of something has not ended yet; it is asked for as any (measured)."""
        standing = self.situation.standing[one.index]
        return any(standing.states[where].pending == "start" for where in standing.running)

    def _after_all(self, following: Following, seen: set[int]) -> Iterator[Following]:
        """Yield what follows an interleaved clone as a whole, wherever its instances are (measured)."""
        clone = following.then
        whole = clone.clone is not None and clone.clone.interleave
        if whole and following.task is Task.START and clone.index not in seen:
            seen.add(clone.index)
            yield from self.after.get(clone.index, ())

    def _near(self, following: Following, origin: Instance) -> Iterator[Instance]:
        """Yield what does the task of ``then``: of an interleaved clone, where ``origin`` will be.

        If that is nowhere, where it would be if it might, of the nodes with an instance. What is
        blocked does not rise (both measured).
        """
        clone = following.then.clone
        if clone is None or not clone.interleave:
            yield from following.then.primitives()
            return
        if self.situation.is_blocked(origin):
            return
        found: dict[int, list[Instance]] = {}
        for child in following.then.children:
            if following.task is Task.STOP:
                for where in self.situation.standing[child.index].running:
                    found.setdefault(where, []).append(child)
            elif not self.situation.is_blocked(child):
                found.setdefault(self.chosen[child.index], []).append(child)
        found.pop(NOWHERE, None)
        where = self.chosen[origin.index]
        if where == NOWHERE and found:
            where = min(found, key=lambda each: self._distance(origin, each))
        for child in found.get(where, ()):
            yield from child.primitives()

    def _distance(self, one: Instance, where: int) -> tuple[int, int, int]:
        """Return the less the rather something would be on a node, whether or not it may."""
        load = self.load[where] if self.spreads else 0
        return -self.rows[one.index][where], load, self.situation.nodes[where].rank

    @functools.cached_property
    def load(self) -> Counter[int]:
        """How many resources will be on each node."""
        return Counter(
            self.chosen[one.index] for one in self.situation.expansion.all if one.is_primitive
        )

    def _next(self, one: Instance, origin: Instance, *, alone: bool = False) -> Iterator[Following]:
        """Yield what follows a start, over the groups and clones that it completes.

        What follows a group does not wait for the probes of its own members.

        Args:
            one: what starts.
            origin: what is probed.
            alone: the members behind it do not count.
        """
        level: Instance | None = one
        while level is not None:
            if level.variant is not Variant.GROUP or origin.parent is not level:
                for following in self.after.get(level.index, ()):
                    if following.first is origin or not following.alone:
                        yield following
            parent = level.parent
            if parent is not None and parent.variant is Variant.GROUP:
                # In a clone it is the clone that waits to start, not the member.
                chained = not alone and parent.in_clone is None and parent.chained
                place = parent.children.index(level)
                for member in parent.children[place + 1 :] if chained else ():
                    yield Following(level, member, Task.START)
            elif parent is not None and origin.parent is level:
                for other in self._siblings(level, parent, origin):
                    yield Following(level, other, Task.START)
            level = parent

    def _siblings(self, one: Instance, clone: Instance, origin: Instance) -> list[Instance]:
        """Return the other instances of a clone that wait for the probes of a group in it.

        In an interleaved one, none does if what is probed is going to start, and else the one that
        is where that would be if it might (measured).
        """
        others = [other for other in clone.children if other is not one]
        if clone.clone is None or not clone.clone.interleave:
            return others
        if self.chosen[origin.index] != NOWHERE:
            return []
        placed = [(other, where) for other in others if (where := self._place(other)) != NOWHERE]
        placed.sort(key=lambda pair: self._distance(origin, pair[1]))
        return [other for other, _ in placed[:1]]

    def _place(self, whole: Instance) -> int:
        """Return where any of a resource will be, the first of it before all others."""
        places = (self.chosen[one.index] for one in (whole, *whole.primitives()))
        return next((where for where in places if where != NOWHERE), NOWHERE)


def _in_group(one: Instance) -> bool:
    return one.parent is not None and one.parent.variant is Variant.GROUP


def _before_promotion(probes: list[Step], one: Instance, places: Places | None) -> None:
    """Let probes come before the demotion of what is promoted again after them.

    In a group, of what is only demoted, too (both measured).
    """
    grouped = one.clone_child is not one
    if places is not None and (places.promote is not None or grouped):
        link_all(probes, list(places.demotes.values()), Link.ADVISORY)


def _starts(places: Places | None) -> bool:
    """Tell whether something starts, or would if it might run: its definition changed."""
    return places is not None and (places.start is not None or places.redefined)


def made(steps: Steps, one: Instance) -> list[Step]:
    """Return the stops that somebody makes: no probe is asked before a fencing."""
    stops = creation.beginnings(steps, one, Task.STOP)
    return [stop for stop in stops if not stop.done_by_fencing]
