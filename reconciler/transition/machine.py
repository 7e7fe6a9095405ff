"""A transition: one plan being executed, as a value.

Pure: whoever drives it performs what ``ready`` returns, says so with ``dispatch``, and tells what
became of it with ``record``. The same machine serves the real world, the simulator and tests.

The rules, and this file is the only one that has them:

- an action is ready when everything before it has succeeded;
- what failed, was refused or is unknown never succeeds later, so nothing after it becomes ready;
- pseudo actions succeed by themselves as soon as everything before them has;
- one action at a time of a resource on a node, since the executor runs no more than that;
- after ``abort`` nothing becomes ready any more; what is in flight is still recorded;
- an action expects the revision of the history that the plan was made from, or the one that this
  transition's own last action on that resource and node has left behind.
"""

from __future__ import annotations

import dataclasses
import enum
from collections import Counter
from collections.abc import Iterable, Mapping

from reconciler.frozen import frozen
from reconciler.model import action, outcome, plan
from reconciler.transition import graph
from reconciler.transition.limits import Limits


class Step(enum.Enum):
    """How far an action has come."""

    WAITING = "waiting"
    IN_FLIGHT = "in-flight"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """It did not do what was asked, or nobody knows."""


@frozen
class Transition:
    """A plan and how far its execution has come; never changed, only replaced.

    Attributes:
        plan: what is executed.
        graph: what precedes what.
        steps: key to how far it has come.
        outcomes: key to what became of it; pseudo actions have none.
        revisions: (resource, node) to the revision that our own last action left; None where
            that is not known.
        aborted: why nothing more is begun; empty: go on.
    """

    plan: plan.Plan
    graph: graph.Graph
    actions: Mapping[str, action.Action]
    steps: Mapping[str, Step]
    outcomes: Mapping[str, outcome.Outcome] = dataclasses.field(default_factory=dict)
    revisions: Mapping[tuple[str, str], int | None] = dataclasses.field(default_factory=dict)
    aborted: str = ""

    @property
    def done(self) -> bool:
        """Whether every action has succeeded."""
        return all(step is Step.SUCCEEDED for step in self.steps.values())

    @property
    def stuck(self) -> bool:
        """Whether nothing is in flight and nothing will ever become ready, though not all is done."""
        return not self.done and not self.in_flight and (bool(self.aborted) or not _open(self))

    @property
    def in_flight(self) -> tuple[str, ...]:
        """The keys of the actions that were dispatched and not recorded, sorted."""
        return tuple(sorted(key for key, step in self.steps.items() if step is Step.IN_FLIGHT))

    @property
    def failed(self) -> tuple[str, ...]:
        """The keys of the actions that did not do what was asked, sorted."""
        return tuple(sorted(key for key, step in self.steps.items() if step is Step.FAILED))


def begin(due: plan.Plan) -> Transition:
    """Return the transition of a plan of which nothing has been done yet.

    Raises:
        graph.CyclicPlanError, graph.UnknownKeyError, ValueError: the plan is none.
    """
    actions = {one.key: one for one in due.actions}
    if len(actions) != len(due.actions):
        twice = [key for key, count in Counter(one.key for one in due.actions).items() if count > 1]
        raise ValueError(f"actions with the same key: {', '.join(sorted(twice))}")
    return _settled(
        Transition(
            plan=due,
            graph=graph.build(actions, due.edges),
            actions=actions,
            steps=dict.fromkeys(sorted(actions), Step.WAITING),
        )
    )


def ready(transition: Transition, limits: Limits) -> tuple[action.Action, ...]:
    """Return what may be begun now, within the limits, each with the revision it expects.

    Fencing comes first, because most other things wait for it; then by key.
    """
    if transition.aborted:
        return ()
    running = [transition.actions[key] for key in transition.in_flight]
    chosen: list[action.Action] = []
    for one in sorted(_open(transition), key=_urgency):
        if _fits(one, [*running, *chosen], limits):
            chosen.append(_expecting(transition, one))
    return tuple(chosen)


