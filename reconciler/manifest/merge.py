"""The sections of all files as one document; a thing defined twice is an error with both places."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.errors import position
from reconciler.manifest import codes, reader, tree, wording

API_VERSION = "reconciler/v1"

_LEVELS = {
    "cluster": 2,
    "defaults": 2,
    "nodes": 1,
    "resources": 1,
    "templates": 1,
    "tags": 1,
    "fencing": 2,
}
"""Section to the number of levels of keys that may come from several files."""
SECTIONS = (*_LEVELS, "constraints")


def merged(documents: Iterable[reader.Document], findings: codes.Findings) -> tree.Mapping | None:
    """Return one document with the sections of all manifests; None where there is none."""
    result: tree.Mapping | None = None
    for document in documents:
        if not document.readable:
            continue
        root = document.root
        if not isinstance(root, tree.Mapping):
            findings.add(
                "top-level",
                f"a manifest is a mapping of sections, this is {tree.kind(root)}",
                position.Position(*document.mark),
                fix=f"begin with apiVersion: {API_VERSION}",
            )
            continue
        _version(root, findings)
        if result is None:
            result = tree.Mapping(root.mark)
        _add(result, root, findings)
    return result


def _version(root: tree.Mapping, findings: codes.Findings) -> None:
    written = root.get("apiVersion")
    if "apiVersion" not in root:
        findings.add(
            "api-version",
            "apiVersion is missing",
            root.here,
            fix=f"begin the file with apiVersion: {API_VERSION}",
        )
    elif written != API_VERSION:
        text = written if isinstance(written, str) else tree.kind(written)
        findings.add(
            "api-version",
            f"apiVersion {wording.shown(text)} is not supported; this build reads {API_VERSION}",
            root.value("apiVersion"),
            nearest=(API_VERSION,),
        )


def _add(result: tree.Mapping, root: tree.Mapping, findings: codes.Findings) -> None:
    for section, value in root.items():
        if section == "apiVersion":
            continue
        if section not in SECTIONS:
            close = findings.nearest(section, SECTIONS)
            findings.add(
                "unknown-field",
                f"there is no section {wording.shown(section)}",
                root.key(section),
                nearest=close,
                fix="" if close else f"the sections are: {', '.join(SECTIONS)}",
            )
            continue
        if value is None:
            continue  # a section whose last entry was removed
        wanted = tree.Sequence if section == "constraints" else tree.Mapping
        if not isinstance(value, wanted):
            findings.add(
                "wrong-type",
                f"{section}: expected {tree.kind(wanted(root.mark))}, got {tree.kind(value)}",
                root.value(section),
            )
            continue
        if section not in result:
            result.put(section, wanted(value.mark), root.marks[section])
        if isinstance(value, tree.Sequence):
            for item, mark in zip(value, value.marks, strict=True):
                result[section].put(item, mark)
        else:
            _join(section, result[section], value, _LEVELS[section], findings)


def _join(
    path: str, into: tree.Mapping, more: tree.Mapping, levels: int, findings: codes.Findings
) -> None:
    for name, value in more.items():
        if name not in into:
            if levels > 1 and isinstance(value, tree.Mapping):
                into.put(name, tree.Mapping(value.mark), more.marks[name])
                _join(f"{path}.{name}", into[name], value, levels - 1, findings)
            else:
                into.put(name, value, more.marks[name])
        elif (
            levels > 1 and isinstance(into[name], tree.Mapping) and isinstance(value, tree.Mapping)
        ):
            _join(f"{path}.{name}", into[name], value, levels - 1, findings)
        else:
            findings.add(
                "defined-twice",
                f"{path}: {wording.shown(name)} is defined twice",
                more.key(name),
                related=((into.key(name), "first defined here"),),
                fix="remove or rename one of the two",
            )
