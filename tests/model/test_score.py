"""Scores: how terms add up."""

from __future__ import annotations

import pytest

from reconciler.model.score import INFINITY, Ledger, Term, TermKind


@pytest.mark.parametrize(
    ("value", "plain", "score"),
    [
        (-5, False, INFINITY),
        (-5, True, INFINITY - 5),
        (-INFINITY, False, -INFINITY),
    ],
)
def test_what_is_infinite_stays_so_unless_a_term_says_otherwise(value, plain, score):
    """A wish takes from INFINITY as from any number; a ban wins over it."""
    wanted = Term(TermKind.LOCATION, INFINITY)

    assert Ledger((wanted, Term(TermKind.COLOCATION_WISH, value, plain=plain))).score == score
