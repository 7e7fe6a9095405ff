"""Tests of the program's edge: exit statuses, wrong usage, start-up, no traceback."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pytest

from reconciler.cli import catalogue, main, terminal
from reconciler.render import styled

ROOT = pathlib.Path(__file__).parents[2]
PROGRAM = pathlib.Path(sys.executable).with_name("reconcile")
HEAVY = ("networkx", "asyncio", "pyghmi", "rich", "pydantic", "structlog", "ruamel", "watchfiles")


def imported(*words: str, path: pathlib.Path | None = None) -> set[str]:
    """The modules that a command imports, in a process of its own; ``path``: further packages."""
    known = {**os.environ, "PYTHONPATH": str(path)} if path else None
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "reconciler.cli.main", *words],
        cwd=ROOT,
        env=known,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return {
        row.rpartition("|")[2].strip()
        for row in done.stderr.splitlines()
        if row.startswith("import time:")
    }


@pytest.mark.parametrize("words", [["--help"], ["--version"]])
def test_help_and_version_import_nothing_heavy(words):
    """Start-up is instant because neither libraries nor verbs are imported."""
    found = imported(*words)

    assert "click" in found
    assert not {name for name in found if name.split(".")[0] in HEAVY}
    assert not {name for name in found if name.startswith("reconciler.cli.verbs.")}


def test_validate_imports_no_machinery_of_the_cluster(manifests):
    """Checking manifests needs no event loop, no graph library and no drawing."""
    found = imported("validate", str(manifests))

    needless = {"networkx", "pyghmi", "rich", "structlog", "watchfiles", "asyncio"}
    assert not {name for name in found if name.split(".")[0] in needless}


def test_validate_loads_no_plugin_of_the_shape_checker(manifests, tmp_path):
    """A package that offers to change how values are checked is not even imported."""
    (tmp_path / "meddling.py").write_text("plugin = None\n")
    described = tmp_path / "meddling-1.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: meddling\nVersion: 1\n")
    (described / "entry_points.txt").write_text("[pydantic]\nmeddling = meddling:plugin\n")

    found = imported("validate", str(manifests), path=tmp_path)

    assert any(name.startswith("pydantic") for name in found)
    assert "meddling" not in found


def test_help_names_every_verb_and_nothing_needs_a_manifest(reconcile):
    """``--help`` lists all verbs; each verb's own help can be shown."""
    shown = reconcile("--help")

    assert shown.status == 0
    for name in catalogue.VERBS:
        assert f"  {name} " in shown.out
        helped = reconcile(name, "--help")
        assert helped.status == 0
        assert "Usage: reconcile" in helped.out


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (["plam"], "'plan'"),
        (["plan", "--detailed-exit-code"], "'--detailed-exitcode'"),
        (["sandbox", "upp"], "'up'"),
        (["apply", "--timeout", "soon"], "length of time"),
        (["plan", "-o", "xml"], "'xml'"),
        (["show", "constraint"], "constraint"),
        (["agents", "describe"], "AGENT"),
    ],
)
def test_wrong_usage_is_64_and_names_what_is_near(reconcile, words, near):
    """An unknown command or option ends with 64 and offers the nearest; never 2."""
    ended = reconcile(*words)

    assert ended.status == 64
    assert near in ended.err
    assert "--help" in ended.err
    assert ended.out == ""


def test_a_mistake_of_the_program_is_one_line_and_status_1(reconcile, monkeypatch):
    """No traceback is shown unless it is asked for."""

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("odd")

    monkeypatch.setattr(main.group, "main", broken)

    plain, debugged = reconcile("plan"), reconcile("plan", "--debug")

    assert plain.status == debugged.status == 1
    assert "Traceback" not in plain.err
    assert "--debug" in plain.err
    assert "Traceback" in debugged.err


def test_an_interrupt_is_130(reconcile, monkeypatch):
    """Ctrl-C ends with 128 + SIGINT."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(main.group, "main", interrupted)

    assert reconcile("plan").status == 130


def test_a_closed_stdout_is_no_traceback():
    """With nobody reading stdout the program ends quietly."""
    with subprocess.Popen(
        [PROGRAM, "agents", "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        said = process.stderr.read().decode()
        status = process.wait(60)

    assert said == ""
    assert status == 141


class Terminal:
    """A stream that says it is a terminal."""

    def __init__(self) -> None:
        self.written = ""

    def isatty(self) -> bool:
        """Always."""
        return True

    def write(self, text: str) -> int:
        """Keep it."""
        self.written += text
        return len(text)

    def flush(self) -> None:
        """Nothing to do."""


@pytest.mark.parametrize(
    ("settings", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_colour_only_on_a_terminal_that_wants_it(monkeypatch, settings, coloured):
    """NO_COLOR and a dumb terminal get the same text without escape sequences."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    stream = Terminal()

    terminal.Screen(stream).lines([styled.line(styled.span("x", styled.Style.BAD))])

    assert ("\x1b[31m" in stream.written) is coloured


def test_lines_are_folded_on_a_terminal_only(monkeypatch, capsys):
    """A terminal of 40 columns gets folded lines, a pipe the whole line."""
    monkeypatch.setenv("COLUMNS", "40")
    whole = styled.line("word " * 20)
    stream = Terminal()

    terminal.Screen(stream).lines([whole])
    terminal.output().lines([whole])

    assert max(map(len, stream.written.splitlines())) <= 40
    assert len(capsys.readouterr().out.splitlines()) == 1
