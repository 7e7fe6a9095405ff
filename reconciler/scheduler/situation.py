"""The situation: where every instance is and in which role, as the passes of the scheduler see it.

``survey`` reads it; nothing changes it once that is done.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from reconciler.model.reason import Reason, ReasonCode
from reconciler.model.role import Role
from reconciler.scheduler import failure
from reconciler.scheduler.expansion import Expansion
from reconciler.scheduler.instance import Instance, Variant
from reconciler.scheduler.nodes import Node
from reconciler.scheduler.state import State

RANK = {Role.UNKNOWN: 0, Role.STOPPED: 1, Role.STARTED: 2, Role.UNPROMOTED: 3, Role.PROMOTED: 4}
"""Of several roles, the one of the highest rank counts."""


@dataclasses.dataclass(slots=True)
class Standing:
    """What is known of one instance.

    Attributes:
        running: numbers of the nodes where it is, or may be, active.
        states: what the histories say of it, by number of the node; nothing of nodes that say
            no more than that it does not run there.
        role: the highest that it has anywhere.
        managed: whether it may be acted on.
        blocked: a failure forbids to touch it.
        failed: it must be recovered.
        spent: it must be stopped for that.
        next_role: role that it must not pass after a failure; None: no limit.
        unmanaged_by: why it is not managed.
        known_as: the last name of its history where it is active, or without a number where it is
            not; empty: none yet.
        partial: source and target of a live migration that may have got through.
        dangling: nodes at the other end of a migration, on which it must be stopped for good.
        seen_on: numbers of the nodes that were asked about it, active there or not.
        lost_on: numbers of the lost nodes where it was active, too, which does not count.
        unbound: nodes that it is not bound to, though it is left alone: they were read before
            what forbids to touch it.
    """

    running: list[int] = dataclasses.field(default_factory=list)
    states: dict[int, State] = dataclasses.field(default_factory=dict)
    role: Role = Role.STOPPED
    managed: bool = True
    maintenance: bool = False
    blocked: bool = False
    failed: bool = False
    spent: bool = False
    next_role: Role | None = None
    unmanaged_by: Reason | None = None
    multiple: bool = False
    stop_only: bool = False
    partial: tuple[int, int] | None = None
    dangling: list[int] = dataclasses.field(default_factory=list)
    known_as: str = ""
    seen_on: set[int] = dataclasses.field(default_factory=set)
    lost_on: list[int] = dataclasses.field(default_factory=list)
    unbound: frozenset[int] = frozenset()

    @property
    def left_alone(self) -> bool:
        """Whether it is not managed for a reason of its own.

        Where nothing could be fenced nothing is, and its scores do not tell.
        """
        reason = self.unmanaged_by
        return not self.managed and (reason is None or reason.code is not ReasonCode.CANNOT_FENCE)


class Situation:
    """The result of the pass: a standing for each instance, states by history name and node.

    Passes that look for what happened look at ``eventful``, ``foreign`` and ``failures``: in a
    large cluster nearly all that is known is that a resource does not run somewhere.

    Attributes:
        known: states by history name and number of the node.
        eventful: those of them that are not idle.
        foreign: what another agent left, by number of the instance that is about it and of the
            node: the name there, and the state.
        failures: fail counts by history name and number of the node, where there are any.
        outdated: history names and nodes of which no failure counts: the resource was redefined.
    """

    __slots__ = (
        "eventful", "expansion", "failures", "foreign", "known", "nodes", "outdated", "standing",
    )  # fmt: skip

    def __init__(self, expansion: Expansion, nodes: Sequence[Node]) -> None:
        self.expansion = expansion
        self.nodes = nodes
        self.standing = [Standing() for _ in expansion.all]
        self.known: dict[str, dict[int, State]] = {}
        self.eventful: dict[str, dict[int, State]] = {}
        self.foreign: dict[int, dict[int, tuple[str, State]]] = {}
        self.failures: dict[str, dict[int, failure.Count]] = {}
        self.outdated: set[tuple[str, int]] = set()
        for node in nodes:
            for name, count in failure.read(node.observed.attributes).items():
                self.failures.setdefault(name, {})[node.index] = count

    def forget(self, void: set[int]) -> None:
        """Count neither failures on nodes of which nothing counts, nor what agents set for them."""
        for where in void:
            self.nodes[where].forget()
        for counts in self.failures.values() if void else ():
            for where in void & counts.keys():
                del counts[where]

    def count(self, one: Instance, node: int) -> failure.Count:
        """Return the failures of a primitive instance on a node."""
        counts = self.failures.get(one.history_name)
        return failure.NONE if counts is None else counts.get(node, failure.NONE)

    def is_blocked(self, one: Instance) -> bool:
        """Tell whether something in a resource failed so that it may not be acted on."""
        return any(self.standing[each.index].blocked for each in one.primitives())

    def role(self, one: Instance) -> Role:
        """Return the role that an instance is in, and can be taken from.

        What was just started, beside a member of its group of which more is known, is no more than
        that (measured).
        """
        role, group = self.standing[one.index].role, one.parent
        if role is not Role.UNPROMOTED or group is None or group.variant is not Variant.GROUP:
            return role
        known = (each for each in group.children if self.standing[each.index].running)
        return Role.STARTED if self._is_plain(one) and not all(map(self._is_plain, known)) else role

    def _is_plain(self, one: Instance) -> bool:
        """Tell whether something was started, and nothing has told its role since."""
        states = self.standing[one.index].states.values()
        return all(state.plain for state in states if state.active)
