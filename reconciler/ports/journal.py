"""The journal port: what this machine remembers of runs, for ``reconcile history``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from reconciler.frozen import frozen


@frozen
class Entry:
    """One line of the history.

    Attributes:
        at: seconds since 1970.
        run: id of the run of the controller.
        event: stable word, e.g. ``run-began``, ``action-ended``, ``node-fenced``.
        body: facts, JSON values only, no secrets.
    """

    at: float
    run: str
    event: str
    body: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class Journal(Protocol):
    """Appends entries durably and reads them back."""

    def append(self, entry: Entry) -> None:
        """Write an entry. Raises OSError where it cannot be written."""
        ...

    def read(self, *, limit: int = 1000) -> Sequence[Entry]:
        """Return the newest entries, oldest first; damaged lines are left out."""
        ...
