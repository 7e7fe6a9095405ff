"""Unfencing: nodes that must be let back to what a fence device guards before they use it.

A device that guards a resource and not a machine, such as shared storage, says that it provides
unfencing, or a resource says that it requires it. A node says by the attribute ``#node-unfenced``
that it was let in, and by ``#digests-all`` by which devices, and how they were defined. Pacemaker Explained, "Unfencing". Only fence devices that are resources count;
those of manifests are switches of machines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.model import attribute, resource, secret, unfencing
from reconciler.model.action import ActionKind, Task
from reconciler.model.plan import FenceDecision
from reconciler.model.reason import Reason, ReasonCode
from reconciler.scheduler import digest
from reconciler.scheduler.circumstance import Circumstances
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.nodes import Node
from reconciler.scheduler.options import Requires
from reconciler.scheduler.step import Link, Step, Steps, link

_NEVER = frozenset({"", "0"})
_PRIVATE = frozenset({"passwd", "password"})
"""What is private where nobody knows the agent (measured)."""


def decide(steps: Steps, case: Circumstances) -> tuple[FenceDecision, ...]:
    """Enter an unfencing step for each node that needs it; return the decisions.

    A node needs it that was never let in, or by a device that is defined otherwise by now, and one
    where a device runs with another definition than today's (measured). In maintenance no node is
    let in: people work on it.
    """
    devices = [one for one in case.situation.expansion.all if one.is_fence_device]
    if not _used(case, devices):
        return ()
    guarded = [
        one
        for one in case.situation.expansion.all
        if one.is_primitive and one.meta.requires in {None, Requires.UNFENCING}
    ]
    users = any(not one.is_fence_device for one in guarded)
    guarded += [one for one in devices if one.meta.requires not in {None, Requires.UNFENCING}]
    decisions = []
    for node in case.situation.nodes:
        if not node.reachable or node.maintenance or case.settings.maintenance:
            continue
        outdated = users and _is_outdated(case, node, devices)
        renewed = _is_renewed(steps, case, node, devices)
        anew = renewed or _is_shut_out(node)
        if not (outdated or anew):
            continue
        step = steps.add(
            f"stonith-{node.name}-{Task.ON.value}", ActionKind.FENCE, Task.ON, None, node.index
        )
        code = ReasonCode.UNFENCING if anew else ReasonCode.DEVICE_CHANGED
        reason = Reason(code, node.name)
        if outdated or renewed:
            step.require(reason)
        for one in guarded:
            _wait(steps, case, one, node, step)
        if step.required:
            step.reason = reason
            decisions.append(FenceDecision(node.name, Task.ON, reason))
    return tuple(decisions)


def _is_shut_out(node: Node) -> bool:
    return node.attributes.get(unfencing.UNFENCED, "") in _NEVER


def _is_outdated(case: Circumstances, node: Node, devices: Sequence[Instance]) -> bool:
    """Tell whether a device is defined otherwise than when it let a node in.

    Only what is not private counts, where the node says so (measured).
    """
    if unfencing.DIGESTS not in node.attributes:
        return False
    whole = node.attributes[unfencing.DIGESTS].split(",")
    rest = node.attributes.get(unfencing.NONPRIVATE_DIGESTS, "").split(",")
    return any(
        f"{_entry(one)}:{digest.digest(params)}" not in whole
        and f"{_entry(one)}:{digest.digest(_nonprivate(case, one, params))}" not in rest
        for one in devices
        if _provides(one)
        for params in (case.parameters.of(one, node.index),)
    )


def _entry(device: Instance) -> str:
    return f"{device.name}:{device.definition.agent.kind}"


def _nonprivate(
    case: Circumstances, device: Instance, params: Mapping[str, secret.Value]
) -> dict[str, secret.Value]:
    metadata = case.wanted.agents.get(device.definition.agent)
    private = _PRIVATE
    if metadata is not None:
        private = frozenset(one.name for one in metadata.parameters if one.private)
    return digest.without(params, private)


def _is_renewed(steps: Steps, case: Circumstances, node: Node, devices: Sequence[Instance]) -> bool:
    """Tell whether a device runs on a node with another definition than today's (measured)."""
    return any(
        steps.at(one).redefined and node.index in case.situation.standing[one.index].running
        for one in devices
    )


def _used(case: Circumstances, devices: Sequence[Instance]) -> bool:
    """Tell whether anything provides or requires unfencing."""
    if not case.settings.fencing_enabled or not devices:
        return False
    primitives = (one for one in case.situation.expansion.all if one.is_primitive)
    return (
        any(_provides(one) for one in devices)
        or any(one.meta.requires is Requires.UNFENCING for one in primitives)
        or any(one.pairs.get("requires") == Requires.UNFENCING.value for one in _written(case))
    )


def _written(case: Circumstances) -> Iterator[attribute.AttributeSet]:
    """Yield what is written of resources: that counts whether or not its rule holds (measured)."""
    yield from case.wanted.resource_defaults
    for one in case.wanted.resources:
        yield from one.meta
        if isinstance(one, resource.Clone):
            yield from one.child.meta
        for member in resource.primitives(one):
            yield from member.meta


def _provides(device: Instance) -> bool:
    return device.meta.texts.get("provides") == Requires.UNFENCING.value


def _wait(steps: Steps, case: Circumstances, one: Instance, node: Node, unfence: Step) -> None:
    """Let what a resource does on a node wait for the unfencing; restart what runs there.

    A node that is asked to leave is asked what runs there all the same (measured).
    """
    reason = Reason(ReasonCode.UNFENCING, node.name)
    places = steps.at(one)
    for probe in places.probes if not node.shutdown else ():
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
    if not standing.maintenance:
        unfence.require(reason)
    if standing.managed:
        start.require(reason)
        if stop is not None:
            stop.require(reason)
