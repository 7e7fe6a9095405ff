"""Nodes that resources make."""

from __future__ import annotations

from reconciler.model import attribute, container, remote, resource
from reconciler.model.agent import AgentName
from reconciler.model.node import NodeKind

_DUMMY = AgentName("ocf", "pacemaker", "Dummy")


def _bundle(**settings: int) -> resource.Bundle:
    engine = container.Container(container.Technology.PODMAN, "web:1", **settings)
    return resource.Bundle("web", engine, child=resource.Primitive("httpd", _DUMMY))


def test_a_connection_makes_the_remote_node_of_its_name() -> None:
    """The resource ``ocf:pacemaker:remote`` and its node have one name."""
    (found,) = remote.implied([resource.Primitive("far", remote.CONNECTION)])
    assert found == remote.Implied("far", NodeKind.REMOTE, "far")


def test_a_guest_node_is_held_by_the_resource_that_names_it() -> None:
    """The meta-attribute remote-node makes a guest node, also inside a group."""
    meta = (attribute.AttributeSet({"remote-node": "inner"}),)
    group = resource.Group("g", (resource.Primitive("machine", _DUMMY, meta=meta),))
    (found,) = remote.implied([group])
    assert found == remote.Implied("inner", NodeKind.GUEST, "machine")


def test_each_replica_of_a_bundle_is_a_guest_node() -> None:
    """Replicas are numbered, and each is held by a container of the same number."""
    found = list(remote.implied([_bundle(replicas=2)]))
    assert [one.name for one in found] == ["web-0", "web-1"]
    assert [one.resource for one in found] == ["web-podman-0", "web-podman-1"]


def test_a_bundle_has_as_many_replicas_as_promoted_instances_unless_told() -> None:
    """Replicas default to promoted-max, and to one where nothing is promoted."""
    assert _bundle(promoted_max=3).container.count == 3
    assert _bundle().container.count == 1


def test_a_bundle_without_a_resource_inside_makes_no_node() -> None:
    """Nothing is to be run inside, so nobody has to reach it."""
    engine = container.Container(container.Technology.DOCKER, "web:1", replicas=2)
    assert not list(remote.implied([resource.Bundle("web", engine)]))
