"""Where this machine keeps what runs need: the state directory and what lies in it."""

from __future__ import annotations

import os
import pathlib

VARIABLE = "RECONCILE_STATE_DIR"


def state() -> pathlib.Path:
    """Return the state directory; it need not exist.

    ``RECONCILE_STATE_DIR`` where it is set; ``/var/lib/reconciler`` for root; else below
    ``XDG_STATE_HOME`` (XDG Base Directory Specification).
    """
    given = os.environ.get(VARIABLE)
    if given:
        return pathlib.Path(given).absolute()
    if os.geteuid() == 0:
        return pathlib.Path("/var/lib/reconciler")
    home = os.environ.get("XDG_STATE_HOME")
    base = pathlib.Path(home) if home else pathlib.Path.home() / ".local" / "state"
    return base / "reconciler"


def sandbox(cluster: str) -> pathlib.Path:
    """Return the directory of a cluster's sandbox."""
    return state() / "sandbox" / cluster


def sandboxes() -> tuple[pathlib.Path, ...]:
    """Return the directories of all sandboxes of this state directory, sorted."""
    above = sandbox("")
    return tuple(sorted(one for one in above.iterdir() if one.is_dir())) if above.is_dir() else ()


def journal(cluster: str) -> pathlib.Path:
    """Return the journal of a cluster on this machine."""
    return state() / "journal" / f"{cluster}.jsonl"
