"""Why a resource is where it is: the ledger of its scores. Prints sums, computes none."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable, Mapping

from reconciler.model import score
from reconciler.model.desired import Desired
from reconciler.model.observed import Observed
from reconciler.model.plan import Change, ChangeKind, Plan
from reconciler.model.resource import names, primitives
from reconciler.model.role import Role
from reconciler.render import failures, moment, plan_text, sentences, symbols, values
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
    score.TermKind.CLONE_LIMIT: "clone limit reached on the node",
    score.TermKind.TICKET: "ticket",
    score.TermKind.TARGET_ROLE: "it shall be stopped",
    score.TermKind.MULTIPLY_ACTIVE: "active more than once, and multiple-active=stop_only",
    score.TermKind.REMOVED: "no longer configured",
    score.TermKind.UNMANAGED: "not managed, it stays where it is",
    score.TermKind.SHUTDOWN_LOCK: "locked to a node that is shutting down",
    score.TermKind.UNAVAILABLE: "the node cannot run resources now",
    score.TermKind.REMOTE_NODE: "only a member of the cluster can run it",
}
"""What a term of a score is, in words; a test holds the table complete."""

_BANS = -score.INFINITY
_NOTHING = score.Term(score.TermKind.BASE, 0)


@dataclasses.dataclass(frozen=True, slots=True)
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
    for one in instances(due, desired, name):
        if result:
            result.append(EMPTY)
        result += _instance(due, desired, observed, one, node)
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
        yield from _ledgers(name, shown, due.promotion_scores.get(name, {}))
    verdict = _verdict(found)
    if verdict and only is None:
        yield EMPTY
        yield verdict
    failed = [
        one
        for one in failures.found(desired, observed)
        if one.resource in {name, re.sub(r":\d+$", "", name)} and only in {None, one.node}
    ]
    if failed:
        yield EMPTY
        yield from _failures(failed, observed.now)
    if change is not None and change.blocked and change.reason is not None:
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
        tail: tuple[Span, ...] = (Span(", and stays so"),) if not change.blocked else ()
        return line(span(name, Style.STRONG), f"  {now}", *tail)
    symbol = symbols.CHANGES[change.kind]
    words = (
        sentences.sentence(change.reason, subject_known=change.resource) if change.reason else ""
    )
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


def _ledgers(name: str, shown: Iterable[Candidate], promotion: Mapping[str, int]) -> Lines:
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
            known = {name, one.node}
            head = (
                Span(">" if one.chosen else "", style),
                span(one.node, style),
                Span(score.text(one.score).rjust(9), style),
            )
            rows.append((*(head if not index else (Span(""),) * 3), span(_term(term, known))))
        if one.node in promotion:
            rows.append(
                (
                    Span(""),
                    Span(""),
                    Span(""),
                    span(f"promotion score {score.text(promotion[one.node])}", Style.NOTE),
                )
            )
    return table(rows)


def _term(term: score.Term, known: Collection[str]) -> str:
    subject = term.subject if term.subject not in known else ""
    words = TERMS[term.kind] + (f" ({subject})" if subject else "")
    at = sentences.place(term.origin)
    return f"{_signed(term.value):>9}  {words}" + (f" [{at}]" if at else "")


def _signed(value: int) -> str:
    return score.text(value) if value < 0 else f"+{score.text(value)}"


def _verdict(found: tuple[Candidate, ...]) -> Line | None:
    chosen = next((one for one in found if one.chosen), None)
    if chosen is None:
        if found and all(one.score < 0 for one in found):
            return line(span("  No node is possible: every score is negative.", Style.WARNING))
        return None
    others = [one for one in found if one is not chosen]
    if not others:
        return None
    runner = others[0]
    if runner.score < 0:
        return line("  ", span(chosen.node, Style.GOOD), " is the only node that may run it.")
    if runner.score > chosen.score:
        return line(
            "  ",
            span(chosen.node, Style.GOOD),
            f" is chosen although {runner.node} scores higher: what it depends on decides.",
            hang=2,
        )
    margin = chosen.score - runner.score
    ahead = (
        f" is chosen, {score.text(margin)} ahead of {runner.node}."
        if margin
        else f" is chosen; {runner.node} scores the same."
    )
    return line("  ", span(chosen.node, Style.GOOD), ahead, hang=2)


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
    """Return the ledgers of a resource, or of all of them, as JSON."""
    chosen = instances(due, desired, name) if name else tuple(sorted(due.ledgers, key=_natural))
    changes = {plan_text.instance(one): one for one in due.changes}
    failed = failures.found(desired, observed)
    return {
        "format_version": values.FORMAT_VERSION,
        "cluster": desired.name,
        "observation": due.observation,
        "resources": [
            _instance_json(due, one, changes.get(one), [f for f in failed if f.resource == one])
            for one in chosen
        ],
    }


def _instance_json(
    due: Plan, name: str, change: Change | None, failed: list[failures.Failure]
) -> dict[str, object]:
    return {
        "resource": name,
        "change": change.kind.value if change else None,
        "blocked": bool(change and change.blocked),
        "reason": sentences.reason_json(change.reason) if change else None,
        "nodes": [
            {
                "node": one.node,
                "score": one.score,
                "chosen": one.chosen,
                "promotion_score": due.promotion_scores.get(name, {}).get(one.node),
                "terms": [
                    {
                        "kind": term.kind.value,
                        "value": term.value,
                        "subject": term.subject,
                        "position": sentences.position_json(term.origin),
                    }
                    for term in one.ledger.terms
                ],
            }
            for one in candidates(due, name)
        ],
        "failures": [dataclasses.asdict(one) for one in failed],
    }
