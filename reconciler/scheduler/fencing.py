"""Fencing: which nodes are fenced, whether that can be done, and what waits for it.

"Fenced" is a step of its own; everything that relies on it hangs on that step, never on the
decision. A node that cannot be fenced keeps whatever may run there from starting elsewhere.
"""

from __future__ import annotations

import re

from reconciler.model import observed
from reconciler.model.action import ActionKind, Task
from reconciler.model.observed import Rc
from reconciler.model.plan import FenceDecision
from reconciler.model.reason import Reason, ReasonCode
from reconciler.model.role import Role
from reconciler.scheduler import containment, guest, history, quorum, remote
from reconciler.scheduler.circumstance import Circumstances
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.nodes import NOWHERE, Node
from reconciler.scheduler.options import Requires
from reconciler.scheduler.situation import Situation, Standing
from reconciler.scheduler.state import State
from reconciler.scheduler.step import Link, Step, Steps, link, present


def decide(steps: Steps, case: Circumstances) -> tuple[FenceDecision, ...]:
    """Enter a fencing step for each node that must be fenced; return the decisions.

    The one that coordinates is fenced last, even where the others are all fenced at once (measured).
    """
    situation, settings, seen = case.situation, case.settings, case.seen
    decisions = []
    earlier: list[Step] = []
    for node in sorted(
        situation.nodes, key=lambda node: (node.name == seen.dc, _spoken(node.name))
    ):
        reason = node.unclean
        if reason is None or _spared(node, reason):
            continue
        inside = guest.holder(situation.expansion, node)
        if inside is not None:
            if _hopeless(situation.standing[inside.index]):
                continue
            decisions.append(containment.fence(steps, case, node, reason, inside))
            continue
        blocked = _obstacle(node, case)
        task = Task.OFF if settings.fencing_action == "off" else Task.REBOOT
        decisions.append(FenceDecision(node.name, task, reason, blocked))
        if not settings.fencing_enabled:
            continue
        name = f"stonith-{node.name}-{task.value}"
        step = steps.add(name, ActionKind.FENCE, task, None, node.index)
        step.require(reason)
        steps.fences[node.index] = step
        if blocked is not None:
            step.stop_short(blocked)
            continue
        last = node.name == seen.dc
        awaited = earlier if last else [] if settings.concurrent_fencing else earlier[-1:]
        for other in awaited:
            link(other, step, Link.ORDER)
        earlier.append(step)
    return tuple(decisions)


def _hopeless(holder: Standing) -> bool:
    """Tell whether a guest's holder is left as it is, since nothing could be fenced (measured)."""
    reason = holder.unmanaged_by
    return reason is not None and reason.code is ReasonCode.CANNOT_FENCE


def _spared(node: Node, reason: Reason) -> bool:
    """Tell whether a node is left alone in maintenance; lost quorum spares none (measured)."""
    return node.maintenance and node.online and reason.code is not ReasonCode.NO_QUORUM


_DIGITS = frozenset("0123456789")


def _spoken(name: str) -> list[tuple[int, int, int]]:
    """Return a key that orders names as people do: n2 before n10, without regard to case (measured)."""
    parts = re.findall(r"[0-9]+|[^0-9]", name.lower())
    return [
        (ord("0"), int(part), len(part)) if part[0] in _DIGITS else (ord(part), 0, 0)
        for part in parts
    ]


def _obstacle(node: Node, case: Circumstances) -> Reason | None:
    """Return why a node cannot be fenced, or None."""
    if not case.settings.fencing_enabled:
        return Reason(ReasonCode.FENCING_DISABLED, node.name)
    standing = case.situation.standing
    if standing and not any(one.managed for one in standing):
        return Reason(ReasonCode.UNMANAGED, node.name)
    if not node.fenceable:
        return Reason(ReasonCode.NO_QUORUM, node.name)
    wanted = case.wanted.fencing
    if wanted.devices and not wanted.topology(node.name):
        return Reason(ReasonCode.CANNOT_FENCE, node.name)
    return None


