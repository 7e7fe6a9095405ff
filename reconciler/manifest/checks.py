"""What only shows when the whole cluster is looked at: cycles, contradictions, double addresses."""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Iterable, Iterator

from reconciler.errors import diagnostic, position
from reconciler.manifest import nodes as addresses
from reconciler.manifest import wording
from reconciler.manifest.scope import Scope
from reconciler.model import attribute, constraint, desired, resource
from reconciler.model.node import NodeKind
from reconciler.scheduler import contradiction

_VIP_AGENTS = frozenset({"IPaddr2", "IPaddr", "IPv6addr"})
_CLOSING = frozenset({"symmetric-cluster", "placement-strategy"})
"""Cluster properties that can keep resources from nodes."""
_PREFIX_LENGTHS = {4: 32, 6: 128}


def check(cluster: desired.Desired, scope: Scope) -> None:
    """Add findings about the cluster as a whole."""
    _addresses(cluster, scope)
    _quorum(cluster, scope)
    for one in itertools.chain(contradiction.find(cluster), _foreseen(cluster)):
        _take(one, scope)


def _foreseen(cluster: desired.Desired) -> Iterable[diagnostic.Diagnostic]:
    """Return what can run nowhere; the scheduler is loaded only where something closes a node."""
    if not may_close(cluster):
        return ()
    from reconciler.scheduler import pipeline

    return pipeline.foresee(cluster)


def may_close(cluster: desired.Desired) -> bool:
    """Tell whether anything written might close a node to a resource; False only where nothing can."""
    names = {name for block in cluster.properties for name in block.pairs}
    if names & _CLOSING or any(name.startswith("node-health") for name in names):
        return True
    if any(one.kind is not NodeKind.MEMBER or one.score < 0 for one in cluster.nodes):
        return True
    if any(isinstance(one, resource.Bundle) for one in cluster.resources):
        return True
    return any(_repels(one) for one in cluster.constraints)


def _repels(one: constraint.Constraint) -> bool:
    match one:
        case constraint.Location():
            by_node = one.rule is None and one.score_attribute is None
            always = one.discovery is constraint.ResourceDiscovery.ALWAYS
            return one.score < 0 or not by_node or not always
        case constraint.Colocation() | constraint.ColocationSets():
            return one.score < 0
        case _:
            return False


def _take(one: diagnostic.Diagnostic, scope: Scope) -> None:
    """Add what the scheduler finds in a cluster, with the severity of its code unless it is a note."""
    note = one.severity is diagnostic.Severity.NOTE
    scope.findings.add(
        one.code,
        one.message,
        one.position,
        fix=one.fix,
        related=one.related,
        severity=diagnostic.Severity.NOTE if note else None,
    )


def _quorum(cluster: desired.Desired, scope: Scope) -> None:
    section = scope.root.mapping("cluster")
    if attribute.always(cluster.properties, "no-quorum-policy") == "ignore" and (
        "ignore-quorum" not in section
    ):
        scope.findings.add(
            "quorum-ignored",
            "no-quorum-policy: ignore lets both halves of a split cluster run everything",
            section.mapping("properties").value("no-quorum-policy"),
            fix="use stop or freeze, or add cluster.ignore-quorum: {accept: REASON}",
        )


def _primitives(cluster: desired.Desired) -> Iterator[resource.Primitive]:
    for one in cluster.resources:
        yield from resource.primitives(one)


def _addresses(cluster: desired.Desired, scope: Scope) -> None:
    """Report bad addresses of address agents, and addresses that two things claim."""
    section = scope.root.mapping("nodes")
    taken: dict[str, tuple[str, position.Position]] = {}
    for node in cluster.nodes:
        if node.address and node.connection == "ssh":
            at = section.mapping(node.name).value("address")
            _claim(_normal(node.address), f"node {node.name}", at, taken, scope)
    for one in _primitives(cluster):
        if one.agent.standard != "ocf" or one.agent.kind not in _VIP_AGENTS:
            continue
        for pairs in one.params:
            name = "ipv6addr" if one.agent.kind == "IPv6addr" else "ip"
            value = pairs.pairs.get(name)
            if not isinstance(value, str):
                continue
            at = pairs.origins[name]
            if addresses.ip(value, at, scope):
                _prefix(value, pairs, scope)
                if pairs.rule is None:
                    _claim(_normal(value), f"resource {one.name}", at, taken, scope)


def _normal(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text.lower()


def _claim(
    address: str,
    who: str,
    at: position.Position,
    taken: dict[str, tuple[str, position.Position]],
    scope: Scope,
) -> None:
    if address in taken:
        other, place = taken[address]
        scope.findings.add(
            "duplicate-address",
            f"{who} has the address {address}, which is that of {other}",
            at,
            related=((place, other),),
            fix="give each its own address",
        )
    taken.setdefault(address, (who, at))


def _prefix(value: str, pairs: attribute.AttributeSet, scope: Scope) -> None:
    text = pairs.pairs.get("cidr_netmask")
    if not isinstance(text, str) or not text:
        return
    version = ipaddress.ip_address(value).version
    longest = _PREFIX_LENGTHS[version]
    if text.isdecimal() and len(text) <= 3:  # noqa: PLR2004 - digits of the longest prefix
        sound = int(text) <= longest
    else:
        try:
            ipaddress.ip_network(f"0.0.0.0/{text}", strict=False)
            sound = version == 4  # noqa: PLR2004 - dotted masks are of IPv4
        except ValueError:
            sound = False
    if not sound:
        scope.findings.add(
            "invalid-address",
            f"cidr_netmask: {wording.shown(text)} is no prefix length from 0 to {longest}",
            pairs.origins["cidr_netmask"],
        )
