"""Fencing: which nodes are fenced, whether that can be done, and what waits for it.

"Fenced" is a step of its own; everything that relies on it hangs on that step, never on the
decision. A node that cannot be fenced keeps whatever may run there from starting elsewhere.
"""

from __future__ import annotations

from reconciler.model import desired, observed
from reconciler.model.action import ActionKind, Task
from reconciler.model.plan import FenceDecision
from reconciler.model.reason import Reason, ReasonCode
from reconciler.model.role import Role
from reconciler.scheduler import quorum
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.nodes import Node
from reconciler.scheduler.options import Cluster, QuorumPolicy, Requires
from reconciler.scheduler.placement import Assignment
from reconciler.scheduler.situation import Situation
from reconciler.scheduler.step import Link, Step, Steps, link


def has_devices(wanted: desired.Desired, situation_devices: bool) -> bool:
    """Tell whether there is any fence device, ours or managed as a resource."""
    return bool(wanted.fencing.devices) or situation_devices


def decide(
    steps: Steps,
    situation: Situation,
    wanted: desired.Desired,
    seen: observed.Observed,
    settings: Cluster,
) -> tuple[FenceDecision, ...]:
    """Enter a fencing step for each node that must be fenced; return the decisions."""
    suicide = not seen.quorate and settings.no_quorum_policy is QuorumPolicy.FENCE
    decisions = []
    previous: Step | None = None
    nodes = sorted(situation.nodes, key=lambda node: (node.name == seen.dc, node.index))
    managed = any(standing.managed for standing in situation.standing) or not situation.standing
    for node in nodes:
        reason = node.unclean
        if reason is None and suicide and node.online and not node.pending:
            reason = Reason(ReasonCode.NO_QUORUM, node.name)
        if reason is None:
            continue
        if node.maintenance and node.online:
            continue
        blocked = _obstacle(node, wanted, seen, settings, managed=managed, suicide=suicide)
        task = Task.OFF if settings.fencing_action == "off" else Task.REBOOT
        if settings.fencing_enabled:
            step = steps.add(
                f"stonith-{node.name}-{task.value}", ActionKind.FENCE, task, None, node.index
            )
            step.require(reason)
            if blocked is not None:
                step.stop_short(blocked)
            steps.fences[node.index] = step
            if previous is not None and not settings.concurrent_fencing and blocked is None:
                link(previous, step, Link.ORDER)
            if blocked is None:
                previous = step
        decisions.append(FenceDecision(node.name, task, reason, blocked))
    return tuple(decisions)


def _obstacle(
    node: Node,
    wanted: desired.Desired,
    seen: observed.Observed,
    settings: Cluster,
    *,
    managed: bool,
    suicide: bool,
) -> Reason | None:
    """Return why a node cannot be fenced, or None."""
    if not settings.fencing_enabled:
        return Reason(ReasonCode.FENCING_DISABLED, node.name)
    if not managed:
        return Reason(ReasonCode.UNMANAGED, node.name)
    lawful = seen.quorate or settings.no_quorum_policy is QuorumPolicy.IGNORE or suicide
    if not lawful and not (node.online or node.pending):
        return Reason(ReasonCode.NO_QUORUM, node.name)
    if wanted.fencing.devices and not wanted.fencing.topology(node.name):
        return Reason(ReasonCode.CANNOT_FENCE, node.name)
    return None


def order(steps: Steps, situation: Situation, assignment: Assignment, settings: Cluster) -> None:
    """Let stops on fenced nodes follow from the fencing, and starts elsewhere wait for it."""
    lost = [node for node in situation.nodes if node.unclean is not None]
    if not lost:
        return
    for one in situation.expansion.all:
        if not one.is_primitive:
            continue
        places = steps.at(one)
        for node in lost:
            fence = steps.fences.get(node.index)
            for step in (places.stops.get(node.index), places.demotes.get(node.index)):
                if step is not None:
                    _by_fencing(step, fence, node)
        if places.start is not None:
            _wait(places.start, one, lost, steps, situation, assignment, settings)


def _by_fencing(step: Step, fence: Step | None, node: Node) -> None:
    if fence is None:
        step.stop_short(Reason(ReasonCode.CANNOT_FENCE, node.name))
        return
    step.done_by_fencing = True
    step.kind = ActionKind.PSEUDO
    if step.instance is None or not step.instance.is_fence_device:
        link(fence, step, Link.NEEDS)


def _wait(
    start: Step,
    one: Instance,
    lost: list[Node],
    steps: Steps,
    situation: Situation,
    assignment: Assignment,
    settings: Cluster,
) -> None:
    needed = quorum.requirement(one, settings)
    if needed is Requires.NOTHING:
        return
    needs_fencing = needed in {Requires.FENCING, Requires.UNFENCING}
    known = situation.known.get(one.history_name, {})
    for node in lost:
        fence = steps.fences.get(node.index)
        if fence is None:
            if may_run(one, node, situation, assignment):
                start.stop_short(Reason(ReasonCode.FENCING_DISABLED, node.name))
            continue
        unknown = node.index not in known
        if needs_fencing or (unknown and settings.fencing_enabled):
            if fence.runnable or may_run(one, node, situation, assignment):
                link(fence, start, Link.NEEDS)


def may_run(one: Instance, node: Node, situation: Situation, assignment: Assignment) -> bool:
    """Tell whether something of a resource may be active on a lost node."""
    state = situation.known.get(one.history_name, {}).get(node.index)
    if state is not None and node.observed.presence is not observed.Presence.UNSEEN:
        return state.active or state.role is Role.UNKNOWN
    return True
