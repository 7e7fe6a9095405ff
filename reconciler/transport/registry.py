"""Which transport reaches a node: the one that its ``connection`` names."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.model import node
from reconciler.ports import nodes


class Registry:
    """The transport to all nodes: hands each to the transport that its manifest names."""

    def __init__(self, transports: Mapping[str, nodes.Transport]) -> None:
        self._transports = dict(transports)

    async def connect(self, target: node.Node, *, deadline_s: float) -> nodes.NodeConnection:
        """Open a connection. Raises nodes.NodeUnreachableError."""
        transport = self._transports.get(target.connection)
        if transport is None:
            known = ", ".join(sorted(self._transports))
            raise nodes.NodeUnreachableError(
                f"{target.name}: connection {target.connection!r} is none of {known}"
            )
        return await transport.connect(target, deadline_s=deadline_s)
