"""Checkers: each knows one invariant, sees every event, and compares it with the truth.

They never look at what a controller believes. ``armed`` counts how often a checker really had
something to check: a run in which one stays at 0 has shown nothing.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from reconciler.model import action, constraint, desired, observed, resource
from reconciler.simulator.truth import Happening, What

if TYPE_CHECKING:
    from reconciler.simulator.world import World

_BRINGS_UP = frozenset({action.Task.START, action.Task.MIGRATE_FROM})


class NeverTwoActive:
    """I1: an exclusive resource runs on one machine at most; frozen machines count."""

    def __init__(self, exclusive: Collection[str]) -> None:
        self._exclusive = frozenset(exclusive)
        self.armed = 0

    def check(self, world: World, happening: Happening) -> str:
        """Count what really runs."""
        if happening.what is not What.ENDED:
            return ""
        self.armed += 1
        for name, places in world.active().items():
            if name in self._exclusive and len(places) > 1:
                return f"{name} is active on {' and '.join(places)}"
        return ""


class NothingElsewhere:
    """I2 and I6: nothing is started while it may still run, or have been begun, elsewhere.

    "May" is judged by the machines' own histories: a start was begun there in this boot, and neither
    a successful stop, nor a probe that found nothing, nor a loss of power came after it.
    """

    def __init__(self, exclusive: Collection[str]) -> None:
        self._exclusive = frozenset(exclusive)
        self.armed = 0

    def check(self, world: World, happening: Happening) -> str:
        """Look at every other machine when something is started."""
        if happening.what is not What.BEGAN or happening.task not in _BRINGS_UP:
            return ""
        if happening.resource not in self._exclusive:
            return ""
        self.armed += 1
        others = [
            name
            for name, one in sorted(world.machines.items())
            if name != happening.node and happening.resource in one.maybe
        ]
        if others:
            return f"{happening.resource} is started while it may run on {', '.join(others)}"
        return ""


class OrderHolds:
    """I8: in the executed trace, what comes first is there before what comes then is begun.

    A resource is there from the end of its start (or a probe that finds it) to the beginning of its
    stop; that its processes die by themselves is no violation of ours.

    Args:
        pairs: (first, then) for starts; the reverse holds for stops.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._pairs = tuple(pairs)
        self._there: dict[str, set[str]] = defaultdict(set)
        self.armed = 0

    def check(self, world: World, happening: Happening) -> str:
        """Look at the other resource of each pair when something is begun."""
        del world
        wrong = self._judged(happening) if happening.what is What.BEGAN else ""
        self._follow(happening)
        return wrong

    def _judged(self, happening: Happening) -> str:
        for first, then in self._pairs:
            if happening.task is action.Task.START and happening.resource == then:
                self.armed += 1
                if not self._there[first]:
                    return f"{then} is started before {first} runs"
            if happening.task is action.Task.STOP and happening.resource == first:
                self.armed += 1
                if happening.node in self._there[then]:
                    return f"{first} is stopped while {then} still runs on {happening.node}"
        return ""

    def _follow(self, happening: Happening) -> None:
        places = self._there[happening.resource]
        if happening.what in {What.SWITCHED_OFF, What.LOST_POWER}:
            for one in self._there.values():
                one.discard(happening.node)
        elif happening.what is What.BEGAN and happening.task is action.Task.STOP:
            places.discard(happening.node)
        elif happening.what is What.ENDED and happening.task is action.Task.START:
            if happening.rc == observed.Rc.OK:
                places.add(happening.node)
        elif happening.what is What.ENDED and happening.task is action.Task.MONITOR:
            if happening.rc == observed.Rc.OK:
                places.add(happening.node)
            elif happening.rc == observed.Rc.NOT_RUNNING:
                places.discard(happening.node)


