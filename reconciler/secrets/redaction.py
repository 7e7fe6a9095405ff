"""Replaces known secret texts, in the forms in which they may turn up, by a mark.

Redaction is by value: it does not matter which program printed the secret, or where.
"""

from __future__ import annotations

import base64
import json
import shlex
import urllib.parse

MARK = "(redacted)"
SHORTEST = 4
"""Shorter secrets are not searched for: they would cut ordinary words to pieces."""


def forms(secret_text: str) -> frozenset[str]:
    """Return the secret and its base64, URL, JSON and shell-quoted forms."""
    raw = secret_text.encode()
    found = {
        secret_text,
        base64.b64encode(raw).decode(),
        base64.b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode(),
        urllib.parse.quote(secret_text, safe=""),
        urllib.parse.quote_plus(secret_text),
        json.dumps(secret_text)[1:-1],
        json.dumps(secret_text, ensure_ascii=False)[1:-1],
        repr(secret_text)[1:-1],
        shlex.quote(secret_text),
    }
    found.update(line for line in secret_text.splitlines() if len(line) >= SHORTEST)
    return frozenset(form for form in found if len(form) >= SHORTEST)


class Redactor:
    """Remembers every secret that was resolved in this process, and cuts them out of texts."""

    def __init__(self) -> None:
        self._forms: set[str] = set()

    def learn(self, secret_text: str) -> None:
        """Have this secret cut out from now on."""
        self._forms |= forms(secret_text)

    def redact(self, text: str) -> str:
        """Return the text with every known secret replaced, longest form first."""
        for form in sorted(self._forms, key=lambda one: (-len(one), one)):
            if form in text:
                text = text.replace(form, MARK)
        return text
