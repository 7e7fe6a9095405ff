"""Tests of reconciler.render.diagnostics."""

from __future__ import annotations

from reconciler.errors.diagnostic import Diagnostic, Severity
from reconciler.errors.position import Position
from reconciler.render import diagnostics, styled

SOURCE = "resources:\n  p_vip:\n    agnet: ocf:heartbeat:IPaddr2\n    password: hunter2\n"
SOURCES = {"a.yaml": SOURCE.splitlines()}


def finding(line: int = 3, column: int = 5, **more: object) -> Diagnostic:
    """A finding in the source above."""
    values = {"code": "unknown-field", "message": "unknown field 'agnet'", **more}
    return Diagnostic(position=Position("a.yaml", line, column), **values)


def text(*findings: Diagnostic, sources: dict[str, list[str]] = SOURCES) -> str:
    """The findings as plain text."""
    return styled.plain(diagnostics.lines(findings, sources))


def test_shows_position_code_nearest_name_and_source_line_with_caret():
    """A finding names file, line, column, code and nearest name, and points at the word."""
    assert text(finding(nearest=("agent",))) == (
        "a.yaml:3:5: error[unknown-field]: unknown field 'agnet'; did you mean 'agent'?\n"
        " 3 |     agnet: ocf:heartbeat:IPaddr2\n"
        "   |     ^~~~~\n"
    )


def test_sorts_by_position_and_counts_what_is_too_much():
    """Findings stand in the order of the file, and beyond fifty only their number is said."""
    many = [finding(line, 1) for line in range(80, 0, -1)]

    shown = text(*many, sources={})

    assert shown.startswith("a.yaml:1:1: ")
    assert shown.endswith("... and 30 more\n")
    assert shown.count("\n") == 51


def test_control_and_direction_characters_are_written_out():
    """A name with escape sequences or direction overrides cannot steer the terminal."""
    shown = text(
        Diagnostic("bad-name", "name 'a\x1b[2Jb\u202ec'", Position("x\x07.yaml", 1, 1)),
        sources={"x\x07.yaml": ["a\x1b[2J\u202e: 1"]},
    )

    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "\\x1b[2Jb\\u202ec" in shown
    assert "x\\x07.yaml:1:1" in shown


def test_a_line_that_may_hold_a_secret_is_never_shown():
    """The source line of a password is left out, whatever the finding is about."""
    shown = text(finding(line=4, message="expected a mapping"))

    assert "hunter2" not in shown
    assert "a.yaml:4:5" in shown


def test_a_long_line_is_cut_around_the_finding():
    """A line of a thousand columns is shown in part, with the caret below the right word."""
    row = "a" * 500 + " wrong " + "b" * 500

    shown = text(
        Diagnostic("x", "y", Position("l.yaml", 1, 502)), sources={"l.yaml": [row]}
    ).splitlines()

    assert max(map(len, shown)) < 120
    caret = shown[2].index("^")
    assert shown[1][caret : caret + 5] == "wrong"


def test_related_positions_follow():
    """A conflict names its other position too."""
    shown = text(finding(related=((Position("b.yaml", 9, 1), "first defined here"),)))

    assert "    b.yaml:9:1: first defined here\n" in shown


def test_summary_counts_by_severity():
    """The summary counts errors and warnings, with plurals."""
    found = [finding(), finding(), finding(severity=Severity.WARNING)]

    assert diagnostics.summary(found).text == "2 errors, 1 warning"


def test_json_has_code_file_line_and_column():
    """The JSON of a finding carries what an editor or CI needs."""
    (one,) = diagnostics.as_json([finding(nearest=("agent",))])

    assert one["code"] == "unknown-field"
    assert (one["file"], one["line"], one["column"]) == ("a.yaml", 3, 5)
    assert one["nearest"] == ["agent"]


def test_github_commands_escape_what_would_end_them():
    """A message cannot smuggle in a second workflow command."""
    shown = diagnostics.github([finding(message="50%\n::error::x")])

    assert shown.count("\n") == 1
    assert "50%25\\n::error::x" in shown
    assert shown.startswith("::error file=a.yaml,line=3,col=5,title=unknown-field::")
