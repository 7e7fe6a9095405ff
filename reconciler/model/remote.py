"""Nodes that resources make: remote nodes, guest nodes, and the containers of bundles.

Pacemaker Remote, "Configuring Cluster Resources": a resource of the agent
``ocf:pacemaker:remote`` is the connection to the remote node of its name; a primitive with the
meta-attribute ``remote-node`` holds the guest node of that name; so does each container of a
bundle that runs a primitive inside.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.frozen import frozen
from reconciler.model import attribute, duration, node, resource
from reconciler.model.agent import AgentName

CONNECTION = AgentName("ocf", "pacemaker", "remote")
"""The agent of connections to remote and guest nodes."""
GUEST_META = "remote-node"
"""Meta-attribute of a primitive that holds a guest node: the node's name."""


@frozen
class Implied:
    """A node that a resource makes.

    Attributes:
        name: of the node, and of the connection to it.
        kind: REMOTE or GUEST.
        resource: the connection of a remote node; the resource that holds a guest node.
    """

    name: str
    kind: node.NodeKind
    resource: str


def implied(resources: Iterable[resource.Resource]) -> Iterator[Implied]:
    """Yield the nodes that resources make, in the order of the resources."""
    for one in resources:
        if isinstance(one, resource.Bundle):
            if one.child is not None:
                for number in range(one.container.count):
                    name = replica(one, number)
                    yield Implied(name, node.NodeKind.GUEST, container(one, number))
            continue
        for primitive in resource.primitives(one):
            if primitive.agent == CONNECTION:
                yield Implied(primitive.name, node.NodeKind.REMOTE, primitive.name)
            elif primitive.meta:
                guest = attribute.always(primitive.meta, GUEST_META)
                if isinstance(guest, str) and guest:
                    yield Implied(guest, node.NodeKind.GUEST, primitive.name)


def reconnect_interval(connection: resource.Primitive) -> str | None:
    """Return how long after a loss a connection is made again; None: at once.

    The agent's parameter ``reconnect_interval``, 0 unless given.
    """
    value = attribute.always(connection.params, "reconnect_interval")
    return value if isinstance(value, str) and duration.parse_ms(value) else None


def defaults(connection: resource.Primitive) -> dict[str, str]:
    """Return the meta-attributes that a connection has unless told otherwise.

    It can be handed from member to member, does no harm when it is made twice, so that it need not
    wait for the fencing of who held it, and its failures are forgotten when it may be made again
    (measured).
    """
    interval = reconnect_interval(connection)
    return {"allow-migrate": "true", "requires": "quorum"} | (
        {"failure-timeout": interval} if interval else {}
    )


GUEST_WATCH_MS = 30_000
"""How often the connection to a guest is watched, and how long that may take (measured)."""
_PARAMETERS = {"remote-addr": "addr", "remote-port": "port"}
"""Meta-attributes of what holds a guest, and the parameters of the connection that they become."""


def guest_connection(inside: resource.Primitive, name: str) -> resource.Primitive:
    """Return the connection to the guest node that a primitive holds.

    It is where its container is, and handed over with that only where somebody said so.
    """
    written = {
        parameter: value
        for meta, parameter in _PARAMETERS.items()
        if (value := attribute.always(inside.meta, meta)) is not None
    }
    managed = attribute.always(inside.meta, "is-managed")
    moves = attribute.always(inside.meta, "remote-allow-migrate")
    texts = {"container": inside.name, "allow-migrate": str(moves or "false")}
    if managed is not None:
        texts["is-managed"] = str(managed)
    return resource.Primitive(
        name,
        CONNECTION,
        params=(attribute.AttributeSet(written),) if written else (),
        meta=(attribute.AttributeSet(texts),),
        operations=_guest_operations(inside),
        origin=inside.origin,
    )


def _guest_operations(inside: resource.Primitive) -> tuple[resource.Operation, ...]:
    watch = resource.Operation("monitor", interval_ms=GUEST_WATCH_MS, timeout_ms=GUEST_WATCH_MS)
    limit = attribute.always(inside.meta, "remote-connect-timeout")
    timeout_ms = duration.parse_ms(limit) if isinstance(limit, str) else None
    if not timeout_ms:
        return (watch,)
    return (watch, resource.Operation("start", timeout_ms=timeout_ms))


def replica(bundle: resource.Bundle, number: int) -> str:
    """Return the name of a replica's guest node, and of the connection to it."""
    return f"{bundle.name}-{number}"


def container(bundle: resource.Bundle, number: int) -> str:
    """Return the name of the resource that runs a replica's container."""
    return f"{bundle.name}-{bundle.container.technology.value}-{number}"
