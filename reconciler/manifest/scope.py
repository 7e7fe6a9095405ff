"""What the modules that lower share while one cluster is lowered: names, findings, meta-data."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping

from reconciler.errors import position
from reconciler.manifest import codes, masking, reader, scalar, secrets, tree, wording
from reconciler.model import agent

_NAME = re.compile(scalar.NAME_PATTERN)
_NODE = re.compile(scalar.NODE_PATTERN)
_LENGTH = 63


@dataclasses.dataclass(slots=True)
class Scope:
    """The names and findings of one run.

    Attributes:
        root: the merged document.
        findings: what was found so far.
        agents: meta-data by agent, as far as known.
        locked: whether the meta-data comes with a lock file that claims to be complete.
        resources, nodes, devices, tags, templates: name to position, faulty ones included, so
            that one mistake is not reported a second time as an unknown name.
        references: secrets that are referred to.
        spots: secrets that stand in the files.
    """

    root: tree.Mapping
    findings: codes.Findings
    agents: Mapping[agent.AgentName, agent.Metadata]
    locked: bool = False
    resources: dict[str, position.Position] = dataclasses.field(default_factory=dict)
    nodes: dict[str, position.Position] = dataclasses.field(default_factory=dict)
    devices: dict[str, position.Position] = dataclasses.field(default_factory=dict)
    tags: dict[str, position.Position] = dataclasses.field(default_factory=dict)
    templates: dict[str, position.Position] = dataclasses.field(default_factory=dict)
    references: list[secrets.Reference] = dataclasses.field(default_factory=list)
    spots: list[masking.Spot] = dataclasses.field(default_factory=list)

    def names_of(
        self, section: tree.Mapping, what: str, *, node: bool = False
    ) -> dict[str, position.Position]:
        """Return the names that a section defines, each checked against the rule for names."""
        found: dict[str, position.Position] = {}
        looks: dict[str, str] = {}
        for name in section:
            at = section.key(name)
            found[name] = at
            if not self._name(name, at, what, _NODE if node else _NAME):
                continue
            look = _look(name)
            if look in looks:
                self.findings.add(
                    "lookalike-name",
                    f"{what} {name!r} and {looks[look]!r} look alike",
                    at,
                    related=((found[looks[look]], "the other one"),),
                    fix="rename one of the two",
                )
            looks.setdefault(look, name)
        return found

    def _name(self, name: str, at: position.Position, what: str, pattern: re.Pattern[str]) -> bool:
        if pattern.fullmatch(name):
            return True
        # a cluster's name becomes part of file names; all others stay inside
        report = self.findings.refuse if what == "cluster" else self.findings.add
        report("invalid-name", f"{what} {wording.shown(name)}: {_why(name, pattern)}", at)
        return False

    def known(
        self, name: str, kinds: Iterable[str], code: str, what: str, at: position.Position
    ) -> bool:
        """Tell whether a name is defined as one of some kinds; if not, say so.

        Args:
            name: the name that is referred to.
            kinds: attributes of this scope, e.g. ``resources``.
            code: the finding's code.
            what: what was looked for, for people.
            at: where the reference stands.
        """
        tables: list[dict[str, position.Position]] = [getattr(self, kind) for kind in kinds]
        if any(name in table for table in tables):
            return True
        every = [one for table in tables for one in table]
        close = self.findings.nearest(name, every)
        few = "" if close or len(every) > _FEW else f"there are: {', '.join(every) or 'none'}"
        self.findings.add(
            code, f"there is no {what} {wording.shown(name)}", at, nearest=close, fix=few
        )
        return False


_FEW = 12


def _look(name: str) -> str:
    """Return what is left of a name for a hasty reader."""
    return name.lower().replace("0", "o").replace("1", "l").replace("i", "l")


def _why(name: str, pattern: re.Pattern[str]) -> str:
    if not name:
        return "a name must not be empty"
    if len(name) > _LENGTH:
        return f"a name has {_LENGTH} characters at most, this one has {len(name)}"
    for character in name:
        if not re.fullmatch(r"[A-Za-z0-9_.-]", character):
            return (
                f"character {reader.escaped(character)} is not allowed: letters, digits and _ . -"
            )
    first = "a letter or digit" if pattern is _NODE else "a letter or _"
    return f"a name begins with {first}"
