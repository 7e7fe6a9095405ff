"""Text with meaning attached: lines of spans, coloured only at the very edge.

A span names what it *is* (an error, a start, a faint remark); the command line decides whether and
how that is coloured. Folding to a width is done here, because only a line knows how deep its
continuation is indented.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator

from reconciler.frozen import frozen
from reconciler.render import escape


class Style(enum.Enum):
    """What a piece of text is."""

    PLAIN = "plain"
    STRONG = "strong"
    FAINT = "faint"
    GOOD = "good"
    CHANGE = "change"
    BAD = "bad"
    WARNING = "warning"
    NOTE = "note"
    FENCE = "fence"


@frozen
class Span:
    """A piece of text of one style."""

    text: str
    style: Style = Style.PLAIN


@frozen
class Line:
    """A line.

    Attributes:
        spans: its pieces.
        hang: column at which its continuation starts when it has to be folded.
    """

    spans: tuple[Span, ...] = ()
    hang: int = 0

    @property
    def text(self) -> str:
        """The line without styles."""
        return "".join(span.text for span in self.spans)


Lines = tuple[Line, ...]
EMPTY = Line()

_CONTINUATION_MIN = 24
"""A continuation narrower than this many columns is not worth its indentation."""
_NARROW_HANG = 6
_PIECE = re.compile(r"\s+|\S+")


def span(text: str, style: Style = Style.PLAIN) -> Span:
    """Return a span whose text cannot steer a terminal."""
    return Span(escape.visible(text), style)


def line(*parts: str | Span, hang: int = 0) -> Line:
    """Return a line; plain texts among the parts are escaped."""
    return Line(tuple(span(one) if isinstance(one, str) else one for one in parts), hang)


def heading(text: str) -> Line:
    """Return the heading of a section."""
    return line(span(text, Style.STRONG))


def plain(lines: Iterable[Line]) -> str:
    """Return lines as plain text, each ended by a newline, without blanks at their ends."""
    return "".join(f"{one.text.rstrip()}\n" for one in lines)


def fold(lines: Iterable[Line], width: int | None) -> Lines:
    """Return the lines broken between words so that they fit into ``width`` columns.

    A word longer than a line is left whole: a terminal breaks it, and it stays one word when it is
    copied. Without a width the lines come back as they are.
    """
    if width is None:
        return tuple(lines)
    return tuple(piece for one in lines for piece in _fold_line(one, width))


def _fold_line(whole: Line, width: int) -> Iterator[Line]:
    if len(whole.text) <= width:
        yield whole
        return
    hang = whole.hang
    head: tuple[Span, ...] = ()
    rest = whole.spans
    if width - hang < _CONTINUATION_MIN:
        hang, limit = min(_NARROW_HANG, whole.hang), whole.hang
        column = whole.text[:limit]
        if column[_NARROW_HANG:].endswith(" ") and len(column.rstrip()) <= width:
            head, rest = _cut(whole.spans, limit)
    if head:
        yield _row(list(head))
    row = [Span(" " * hang)] if head else []
    used, words = hang if head else 0, 0
    fresh = bool(head)
    for piece in _pieces(rest):
        blank = all(not one.text.strip() for one in piece)
        length = sum(len(one.text) for one in piece)
        if blank and fresh:
            continue
        if not blank and words and used + length > width:
            yield _row(row)
            # A word that its column cannot hold begins further left instead of being torn.
            used = hang if hang + length <= width else min(_NARROW_HANG, hang)
            row = [Span(" " * used)]
        row.extend(piece)
        used += length
        words += not blank
        fresh = False
    yield _row(row)


def _cut(spans: Iterable[Span], column: int) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    # A last column that became too narrow moves below the others as a whole.
    head: list[Span] = []
    tail: list[Span] = []
    for one in spans:
        head.append(Span(one.text[:column], one.style))
        tail.append(Span(one.text[column:], one.style))
        column = max(0, column - len(one.text))
    return tuple(one for one in head if one.text), tuple(one for one in tail if one.text)


def _row(spans: list[Span]) -> Line:
    while spans and not spans[-1].text.strip():
        spans.pop()
    return Line(tuple(spans))


def _pieces(spans: Iterable[Span]) -> Iterator[list[Span]]:
    # A word may run over several spans ("(" + position + ")"): it must not be broken there.
    word: list[Span] = []
    for one in spans:
        for match in _PIECE.finditer(one.text):
            piece = Span(match.group(), one.style)
            if piece.text.isspace():
                if word:
                    yield word
                    word = []
                yield [piece]
            else:
                word.append(piece)
    if word:
        yield word


def table(rows: Iterable[tuple[Span, ...]], *, indent: int = 2, gap: int = 2) -> Lines:
    """Return rows as aligned columns; a long last column is folded below itself.

    Columns that are empty in every row vanish.
    """
    cells = [tuple(row) for row in rows]
    if not cells:
        return ()
    widths = [max(len(row[index].text) for row in cells) for index in range(len(cells[0]))]
    result = []
    for row in cells:
        spans = [Span(" " * indent)]
        column = indent
        hang = indent
        for index, (cell, width) in enumerate(zip(row, widths, strict=True)):
            if not width:
                continue
            hang = column
            last = index == len(row) - 1
            spans.append(cell)
            if not last:
                spans.append(Span(" " * (width - len(cell.text) + gap)))
            column += width + gap
        result.append(Line(tuple(spans), hang))
    return tuple(result)
