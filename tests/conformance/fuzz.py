"""Ask Pacemaker's scheduler and this one about random CIBs; run by path.

fuzz.py --fresh 400                        every level, fresh seeds; exit status 1 where any differs
fuzz.py --fresh 400 --start 12345          the same again
fuzz.py --record                           raise the floors of the tests to what is reached
fuzz.py --level 2 --seeds 0:200            agreement by aspect, and the seeds that differ
fuzz.py --level 2 --seeds 17:18 --show     the differences of one seed
fuzz.py --level 0 --seeds 0:200            the same for recorded cases with something changed
fuzz.py --level 6 --seeds 0:200            the same for random operation histories
fuzz.py --level 8 --seeds 0:200            the same for much of the language in small CIBs
fuzz.py --level 2 --seeds 17:18 --shrink DIR   the smallest CIB that still differs
fuzz.py --shrink DIR --case ID             the same for a record, or for a CIB by --file

With --cache DIR the answers of the reference are kept there, for the next time.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import dataclasses
import datetime as dt
import functools
import hashlib
import json
import os
import pathlib
import secrets
import sys
import tempfile
from collections import Counter
from types import ModuleType
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import conformance_containers as containers
import conformance_decisions
import conformance_features as features
import conformance_harness as harness
import conformance_lives as lives
import conformance_mutation as mutation
import conformance_names
import conformance_shrink as shrink
import report

LIVES, CONTAINERS, FEATURES = 6, 7, 8
LEVELS = (0, 1, 2, 3, 4, 5, LIVES, CONTAINERS, FEATURES)
"""0: recorded cases with something changed; 1 to 5: the generator's, each with all below it.

The others are our own: operation histories; remote and guest nodes with bundles; much of the
language in small CIBs.
"""
WEIGHTY = ("actions", "final")
"""What runs where at the end, and what is done for it."""
FLOORS = pathlib.Path(__file__).with_name("fuzz_figures.json")
FIXED_SEEDS = range(10)
_SEEDS_MAX = 10**9
_CAUSES_MAX = 3
"""How many decisions together may explain how a CIB comes out."""

Judged = tuple[int, str, dict[str, dict[str, list[str]]]]
"""Seed, what broke, and differences by aspect."""


@dataclasses.dataclass(frozen=True)
class Situation:
    """A CIB, and the time that counts as now; None: the one that it names itself."""

    text: str
    now: float | None = None


def situation(level: int, seed: int, odd: bool = False) -> Situation:
    """Return the situation that a seed makes."""
    if level == 0:
        _, text, now = mutation.generate(seed)
        return Situation(text, now)
    if level == LIVES:
        return Situation(lives.generate(seed))
    if level == CONTAINERS:
        return Situation(containers.generate(seed))
    if level == FEATURES:
        return Situation(features.generate(seed))
    return Situation(harness.load("random_cib").generate(level, seed, odd))


def judge_seed(
    seed: int, level: int, odd: bool, cache: pathlib.Path | None = None
) -> Judged | None:
    """Return how a random CIB comes out; None where the reference has no answer."""
    judged = judge(situation(level, seed, odd), cache)
    return None if judged is None else (seed, *judged)


def judge(
    given: Situation, cache: pathlib.Path | None = None
) -> tuple[str, dict[str, dict[str, list[str]]]] | None:
    """Return what broke and what differs for a CIB; None where the reference has no answer."""
    oracle = harness.load("oracle")
    right = ask(oracle, given) if cache is None else _kept(oracle, given, cache)
    if right is None:
        return None
    try:
        ours = harness.answer(given.text, given.now)
    except Exception as error:  # noqa: BLE001 - a CIB that breaks us is a result like any other
        return f"{type(error).__name__}: {error}", {}
    return "", harness.differ(oracle, right, ours)


def ask(oracle: ModuleType, given: Situation) -> dict[str, Any] | None:
    """Return the reference's answer; None where it refuses, crashes, or goes wrong itself."""
    moment = None
    if given.now is not None:
        moment = dt.datetime.fromtimestamp(given.now, dt.UTC).isoformat()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        path = pathlib.Path(folder, "cib.xml")
        path.write_text(given.text, encoding="utf-8")
        try:
            right = oracle.simulate(str(path), set_datetime=moment, timeout=20)
        except oracle.OracleError:
            return None
    bad = right["rc"] != 0 or right.get("not_simulated") or right["final"] is None
    return None if bad else right


def _kept(oracle: ModuleType, given: Situation, cache: pathlib.Path) -> dict[str, Any] | None:
    key = hashlib.sha256(f"{given.now}\n{given.text}".encode()).hexdigest()
    path = cache / f"{key}.json"
    if path.is_file():
        return json.loads(path.read_text(encoding="utf-8"))
    right = ask(oracle, given)
    cache.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}")
    part.write_text(json.dumps(right), encoding="utf-8")
    part.replace(path)
    return right


def decisions(differences: dict[str, dict[str, list[str]]]) -> list[str]:
    """Return the decisions among the aspects that differ."""
    return [name for name in harness.DECISIONS if name in differences]


