"""What a simulation shows: events, each round's plan, how its run went, and the cluster after it.

``as_json`` is for simulations from manifests; a CIB's decisions are printed as ``reference`` has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.frozen import frozen
from reconciler.model import score
from reconciler.model.plan import Plan, exhausted
from reconciler.model.role import Role
from reconciler.model.simulation import Round
from reconciler.model.status import (
    ClusterStatus,
    NodeFlag,
    NodeStatus,
    ResourceFlag,
    ResourceStatus,
)
from reconciler.render import levels, moment, plan_json, plan_text, reference, values
from reconciler.render.styled import EMPTY, Line, Lines, Span, Style, heading, line, span, table


@frozen
class Simulation:
    """Everything that is shown.

    Attributes:
        name: of the cluster.
        source: where the observation comes from: live, observed or cib.
        events: what happened to it, in words.
        rounds: one, or several where it was run until nothing is left to do.
        limit: how many rounds there may be; None: one, and what is left to do does not count.
    """

    name: str
    source: str
    events: tuple[str, ...]
    rounds: tuple[Round, ...]
    limit: int | None = None

    @property
    def last(self) -> Round:
        """The round that was simulated last."""
        return self.rounds[-1]

    @property
    def converged(self) -> bool:
        """Whether nothing was left to do at the end, and nothing is blocked."""
        return not left(self.last)


def left(found: Round) -> str:
    """Return what is left to do or cannot be done in a round's plan; empty: nothing."""
    due = found.plan
    blocked = {one.resource for one in (*due.blocked, *exhausted(due, found.before))}
    blocked |= {one.name for one in found.final.resources if ResourceFlag.BLOCKED in one.flags}
    blocked |= {one.node for one in due.fencing if one.blocked is not None}
    if blocked:
        return f"{len(blocked)} blocked"
    count = sum(one.real for one in due.actions)
    return f"{count} action{'s' * (count != 1)}" if count else ""


_FLAG_WORDS: Mapping[NodeFlag, str] = {
    NodeFlag.STANDBY: "standby",
    NodeFlag.STANDBY_ON_FAIL: "standby (a failure)",
    NodeFlag.MAINTENANCE: "maintenance",
    NodeFlag.PENDING: "pending",
    NodeFlag.SHUTDOWN: "shutting down",
}
_STAGE_PROMOTION = "promotion"
_STOPPED = Role.STOPPED.value


def lines(shown: Simulation, *, run: bool, scores: bool) -> Lines:
    """Return a simulation for people.

    Args:
        shown: the simulation.
        run: whether how the run went is shown, and the cluster after it.
        scores: whether the scores are shown.
    """
    result = [*_head(shown)]
    several = shown.limit is not None
    for number, one in enumerate(shown.rounds, start=1):
        if several:
            result += [heading(f"Round {number}"), EMPTY]
        result += plan_text.lines(one.plan, name="" if several else shown.name)
        result.append(EMPTY)
        if scores:
            result += [heading("Scores"), *score_lines(one.plan), EMPTY]
        if run and not one.plan.empty:
            result += [_ran(one), EMPTY]
    if run:
        result += _afterwards(shown)
    if several:
        result.append(_verdict(shown))
    while result[-1] == EMPTY:
        result.pop()
    return tuple(result)


def _head(shown: Simulation) -> Iterable[Line]:
    words = {
        "live": "the cluster as it is",
        "observed": "the cluster as it was observed",
        "cib": "the cluster of the CIB",
    }
    at = moment.rfc3339(shown.rounds[0].before.now)
    yield line(
        span("Simulated: ", Style.NOTE), words[shown.source], span(f", {at}", Style.FAINT), hang=11
    )
    for event in shown.events:
        yield line(span("      and: ", Style.NOTE), event, hang=11)
    yield EMPTY


def _ran(one: Round) -> Line:
    total = sum(step.real for step in one.plan.actions)
    done = sum(step.real and result.ok for step, result in one.steps)
    if one.failed is None:
        return line(
            span("Run: ", Style.STRONG), f"{_actions(done)} done, all as asked for.", hang=5
        )
    step, result = one.failed
    return line(
        span("Run: ", Style.STRONG),
        f"{done} of {_actions(total)} done; ",
        span(f"{levels.phrase(step)} FAILED", Style.BAD),
        f" (rc {result.rc}), which ended the run.",
        hang=5,
    )


def _actions(count: int) -> str:
    return f"{count} action{'s' * (count != 1)}"


def _afterwards(shown: Simulation) -> Iterable[Line]:
    first, last = shown.rounds[0].initial, shown.last.final
    yield heading("Nodes afterwards")
    before = {one.name: one for one in first.nodes}
    yield from table([_node(one, before.get(one.name)) for one in last.nodes])
    yield EMPTY
    rows = [*_resources(first, last)]
    if rows:
        yield heading("Resources afterwards")
        yield from table(rows)
        yield EMPTY


def _state(one: NodeStatus) -> tuple[str, Style]:
    if NodeFlag.UNCLEAN in one.flags:
        return "UNCLEAN", Style.BAD
    if NodeFlag.ONLINE in one.flags:
        return "online", Style.GOOD
    return "offline", Style.BAD


def _node(one: NodeStatus, before: NodeStatus | None) -> tuple[Span, ...]:
    word, style = _state(one)
    more = [_FLAG_WORDS[flag] for flag in one.flags if flag in _FLAG_WORDS]
    if one.health != "green":
        more.append(f"health {one.health}")
    was = _state(before)[0] if before is not None else word
    return (
        span(one.name, Style.STRONG),
        Span(word, style),
        span(", ".join(more)),
        span(f"was {was}" if was != word else "", Style.FAINT),
    )


