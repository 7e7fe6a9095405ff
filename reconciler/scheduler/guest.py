"""Guest nodes: nodes that a resource of the cluster holds, a virtual machine or a container.

Such a node is up while both the resource that holds it and the connection to it are. Pacemaker
Remote, "Guest Nodes"; what follows from failures is measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.reason import Reason, ReasonCode
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.nodes import Node

if TYPE_CHECKING:
    from reconciler.scheduler.circumstance import Circumstances
    from reconciler.scheduler.expansion import Expansion
    from reconciler.scheduler.situation import Situation


_FAILED_INSIDE = frozenset({ReasonCode.STOP_FAILED, ReasonCode.ON_FAIL_FENCE})
"""Why a guest is unclean that is up."""


def container(expansion: Expansion, one: Instance) -> Instance | None:
    """Return what a resource is contained in; None: in nothing."""
    return expansion.by_name.get(one.container)


def contents(expansion: Expansion) -> dict[int, list[Instance]]:
    """Return what each container contains, by the container's number."""
    found: dict[int, list[Instance]] = {}
    for one in expansion.contained:
        outside = container(expansion, one)
        if outside is not None:
            found.setdefault(outside.index, []).append(one)
    return found


def holder(expansion: Expansion, node: Node) -> Instance | None:
    """Return the resource that holds a guest node; None: it is no guest."""
    if node.remote is None or not node.remote.container:
        return None
    return expansion.by_name.get(node.remote.container)


def is_up(situation: Situation, node: Node, held: Instance) -> bool:
    """Tell whether the resource that holds a guest node runs well, and is reached from a sound one.

    Where it is not, the guest is unclean: whoever runs on it was not stopped in order. On which
    node the holder is does not count, nor what failed on a node that was lost (measured).
    """
    standing, led = situation.standing[held.index], situation.expansion.by_name.get(node.name)
    failed = any(state.failed and not state.late for state in standing.states.values())
    hosts = situation.standing[led.index].running if led is not None else ()
    if standing.running and (failed or any(situation.nodes[host].lost for host in hosts)):
        node.unclean = Reason(ReasonCode.CONTAINER_LOST, held.base, origin=held.origin)
    return bool(standing.running) and node.unclean is None


def spread(situation: Situation) -> None:
    """Let the containers of unclean guests be recovered, and with them what ran inside.

    Where it is only that something failed there, the others have not failed: they restart (measured).
    """
    for node in situation.nodes:
        held = holder(situation.expansion, node)
        if held is None:
            continue
        # A failure may have cost the node that hosts it only since it was first looked at.
        node.online = is_up(situation, node, held) and node.online
        if node.unclean is None:
            continue
        lost = [
            one
            for one in situation.expansion.all
            if one.is_primitive and node.index in situation.standing[one.index].running
        ]
        for one in () if node.unclean.code in _FAILED_INSIDE else lost:
            standing = situation.standing[one.index]
            standing.failed = standing.states[node.index].failed = True
            standing.spent = standing.states[node.index].spent = True
        if lost:
            standing = situation.standing[held.index]
            standing.failed = standing.spent = True


def holds(situation: Situation, one: Instance) -> bool:
    """Tell whether a resource holds a guest node."""
    return any(
        node.remote is not None and node.remote.container == one.name for node in situation.nodes
    )


def can_be_probed(case: Circumstances, node: Node) -> bool:
    """Tell whether anything can be found on a guest: only where it stays, and its holder runs well."""
    held = holder(case.situation.expansion, node)
    if held is None:
        return True
    running = case.situation.standing[held.index].running
    stays = node.unclean is None and not node.shutdown
    return stays and case.assignment.chosen[held.index] in running
