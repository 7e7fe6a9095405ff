"""Building the executor as one file, the same bytes from the same sources.

`python -m reconciler.executor.build OUT.pyz`
"""

from __future__ import annotations

import os
import sys
import zipfile
from typing import Iterator, Sequence, Tuple

_SHEBANG = b"#!/usr/bin/env python3\n"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date a zip file knows
_MAIN = b"""import sys

from reconciler.executor.__main__ import main

sys.exit(main())
"""
_TOP = b'"""A declarative reconciler for high-availability Linux clusters."""\n'
_PREFIX = "reconciler/executor"
_KEPT = (".py", ".md")


def build(target: str) -> None:
    """Write the zipapp to the file `target`.

    Raises:
        OSError: It cannot be written.
    """
    beside = f"{target}.new"
    with open(beside, "wb") as output:  # noqa: PTH123  pathlib costs memory
        output.write(_SHEBANG)
        with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in sorted(_content()):
                entry = zipfile.ZipInfo(name, _EPOCH)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                entry.create_system = 3  # Unix, wherever it is built
                archive.writestr(entry, content)
    os.chmod(beside, 0o755)  # noqa: PTH101, S103  a program, for everybody to run
    os.replace(beside, target)  # noqa: PTH105  pathlib costs memory


def _content() -> Iterator[Tuple[str, bytes]]:
    yield "__main__.py", _MAIN
    yield "reconciler/__init__.py", _TOP
    package = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  pathlib costs memory
    for directory, directories, names in os.walk(package):
        directories[:] = [name for name in directories if name != "__pycache__"]
        for name in names:
            path = f"{directory}/{name}"
            relative = os.path.relpath(path, package)
            if name.endswith(_KEPT) or relative.startswith("ocf/"):
                with open(path, "rb") as source:  # noqa: PTH123  pathlib costs memory
                    yield f"{_PREFIX}/{relative}", source.read()


def main(arguments: Sequence[str]) -> int:
    """Run the command line; returns the exit code."""
    if len(arguments) != 1:
        print("usage: python -m reconciler.executor.build OUT.pyz", file=sys.stderr)  # noqa: T201  standard error is for people
        return 64
    build(arguments[0])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
