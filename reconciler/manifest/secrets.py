"""Secrets: which parameters are some, that they are references, and that these can work."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
from collections.abc import Iterable, Mapping

from reconciler.errors import position
from reconciler.manifest import codes, scalar
from reconciler.model import secret

_ENVIRONMENT = re.compile(scalar.ENVIRONMENT_PATTERN)
_OTHERS_READ = 0o004

Reference = tuple[secret.SecretRef, position.Position]


def inline(name: str, marked: bool, at: position.Position, findings: codes.Findings) -> None:
    """Report a secret that stands in the manifest; its value is never shown."""
    why = "the agent's meta-data marks it private" if marked else "its name says that it is one"
    variable = re.sub(r"[^A-Z0-9]", "_", name.upper())
    findings.add(
        "inline-secret",
        f"{name} is a secret ({why}) and must not stand in a manifest",
        at,
        fix=f"write {name}: {{secretRef: {{env: {variable}}}}}, or file or exec, and change it now",
    )


def anchored(ref: secret.SecretRef, at: position.Position) -> secret.SecretRef:
    """Return the reference to a file with the directory of its manifest as the start."""
    if ref.source is not secret.SecretSource.FILE:
        return ref
    return dataclasses.replace(ref, base=str(pathlib.Path(at.file).absolute().parent))


def reference(ref: secret.SecretRef, at: position.Position, findings: codes.Findings) -> bool:
    """Tell whether a reference can work at all; if not, say so."""
    first = ref.reference[0]
    match ref.source:
        case secret.SecretSource.ENV if not _ENVIRONMENT.fullmatch(first):
            problem = "this is no name of an environment variable"
        case secret.SecretSource.EXEC if not first.startswith("/"):
            problem = "exec needs an absolute path"
        case secret.SecretSource.FILE | secret.SecretSource.EXEC if ".." in first.split("/"):
            problem = "the path must not contain .."
        case _:
            return True
    findings.add("invalid-secret-reference", problem, at)
    return False


def unavailable(
    references: Iterable[Reference], environment: Mapping[str, str], findings: codes.Findings
) -> None:
    """Warn of each secret that cannot be found from here. Nothing is read or run."""
    seen = set()
    for ref, at in references:
        if (ref.source, ref.path) in seen:
            continue
        seen.add((ref.source, ref.path))
        first = ref.reference[0]
        match ref.source:
            case secret.SecretSource.ENV:
                value = environment.get(first)
                problem = (
                    f"the environment variable {first} is not set"
                    if value is None
                    else f"the environment variable {first} is empty"
                    if not value
                    else ""
                )
            case secret.SecretSource.FILE:
                problem = _file(pathlib.Path(ref.path))
            case secret.SecretSource.EXEC:
                problem = "" if os.access(first, os.X_OK) else f"{first} cannot be run here"
        if problem:
            findings.add("secret-unavailable", problem, at, fix="it is read when it is used")


def _file(path: pathlib.Path) -> str:
    try:
        status = path.stat()
    except OSError as problem:
        return f"the file {path} cannot be read: {problem.strerror}"
    if not path.is_file():
        return f"{path} is no file"
    if status.st_mode & _OTHERS_READ:
        return f"the file {path} is readable by others (mode {status.st_mode & 0o777:04o})"
    return "" if os.access(path, os.R_OK) else f"the file {path} may not be read"