def deliberate(
    given: Situation, cache: pathlib.Path | None = None, causes: int = _CAUSES_MAX
) -> str:
    """Return the decision because of which a CIB comes out differently; empty: none is known.

    Where what weighs differs, that must agree without the cause; else every decision must. Of
    several all are named: what is left without the cause of one must be explained by others.
    """
    oracle = harness.load("oracle")
    right = ask(oracle, given) if cache is None else _kept(oracle, given, cache)
    judged = judge(given, cache)
    if right is None or judged is None or judged[0] or not decisions(judged[1]):
        return ""
    aspects = WEIGHTY if _weighs(judged[1]) else harness.DECISIONS
    differing = [judged[1].get(one) for one in aspects]
    rest = []
    for name, text in conformance_decisions.removals(given.text, right, judged[1]):
        without = dataclasses.replace(given, text=text)
        after = judge(without, cache)
        if after is None or after[0] or not _is_unheard(name, right, without, cache):
            continue
        left = [after[1].get(one) for one in aspects]
        if not any(left):
            return name
        if left != differing:
            rest.append((name, without))
    seen = conformance_decisions.seen(given.text, right, judged[1]) if aspects is WEIGHTY else ""
    if seen or causes <= 1:
        return seen
    for name, without in rest:
        others = deliberate(without, cache, causes - 1)
        if others:
            return f"{name}; {others}"
    return ""


def _is_unheard(
    name: str, right: dict[str, Any], without: Situation, cache: pathlib.Path | None
) -> bool:
    """Tell whether the reference says the same without the cause of a decision, where it must."""
    if name not in conformance_names.UNHEARD:
        return True
    oracle = harness.load("oracle")
    again = ask(oracle, without) if cache is None else _kept(oracle, without, cache)
    return again is not None and not _weighs(harness.differ(oracle, right, again))


def _weighs(differences: dict[str, dict[str, list[str]]]) -> bool:
    return any(one in differences for one in WEIGHTY)


def run(
    level: int, seeds: range, jobs: int, odd: bool = False, cache: pathlib.Path | None = None
) -> list[Judged]:
    """Return how the CIBs of seeds come out, those without an answer left out."""
    one = functools.partial(judge_seed, level=level, odd=odd, cache=cache)
    if jobs <= 1:
        found = [one(seed) for seed in seeds]
    else:
        with concurrent.futures.ProcessPoolExecutor(jobs) as pool:
            found = list(pool.map(one, seeds, chunksize=4))
    return [judged for judged in found if judged is not None]


def agreeing(judged: list[Judged], aspects: tuple[str, ...] = harness.DECISIONS) -> int:
    """Return how many agree in all of the aspects."""
    return sum(not error and not any(one in found for one in aspects) for _, error, found in judged)


def _meant(judged: list[Judged], level: int, options: argparse.Namespace) -> dict[int, str]:
    """Return the seeds that differ because of a decision, with it."""
    found = {}
    for seed, error, differences in judged:
        if not error and decisions(differences):
            found[seed] = deliberate(situation(level, seed, options.odd), options.cache)
    return {seed: reason for seed, reason in found.items() if reason}


def _heavy(judged: list[Judged], meant: dict[int, str]) -> int:
    """Return how many differ on purpose in what weighs."""
    return sum(_weighs(differences) for seed, _, differences in judged if seed in meant)


def _summarize(judged: list[Judged], meant: dict[int, str]) -> str:
    counts: Counter[str] = Counter()
    for _, error, differences in judged:
        counts.update(["error"] if error else list(differences))
    lines = [f"{len(judged)} compared, {agreeing(judged)} agree in every decision"]
    weighty = agreeing(judged, WEIGHTY)
    heavy = _heavy(judged, meant)
    lines.append(f"final placement and actions: {weighty} agree, {heavy} differ on purpose")
    lines.append(f"other decisions: {len(meant) - heavy} differ on purpose")
    lines.append("differences: " + ", ".join(f"{k} {v}" for k, v in sorted(counts.items())))
    return "\n".join([*lines, *_differing(judged, meant)])


def _differing(judged: list[Judged], meant: dict[int, str]) -> list[str]:
    bad = [one for one in judged if one[1] or decisions(one[2])]
    return [
        f"  seed {one[0]}: {one[1] or ' '.join(decisions(one[2]))}"
        + (f" (on purpose: {meant[one[0]]})" if one[0] in meant else "")
        for one in bad
    ]


def fresh(count: int, start: int, options: argparse.Namespace) -> bool:
    """Compare ``count`` CIBs of every level; tell whether what weighs differs on purpose only."""
    _say(f"{count} seeds of every level from {start}: again with --fresh {count} --start {start}")
    _say("level  compared  final+actions  on purpose  every decision  on purpose")
    bad = 0
    for level in LEVELS:
        seeds = range(start, start + count)
        judged = run(level, seeds, options.jobs, options.odd, options.cache)
        meant = _meant(judged, level, options)
        weighty, heavy = agreeing(judged, WEIGHTY), _heavy(judged, meant)
        bad += len(judged) - weighty - heavy
        figures = f"{weighty:>14} {heavy:>11} {agreeing(judged):>15} {len(meant) - heavy:>11}"
        _say(f"{level:<5} {len(judged):>9} {figures}")
        for line in _differing(judged, meant):
            _say(line)
    _say(f"{bad} differ in final placement or actions, and not on purpose")
    return not bad


