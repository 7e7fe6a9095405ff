"""The journal as a file of JSON lines, appended under a lock and rotated when it grows."""

from __future__ import annotations

import fcntl
import json
import os
import pathlib
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from reconciler.ports import journal

FORMAT_VERSION = 1
LARGEST = 16 * 1024 * 1024


class FileJournal:
    """The journal port on a file, 0600, in a directory 0700.

    Several processes may append at once. The file is renamed to ``.1`` when it passes
    ``LARGEST`` bytes; the one before is dropped.
    """

    def __init__(
        self, path: pathlib.Path, *, redact: Callable[[str], str], largest: int = LARGEST
    ) -> None:
        self._path = path
        self._redact = redact
        self._largest = largest

    def append(self, entry: journal.Entry) -> None:
        """Write an entry and have it on the disk. Raises OSError where it cannot be written."""
        line = self._redact(json.dumps(_encode(entry), sort_keys=True, ensure_ascii=False)) + "\n"
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(
            self._path.with_suffix(".lock"),
            os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW,
            0o600,
        )
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._rotate()
            self._write(line.encode(errors="backslashreplace"))
        finally:
            os.close(lock)

    def read(self, *, limit: int = 1000) -> Sequence[journal.Entry]:
        """Return the newest entries, oldest first; damaged lines are left out."""
        newest: deque[journal.Entry] = deque(maxlen=limit)
        for path in (self._older, self._path):
            try:
                with path.open("rb") as file:
                    newest.extend(entry for line in file if (entry := _decode(line)) is not None)
            except FileNotFoundError:
                continue
        return tuple(newest)

    @property
    def _older(self) -> pathlib.Path:
        return self._path.with_name(self._path.name + ".1")

    def _rotate(self) -> None:
        try:
            if self._path.stat().st_size >= self._largest:
                self._path.replace(self._older)
        except FileNotFoundError:
            pass

    def _write(self, line: bytes) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self._path, flags, 0o600)
        try:
            end = os.lseek(descriptor, 0, os.SEEK_END)
            # A torn line of a writer that died must not swallow this one.
            if end and os.pread(descriptor, 1, end - 1) != b"\n":
                line = b"\n" + line
            while line:
                line = line[os.write(descriptor, line) :]
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)


def _encode(entry: journal.Entry) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "at": entry.at,
        "run": entry.run,
        "event": entry.event,
        "body": dict(entry.body),
    }


def _decode(line: bytes) -> journal.Entry | None:
    try:
        fields = json.loads(line)
        if fields["format_version"] != FORMAT_VERSION:
            return None
        return journal.Entry(
            at=float(fields["at"]),
            run=str(fields["run"]),
            event=str(fields["event"]),
            body=dict(fields["body"]),
        )
    except (ValueError, KeyError, TypeError):
        return None
