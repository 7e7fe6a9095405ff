"""Which release of the program this is."""

from __future__ import annotations

DISTRIBUTION = "ha-reconciler"


def version() -> str:
    """Return the installed release, or ``unknown`` where the package is not installed."""
    from importlib import metadata

    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "unknown"
