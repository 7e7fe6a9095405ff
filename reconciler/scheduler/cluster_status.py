"""Situation -> the cluster as people are shown it: flags of nodes, roles and flags of resources.

Nothing is decided here; it is what the other passes made of an observation, in one view.
Pacemaker Administration, "Monitoring a cluster with crm_mon".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from reconciler.model import property  # noqa: A004 - a module's name
from reconciler.model.reason import ReasonCode
from reconciler.model.role import Role
from reconciler.model.status import (
    ClusterStatus,
    NodeFlag,
    NodeStatus,
    ResourceFlag,
    ResourceStatus,
)
from reconciler.scheduler import options
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.nodes import Node
from reconciler.scheduler.situation import Situation, Standing
from reconciler.scheduler.state import State

_HEALTH = "#health"
_COLORS = ("red", "yellow", "green")
"""Worst first."""


def _own_maintenance(node: Node) -> bool:
    """Tell whether the node itself, not the whole cluster, is in maintenance."""
    seen = node.observed.maintenance
    return node.desired.maintenance if seen is None else seen


def _unmanaged(standing: Standing) -> bool:
    """Tell whether somebody, or a failure, took it out of management: not for want of a device."""
    why = standing.unmanaged_by
    return not standing.managed and (why is None or why.code is not ReasonCode.CANNOT_FENCE)


_NODE_FLAGS: Mapping[NodeFlag, Callable[[Node], bool]] = {
    NodeFlag.ONLINE: lambda node: node.online,
    # A node that does not take work yet is kept free like one in standby.
    NodeFlag.STANDBY: lambda node: node.online and (node.standby or node.pending),
    NodeFlag.STANDBY_ON_FAIL: lambda node: node.standby_on_fail,
    NodeFlag.MAINTENANCE: _own_maintenance,
    NodeFlag.PENDING: lambda node: node.pending,
    NodeFlag.UNCLEAN: lambda node: node.unclean is not None,
    NodeFlag.SHUTDOWN: lambda node: node.shutdown,
    NodeFlag.EXPECTED_UP: lambda node: node.observed.expected_up,
    NodeFlag.DC: lambda node: node.attributes["#is_dc"] == "true",
}

_RESOURCE_FLAGS: Mapping[ResourceFlag, Callable[[Instance, Standing], bool]] = {
    ResourceFlag.ORPHANED: lambda one, _: one.removed,
    ResourceFlag.BLOCKED: lambda _, standing: standing.blocked,
    ResourceFlag.FAILED: lambda _, standing: standing.failed,
    ResourceFlag.FAILURE_IGNORED: lambda _, standing: _ignores(standing),
    ResourceFlag.UNMANAGED: lambda _, standing: _unmanaged(standing),
}

_BECOMING: Mapping[str, str] = {
    "start": "Starting",
    "stop": "Stopping",
    "promote": "Promoting",
    "demote": "Demoting",
    "migrate_to": "Migrating",
    "migrate_from": "Migrating",
}
"""Operation under way to what the resource is shown as meanwhile (measured)."""


def read(
    situation: Situation, settings: options.Cluster, *, under_way: bool = True
) -> ClusterStatus:
    """Return the view of a situation.

    Args:
        situation: what it is a view of.
        settings: cluster properties.
        under_way: tell what resources are on the way to; else only the roles that they have.
    """
    return ClusterStatus(
        nodes=tuple(
            sorted((_node(one, settings) for one in situation.nodes), key=lambda one: one.name)
        ),
        resources=tuple(
            sorted(
                (
                    _resource(one, situation, under_way=under_way)
                    for one in situation.expansion.all
                    if _shown(one, situation)
                ),
                key=lambda one: (one.name, one.within, one.nodes, one.role),
            )
        ),
    )


def _node(node: Node, settings: options.Cluster) -> NodeStatus:
    return NodeStatus(
        name=node.name,
        id="" if node.desired.id == node.name else node.desired.id,
        kind=node.desired.kind,
        flags=tuple(flag for flag, holds in _NODE_FLAGS.items() if holds(node)),
        health=_health(node, settings),
        guest_of="" if node.remote is None else node.remote.container,
    )


def _health(node: Node, settings: options.Cluster) -> str:
    """Return the worst colour among a node's health attributes, where health counts at all."""
    if settings.health_strategy is options.HealthStrategy.NONE:
        return _COLORS[-1]
    found = {_color(text) for name, text in node.attributes.items() if name.startswith(_HEALTH)}
    return next((color for color in _COLORS if color in found), _COLORS[-1])


def _color(text: str) -> str:
    if text.lower() in _COLORS:
        return text.lower()
    value = property.score(text) or 0
    return "red" if value < 0 else "green" if value > 0 else "yellow"


def _shown(one: Instance, situation: Situation) -> bool:
    """Tell whether it is a primitive; what was removed and has stopped is forgotten."""
    gone = one.orphaned and not situation.standing[one.index].running
    return one.is_primitive and not gone


def _resource(one: Instance, situation: Situation, *, under_way: bool) -> ResourceStatus:
    standing = situation.standing[one.index]
    return ResourceStatus(
        name=one.history_name,
        role=_role(standing, under_way=under_way),
        nodes=tuple(
            sorted(situation.nodes[index].name for index in (*standing.running, *standing.lost_on))
        ),
        within=_within(one),
        flags=tuple([flag for flag, holds in _RESOURCE_FLAGS.items() if holds(one, standing)]),
        target_role=one.meta.texts.get("target-role", ""),
        pending=_pending(standing) if under_way else "",
    )


def _within(one: Instance) -> tuple[str, ...]:
    found: list[str] = []
    above = one.parent
    while above is not None:
        found.append(above.name)
        above = above.parent
    return tuple(reversed(found))


def _role(standing: Standing, *, under_way: bool) -> str:
    """Return the role that a resource has, or what it is on the way to."""
    shown = Role.STOPPED if standing.role is Role.UNKNOWN else standing.role
    if not under_way:
        return str(shown.value)
    becoming = (_BECOMING.get(state.pending) for state in standing.states.values())
    return next((word for word in becoming if word), shown.value)


def _pending(standing: Standing) -> str:
    """Return what is under way and shows in no role."""
    return next(("Monitoring" for state in _active(standing) if state.pending == "monitor"), "")


def _active(standing: Standing) -> Iterator[State]:
    return (standing.states[index] for index in standing.running if index in standing.states)


def _ignores(standing: Standing) -> bool:
    return any(state.ignored for state in standing.states.values())
