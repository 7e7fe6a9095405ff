"""One fixed cluster with something of everything, for tests in other interpreters."""

from __future__ import annotations

from scheduler import strategies

from reconciler.model import constraint, desired, fencing, node, observed, resource
from reconciler.model.observed import Presence


def cluster() -> tuple[desired.Desired, observed.Observed]:
    """Return a cluster with a lost node, a group, a promotable clone and constraints."""
    names = ("n1", "n2", "n3")
    promotable = strategies.sets(promotable="true", notify="true")
    wanted = desired.Desired(
        "fixed",
        properties=strategies.sets(fencing_enabled="true"),
        nodes=tuple(node.Node(name) for name in names),
        resources=(
            strategies.primitive("p"),
            resource.Group("g", (strategies.primitive("g1"), strategies.primitive("g2"))),
            resource.Clone("c", strategies.primitive("cp"), meta=promotable),
        ),
        constraints=(
            constraint.Order("o", "c", "g", first_action="promote", then_action="start"),
            constraint.Colocation("k", "p", "g", 1_000_000),
        ),
        fencing=fencing.Fencing((fencing.FenceDevice("f", "fence_ipmilan", hosts=names),)),
    )
    lost = strategies.history("p", "running")
    assert lost is not None
    nodes = {
        name: observed.ObservedNode(name, Presence.ONLINE, attributes={"master-cp": "5"})
        for name in names[1:]
    }
    nodes["n1"] = observed.ObservedNode("n1", Presence.UNKNOWN, histories={"p": lost})
    return wanted, observed.Observed(strategies.NOW, True, nodes, dc="n2")
