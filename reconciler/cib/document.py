"""A CIB as a checked document: text in, elements out, findings collected beside it.

The XML comes from elsewhere, so it is bounded in size and depth, and document types, the door to
entity tricks, are refused before anything in them is looked at.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree as ET
from xml.parsers import expat

from reconciler.errors import diagnostic, position
from reconciler.frozen import frozen
from reconciler.model import duration

MAXIMUM_CHARACTERS = 64 * 1024 * 1024
"""Longer texts are no CIB that a cluster could have sent around."""
MAXIMUM_DEPTH = 64
"""The schema itself never nests deeper than a fifth of this, rules aside."""

_SHARED_MAX = 4_096
"""Durations are few and come back in every resource: each is read once."""
_PIECE = 64 * 1024
"""Characters that are parsed at once; of the whole text the parser would keep a copy."""

NOT_CARRIED = "cib-not-carried"
"""Code of findings about parts that the model has no place for."""

_REFERENCES = frozenset({"obj_ref", "resource_ref", "role"})
"""Elements whose id names another element."""
_DOCTYPE = "<!DOCTYPE"


class _DoctypeError(Exception):
    """The document has a document type."""


class _Refusing(ET.TreeBuilder):
    """Builds elements, and stops at a document type."""

    def doctype(self, *_: str | None) -> None:
        """Refuse: called before any entity of the document type is read."""
        raise _DoctypeError


class Findings:
    """The findings of one run, in the order in which they were made."""

    def __init__(self) -> None:
        self._all: list[diagnostic.Diagnostic] = []

    def not_carried(self, element: ET.Element, why: str) -> None:
        """Note that an element has no counterpart in the model."""
        self.warn(NOT_CARRIED, element, why)

    def warn(self, code: str, element: ET.Element, message: str) -> None:
        """Note something about an element that does not keep the rest from being read."""
        self._all.append(
            diagnostic.Diagnostic(
                code,
                f"{element.tag} {element.get('id', '')!r}: {message}",
                origin(element),
                diagnostic.Severity.WARNING,
            )
        )

    def collected(self) -> tuple[diagnostic.Diagnostic, ...]:
        """Return everything noted so far."""
        return tuple(self._all)


@frozen
class Document:
    """A CIB's elements.

    Attributes:
        root: the ``cib`` element.
        ids: every element that has an id, for ``id-ref``.
        findings: where readers note what they could not carry.
    """

    root: ET.Element
    ids: Mapping[str, ET.Element]
    findings: Findings

    def section(self, path: str) -> Iterator[ET.Element]:
        """Yield the children of a section; nothing where it is missing."""
        found = self.root.find(path)
        yield from found if found is not None else ()

    def resolved(self, element: ET.Element) -> ET.Element | None:
        """Return the element, or the one of the same kind that its ``id-ref`` names."""
        reference = element.get("id-ref")
        if reference is None:
            return element
        target = self.ids.get(reference)
        if target is None or target.tag != element.tag:
            self.findings.warn("cib-dangling-reference", element, f"no {reference!r} to refer to")
            return None
        return target


def parse(text: str) -> Document:
    """Return the document that a text is.

    Raises:
        InvalidInputError: it is no XML, too long, too deep, has a document type, or is no CIB.
    """
    if len(text) > MAXIMUM_CHARACTERS:
        raise _refused("cib-too-long", f"longer than {MAXIMUM_CHARACTERS} characters")
    # Building elements without any method of ours takes two thirds of the time.
    builder = _Refusing() if _DOCTYPE in text else ET.TreeBuilder()
    parser = ET.XMLParser(target=builder)  # noqa: S314 - bounded, and document types refused
    try:
        for start in range(0, len(text), _PIECE):
            parser.feed(text[start : start + _PIECE])
        root = parser.close()
    except ET.ParseError as error:
        line, column = error.position
        where = position.Position("cib", line, column + 1)
        what = expat.ErrorString(error.code)
        raise _refused("cib-not-xml", f"no well-formed XML: {what}", where) from error
    except _DoctypeError as error:
        raise _refused("cib-doctype", "document types and entities are refused") from error
    if not isinstance(root, ET.Element) or root.tag != "cib":
        raise _refused("cib-not-a-cib", "the outermost element must be <cib>")
    if _deeper(root, MAXIMUM_DEPTH):
        raise _refused("cib-too-deep", f"more than {MAXIMUM_DEPTH} levels")
    return Document(root, _ids(root), Findings())


def _deeper(root: ET.Element, limit: int) -> bool:
    """Tell whether elements nest in more levels than ``limit``."""
    level = [root]
    for _ in range(limit):
        level = [child for element in level for child in element]
        if not level:
            return False
    return True


def _ids(root: ET.Element) -> dict[str, ET.Element]:
    """Return the elements that own their id: in references the id is somebody else's."""
    return {
        identity: one
        for configuration in root.iterfind("configuration")
        for one in configuration.iter()
        if one.tag not in _REFERENCES and (identity := one.get("id"))
    }


def _refused(
    code: str, message: str, where: position.Position | None = None
) -> diagnostic.InvalidInputError:
    found = diagnostic.Diagnostic(code, message, where or position.Position("cib"))
    return diagnostic.InvalidInputError((found,))


def origin(element: ET.Element) -> position.Position:
    """Return where an element stands, by its id."""
    return position.Position(f"cib:{element.get('id') or element.tag}")


@functools.lru_cache(maxsize=_SHARED_MAX)
def milliseconds(text: str | None) -> int | None:
    """Return the duration that an attribute holds, or None where it holds none."""
    return None if text is None else duration.loose_ms(text)


def whole(text: str | None, default: int = 0) -> int:
    """Return the whole number that an attribute holds, else ``default``."""
    try:
        return int(text) if text is not None else default
    except ValueError:
        return default


def moment(text: str | None) -> float:
    """Return the seconds since 1970 that an attribute holds, else 0."""
    try:
        return max(0.0, float(text)) if text is not None else 0.0
    except ValueError:
        return 0.0
