"""Resolves secret references: environment, file, or the output of a program.

A reference is resolved at each use, so that a rotated secret counts at once. Messages name the
check that failed, never the content.
"""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Mapping

from reconciler.model import secret
from reconciler.ports import secrets as port
from reconciler.secrets import redaction

LARGEST = 64 * 1024
EXEC_TIMEOUT_S = 10.0


class Store:
    """The secret port on this machine."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment
        self._redactor = redaction.Redactor()

    def resolve(self, value: secret.Value) -> str:
        """Return the plain value. Raises SecretUnavailableError."""
        if isinstance(value, str):
            return value
        plain = _READERS[value.source](self, value)
        if not plain:
            raise port.SecretUnavailableError(f"{value} is empty")
        self._redactor.learn(plain)
        return plain

    def resolve_all(self, values: Mapping[str, secret.Value]) -> dict[str, str]:
        """Return plain values by name. Raises SecretUnavailableError."""
        return {name: self.resolve(value) for name, value in values.items()}

    def redact(self, text: str) -> str:
        """Return the text with every secret resolved so far replaced."""
        return self._redactor.redact(text)

    def _from_environment(self, reference: secret.SecretRef) -> str:
        (name,) = reference.reference
        try:
            return self._environment[name]
        except KeyError:
            raise port.SecretUnavailableError(
                f"the environment variable {name} is not set"
            ) from None

    def _from_file(self, reference: secret.SecretRef) -> str:
        path = reference.path
        try:
            # O_NONBLOCK: a FIFO without a writer must not hang us before it is refused.
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise port.SecretUnavailableError(f"{path}: {error.strerror}") from None
        with open(descriptor, "rb") as file:  # noqa: PTH123 - the file is already open
            facts = os.fstat(file.fileno())
            if not stat.S_ISREG(facts.st_mode):
                raise port.SecretUnavailableError(f"{path}: not a regular file")
            if facts.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                mode = stat.S_IMODE(facts.st_mode)
                raise port.SecretUnavailableError(
                    f"{path}: mode {mode:04o} lets others read it; run chmod 600 {path}"
                )
            if facts.st_uid not in (0, os.geteuid()):
                raise port.SecretUnavailableError(f"{path}: owned by another user")
            content = file.read(LARGEST + 1)
        return _decode(content, path)

    def _from_program(self, reference: secret.SecretRef) -> str:
        program = reference.reference[0]
        try:
            done = subprocess.run(
                reference.reference,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=EXEC_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise port.SecretUnavailableError(
                f"{program} gave no answer in {EXEC_TIMEOUT_S:.0f} s"
            ) from None
        except OSError as error:
            raise port.SecretUnavailableError(f"{program}: {error.strerror}") from None
        if done.returncode:
            raise port.SecretUnavailableError(f"{program} ended with status {done.returncode}")
        return _decode(done.stdout, program)


_READERS = {
    secret.SecretSource.ENV: Store._from_environment,  # noqa: SLF001 - the table of this class
    secret.SecretSource.FILE: Store._from_file,  # noqa: SLF001 - as above
    secret.SecretSource.EXEC: Store._from_program,  # noqa: SLF001 - as above
}


def _decode(content: bytes, source: str) -> str:
    if len(content) > LARGEST:
        raise port.SecretUnavailableError(f"{source}: longer than {LARGEST} bytes")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise port.SecretUnavailableError(f"{source}: not UTF-8 at byte {error.start}") from None
    return text.removesuffix("\n").removesuffix("\r")
