"""The list of recorded decisions that come out differently here, each with its reason.

One line for each case, so that versions of the list merge line by line. The list only shrinks:
what agrees again must leave it, and what begins to differ must be accepted by name.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import tomllib
from collections.abc import Iterable, Mapping, Sequence

import conformance_harness as harness

FILE = pathlib.Path(__file__).with_name("differences.toml")
UNEXPLAINED = "unexplained"
HEAD = """\
# Recorded decisions that come out differently here: case, aspects, and why, in one line.
# `decision = true`: on purpose. Kept by `report.py --record`, which only takes out what agrees now.
"""


@dataclasses.dataclass(frozen=True)
class Entry:
    """One line.

    Attributes:
        aspects: in which the case differs.
        reason: why.
        decision: it differs on purpose.
    """

    aspects: tuple[str, ...]
    reason: str = UNEXPLAINED
    decision: bool = False


Entries = Mapping[str, Entry]
"""Case to its line."""


class ListError(Exception):
    """The list is malformed; names the line."""


def read(path: pathlib.Path = FILE) -> dict[str, Entry]:
    """Return the list. A case that stands twice, as after a merge, has the aspects of both.

    Raises:
        ListError: a line is no entry, or has no reason.
    """
    found: dict[str, Entry] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            ((name, fields),) = tomllib.loads(line).items()
            entry = Entry(**{**fields, "aspects": tuple(fields["aspects"])})
        except (tomllib.TOMLDecodeError, ValueError, TypeError, KeyError) as error:
            message = f"{path}:{number}: {error}"
            raise ListError(message) from error
        unknown = set(entry.aspects) - set(harness.COMPARED)
        if unknown or not entry.aspects or not entry.reason.strip():
            message = (
                f"{path}:{number}: needs a reason, and aspects of {', '.join(harness.COMPARED)}"
            )
            raise ListError(message)
        known = found.get(name)
        found[name] = entry if known is None else _joined(known, entry)
    return found


def _joined(one: Entry, other: Entry) -> Entry:
    both = (*one.aspects, *other.aspects)
    kept = one if one.reason != UNEXPLAINED else other
    return dataclasses.replace(kept, aspects=_ordered(both))


def _ordered(aspects: Iterable[str]) -> tuple[str, ...]:
    given = set(aspects)
    return tuple(one for one in harness.COMPARED if one in given)


def text(entries: Entries) -> str:
    """Return the list as it stands in its file."""
    return HEAD + "".join(_line(name, entries[name]) for name in sorted(entries))


def _line(name: str, entry: Entry) -> str:
    # A JSON string is a TOML string, too.
    fields = [
        f"aspects = {json.dumps(list(entry.aspects))}",
        f"reason = {json.dumps(entry.reason)}",
    ]
    if entry.decision:
        fields.append("decision = true")
    return f"{json.dumps(name)} = {{ {', '.join(fields)} }}\n"


@dataclasses.dataclass(frozen=True)
class Verdict:
    """How results compare with the list.

    Attributes:
        new: case to the aspects that differ and are not listed.
        gone: case to the aspects that are listed and agree.
    """

    new: Mapping[str, tuple[str, ...]]
    gone: Mapping[str, tuple[str, ...]]

    @property
    def holds(self) -> bool:
        """Whether the list says exactly what differs."""
        return not self.new and not self.gone


def judge(results: Sequence[harness.Result], entries: Entries) -> Verdict:
    """Return how results compare with the list; cases that were not run are left out."""
    new, gone = {}, {}
    for result in results:
        listed = entries[result.case.id].aspects if result.case.id in entries else ()
        differing = result.differing
        if more := tuple(one for one in differing if one not in listed):
            new[result.case.id] = more
        if fewer := tuple(one for one in listed if one not in differing):
            gone[result.case.id] = fewer
    return Verdict(new, gone)


def without(entries: Entries, verdict: Verdict) -> dict[str, Entry]:
    """Return the list without what agrees now."""
    kept = {}
    for name, entry in entries.items():
        gone = verdict.gone.get(name, ())
        aspects = tuple(one for one in entry.aspects if one not in gone)
        if aspects:
            kept[name] = dataclasses.replace(entry, aspects=aspects)
    return kept


def accepting(entries: Entries, verdict: Verdict, reason: str) -> dict[str, Entry]:
    """Return the list with what has begun to differ; ``reason`` where there was none yet."""
    grown = dict(entries)
    for name, aspects in verdict.new.items():
        known = grown.get(name) or Entry((), reason)
        grown[name] = dataclasses.replace(known, aspects=_ordered((*known.aspects, *aspects)))
    return grown
