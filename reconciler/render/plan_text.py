"""A plan for people: what it means for every resource and why, then the steps in their order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from reconciler.model import plan
from reconciler.model.plan import Change, ChangeKind, FenceDecision, Plan
from reconciler.model.role import Role
from reconciler.render import diagnostics, levels, moment, sentences, symbols
from reconciler.render.styled import EMPTY, Line, Lines, Span, Style, heading, line, span, table

_SUMMARY_ORDER = (
    ChangeKind.START,
    ChangeKind.STOP,
    ChangeKind.MOVE,
    ChangeKind.MIGRATE,
    ChangeKind.RESTART,
    ChangeKind.RECOVER,
    ChangeKind.RELOAD,
    ChangeKind.PROMOTE,
    ChangeKind.DEMOTE,
    ChangeKind.RE_PROMOTE,
)


def lines(due: Plan, *, name: str = "", steps: bool = True) -> Lines:
    """Return the whole plan: fencing, resources, what is blocked, steps, summary.

    Args:
        due: the plan.
        name: the cluster's name.
        steps: whether the ordered steps are shown too.
    """
    changed = [one for one in due.changes if one.kind is not ChangeKind.LEAVE or one.blocked]
    parts: list[Line] = []
    if name and not (due.empty and not changed and not due.fencing):
        parts += [line("Cluster ", span(name, Style.STRONG)), EMPTY]
    parts += _section("Fencing", _fencing(due.fencing))
    parts += _section("Resources", _changes(changed))
    parts += _section("Blocked", _blocked(due))
    if steps:
        parts += _section("Steps", _steps(due))
    findings = diagnostics.lines(due.diagnostics)
    if findings:
        parts += [*findings, EMPTY]
    parts.append(summary(due))
    if due.recheck_at is not None:
        parts.append(
            line(
                span(
                    f"Decisions may change by themselves at {moment.rfc3339(due.recheck_at)}.",
                    Style.FAINT,
                )
            )
        )
    return tuple(parts)


def _section(title: str, rows: Lines) -> Iterable[Line]:
    return (heading(title), *rows, EMPTY) if rows else ()


def instance(change: Change) -> str:
    """Return the name of a change's resource, with its instance number where there is one."""
    if change.instance is None or ":" in change.resource:
        return change.resource
    return f"{change.resource}:{change.instance}"


def where(change: Change) -> str:
    """Return from where to where: ``on ha-1``, ``ha-1 -> ha-2``, ``on ha-1, as Promoted``."""
    roles = ""
    if change.role is not change.next_role and Role.PROMOTED in (change.role, change.next_role):
        both = change.role is not Role.STOPPED and change.next_role is not Role.STOPPED
        before = f"{change.role.value} -> " if both else ""
        roles = f", {before}{change.next_role.value}" if change.next_role.active else ""
    if change.source and change.target and change.source != change.target:
        return f"{change.source} -> {change.target}{roles}"
    node = change.target or change.source
    return f"on {node}{roles}" if node else "nowhere"


def _changes(changed: Iterable[Change]) -> Lines:
    rows: list[tuple[Span, ...]] = []
    for one in changed:
        if one.blocked:
            continue
        symbol = symbols.CHANGES[one.kind]
        rows.append(
            (
                Span(symbol.sign, symbol.style),
                Span(symbol.verb, symbol.style),
                span(instance(one), Style.STRONG),
                span(where(one)),
                *_why(one),
            )
        )
    return _with_tail(rows)


def _why(one: Change) -> tuple[Span, Span]:
    if one.reason is None:
        return Span(""), Span("")
    at = sentences.place(one.reason.origin) or sentences.place(one.origin)
    words = sentences.sentence(one.reason, subject_known=one.resource)
    return span(words), span(f" [{at}]" if at else "", Style.FAINT)


def _with_tail(rows: list[tuple[Span, ...]]) -> Lines:
    # The last cell follows the one before it directly, instead of being a column of its own.
    heads = table([row[:-1] for row in rows])
    return tuple(
        Line((*head.spans, row[-1]), head.hang) for head, row in zip(heads, rows, strict=True)
    )


def _fencing(decisions: Iterable[FenceDecision]) -> Lines:
    rows: list[tuple[Span, ...]] = []
    for one in decisions:
        at = sentences.place(one.reason.origin)
        symbol = symbols.BLOCKED if one.blocked else symbols.FENCE
        rows.append(
            (
                Span(symbol.sign, symbol.style),
                Span("cannot fence" if one.blocked else "fence", symbol.style),
                span(one.node, Style.STRONG),
                Span(one.task.value),
                span(sentences.sentence(one.reason, subject_known=one.node)),
                span(f" [{at}]" if at else "", Style.FAINT),
            )
        )
    return _with_tail(rows)


