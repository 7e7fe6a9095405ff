"""Scores of every instance on every node, with the ledger that explains each of them.

Scores live in one list per instance, indexed by node. Every change is logged as a compact tuple;
ledgers are made from the log only when somebody asks.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import overload

from reconciler.model.score import Ledger, Moment, Stage, Term, TermKind, add, difference
from reconciler.scheduler.expansion import Expansion
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.nodes import Node

Row = list[int]
_Entry = tuple[int, int | Sequence[tuple[int, int]], Term]
_Then = tuple[int, int]
"""A moment: how much was logged by then, and how often something had been taken back."""
_Noted = tuple[Stage, int, tuple[int, ...], _Then]
_Undone = tuple[range, frozenset[int]]
_ALL: _Then = (sys.maxsize, sys.maxsize)


class Ranking:
    """The score table while it is being filled.

    Attributes:
        log: instance, node (-1: all) or nodes with their differences, and the term.
        noted: stage, instance, scores, and the moment.
        undone: where in the log something was added to some instances that was taken back.
        outside: instance to nodes that no constraint names, in a cluster where that is needed.
        copies: how often colocations made an instance's scores anew, by the instance's number.
    """

    __slots__ = ("copies", "log", "nodes", "noted", "outside", "rows", "undone")

    def __init__(self, expansion: Expansion, nodes: Sequence[Node]) -> None:
        self.nodes = nodes
        base = [node.desired.score for node in nodes]
        self.rows: list[Row] = [base.copy() for _ in expansion.all]
        self.log: list[_Entry] = []
        self.noted: list[_Noted] = []
        self.undone: list[_Undone] = []
        self.outside: dict[int, frozenset[int]] = {}
        self.copies = [0] * len(expansion.all)

    def add(self, one: Instance, node: int, term: Term) -> None:
        """Add a term to one score."""
        row = self.rows[one.index]
        row[node] = add(row[node], term.value)
        self.log.append((one.index, node, term))

    def clear(self, one: Instance, node: int) -> None:
        """Put one score back to what it was before anything was said."""
        self.rows[one.index][node] = self.nodes[node].desired.score
        self.log[:] = [each for each in self.log if each[:2] != (one.index, node)]

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
            (node, difference(before, after))
            for node, (before, after) in enumerate(zip(old, row, strict=True))
            if before != after
        ]
        if terms:
            self.rows[one.index] = row
            self.log.append((one.index, terms, term))

    def name(self, one: Instance, node: int) -> None:
        """Count a node among those that constraints name for an instance."""
        if one.index in self.outside:
            self.outside[one.index] -= {node}

    def note(self, stage: Stage, one: Instance) -> None:
        """Keep the scores of an instance as they are now."""
        if one.removed:
            return
        now = (len(self.log), len(self.undone))
        self.noted.append((stage, one.index, tuple(self.rows[one.index]), now))

    def mark(self) -> int:
        """Return a place in the log to go back to."""
        return len(self.log)

    def restore(self, mark: int, rows: Mapping[int, Row]) -> None:
        """Put rows back as they were at ``mark``."""
        self.undone.append((range(mark, len(self.log)), frozenset(rows)))
        for index, row in rows.items():
            self.rows[index] = row

    def usable(self, row: Row) -> bool:
        """Tell whether any node can take a resource with these scores."""
        return any(
            score >= 0 and node.takes_resources for score, node in zip(row, self.nodes, strict=True)
        )


class Ledgers(Mapping[str, Mapping[str, Ledger]]):
    """Ledgers by instance and node, made when they are asked for."""

    __slots__ = ("_entries", "_names", "_nodes", "_rows", "_undone")

    def __init__(self, ranking: Ranking, expansion: Expansion) -> None:
        self._nodes = tuple(ranking.nodes)
        self._names = {one.name: one.index for one in expansion.all}
        self._rows = ranking.rows
        self._undone: dict[int, list[tuple[int, range]]] = {}
        for time, (places, instances) in enumerate(ranking.undone):
            for index in instances:
                self._undone.setdefault(index, []).append((time, places))
        self._entries: dict[int, list[tuple[int, _Entry]]] = {}
        for place, entry in enumerate(ranking.log):
            self._entries.setdefault(entry[0], []).append((place, entry))

    def score(self, name: str, node: str) -> int:
        """Return a score without making its ledger."""
        place = next(one.index for one in self._nodes if one.name == node)
        return self._rows[self._names[name]][place]

    def at(self, index: int, moment: _Then) -> dict[str, Ledger]:
        """Return the ledgers of an instance at a moment, by node."""
        terms: list[list[Term]] = [
            [Term(TermKind.BASE, node.desired.score, node.desired.origin, node.name)]
            for node in self._nodes
        ]
        for _, where, term in self._valid(index, moment):
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

    def _valid(self, index: int, moment: _Then) -> Iterator[_Entry]:
        """Yield the entries of an instance that were not taken back by then."""
        length, times = moment
        undone = [places for time, places in self._undone.get(index, ()) if time < times]
        for place, entry in self._entries.get(index, ()):
            if place < length and not any(place in each for each in undone):
                yield entry

    def __getitem__(self, name: str) -> Mapping[str, Ledger]:
        return self.at(self._names[name], _ALL)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class Moments(Sequence[Moment]):
    """The scores that were noted on the way, with ledgers that are made when asked for."""

    __slots__ = ("_ledgers", "_names", "_nodes", "_noted", "_outside")

    def __init__(self, ranking: Ranking, expansion: Expansion, ledgers: Ledgers) -> None:
        self._noted = ranking.noted
        self._outside = ranking.outside
        self._nodes = tuple(node.name for node in ranking.nodes)
        self._names = tuple(one.name for one in expansion.all)
        self._ledgers = ledgers

    def __len__(self) -> int:
        return len(self._noted)

    @overload
    def __getitem__(self, place: int) -> Moment: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Moment, ...]: ...
    def __getitem__(self, place: int | slice) -> Moment | tuple[Moment, ...]:
        if isinstance(place, slice):
            return tuple(self._moment(one) for one in self._noted[place])
        return self._moment(self._noted[place])

    def _moment(self, noted: _Noted) -> Moment:
        stage, index, row, then = noted
        outside = self._outside.get(index, frozenset())
        scores = {
            node: score
            for place, (node, score) in enumerate(zip(self._nodes, row, strict=True))
            if place not in outside
        }
        return Moment(
            stage=stage,
            instance=self._names[index],
            scores=scores,
            ledgers=Later(self._ledgers, index, then, tuple(scores)),
        )


class Later(Mapping[str, Ledger]):
    """The ledgers of one moment, made when they are asked for."""

    __slots__ = ("_index", "_ledgers", "_made", "_nodes", "_then")

    def __init__(self, ledgers: Ledgers, index: int, then: _Then, nodes: tuple[str, ...]) -> None:
        self._ledgers = ledgers
        self._index = index
        self._then = then
        self._made: dict[str, Ledger] = {}
        self._nodes = nodes

    def __getitem__(self, node: str) -> Ledger:
        if not self._made:
            self._made = self._ledgers.at(self._index, self._then)
        return self._made[node]

    def __iter__(self) -> Iterator[str]:
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)
