"""Watching manifest files: tell when their content may have changed, and never trust an event.

An event of the kernel is a wake-up only; what counts is a digest of everything that is there. So
symbolic links that are swung round (Kubernetes, Capistrano), directories that are removed and made
again, and editors that write by renaming are all seen, by the event or by the next periodic look. A
change is told once the files have been quiet for a moment and no git command is half way through.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import pathlib
from collections.abc import AsyncIterator, Iterable, Sequence

from reconciler.frozen import frozen

SUFFIXES = frozenset({".yaml", ".yml"})


@frozen
class Pace:
    """How patient the watching is, seconds.

    Attributes:
        quiet_s: without further change before it is told.
        cap_s: longest wait for quiet.
        rescan_s: everything is read again at least this often.
        lock_cap_s: longest wait for ``.git/index.lock`` to go; one left behind by a killed git
            must not hide every later change.
    """

    quiet_s: float = 0.3
    cap_s: float = 5.0
    rescan_s: float = 5.0
    lock_cap_s: float = 60.0


DEFAULT_PACE = Pace()
"""For people who edit, and for git."""


async def changes(
    paths: Sequence[pathlib.Path], *, stop: asyncio.Event, pace: Pace = DEFAULT_PACE
) -> AsyncIterator[str]:
    """Yield the first paths' names whenever the content below ``paths`` has changed.

    Args:
        paths: manifest files and directories, as the person gave them.
        stop: ends the iteration.
        pace: how patient it is.
    """
    known = await asyncio.to_thread(digest, paths)
    while not stop.is_set():
        async with _listening(paths) as woken:
            seen = await asyncio.to_thread(digest, paths)
            if seen == known:
                await _first(pace.rescan_s, stop, woken)
                seen = await asyncio.to_thread(digest, paths)
        if seen != known and not stop.is_set():
            known, before = await _settled(paths, stop, pace, seen), known
            if known != before and not stop.is_set():
                yield ", ".join(str(path) for path in paths)


async def _settled(
    paths: Sequence[pathlib.Path], stop: asyncio.Event, pace: Pace, seen: str
) -> str:
    """Wait until the content is quiet and git has finished; return its digest then."""
    loop = asyncio.get_running_loop()
    began = first = loop.time()
    while not stop.is_set():
        await _first(pace.quiet_s, stop)
        before, seen = seen, await asyncio.to_thread(digest, paths)
        now = loop.time()
        if now - began < pace.lock_cap_s and await asyncio.to_thread(_git_busy, paths):
            first = now
        elif seen == before or now - first >= pace.cap_s:
            break
    return seen


def digest(paths: Iterable[pathlib.Path]) -> str:
    """Return a digest of all manifest files below ``paths``: names and contents.

    What cannot be read counts as such: a file that vanishes in between is a change, not an error.
    """
    found = hashlib.sha256()
    for path in paths:
        for name in _manifests(path):
            found.update(f"{name}\0".encode(errors="surrogateescape"))
            try:
                found.update(hashlib.sha256(name.read_bytes()).digest())
            except OSError as error:
                found.update(f"unreadable {error.errno}".encode())
    return found.hexdigest()


def _manifests(path: pathlib.Path) -> list[pathlib.Path]:
    """Return the manifest files at or below a path, sorted; links are followed, loops are not."""
    if not path.is_dir():
        return [path]
    found: list[pathlib.Path] = []
    passed: set[tuple[int, int]] = set()
    for top, folders, names in os.walk(path, followlinks=True):
        try:
            status = os.stat(top)  # noqa: PTH116 - os.walk gives texts
        except OSError:
            folders.clear()
            continue
        if (status.st_dev, status.st_ino) in passed:
            folders.clear()
            continue
        passed.add((status.st_dev, status.st_ino))
        folders[:] = sorted(one for one in folders if one != ".git")
        found += [pathlib.Path(top, one) for one in names if pathlib.Path(one).suffix in SUFFIXES]
    return sorted(found)


def _roots(paths: Iterable[pathlib.Path]) -> tuple[list[pathlib.Path], list[pathlib.Path]]:
    """Return the directories to watch: those with all below them, and those by themselves.

    A file is watched by its directory, because a watched file is lost with its first replacement;
    a link by the directory that holds it, because swinging it is no event of its target.
    """
    deep = {path.resolve() for path in paths if path.is_dir()}
    flat = {
        place
        for path in paths
        for place in (path.absolute().parent, path.resolve().parent)
        if place.is_dir()
    }
    return sorted(deep), sorted(flat - deep)


def _git_busy(paths: Iterable[pathlib.Path]) -> bool:
    """Tell whether a git command is half way through in a work tree that holds the paths."""
    return any(
        (above / ".git" / "index.lock").exists()
        for path in paths
        for above in (path.resolve(), *path.resolve().parents)
    )


@contextlib.asynccontextmanager
async def _listening(paths: Sequence[pathlib.Path]) -> AsyncIterator[asyncio.Event]:
    """Hold watchers open; the event that is yielded is set by the first thing that they see."""
    woken, over = asyncio.Event(), asyncio.Event()
    deep, flat = await asyncio.to_thread(_roots, paths)
    tasks = [
        asyncio.ensure_future(_listen(roots, woken, over, recursive=recursive))
        for roots, recursive in ((deep, True), (flat, False))
        if roots
    ]
    await asyncio.sleep(0)
    try:
        yield woken
    finally:
        over.set()
        if tasks:
            await asyncio.wait(tasks)


async def _listen(
    roots: Sequence[pathlib.Path], woken: asyncio.Event, over: asyncio.Event, *, recursive: bool
) -> None:
    """Set ``woken`` at the first event; without a watcher the periodic look has to do."""
    import watchfiles

    with contextlib.suppress(OSError):
        async for _ in watchfiles.awatch(
            *roots, watch_filter=None, stop_event=over, recursive=recursive, step=50, debounce=200
        ):
            woken.set()
            return


async def _first(seconds: float, *events: asyncio.Event) -> None:
    """Wait until one of the events is set, at most so long."""
    waiting = [asyncio.ensure_future(one.wait()) for one in events]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()
        await asyncio.wait(waiting)
