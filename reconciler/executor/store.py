"""One durable document: a checksummed file, replaced as a whole.

A file is its header line (kind, format version, CRC-32 of the rest) and one JSON object. It is
written beside, flushed, renamed over the old one, and the directory flushed: whatever moment the
power fails, one whole version is found. What cannot be read is never taken for "nothing runs".
"""

from __future__ import annotations

import json
import os
import zlib
from typing import Any, Dict, Optional

FORMAT = 1
SIZE_MAX = 256 * 1024 * 1024


class FutureFormatError(Exception):
    """The file was written by a newer version; it is left alone."""


class CorruptError(Exception):
    """The file is torn, changed, or no document of ours."""


class Store:
    """The document `name` in the state directory.

    Args:
        directory: The state directory's path.
        name: The file's name in it.
    """

    def __init__(self, directory: str, name: str) -> None:
        self._path = os.path.join(directory, name)  # noqa: PTH118  pathlib costs memory
        self._directory = directory
        self._name = name

    def load(self) -> Optional[Dict[str, Any]]:
        """Return the document, None where there is no file.

        Raises:
            CorruptError: It cannot be believed.
            FutureFormatError: A newer version wrote it.
            OSError: It cannot be read.
        """
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        with open(descriptor, "rb") as source:  # noqa: PTH123  it is a descriptor
            raw = source.read(SIZE_MAX)
        return self._parse(raw)

    def _parse(self, raw: bytes) -> Dict[str, Any]:
        header, _newline, body = raw.partition(b"\n")
        words = header.split(b" ")
        if words[0] != self._kind() or len(words) != 3 or not words[1].isdigit():  # noqa: PLR2004  the header's words
            raise CorruptError(f"{self._path} is no {self._name} file")
        if int(words[1]) > FORMAT:
            raise FutureFormatError(
                f"{self._path} has format {int(words[1])}, this version knows {FORMAT}"
            )
        if words[2] != _checksum(body):
            raise CorruptError(f"{self._path} does not match its checksum")
        try:
            document = json.loads(body)
        except ValueError as error:
            raise CorruptError(f"{self._path}: {error}") from None
        if not isinstance(document, dict):
            raise CorruptError(f"{self._path} holds no object")
        return document

    def save(self, document: Dict[str, Any]) -> None:
        """Replace the document durably.

        Raises:
            OSError: The old version is still there, whole.
        """
        body = json.dumps(document, separators=(",", ":")).encode()
        header = b" ".join((self._kind(), str(FORMAT).encode(), _checksum(body)))
        beside = f"{self._path}.new"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(beside, flags, 0o600)
        try:
            _write_all(descriptor, header + b"\n" + body)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(beside, self._path)  # noqa: PTH105  pathlib costs memory
        sync_directory(self._directory)

    def put_aside(self, suffix: str) -> None:
        """Keep the present file for people as NAME.SUFFIX."""
        try:
            os.replace(self._path, f"{self._path}.{suffix}")  # noqa: PTH105  pathlib costs memory
        except FileNotFoundError:
            return

    def _kind(self) -> bytes:
        return f"reconciler-{self._name}".encode()


def _checksum(body: bytes) -> bytes:
    return f"{zlib.crc32(body):08x}".encode()


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def sync_directory(path: str) -> None:
    """Flush a directory: a rename in it then survives a power failure."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
