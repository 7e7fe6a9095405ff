"""References to secrets: manifests, plans and state hold these, never the values."""

from __future__ import annotations

import dataclasses
import enum

from reconciler.frozen import frozen


class SecretSource(enum.Enum):
    """Where the value of a secret is read when, and only when, it is used."""

    ENV = "env"
    FILE = "file"
    EXEC = "exec"


@frozen
class SecretRef:
    """Where a secret is to be found.

    Attributes:
        source: environment variable, file, or the output of a program.
        reference: variable name, path, or the program with its arguments.
        base: directory that a relative path starts from; where the manifest lies. It is not part
            of the reference's identity: the same manifest in another checkout means the same.
    """

    source: SecretSource
    reference: tuple[str, ...]
    base: str = dataclasses.field(default="", compare=False)

    @property
    def path(self) -> str:
        """The file that is meant, from the root or from where this program runs."""
        import pathlib

        return str(pathlib.PurePath(self.base, *self.reference))

    def __str__(self) -> str:
        return f"secretRef({self.source.value}: {' '.join(self.reference)})"


Value = str | SecretRef
"""A parameter's value."""
