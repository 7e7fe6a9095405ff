"""Parameters of resources: what an agent gets on each node, parents' parameters included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.model import attribute, desired, resource, secret
from reconciler.scheduler import digest, replica, rule
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.nodes import Node


class Parameters:
    """Resolves parameters; remembers those that do not depend on the node."""

    __slots__ = ("_clock", "_digests", "_fixed", "_hosts", "_inherited", "_nodes")

    def __init__(
        self,
        wanted: desired.Desired,
        nodes: Sequence[Node],
        clock: rule.Clock,
        hosts: Mapping[str, int] | None = None,
    ) -> None:
        """Resolve parameters.

        Args:
            wanted: what is written.
            nodes: by number.
            clock: what time it is.
            hosts: the number of the node that a connection without an address leads to, by name.
        """
        self._clock = clock
        self._hosts = hosts or {}
        self._nodes = nodes
        self._fixed: dict[str, Mapping[str, secret.Value]] = {}
        self._digests: dict[str, str] = {}
        self._inherited: dict[str, attribute.AttributeSets] = {}
        for top in wanted.resources:
            self._inherit(top, ())

    def _inherit(self, one: resource.Resource, above: attribute.AttributeSets) -> None:
        match one:
            case resource.Primitive():
                if above:
                    self._inherited[one.name] = above
            case resource.Group():
                for member in one.members:
                    self._inherit(member, (*one.params, *above))
            case resource.Clone():
                self._inherit(one.child, (*one.params, *above))
            case resource.Bundle():
                pass

    def fixed(self, one: Instance) -> bool:
        """Tell whether the parameters of a primitive are the same on every node."""
        if one.base in self._fixed:
            return True
        return not (replica.follows_host(one.definition) or rule.conditional(self._sets(one)))

    def _sets(self, one: Instance) -> attribute.AttributeSets:
        return (*one.definition.params, *self._inherited.get(one.base, ()))

    def of(self, one: Instance, node: int) -> Mapping[str, secret.Value]:
        """Return the parameters of a primitive on a node."""
        found = self._fixed.get(one.base)
        if found is not None:
            return found
        sets = self._sets(one)
        if replica.follows_host(one.definition):
            values = rule.values(sets, rule.Context(self._clock))
            return {**values, "addr": self._nodes[self._hosts.get(one.name, node)].name}
        if not rule.conditional(sets):
            values = rule.values(sets, rule.Context(self._clock))
            self._fixed[one.base] = values
            return values
        return rule.values(
            sets, rule.Context(self._clock, node=self._nodes[node].attributes, meta=one.meta.texts)
        )

    def digest(self, one: Instance, node: int) -> str:
        """Return the digest of the parameters of a primitive on a node."""
        params = self.of(one, node)
        if one.base in self._fixed:
            found = self._digests.get(one.base)
            if found is None:
                found = self._digests[one.base] = digest.digest(params)
            return found
        return digest.digest(params)
