"""Finding and reading manifest files: what is below a path, bounded and inside its tree."""

from __future__ import annotations

import contextlib
import errno
import os
import pathlib
import stat
from collections.abc import Iterable

from reconciler.errors import position
from reconciler.manifest import codes, reader

MAXIMUM_FILES = 1_000
MAXIMUM_TREE_BYTES = 16 * 1024 * 1024
MAXIMUM_DIRECTORY_DEPTH = 32
LOCK_NAME = "agents.lock"
MAXIMUM_LOCK_BYTES = 16 * 1024 * 1024
_SUFFIXES = (".yaml", ".yml")


def read(paths: Iterable[str | os.PathLike[str]], findings: codes.Findings) -> dict[str, bytes]:
    """Return the content of every manifest that the paths mean, by name, in a stable order.

    Beside the manifests this holds each ``agents.lock`` of the directories given, or of the
    directories of the files given.
    """
    found = _Found(findings)
    for path in paths:
        found.path(os.fspath(path))
    return dict(sorted(found.texts.items()))


class _Found:
    """What was found so far; lives inside one call of ``read``."""

    __slots__ = ("findings", "seen", "texts", "total")

    def __init__(self, findings: codes.Findings) -> None:
        self.findings = findings
        self.texts: dict[str, bytes] = {}
        self.seen: set[tuple[int, int]] = set()
        self.total = 0

    def path(self, path: str) -> None:
        """Take one path that a person gave."""
        try:
            status = os.stat(path)  # noqa: PTH116 - paths stay texts, as the person wrote them
        except OSError as problem:
            self._failed(path, problem)
            return
        if stat.S_ISDIR(status.st_mode):
            before = len(self.texts)
            errors = len(self.findings.items)
            self._directory(path, pathlib.Path(path).resolve(), 0)
            self._lock(path)
            if not any(not one.endswith(LOCK_NAME) for one in list(self.texts)[before:]) and (
                len(self.findings.items) == errors
            ):
                self.findings.add(
                    "no-manifests",
                    "no manifests in this directory: no *.yaml or *.yml below it",
                    position.Position(path),
                    fix="name the right directory, or write a manifest",
                )
        else:
            self._file(path)
            self._lock(str(pathlib.Path(path).parent))

    def _failed(self, path: str, problem: OSError) -> None:
        if isinstance(problem, FileNotFoundError):
            link = pathlib.Path(path).is_symlink()
            self.findings.add(
                "file-missing",
                "the link leads nowhere" if link else "there is no such file or directory",
                position.Position(path),
            )
        elif isinstance(problem, PermissionError):
            self.findings.add(
                "file-unreadable",
                f"it may not be read by user {os.geteuid()}{_mode(path)}",
                position.Position(path),
                fix="give this user the right to read it",
            )
        elif "symbolic link" in str(problem):
            self.findings.add(
                "link-outside", "the symbolic links lead in a circle", position.Position(path)
            )
        else:
            self.findings.add(
                "file-unreadable",
                f"it cannot be read: {problem.strerror or 'unknown error'}",
                position.Position(path),
            )

    def _lock(self, directory: str) -> None:
        path = os.path.join(directory, LOCK_NAME)  # noqa: PTH118 - as above
        if pathlib.Path(path).is_file():
            self._file(path, MAXIMUM_LOCK_BYTES)

    def _directory(self, path: str, root: pathlib.Path, depth: int) -> None:
        real = pathlib.Path(path).resolve()
        if depth > MAXIMUM_DIRECTORY_DEPTH:
            self.findings.add(
                "tree-too-large", "directories are nested too deeply", position.Position(path)
            )
            return
        if not real.is_relative_to(root):
            self._outside(path, real)
            return
        status = real.stat()
        if (status.st_dev, status.st_ino) in self.seen:
            return
        self.seen.add((status.st_dev, status.st_ino))
        try:
            names = sorted(os.listdir(path))  # noqa: PTH208 - as above
        except OSError as problem:
            self._failed(path, problem)
            return
        for name in names:
            if not name.startswith("."):
                self._entry(os.path.join(path, name), name, root, depth)  # noqa: PTH118 - as above

    def _entry(self, path: str, name: str, root: pathlib.Path, depth: int) -> None:
        manifest = name.endswith(_SUFFIXES)
        try:
            directory = stat.S_ISDIR(os.stat(path).st_mode)  # noqa: PTH116 - as above
        except OSError as problem:
            if manifest:
                self._failed(path, problem)
            return
        if directory:
            self._directory(path, root, depth + 1)
        elif manifest:
            real = pathlib.Path(path).resolve()
            if real.is_relative_to(root):
                self._file(path)
            else:
                self._outside(path, real)

    def _outside(self, path: str, real: pathlib.Path) -> None:
        self.findings.add(
            "link-outside",
            f"the symbolic link leaves the directory of the manifests: it leads to {real}",
            position.Position(path),
            fix="copy the file, or name its own directory too",
        )

    def _file(self, path: str, limit: int = reader.MAXIMUM_BYTES) -> None:
        if path in self.texts:
            return
        if len(self.texts) >= MAXIMUM_FILES:
            self._once(f"more than {MAXIMUM_FILES} files", path)
            return
        content = self._content(path, limit)
        if content is None:
            return
        if len(content) > limit:
            self.findings.add(
                "file-too-large",
                f"the file has more than {limit} bytes, which is the limit",
                position.Position(path),
                fix="split it into several files",
            )
            return
        if not path.endswith(LOCK_NAME):
            self.total += len(content)
        if self.total > MAXIMUM_TREE_BYTES:
            self._once(f"more than {MAXIMUM_TREE_BYTES} bytes in all files", path)
            return
        self.texts[path] = content

    def _content(self, path: str, limit: int) -> bytes | None:
        try:
            # without waiting: a pipe must not hang us
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as problem:
            if problem.errno == errno.ENXIO:  # a socket
                self._irregular(path)
            else:
                self._failed(path, problem)
            return None
        with contextlib.closing(os.fdopen(descriptor, "rb")) as stream:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                self._irregular(path)
                return None
            if (status.st_dev, status.st_ino) in self.seen:
                return None  # the same file by another way
            self.seen.add((status.st_dev, status.st_ino))
            try:
                return stream.read(limit + 1)
            except OSError as problem:
                self._failed(path, problem)
                return None

    def _irregular(self, path: str) -> None:
        self.findings.add(
            "file-not-regular",
            "this is no regular file but a pipe, socket or device",
            position.Position(path),
        )

    def _once(self, message: str, path: str) -> None:
        if not any(one.code == "tree-too-large" for one in self.findings.items):
            self.findings.add(
                "tree-too-large", message, position.Position(path), fix="name a smaller directory"
            )


def _mode(path: str) -> str:
    try:
        status = os.stat(path)  # noqa: PTH116 - as above
    except OSError:
        return ""
    return f"; it belongs to user {status.st_uid}, mode {stat.S_IMODE(status.st_mode):04o}"
