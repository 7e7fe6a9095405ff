"""Which parameters hold secrets, where nobody says so: known by their names.

Fence agents do not mark their secrets, and few resource agents do. Only this file decides.
"""

from __future__ import annotations

import re

WORDS = (
    r"pass(?:wd|word|phrase)|secret(?!ref)|credential|private[_-]?key|api[_-]?key|auth[_-]?key|"
    r"access[_-]?key|[_-]token|hexadecimal_kg"
)
"""Regular expression of the words that make a name that of a secret."""
HINTS = ("pass", "secret", "credential", "key", "token", "_kg")
"""Each name that ``WORDS`` finds holds one of these: a quick look before the thorough one."""
_SECRET = re.compile(rf"(?:{WORDS})|^token$", re.IGNORECASE)
_PLACE = re.compile(
    r"(?:_|-)(?:file|path|script|dir|url|id|name|user|timeout|length|hash|type)$", re.IGNORECASE
)


def named(parameter: str) -> bool:
    """Tell whether a parameter's name says that its value is a secret.

    ``password`` and ``passwd`` are secrets; ``password_script`` and ``secret_file`` only say where
    one is.
    """
    return bool(_SECRET.search(parameter)) and not _PLACE.search(parameter)
