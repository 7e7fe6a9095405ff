"""Unfencing: nodes that must be let back to what a fence device guards before they use it.

A device that guards a resource and not a machine, such as shared storage, says that it provides
unfencing, or a resource says that it requires it. A node says by the attribute ``#node-unfenced``
that it was let in. Pacemaker Explained, "Unfencing". Only fence devices that are resources count;
those of manifests are switches of machines.
"""

from __future__ import annotations

from reconciler.model.action import ActionKind, Task
from reconciler.model.plan import FenceDecision
from reconciler.model.reason import Reason, ReasonCode
from reconciler.scheduler.circumstance import Circumstances
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.nodes import Node
from reconciler.scheduler.options import Requires
from reconciler.scheduler.step import Link, Step, Steps, link

_ATTRIBUTE = "#node-unfenced"
_NEVER = frozenset({"", "0"})


def decide(steps: Steps, case: Circumstances) -> tuple[FenceDecision, ...]:
    """Enter an unfencing step for each node that needs it; return the decisions."""
    if not _used(case):
        return ()
    guarded = [
        one
        for one in case.situation.expansion.all
        if one.is_primitive and one.meta.requires in {None, Requires.UNFENCING}
    ]
    guarded += [
        one
        for one in case.situation.expansion.all
        if one.is_fence_device and one.meta.requires not in {None, Requires.UNFENCING}
    ]
    decisions = []
    for node in case.situation.nodes:
        if not node.reachable or node.attributes.get(_ATTRIBUTE, "") not in _NEVER:
            continue
        step = steps.add(
            f"stonith-{node.name}-{Task.ON.value}", ActionKind.FENCE, Task.ON, None, node.index
        )
        reason = Reason(ReasonCode.UNFENCING, node.name)
        for one in guarded:
            _wait(steps, case, one, node, step)
        if step.required:
            step.reason = reason
            decisions.append(FenceDecision(node.name, Task.ON, reason))
    return tuple(decisions)


def _used(case: Circumstances) -> bool:
    """Tell whether anything provides or requires unfencing."""
    primitives = [one for one in case.situation.expansion.all if one.is_primitive]
    devices = [one for one in primitives if one.is_fence_device]
    if not case.settings.fencing_enabled or not devices:
        return False
    provided = any(one.meta.texts.get("provides") == Requires.UNFENCING.value for one in devices)
    return provided or any(one.meta.requires is Requires.UNFENCING for one in primitives)


def _wait(steps: Steps, case: Circumstances, one: Instance, node: Node, unfence: Step) -> None:
    """Let what a resource does on a node wait for the unfencing; restart what runs there."""
    reason = Reason(ReasonCode.UNFENCING, node.name)
    places = steps.at(one)
    for probe in places.probes:
        if probe.node == node.index:
            link(unfence, probe, Link.NEEDS)
            unfence.require(reason)
    stop = places.stops.get(node.index)
    if stop is not None and not one.is_fence_device:
        link(stop, unfence, Link.ORDER)
    start = places.start
    if start is None or start.node != node.index:
        return
    link(unfence, start, Link.NEEDS)
    standing = case.situation.standing[one.index]
    if standing.managed:
        unfence.require(reason)
        start.require(reason)
        if stop is not None:
            stop.require(reason)
