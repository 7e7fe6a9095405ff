"""Comparing this scheduler with recorded decisions of Pacemaker's.

The records live outside of the repository (their inputs are not ours to copy); where they are
missing, tests that need them are skipped, but never in CI.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import pathlib
from collections import Counter
from types import ModuleType
from typing import Any

from reconciler.cib import read
from reconciler.cli import recorded

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
DATA = REPOSITORY.parent / "shared" / "conformance"
CLASSES = ("A", "B", "C", "D", "E")
DECISIONS = ("summary", "fencing", "actions", "order", "final")
COMPARED = (*DECISIONS, "initial", "scores")
"""The decisions, and what helps to find out why one differs."""
ASPECTS = (*DECISIONS, "all", "initial", "scores")
"""The columns of the figures; ``all``: every decision agrees."""


def missing() -> str:
    """Return why the recorded decisions cannot be used; empty: they can."""
    return "" if (DATA / "oracle.py").is_file() else f"no conformance data at {DATA}"


def in_ci() -> bool:
    """Tell whether a missing thing must fail instead of skip."""
    return os.environ.get("CI", "").lower() == "true"


def load(name: str) -> ModuleType:
    """Return one of the programs that come with the records, as a module."""
    spec = importlib.util.spec_from_file_location(name, DATA / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclasses.dataclass(frozen=True)
class Case:
    """One record."""

    id: str
    family: str
    stable: bool
    record: dict[str, Any]

    @property
    def text(self) -> str:
        """The CIB."""
        return (DATA / self.record["cib"]).read_text(encoding="utf-8")

    @property
    def now(self) -> float:
        """The time that counts as now."""
        return float(self.record["time"]["epoch"])

    @property
    def answers(self) -> list[dict[str, Any]]:
        """The answers that are right: the reference's own, and a later release's."""
        expected = self.record["expected"]
        later = self.record.get("later")
        return [expected] if later is None else [expected, {**expected, **later, "final": None}]


@dataclasses.dataclass
class Result:
    """How one case came out.

    Attributes:
        differences: aspect to what is missing and extra, against the nearest right answer.
        error: what broke, if anything did.
        ours: our own answer.
        answer: the right answer that ours is nearest to.
    """

    case: Case
    differences: dict[str, Any]
    error: str = ""
    ours: dict[str, Any] = dataclasses.field(default_factory=dict)
    answer: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def differing(self) -> tuple[str, ...]:
        """The aspects that differ; all of them where the case breaks us."""
        return tuple(one for one in COMPARED if not self.agrees(one))

    def agrees(self, aspect: str) -> bool:
        """Tell whether we decided the same."""
        if self.error:
            return False
        if aspect == "all":
            return not any(one in self.differences for one in DECISIONS)
        return aspect not in self.differences


def identities() -> list[tuple[str, str]]:
    """Return the ids and classes of the records that can be compared."""
    index = json.loads((DATA / "index.json").read_text(encoding="utf-8"))
    return [(one["id"], one["class"]) for one in index["cases"] if one.get("reference_ok", True)]


def case(identity: str) -> Case:
    """Return a record."""
    record = json.loads((DATA / "cases" / f"{identity}.json").read_text(encoding="utf-8"))
    return Case(identity, record["class"], record["stable"], record)


def answer(text: str, now: float | None) -> dict[str, Any]:
    """Return our decisions about a CIB in the form of a record."""
    return recorded.record(read.read(text, now=now))


def evaluate(one: Case, oracle: ModuleType) -> Result:
    """Return how our decisions about a case compare with the right ones."""
    try:
        ours = answer(one.text, one.now)
    except Exception as error:  # noqa: BLE001 - a case that breaks is a result like any other
        return Result(one, {}, error=f"{type(error).__name__}: {error}")
    return compare(one, ours, oracle)


def compare(one: Case, ours: dict[str, Any], oracle: ModuleType) -> Result:
    """Return how an answer compares with the right answer that it is nearest to."""
    best: Result | None = None
    for right in one.answers:
        differences = differ(oracle, right, ours)
        if best is None or len(differences) < len(best.differences):
            best = Result(one, differences, ours=ours, answer=right)
    assert best is not None
    return best


def differ(oracle: ModuleType, right: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    """Return the differences between two answers by aspect."""
    aspects = [name for name in DECISIONS if name != "final" or right["final"] is not None]
    differences: dict[str, Any] = oracle.compare(right, ours, aspects=aspects)
    before = _placement_difference(right["initial"]["placement"], ours["initial"]["placement"])
    if before:
        differences["initial"] = before
    scores = score_difference(right.get("scores") or {}, ours["scores"])
    if scores:
        differences["scores"] = scores
    return differences


def _placement_difference(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    first, second = (
        Counter(
            f"{name} {node} {role}" for name, nodes in one.items() for node, role in nodes.items()
        )
        for one in (left, right)
    )
    if first == second:
        return {}
    return {
        "missing": sorted((first - second).elements()),
        "extra": sorted((second - first).elements()),
    }


def score_difference(recorded: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    """Return where scores of primitives without instance number differ.

    A recorded list holds the values of several moments; any of them is right.
    """
    missing, extra = [], []
    for name, nodes in recorded.get("primitive", {}).items():
        if ":" in name:
            continue
        for node, value in nodes.items():
            found = ours.get("primitive", {}).get(name, {}).get(node)
            if not _values(found) & _values(value):
                missing.append(f"{name} {node} {value}")
                extra.append(f"{name} {node} {found}")
    return {"missing": missing, "extra": extra} if missing else {}


def _values(score: int | list[int] | None) -> set[int]:
    """Return the values that a score had."""
    return {score} if isinstance(score, int) else set(score or ())


Figures = dict[str, dict[str, int]]
"""Class to aspect to the number of cases that agree, with the number of all under ``cases``."""


def figures(results: list[Result]) -> Figures:
    """Return how many cases of each class agree on each aspect."""
    found: Figures = {}
    for family in CLASSES:
        mine = [one for one in results if one.case.family == family]
        if mine:
            found[family] = {"cases": len(mine)} | {
                aspect: sum(one.agrees(aspect) for one in mine) for aspect in ASPECTS
            }
    return found
