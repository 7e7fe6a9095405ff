"""The secret port: values are read when they are used, and not kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from reconciler.model import secret


class SecretUnavailableError(Exception):
    """A secret cannot be read; the text names the check that failed, never the content."""


class Secrets(Protocol):
    """Resolves references and remembers which texts must never be printed."""

    def resolve(self, value: secret.Value) -> str:
        """Return the plain value. Raises SecretUnavailableError."""
        ...

    def resolve_all(self, values: Mapping[str, secret.Value]) -> dict[str, str]:
        """Return plain values by name. Raises SecretUnavailableError."""
        ...

    def redact(self, text: str) -> str:
        """Return the text with every secret resolved so far replaced by ``(redacted)``."""
        ...
