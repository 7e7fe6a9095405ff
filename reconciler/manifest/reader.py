"""The strict YAML reader: bytes -> a tree with positions, or findings; never an exception.

A small part of YAML 1.2 on purpose: one document, unique text keys, the core scalars, no tags,
anchors, aliases, merge keys or directives. Numbers are whole and written in the plain way; all
that looks otherwise (``0123``, ``1.10``, ``1e3``, ``.inf``) stays the text that was written. Sizes
are bounded before anything is built. The events come from ruamel's C parser where it is there and
otherwise from its Python parser.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from reconciler.errors import position
from reconciler.frozen import frozen
from reconciler.manifest import codes, tree

MAXIMUM_BYTES = 1024 * 1024
MAXIMUM_DEPTH = 32
MAXIMUM_NODES = 200_000
MAXIMUM_FAULTS = 100
"""A file with more faults than these is not read to its end."""

_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)
_FORBIDDEN_IN_VALUE = re.compile(_FORBIDDEN.pattern[:-1] + "\r]")
_MARKS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@frozen
class Document:
    """One file as read; ``root`` is None where it could not be."""

    root: tree.Node
    lines: tuple[str, ...]
    mark: tree.Mark
    readable: bool


def read(file: str, content: bytes, findings: codes.Findings) -> Document:
    """Return the document of a file; what is wrong with it is added to ``findings``.

    Args:
        file: the name that positions shall carry.
        content: the bytes of the file.
        findings: where findings go.
    """
    top = (file, 1, 1)
    text = _decoded(file, content, findings)
    if text is None:
        return Document(None, (), top, readable=False)
    lines = tuple(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    builder = _built(file, text, lines, findings) if _clean(file, text, findings) else None
    if builder is None:
        return Document(None, lines, top, readable=False)
    if builder.root is None:
        findings.add(
            "yaml-empty",
            "no document; expected apiVersion and sections",
            position.Position(*top),
            fix="remove the file, or write a manifest; an empty file never means 'remove all'",
        )
        return Document(None, lines, top, readable=False)
    return Document(builder.root, lines, builder.root_mark or top, readable=True)


def _built(
    file: str, text: str, lines: tuple[str, ...], findings: codes.Findings
) -> _Builder | None:
    """Return a builder that could take the whole text, or None after saying why there is none."""
    builder = _Builder(file, codes.Findings(), private=COLON in text)
    try:
        complete = builder.take_all(parse(text))
    except _problems() as problem:
        second = _second_opinion(file, text, problem)
        if second is None:
            _syntax(builder, text, lines, problem)
            complete = False
        else:
            builder, complete = second, True
    findings.items.extend(builder.findings.items)
    return builder if complete and not builder.faults else None


def _second_opinion(file: str, text: str, problem: Exception) -> _Builder | None:
    """Return a builder filled by the parser that is written in Python, or None.

    The C parser knows YAML 1.1 only; so both are of one mind about what a manifest may look like.
    """
    colon = "unexpected ':'" in str(getattr(problem, "problem", ""))
    if len(text) > _SMALL and not colon:
        return None
    builder = _Builder(file, codes.Findings(), private=COLON in text)
    try:
        return builder if builder.take_all(parse_slowly(text)) else None
    except _problems():
        return None


_SMALL = 32 * 1024


def _decoded(file: str, content: bytes, findings: codes.Findings) -> str | None:
    top = position.Position(file, 1, 1)
    if len(content) > MAXIMUM_BYTES:
        findings.add(
            "file-too-large",
            f"the file has {len(content)} bytes, the limit is {MAXIMUM_BYTES}",
            top,
            fix="split it into several files",
        )
        return None
    for mark, name in _MARKS:
        if content.startswith(mark):
            findings.add("encoding", f"the file is encoded as {name}", top, fix="save it as UTF-8")
            return None
    if content.startswith(_BYTE_ORDER_MARK):
        findings.add("byte-order-mark", "the file begins with a byte order mark; ignored", top)
        content = content[len(_BYTE_ORDER_MARK) :]
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as problem:
        before = content[: problem.start].decode("utf-8", "replace")
        line = before.count("\n") + 1
        column = len(before) - (before.rfind("\n") + 1) + 1
        findings.add(
            "encoding",
            f"byte 0x{content[problem.start]:02x} at offset {problem.start} is no UTF-8",
            position.Position(file, line, column),
            fix="save the file as UTF-8",
        )
        return None


def escaped(character: str) -> str:
    """Return a character as its code point, so that it can be shown safely."""
    return f"U+{ord(character):04X}"


def forbidden(text: str) -> str | None:
    """Return the first character of a value that may not be in it, or None."""
    found = _FORBIDDEN_IN_VALUE.search(text)
    return found[0] if found else None


def _clean(file: str, text: str, findings: codes.Findings) -> bool:
    clean = True
    for found in _FORBIDDEN.finditer(text):
        before = text[: found.start()]
        line = before.count("\n") + 1
        column = len(before) - (before.rfind("\n") + 1) + 1
        findings.add(
            "forbidden-character",
            f"character {escaped(found[0])} is not allowed: it cannot be seen or misleads",
            position.Position(file, line, column),
            fix="remove it",
        )
        if not clean:
            break  # two are enough to see what kind of file this is
        clean = False
    return clean


def parse(text: str) -> Iterator[Any]:
    """Yield the parser's events; the C parser's where it is installed.

    It knows YAML 1.1 only, where ``{agent: ocf:heartbeat:Dummy}`` needs quotes. A colon that YAML
    1.2 takes for a part of a text is therefore hidden from the parser; ``shown`` brings it back.
    """
    try:
        from _ruamel_yaml import CParser
    except ImportError:
        yield from parse_slowly(text)
        return
    parser = CParser(_hidden(text).encode())
    next_event: Callable[[], Any] = parser.get_event
    while True:
        event = next_event()
        yield event
        if type(event).__name__ == "StreamEndEvent":
            return


COLON = "\ue000"
"""Stands for a colon inside of a text: a character for private use, as wide as a colon."""
# after a quote or bracket a colon without a blank still ends a key, as in {"a":1}
_INNER_COLON = re.compile(r"""(?<!["'\]}]):(?=[^\s,\[\]{}])""")


# tags are refused, under their own names
_TAG = re.compile(r"(?<![^\s\[{,])![^\s]*:")


def _hidden(text: str) -> str:
    return text if COLON in text or _TAG.search(text) else _INNER_COLON.sub(COLON, text)


def shown(text: str) -> str:
    """Return a text of the parser with its colons."""
    return text.replace(COLON, ":") if COLON in text else text


def parse_slowly(text: str) -> Iterator[Any]:
    """Yield the events of the parser that is written in Python."""
    import ruamel.yaml

    yield from ruamel.yaml.YAML(typ="safe", pure=True).parse(_hidden(text))


def _problems() -> tuple[type[Exception], ...]:
    from ruamel.yaml import error

    # the Python parser lets a few of its own slips through as plain exceptions
    return (error.YAMLError, ValueError, IndexError, AttributeError, AssertionError, TypeError)


_WORDING = {
    "found character that cannot start any token": "this character cannot begin a value",
    "mapping values are not allowed in this context": "a colon is not expected here",
    "mapping values are not allowed here": "a colon is not expected here",
    "did not find expected ',' or ']'": "the list is not closed",
    "did not find expected ',' or '}'": "the mapping is not closed",
    "did not find expected key": "a key was expected here",
    "could not find expected ':'": "a colon was expected after this key",
    "did not find expected node content": "a value was expected here",
    "found unexpected end of stream": "the quoted text is not closed",
    "did not find expected <document start>": "text after the end of the document",
    "found invalid Unicode character escape code": "the escape names no character",
    "found unknown escape character": "the escape is not known",
    "found undefined tag handle": "tags are not allowed",
}


def _syntax(builder: _Builder, text: str, lines: tuple[str, ...], problem: Exception) -> None:
    """Report where the text stops to be YAML, or what was begun there and never ended."""
    mark = getattr(problem, "problem_mark", None)
    line, column = (mark.line, mark.column) if mark else (0, 0)
    words = str(getattr(problem, "problem", "") or "the text is no YAML")
    why = _WORDING.get(words, words)
    here = position.Position(builder.file, line + 1, column + 1)
    cut_off = line >= len(text.rstrip().split("\n")) - 1 and "escape" not in words
    opened = _opened(builder, problem) if cut_off else None
    if opened is not None and opened < here:
        builder.findings.add(
            "yaml-syntax",
            f"what begins here is not finished: {why}",
            opened,
            related=((here, "the reader gave up here"),),
            fix="close it; the file may be cut off",
        )
    elif line < len(lines) and lines[line][column : column + 1] == "\t":
        builder.findings.add(
            "yaml-tab", "a tab stands where YAML wants blanks", here, fix="indent with blanks"
        )
    else:
        builder.findings.add("yaml-syntax", f"this is no YAML: {why}", here)


def _opened(builder: _Builder, problem: Exception) -> position.Position | None:
    """Return where that begins which was open when the parser gave up."""
    context = getattr(problem, "context_mark", None)
    quoted = "quoted" in str(getattr(problem, "context", ""))
    flow: list[position.Position] = [frame[0].here for frame in builder.stack if frame[4]]
    if flow and not quoted:
        return flow[-1]
    if context is None:
        return None
    return position.Position(builder.file, context.line + 1, context.column + 1)


_SKIPPED = object()


class _Builder:
    """Builds the tree from events; lives inside one call of ``read``."""

    __slots__ = (
        "depth",
        "documents",
        "faults",
        "file",
        "findings",
        "nodes",
        "private",
        "root",
        "root_mark",
        "stack",
        "table",
    )

    def __init__(self, file: str, findings: codes.Findings, *, private: bool) -> None:
        self.file = file
        self.private = private  # the character that stands for a colon is one of the file's own
        self.findings = findings
        self.root: tree.Node = None
        self.root_mark: tree.Mark | None = None
        self.faults = 0
        self.documents = 0
        self.nodes = 0
        # each frame: container, pending key (None: a key is next), its line and column, and
        # whether it is written with brackets
        self.stack: list[list[Any]] = []
        self.table: dict[str, Callable[[Any], bool]] = {
            "ScalarEvent": self._scalar,
            "MappingStartEvent": self._mapping,
            "SequenceStartEvent": self._sequence,
            "MappingEndEvent": self._end,
            "SequenceEndEvent": self._end,
            "AliasEvent": self._alias,
            "DocumentStartEvent": self._document,
        }

    def take_all(self, events: Iterator[Any]) -> bool:
        """Take the events of a file; False: it was not worth to go on to its end."""
        find = self.table.get
        for event in events:
            handler = find(type(event).__name__)
            if handler is not None and not handler(event):
                return False
            if self.faults > MAXIMUM_FAULTS:
                return False
        return True

    def _wrong(self, code: str, message: str, event: Any, **more: Any) -> None:
        self.faults += 1
        mark = event.start_mark
        place = position.Position(self.file, mark.line + 1, mark.column + 1)
        self.findings.add(code, shown(message), place, **more)

    def _document(self, event: Any) -> bool:
        self.documents += 1
        if self.documents > 1:
            self._wrong(
                "yaml-documents",
                "a second document begins here; a file holds one",
                event,
                fix="write it into a file of its own",
            )
            return False
        if getattr(event, "version", None) or getattr(event, "tags", None):
            self._wrong("yaml-directive", "directives are not allowed", event, fix="remove it")
        return True

    def _properties(self, event: Any) -> None:
        if event.anchor is not None:
            self._wrong(
                "yaml-alias",
                f"anchors and aliases are not allowed: &{event.anchor}",
                event,
                fix="write the value out, or use a template",
            )
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._wrong("yaml-tag", f"tags are not allowed: {tag}", event, fix="remove the tag")

    def _alias(self, event: Any) -> bool:
        self._wrong(
            "yaml-alias",
            f"anchors and aliases are not allowed: *{event.anchor}",
            event,
            fix="write the value out, or use a template",
        )
        mark = event.start_mark
        return self._put(_SKIPPED, mark.line + 1, mark.column + 1, event)

    def _scalar(self, event: Any) -> bool:
        if event.anchor is not None or event.tag is not None:
            self._properties(event)
        text = event.value
        if COLON in text and not self.private:
            text = shown(text)
        value: Any = text
        if event.implicit[0]:
            if text in _CONSTANTS:
                value = _CONSTANTS[text]
            elif text[0] in "-0123456789" and _INTEGER.fullmatch(text):
                value = int(text)
        elif event.style == '"':
            bad = forbidden(text)
            if bad is not None:
                self._wrong(
                    "forbidden-character",
                    f"character {escaped(bad)} is not allowed in a value",
                    event,
                    fix="remove the escape",
                )
        mark = event.start_mark
        return self._put(value, mark.line + 1, mark.column + 1, event)

    def _mapping(self, event: Any) -> bool:
        mark = event.start_mark
        return self._open(
            tree.Mapping((self.file, mark.line + 1, mark.column + 1)), mark.line, mark.column, event
        )

    def _sequence(self, event: Any) -> bool:
        mark = event.start_mark
        return self._open(
            tree.Sequence((self.file, mark.line + 1, mark.column + 1)),
            mark.line,
            mark.column,
            event,
        )

    def _open(
        self, container: tree.Mapping | tree.Sequence, line: int, column: int, event: Any
    ) -> bool:
        if event.anchor is not None or event.tag is not None:
            self._properties(event)
        if len(self.stack) >= MAXIMUM_DEPTH:
            self._wrong("yaml-depth", f"nesting is deeper than {MAXIMUM_DEPTH} levels", event)
            return False
        if not self._put(container, line + 1, column + 1, event):
            return False
        self.stack.append([container, None, 0, 0, event.flow_style])
        return True

    def _end(self, _event: Any) -> bool:
        self.stack.pop()
        return True

    def _put(self, value: Any, line: int, column: int, event: Any) -> bool:
        """Put a value where it belongs: it is the root, an item, a key or a key's value."""
        self.nodes += 1
        if self.nodes > MAXIMUM_NODES:
            self._wrong(
                "yaml-nodes",
                f"more than {MAXIMUM_NODES} values in one file",
                event,
                fix="split it into several files",
            )
            return False
        if not self.stack:
            self.root, self.root_mark = value, (self.file, line, column)
            return True
        frame = self.stack[-1]
        container = frame[0]
        if type(container) is tree.Sequence:
            container.put(value, (self.file, line, column))
        elif frame[1] is None:
            frame[1], frame[2], frame[3] = self._key(container, value, event), line, column
        else:
            if frame[1] is not _SKIPPED:
                container.put(frame[1], value, (self.file, frame[2], frame[3], line, column))
            frame[1] = None
        return True

    def _key(self, container: tree.Mapping, key: Any, event: Any) -> Any:
        if key is _SKIPPED:
            return _SKIPPED
        if not isinstance(key, str):
            self._wrong(
                "yaml-key",
                f"keys are texts, this one is {tree.kind(key)}",
                event,
                fix="quote it" if not isinstance(key, dict | list) else "",
            )
            return _SKIPPED
        if key == "<<" and event.implicit[0]:
            self._wrong(
                "yaml-merge-key",
                "merge keys are not supported",
                event,
                fix="write the values out, or use a template",
            )
            return _SKIPPED
        if key in container:
            shown = key if forbidden(key) is None else key.encode("unicode_escape").decode()
            self._wrong(
                "duplicate-key",
                f"the key {shown!r} is already in this mapping",
                event,
                related=((container.key(key), "first written here"),),
                fix="remove one of the two",
            )
            return _SKIPPED
        return key