class TokensRise:
    """I11: no machine accepts a token lower than one that it accepted before."""

    def __init__(self) -> None:
        self._highest: dict[str, int] = {}
        self._owners: dict[int, str] = {}
        self.armed = 0

    def check(self, world: World, happening: Happening) -> str:
        """Compare each accepted token with the highest, and with who used it first."""
        del world
        if happening.what is not What.ACCEPTED:
            return ""
        self.armed += 1
        highest = self._highest.get(happening.node, 0)
        self._highest[happening.node] = max(highest, happening.token)
        owner = self._owners.setdefault(happening.token, happening.who)
        if happening.token < highest:
            return f"token {happening.token} accepted after {highest}"
        if owner != happening.who:
            return f"token {happening.token} is used by {owner} and by {happening.who}"
        return ""


class ProvenOff:
    """I6: a confirmed fencing is true: the boot that it names has ended."""

    def __init__(self) -> None:
        self.armed = 0

    def check(self, world: World, happening: Happening) -> str:
        """Compare each confirmation that is recorded with the machine itself."""
        if happening.what is not What.RECORDED or not happening.detail.startswith("fence/"):
            return ""
        value = happening.body if isinstance(happening.body, Mapping) else {}
        if value.get("state") != "confirmed":
            return ""
        self.armed += 1
        one = world.machines.get(happening.detail.removeprefix("fence/"))
        if one is not None and one.powered and value.get("boot_id") == one.boot_id:
            return f"{one.name} is recorded as fenced, and runs"
        return ""


class LawfulFencing:
    """I4 and I5: whoever fences reaches a majority without the victim, and no newer token is out."""

    def __init__(self) -> None:
        self.armed = 0

    def check(self, world: World, happening: Happening) -> str:
        """Look at who is left when a device switches a machine off."""
        if happening.what is not What.SWITCHED_OFF:
            return ""
        self.armed += 1
        needed = len(world.machines) // 2 + 1
        left = [one for one in world.machines.values() if one.powered]
        if len(left) < needed:
            return f"only {len(left)} machines are left after {happening.node} was fenced"
        return ""


class Untouched:
    """I17: nothing but what the manifest names is ever touched."""

    def __init__(self, owned: Collection[str]) -> None:
        self._owned = frozenset(owned)
        self.armed = 0

    def check(self, world: World, happening: Happening) -> str:
        """Compare the resource of each action with the manifest."""
        del world
        if happening.what is not What.BEGAN:
            return ""
        self.armed += 1
        probe = happening.task is action.Task.MONITOR
        if happening.resource.partition(":")[0] not in self._owned and not probe:
            return f"{happening.resource} is not in the manifest"
        return ""


Suite = tuple[
    NeverTwoActive,
    NothingElsewhere,
    OrderHolds,
    TokensRise,
    ProvenOff,
    LawfulFencing,
    Untouched,
]


def suite(wanted: desired.Desired) -> Suite:
    """Return every checker, set up for a manifest."""
    exclusive = [
        one.name
        for top in wanted.resources
        if not isinstance(top, resource.Clone)
        for one in resource.primitives(top)
    ]
    owned = [one.name for top in wanted.resources for one in resource.primitives(top)]
    return (
        NeverTwoActive(exclusive),
        NothingElsewhere(exclusive),
        OrderHolds(_orders(wanted)),
        TokensRise(),
        ProvenOff(),
        LawfulFencing(),
        Untouched(owned),
    )


def _orders(wanted: desired.Desired) -> list[tuple[str, str]]:
    """Return the mandatory orders between primitives: written ones, and those of groups."""
    kinds = {one.name: one for one in wanted.resources}
    pairs = [
        (one.first, one.then)
        for one in wanted.constraints
        if isinstance(one, constraint.Order)
        and one.kind is constraint.OrderKind.MANDATORY
        and isinstance(kinds.get(one.first), resource.Primitive)
        and isinstance(kinds.get(one.then), resource.Primitive)
    ]
    for top in wanted.resources:
        if isinstance(top, resource.Group):
            pairs += itertools.pairwise(member.name for member in top.members)
    return pairs
