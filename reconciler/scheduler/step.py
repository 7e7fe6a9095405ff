"""Steps: actions while it is still open which of them are needed and which can run.

A step is *required* or not, and *runnable* or not, independently. Relations between steps are
typed; only ``settle`` applies them. A step ends up in the plan if it is required and runnable.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from reconciler.errors import position
from reconciler.model.action import ActionKind, Task
from reconciler.model.reason import Reason
from reconciler.scheduler.instance import Instance

if TYPE_CHECKING:
    from reconciler.scheduler import notification


_Any = TypeVar("_Any")
_SINKING = frozenset({Task.STOP, Task.DEMOTE, Task.NOTHING})
"""What takes something away, or tells that it is."""
_NOTHING: Mapping[str, str] = types.MappingProxyType({})


def present(value: _Any | None) -> _Any:
    """Return a value that must be there; where it is not, the mistake is ours."""
    if value is None:
        message = "a step is missing"
        raise AssertionError(message)
    return value


class Link:
    """How ``first`` and ``then`` are bound: bits, joined by ``|``.

    Plain numbers, since an enum's operators take longer than the loops that use them.
    """

    ORDER = 0
    """Where both are in the plan, ``first`` comes first."""
    NEEDS = 1
    """``then`` cannot run if ``first`` cannot."""
    NEEDS_IF_REQUIRED = 2
    """``then`` cannot run if ``first`` is required and cannot."""
    NEEDS_IF_WANTED = 128
    """``then`` cannot run if ``first`` cannot, once ``then`` is required: what is up stays up."""
    PULLS_THEN = 4
    """``then`` is required if ``first`` is."""
    PULLS_FIRST = 8
    """``first`` is required if ``then`` is."""
    RESTART = 16
    """``first`` stops what ``then`` starts again: required if ``then`` is, or cannot run."""
    UNORDERED = 64
    """Only the other flags count; it says nothing about which comes first."""
    ADVISORY = 32
    """The order may be given up where it would close a circle."""
    ONE_WAY = 256
    """``then`` starts after ``first``, but need not stop before it: a migration minds it not."""


class Step:
    """One possible action.

    Attributes:
        index: its number.
        name: unique, without the node.
        node: number of the node; -1: none.
        required, runnable: see the module.
        need: how many of ``parts`` must be runnable for this to be; 0: no such rule.
        parts: steps that this one waits for as a whole.
        reason: why it is required; blocked: why it cannot run.
        done_by_fencing: the fencing of its node does it.
        resumed: it only goes on with what was begun, so that nothing else does anything anew.
        held: a failure forbids it, so that it is due for good and takes nothing along.
        pinned: nothing can make it needed: what it would do is none of the cluster's business.
    """

    __slots__ = (
        "after",
        "agent_task",
        "before",
        "blocked",
        "detail",
        "done_by_fencing",
        "expected_rc",
        "held",
        "index",
        "instance",
        "interval_ms",
        "kind",
        "name",
        "need",
        "node",
        "origin",
        "parts",
        "pinned",
        "probe",
        "reason",
        "required",
        "resumed",
        "runnable",
        "task",
    )

    def __init__(
        self,
        name: str,
        kind: ActionKind,
        task: Task,
        instance: Instance | None,
        node: int,
    ) -> None:
        self.index = -1
        self.name = name
        self.kind = kind
        self.task = task
        self.instance = instance
        self.node = node
        self.interval_ms = 0
        self.required = False
        self.runnable = True
        self.need = 0
        self.parts: Sequence[Step] = ()
        self.reason: Reason | None = None
        self.blocked: Reason | None = None
        self.done_by_fencing = False
        self.held = False
        self.pinned = False
        self.resumed = False
        self.probe = False
        self.expected_rc = 0
        self.agent_task = ""
        self.detail: Mapping[str, str] = _NOTHING
        self.origin = position.NOWHERE
        self.before: list[tuple[Step, int]] = []
        self.after: list[tuple[Step, int]] = []

    def __repr__(self) -> str:
        flags = f"{'R' if self.required else 'o'}{'' if self.runnable else '!'}"
        return f"<{self.name}@{self.node} {flags}>"

    def require(self, reason: Reason | None) -> None:
        """Mark as needed; the first reason stays."""
        if not self.required and not self.pinned:
            self.required = True
            self.reason = self.reason or reason

    def lacks_parts(self) -> bool:
        """Tell whether fewer of its parts can run than it needs."""
        return self.need > 0 and sum(1 for part in self.parts if part.runnable) < self.need

    def stop_short(self, reason: Reason | None) -> None:
        """Mark as impossible; the first reason stays."""
        if self.runnable:
            self.runnable = False
            self.blocked = self.blocked or reason


class Places:
    """The steps of one primitive instance.

    Attributes:
        redefined: it runs with other parameters than today's, which it cannot take up.
        postponed: why it goes on with other parameters than today's; None: it does not.
    """

    __slots__ = (
        "cancels",
        "demotes",
        "migrate_from",
        "migrate_to",
        "monitors",
        "postponed",
        "probes",
        "promote",
        "redefined",
        "reload",
        "start",
        "stops",
    )

    def __init__(self) -> None:
        self.redefined = False
        self.postponed: Reason | None = None
        self.start: Step | None = None
        self.reload: Step | None = None
        self.promote: Step | None = None
        self.migrate_to: Step | None = None
        self.migrate_from: Step | None = None
        self.stops: dict[int, Step] = {}
        self.demotes: dict[int, Step] = {}
        self.probes: list[Step] = []
        self.monitors: list[Step] = []
        self.cancels: list[Step] = []


class Whole:
    """The pseudo steps of a group or clone; ``begin`` opens, ``end`` closes what children do."""

    __slots__ = (
        "demote",
        "demoted",
        "frames",
        "promote",
        "promoted",
        "running",
        "start",
        "stop",
        "stopped",
    )

    def __init__(self, steps: Steps, one: Instance, *, roles: bool) -> None:
        self.start = steps.pseudo(f"{one.name}_start_0", Task.START, one)
        self.running = steps.pseudo(f"{one.name}_running_0", Task.NOTHING, one)
        self.stop = steps.pseudo(f"{one.name}_stop_0", Task.STOP, one)
        self.stopped = steps.pseudo(f"{one.name}_stopped_0", Task.NOTHING, one)
        self.promote: Step | None = None
        self.promoted: Step | None = None
        self.demote: Step | None = None
        self.demoted: Step | None = None
        self.frames: dict[Task, notification.Frame] = {}
        if roles:
            self.promote = steps.pseudo(f"{one.name}_promote_0", Task.PROMOTE, one)
            self.promoted = steps.pseudo(f"{one.name}_promoted_0", Task.NOTHING, one)
            self.demote = steps.pseudo(f"{one.name}_demote_0", Task.DEMOTE, one)
            self.demoted = steps.pseudo(f"{one.name}_demoted_0", Task.NOTHING, one)

    def spans(self) -> Iterator[tuple[Task, Step, Step]]:
        """Yield each task with the steps that open and close it."""
        for task, begin, end in (
            (Task.START, self.start, self.running),
            (Task.STOP, self.stop, self.stopped),
            (Task.PROMOTE, self.promote, self.promoted),
            (Task.DEMOTE, self.demote, self.demoted),
        ):
            if begin is not None and end is not None:
                yield task, begin, end


class Steps:
    """All steps of a plan while it is made, and the relations between them."""

    __slots__ = ("_names", "all", "fences", "places", "shutdowns", "wholes")

    def __init__(self, size: int) -> None:
        self.all: list[Step] = []
        self.places: list[Places | None] = [None] * size
        self.wholes: list[Whole | None] = [None] * size
        self.fences: dict[int, Step] = {}
        self.shutdowns: dict[int, Step] = {}
        self._names: dict[tuple[int, Task, int], str] = {}

    def add(
        self,
        name: str,
        kind: ActionKind,
        task: Task,
        instance: Instance | None = None,
        node: int = -1,
    ) -> Step:
        """Enter a step, neither required nor doubted."""
        one = Step(name, kind, task, instance, node)
        one.index = len(self.all)
        self.all.append(one)
        return one

    def resource(self, one: Instance, task: Task, node: int, interval_ms: int = 0) -> Step:
        """Enter an agent's action."""
        # The name is the same on every node, of which a large cluster asks each.
        key = (one.index, task, interval_ms)
        name = self._names.get(key)
        if name is None:
            name = self._names[key] = f"{one.name}_{task.value}_{interval_ms}"
        step = self.add(name, ActionKind.RESOURCE, task, one, node)
        step.interval_ms = interval_ms
        step.origin = one.origin
        return step

    def pseudo(self, name: str, task: Task, one: Instance) -> Step:
        """Enter a step that only joins others."""
        return self.add(name, ActionKind.PSEUDO, task, one)

    def at(self, one: Instance) -> Places:
        """Return the steps of a primitive."""
        found = self.places[one.index]
        if found is None:
            found = self.places[one.index] = Places()
        return found

    def whole(self, one: Instance) -> Whole:
        """Return the pseudo steps of a group or clone."""
        found = self.wholes[one.index]
        if found is None:
            found = self.wholes[one.index] = Whole(self, one, roles=one.has_roles)
        return found

    def dissolve(self) -> None:
        """Let go of all relations, once nobody needs them any more.

        Steps know each other in both directions: where garbage is not collected, as in a process
        that ends soon, a hundred thousand of them would stay until its end.
        """
        for one in self.all:
            one.before.clear()
            one.after.clear()


def link(first: Step | None, then: Step | None, flags: int = Link.ORDER) -> None:
    """Bind two steps by ``Link`` flags; nothing where one is missing."""
    if first is None or then is None or first is then:
        return
    first.after.append((then, flags))
    then.before.append((first, flags))


def soften(first: Step) -> None:
    """Let the orders of other stops after a step be given up where they would close circles."""
    for place, (then, flags) in enumerate(first.after):
        if then.task in _SINKING:
            first.after[place] = then, flags | Link.ADVISORY
            then.before = [
                (one, each | Link.ADVISORY if one is first else each) for one, each in then.before
            ]


def link_all(firsts: Iterable[Step], thens: Sequence[Step], flags: int) -> None:
    """Bind each of some steps to each of others."""
    for first in firsts:
        for then in thens:
            if first is not then:
                first.after.append((then, flags))
                then.before.append((first, flags))