def order(steps: Steps, case: Circumstances) -> None:
    """Let stops on fenced nodes follow from the fencing; what rises elsewhere waits for it.

    Connections and fence devices do not wait for what was lost inside of a bundle's container.
    Nor does what does not require fencing wait, if it may run on several nodes.
    """
    lost = [node for node in case.situation.nodes if node.unclean is not None]
    never = {node.index: _never(steps, node) for node in lost if node.index not in steps.fences}
    replicas = {node.index for node in lost if node.name in case.situation.expansion.owners}
    known_of = {node.index for node in lost if _is_told_of_anyway(node, case)}
    for one in case.situation.expansion.all if lost else ():
        if not one.is_primitive:
            continue
        places = steps.at(one)
        spared = replicas if remote.members_only(one) else known_of
        little = quorum.spares_fencing(one, case.settings)
        for node in lost:
            fence = steps.fences.get(node.index)
            heedless = _heedless(one, node, case)
            for step in (places.stops.get(node.index), places.demotes.get(node.index)):
                if step is not None:
                    _by_fencing(step, fence, node, heedless=heedless)
            whole = node.index in places.stops and not little and not one.is_fence_device
            if fence is not None and whole:
                _before_wholes(steps, one, fence)
            for step in (places.start, places.promote) if node.index not in spared else ():
                if step is not None:
                    _wait(step, fence, node, case, never.get(node.index))
        _last(steps, one, case)


def _is_told_of_anyway(node: Node, case: Circumstances) -> bool:
    """Tell whether nobody waits for the end of a bundle's lost container.

    It was lost with its host, of which the others hear anyway, or nothing is ever fenced (measured).
    """
    situation = case.situation
    bundle, number = situation.expansion.owners.get(node.name, (None, -1))
    if bundle is None:
        return False
    hosts = situation.standing[bundle.children[number].index].running
    return not case.settings.fencing_enabled or any(situation.nodes[where].lost for where in hosts)


def _last(steps: Steps, one: Instance, case: Circumstances) -> None:
    """Let what is active in several places stop last where it was last seen to run well (measured).

    That is after the fencing of the others; who runs well nowhere waits for nothing. What failed on
    a lost node is no failure, nor is it one to leave, though it may be one not to have arrived.
    """
    standing = case.situation.standing[one.index]
    states = standing.states
    well = [where for where in standing.running if states[where].late or not _failed(states[where])]
    for where in standing.running if well else ():
        if where != well[-1]:
            link(steps.fences.get(where), steps.at(one).stops.get(well[-1]), Link.ADVISORY)


def _failed(state: State) -> bool:
    """Tell whether an operation failed on a node."""
    failure = state.failure
    left = failure is not None and failure is state.departed and failure.rc == Rc.OK
    return state.failed and not left


def _careless(one: Instance, case: Circumstances) -> bool:
    """Tell whether an instance of a clone may start before others are known to be gone.

    People said so by requiring less than fencing. What may be active only once, and promotions,
    wait all the same.
    """
    several = one.in_clone is not None and not one.unique
    return several and quorum.spares_fencing(one, case.settings)


def _heedless(one: Instance, node: Node, case: Circumstances) -> bool:
    """Tell whether nothing waits for the stop of what is lost with a node.

    Nothing does for what was in a replica, for what only the cluster itself needs, and for whom
    people did not care; but in a cloned group that goes from there for good it does (measured).
    """
    careless = _careless(one, case)
    gone = case.assignment.chosen[one.index] == NOWHERE and one.clone_child is not one
    if careless and gone and quorum.requirement(one, case.settings) is Requires.QUORUM:
        return False
    return careless or remote.members_only(one) or node.name in case.situation.expansion.owners


def _before_wholes(steps: Steps, one: Instance, fence: Step) -> None:
    """Let a group or clone that loses something by fencing begin to stop after it (measured).

    Not so what requires less; nor a bundle, of which what is inside can be stopped while its
    containers are.
    """
    whole = one.parent
    while whole is not None and whole.bundle is None:
        link(fence, steps.whole(whole).stop, Link.ADVISORY)
        whole = whole.parent


