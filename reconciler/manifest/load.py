"""The way in: files or texts -> the desired state, with every finding of the run."""

from __future__ import annotations

import gc
import hashlib
import os
import pathlib
from collections.abc import Iterable, Mapping

from reconciler.errors import diagnostic, position
from reconciler.frozen import frozen
from reconciler.manifest import codes, files, masking, reader
from reconciler.model import agent, desired, fencing

_SHIPPED = pathlib.Path(__file__).parent.parent / "agents" / "shipped.lock"
"""The lock file of the agents that come with this program."""
Known = Mapping[agent.AgentName, agent.Metadata]


@frozen
class Loaded:
    """What the manifests say.

    Attributes:
        desired: None where any finding is an error.
        fencing: the fence devices and levels, also where ``desired`` has them as resources.
        diagnostics: everything found, by file and place.
        sources: file to its lines, secrets hidden, for showing where a finding stands.
        digest: SHA-256 of the names and contents of all files, in hexadecimal digits.
    """

    desired: desired.Desired | None
    fencing: fencing.Fencing
    diagnostics: tuple[diagnostic.Diagnostic, ...]
    sources: Mapping[str, tuple[str, ...]]
    digest: str


def load(
    paths: Iterable[str | os.PathLike[str]],
    *,
    agents: Known | None = None,
    environment: Mapping[str, str] | None = None,
    pacemaker: bool = False,
) -> Loaded:
    """Read manifests from files and directories.

    Args:
        paths: files, or directories with every ``*.yaml`` and ``*.yml`` below them; an
            ``agents.lock`` beside them is read too.
        agents: meta-data that is known besides, e.g. from the nodes; it wins over lock files.
        environment: variables that secrets may stand in; None: those of this process.
        pacemaker: return the desired state as Pacemaker has it, fence devices among the resources.
    """
    findings = codes.Findings()
    texts = files.read(paths, findings)
    variables = os.environ if environment is None else environment
    return _load(texts, findings, agents or {}, variables, pacemaker=pacemaker)


def load_texts(
    texts: Mapping[str, bytes], *, agents: Known | None = None, pacemaker: bool = False
) -> Loaded:
    """Read manifests from contents by name; touches no file and no variable.

    Args:
        texts: name to content; a name that ends in ``agents.lock`` holds a lock file.
        agents: meta-data that is known besides; it wins over lock files.
        pacemaker: as for ``load``.
    """
    findings = codes.Findings()
    return _load(dict(sorted(texts.items())), findings, agents or {}, None, pacemaker=pacemaker)


def digest(texts: Mapping[str, bytes]) -> str:
    """Return the SHA-256 of names and contents, whatever their order."""
    total = hashlib.sha256()
    for name, content in sorted(texts.items()):
        for part in (name.encode("utf-8", "surrogateescape"), content):
            total.update(len(part).to_bytes(8, "big"))
            total.update(part)
    return total.hexdigest()


def shipped() -> Known:
    """Return the meta-data of the agents that come with this program."""
    return _known({}, {}, codes.Findings())[0]


def _load(
    texts: Mapping[str, bytes],
    findings: codes.Findings,
    agents: Known,
    environment: Mapping[str, str] | None,
    *,
    pacemaker: bool,
) -> Loaded:
    collecting = gc.isenabled()
    gc.disable()  # a tree of many small values that all stay: collecting would only cost time
    try:
        return _loaded(texts, findings, agents, environment, pacemaker=pacemaker)
    finally:
        if collecting:
            gc.enable()


def _loaded(
    texts: Mapping[str, bytes],
    findings: codes.Findings,
    agents: Known,
    environment: Mapping[str, str] | None,
    *,
    pacemaker: bool,
) -> Loaded:
    manifests = {name: text for name, text in texts.items() if not name.endswith(files.LOCK_NAME)}
    locks = {name: text for name, text in texts.items() if name.endswith(files.LOCK_NAME)}
    found = None
    documents = []
    spots: list[tuple[position.Position, str]] = []
    devices = fencing.NO_FENCING
    if manifests:
        documents = _documents(manifests, findings)
    elif not findings.items:
        findings.add("no-manifests", "no manifests were given", position.NOWHERE)
    if any(document.readable for document in documents):
        # heavy: pydantic and everything that needs it
        from reconciler.manifest import lower, merge, scope, secrets

        known, locked = _known(locks, agents, findings)
        root = merge.merged(documents, findings)
        if root is not None:
            here = scope.Scope(root, findings, known, locked)
            found = lower.lowered(here)
            if found is not None:
                devices = found.fencing
                found = lower.for_pacemaker(found) if pacemaker else lower.for_controller(found)
            spots = here.spots
            if environment is not None:
                secrets.unavailable(here.references, environment, findings)
    sources = {
        name: masking.masked(document.lines, [spot for spot in spots if spot[0].file == name])
        for name, document in zip(manifests, documents, strict=False)
    }
    refused = diagnostic.has_errors(findings.items)
    return Loaded(
        None if refused else found,
        devices,
        findings.ordered(),
        sources,
        digest(texts),
    )


def _documents(manifests: Mapping[str, bytes], findings: codes.Findings) -> list[reader.Document]:
    total = sum(len(text) for text in manifests.values())
    if len(manifests) > files.MAXIMUM_FILES or total > files.MAXIMUM_TREE_BYTES:
        findings.add(
            "tree-too-large",
            f"{len(manifests)} files with {total} bytes; the limits are {files.MAXIMUM_FILES} "
            f"files and {files.MAXIMUM_TREE_BYTES} bytes",
            position.Position(next(iter(manifests))),
        )
        return []
    return [reader.read(name, text, findings) for name, text in manifests.items()]


def _known(
    locks: Mapping[str, bytes], agents: Known, findings: codes.Findings
) -> tuple[Known, bool]:
    """Return all meta-data that is known, and whether a lock file is among it."""
    from reconciler.agents import ipmi, lock

    found: dict[agent.AgentName, agent.Metadata] = {ipmi.NAME: ipmi.METADATA}
    locked = False
    for name, text in (("", _SHIPPED.read_bytes()), *locks.items()):
        entries = lock.read(text)
        if isinstance(entries, lock.Unusable):
            findings.add(
                "lock-file",
                f"the lock file is unusable: {entries.reason}",
                position.Position(name),
                fix="write it anew where the agents are installed",
            )
            continue
        found.update(entries)
        locked = locked or bool(name)
    return {**found, **agents}, locked
