"""What an agent writes: caught in unlinked files, capped, and made fit to show.

Files and not pipes, because agents leave children that keep standard output open: nobody waits
for those, and they get no SIGPIPE. A file that outgrows its limit is cut while the agent runs.
"""

from __future__ import annotations

import base64
import fcntl
import os
import re
import urllib.parse
from typing import Dict, Iterable, List, Tuple

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
        self._files: List[int] = []
        self.writers: List[int] = []
        self._kept: Dict[int, bytes] = {}
        try:
            for _stream in ("stdout", "stderr"):
                self._files.append(_file(directory))
                self.writers.append(_opened_again(self._files[-1]))
        except OSError:
            self.hand_over()
            self.close()
            raise

    def hand_over(self) -> None:
        """Close the writing ends: from now on only the child and its children have them."""
        for descriptor in self.writers:
            os.close(descriptor)
        self.writers = []

    def trim(self) -> None:
        """Cut a file that has grown past its limit, keeping its last part."""
        for descriptor in self._files:
            size = os.fstat(descriptor).st_size
            if size > FILE_MAX:
                self._kept[descriptor] = os.pread(descriptor, TAIL_MAX, size - TAIL_MAX)
                os.ftruncate(descriptor, 0)

    def read(self, limit: int = TAIL_MAX) -> Tuple[bytes, bytes]:
        """Return the last `limit` bytes of both."""
        stdout, stderr = (self._tail(descriptor, limit) for descriptor in self._files)
        return stdout, stderr

    def _tail(self, descriptor: int, limit: int) -> bytes:
        size = os.fstat(descriptor).st_size
        last = os.pread(descriptor, limit, max(0, size - limit))
        return (self._kept.get(descriptor, b"") + last)[-limit:]

    def held(self) -> bool:
        """Return whether anything still has one of the files open for writing.

        A write lease is granted only for a file that nobody else has open.
        """
        for descriptor in self._files:
            try:
                fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            except BlockingIOError:
                return True
            except OSError:
                continue  # this file system has no leases
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        return False

    def close(self) -> None:
        """Let go of the files."""
        for descriptor in self._files:
            os.close(descriptor)
        self._files = []


def _file(directory: str) -> int:
    flags = os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC
    try:
        return os.open(directory, flags, 0o600)
    except OSError:  # a full or read-only disk must not make a healthy resource look failed
        return os.memfd_create("output")


def _opened_again(descriptor: int) -> int:
    """Return an own open file for appending: what the child writes after a cut starts at 0."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
    return os.open(f"/proc/self/fd/{descriptor}", flags)


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