def floors(jobs: int) -> dict[str, int]:
    """Return how many of the tests' seeds agree in every decision, by level."""
    return {str(level): agreeing(run(level, FIXED_SEEDS, jobs)) for level in LEVELS}


def _raise_floors(jobs: int) -> None:
    before = json.loads(FLOORS.read_text(encoding="utf-8"))
    raised = {name: max(count, before.get(name, 0)) for name, count in floors(jobs).items()}
    FLOORS.write_text(json.dumps(raised, indent=1) + "\n", encoding="utf-8")


def _show(given: Situation) -> str:
    oracle = harness.load("oracle")
    right = ask(oracle, given)
    if right is None:
        return "the reference has no answer"
    record = {"class": "-", "expected": right, "title": "given", "cib": "-", "stable": True}
    found = harness.Case("given", "-", stable=True, record=record)
    try:
        ours = harness.answer(given.text, given.now)
    except Exception as error:  # noqa: BLE001 - as above
        return f"BROKEN: {type(error).__name__}: {error}"
    return report.show(harness.compare(found, ours, oracle))


def _shrunk(given: Situation, name: str, folder: pathlib.Path) -> str:
    before = judge(given)
    if before is None:
        return f"{name}: the reference has no answer"
    error, differences = before
    wanted = next((one for one in harness.DECISIONS if one in differences), "")
    if not error and not wanted:
        return f"{name}: agrees"

    def still(candidate: str) -> bool:
        after = judge(dataclasses.replace(given, text=candidate))
        if after is None:
            return False
        kind = error.partition(":")[0]
        if error:
            return after[0].startswith(kind)
        # Nothing else may begin to differ, or the search drifts to another difference.
        return wanted in after[1] and _lines(after[1]) <= _lines(differences)

    small = shrink.shrink(given.text, still)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name}.xml"
    target.write_text(small, encoding="utf-8")
    return f"{target}\n{small}\n{_show(dataclasses.replace(given, text=small))}"


def _lines(differences: dict[str, dict[str, list[str]]]) -> set[str]:
    """Return what is missing and what is extra in the decisions."""
    return {
        f"{aspect} {sign} {line}"
        for aspect in decisions(differences)
        for sign, lines in differences[aspect].items()
        for line in lines
    }


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--level", type=int, choices=LEVELS, default=1)
    parser.add_argument("--seeds", default="0:100", help="A:B, B not included")
    parser.add_argument("--fresh", type=int, metavar="N", help="every level, N fresh seeds")
    parser.add_argument("--start", type=int, help="the first seed with --fresh")
    parser.add_argument("--record", action="store_true", help="raise fuzz_figures.json")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--odd", action="store_true", help="odder situations")
    parser.add_argument("--show", action="store_true", help="print the differences")
    parser.add_argument("--shrink", metavar="DIR", help="write the smallest differing CIBs here")
    parser.add_argument("--case", help="a record instead of seeds")
    parser.add_argument("--file", help="a CIB instead of seeds")
    parser.add_argument("--now", type=float, help="with --file: seconds since the epoch")
    parser.add_argument("--cache", type=pathlib.Path, metavar="DIR", help="keep answers here")
    return parser.parse_args()


def _one_cib(options: argparse.Namespace, folder: pathlib.Path | None) -> None:
    path = pathlib.Path(options.file) if options.file else None
    if path is not None:
        given = Situation(path.read_text(encoding="utf-8"), options.now)
    else:
        record = harness.case(options.case)
        given = Situation(record.text, record.now)
    name = path.stem if path else options.case
    _say(_shrunk(given, f"{name}-small", folder) if folder else _show(given))


def _some_seeds(options: argparse.Namespace, folder: pathlib.Path | None) -> None:
    first, _, last = options.seeds.partition(":")
    seeds = range(int(first), int(last))
    judged = run(options.level, seeds, options.jobs, options.odd, options.cache)
    _say(_summarize(judged, _meant(judged, options.level, options)))
    for one in judged:
        if (one[1] or decisions(one[2])) and (folder or options.show):
            given = situation(options.level, one[0], options.odd)
            name = f"level{options.level}-seed{one[0]}"
            _say(_shrunk(given, name, folder) if folder else _show(given))


def main() -> int:
    """Run the command line."""
    options = _options()
    if harness.missing():
        sys.stderr.write(f"{harness.missing()}\n")
        return 1
    folder = pathlib.Path(options.shrink) if options.shrink else None
    if options.record:
        _raise_floors(options.jobs)
    elif options.fresh is not None:
        start = secrets.randbelow(_SEEDS_MAX) if options.start is None else options.start
        return 0 if fresh(options.fresh, start, options) else 1
    elif options.case or options.file:
        _one_cib(options, folder)
    else:
        _some_seeds(options, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
