"""Small clusters to simulate: what is wanted of them, as a manifest would say it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.model import agent, attribute, constraint, desired, fencing, node, resource

DUMMY = agent.AgentName("ocf", "heartbeat", "Dummy")
MONITOR = resource.Operation("monitor", interval_ms=10_000)
THREE = ("n1", "n2", "n3")


def cluster(
    nodes: Iterable[str] = THREE,
    resources: Iterable[str] = ("a", "b"),
    *,
    orders: Iterable[tuple[str, str]] = (("a", "b"),),
    together: Iterable[tuple[str, str]] = (),
    properties: Mapping[str, str] | None = None,
) -> desired.Desired:
    """Return primitives on some nodes, with one fence device for each node.

    Args:
        nodes: their names.
        resources: names of primitives, each monitored every 10 s.
        orders: (first, then) pairs.
        together: (dependent, primary) pairs on the same node.
        properties: cluster properties besides ``fencing-enabled``.
    """
    names = tuple(nodes)
    return desired.Desired(
        name="simulated",
        properties=(attribute.AttributeSet({"fencing-enabled": "true", **(properties or {})}),),
        nodes=tuple(node.Node(name) for name in names),
        resources=tuple(
            resource.Primitive(name, DUMMY, operations=(MONITOR,)) for name in resources
        ),
        constraints=(
            *(constraint.Order(f"{first}-{then}", first, then) for first, then in orders),
            *(
                constraint.Colocation(f"{one}-with-{other}", one, other, 1_000_000)
                for one, other in together
            ),
        ),
        fencing=fencing.Fencing(
            devices=tuple(
                fencing.FenceDevice(f"device-{name}", "ipmi", hosts=(name,)) for name in names
            )
        ),
    )
