"""What carrying an action out does to an observation.

Pure: the machine that foresees the end of a plan, and that records outcomes between two
observations. Only this file decides it; whether an outcome was a success is for the one who
carried the action out. A fenced node stays down, as in ``crm_simulate --simulate``: whether and
when it comes back is for the next observation.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping

from reconciler.model import action as actions
from reconciler.model import observed, outcome, plan, remote, score, unfencing

SUCCESS = outcome.Outcome(outcome.OutcomeKind.SUCCESS)
"""It did what was asked."""

_TASKS = {one: one.value for one in actions.Task}
_WORDS = {one: one.value for one in outcome.OutcomeKind}
"""Looked up, as the value of an enum is a function, and a plan may have a hundred thousand actions."""

_SIMULATED = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
"""Who decided what was carried out in a simulation, as ``crm_simulate`` writes it."""
_FAIL_COUNT = "fail-count-"
_LAST_FAILURE = "last-failure-"


@dataclasses.dataclass(slots=True)
class _Draft:
    """A node while actions are carried out one after another.

    Attributes:
        numbered: names of histories that end in a number, by what stands before it.
    """

    node: observed.ObservedNode
    attributes: dict[str, str]
    histories: dict[str, observed.ResourceHistory]
    call: int
    numbered: dict[str, list[str]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.histories:
            base, _, number = name.rpartition(":")
            if number.isdecimal():
                self.numbered.setdefault(base, []).append(name)

    def finished(self) -> observed.ObservedNode:
        return dataclasses.replace(self.node, attributes=self.attributes, histories=self.histories)


def carry_out(
    step: actions.Action, seen: observed.Observed, result: outcome.Outcome = SUCCESS
) -> observed.Observed:
    """Return the observation after one action.

    Args:
        step: what was done.
        seen: the observation before.
        result: what became of it; REFUSED changes nothing, UNKNOWN leaves a LOST operation.
    """
    return after([(step, result)], seen)


def apply(due: plan.Plan, seen: observed.Observed) -> observed.Observed:
    """Return the observation after every action of a plan succeeded, in the plan's order."""
    return after([(step, SUCCESS) for step in sequence(due)], seen)


def sequence(due: plan.Plan) -> tuple[actions.Action, ...]:
    """Return a plan's actions in one order that keeps its edges: always the same one.

    Raises:
        ValueError: the edges go round in a circle, which no plan may have.
    """
    return tuple(step for wave in waves(due) for step in wave)


def waves(due: plan.Plan) -> Iterator[tuple[actions.Action, ...]]:
    """Yield a plan's actions in waves: each has what may begin when the waves before have ended.

    Raises:
        ValueError: the edges go round in a circle, which no plan may have.
    """
    # Actions are sorted by key, so their places in the plan sort as their keys do.
    waits, followers = plan.waits(due)
    ready = [place for place, count in enumerate(waits) if not count]
    done = 0
    while ready:
        yield tuple([due.actions[place] for place in ready])
        done += len(ready)
        following = []
        for place in ready:
            for follower in followers.get(place, ()):
                waits[follower] -= 1
                if not waits[follower]:
                    following.append(follower)
        ready = sorted(following)
    if done != len(due.actions):
        raise ValueError("the actions of a plan wait for each other in a circle")


def after(
    steps: Iterable[tuple[actions.Action, outcome.Outcome]], seen: observed.Observed
) -> observed.Observed:
    """Return the observation after actions, carried out one after the other."""
    drafts: dict[str, _Draft] = {}
    done: list[str] = []
    reached: set[str] = set()
    for step, result in steps:
        effect = _EFFECTS.get((step.kind, step.task))
        if effect is None or result.kind is outcome.OutcomeKind.REFUSED:
            continue
        draft = drafts.get(step.node)
        if draft is None:
            before = seen.nodes.get(step.node)
            if before is None and step.router:
                # A remote node is first heard of when the first thing is done on it.
                before = observed.ObservedNode(step.node, observed.Presence.ONLINE, remote=True)
            if before is None:
                continue
            draft = drafts[step.node] = _draft(before)
        effect(step, result, draft, seen.now)
        if step.task is actions.Task.START and step.agent == remote.CONNECTION and result.ok:
            reached.add(step.resource)
        done.append(f"{step.key} {_WORDS[result.kind]}")
    if not done:
        return seen
    nodes = {**seen.nodes, **{name: one.finished() for name, one in drafts.items()}}
    for name in reached & nodes.keys():
        # The next loss of the connection is one that no fencing has made up for yet.
        nodes[name] = dataclasses.replace(nodes[name], fenced=False)
    identity = hashlib.sha256("\n".join((seen.id, *done)).encode()).hexdigest()[:16]
    return dataclasses.replace(seen, nodes=nodes, id=identity)


