"""What an agent writes: caught in unlinked files, capped, and made fit to show.

Files and not pipes, because agents leave children that keep standard output open: nobody waits
for those, and they get no SIGPIPE. A file that outgrows its limit is cut while the agent runs.
"""

from __future__ import annotations

import base64
import os
import re
import urllib.parse
from typing import Iterable, Tuple

TAIL_MAX = 4 * 1024
FILE_MAX = 1024 * 1024
REASON_MAX = 512
_REASON_PREFIX = "ocf-exit-reason:"
_REDACTED = "******"
_SECRET_MIN = 3  # shorter ones would turn every text into asterisks


class Capture:
    """Two unlinked files for the standard output and error of one run.

    Args:
        directory: Where to make them; where that is not possible they are made in memory.
    """

    def __init__(self, directory: str) -> None:
        self.stdout = _file(directory)
        try:
            self.stderr = _file(directory)
        except OSError:
            os.close(self.stdout)
            raise
        self._kept = {self.stdout: b"", self.stderr: b""}

    def trim(self) -> None:
        """Cut a file that has grown past its limit, keeping its last part."""
        for descriptor in (self.stdout, self.stderr):
            size = os.fstat(descriptor).st_size
            if size > FILE_MAX:
                self._kept[descriptor] = os.pread(descriptor, TAIL_MAX, size - TAIL_MAX)
                os.ftruncate(descriptor, 0)

    def read(self, limit: int = TAIL_MAX) -> Tuple[bytes, bytes]:
        """Return the last `limit` bytes of both."""
        stdout, stderr = (
            self._tail(descriptor, limit) for descriptor in (self.stdout, self.stderr)
        )
        return stdout, stderr

    def _tail(self, descriptor: int, limit: int) -> bytes:
        size = os.fstat(descriptor).st_size
        last = os.pread(descriptor, limit, max(0, size - limit))
        return (self._kept[descriptor] + last)[-limit:]

    def close(self) -> None:
        """Let go of the files."""
        os.close(self.stdout)
        os.close(self.stderr)


def _file(directory: str) -> int:
    flags = os.O_TMPFILE | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
    try:
        return os.open(directory, flags, 0o600)
    except OSError:  # a full or read-only disk must not make a healthy resource look failed
        descriptor = os.memfd_create("output")
        try:
            return os.open(f"/proc/self/fd/{descriptor}", os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        finally:
            os.close(descriptor)


def shown(raw: bytes) -> str:
    """Return the bytes as text in which nothing can move a terminal's cursor."""
    text = raw.decode("utf-8", "backslashreplace")
    return "".join(
        character if character.isprintable() or character in "\n\t" else _escaped(character)
        for character in text
    )


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def combined(stdout: str, stderr: str) -> str:
    """Return the tail (at most 4 KiB of UTF-8) of what was written, errors last."""
    text = stdout if not stderr else stderr if not stdout else f"{stdout.rstrip()}\n{stderr}"
    return text.strip().encode()[-TAIL_MAX:].decode("utf-8", "ignore")


def exit_reason(stderr: str) -> str:
    """Return the last reason the agent gave (`ocf-exit-reason:` lines on standard error)."""
    for line in reversed(stderr.splitlines()):
        _before, found, reason = line.partition(_REASON_PREFIX)
        if found and reason.strip():
            return reason.strip()[:REASON_MAX]
    return ""


def redacted(text: str, secrets: Iterable[str]) -> str:
    """Return the text without the secret values, also where they are encoded or quoted."""
    forms = set()
    for secret in secrets:
        if len(secret) < _SECRET_MIN:
            continue
        forms.update({secret, urllib.parse.quote(secret), urllib.parse.quote(secret, safe="")})
        forms.update({urllib.parse.quote_plus(secret), shown(secret.encode())})
        forms.add(base64.b64encode(secret.encode()).decode())
        forms.add(repr(secret)[1:-1])
        forms.add(secret.replace("'", "'\\''"))
    for form in sorted(forms, key=len, reverse=True):
        text = re.sub(re.escape(form), _REDACTED, text)
    return text
