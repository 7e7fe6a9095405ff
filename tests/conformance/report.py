"""Show how far this scheduler decides as Pacemaker's does; run by path.

report.py                   agreement by class and aspect, checked against differences.toml
report.py --failing         what differs, too, with the reasons
report.py --case ID         one case: differences, both answers
report.py --record          take out of the list what agrees now
report.py --record --accept REASON   put into the list what differs now, too

Exit status 1: something differs that is not listed, or is listed and agrees.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import pathlib
import sys
from collections import Counter

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import conformance_differences as differences
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


def failing(results: list[harness.Result], entries: differences.Entries) -> str:
    """Return what differs, with the reasons."""
    lines = []
    for result in results:
        if result.differing:
            known = entries.get(result.case.id)
            reason = known.reason if known else "NOT LISTED"
            what = result.error or ", ".join(result.differing)
            lines.append(f"{result.case.family} {result.case.id}: {what} ({reason})")
    return "\n".join(lines)


def listing(entries: differences.Entries) -> str:
    """Return in a line how long the list is and what it says."""
    reasons = Counter(
        "by decision" if one.decision else one.reason for one in entries.values()
    ).most_common()
    counted = ", ".join(f"{reason} {count}" for reason, count in reasons)
    return f"{len(entries)} cases listed in {differences.FILE.name}: {counted or 'none'}"


def complaints(verdict: differences.Verdict) -> str:
    """Return where results and list disagree."""
    lines = [f"differs, not listed: {name}: {', '.join(one)}" for name, one in verdict.new.items()]
    lines += [f"listed, but agrees: {name}: {', '.join(one)}" for name, one in verdict.gone.items()]
    if not verdict.new and verdict.gone:
        lines.append("take them out with: report.py --record")
    elif verdict.new:
        lines.append("mend them, or give the reason: report.py --record --accept REASON")
    return "\n".join(lines)


def _say(text: str) -> None:
    if text:
        sys.stdout.write(f"{text}\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", help="show this one")
    parser.add_argument("--class", dest="family", choices=harness.CLASSES)
    parser.add_argument("--failing", action="store_true", help="list what differs")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--record", action="store_true", help="shrink differences.toml")
    parser.add_argument("--accept", metavar="REASON", help="with --record: let it grow")
    return parser.parse_args()


def _checked(
    results: list[harness.Result], entries: differences.Entries, options: argparse.Namespace
) -> int:
    """Compare results with the list, or bring it up to date; return the exit status."""
    verdict = differences.judge(results, entries)
    if options.record and options.accept:
        entries = differences.accepting(entries, verdict, options.accept)
        verdict = differences.judge(results, entries)
    if options.record and not verdict.new:
        entries = differences.without(entries, verdict)
        verdict = differences.judge(results, entries)
        differences.FILE.write_text(differences.text(entries), encoding="utf-8")
    _say(listing(entries))
    if not verdict.holds:
        sys.stderr.write(f"{complaints(verdict)}\n")
    elif differences.FILE.read_text(encoding="utf-8") != differences.text(entries):
        sys.stderr.write(f"{differences.FILE.name} is out of order: report.py --record\n")
        return 1
    return 0 if verdict.holds else 1


def main() -> int:
    """Run the command line."""
    options = _options()
    if harness.missing():
        sys.stderr.write(f"{harness.missing()}\n")
        return 1
    if options.case:
        _say(show(_one(options.case)))
        return 0
    wanted = [name for name, family in harness.identities() if options.family in {None, family}]
    results = evaluate(wanted, options.jobs)
    entries = differences.read()
    _say(table(harness.figures(results)))
    if options.failing:
        _say(failing(results, entries))
    return _checked(results, entries, options)


if __name__ == "__main__":
    sys.exit(main())