def _draft(node: observed.ObservedNode) -> _Draft:
    calls = (one.call for history in node.histories.values() for one in history.operations)
    return _Draft(
        node, dict(node.attributes), dict(node.histories), max(itertools.chain((0,), calls))
    )


def _run(step: actions.Action, result: outcome.Outcome, draft: _Draft, now: float) -> None:
    """Record an operation of an agent; the latest one of a name and interval is kept.

    A CIB has one record for whatever was done last and does not recur, which it replaces.
    """
    draft.call += 1
    ok = result.ok
    name = step.resource
    known = draft.histories.get(name)
    if known is None and step.instance is not None:
        name = _history_name(step, draft)
        known = draft.histories.get(name)
    ended = result.ended_at or now
    one = observed.OperationRecord(
        _TASKS[step.task],
        step.interval_ms,
        draft.call,
        step.expected_rc if ok and result.rc is None else _rc(step, result),
        observed.OperationStatus.DONE if ok else _status(result),
        step.expected_rc,
        ended,
        run_at=result.began_at or now,
        reason=result.message,
        digests=step.digests,
        source=step.source,
        target=step.target,
    )
    revision = result.revision
    if known is None:
        revision = 1 if revision is None else revision
        draft.histories[name] = observed.ResourceHistory(
            name, step.agent, (one,), revision, place=len(draft.histories)
        )
    else:
        latest = f"{name}_last_0"
        kept = [
            dataclasses.replace(other, call=0) if _was_begun_here(other) else other
            for other in known.operations
            if (other.operation != one.operation or other.interval_ms != one.interval_ms)
            and (other.id != latest or one.interval_ms)
        ]
        if revision is None:
            revision = known.revision + 1
        agent = step.agent or known.agent
        draft.histories[name] = observed.ResourceHistory(
            name, agent, (*kept, one), revision, place=known.place
        )
    if not ok and not step.probe:
        _count_failure(step, draft, ended)


def _was_begun_here(record: observed.OperationRecord) -> bool:
    """Tell whether an earlier simulation left an operation begun: this one goes on after it."""
    return record.call < 0 and record.token.endswith(_SIMULATED)


def _history_name(step: actions.Action, draft: _Draft) -> str:
    """Return the name under which a node's history has the resource.

    Old histories number the instances of every clone. Of a kind that are alike one runs on a node,
    so the number means nothing: it is the history that shows something running, else the latest.
    """
    if step.resource in draft.histories or step.instance is None:
        return step.resource
    numbered = {
        name: _latest(history)
        for name, history in draft.histories.items()
        if name.rpartition(":")[0] == step.resource and name.rpartition(":")[2].isdecimal()
    }
    return max(
        sorted(numbered),
        key=lambda name: (_shows_running(numbered[name]), _call(numbered[name])),
        default=step.resource,
    )


def _latest(history: observed.ResourceHistory) -> observed.OperationRecord | None:
    return max(history.operations, key=lambda one: one.call, default=None)


def _call(last: observed.OperationRecord | None) -> int:
    return 0 if last is None else last.call


def _shows_running(last: observed.OperationRecord | None) -> bool:
    """Tell whether a resource runs, or may run, after this was the last that was done with it."""
    if last is None:
        return False
    stopped = last.operation == actions.Task.STOP.value and last.rc == observed.Rc.OK
    return not stopped and last.rc != observed.Rc.NOT_RUNNING


def _rc(step: actions.Action, result: outcome.Outcome) -> int:
    if result.rc is not None:
        return result.rc
    return step.expected_rc if result.ok else observed.Rc.UNKNOWN


def _status(result: outcome.Outcome) -> observed.OperationStatus:
    if result.ok:
        return observed.OperationStatus.DONE
    if result.kind is outcome.OutcomeKind.UNKNOWN:
        return observed.OperationStatus.LOST
    return observed.OperationStatus.ERROR


def _count_failure(step: actions.Action, draft: _Draft, ended: float) -> None:
    subject = f"{step.resource}#{step.task.value}_{step.interval_ms}"
    name = f"{_FAIL_COUNT}{subject}"
    before = draft.attributes.get(name, "0")
    counted = int(before) + 1 if before.isdecimal() else score.INFINITY
    fatal = step.fatal or counted >= score.INFINITY
    draft.attributes[name] = score.text(score.INFINITY) if fatal else str(counted)
    draft.attributes[f"{_LAST_FAILURE}{subject}"] = str(int(ended))


