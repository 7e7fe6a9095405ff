"""Putting the files that agents need where they can run: out of the package or the zipapp.

The copies are in the state directory, written by this daemon: so they belong to the right user
whoever owns the package, and a zipapp's are real files.
"""

from __future__ import annotations

import os
import sys
import zipimport
from typing import Dict, Tuple

from reconciler import executor
from reconciler.executor import shims

AGENTS = "agents"
SHIMS = "shims"
_SHIM = """#!{python} -IS
import sys
sys.path.insert(0, {root!r})
from reconciler.executor import shims
sys.exit(shims.main({name!r}, sys.argv[1:]))
"""
_COMMAND = """#!{python} -IS
import sys
sys.path.insert(0, {root!r})
sys.dont_write_bytecode = True
from reconciler.executor import __main__ as program
sys.exit(program.main())
"""
COMMAND = "executor"
_PACKAGE = "reconciler/executor/"


def place(state_dir: str) -> Tuple[str, str]:
    """Write the shipped OCF agents and the shims; returns (their resource.d, the shims' directory).

    Raises:
        OSError: They could not be written.
    """
    resource_d = f"{state_dir}/{AGENTS}/ocf/resource.d"
    os.makedirs(resource_d, mode=0o700, exist_ok=True)  # noqa: PTH103  pathlib costs memory
    for relative, content in _ocf_files().items():
        _write(f"{state_dir}/{AGENTS}/{relative}", content)
    directory = f"{state_dir}/{SHIMS}"
    for name in shims.COMMANDS:
        script = _SHIM.format(python=sys.executable, root=root(), name=name)
        _write(f"{directory}/{name}", script.encode())
    return resource_d, directory


def command(state_dir: str) -> str:
    """Write the executor's own command into the state directory; returns its path.

    It names the interpreter and the place of the package, so it runs from anywhere.

    Raises:
        OSError: It could not be written.
    """
    path = f"{state_dir}/{COMMAND}"
    _write(path, _COMMAND.format(python=sys.executable, root=root()).encode())
    return path


def root() -> str:
    """Return the directory or zip archive that this package was imported from."""
    loader = executor.__loader__
    if isinstance(loader, zipimport.zipimporter):
        return os.path.abspath(loader.archive)  # noqa: PTH100  pathlib costs memory
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120  pathlib costs memory


def _ocf_files() -> Dict[str, bytes]:
    """Return the content of each shipped file below `ocf/`, by its path in the package."""
    loader = executor.__loader__
    if isinstance(loader, zipimport.zipimporter):
        import zipfile

        with zipfile.ZipFile(loader.archive) as archive:
            return {
                name[len(_PACKAGE) :]: archive.read(name)
                for name in archive.namelist()
                if name.startswith(f"{_PACKAGE}ocf/") and not name.endswith("/")
            }
    package = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  pathlib costs memory
    found: Dict[str, bytes] = {}
    for directory, _directories, names in os.walk(f"{package}/ocf"):
        for name in names:
            path = f"{directory}/{name}"
            with open(path, "rb") as source:  # noqa: PTH123  pathlib costs memory
                found[os.path.relpath(path, package)] = source.read()
    return found


def _write(path: str, content: bytes) -> None:
    """Replace an executable file, unless it has this content already."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120  pathlib costs memory
    try:
        with open(path, "rb") as source:  # noqa: PTH123  pathlib costs memory
            if source.read() == content:
                return
    except OSError:
        pass  # it is not there yet
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    beside = f"{path}.{os.getpid()}"
    descriptor = os.open(beside, flags, 0o700)
    with open(descriptor, "wb") as target:  # noqa: PTH123  it is a descriptor
        target.write(content)
    os.replace(beside, path)  # noqa: PTH105  pathlib costs memory
