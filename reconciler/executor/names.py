"""Which names are accepted. Only this file decides; everything is matched whole.

Names end in file names, environment variables and arguments, so none may hold a separator,
a control character, or begin with a dash.
"""

from __future__ import annotations

import re

from reconciler.executor import refusal

_RULES = {
    "node": re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}"),
    "resource": re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,252}"),
    "provider": re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}"),
    "type": re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,127}"),
    "unit": re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@\\-]{0,251}"),
    "script": re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,127}"),
    "fence agent": re.compile(r"fence_[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}"),
    "parameter": re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}"),
    "attribute": re.compile(r"[^\x00-\x20\x7f='\"<>&]{1,512}"),
    "record": re.compile(r"[^\x00-\x1f\x7f]{1,512}"),
    "action id": re.compile(
        r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
    ),
}


def check(kind: str, name: str) -> str:
    """Return `name` where it is a valid name of this kind.

    Raises:
        RefusedError: It is not; the name is shown with its odd characters escaped.
    """
    if not _RULES[kind].fullmatch(name) or ".." in name:
        raise refusal.RefusedError(
            refusal.BAD_NAME, f"{name[:80]!a} is no valid {kind} name", kind=kind
        )
    return name
