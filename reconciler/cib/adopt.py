"""From what a CIB holds to what a person would have written: secrets out, meanings said.

A CIB holds secrets, leftovers of former nodes and resources, and notes of the cluster to itself;
manifests hold none of these. What changes on the way is listed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from reconciler.cib import document as documents
from reconciler.cib import read, redact, redigest
from reconciler.errors import diagnostic, position
from reconciler.frozen import frozen
from reconciler.model import (
    attribute,
    constraint,
    desired,
    node,
    observed,
    remote,
    resource,
)
from reconciler.model import property as options

DANGLING = "cib-dangling-reference"
INTERNAL = "cib-internal"
"""Codes of what is listed: a reference to nothing, and a note of the cluster to itself."""
_DEFAULT_NAME = "cluster"
_NODE_FLAGS = ("standby", "maintenance")
_KEPT_INTERNALS = frozenset({"cluster-name", "have-watchdog"})


@frozen
class Adopted:
    """A CIB ready to be written as manifests.

    Attributes:
        desired: what is written; fence devices are resources here, as Pacemaker has them.
        remarks: section and name to the comments that belong above its definition.
        observed: the status, with digests that fit the parameters as they are written now.
        findings: what was changed or left out, by CIB id.
    """

    desired: desired.Desired
    templates: tuple[resource.Primitive, ...]
    remarks: Mapping[tuple[str, str], tuple[str, ...]]
    observed: observed.Observed
    findings: tuple[diagnostic.Diagnostic, ...]


def adopt(found: read.CibImport, *, metadata: redact.Metadata, name: str = "") -> Adopted:
    """Return a CIB in the form in which a person would have written it.

    Args:
        found: what was read.
        metadata: says which parameters are private.
        name: of the cluster, where the CIB has none.
    """
    run = _Run()
    hiding = redact.Redaction(metadata)
    wanted = found.desired
    resources = tuple(hiding.of(one) for one in wanted.resources)
    templates = tuple(hiding.primitive(one) for one in found.templates)
    known = _names(wanted, templates)
    nodes = {one.name for one in wanted.nodes} | {
        one.name for one in remote.implied(wanted.resources)
    }
    constraints = tuple(
        kept for one in wanted.constraints if (kept := run.constraint(one, known, nodes))
    )
    result = dataclasses.replace(
        wanted,
        name=wanted.name or name or _DEFAULT_NAME,
        properties=run.properties(wanted.properties),
        nodes=tuple(_node(one) for one in wanted.nodes),
        resources=resources,
        constraints=constraints,
        resource_defaults=wanted.resource_defaults,
    )
    return Adopted(
        desired=result,
        templates=templates,
        remarks={key: tuple(words) for key, words in {**hiding.remarks, **run.remarks}.items()},
        observed=redigest.carried(found.observed, wanted, result),
        findings=(*hiding.findings, *run.findings),
    )


class _Run:
    """Collects what is changed on the way."""

    def __init__(self) -> None:
        self.findings: list[diagnostic.Diagnostic] = []
        self.remarks: dict[tuple[str, str], list[str]] = {}

    def note(
        self,
        code: str,
        identity: str,
        message: str,
        severity: diagnostic.Severity = diagnostic.Severity.WARNING,
    ) -> None:
        at = position.Position(f"cib:{identity}")
        self.findings.append(diagnostic.Diagnostic(code, message, at, severity))

    # --- what leads nowhere ---------------------------------------------------------------------

    def constraint(
        self, one: constraint.Constraint, known: set[str], nodes: set[str]
    ) -> constraint.Constraint | None:
        """Return a constraint without what it names and nobody defines; None where it says nothing."""
        lost = [name for name in _references(one) if name not in known]
        if isinstance(one, constraint.Location) and one.node is not None and one.node not in nodes:
            self.note(DANGLING, one.id, f"{one.id}: there is no node {one.node}; left out")
            return None
        if not lost:
            return one
        self.note(DANGLING, one.id, f"{one.id}: there is no resource {', '.join(lost)}; left out")
        match one:
            case constraint.Location() | constraint.Ticket():
                rest = tuple(name for name in one.resources if name in known)
                return dataclasses.replace(one, resources=rest) if rest else None
            case constraint.ColocationSets() | constraint.OrderSets():
                sets = (
                    dataclasses.replace(
                        part, resources=tuple(name for name in part.resources if name in known)
                    )
                    for part in one.sets
                )
                parts = tuple(part for part in sets if part.resources)
                return dataclasses.replace(one, sets=parts) if parts else None
            case _:
                return None

    # --- properties -----------------------------------------------------------------------------

    def properties(self, sets: attribute.AttributeSets) -> attribute.AttributeSets:
        """Return the properties that people set, with the one that manifests understand otherwise."""
        kept = tuple(
            dataclasses.replace(
                one, pairs={n: v for n, v in one.pairs.items() if self._by_people(n, str(v))}
            )
            for one in sets
        )
        if any("stop-removed-resources" in one.pairs for one in kept):
            return kept
        words = "Pacemaker stops what is no longer configured; without this line --prune decides"
        self.remarks.setdefault(("cluster", "properties"), []).append(
            f"stop-removed-resources: {words}"
        )
        last = attribute.AttributeSet({"stop-removed-resources": "true"}, score=_lowest(kept))
        return (*kept, last)

    def _by_people(self, name: str, value: str) -> bool:
        option = options.CLUSTER.find(name)
        if option is None:
            message = f"the property {name}={value} is none that is known; left out"
            self.note(documents.NOT_CARRIED, "crm_config", message)
            return False
        if option.internal and (name not in _KEPT_INTERNALS or value == "false"):
            message = f"{name} is set by the cluster itself; left out"
            self.note(INTERNAL, "crm_config", message, diagnostic.Severity.NOTE)
            return False
        return True


def _lowest(sets: attribute.AttributeSets) -> int:
    return min((one.score for one in sets), default=0)


def _names(wanted: desired.Desired, templates: Iterable[resource.Primitive]) -> set[str]:
    known = {name for one in wanted.resources for name in resource.names(one)}
    return known | set(wanted.tags) | {one.name for one in templates}


def _references(one: constraint.Constraint) -> tuple[str, ...]:
    match one:
        case constraint.Colocation():
            return (one.dependent, one.primary)
        case constraint.Order():
            return (one.first, one.then)
        case constraint.Location() | constraint.Ticket():
            return one.resources
        case constraint.ColocationSets() | constraint.OrderSets():
            return tuple(name for part in one.sets for name in part.resources)


def _node(one: node.Node) -> node.Node:
    """Return a node with what its attributes say of standby and maintenance in its own fields."""
    found = dataclasses.replace(one)
    for flag in _NODE_FLAGS:
        value = attribute.always(found.attributes, flag)
        plain = isinstance(value, str) and options.boolean(value) is not None
        if plain and not any(flag in each.pairs for each in found.attributes if each.rule):
            sets = tuple(
                dataclasses.replace(
                    each, pairs={name: v for name, v in each.pairs.items() if name != flag}
                )
                for each in found.attributes
            )
            found = dataclasses.replace(
                found, attributes=tuple(each for each in sets if each.pairs)
            )
    return found
