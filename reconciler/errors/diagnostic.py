"""A finding: code, what and why, where, and what to do about it.

Findings are values. They are collected over a whole run and shown together; nothing decides by
their English text, only by code and severity.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable

from reconciler.errors.position import NOWHERE, Position
from reconciler.frozen import frozen


class Severity(enum.Enum):
    """How much a finding weighs: an error refuses the input, a warning lets it through."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@frozen
class Diagnostic:
    """One finding about the input.

    Attributes:
        code: stable name in kebab case, e.g. ``unknown-field``.
        message: what is wrong and why, one sentence, no full stop, no secret values.
        position: where it stands.
        severity: error, warning or note.
        fix: what to do about it; empty where the message says it all.
        nearest: valid names that the person may have meant, best first.
        related: other positions that belong to the finding, each with its role in it.
    """

    code: str
    message: str
    position: Position = NOWHERE
    severity: Severity = Severity.ERROR
    fix: str = ""
    nearest: tuple[str, ...] = ()
    related: tuple[tuple[Position, str], ...] = ()


class InvalidInputError(Exception):
    """The input was refused; carries every finding of the run."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__(f"{len(self.diagnostics)} findings")


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Tell whether any finding refuses the input."""
    return any(finding.severity is Severity.ERROR for finding in diagnostics)
