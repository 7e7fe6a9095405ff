"""Scores and the ledger that explains them.

A score is a whole number within +-INFINITY; sums saturate, and -INFINITY wins over +INFINITY
(Pacemaker Explained, "Scores").
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping

from reconciler.errors import position
from reconciler.frozen import frozen

INFINITY = 1_000_000


def add(left: int, right: int) -> int:
    """Return the saturating sum of two scores; -INFINITY wins over everything."""
    if left <= -INFINITY or right <= -INFINITY:
        return -INFINITY
    if left >= INFINITY or right >= INFINITY:
        return INFINITY
    return max(-INFINITY, min(INFINITY, left + right))


def difference(before: int, after: int) -> int:
    """Return a term that turns one score into the other by saturating addition."""
    return after if abs(after) >= INFINITY else after - before


def text(score: int) -> str:
    """Return a score as people read it: ``INFINITY``, ``-INFINITY`` or the number."""
    if score >= INFINITY:
        return "INFINITY"
    if score <= -INFINITY:
        return "-INFINITY"
    return str(score)


class TermKind(enum.Enum):
    """What a term of a score comes from."""

    BASE = "base"
    LOCATION = "location"
    STICKINESS = "stickiness"
    COLOCATION = "colocation"
    COLOCATION_WISH = "colocation-wish"
    FAILURE_THRESHOLD = "failure-threshold"
    FAILED_STOP = "failed-stop"
    HARD_ERROR = "hard-error"
    NOT_ALLOWED = "not-allowed"
    NODE_HEALTH = "node-health"
    PROMOTION_SCORE = "promotion-score"
    CLONE = "clone"
    CLONE_LIMIT = "clone-limit"
    TICKET = "ticket"
    TARGET_ROLE = "target-role"
    MULTIPLY_ACTIVE = "multiply-active"
    REMOVED = "removed"
    UNMANAGED = "unmanaged"
    SHUTDOWN_LOCK = "shutdown-lock"
    UNAVAILABLE = "unavailable"
    REMOTE_NODE = "remote-node"
    CAPACITY = "capacity"


class Stage(enum.Enum):
    """What was about to be placed when scores were noted."""

    PRIMITIVE = "primitive"
    GROUP = "group"
    CLONE = "clone"


@frozen
class Moment:
    """The ledgers of an instance at the moment when it, or what it is in, was placed.

    An instance has a moment in each stage that it passes, and several in one when it was tried
    more than once.

    Attributes:
        scores: node to score.
        ledgers: node to the terms that the score is the sum of.
    """

    stage: Stage
    instance: str
    scores: Mapping[str, int]
    ledgers: Mapping[str, Ledger]


@frozen
class Term:
    """One summand of a score: what it is, how much, and who wrote it.

    Attributes:
        plain: INFINITY is a number like others to it, so that what is left may be finite.
    """

    kind: TermKind
    value: int
    origin: position.Position = position.NOWHERE
    subject: str = ""
    plain: bool = False


@frozen
class Ledger:
    """A score as the saturating sum of its terms, in the order in which they were added."""

    terms: tuple[Term, ...] = ()

    @property
    def score(self) -> int:
        """The saturating sum of all terms."""
        result = 0
        for term in self.terms:
            plain = term.plain and result >= INFINITY
            result = result + term.value if plain else add(result, term.value)
        return result

    def plus(self, term: Term) -> Ledger:
        """Return a ledger with one more term."""
        return Ledger((*self.terms, term))


def total(values: Iterable[int]) -> int:
    """Return the saturating sum of many scores, in their order."""
    result = 0
    for value in values:
        result = add(result, value)
    return result
