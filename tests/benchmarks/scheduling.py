"""Times scheduling beside crm_simulate on generated clusters: python tests/benchmarks/scheduling.py.

Both get the same files in one run, one after the other. Ours reads the file, schedules and prints
the plan with every step; the reference reads the file and schedules, and prints nothing, so it
does less. ``--full`` waits for the reference however long it takes (20 minutes), ``--readme``
puts the table into the README.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import io
import math
import os
import pathlib
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
GENERATOR = REPOSITORY.parent / "shared" / "conformance" / "scale_cib.py"
README = REPOSITORY / "README.md"
BEGIN, END = "<!-- make bench: begin -->\n", "<!-- make bench: end -->\n"

PRIMITIVES = (10, 100, 1_000, 3_000)
NODES = (3, 16, 32)
CASES = {
    "cold": "cold start",
    "fail": "one node lost",
    "idle": "nothing to do",
}
LOST = 'in_ccm="false" crmd="offline" join="down" expected="member"'
THERE = 'in_ccm="true" crmd="online" join="member" expected="member"'

LIMIT_S = 20.0
FULL_LIMIT_S = 3_600.0
ENOUGH_S = 10.0
"""What takes longer than this is measured once."""
WARM_RUNS = 5


@dataclass(frozen=True)
class Figure:
    """What one process took: processor time and peak memory.

    Both programs keep one processor busy from begin to end, so on an idle machine this is the time
    on the clock; other work on a shared one does not count. Infinite: stopped at the limit.
    """

    seconds: float
    megabytes: float


@dataclass(frozen=True)
class Row:
    """One cluster: ours as a whole process and repeated in one, and the reference."""

    primitives: int
    nodes: int
    case: str
    kilobytes: int
    ours: Figure
    warm_s: float
    reference: Figure


def generate(primitives: int, nodes: int, case: str) -> str:
    """Return the CIB of one case; nothing to do is one node lost before it was lost."""
    spec = importlib.util.spec_from_file_location("scale_cib", GENERATOR)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = io.StringIO()
    module.write(text, primitives, nodes, "cold" if case == "cold" else "fail")
    return text.getvalue().replace(LOST, THERE) if case == "idle" else text.getvalue()


def run(words: Sequence[str], limit_s: float) -> Figure:
    """Run a program to its end, its output thrown away, and return what it took.

    Raises:
        RuntimeError: it failed.
    """
    with tempfile.TemporaryDirectory() as directory:
        env = {**os.environ, "TZ": "UTC", "LC_ALL": "C", "CIB_shadow_dir": directory}
        process = subprocess.Popen(
            words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        seconds = math.ceil(limit_s)
        resource.prlimit(process.pid, resource.RLIMIT_CPU, (seconds, seconds))
        # wait4 tells what this one child used; the sums over all children never fall again.
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    megabytes = used.ru_maxrss / 1024
    if process.returncode in {-signal.SIGXCPU, -signal.SIGKILL}:
        return Figure(math.inf, megabytes)
    if process.returncode:
        raise RuntimeError(f"{words[0]} ended with {process.returncode}")
    return Figure(used.ru_utime + used.ru_stime, megabytes)


def ours(path: str) -> list[str]:
    """Return our command line for a CIB."""
    program = pathlib.Path(sys.executable).with_name("reconcile")
    return [str(program), "simulate", "--cib", path]


def reference(path: str) -> list[str]:
    """Return the reference's command line for a CIB."""
    return ["crm_simulate", "--run", "--quiet", "--xml-file", path]


def warm(path: str) -> float:
    """Return the median time of reading, scheduling and writing in one process, in seconds."""
    from reconciler.cib import read
    from reconciler.render import plan_text, styled
    from reconciler.scheduler import pipeline

    gc.disable()  # as the program does
    times: list[float] = []
    while len(times) < WARM_RUNS and sum(times) < ENOUGH_S:
        begin = time.process_time()
        found = read.read(pathlib.Path(path).read_text(encoding="utf-8"))
        styled.plain(plan_text.lines(pipeline.schedule(found.desired, found.observed)))
        times.append(time.process_time() - begin)
    return statistics.median(times)


def measure(primitives: int, nodes: int, case: str, *, runs: int, limit_s: float) -> Row:
    """Time both programs in turn on one generated cluster; medians."""
    mine: list[Figure] = []
    others: list[Figure] = []
    with tempfile.NamedTemporaryFile("w", suffix=".xml", encoding="utf-8") as file:
        file.write(generate(primitives, nodes, case))
        file.flush()
        for _ in range(runs):
            if not others or others[-1].seconds < ENOUGH_S:
                others.append(run(reference(file.name), limit_s))
            mine.append(run(ours(file.name), FULL_LIMIT_S))
        words = [sys.executable, __file__, "--warm", file.name]
        told = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
        size = pathlib.Path(file.name).stat().st_size // 1024
    return Row(primitives, nodes, case, size, _median(mine), float(told.stdout), _median(others))


