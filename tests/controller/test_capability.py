"""What is refused, since no executor could run it."""

from __future__ import annotations

import pytest

from reconciler.controller import capability
from reconciler.model import attribute, container, desired, remote, resource
from reconciler.model.agent import AgentName
from reconciler.model.node import Node, NodeKind

_DUMMY = AgentName("ocf", "pacemaker", "Dummy")
_GUEST = (attribute.AttributeSet({"remote-node": "inner"}),)
_ENGINE = container.Container(container.Technology.PODMAN, "web:1")


@pytest.mark.parametrize(
    "wanted",
    [
        desired.Desired("c", resources=(resource.Bundle("web", _ENGINE),)),
        desired.Desired("c", resources=(resource.Primitive("far", remote.CONNECTION),)),
        desired.Desired("c", resources=(resource.Primitive("vm", _DUMMY, meta=_GUEST),)),
        desired.Desired("c", nodes=(Node("n1"), Node("far", kind=NodeKind.REMOTE))),
    ],
)
def test_what_no_executor_can_run_is_refused_with_a_way_on(wanted):
    """Bundles, connections, holders of guests and remote nodes are each a finding with a fix."""
    (found,) = capability.missing(wanted)
    assert found.code == "not-run-yet"
    assert found.fix


def test_a_cluster_of_members_is_run():
    """Nothing is refused where every resource runs on members."""
    wanted = desired.Desired("c", nodes=(Node("n1"),), resources=(resource.Primitive("a", _DUMMY),))
    assert not list(capability.missing(wanted))
