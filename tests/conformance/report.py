"""Show how far this scheduler decides as Pacemaker's does; run by path.

report.py                   agreement by class and aspect
report.py --failing         the ids that differ, too, with the aspects
report.py --case ID         one case: differences, both answers
report.py --record          keep the figures as the floor for the tests
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import pathlib
import sys
from collections import Counter

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import conformance_harness as harness


def _one(identity: str) -> harness.Result:
    return harness.evaluate(harness.case(identity), harness.load("oracle"))


def evaluate(identities: list[str], jobs: int) -> list[harness.Result]:
    """Return the results of cases, worked on by several processes."""
    if jobs <= 1:
        return [_one(one) for one in identities]
    with concurrent.futures.ProcessPoolExecutor(jobs) as pool:
        return list(pool.map(_one, identities, chunksize=8))


def table(figures: harness.Figures) -> str:
    """Return the figures as a table."""
    lines = ["class  cases " + "".join(f"{aspect:>10}" for aspect in harness.ASPECTS)]
    total: Counter[str] = Counter()
    for family, row in figures.items():
        total.update(row)
        lines.append(_row(family, row))
    lines.append(_row("total", dict(total)))
    return "\n".join(lines)


def _row(name: str, row: dict[str, int]) -> str:
    cells = "".join(f"{row[aspect]:>10}" for aspect in harness.ASPECTS)
    return f"{name:<6} {row['cases']:>5} {cells}"


def show(result: harness.Result) -> str:
    """Return one case in readable form."""
    lines = [
        f"case {result.case.id}: {result.case.record['title']}",
        f"  cib: {harness.DATA / result.case.record['cib']}",
    ]
    if result.error:
        return "\n".join([*lines, f"  BROKEN: {result.error}"])
    ours, right = result.ours, result.answer
    lines.append("  differs in: " + (", ".join(result.differences) or "nothing"))
    for aspect, difference in result.differences.items():
        lines.append(f"  {aspect}:")
        lines.extend(f"    - {one}" for one in difference["missing"])
        lines.extend(f"    + {one}" for one in difference["extra"])
    lines.append("  summary of the reference:")
    lines.extend(f"    {_entry(one)}" for one in right["summary"])
    lines.append("  ours:")
    lines.extend(f"    {_entry(one)}" for one in ours["summary"])
    lines.append("  scores (reference | ours):")
    for name, nodes in sorted(right.get("scores", {}).get("primitive", {}).items()):
        lines.append(f"    {name}: {nodes} | {ours['scores']['primitive'].get(name)}")
    if right.get("promotion_scores") or ours["promotion_scores"]:
        lines.append(f"  promotion: {right.get('promotion_scores')} | {ours['promotion_scores']}")
    return "\n".join(lines)


def _entry(one: dict[str, object]) -> str:
    words = (f"{name}={value}" for name, value in one.items() if name != "action")
    return f"{one['action']} " + " ".join(words)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", help="show this one")
    parser.add_argument("--class", dest="family", choices=harness.CLASSES)
    parser.add_argument("--failing", action="store_true", help="list what differs")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--record", action="store_true", help="write figures.json")
    options = parser.parse_args()
    if harness.missing():
        sys.stderr.write(f"{harness.missing()}\n")
        return 1
    if options.case:
        _say(show(_one(options.case)))
        return 0
    wanted = [name for name, family in harness.identities() if options.family in {None, family}]
    results = evaluate(wanted, options.jobs)
    figures = harness.figures(results)
    _say(table(figures))
    if options.failing:
        for result in results:
            if result.error or not result.agrees("all"):
                what = result.error or ", ".join(result.differences)
                _say(f"{result.case.family} {result.case.id}: {what}")
    if options.record:
        harness.FIGURES.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
