"""The fence agents of this machine: where they are, and what they say of themselves.

A name is looked up in given directories only, and what is found must be a program that nobody but
root (or whoever runs us) can change.
"""

from __future__ import annotations

import asyncio
import os
import pathlib
import re
import stat
from collections.abc import Sequence

from reconciler.fencing import child, metadata

DIRECTORIES = (pathlib.Path("/usr/sbin"),)
DESCRIBE_DEADLINE_S = 20.0

_NAME = re.compile(r"fence_[A-Za-z0-9_]{1,60}")
_Identity = tuple[str, int, int]


class Installed:
    """Finds fence agents by name and reads their meta-data, each once while it does not change."""

    def __init__(self, directories: Sequence[pathlib.Path] = DIRECTORIES) -> None:
        self._directories = tuple(directories)
        self._known: dict[_Identity, metadata.FenceMetadata | None] = {}
        self._asking: dict[_Identity, asyncio.Lock] = {}

    def names(self) -> tuple[str, ...]:
        """Return the names of all agents, sorted."""
        found = (
            path.name
            for directory in self._directories
            if directory.is_dir()
            for path in directory.iterdir()
        )
        return tuple(sorted({name for name in found if self.find(name) is not None}))

    def find(self, name: str) -> pathlib.Path | None:
        """Return the program of an agent, or None where there is none that may be run.

        It is named as it was found and not by what a link leads to: some agents are one program
        that behaves by the name it is called.
        """
        if not _NAME.fullmatch(name):
            return None
        programs = (directory / name for directory in self._directories)
        return next((program for program in programs if _may_run(program)), None)

    async def describe(self, name: str) -> metadata.FenceMetadata | None:
        """Return what an agent says of itself, or None where it says nothing usable."""
        program = self.find(name)
        if program is None:
            return None
        facts = program.stat()
        identity = (str(program), facts.st_mtime_ns, facts.st_size)
        async with self._asking.setdefault(identity, asyncio.Lock()):
            if identity not in self._known:
                self._known[identity] = await _ask(name, program)
        return self._known[identity]


def _may_run(program: pathlib.Path) -> bool:
    try:
        path = program.resolve(strict=True)
        trusted = all(_is_trusted(one) for one in (path, path.parent, program.parent))
    except OSError:
        return False
    return trusted and path.is_file() and os.access(path, os.X_OK)


async def _ask(name: str, program: pathlib.Path) -> metadata.FenceMetadata | None:
    try:
        ended = await child.run(
            [str(program)], b"action=metadata\n", deadline_s=DESCRIBE_DEADLINE_S
        )
    except OSError:
        return None
    return metadata.parse(name, ended.output) if ended.status == 0 else None


def _is_trusted(path: pathlib.Path) -> bool:
    facts = path.stat()
    return facts.st_uid in (0, os.geteuid()) and not facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
