"""Why a resource is where it is: the ledger of its scores. Prints sums, computes none."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable

from reconciler.frozen import frozen
from reconciler.model import score
from reconciler.model.desired import Desired
from reconciler.model.observed import Observed
from reconciler.model.plan import Change, ChangeKind, Plan
from reconciler.model.resource import names, primitives
from reconciler.model.role import Role
from reconciler.render import (
    choice,
    diagnostics,
    failures,
    moment,
    plan_text,
    sentences,
    symbols,
    values,
)
from reconciler.render.styled import EMPTY, Line, Lines, Span, Style, heading, line, span, table

TERMS: dict[score.TermKind, str] = {
    score.TermKind.BASE: "base score of the node",
    score.TermKind.LOCATION: "location",
    score.TermKind.STICKINESS: "resource-stickiness, it is active here",
    score.TermKind.COLOCATION: "colocation",
    score.TermKind.COLOCATION_WISH: "wish of a colocated resource",
    score.TermKind.FAILURE_THRESHOLD: "migration-threshold reached",
    score.TermKind.FAILED_STOP: "a stop failed here",
    score.TermKind.HARD_ERROR: "the agent cannot run here",
    score.TermKind.NOT_ALLOWED: "not allowed here",
    score.TermKind.NODE_HEALTH: "node health",
    score.TermKind.PROMOTION_SCORE: "promotion score",
    score.TermKind.CLONE: "what the whole clone has there",
    score.TermKind.CLONE_LIMIT: "clone limit reached on the node",
    score.TermKind.TICKET: "ticket",
    score.TermKind.TARGET_ROLE: "it shall be stopped",
    score.TermKind.MULTIPLY_ACTIVE: "active more than once, and multiple-active=stop_only",
    score.TermKind.REMOVED: "no longer configured",
    score.TermKind.UNMANAGED: "not managed, it stays where it is",
    score.TermKind.SHUTDOWN_LOCK: "locked to a node that is shutting down",
    score.TermKind.UNAVAILABLE: "the node cannot run resources now",
    score.TermKind.REMOTE_NODE: "only a member of the cluster can run it",
    score.TermKind.CAPACITY: "too little utilization is left on the node",
}
"""What a term of a score is, in words; a test holds the table complete."""

_BANS = -score.INFINITY
_NOTHING = score.Term(score.TermKind.BASE, 0)


@frozen
class Candidate:
    """A node with its ledger."""

    node: str
    ledger: score.Ledger
    chosen: bool

    @property
    def score(self) -> int:
        """The sum of its ledger."""
        return self.ledger.score


def instances(due: Plan, desired: Desired, name: str) -> tuple[str, ...]:
    """Return the resource instances that a name stands for; groups and clones: all inside."""
    wanted = {name}
    for one in desired.resources:
        if name in names(one):
            inner = [primitive.name for primitive in primitives(one)]
            wanted.update(inner if name not in inner else ())
    known = {plan_text.instance(one) for one in due.changes} | set(due.ledgers)
    return tuple(
        sorted(
            (one for one in known if one in wanted or re.sub(r":\d+$", "", one) in wanted),
            key=_natural,
        )
    )


def _natural(name: str) -> tuple[str, int]:
    head, _, number = name.rpartition(":")
    return (head, int(number)) if head and number.isdecimal() else (name, -1)


def lines(
    due: Plan, desired: Desired, observed: Observed, name: str, *, node: str | None = None
) -> Lines:
    """Return why a resource (or every one inside a group or clone) is where it is."""
    result: list[Line] = []
    primitive = [one for one in instances(due, desired, name) if one in due.placement]
    for one in primitive or instances(due, desired, name):
        if result:
            result.append(EMPTY)
        result += _instance(due, desired, observed, one, node)
    if result and due.recheck_at is not None:
        left = moment.length(max(0.0, due.recheck_at - observed.now))
        when = f"{moment.rfc3339(due.recheck_at)} (in {left})"
        result += [
            EMPTY,
            line(f"  By itself this can change at {when}, when a time runs out.", hang=2),
        ]
    return tuple(result)


def candidates(due: Plan, instance: str) -> tuple[Candidate, ...]:
    """Return the nodes of an instance, best score first; the chosen one first among equals."""
    placed = due.placement.get(instance, {})
    found = [
        Candidate(node, ledger, placed.get(node, Role.STOPPED).active)
        for node, ledger in due.ledgers.get(instance, {}).items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.score, not one.chosen, one.node)))


def _instance(
    due: Plan, desired: Desired, observed: Observed, name: str, only: str | None
) -> Iterable[Line]:
    change = next((one for one in due.changes if plan_text.instance(one) == name), None)
    yield _headline(name, change)
    found = candidates(due, name)
    shown = [one for one in found if only is None or one.node == only]
    if shown:
        yield EMPTY
        yield from _ledgers(name, shown)
    promoted = due.promotion_ledgers.get(_promotion_name(due, name))
    if promoted is not None and promoted.terms and only is None:
        yield EMPTY
        yield from _promotion(promoted, name)
    chosen = choice.of(due, desired, observed, name)
    why_there = list(_why_there(chosen, found)) if only is None else []
    if why_there:
        yield EMPTY
        yield from why_there
    failed = [
        one
        for one in failures.found(desired, observed)
        if one.resource in {name, re.sub(r":\d+$", "", name)} and only in {None, one.node}
    ]
    if failed:
        yield EMPTY
        yield from _failures(failed, observed.now)
    if change is not None and (change.blocked or change.held) and change.reason is not None:
        yield EMPTY
        yield line(
            Span("  ! blocked: ", Style.WARNING),
            f"{plan_text.intent(change)}: {sentences.sentence(change.reason, subject_known=change.resource)}",
            hang=4,
        )
        fix = sentences.advice(change.reason, change.resource)
        if fix:
            yield line("    to do: ", span(fix, Style.NOTE), hang=11)


def _headline(name: str, change: Change | None) -> Line:
    if change is None:
        return line(span(name, Style.STRONG), "  no decision is due about it")
    now = change.role.value + (f" on {change.source}" if change.source else "")
    if change.kind is ChangeKind.LEAVE:
        if change.blocked or change.held:
            return line(span(name, Style.STRONG), f"  {now}")
        words = _reason(change)
        return line(
            span(name, Style.STRONG), f"  {now}, and stays so", f": {words}" if words else ""
        )
    symbol = symbols.CHANGES[change.kind]
    words = _reason(change)
    why = f": {words}" if words else ""
    at = sentences.place(change.reason.origin) if change.reason else ""
    return line(
        span(name, Style.STRONG),
        f"  {now}; ",
        Span(symbol.verb, symbol.style),
        f" {plan_text.where(change)}{why}",
        span(f" [{at}]" if at else "", Style.FAINT),
        hang=4,
    )


def _reason(change: Change) -> str:
    if change.reason is None:
        return ""
    return sentences.sentence(change.reason, subject_known=change.resource)


def _ledgers(name: str, shown: Iterable[Candidate]) -> Lines:
    rows = [
        (
            Span(""),
            span("node", Style.FAINT),
            span("score", Style.FAINT),
            Span("is the sum of", Style.FAINT),
        )
    ]
    for one in shown:
        style = Style.GOOD if one.chosen else Style.BAD if one.score <= _BANS else Style.PLAIN
        terms = [term for term in one.ledger.terms if term.value] or [_NOTHING]
        for index, term in enumerate(terms):
            known = {name, name.partition(":")[0], one.node}
            head = (
                Span(">" if one.chosen else "", style),
                span(one.node, style),
                Span(score.text(one.score).rjust(9), style),
            )
            rows.append((*(head if not index else (Span(""),) * 3), span(_term(term, known))))
    return table(rows)


def _term(term: score.Term, known: Collection[str]) -> str:
    subject = term.subject if term.subject not in known else ""
    words = TERMS[term.kind] + (f" ({subject})" if subject else "")
    at = sentences.place(term.origin)
    return f"{_signed(term.value):>9}  {words}" + (f" [{at}]" if at else "")


def _signed(value: int) -> str:
    return score.text(value) if value < 0 else f"+{score.text(value)}"


def _why_there(chosen: choice.Choice | None, found: tuple[Candidate, ...]) -> Iterable[Line]:
    if chosen is not None:
        yield from choice.lines(chosen, TERMS)
    elif found and all(one.score < 0 for one in found):
        yield line(span("  No node is possible: every score is negative.", Style.WARNING))
    elif found and not any(one.chosen for one in found):
        yield line(span("  No node takes it now: those that may are not available.", Style.WARNING))


def _promotion_name(due: Plan, name: str) -> str:
    """Return whose promotion score counts for an instance: its own, or that of its cloned group."""
    if name in due.promotion_ledgers:
        return name
    number = name.rpartition(":")[2]
    inside = [one for one in due.promotion_ledgers if one.rpartition(":")[2] == number]
    return inside[0] if len(inside) == 1 and ":" in name else name


def _promotion(ledger: score.Ledger, name: str) -> Iterable[Line]:
    total = ledger.score
    style = Style.GOOD if total >= 0 else Style.BAD
    yield line("  ", span("promotion score ", Style.NOTE), span(score.text(total), style))
    for term in ledger.terms:
        yield line("    ", span(_term(term, {name, name.partition(":")[0]})), hang=16)
    if total < 0:
        yield line("    ", span("below 0: it is not promoted there", Style.FAINT), hang=4)


def _failures(failed: Iterable[failures.Failure], now: float) -> Iterable[Line]:
    yield heading("  Failures")
    for one in failed:
        yield line(
            "    ", span(f"{one.operation_text} on {one.node}: "), failures.text(one), hang=6
        )
        parts = [failures.count_text(one)]
        if one.at:
            parts.append(f"last at {moment.rfc3339(one.at)}")
        if one.expires_at is not None:
            left = one.expires_at - now
            parts.append(
                f"expires at {moment.rfc3339(one.expires_at)}"
                + (f" (in {moment.length(left)})" if left > 0 else "")
            )
        elif one.count:
            parts.append(f"counts until: reconcile cleanup {one.resource}")
        yield line("      ", span("; ".join(part for part in parts if part), Style.FAINT), hang=6)


def overview(due: Plan) -> Lines:
    """Return every score in one table: a row for each instance, a column for each node."""
    nodes = sorted({node for ledgers in due.ledgers.values() for node in ledgers})
    rows = [(span("resource", Style.FAINT), *(span(node.rjust(9), Style.FAINT) for node in nodes))]
    for name in sorted(due.ledgers, key=_natural):
        cells: list[Span] = []
        by_node = {one.node: one for one in candidates(due, name)}
        for node in nodes:
            one = by_node.get(node)
            text = "-" if one is None else score.text(one.score)
            style = Style.GOOD if one and one.chosen else Style.PLAIN
            cells.append(span(text.rjust(max(9, len(node))), style))
        rows.append((span(name), *cells))
    return table(rows, indent=0)


def as_json(due: Plan, desired: Desired, observed: Observed, name: str | None) -> dict[str, object]:
    """Return the ledgers of a resource, or of all of them, as JSON.

    ``resources`` holds one object for each instance: ``change``, ``blocked`` and ``reason``; ``nodes``,
    best first, each with ``score``, ``chosen`` and the ``terms`` whose saturating sum the score is
    (kind, value, subject, position); ``promotion_terms``, the same of the promotion score;
    ``choice``: the node, the runner-up, the margin, the tie-break, how much a location would have
    to prefer the runner-up by more than (null: no finite score does it), and what closes the other
    nodes; and ``failures`` that count. ``recheck_at``: when decisions can change by themselves.
    """
    chosen = instances(due, desired, name) if name else tuple(sorted(due.ledgers, key=_natural))
    changes = {plan_text.instance(one): one for one in due.changes}
    failed = failures.found(desired, observed)
    return {
        "format_version": values.FORMAT_VERSION,
        "cluster": desired.name,
        "observation": due.observation,
        "resources": [
            _instance_json(due, one, changes.get(one), [f for f in failed if f.resource == one])
            | {"choice": _choice_json(choice.of(due, desired, observed, one))}
            for one in chosen
        ],
        "recheck_at": None if due.recheck_at is None else moment.rfc3339(due.recheck_at),
        "diagnostics": diagnostics.as_json(due.diagnostics),
    }


def _choice_json(found: choice.Choice | None) -> dict[str, object] | None:
    return None if found is None else choice.as_json(found)


def _instance_json(
    due: Plan, name: str, change: Change | None, failed: list[failures.Failure]
) -> dict[str, object]:
    return {
        "resource": name,
        "change": change.kind.value if change else None,
        "blocked": bool(change and (change.blocked or change.held)),
        "reason": sentences.reason_json(change.reason) if change else None,
        "nodes": [
            {
                "node": one.node,
                "score": one.score,
                "chosen": one.chosen,
                "promotion_score": due.promotion_scores.get(name, {}).get(one.node),
                "terms": _terms_json(one.ledger),
            }
            for one in candidates(due, name)
        ],
        "promotion_terms": _terms_json(
            due.promotion_ledgers.get(_promotion_name(due, name), score.Ledger())
        ),
        "failures": [dataclasses.asdict(one) for one in failed],
    }


def _terms_json(ledger: score.Ledger) -> list[dict[str, object]]:
    return [
        {
            "kind": term.kind.value,
            "value": term.value,
            "subject": term.subject,
            "position": sentences.position_json(term.origin),
        }
        for term in ledger.terms
    ]