def _median(figures: Sequence[Figure]) -> Figure:
    return Figure(
        statistics.median(one.seconds for one in figures),
        statistics.median(one.megabytes for one in figures),
    )


def table(rows: Sequence[Row], limit_s: float) -> Iterator[str]:
    """Yield the lines of the table, and how times grow with ten times the primitives."""
    yield (
        "| primitives | nodes | case | CIB | `reconcile` | in one process | `crm_simulate` "
        "| times faster | in one process | memory | of `crm_simulate` |"
    )
    yield "|" + "---:|" * 2 + "---|" + "---:|" * 8
    for row in rows:
        yield _line(row, limit_s)
    yield ""
    yield "| from 100 to 1,000 primitives | times as long | `crm_simulate` |"
    yield "|---|---:|---:|"
    by_size = {(row.primitives, row.nodes, row.case): row for row in rows}
    for (primitives, nodes, case), small in by_size.items():
        large = by_size.get((primitives * 10, nodes, case))
        if primitives == PRIMITIVES[1] and large is not None:
            mine = large.warm_s / small.warm_s
            other = _ratio(large.reference.seconds, small.reference.seconds, limit_s)
            yield f"| {nodes} nodes, {CASES[case]} | {mine:.1f} | {other} |"


def _line(row: Row, limit_s: float) -> str:
    cells = [
        f"{row.primitives:,}",
        str(row.nodes),
        CASES[row.case],
        f"{row.kilobytes:,} KiB",
        _seconds(row.ours.seconds, limit_s),
        _seconds(row.warm_s, limit_s),
        _seconds(row.reference.seconds, limit_s),
        _ratio(row.reference.seconds, row.ours.seconds, limit_s),
        _ratio(row.reference.seconds, row.warm_s, limit_s),
        f"{row.ours.megabytes:.0f} MB",
        f"{_mark(row.reference.seconds)}{row.reference.megabytes:.0f} MB",
    ]
    return f"| {' | '.join(cells)} |"


def _seconds(value: float, limit_s: float) -> str:
    if math.isinf(value):
        return f">{limit_s:.0f} s"
    return f"{value:.3f} s" if value < 1 else f"{value:.1f} s"


def _mark(seconds: float) -> str:
    """Return the sign of what is only known to be more: the run was stopped at the limit."""
    return ">" if math.isinf(seconds) else ""


def _ratio(above: float, below: float, limit_s: float) -> str:
    mark = _mark(above)
    value = min(above, limit_s) / below
    return f"{mark}{value:.1f}" if value < 10 else f"{mark}{value:,.0f}"


def update_readme(lines: Sequence[str]) -> None:
    """Put the table between its two markers."""
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    text = "\n".join(lines)
    README.write_text(f"{before}{BEGIN}\n{text}\n\n{END}{after}", encoding="utf-8")


def missing() -> str:
    """Return why nothing can be measured here; empty: it can."""
    if not GENERATOR.is_file():
        return f"no generator of clusters at {GENERATOR}"
    if shutil.which("crm_simulate") is None:
        return "crm_simulate is not installed (Debian package pacemaker-cli-utils)"
    return ""


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--primitives", type=int, nargs="*", default=PRIMITIVES)
    parser.add_argument("--nodes", type=int, nargs="*", default=NODES)
    parser.add_argument("--cases", nargs="*", choices=[*CASES], default=[*CASES])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument(
        "--limit", type=float, default=LIMIT_S, help="seconds of processor for the reference"
    )
    parser.add_argument("--full", action="store_true", help="let the reference take its time")
    parser.add_argument("--readme", action="store_true", help="put the table into the README")
    parser.add_argument("--warm", metavar="CIB", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    chosen = _options()
    if chosen.warm:
        sys.stdout.write(f"{warm(chosen.warm)}\n")
        return
    reason = missing()
    if reason:
        sys.stdout.write(f"skipped: {reason}\n")
        return
    limit_s = FULL_LIMIT_S if chosen.full else chosen.limit
    rows = []
    for primitives in chosen.primitives:
        for nodes in chosen.nodes:
            for case in chosen.cases:
                row = measure(primitives, nodes, case, runs=chosen.runs, limit_s=limit_s)
                rows.append(row)
                sys.stderr.write(_line(row, limit_s) + "\n")
    lines = [*table(rows, limit_s)]
    sys.stdout.write("\n".join(lines) + "\n")
    if chosen.readme:
        update_readme(lines)


if __name__ == "__main__":
    main()
