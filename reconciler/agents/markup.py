"""A small, bounded reader of XML: what agents print is not trusted to be well-meant.

No entities, no external references; size, depth and number of elements are limited. Anything else
is unusable, which is a value and no exception.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from xml.parsers import expat

from reconciler.frozen import frozen

MAXIMUM_BYTES = 1024 * 1024
MAXIMUM_DEPTH = 32
MAXIMUM_ELEMENTS = 20_000


@frozen
class Element:
    """An element with its attributes, the text directly inside it, and its children."""

    name: str
    attributes: Mapping[str, str]
    text: str = ""
    children: tuple[Element, ...] = ()

    def all(self, name: str) -> Iterator[Element]:
        """Yield the children of that name."""
        return (child for child in self.children if child.name == name)

    def first(self, name: str) -> Element | None:
        """Return the first child of that name, or None."""
        return next(self.all(name), None)

    def words(self) -> str:
        """Return the text with every run of white space made one blank."""
        return " ".join(self.text.split())


@frozen
class Unusable:
    """Something that cannot be used, and why."""

    reason: str


class _RefusedError(Exception):
    """Ends the parsing; its text is the reason."""


class _Reader:
    """Collects elements; lives inside one call of ``parse``."""

    def __init__(self) -> None:
        self.open: list[tuple[str, dict[str, str], list[str], list[Element]]] = []
        self.root: Element | None = None
        self.count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.count += 1
        if self.count > MAXIMUM_ELEMENTS:
            raise _RefusedError(f"it has more than {MAXIMUM_ELEMENTS} elements")
        if len(self.open) >= MAXIMUM_DEPTH:
            raise _RefusedError(f"its elements are nested deeper than {MAXIMUM_DEPTH}")
        self.open.append((name, attributes, [], []))

    def end(self, _name: str) -> None:
        name, attributes, texts, children = self.open.pop()
        done = Element(name, attributes, "".join(texts), tuple(children))
        if self.open:
            self.open[-1][3].append(done)
        else:
            self.root = done

    def text(self, text: str) -> None:
        if self.open:
            self.open[-1][2].append(text)

    def entity(self, *_declaration: object) -> None:
        raise _RefusedError("it declares entities")


def parse(text: str | bytes) -> Element | Unusable:
    """Return the root element of a text, or why it is unusable."""
    content = text.encode("utf-8", "replace") if isinstance(text, str) else text
    if len(content) > MAXIMUM_BYTES:
        return Unusable(f"it has {len(content)} bytes, the limit is {MAXIMUM_BYTES}")
    reader = _Reader()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.EntityDeclHandler = reader.entity
    try:
        parser.Parse(content.strip(), True)
    except expat.ExpatError as problem:
        return Unusable(f"it is no XML: {problem}")
    except _RefusedError as problem:
        return Unusable(str(problem))
    return reader.root if reader.root is not None else Unusable("it is empty")
