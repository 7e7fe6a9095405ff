"""Running plans to their end on an observation instead of a cluster.

A plan's actions succeed, but for those that are said to fail. As in a running cluster, a failure ends
the transition: what was not begun is left, and the next plan sees what failed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from reconciler.model.action import Action, Task
from reconciler.model.desired import Desired
from reconciler.model.observed import Observed
from reconciler.model.outcome import Outcome
from reconciler.model.plan import Plan
from reconciler.model.simulation import Round, Step
from reconciler.scheduler import pipeline
from reconciler.transition import effect, event
from reconciler.transition.event import Operation


def preview(wanted: Desired, seen: Observed) -> Round:
    """Return what is due, with nothing of it carried out."""
    initial, due = pipeline.assess(wanted, seen)
    return Round(seen, initial, due, (), seen, initial)


def foresee(wanted: Desired, seen: Observed, failing: Sequence[Operation] = ()) -> Round:
    """Return what is due, and the cluster after it was carried out.

    Args:
        wanted: the desired state.
        seen: the cluster before.
        failing: operations that end otherwise than asked for when the plan holds them.
    """
    initial, due = pipeline.assess(wanted, seen)
    steps = tuple(_steps(due, failing))
    after = effect.after(steps, seen)
    unchanged = after is seen and not initial.under_way
    final = initial if unchanged else pipeline.status(wanted, after, under_way=False)
    return Round(seen, initial, due, steps, after, final)


def converge(
    wanted: Desired, seen: Observed, failing: Sequence[Operation] = (), *, limit: int
) -> Iterator[Round]:
    """Yield rounds until one has nothing to do, or ``limit`` have passed.

    What nodes do by themselves happens between rounds: one that was let go has left.
    """
    for _ in range(limit):
        found = foresee(wanted, seen, failing)
        yield found
        if found.plan.empty:
            return
        seen = _left(found)


def _left(found: Round) -> Observed:
    """Return the observation after a round once the nodes that were let go have left."""
    seen = found.after
    for step, result in found.steps:
        if step.task is Task.SHUTDOWN and result.ok:
            seen = event.leave(seen, step.node)
    return seen


def _steps(due: Plan, failing: Sequence[Operation]) -> Iterator[Step]:
    """Yield the actions wave by wave: what was begun beside a failing action is ended."""
    for wave in effect.waves(due):
        if not failing:
            yield from zip(wave, itertools.repeat(effect.SUCCESS))
            continue
        results = [(step, _outcome(step, failing)) for step in wave]
        yield from results
        if not all(result.ok for _, result in results):
            return


def _outcome(step: Action, failing: Sequence[Operation]) -> Outcome:
    ending = next((one for one in failing if one.ends(step)), None)
    return effect.SUCCESS if ending is None else ending.outcome(step.expected_rc)