def _reload(step: actions.Action, result: outcome.Outcome, draft: _Draft, now: float) -> None:
    """Record a reload, and that the resource now runs with the new parameters."""
    _run(step, result, draft, now)
    if not result.ok:
        return
    name = _history_name(step, draft)
    history = draft.histories[name]
    operations = tuple(
        dataclasses.replace(one, digests=step.digests)
        if one.operation == actions.Task.START.value and not one.interval_ms
        else one
        for one in history.operations
    )
    draft.histories[name] = dataclasses.replace(history, operations=operations)


def _cancel(step: actions.Action, result: outcome.Outcome, draft: _Draft, _: float) -> None:
    name = _history_name(step, draft)
    known = draft.histories.get(name)
    if known is None or not result.ok:
        return
    key = (actions.Task.MONITOR.value, step.interval_ms)
    ended = [one for one in known.operations if (one.operation, one.interval_ms) == key]
    kept = [one for one in known.operations if (one.operation, one.interval_ms) != key]
    last = max((one for one in kept if one.call >= 0), key=_call, default=None)
    if not _shows_running(last) and all(_call(one) > _call(last) for one in ended):
        # Nothing else says what the resource is: what was found last stays known, as by a probe.
        kept += [dataclasses.replace(one, interval_ms=0) for one in ended]
    draft.histories[name] = dataclasses.replace(known, operations=tuple(kept))


def _forget(step: actions.Action, result: outcome.Outcome, draft: _Draft, _: float) -> None:
    if result.ok:
        draft.histories.pop(_history_name(step, draft), None)


def _clear_failures(step: actions.Action, result: outcome.Outcome, draft: _Draft, _: float) -> None:
    if not result.ok:
        return
    prefixes = tuple(f"{word}{step.resource}" for word in (_FAIL_COUNT, _LAST_FAILURE))
    draft.attributes = {
        name: value
        for name, value in draft.attributes.items()
        # Older releases counted all operations together, without the part after #.
        if name not in prefixes and not name.startswith(tuple(f"{one}#" for one in prefixes))
    }


def _power_off(_: actions.Action, result: outcome.Outcome, draft: _Draft, now: float) -> None:
    """Take a node that was proven off as gone, with everything that was on it."""
    if not result.ok:
        return
    draft.attributes = {}
    draft.histories = {}
    draft.node = dataclasses.replace(
        draft.node,
        presence=observed.Presence.OFFLINE,
        boot_id="",
        standby=None,
        maintenance=None,
        shutdown=False,
        expected_up=False,
        since=now,
        unclean_reason="",
        fenced=draft.node.remote,
    )


def _let_in(_: actions.Action, result: outcome.Outcome, draft: _Draft, now: float) -> None:
    """Note that a node was unfenced; by whom is not known, so no definition is held against it."""
    if result.ok:
        for name in (unfencing.DIGESTS, unfencing.NONPRIVATE_DIGESTS):
            draft.attributes.pop(name, None)
        draft.attributes[unfencing.UNFENCED] = str(int(now))


_Effect = Callable[[actions.Action, outcome.Outcome, _Draft, float], None]

_AGENT_TASKS: Mapping[actions.Task, _Effect] = {
    actions.Task.START: _run,
    actions.Task.STOP: _run,
    actions.Task.PROMOTE: _run,
    actions.Task.DEMOTE: _run,
    actions.Task.MONITOR: _run,
    actions.Task.MIGRATE_TO: _run,
    actions.Task.MIGRATE_FROM: _run,
    actions.Task.RELOAD: _reload,
    actions.Task.RELOAD_AGENT: _reload,
    actions.Task.CANCEL: _cancel,
    actions.Task.DELETE: _forget,
    actions.Task.CLEAR_FAILCOUNT: _clear_failures,
}

_EFFECTS: Mapping[tuple[actions.ActionKind, actions.Task], _Effect] = {
    **{(actions.ActionKind.RESOURCE, task): effect for task, effect in _AGENT_TASKS.items()},
    **{(actions.ActionKind.CLUSTER, task): effect for task, effect in _AGENT_TASKS.items()},
    (actions.ActionKind.FENCE, actions.Task.OFF): _power_off,
    (actions.ActionKind.FENCE, actions.Task.REBOOT): _power_off,
    (actions.ActionKind.FENCE, actions.Task.ON): _let_in,
}
"""What is not listed leaves an observation as it is: notifications, the request to leave (the node
does that itself, later), and pseudo actions."""