def _by_fencing(step: Step, fence: Step | None, node: Node, *, heedless: bool) -> None:
    if fence is None:
        step.stop_short(Reason(ReasonCode.CANNOT_FENCE, node.name))
        return
    step.done_by_fencing = True
    step.kind = ActionKind.PSEUDO
    # It is never done without the fencing, though it may be taken as done at once (measured).
    link(fence, step, Link.NEEDS | (Link.UNORDERED if heedless else 0))


def _never(steps: Steps, node: Node) -> Step:
    """Enter a step that stands for the fencing of a node that nothing fences: it cannot be done."""
    step = steps.add(f"never-{node.name}", ActionKind.PSEUDO, Task.OFF, None, node.index)
    step.stop_short(Reason(ReasonCode.FENCING_DISABLED, node.name))
    return step


def _wait(
    rise: Step, fence: Step | None, node: Node, case: Circumstances, never: Step | None
) -> None:
    """Let a start or promotion wait for the fencing of a node, for ever where it cannot be.

    What runs well may go on; only if it is to be started again it waits, too. What requires less
    than fencing waits where nothing is known of it. In an opt-in cluster that goes for nodes, too,
    that no location names, unlike in Pacemaker: one may have named them when it was started.
    """
    one = rise.instance
    if one is None:
        return
    needed = quorum.requirement(one, case.settings)
    state = case.situation.known.get(one.history_name, {}).get(node.index)
    if rise.task is Task.PROMOTE and state is not None and state.active:
        link(fence, rise, Link.NEEDS)
    if needed is Requires.NOTHING and not _was_left(one, node):
        return
    hopeless = fence is None or not fence.runnable
    if hopeless and _goes_on(rise, case.situation, node):
        link(fence or never, rise, Link.NEEDS_IF_WANTED)
        return
    if fence is None:
        if may_run(one, node, case.situation):
            rise.stop_short(Reason(ReasonCode.FENCING_DISABLED, node.name))
        return
    # What is let go on beside it must not be started anew before the node is gone.
    passed_over = node.index in case.situation.standing[one.index].lost_on
    unknown = state is None or _is_another(one, node, case.situation)
    needs_fencing = needed in {Requires.FENCING, Requires.UNFENCING} or unknown or passed_over
    if needs_fencing and (fence.runnable or may_run(one, node, case.situation)):
        # A guest's cannot be done if its holder may not be stopped, which is not known yet.
        stays = node.guest and _goes_on(rise, case.situation, node)
        link(fence, rise, Link.NEEDS_IF_WANTED if stays else Link.NEEDS)


def _is_another(one: Instance, node: Node, situation: Situation) -> bool:
    """Tell whether what a node says of a cloned group's member is about another instance (measured)."""
    alike = one.in_clone is not None and one.clone_child is not one and not one.unique
    return alike and node.index not in situation.standing[one.index].seen_on


def _was_left(one: Instance, node: Node) -> bool:
    """Tell whether what may be active only once was up on a lost node, by what is on record."""
    found = node.observed.histories.get(one.history_name)
    if found is None or not found.operations or (one.in_clone is not None and not one.unique):
        return False
    last = history.in_order(found.operations)[-1]
    stopped = last.operation == Task.STOP.value and last.rc == Rc.OK
    return not stopped and last.rc != Rc.NOT_RUNNING


def _goes_on(rise: Step, situation: Situation, node: Node) -> bool:
    """Tell whether a step only keeps what was there, whatever there may be on a lost node.

    What runs well is no more dangerous for being let run where it is (measured; Pacemaker's
    scheduler also starts it again, or elsewhere).
    """
    standing = situation.standing[present(rise.instance).index]
    if rise.node not in standing.running or node.index in standing.running or standing.failed:
        return False
    return rise.task is Task.START or standing.role is Role.PROMOTED


def may_run(one: Instance, node: Node, situation: Situation) -> bool:
    """Tell whether something of a resource may be active on a lost node."""
    state = situation.known.get(one.history_name, {}).get(node.index)
    if state is not None and node.observed.presence is not observed.Presence.UNSEEN:
        return state.active or state.role is Role.UNKNOWN
    return True
