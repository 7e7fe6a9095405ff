"""Node attributes that say by whom a node was let in, and by which definition of a device."""

from __future__ import annotations

UNFENCED = "#node-unfenced"
"""When the node was let in, in seconds since 1970; empty or 0: never."""
DIGESTS = "#digests-all"
"""The devices that let it in with digests of their parameters: ``device:agent:digest,...``."""
NONPRIVATE_DIGESTS = "#digests-secure"
"""The same, of the parameters that are not private."""
