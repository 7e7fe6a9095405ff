"""Findings as ``FILE:LINE:COL: error[CODE]: ...`` with the source line, as JSON, and for CI."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from reconciler.errors import position
from reconciler.errors.diagnostic import Diagnostic, Severity
from reconciler.render import escape, sentences
from reconciler.render.styled import EMPTY, Line, Lines, Span, Style, line, span

Sources = Mapping[str, Sequence[str]]
"""File, as it stands in positions, to its lines."""

SHOWN_MAX = 50
"""More findings than this are counted, not shown."""
_SOURCE_COLUMNS_MAX = 100
_SECRET_ROW = re.compile(
    r"(pass(w|phrase)|secret|token|private.?key)[\w-]*['\"]?\s*:\s*[^{\s]", re.IGNORECASE
)

STYLES: dict[Severity, Style] = {
    Severity.ERROR: Style.BAD,
    Severity.WARNING: Style.WARNING,
    Severity.NOTE: Style.NOTE,
}


def lines(findings: Iterable[Diagnostic], sources: Sources | None = None) -> Lines:
    """Return findings as lines, sorted by position, each with its source line and a caret.

    Args:
        findings: what was found, at most ``SHOWN_MAX`` of them are shown.
        sources: the lines of the files; without them a finding has no source line.
    """
    ordered = sorted(findings, key=_order)
    result: list[Line] = []
    for one in ordered[:SHOWN_MAX]:
        result.extend(_finding(one, sources or {}))
    if len(ordered) > SHOWN_MAX:
        result.append(line(f"... and {len(ordered) - SHOWN_MAX} more"))
    return tuple(result)


def _order(one: Diagnostic) -> tuple[position.Position, str, str]:
    return one.position, one.code, one.message


def sentence(one: Diagnostic) -> str:
    """Return message, fix and nearest names of a finding as one sentence."""
    return one.message + (f", {one.fix}" if one.fix else "") + nearest(one.nearest)


def nearest(names: Iterable[str]) -> str:
    """Return ``; did you mean 'a' or 'b'?``, or nothing where there are no names."""
    quoted = [f"'{name}'" for name in names][:3]
    if not quoted:
        return ""
    listed = quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
    return f"; did you mean {listed}?"


def _finding(one: Diagnostic, sources: Sources) -> Iterable[Line]:
    where = f"{one.position}: " if one.position.file else ""
    kind = span(f"{one.severity.value}[{one.code}]", STYLES[one.severity])
    yield line(span(where, Style.STRONG), kind, f": {sentence(one)}", hang=4)
    yield from _source(one.position, STYLES[one.severity], sources)
    for where_else, role in one.related:
        yield line("    ", span(f"{where_else}: ", Style.STRONG), role, hang=8)


def _source(where: position.Position, style: Style, sources: Sources) -> Iterable[Line]:
    rows = sources.get(where.file, ())
    if not 1 <= where.line <= len(rows):
        return
    row = rows[where.line - 1].rstrip("\r")
    if _SECRET_ROW.search(row):
        return
    column = min(max(where.column, 1), len(row) + 1)
    first = max(0, column - _SOURCE_COLUMNS_MAX // 2) if len(row) > _SOURCE_COLUMNS_MAX else 0
    before = escape.visible(row[first : column - 1])
    shown = before + escape.visible(row[column - 1 : first + _SOURCE_COLUMNS_MAX])
    number = str(where.line)
    bar = Span(f" {' ' * len(number)} | ", Style.FAINT)
    yield Line((Span(f" {number} | ", Style.FAINT), Span(shown)))
    if where.column:
        width = max(1, len(escape.visible(_word(row, column))))
        yield Line((bar, Span(" " * len(before)), Span("^" + "~" * (width - 1), style)))


def _word(row: str, column: int) -> str:
    rest = row[column - 1 :]
    if rest[:1] in {"'", '"'} and rest[0] in rest[1:]:
        return rest[: rest.index(rest[0], 1) + 1]
    end = next((at for at, one in enumerate(rest) if one.isspace() or one in ":,]}#"), len(rest))
    return rest[: min(end, _SOURCE_COLUMNS_MAX // 2)]


def summary(findings: Iterable[Diagnostic]) -> Line:
    """Return ``2 errors, 1 warning``."""
    many = list(findings)
    counts = [(kind, sum(one.severity is kind for one in many)) for kind in Severity]
    parts: list[Span] = []
    for kind, count in counts:
        if count:
            parts.append(Span(", ") if parts else Span(""))
            parts.append(Span(f"{count} {kind.value}{'s' * (count != 1)}", STYLES[kind]))
    return Line(tuple(parts)) if parts else EMPTY


def as_json(findings: Iterable[Diagnostic]) -> list[dict[str, object]]:
    """Return findings as JSON values, sorted by position."""
    return [
        {
            "code": one.code,
            "severity": one.severity.value,
            "message": one.message,
            "fix": one.fix,
            "nearest": list(one.nearest),
            "file": one.position.file,
            "line": one.position.line,
            "column": one.position.column,
            "related": [
                {"position": sentences.position_json(where), "role": role}
                for where, role in one.related
            ],
        }
        for one in sorted(findings, key=_order)
    ]


_GITHUB_WORDS: dict[Severity, str] = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.NOTE: "notice",
}


def github(findings: Iterable[Diagnostic]) -> str:
    """Return findings as workflow commands, which GitHub shows beside the changed lines.

    GitHub Actions documentation, "Workflow commands": ``%``, CR and LF are escaped, in properties
    also ``:`` and ``,``.
    """
    return "".join(
        f"::{_GITHUB_WORDS[one.severity]} file={_property(one.position.file)},"
        f"line={one.position.line},col={one.position.column},"
        f"title={_property(one.code)}::{_data(sentence(one))}\n"
        for one in sorted(findings, key=_order)
    )


def _data(text: str) -> str:
    return escape.visible(text).replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
