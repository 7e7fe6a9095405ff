"""Why this node and not another: margin, tie-break, and the smallest change that would move it.

Everything is read from the ledgers and from which nodes stood open; nothing is decided here.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable

from reconciler.frozen import frozen
from reconciler.model import attribute, score
from reconciler.model.desired import Desired
from reconciler.model.observed import Observed
from reconciler.model.plan import Plan
from reconciler.render import sentences
from reconciler.render.styled import Line, Span, Style, line, span


class TieBreak(enum.Enum):
    """What decides between nodes with the same score (Pacemaker Explained, "Placement strategies")."""

    CURRENT = "current"
    CAPACITY = "capacity"
    LOAD = "load"
    NAME = "name"


_WORDS: dict[TieBreak, str] = {
    TieBreak.CURRENT: "it is active there already",
    TieBreak.CAPACITY: "more of its capacity is free",
    TieBreak.LOAD: "fewer resources had been placed there before it",
    TieBreak.NAME: "its name comes first",
}


@frozen
class Choice:
    """How a node was chosen.

    Attributes:
        node: the chosen one.
        runner_up: the best of the others that were open; empty: there was none.
        margin: how far the runner-up is behind.
        tie_break: what decided where the margin is 0.
        loads: how many resources had been placed before, on both.
        closed: nodes that could not be taken, each with what closes it; None: it is away.
        cloned: it is one of several instances, which a location moves together.
    """

    node: str
    runner_up: str
    margin: int
    tie_break: TieBreak | None
    loads: tuple[int, int]
    closed: tuple[tuple[str, score.Term | None], ...]
    cloned: bool = False

    @property
    def movable(self) -> bool:
        """Whether a preference of a finite score for the runner-up would win."""
        return bool(self.runner_up) and self.margin < score.INFINITY and not self.cloned


def of(due: Plan, desired: Desired, observed: Observed, name: str) -> Choice | None:
    """Return how the node of an instance was chosen; None where it has none, or had no choice."""
    nodes = [node for node, role in due.placement.get(name, {}).items() if role.active]
    ledgers, open_nodes = due.ledgers.get(name), due.open_nodes.get(name)
    if not nodes or ledgers is None or open_nodes is None:
        return None
    chosen = nodes[0]
    scores = {node: ledger.score for node, ledger in ledgers.items()}
    others = sorted(
        (node for node in open_nodes if node != chosen), key=lambda node: (-scores[node], node)
    )
    runner = others[0] if others else ""
    margin = scores[chosen] - scores[runner] if runner else 0
    closed = tuple(
        (node, _closing(ledgers[node])) for node in scores if node not in {chosen, *open_nodes}
    )
    loads = (open_nodes.get(chosen, 0), open_nodes.get(runner, 0))
    tie = _tie(name, chosen, loads, desired, observed) if runner and not margin else None
    cloned = ":" in name
    return Choice(chosen, runner, max(0, margin), tie, loads, closed, cloned)


def _closing(ledger: score.Ledger) -> score.Term | None:
    """Return the term that closes a node: the first ban, else the worst of the terms."""
    if ledger.score >= 0:
        return None
    bans = [term for term in ledger.terms if term.value <= -score.INFINITY]
    return bans[0] if bans else min(ledger.terms, key=lambda term: term.value)


def _tie(
    name: str, chosen: str, loads: tuple[int, int], desired: Desired, observed: Observed
) -> TieBreak:
    strategy = attribute.always(desired.properties, "placement-strategy")
    base = name.partition(":")[0]
    node = observed.nodes.get(chosen)
    history = None if node is None else node.histories.get(base) or node.histories.get(name)
    if strategy == "minimal":
        return TieBreak.NAME
    if history is not None and any(one.operation == "start" for one in history.operations):
        return TieBreak.CURRENT
    if loads[0] < loads[1]:
        return TieBreak.LOAD
    return TieBreak.CAPACITY if strategy == "balanced" else TieBreak.NAME


def lines(choice: Choice, words: dict[score.TermKind, str]) -> Iterable[Line]:
    """Yield margin, tie-break, what would move it, and what closes the other nodes."""
    node = span(choice.node, Style.GOOD)
    if not choice.runner_up:
        yield line("  ", node, " is the only node that can take it now.", hang=2)
    elif choice.margin:
        ahead = f" is {score.text(choice.margin)} ahead of {choice.runner_up}."
        yield line("  ", node, ahead, hang=2)
    else:
        why = _WORDS[choice.tie_break] if choice.tie_break is not None else ""
        if choice.tie_break is TieBreak.LOAD:
            why += f" ({choice.loads[0]}, on {choice.runner_up} {choice.loads[1]})"
        yield line("  ", node, f" and {choice.runner_up} score the same; {why}.", hang=2)
    if choice.runner_up and not choice.cloned:
        yield line("  ", Span("to move it: ", Style.STRONG), _move(choice), hang=14)
    for other, term in choice.closed:
        yield line("  ", span(other, Style.BAD), f" is closed: {_closed(term, words)}", hang=4)


def _move(choice: Choice) -> str:
    if not choice.movable:
        return f"no preference for {choice.runner_up} is enough; {choice.node} counts INFINITY"
    at_least = f"a location that prefers {choice.runner_up} by more than {choice.margin}"
    return at_least if choice.margin else f"any location that prefers {choice.runner_up}"


def _closed(term: score.Term | None, words: dict[score.TermKind, str]) -> str:
    if term is None:
        return "it takes no resources now, or has too little capacity free"
    subject = f" ({term.subject})" if term.subject else ""
    at = sentences.place(term.origin)
    return f"{words[term.kind]}{subject}, {score.text(term.value)}" + (f" [{at}]" if at else "")


def as_json(choice: Choice) -> dict[str, object]:
    """Return a choice for programs; ``prefers_more_than`` is null where no finite score is enough."""
    return {
        "node": choice.node,
        "runner_up": choice.runner_up or None,
        "margin": choice.margin if choice.runner_up else None,
        "tie_break": choice.tie_break.value if choice.tie_break is not None else None,
        "prefers_more_than": choice.margin if choice.movable else None,
        "closed": [
            {
                "node": node,
                "kind": None if term is None else term.kind.value,
                "subject": "" if term is None else term.subject,
                "position": None if term is None else sentences.position_json(term.origin),
            }
            for node, term in choice.closed
        ],
    }
