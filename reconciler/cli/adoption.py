"""From a CIB to manifests that are valid: what validation finds is accepted by name, and said."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Mapping

from reconciler.cib import adopt, read
from reconciler.cib import document as documents
from reconciler.errors import diagnostic
from reconciler.frozen import frozen
from reconciler.manifest import codes, load
from reconciler.model import observed
from reconciler.render.source import document

_QUORUM = "quorum-ignored"
_REASON = "imported: this is how the CIB has it"
_REASONS = {
    "no-fence-device": "imported: name a fence device for each node before this is applied",
    "no-resources": "imported: the CIB has no resources",
}
_HEADS = {
    "nodes": (
        "A CIB does not say how nodes are reached: give each its address and connection (ssh).",
    ),
}
_SOURCE = "manifests.yaml"


@frozen
class Adoption:
    """A CIB as manifests.

    Attributes:
        content: what the manifests say.
        observed: the status, fitting the manifests.
        findings: what was changed, left out, or needs a decision.
        errors: what keeps the manifests from being valid.
    """

    content: document.Content
    observed: observed.Observed
    findings: tuple[diagnostic.Diagnostic, ...]
    errors: tuple[diagnostic.Diagnostic, ...]

    @property
    def lossy(self) -> bool:
        """Whether something of the CIB could not be carried."""
        return any(one.code == documents.NOT_CARRIED for one in self.findings)

    def files(self) -> dict[str, str]:
        """Return the manifests, file to text."""
        return document.files(self.content)

    def single(self) -> str:
        """Return the manifests as one document."""
        return document.single(self.content)


def adopted(found: read.CibImport, *, name: str = "") -> Adoption:
    """Return a CIB as manifests.

    Args:
        found: what it holds.
        name: of the cluster, where the CIB has none.
    """
    result = adopt.adopt(found, metadata=load.shipped(), name=name)
    content = document.Content(
        desired=result.desired,
        levels=found.fencing.levels,
        templates=result.templates,
        bases=found.bases,
        remarks=result.remarks,
        head=_HEADS,
    )
    content, errors = _accepting(content)
    return Adoption(content, result.observed, (*found.diagnostics, *result.findings), errors)


def _accepting(
    content: document.Content,
) -> tuple[document.Content, tuple[diagnostic.Diagnostic, ...]]:
    """Return the content with a consent for each finding that can be accepted."""
    wrong = _errors(content)
    by_code: dict[str, list[diagnostic.Diagnostic]] = collections.defaultdict(list)
    for one in wrong:
        by_code[one.code].append(one)
    consents = {code: some for code, some in by_code.items() if code in codes.ACCEPTABLE}
    if not consents and _QUORUM not in by_code:
        return content, wrong
    content = dataclasses.replace(
        content,
        accept={code: _REASONS.get(code, _REASON) for code in sorted(consents)},
        accept_remarks={code: tuple(_said(some)) for code, some in consents.items()},
        ignore_quorum=_REASON if _QUORUM in by_code else "",
    )
    return content, _errors(content)


def _errors(content: document.Content) -> tuple[diagnostic.Diagnostic, ...]:
    texts: Mapping[str, bytes] = {_SOURCE: document.single(content).encode()}
    loaded = load.load_texts(texts, pacemaker=True)
    return tuple(one for one in loaded.diagnostics if one.severity is diagnostic.Severity.ERROR)


_SHOWN = 2


def _said(some: Iterable[diagnostic.Diagnostic]) -> Iterable[str]:
    messages = [one.message for one in some]
    yield from messages[:_SHOWN]
    if len(messages) > _SHOWN:
        yield f"and {len(messages) - _SHOWN} more"
