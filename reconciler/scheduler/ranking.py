"""Scores of every instance on every node, with the ledger that explains each of them.

Scores live in one list per instance, indexed by node. Every change is logged as a compact tuple;
ledgers are made from the log only when somebody asks.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from reconciler.model.score import INFINITY, Ledger, Term, TermKind, add
from reconciler.scheduler.expansion import Expansion
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.nodes import Node

Row = list[int]
_Entry = tuple[int, int | Sequence[tuple[int, int]], Term]


class Ranking:
    """The score table while it is being filled."""

    __slots__ = ("log", "nodes", "rows")

    def __init__(self, expansion: Expansion, nodes: Sequence[Node]) -> None:
        self.nodes = nodes
        base = [node.desired.score for node in nodes]
        self.rows: list[Row] = [base.copy() for _ in expansion.all]
        self.log: list[_Entry] = []

    def add(self, one: Instance, node: int, term: Term) -> None:
        """Add a term to one score."""
        row = self.rows[one.index]
        row[node] = add(row[node], term.value)
        self.log.append((one.index, node, term))

    def add_everywhere(self, one: Instance, term: Term) -> None:
        """Add a term to the scores of all nodes."""
        row = self.rows[one.index]
        self.rows[one.index] = [add(score, term.value) for score in row]
        self.log.append((one.index, -1, term))

    def become(self, one: Instance, row: Row, term: Term) -> None:
        """Replace the scores of an instance by ``row``, logged as the difference.

        Args:
            one: whose scores.
            row: the new ones.
            term: kind, origin and subject of the differences; its value does not count.
        """
        old = self.rows[one.index]
        terms = [
            (node, _difference(before, after))
            for node, (before, after) in enumerate(zip(old, row, strict=True))
            if before != after
        ]
        if terms:
            self.rows[one.index] = row
            self.log.append((one.index, terms, term))

    def mark(self) -> int:
        """Return a place in the log to go back to."""
        return len(self.log)

    def restore(self, mark: int, rows: Mapping[int, Row]) -> None:
        """Forget what was logged since ``mark`` and put rows back as they were."""
        del self.log[mark:]
        for index, row in rows.items():
            self.rows[index] = row

    def usable(self, row: Row) -> bool:
        """Tell whether any node can take a resource with these scores."""
        return any(
            score >= 0 and node.takes_resources for score, node in zip(row, self.nodes, strict=True)
        )


def _difference(before: int, after: int) -> int:
    """Return a term that turns one score into the other by saturating addition."""
    return after if abs(after) >= INFINITY else after - before


class Ledgers(Mapping[str, Mapping[str, Ledger]]):
    """Ledgers by instance and node, made when they are asked for."""

    __slots__ = ("_entries", "_names", "_nodes", "_rows")

    def __init__(self, ranking: Ranking, expansion: Expansion) -> None:
        self._nodes = tuple(ranking.nodes)
        self._names = {one.name: one.index for one in expansion.all}
        self._rows = ranking.rows
        self._entries: dict[int, list[_Entry]] = {}
        for entry in ranking.log:
            self._entries.setdefault(entry[0], []).append(entry)

    def score(self, name: str, node: str) -> int:
        """Return a score without making its ledger."""
        place = next(one.index for one in self._nodes if one.name == node)
        return self._rows[self._names[name]][place]

    def __getitem__(self, name: str) -> Mapping[str, Ledger]:
        index = self._names[name]
        terms: list[list[Term]] = [
            [Term(TermKind.BASE, node.desired.score, node.desired.origin, node.name)]
            for node in self._nodes
        ]
        for _, where, term in self._entries.get(index, ()):
            if not isinstance(where, int):
                for node, value in where:
                    terms[node].append(dataclasses.replace(term, value=value))
            elif where < 0:
                for column in terms:
                    column.append(term)
            else:
                terms[where].append(term)
        return {
            node.name: Ledger(tuple(column))
            for node, column in zip(self._nodes, terms, strict=True)
        }

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
