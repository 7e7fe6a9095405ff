"""Every finding that the language knows: its stable code, its weight and what it is about.

Only this file says which codes exist; a test proves that each of them can be provoked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from reconciler.errors import diagnostic, position
from reconciler.manifest import similar

_ERROR, _WARNING, _NOTE = (
    diagnostic.Severity.ERROR,
    diagnostic.Severity.WARNING,
    diagnostic.Severity.NOTE,
)

CODES: dict[str, tuple[diagnostic.Severity, str]] = {
    # files
    "file-missing": (_ERROR, "a path that does not exist"),
    "file-unreadable": (_ERROR, "a file that may not or cannot be read"),
    "file-not-regular": (_ERROR, "a pipe, socket or device instead of a file"),
    "file-too-large": (_ERROR, "a file above the size limit"),
    "tree-too-large": (_ERROR, "too many files, or too many bytes in all of them"),
    "link-outside": (_ERROR, "a symbolic link that loops or leaves the directory"),
    "no-manifests": (_ERROR, "no manifest at all where some were expected"),
    "encoding": (_ERROR, "a file that is not UTF-8"),
    "byte-order-mark": (_NOTE, "a byte order mark at the start of a file"),
    "forbidden-character": (_ERROR, "a control, bidirectional or invisible character"),
    # YAML
    "yaml-syntax": (_ERROR, "text that is no YAML"),
    "yaml-tab": (_ERROR, "a tab where YAML wants blanks"),
    "yaml-empty": (_ERROR, "a file without a document"),
    "yaml-documents": (_ERROR, "more than one document in a file"),
    "yaml-directive": (_ERROR, "a YAML directive"),
    "yaml-alias": (_ERROR, "an anchor or alias"),
    "yaml-tag": (_ERROR, "a tag"),
    "yaml-merge-key": (_ERROR, "a merge key"),
    "yaml-key": (_ERROR, "a key that is no text"),
    "yaml-depth": (_ERROR, "too many levels of nesting"),
    "yaml-nodes": (_ERROR, "too many values"),
    "duplicate-key": (_ERROR, "a key written twice in one mapping"),
    # shape
    "top-level": (_ERROR, "a document that is no mapping"),
    "api-version": (_ERROR, "a missing or unsupported apiVersion"),
    "unknown-field": (_ERROR, "a field that the language does not have"),
    "missing-field": (_ERROR, "a field that must be there"),
    "wrong-type": (_ERROR, "a value of the wrong type"),
    "invalid-value": (_ERROR, "a value outside the allowed ones"),
    "ambiguous-kind": (_ERROR, "a thing that is none or several of the kinds there are"),
    "defined-twice": (_ERROR, "the same thing defined in two places"),
    "old-name": (_NOTE, "an older name of an option"),
    # names and values
    "invalid-name": (_ERROR, "a name that breaks the rule for names"),
    "lookalike-name": (_ERROR, "a name that looks like another one"),
    "invalid-duration": (_ERROR, "a text that is no duration"),
    "invalid-score": (_ERROR, "a text that is no score"),
    "invalid-boolean": (_ERROR, "a text that is no boolean"),
    "invalid-number": (_ERROR, "a text that is no number, or a number out of range"),
    "unknown-property": (_ERROR, "a cluster property that is not known"),
    "unknown-meta": (_ERROR, "a meta-attribute that is not known"),
    "unknown-option": (_ERROR, "an option of an operation that is not known"),
    "clone-limits": (_ERROR, "limits of a clone that contradict each other"),
    "bundle-network": (_ERROR, "a bundle in which nothing could be reached"),
    "unordered-group": (_WARNING, "a clone that takes the order away from the group inside of it"),
    "invalid-rule": (_ERROR, "a rule that cannot be evaluated"),
    "invalid-address": (_ERROR, "a text that is no address"),
    # the cluster as a whole
    "no-nodes": (_ERROR, "a cluster without nodes"),
    "no-resources": (_ERROR, "nothing desired at all"),
    "duplicate-address": (_ERROR, "one address for two things"),
    "quorum-ignored": (_ERROR, "quorum ignored without a reasoned consent"),
    # resources
    "invalid-agent": (_ERROR, "a text that names no agent"),
    "agent-path": (_ERROR, "an agent given as a path instead of a name"),
    "unknown-agent": (_WARNING, "an agent that the lock file does not know"),
    "unknown-resource": (_ERROR, "a reference to a resource that is not defined"),
    "unknown-node": (_ERROR, "a reference to a node that is not defined"),
    "unknown-template": (_ERROR, "a reference to a template that is not defined"),
    "wrong-member": (_ERROR, "a group or clone of something that it cannot hold"),
    "member-twice": (_ERROR, "a resource in two groups or clones"),
    "empty-group": (_ERROR, "a group without members"),
    "not-promotable": (_ERROR, "a promotable clone of an agent that cannot be promoted"),
    "unknown-parameter": (_ERROR, "a parameter that the agent does not have"),
    "missing-parameter": (_ERROR, "a parameter that the agent needs"),
    "invalid-parameter": (_ERROR, "a parameter's value that does not fit its type"),
    "unknown-operation": (_ERROR, "an operation that the agent does not have"),
    "monitor-twice": (_ERROR, "two monitors with one interval"),
    "short-timeout": (_NOTE, "a time-out below the one that the agent advises"),
    # secrets
    "inline-secret": (_ERROR, "a secret written into a manifest"),
    "invalid-secret-reference": (_ERROR, "a reference to a secret that cannot work"),
    "secret-unavailable": (_WARNING, "a secret that cannot be found from here"),
    # constraints
    "self-constraint": (_ERROR, "a constraint of a resource with itself"),
    "colocated-tags": (_ERROR, "a colocation of two tags or templates"),
    "order-cycle": (_ERROR, "orders that wait for each other"),
    "contradicting-colocation": (_ERROR, "a pair that must be and must not be together"),
    "runs-nowhere": (_WARNING, "a resource that every node is closed to"),
    "colocation-loop": (_ERROR, "colocations that follow each other with different scores"),
    # fencing
    "unknown-device": (_ERROR, "a reference to a fence device that is not defined"),
    "no-fence-device": (_ERROR, "a node that nothing can fence"),
    "fencing-disabled": (_WARNING, "a cluster without fencing"),
    "option-injection": (_ERROR, "a host parameter that could smuggle in options"),
    "weak-fencing": (_ERROR, "fence settings that are not safe to use"),
    "foreign-fence-agent": (_WARNING, "a fence agent that only Pacemaker can run"),
    "half-fenced": (_ERROR, "two ports of one node, each of which would pass for the whole"),
    "level-twice": (_ERROR, "a device twice in the levels of a node, or an empty level"),
    # agents.lock
    "lock-file": (_ERROR, "an agents.lock that cannot be read"),
}
"""Code to severity and the class of mistakes that it stands for."""


ACCEPTABLE = frozenset(
    {
        "agent-path",
        "clone-limits",
        "colocation-loop",
        "contradicting-colocation",
        "duplicate-address",
        "half-fenced",
        "invalid-address",
        "invalid-boolean",
        "invalid-name",
        "invalid-number",
        "invalid-parameter",
        "invalid-rule",
        "invalid-score",
        "invalid-value",
        "level-twice",
        "lookalike-name",
        "missing-parameter",
        "monitor-twice",
        "no-fence-device",
        "no-resources",
        "not-promotable",
        "order-cycle",
        "self-constraint",
        "unknown-device",
        "unknown-meta",
        "unknown-node",
        "unknown-operation",
        "unknown-option",
        "unknown-parameter",
        "unknown-property",
        "unknown-resource",
        "weak-fencing",
    }
)
"""Codes of findings that ``cluster.accept`` can turn into notes: what they are about can still be
lowered, and does what Pacemaker would do."""

_HELPFUL = 100


class Findings:
    """The findings of one run, in the order in which they were made."""

    __slots__ = ("accepted", "items")

    def __init__(self) -> None:
        self.items: list[diagnostic.Diagnostic] = []
        self.accepted: dict[str, str] = {}

    def add(  # noqa: PLR0913 - one argument for each field of a diagnostic
        self,
        code: str,
        message: str,
        at: position.Position,
        *,
        fix: str = "",
        nearest: Sequence[str] = (),
        related: Sequence[tuple[position.Position, str]] = (),
        severity: diagnostic.Severity | None = None,
    ) -> None:
        """Add a finding; its severity is that of its code unless the caller weighs it anew.

        A code that the manifest accepts with a reason is worth a note.
        """
        reason = self.accepted.get(code)
        if reason is not None and severity is not diagnostic.Severity.NOTE:
            message, fix, nearest = f"{message} (accepted: {reason})", "", ()
            severity = diagnostic.Severity.NOTE
        self.items.append(
            diagnostic.Diagnostic(
                code=code,
                message=message,
                position=at,
                severity=severity or CODES[code][0],
                fix=fix,
                nearest=tuple(nearest),
                related=tuple(related),
            )
        )

    def refuse(self, code: str, message: str, at: position.Position, **more: Any) -> None:
        """Add a finding that no consent can weaken: what it is about cannot be lowered."""
        accepted, self.accepted = self.accepted, {}
        self.add(code, message, at, **more)
        self.accepted = accepted

    def nearest(self, name: str, valid: Iterable[str]) -> tuple[str, ...]:
        """Return the valid names that a person may have meant; none after very many findings.

        Looking for them takes long among many names, and nobody reads them any more.
        """
        return similar.nearest(name, valid) if len(self.items) < _HELPFUL else ()

    def ordered(self) -> tuple[diagnostic.Diagnostic, ...]:
        """Return the findings by file and place, each once."""
        return tuple(sorted(dict.fromkeys(self.items), key=_place))


def _place(finding: diagnostic.Diagnostic) -> tuple[position.Position, str, str]:
    return finding.position, finding.code, finding.message