def _blocked(due: Plan) -> Lines:
    result: list[Line] = []
    for decision in due.fencing:
        if decision.blocked is not None:
            result += _obstacle(
                decision.node,
                f"must be fenced ({decision.task.value})",
                sentences.sentence(decision.blocked, subject_known=decision.node),
                "",
                sentences.advice(decision.blocked, decision.node),
            )
    for change in due.blocked:
        reason = change.reason
        at = sentences.place(reason.origin) if reason else ""
        result += _obstacle(
            instance(change),
            intent(change),
            sentences.sentence(reason, subject_known=change.resource) if reason else "",
            at or sentences.place(change.origin),
            sentences.advice(reason, change.resource) if reason else "",
        )
    return tuple(result)


def intent(change: Change) -> str:
    """Return what a blocked change would do: ``start on ha-2``."""
    if change.kind is ChangeKind.LEAVE:
        return f"stays {change.role.value}" + (f" on {change.source}" if change.source else "")
    place = where(change)
    return symbols.CHANGES[change.kind].verb + ("" if place == "nowhere" else f" {place}")


def _obstacle(name: str, due: str, why: str, at: str, fix: str) -> Iterable[Line]:
    yield line(
        "  ",
        Span(symbols.BLOCKED.sign, symbols.BLOCKED.style),
        "  ",
        span(name, Style.STRONG),
        f"  {due}" + (f": {why}" if why else ""),
        span(f" [{at}]" if at else "", Style.FAINT),
        hang=5,
    )
    if fix:
        yield line("     to do: ", span(fix, Style.NOTE), hang=12)


def _steps(due: Plan) -> Lines:
    result = []
    found = levels.steps(due)
    width = len(str(len(found)))
    for number, together in enumerate(found, start=1):
        for index, step in enumerate(together):
            lead = f"{number:>{width}}." if not index else " " * (width + 1)
            count = f"  ({step.count} in parallel)" if step.count > 1 else ""
            style = Style.FENCE if not step.resources else Style.PLAIN
            result.append(
                line(
                    Span(f"  {lead} ", Style.FAINT),
                    span(step.text, style),
                    Span(count, Style.FAINT),
                    hang=width + 6,
                )
            )
    return tuple(result)


def summary(due: Plan) -> Line:
    """Return the summary: ``Plan: 1 to fence, 2 to start, 1 to move, 1 blocked, 3 unchanged``."""
    kinds = counts(due)
    parts: list[Span] = []
    fenced = sum(one.blocked is None for one in due.fencing)
    unable = sum(one.blocked is not None for one in due.fencing)
    cells = [(fenced, symbols.FENCE.counted, symbols.FENCE.style)]
    cells += [
        (kinds[kind], symbols.CHANGES[kind].counted, symbols.CHANGES[kind].style)
        for kind in _SUMMARY_ORDER
    ]
    cells.append((len(due.blocked) + unable, symbols.BLOCKED.counted, symbols.BLOCKED.style))
    for count, words, style in cells:
        if count:
            parts += [Span(", ")] if parts else []
            parts.append(Span(f"{count} {words}", style))
    same = kinds[ChangeKind.LEAVE]
    if parts:
        tail = f", {same} unchanged." if same else "."
        return Line((Span("Plan: ", Style.STRONG), *parts, Span(tail)), 6)
    if due.empty:
        return line(
            span("Nothing to do: ", Style.GOOD),
            f"the cluster is as desired, {_resources(len(due.changes))} checked.",
        )
    upkeep = Counter(levels.verb(one) for one in due.actions if one.real)
    listed = ", ".join(f"{count} {word}" for word, count in sorted(upkeep.items()))
    return line(
        span("Plan: ", Style.STRONG),
        f"no resource changes; upkeep: {listed}"
        + (f"; {_resources(same)} unchanged." if same else "."),
        hang=6,
    )


def _resources(count: int) -> str:
    return f"{count} resource{'s' * (count != 1)}"


def counts(due: Plan) -> Counter[plan.ChangeKind]:
    """Return how many changes of each kind can be made; what is blocked or held is not counted."""
    return Counter(one.kind for one in due.changes if not (one.blocked or one.held))
