"""Documents as read: plain data that remembers where every key and value stands."""

from __future__ import annotations

from typing import Any

from reconciler.errors import position

Mark = tuple[str, int, int]
"""File, line and column, both 1-based. Positions are made of marks only where one is shown."""
EntryMark = tuple[str, int, int, int, int]
"""File, line and column of the key, line and column of the value."""


class Mapping(dict[str, Any]):
    """A mapping with the marks of its own start and of its entries."""

    __slots__ = ("mark", "marks")

    def __init__(self, mark: Mark) -> None:
        super().__init__()
        self.mark = mark
        self.marks: dict[str, EntryMark] = {}

    def put(self, key: str, value: Any, mark: EntryMark) -> None:
        """Add an entry with its place."""
        self[key] = value
        self.marks[key] = mark

    @property
    def here(self) -> position.Position:
        """Where the mapping begins."""
        return position.Position(*self.mark)

    def key(self, name: str) -> position.Position:
        """Return where a key stands; the mapping's own start where it has no such key."""
        mark = self.marks.get(name)
        return position.Position(mark[0], mark[1], mark[2]) if mark else self.here

    def value(self, name: str) -> position.Position:
        """Return where a key's value stands; the mapping's own start where there is none."""
        mark = self.marks.get(name)
        return position.Position(mark[0], mark[3], mark[4]) if mark else self.here

    def mapping(self, name: str) -> Mapping:
        """Return the mapping below a key; an empty one where there is none."""
        found = self.get(name)
        if isinstance(found, Mapping):
            return found
        at = self.value(name)
        return Mapping((at.file, at.line, at.column))

    def sequence(self, name: str) -> Sequence:
        """Return the sequence below a key; an empty one where there is none."""
        found = self.get(name)
        if isinstance(found, Sequence):
            return found
        at = self.value(name)
        return Sequence((at.file, at.line, at.column))


class Sequence(list[Any]):
    """A sequence with the marks of its own start and of its items."""

    __slots__ = ("mark", "marks")

    def __init__(self, mark: Mark) -> None:
        super().__init__()
        self.mark = mark
        self.marks: list[Mark] = []

    def put(self, value: Any, mark: Mark) -> None:
        """Add an item with its place."""
        self.append(value)
        self.marks.append(mark)

    @property
    def here(self) -> position.Position:
        """Where the sequence begins."""
        return position.Position(*self.mark)

    def item(self, index: int) -> position.Position:
        """Return where an item stands."""
        return position.Position(*self.marks[index]) if index < len(self.marks) else self.here

    def mapping(self, index: int) -> Mapping:
        """Return the mapping at an index; an empty one where it is something else."""
        found = self[index]
        return found if isinstance(found, Mapping) else Mapping(self.marks[index])


Node = Mapping | Sequence | str | int | bool | None
"""Any value."""


_KINDS = (
    (bool, "a boolean"),
    (int, "a number"),
    (str, "a text"),
    (dict, "a mapping"),
    (list, "a list"),
)


def kind(value: object) -> str:
    """Return what a value is, in words for people."""
    if value is None:
        return "nothing"
    return next((words for one, words in _KINDS if isinstance(value, one)), "something else")
