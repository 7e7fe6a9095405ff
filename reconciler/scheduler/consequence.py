"""Consequences: what must be left alone, what failed, and which nodes must be fenced for it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from reconciler.model.reason import Reason, ReasonCode
from reconciler.model.resource import OnFail
from reconciler.model.role import Role
from reconciler.scheduler import guest, options, quorum
from reconciler.scheduler.instance import Instance, Variant
from reconciler.scheduler.nodes import Node
from reconciler.scheduler.situation import RANK, Situation, Standing
from reconciler.scheduler.state import State


def manage(situation: Situation, settings: options.Cluster, *, can_fence: bool) -> None:
    """Note what must be left alone, and why."""
    for one in situation.expansion.all:
        standing = situation.standing[one.index]
        if settings.maintenance:
            standing.managed, standing.maintenance = False, True
            standing.unmanaged_by = Reason(ReasonCode.MAINTENANCE)
        elif one.meta.maintenance:
            standing.managed, standing.maintenance = False, True
            standing.unmanaged_by = Reason(ReasonCode.MAINTENANCE, one.base, origin=one.origin)
        elif not one.meta.managed or (one.orphaned and not settings.stop_removed):
            standing.managed = False
            standing.unmanaged_by = Reason(ReasonCode.UNMANAGED, one.base, origin=one.origin)
        elif settings.fencing_enabled and not can_fence:
            standing.managed = False
            standing.unmanaged_by = Reason(ReasonCode.CANNOT_FENCE)
        for where in standing.running:
            if situation.nodes[where].maintenance and not settings.maintenance:
                _unbind(standing, where)
                standing.managed, standing.maintenance = False, True
                standing.unmanaged_by = Reason(ReasonCode.MAINTENANCE, situation.nodes[where].name)


def judge(
    situation: Situation, one: Instance, settings: options.Cluster, *, can_fence: bool
) -> None:
    """Draw the consequences of what failed, for the instance and for its nodes."""
    can_fence = can_fence and settings.fencing_enabled
    standing = situation.standing[one.index]
    for where, state in standing.states.items():
        node = situation.nodes[where]
        if settings.fencing_enabled or node.guest:
            _doubt(one, standing, state, node, left=where in standing.dangling)
        punish(situation, one, state, node)
        if state.stuck and not (can_fence and node.fenceable):
            # Neither another stop nor anything else would end it, whatever people said (measured).
            _block(one, standing, state, node)
        spared = state.on_fail is OnFail.BLOCK and node.unclean is not None
        counts = state.failed and not state.late and not spared
        standing.failed = standing.failed or counts
        standing.spent = standing.spent or (state.spent and not state.late and not spared)
        standing.next_role = state.next_role or standing.next_role


def _doubt(one: Instance, standing: Standing, state: State, node: Node, *, left: bool) -> None:
    """Doubt a node that is down though something may be active there, before a failure blocks it.

    So may be what left it for another node, and was not stopped then (measured).
    """
    gone = not node.online and node.unclean is None and state.on_fail is not OnFail.FENCE
    if (state.active or left) and gone and standing.managed and not node.maintenance:
        reason = Reason(ReasonCode.NODE_LOST, node.name, one.base)
        if node.remote is None or node.remote.failed:
            node.unclean = reason
        else:
            node.remote.doubt = reason


def pass_over_lost(situation: Situation, settings: options.Cluster) -> None:
    """Leave out what lost nodes have of what is active elsewhere, too, if nothing comes of it.

    Fence devices may be known in several places, and what requires less than fencing goes on where
    it is up (measured); without fencing no lost node is ever settled.
    """
    gone = {
        node.index
        for node in situation.nodes
        if not settings.fencing_enabled and node.remote is None and not node.online
    }
    unclean = gone | {node.index for node in situation.nodes if node.unclean is not None}
    for one in situation.expansion.all if unclean else ():
        standing = situation.standing[one.index]
        if len(standing.running) > 1:
            spared = one.is_fence_device or quorum.spares_fencing(one, settings)
            lost = unclean if spared else gone
            sound = [where for where in standing.running if where not in lost]
            sound = sound or standing.running[:1]
            standing.lost_on = [where for where in standing.running if where not in sound]
            standing.running = sound


def stop_alike(situation: Situation) -> None:
    """Stop every instance of an anonymous clone of which one must stay stopped after a failure.

    They cannot be told apart, so on-fail=stop is about all of them (measured).
    """
    for one in situation.expansion.all:
        alike = one.is_primitive and one.in_clone is not None and not one.unique
        if not alike or situation.standing[one.index].next_role is not Role.STOPPED:
            continue
        for each in situation.expansion.by_base[one.base]:
            situation.standing[each.index].next_role = Role.STOPPED


def punish(situation: Situation, one: Instance, state: State, node: Node) -> None:
    """Apply the policy of the failure that decides on one node.

    A guest is not fenced whose holder is left alone (measured).
    """
    standing = situation.standing[one.index]
    held = guest.holder(situation.expansion, node)
    may_fence = held is None or situation.standing[held.index].managed
    detail = "" if state.failure is None else state.failure.reason
    match state.on_fail:
        case OnFail.FENCE if node.unclean is None and not node.maintenance and may_fence:
            failed_stop = state.failure is not None and state.failure.operation == "stop"
            code = ReasonCode.STOP_FAILED if failed_stop else ReasonCode.ON_FAIL_FENCE
            node.unclean = Reason(code, one.base, detail, one.origin)
        case OnFail.STANDBY:
            node.standby_on_fail = True
        case OnFail.BLOCK if state.failed and node.unclean is None:
            _block(one, standing, state, node)
        case _:
            pass


def _block(one: Instance, standing: Standing, state: State, node: Node) -> None:
    """Leave an instance alone for what failed on a node."""
    detail = "" if state.failure is None else state.failure.reason
    _unbind(standing, node.index)
    standing.blocked, standing.managed = True, False
    standing.unmanaged_by = Reason(ReasonCode.BLOCKED_BY_FAILURE, node.name, detail, one.origin)


def _unbind(standing: Standing, here: int) -> None:
    """Note where it may well leave, if one node is the first of which we read that it must stay."""
    if standing.managed:
        before = itertools.takewhile(lambda where: where != here, standing.states)
        standing.unbound = frozenset(before)


def _blocked_with(one: Instance) -> Iterator[Instance]:
    """Return what is blocked with what is active too often: all of a group that says so itself."""
    group = one.parent
    if group is None or group.variant is not Variant.GROUP:
        return one.primitives()
    blocks = group.meta.multiple_active is options.MultipleActive.BLOCK
    return (group if blocks else one).primitives()


def multiply_active(situation: Situation, one: Instance) -> None:
    """Note that a resource is active several times, and what people want done about that."""
    standing = situation.standing[one.index]
    standing.multiple = True
    if not standing.managed:
        return
    if standing.partial is not None:
        return
    match one.meta.multiple_active:
        case options.MultipleActive.BLOCK:
            reason = Reason(ReasonCode.MULTIPLE_ACTIVE, one.base, origin=one.origin)
            for member in _blocked_with(one):
                found = situation.standing[member.index]
                found.managed, found.blocked, found.unmanaged_by = False, True, reason
        case options.MultipleActive.STOP_ONLY:
            standing.stop_only = True
        case _:
            pass


def lift(situation: Situation, read: Sequence[int]) -> None:
    """Sum up for groups and clones what their primitives are.

    They run on nodes in the order in which these were read (measured).
    """
    turns = {where: turn for turn, where in enumerate(read)}
    for one in reversed(situation.expansion.all):
        if one.is_primitive:
            continue
        standing = situation.standing[one.index]
        for member in one.children:
            below = situation.standing[member.index]
            standing.running.extend(below.running)
            if RANK[below.role] > RANK[standing.role]:
                standing.role = below.role
            standing.failed = standing.failed or below.failed
            standing.spent = standing.spent or below.spent
        places = dict.fromkeys(standing.running)
        standing.running = sorted(places, key=lambda where: turns.get(where, len(turns)))