def _resources(first: ClusterStatus, last: ClusterStatus) -> Iterable[tuple[Span, ...]]:
    """Yield a row for each resource: instances that are alike stand in one."""
    before = _seats(first)
    for name, (label, seats) in _seats(last).items():
        was = before.get(name, (label, ()))[1]
        role = seats[0][0] if seats else ""
        yield (
            span(label, Style.STRONG),
            span(role, Style.GOOD) if role else Span(_STOPPED, Style.BAD),
            span(_places(seats, first=role) if seats else ""),
            span(f"was {_places(was, first=role)}" if was != seats else "", Style.FAINT),
        )


_Seats = tuple[tuple[str, str, str], ...]
"""Role, node, remark of each place where a resource is active, highest roles first."""


def _seats(cluster: ClusterStatus) -> dict[str, tuple[str, _Seats]]:
    """Return where every resource is active, with the name under which it is shown."""
    found: dict[str, tuple[str, _Seats]] = {}
    for one in cluster.resources:
        label, seats = found.get(one.name, (_label(one), ()))
        mine = tuple((one.role, node, _remark(one)) for node in one.nodes)
        found[one.name] = label, _sorted((*seats, *mine))
    return found


def _sorted(seats: _Seats) -> _Seats:
    return tuple(sorted(seats, key=lambda one: (one[0] != Role.PROMOTED.value, one)))


def _label(one: ResourceStatus) -> str:
    return f"{one.within[0]}/{one.name}" if one.within else one.name


def _remark(one: ResourceStatus) -> str:
    return ", ".join(flag.value.replace("_", " ") for flag in one.flags)


def _places(seats: _Seats, *, first: str) -> str:
    """Return where a resource is, with its role where that is not ``first``."""
    words = []
    for role, node, remark in seats:
        tail = [part for part in (role if role != first else "", remark) if part]
        words.append(f"{node} ({', '.join(tail)})" if tail else node)
    return ", ".join(words) or _STOPPED


def _verdict(shown: Simulation) -> Line:
    count = len(shown.rounds)
    if shown.converged:
        plans = count - 1
        tail = f": after {plans} plan{'s' * (plans != 1)} nothing is left to do."
        return line(span("Converged", Style.GOOD), tail, hang=2)
    if shown.last.plan.empty:
        tail = f": {left(shown.last)}, and nothing more can be done."
        return line(span("Blocked", Style.WARNING), tail, hang=2)
    tail = f": after {count} round{'s' * (count != 1)} there is more to do."
    return line(span("Not converged", Style.WARNING), tail, hang=2)


def score_lines(due: Plan) -> Lines:
    """Return every score as a row: stage, resource, node, value; then the promotion scores."""
    rows: list[tuple[Span, ...]] = []
    for stage, resources in reference.scores(due).items():
        for name, nodes in resources.items():
            placed = due.placement.get(name, {}) if stage == score.Stage.PRIMITIVE.value else {}
            rows += [
                _score(stage, name, node, value, node in placed)
                for node, found in nodes.items()
                for value in (found if isinstance(found, list) else [found])
            ]
    for name, row in sorted(due.promotion_scores.items()):
        rows += [
            _score(_STAGE_PROMOTION, name, node, value, chosen=False)
            for node, value in sorted(row.items())
        ]
    return table(rows)


def _score(stage: str, name: str, node: str, value: int, chosen: bool) -> tuple[Span, ...]:
    banned = value <= -score.INFINITY
    style = Style.GOOD if chosen else Style.BAD if banned else Style.PLAIN
    return (
        span(stage, Style.FAINT),
        span(name, Style.STRONG),
        span(node),
        Span(score.text(value).rjust(9), style),
        Span("chosen" if chosen else "", Style.GOOD),
    )


def as_json(shown: Simulation, *, scores: bool) -> dict[str, object]:
    """Return a simulation for programs.

    ``rounds`` holds one object for each plan: ``initial`` and ``final`` (the cluster before and
    after, each with ``nodes``, ``resources`` and ``placement``), ``plan`` (as ``reconcile plan -o
    json`` prints it), ``executed`` (the actions in the order in which they were run, each with its
    outcome), and, where asked for, ``scores`` and ``promotion_scores``. ``converged`` tells whether
    the last plan was empty and nothing is blocked.
    """
    return {
        "format_version": values.FORMAT_VERSION,
        "cluster": shown.name,
        "source": shown.source,
        "at": moment.rfc3339(shown.rounds[0].before.now),
        "events": list(shown.events),
        "converged": shown.converged,
        "rounds": [_round(one, shown.name, scores=scores) for one in shown.rounds],
    }


def _round(one: Round, name: str, *, scores: bool) -> dict[str, object]:
    more: dict[str, object] = {}
    if scores:
        more = {
            "scores": reference.scores(one.plan),
            "promotion_scores": {key: dict(row) for key, row in one.plan.promotion_scores.items()},
        }
    return {
        "initial": reference.cluster(one.initial),
        "plan": plan_json.as_json(one.plan, name=name),
        "executed": [
            {
                "key": step.key,
                "node": step.node or None,
                "outcome": result.kind.value,
                "rc": result.rc,
            }
            for step, result in one.steps
            if step.real
        ],
        "final": reference.cluster(one.final),
        **more,
    }
