"""Tests that the tables of words hold an entry for every code."""

from __future__ import annotations

import pytest

from reconciler.model import action, observed, plan, score
from reconciler.model.reason import Reason, ReasonCode
from reconciler.render import explain, failures, sentences, symbols

TABLES = [
    (symbols.CHANGES, plan.ChangeKind),
    (symbols.TASKS, action.Task),
    (sentences.SENTENCES, ReasonCode),
    (explain.TERMS, score.TermKind),
    (failures.EXIT_CODES, observed.Rc),
]


@pytest.mark.parametrize(("table", "codes"), TABLES, ids=lambda one: getattr(one, "__name__", ""))
def test_every_code_has_its_words(table, codes):
    """Each table has exactly one entry for each member of its enumeration."""
    assert set(table) == set(codes)


@pytest.mark.parametrize("code", list(ReasonCode))
def test_sentences_fill_in_their_subject_and_end_without_stop(code):
    """A sentence says its subject where it has one, and reads on its own where it has none."""
    about = sentences.sentence(Reason(code, "SUBJECT", "DETAIL"))
    alone = sentences.sentence(Reason(code))

    assert "DETAIL" in about
    assert "{" not in about + alone
    assert not alone.endswith(".")
    assert "SUBJECT" in about or sentences.SENTENCES[code].about == sentences.SENTENCES[code].alone


def test_a_known_subject_is_not_said_twice():
    """Right behind a node's name the reason does not repeat it."""
    reason = Reason(ReasonCode.NODE_LOST, "ha-3")

    assert sentences.sentence(reason, subject_known="ha-3") == "it does not answer"
    assert sentences.sentence(reason) == "ha-3 does not answer"


def test_signs_are_single_ascii_characters():
    """Signs survive every terminal and log."""
    for symbol in (*symbols.CHANGES.values(), symbols.BLOCKED, symbols.FENCE):
        assert len(symbol.sign) == 1
        assert symbol.sign.isascii()
