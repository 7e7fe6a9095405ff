"""The order of nodes where nothing else decides, since the reference takes its tables'.

Pacemaker keeps nodes in hash tables, keyed by their ids, and where the comparison of nodes goes in
a circle, or finds equal ones, what it takes depends on how they come out of there (measured). The
order is as arbitrary as any, but it is the same each time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_MODULI = (1, 2, 3, 7, 13, 31, 61, 127, 251, 509, 1021, 2039, 4093, 8191)
"""Largest primes below the powers of two: what a hash is reduced by in a table of that size."""
_SMALLEST = 3
_SPREAD = 11
_BITS = 0xFFFFFFFF
_NUMBERS = re.compile(r"(\d+)")


def by_name(names: Sequence[str]) -> list[int]:
    """Return the places of names in their order; digits in them count as numbers."""
    return sorted(range(len(names)), key=lambda place: _parts(names[place]))


def _parts(name: str) -> list[tuple[int, str]]:
    return [
        (int(part), "") if part.isdecimal() else (0, part.lower()) for part in _NUMBERS.split(name)
    ]


def order(ids: Sequence[str], entered: Sequence[int]) -> list[int]:
    """Return the places of ids in the order of a table in which they were entered in some order.

    A table that is full grows.
    """
    bits = _SMALLEST
    table: list[int | None] = [None] * (1 << bits)
    for count, place in enumerate(entered, 1):
        _enter(table, ids, place, bits)
        if count + count // 16 >= len(table):
            bits = max(_SMALLEST, (count * 4 // 3).bit_length())
            table = _grown(table, ids, bits)
    return [place for place in table if place is not None]


def _grown(old: Sequence[int | None], ids: Sequence[str], bits: int) -> list[int | None]:
    """Return a larger table: one after the other goes to its new slot.

    Who is still in that slot has to go on from there.
    """
    table = [*old, *[None] * ((1 << bits) - len(old))]
    settled: set[int] = set()
    for start in range(len(old)):
        moving = None if start in settled else table[start]
        if moving is not None:
            table[start] = None
        while moving is not None:
            slot = _slot(ids[moving], bits)
            step = 0
            while slot in settled:
                step += 1
                slot = (slot + step) % len(table)
            settled.add(slot)
            table[slot], moving = moving, table[slot]
    return table


def _enter(table: list[int | None], ids: Sequence[str], place: int, bits: int) -> None:
    """Enter a node at its slot, or at the next free one in growing steps."""
    slot = _slot(ids[place], bits)
    step = 0
    while table[slot] is not None:
        step += 1
        slot = (slot + step) % len(table)
    table[slot] = place


def _slot(text: str, bits: int) -> int:
    return (_hash(text) * _SPREAD & _BITS) % _MODULI[bits]


def _hash(text: str) -> int:
    value = 0
    for byte in text.encode():
        value = value * 31 + byte & _BITS
    return value
