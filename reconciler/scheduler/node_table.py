"""The order of nodes that nothing else tells apart, where the reference takes its table's.

Pacemaker keeps nodes in hash tables, keyed by their ids, and in one place takes the first of equal
ones that it meets there (measured). The order is as arbitrary as any, but it is the same each time.
"""

from __future__ import annotations

from collections.abc import Sequence

_MODULI = (1, 2, 3, 7, 13, 31, 61, 127, 251, 509, 1021, 2039, 4093, 8191)
"""Largest primes below the powers of two: what a hash is reduced by in a table of that size."""
_SMALLEST = 3
_SPREAD = 11
_BITS = 0xFFFFFFFF


def ranks(ids: Sequence[str]) -> list[int]:
    """Return the place of each node in the table, for nodes entered in this order."""
    bits = _SMALLEST
    table = _table((), bits)
    for entered in range(1, len(ids) + 1):
        _enter(table, ids, entered - 1, bits)
        if entered + entered // 16 >= len(table):
            bits = max(_SMALLEST, (entered * 4 // 3).bit_length())
            table = _table(ids, bits, [one for one in table if one is not None])
    found = [one for one in table if one is not None]
    order = {place: rank for rank, place in enumerate(found)}
    return [order[place] for place in range(len(ids))]


def _table(ids: Sequence[str], bits: int, places: Sequence[int] = ()) -> list[int | None]:
    table: list[int | None] = [None] * (1 << bits)
    for place in places:
        _enter(table, ids, place, bits)
    return table


def _enter(table: list[int | None], ids: Sequence[str], place: int, bits: int) -> None:
    """Enter a node at its hash, or at the next free place in growing steps."""
    slot = (_hash(ids[place]) * _SPREAD & _BITS) % _MODULI[bits]
    step = 0
    while table[slot] is not None:
        step += 1
        slot = (slot + step) % len(table)
    table[slot] = place


def _hash(text: str) -> int:
    value = 0
    for byte in text.encode():
        value = value * 31 + byte & _BITS
    return value
