"""Survey: observed -> the situation that the plan starts from.

Each node's histories are read and bound to instances; then the consequences of what failed are
drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.model import desired as desired_state
from reconciler.scheduler import consequence, guest, operation, options, partial_migration, remote
from reconciler.scheduler.binding import Binder
from reconciler.scheduler.expansion import Expansion
from reconciler.scheduler.nodes import Node
from reconciler.scheduler.situation import Situation


def read(
    wanted: desired_state.Desired,
    expansion: Expansion,
    nodes: Sequence[Node],
    settings: options.Cluster,
    operations: operation.Reader,
) -> Situation:
    """Return the situation; enters instances that were found beyond those configured."""
    situation = Situation(expansion, nodes)
    binder = Binder(situation, settings, operations, expansion.clones)
    recorded = sorted(nodes, key=lambda node: node.observed.place)
    silent_too = settings.fencing_enabled or settings.shutdown_lock
    heard = [node for node in recorded if node.remote is not None or node.online or silent_too]
    void = {node.index for node in nodes if node.remote is not None}
    read: list[int] = []
    for node in remote.met(situation, heard, settings, operations):
        binder.bind_all(node)
        if not binder.is_void(node):
            void.discard(node.index)
        read.append(node.index)
    situation.forget(void)
    partial_migration.settle(situation, binder.travelled)
    devices = wanted.fencing.devices or any(one.is_fence_device for one in expansion.all)
    can_fence = settings.watchdog or bool(devices)
    consequence.manage(situation, settings, can_fence=can_fence)
    for one in expansion.all:
        if one.is_primitive:
            consequence.judge(situation, one, settings, can_fence=can_fence)
    for one, node, state in binder.unborne:
        consequence.punish(situation, one, state, node)
    consequence.pass_over_lost(situation, settings)
    for one in expansion.all:
        if one.is_primitive and len(situation.standing[one.index].running) > 1:
            consequence.multiply_active(situation, one)
    guest.spread(situation)
    consequence.stop_alike(situation)
    consequence.lift(situation, read)
    return situation
