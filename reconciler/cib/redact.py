"""Secrets of a CIB: taken out of the parameters, and referred to instead.

A secret is a parameter that the agent's meta-data marks private, or whose name says that it is one.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from reconciler.agents import private
from reconciler.cib import document as documents
from reconciler.errors import diagnostic, position
from reconciler.manifest import reader
from reconciler.model import agent, attribute, hosts, resource, secret

SECRET = "cib-secret"  # noqa: S105 - the code of a finding
_FENCING = "stonith"
_ANY_HOST = "the CIB leaves it to the device which nodes it is for: better name them under hosts"
_ENVIRONMENT = re.compile(r"[^A-Z0-9]+")
_OTHERS = frozenset({"community", "secretkey", "snmp_priv_passwd"})
Metadata = Mapping[agent.AgentName, agent.Metadata]


class Redaction:
    """Takes secrets out of resources, and keeps what is to be said about it.

    Attributes:
        findings: each secret that was taken out.
        remarks: section and name of the resource to the comments above it.
    """

    def __init__(self, metadata: Metadata) -> None:
        self.findings: list[diagnostic.Diagnostic] = []
        self.remarks: dict[tuple[str, str], list[str]] = {}
        self._metadata = metadata
        self._variables: dict[str, tuple[str, str]] = {}

    def of(self, one: resource.Resource) -> resource.Resource:
        """Return a resource without the secrets in it."""
        match one:
            case resource.Clone():
                child = one.child
                return dataclasses.replace(
                    one,
                    child=self._group(child)
                    if isinstance(child, resource.Group)
                    else self.primitive(child),
                    params=self._params(one.name, "resources", None, one.params),
                )
            case resource.Group():
                return self._group(one)
            case resource.Bundle():
                inside = self.primitive(one.child) if one.child is not None else None
                return dataclasses.replace(one, child=inside)
            case resource.Primitive():
                return self.primitive(one)

    def _group(self, one: resource.Group) -> resource.Group:
        members = tuple(self.primitive(member) for member in one.members)
        params = self._params(one.name, "resources", None, one.params)
        return dataclasses.replace(one, members=members, params=params)

    def primitive(self, one: resource.Primitive) -> resource.Primitive:
        """Return a primitive without the secrets in it, a fence device with its nodes settled."""
        known = self._metadata.get(one.agent)
        section = "fencing" if one.agent.standard == _FENCING else "resources"
        params = self._params(one.name, section, known, one.params)
        if section == "fencing":
            params = _settled(params)
            if not any({hosts.LIST, hosts.MAP} & each.pairs.keys() for each in params):
                self.remarks.setdefault((section, one.name), []).append(_ANY_HOST)
        return dataclasses.replace(one, params=params)

    def _params(
        self,
        name: str,
        section: str,
        known: agent.Metadata | None,
        sets: attribute.AttributeSets,
    ) -> attribute.AttributeSets:
        return tuple(
            dataclasses.replace(
                each,
                pairs={
                    parameter: self._value(name, section, known, parameter, value)
                    for parameter, value in each.pairs.items()
                    if self._legible(name, parameter, value)
                },
            )
            for each in sets
        )

    def _legible(self, name: str, parameter: str, value: secret.Value) -> bool:
        """Tell whether a manifest can hold a value; if not, note that it is lost."""
        found = reader.forbidden(value) if isinstance(value, str) else None
        if found is None:
            return True
        message = f"{name}: {parameter} holds {reader.escaped(found)}, which no manifest can hold"
        self._note(documents.NOT_CARRIED, name, message)
        return False

    def _note(self, code: str, name: str, message: str) -> None:
        at = position.Position(f"cib:{name}")
        severity = diagnostic.Severity.WARNING
        self.findings.append(diagnostic.Diagnostic(code, message, at, severity))

    def _value(
        self,
        name: str,
        section: str,
        known: agent.Metadata | None,
        parameter: str,
        value: secret.Value,
    ) -> secret.Value:
        if not isinstance(value, str) or not value or not _is_secret(known, parameter):
            return value
        variable = self._variable(name, parameter, value)
        message = f"{name}: {parameter} is a secret; it is read from ${variable}"
        self._note(SECRET, name, message)
        words = f"{parameter} stood in the CIB: put it into ${variable}, or refer to file or exec"
        self.remarks.setdefault((section, name), []).append(words)
        return secret.SecretRef(secret.SecretSource.ENV, (variable,))

    def _variable(self, name: str, parameter: str, value: str) -> str:
        """Return an environment variable of its own for each secret."""
        base = _ENVIRONMENT.sub("_", f"{name}_{parameter}".upper()).strip("_")
        base = base if base[:1].isalpha() else f"SECRET_{base}"
        found, number = base, 2
        while self._variables.get(found, (name, value)) != (name, value):
            found, number = f"{base}_{number}", number + 1
        self._variables[found] = (name, value)
        return found


def _is_secret(known: agent.Metadata | None, parameter: str) -> bool:
    described = known.parameter(parameter) if known is not None else None
    marked = described is not None and described.private
    return marked or private.named(parameter) or parameter in _OTHERS


def _settled(sets: attribute.AttributeSets) -> attribute.AttributeSets:
    """Return a fence device's parameters with its nodes written as manifests give them back."""
    params = attribute.merged(sets)
    if len(params) != 1 or params[0].rule is not None:
        return sets
    found, rest = hosts.split(params[0].pairs)
    if found is None:
        return sets
    return (dataclasses.replace(params[0], pairs={**rest, **hosts.joined(found)}),)
