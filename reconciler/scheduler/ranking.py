"""Scores of every instance on every node, with the ledger that explains each of them.

Scores live in one list per instance, indexed by node. Every change is logged as a compact tuple;
ledgers are made from the log only when somebody asks.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import overload

from reconciler.model.score import INFINITY, Ledger, Moment, Stage, Term, TermKind, add, difference
from reconciler.scheduler.expansion import Expansion
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.nodes import Node

Row = list[int]
_Entry = tuple[int, int | Sequence[tuple[int, int]], Term]
"""Instance, node (-1: all) or nodes with differences, and term; a base voids what was before."""
_Then = tuple[int, int]
"""A moment: how much was logged by then, and how often something had been taken back."""
_Noted = tuple[Stage, int, tuple[int, ...], tuple[int, ...], _Then]
Mark = tuple[int, dict[int, Row], dict[int, dict[int, None]]]
"""How much was logged by then, and the scores and named nodes of some instances."""
_Undone = tuple[range, frozenset[int]]
_ALL: _Then = (sys.maxsize, sys.maxsize)


class Ranking:
    """The score table while it is being filled.

    Attributes:
        log: every change of a score.
        noted: stage, instance, scores, nodes named by then, and the moment.
        undone: where in the log something was added to some instances that was taken back.
        named: instance to the nodes that something names for it, in that order; only in a cluster
            where that is needed.
        copies: how often colocations made an instance's scores anew, by the instance's number.
    """

    __slots__ = ("base", "copies", "log", "named", "nodes", "noted", "rows", "undone")

    def __init__(
        self, expansion: Expansion, nodes: Sequence[Node], *, symmetric: bool = True
    ) -> None:
        self.nodes = nodes
        # Where nodes must be named, their own scores do not count (measured).
        scores = [node.desired.score if symmetric else 0 for node in nodes]
        self.base = tuple(
            Term(TermKind.BASE, score, node.desired.origin, node.name)
            for node, score in zip(nodes, scores, strict=True)
        )
        self.rows: list[Row] = [scores.copy() for _ in expansion.all]
        self.log: list[_Entry] = []
        self.noted: list[_Noted] = []
        self.undone: list[_Undone] = []
        self.named: dict[int, dict[int, None]] = {}
        self.copies = [0] * len(expansion.all)

    def add(self, one: Instance, node: int, term: Term) -> None:
        """Add a term to one score; it names the node, where that is needed."""
        self.open(one, node)
        row = self.rows[one.index]
        row[node] = add(row[node], term.value)
        self.log.append((one.index, node, term))

    def clear(self, one: Instance, node: int) -> None:
        """Put one score back to what it was before anything was said."""
        self.rows[one.index][node] = self.base[node].value
        self.log.append((one.index, node, self.base[node]))

    def add_everywhere(self, one: Instance, term: Term) -> None:
        """Add a term to the scores of all nodes."""
        if one.index in self.named:
            for node in self.nodes:
                self.add(one, node.index, term)
            return
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

    def close(self, one: Instance) -> None:
        """Forbid an instance all nodes but those that will be named for it."""
        self.add_everywhere(one, Term(TermKind.NOT_ALLOWED, -INFINITY))
        self.named[one.index] = {}

    def forbid(self, one: Instance, node: int, term: Term) -> None:
        """Add a ban to one score, without naming the node for it."""
        if self.knows(one, node):
            self.add(one, node, term)

    def open(self, one: Instance, node: int) -> None:
        """Name a node for an instance, if it needs to be and is not yet."""
        if not self.knows(one, node):
            self.name(one, node)
            self.clear(one, node)

    def knows(self, one: Instance, node: int) -> bool:
        """Tell whether a node is named for an instance, or need not be."""
        return one.index not in self.named or node in self.named[one.index]

    def name(self, one: Instance, node: int) -> None:
        """Count a node among those that are named for an instance, where that is needed."""
        if one.index in self.named:
            self.named[one.index][node] = None

    def note(self, stage: Stage, one: Instance) -> None:
        """Keep the scores of an instance as they are now."""
        if one.removed:
            return
        now = (len(self.log), len(self.undone))
        named = tuple(self.named.get(one.index, range(len(self.nodes))))
        self.noted.append((stage, one.index, tuple(self.rows[one.index]), named, now))

    def mark(self, some: Iterable[Instance]) -> Mark:
        """Return what to go back to, as for the scores of some instances."""
        rows, named = {}, {}
        for one in some:
            rows[one.index] = self.rows[one.index].copy()
            if one.index in self.named:
                named[one.index] = self.named[one.index].copy()
        return len(self.log), rows, named

    def restore(self, mark: Mark) -> None:
        """Put scores back as they were at a mark."""
        place, rows, named = mark
        self.undone.append((range(place, len(self.log)), frozenset(rows)))
        for index, row in rows.items():
            self.rows[index] = row
        self.named.update(named)

    def usable(self, row: Row) -> bool:
        """Tell whether any node can take a resource with these scores."""
        return any(
            score >= 0 and node.takes_resources for score, node in zip(row, self.nodes, strict=True)
        )


class Ledgers(Mapping[str, Mapping[str, Ledger]]):
    """Ledgers by instance and node, made when they are asked for."""

    __slots__ = ("_base", "_entries", "_names", "_nodes", "_rows", "_undone")

    def __init__(self, ranking: Ranking, expansion: Expansion) -> None:
        self._nodes = tuple(ranking.nodes)
        self._base = ranking.base
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
        terms = [[term] for term in self._base]
        for _, where, term in self._valid(index, moment):
            if not isinstance(where, int):
                for node, value in where:
                    # What a wish leaves of INFINITY may be less (measured).
                    plain = abs(value) < INFINITY
                    terms[node].append(dataclasses.replace(term, value=value, plain=plain))
            elif where < 0:
                for column in terms:
                    column.append(term)
            elif term.kind is TermKind.BASE:
                terms[where] = [term]
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

    __slots__ = ("_ledgers", "_names", "_nodes", "_noted")

    def __init__(self, ranking: Ranking, expansion: Expansion, ledgers: Ledgers) -> None:
        self._noted = ranking.noted
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
        stage, index, row, named, then = noted
        scores = {self._nodes[place]: row[place] for place in named}
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