def dispatch(transition: Transition, key: str) -> Transition:
    """Return the transition with an action in flight. Raises ValueError where it is not waiting."""
    if transition.steps.get(key) is not Step.WAITING or transition.aborted:
        raise ValueError(f"{key} cannot be begun")
    return dataclasses.replace(transition, steps={**transition.steps, key: Step.IN_FLIGHT})


def record(transition: Transition, key: str, result: outcome.Outcome) -> Transition:
    """Return the transition with what became of an action in flight.

    Raises ValueError where the action is not in flight: an outcome is recorded once.
    """
    if transition.steps.get(key) is not Step.IN_FLIGHT:
        raise ValueError(f"{key} is not in flight")
    one = transition.actions[key]
    revisions = dict(transition.revisions)
    if one.resource and result.kind is not outcome.OutcomeKind.REFUSED:
        revisions[one.resource, one.router or one.node] = result.revision
    step = Step.SUCCEEDED if result.ok else Step.FAILED
    return _settled(
        dataclasses.replace(
            transition,
            steps={**transition.steps, key: step},
            outcomes={**transition.outcomes, key: result},
            revisions=revisions,
        )
    )


def abort(transition: Transition, reason: str) -> Transition:
    """Return the transition that begins nothing any more; the first reason is kept."""
    return dataclasses.replace(transition, aborted=transition.aborted or reason)


def waiting(transition: Transition) -> Mapping[str, tuple[str, ...]]:
    """Return what waits for what: key to the keys that have not succeeded, real ones only.

    A pseudo action that is waited for is replaced by what it waits for itself.
    """
    return {
        key: tuple(sorted(_missing(transition, key)))
        for key, step in transition.steps.items()
        if step is Step.WAITING and transition.actions[key].real
    }


def _missing(transition: Transition, key: str) -> set[str]:
    """Return the real actions that stand between a key and its beginning."""
    found: set[str] = set()
    seen: set[str] = set()
    front = list(transition.graph.before[key])
    while front:
        other = front.pop()
        if other in seen or transition.steps[other] is Step.SUCCEEDED:
            continue
        seen.add(other)
        if transition.actions[other].real:
            found.add(other)
        else:
            front.extend(transition.graph.before[other])
    return found


def _open(transition: Transition) -> list[action.Action]:
    """Return the waiting actions before which everything has succeeded."""
    steps = transition.steps
    return [
        transition.actions[key]
        for key, step in steps.items()
        if step is Step.WAITING
        and all(steps[other] is Step.SUCCEEDED for other in transition.graph.before[key])
    ]


def _settled(transition: Transition) -> Transition:
    """Return the transition with every pseudo action done that can be: a fixed point."""
    steps = dict(transition.steps)
    front = [key for key, step in steps.items() if step is Step.WAITING]
    while front:
        key = front.pop()
        if steps[key] is not Step.WAITING or transition.actions[key].real:
            continue
        if all(steps[other] is Step.SUCCEEDED for other in transition.graph.before[key]):
            steps[key] = Step.SUCCEEDED
            front.extend(transition.graph.after[key])
    return dataclasses.replace(transition, steps=steps)


def _urgency(one: action.Action) -> tuple[bool, str]:
    return (one.kind is not action.ActionKind.FENCE, one.key)


def _fits(one: action.Action, running: Iterable[action.Action], limits: Limits) -> bool:
    running = list(running)
    if one.kind is action.ActionKind.FENCE:
        return limits.concurrent_fencing or not any(
            other.kind is action.ActionKind.FENCE for other in running
        )
    others = [other for other in running if other.kind is not action.ActionKind.FENCE]
    place = one.router or one.node
    there = [other for other in others if (other.router or other.node) == place]
    if limits.batch and len(others) >= limits.batch:
        return False
    if limits.per_node and len(there) >= limits.per_node:
        return False
    return not any(other.resource == one.resource for other in there)


def _expecting(transition: Transition, one: action.Action) -> action.Action:
    place = (one.resource, one.router or one.node)
    if place not in transition.revisions:
        return one
    return one._replace(revision=transition.revisions[place])
