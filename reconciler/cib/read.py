"""Reading a whole CIB: configuration to ``Desired``, status to ``Observed``.

What the model has no place for is listed, never dropped in silence.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from xml.etree import ElementTree as ET

from reconciler.cib import constraint as constraints
from reconciler.cib import document as documents
from reconciler.cib import fencing as fences
from reconciler.cib import node as nodes
from reconciler.cib import property as properties
from reconciler.cib import resource as resources
from reconciler.cib import status
from reconciler.errors import diagnostic
from reconciler.frozen import frozen
from reconciler.model import attribute, desired, fencing, node, observed, remote, resource
from reconciler.model import property as options

QUORUM_LOST = "no-quorum-panic"
"""Cluster-wide attribute: quorum was had and lost."""
_CARRIED_SECTIONS = frozenset(
    {
        "crm_config",
        "nodes",
        "resources",
        "constraints",
        "rsc_defaults",
        "op_defaults",
        "tags",
        "fencing-topology",
    }
)


@frozen
class CibImport:
    """What a CIB holds.

    Attributes:
        desired: its configuration; fence devices are resources here, as Pacemaker has them.
        observed: its status.
        fencing: the same fence devices and the levels, in the controller's form.
        diagnostics: what was odd, and what could not be carried.
        templates: what several resources are made from; ``desired`` has it in each of these.
        bases: primitive to the name of its template.
    """

    desired: desired.Desired
    observed: observed.Observed
    fencing: fencing.Fencing
    diagnostics: tuple[diagnostic.Diagnostic, ...] = ()
    templates: tuple[resource.Primitive, ...] = ()
    bases: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def uncarried(self) -> tuple[diagnostic.Diagnostic, ...]:
        """The findings about parts that the model has no place for."""
        return tuple(one for one in self.diagnostics if one.code == documents.NOT_CARRIED)


def read(text: str, *, now: float | None = None, clock: float | None = None) -> CibImport:
    """Return what a CIB holds.

    Args:
        text: the XML.
        now: seconds since 1970; None: the CIB's own ``execution-date``, else ``clock``.
        clock: seconds since 1970; None: the latest time in the CIB's status.

    Raises:
        InvalidInputError: the text is no CIB at all.
    """
    identity = hashlib.sha256(text.encode()).hexdigest()[:16]
    document = documents.parse(text)
    for element in document.section("configuration"):
        if element.tag not in _CARRIED_SECTIONS and len(element):
            document.findings.not_carried(element, "a section that is not supported")
    moment = _now(document.root, now, clock)
    wanted = _desired(document, moment)
    seen = observed.Observed(
        now=moment,
        quorate=options.boolean(document.root.get("have-quorum", "false")) is True,
        nodes=status.nodes(
            document,
            wanted.nodes,
            {one.name for one in remote.implied(wanted.resources)},
            fencing=properties.fencing_enabled(wanted.properties),
        ),
        tickets=status.tickets(document),
        attributes=_cluster_attributes(document.root),
        dc=_dc(document.root, wanted.nodes),
        id=identity,
    )
    devices = fences.topology(document, wanted.nodes, wanted.resources)
    users = resources.template_users(document)
    return CibImport(
        wanted,
        seen,
        devices,
        document.findings.collected(),
        resources.templates(document),
        {user: name for name, members in users.items() for user in members},
    )


def _desired(document: documents.Document, now: float) -> desired.Desired:
    settings = properties.properties(document)
    name = attribute.always(settings, "cluster-name")
    return desired.Desired(
        name=name if isinstance(name, str) else "",
        properties=settings,
        nodes=nodes.nodes(document),
        resources=resources.resources(document),
        constraints=constraints.constraints(document, now),
        resource_defaults=properties.resource_defaults(document),
        operation_defaults=properties.operation_defaults(document),
        # In a constraint a template stands for the primitives made from it, as a tag does.
        tags=resources.template_users(document) | constraints.tags(document),
    )


def _cluster_attributes(root: ET.Element) -> dict[str, str]:
    """Return what the CIB says of the whole cluster besides quorum.

    ``no-quorum-panic`` says that quorum was once had, whatever its value (measured); without it a
    partition that never had quorum is not fenced for the lack of it.
    """
    return {QUORUM_LOST: "true" if QUORUM_LOST in root.attrib else "false"}


def _now(root: ET.Element, given: float | None, clock: float | None) -> float:
    if given is not None:
        return given
    written = documents.moment(root.get("execution-date")) or clock
    if written:
        return written
    names = ("last-rc-change", "last-run")
    times = (documents.moment(one.get(name)) for one in root.iter("lrm_rsc_op") for name in names)
    return max(times, default=0.0)


def _dc(root: ET.Element, known: tuple[node.Node, ...]) -> str:
    wanted = root.get("dc-uuid", "")
    return next((one.name for one in known if wanted and wanted in {one.id, one.name}), "")
