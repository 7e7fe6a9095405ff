"""Plain values to YAML text that the strict reader gives back as they were.

Short mappings and lists stand on one line, longer ones are spread out. A text is quoted where the
reader would take it for something else, and also where only YAML 1.1 would (``no``, ``0x10``,
``1:30``): other programs read manifests, too.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence

WIDTH = 100
_INDENT = 2
_PLAIN = re.compile(r"(?:[A-Za-z0-9_./]|-(?=[A-Za-z0-9]))[A-Za-z0-9_./@%+=():, -]*")
_BREAKS_PLAIN = re.compile(r": |:$| #| $|,")
_OTHER_KINDS = re.compile(
    r"(?:null|true|false|yes|no|on|off|y|n|~)"  # words
    r"|[-+]?(?:0x[0-9a-f_]+|0o?[0-7_]+|0b[01_]+)"  # numbers with a base
    r"|[-+]?[0-9][0-9_]*(?::[0-9]+)+"  # 1.1 counts by sixty
    r"|[-+]?(?:[0-9][0-9_]*)?\.?[0-9_]*(?:e[-+]?[0-9]+)?"  # decimals
    r"|[-+]?\.(?:inf|nan)"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*",  # dates
    re.IGNORECASE,
)
_DOUBLE_WOULD_ESCAPE = re.compile(r'["\\]')
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")
_FORBIDDEN_IN_BLOCK = re.compile(r"[^\n\t\x20-\x7e\xa0-\ud7ff]")

Node = Mapping[str, "Node"] | Sequence["Node"] | str | int | bool


class Block(dict[str, Node]):
    """A mapping that is always spread out, with comments above some of its entries."""

    def __init__(self, entries: Mapping[str, Node] | None = None) -> None:
        super().__init__(entries or {})
        self.comments: dict[str, list[str]] = {}

    def remark(self, key: str, *lines: str) -> None:
        """Add a comment above an entry."""
        self.comments.setdefault(key, []).extend(lines)


class Items(list[Node]):
    """A list that is always spread out, with comments above some of its items."""

    def __init__(self) -> None:
        super().__init__()
        self.comments: dict[int, list[str]] = {}

    def put(self, item: Node, comments: Sequence[str] = ()) -> None:
        """Add an item with the comments above it."""
        if comments:
            self.comments[len(self)] = list(comments)
        self.append(item)


def text(node: Node) -> str:
    """Return a document."""
    return "".join(f"{line}\n" for line in _lines(node, 0))


def _lines(node: Node, depth: int) -> Iterator[str]:
    """Yield the lines of a value that does not fit behind its key."""
    indent = " " * depth
    if isinstance(node, Mapping):
        for number, (key, value) in enumerate(node.items()):
            if depth == 0 and number:
                yield ""
            if isinstance(node, Block):
                yield from _comments(indent, node.comments.get(key, ()))
            yield from _entry(f"{indent}{_scalar(key)}:", value, depth)
    elif isinstance(node, Sequence) and not isinstance(node, str):
        for index, item in enumerate(node):
            if isinstance(node, Items):
                yield from _comments(indent, node.comments.get(index, ()))
            yield from _item(item, depth)
    else:
        yield indent + _scalar(node)


def _comments(indent: str, remarks: Sequence[str]) -> Iterator[str]:
    for words in remarks:
        yield from textwrap.wrap(
            words,
            WIDTH,
            initial_indent=f"{indent}# ",
            subsequent_indent=f"{indent}# ",
            break_long_words=False,
            break_on_hyphens=False,
        )


def _entry(head: str, value: Node, depth: int) -> Iterator[str]:
    flow = _flow(value)
    if flow is not None and (len(head) + 1 + len(flow) <= WIDTH or _single(value)):
        yield f"{head} {flow}"
    elif isinstance(value, str):
        yield from _literal(head, value, depth)
    else:
        yield head
        yield from _lines(value, depth + _INDENT)


def _item(item: Node, depth: int) -> Iterator[str]:
    """Yield an item: behind its dash where it fits, otherwise its lines, the first behind it."""
    indent = " " * depth
    flow = _flow(item)
    if flow is not None and depth + 2 + len(flow) <= WIDTH and not _lone(item):
        yield f"{indent}- {flow}"
        return
    rest = list(_lines(item, depth + _INDENT))
    yield f"{indent}- {rest[0].lstrip()}"
    yield from rest[1:]


def _lone(item: Node) -> bool:
    """Tell whether an item is one of those that read best as ``- key: {...}``."""
    return isinstance(item, Mapping) and len(item) == 1 and isinstance(item, Block)


def _single(value: Node) -> bool:
    """Tell whether a value cannot be spread out over lines."""
    if isinstance(value, str):
        return _literal_style(value) is None
    return isinstance(value, bool | int) or not value


def _flow(node: Node) -> str | None:
    """Return a value on one line, or None where it must be spread out."""
    if isinstance(node, Block | Items):
        return None if node else ("{}" if isinstance(node, Block) else "[]")
    if isinstance(node, Mapping):
        parts = [(_scalar(key), _flow(value)) for key, value in node.items()]
        if any(value is None for _, value in parts):
            return None
        return "{" + ", ".join(f"{key}: {value}" for key, value in parts) + "}"
    if isinstance(node, Sequence) and not isinstance(node, str):
        items = [_flow(item) for item in node]
        return None if None in items else "[" + ", ".join(str(one) for one in items) + "]"
    if isinstance(node, str) and _literal_style(node) is not None:
        return None
    return _scalar(node)


def _scalar(value: str | bool | int) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if plain(value):
        return value
    if _DOUBLE_WOULD_ESCAPE.search(value) and value.isprintable() and "'" not in value:
        return f"'{value}'"
    return json.dumps(value, ensure_ascii=False)


def plain(value: str) -> bool:
    """Tell whether a text needs no quotes."""
    return (
        _PLAIN.fullmatch(value) is not None
        and not _BREAKS_PLAIN.search(value)
        and not _OTHER_KINDS.fullmatch(value)
    )


def natural(value: str) -> Node:
    """Return a text as the number or truth value that means this text, where there is one.

    Where the language wants a text, ``24`` and ``true`` mean the text that was written.
    """
    if value in {"true", "false"}:
        return value == "true"
    return int(value) if _WHOLE.fullmatch(value) else value


def _literal_style(value: str) -> str | None:
    """Return ``|`` or ``|-`` where a text of several lines can be written out as it is."""
    body = value.removesuffix("\n")
    sound = (
        "\n" in body
        and not body.endswith("\n")
        and body[0] not in " \t\n"
        and not _FORBIDDEN_IN_BLOCK.search(value)
        and not any(line != line.rstrip() or line.startswith("\t") for line in body.split("\n"))
    )
    return ("|" if value.endswith("\n") else "|-") if sound else None


def _literal(head: str, value: str, depth: int) -> Iterator[str]:
    style = _literal_style(value)
    yield f"{head} {style}"
    indent = " " * (depth + _INDENT)
    for line in value.removesuffix("\n").split("\n"):
        yield (indent + line).rstrip()
