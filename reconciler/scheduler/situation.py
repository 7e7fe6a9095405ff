"""Observed -> where every instance is and in which role: the situation that the plan starts from.

Reads each node's history, binds it to instances (histories of anonymous clones to any free one),
and finds out what failed, what is blocked, and which nodes must be fenced for it.
"""

from __future__ import annotations

import dataclasses
import itertools
import operator
from collections.abc import Iterator, Sequence

from reconciler.model import desired as desired_state
from reconciler.model import observed, resource
from reconciler.model.agent import AgentName
from reconciler.model.reason import Reason, ReasonCode
from reconciler.model.resource import OnFail
from reconciler.model.role import Role
from reconciler.scheduler import (
    bundle,
    failure,
    guest,
    history,
    operation,
    options,
    partial_migration,
    quorum,
    remote,
)
from reconciler.scheduler.expansion import Expansion
from reconciler.scheduler.history import State
from reconciler.scheduler.instance import Instance, Variant
from reconciler.scheduler.nodes import Node

_RECORDED = operator.attrgetter("place", "resource")
_RANK = {Role.UNKNOWN: 0, Role.STOPPED: 1, Role.STARTED: 2, Role.UNPROMOTED: 3, Role.PROMOTED: 4}


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

    def count(self, one: Instance, node: int) -> failure.Count:
        """Return the failures of a primitive instance on a node."""
        counts = self.failures.get(one.history_name)
        return failure.NONE if counts is None else counts.get(node, failure.NONE)

    def is_blocked(self, one: Instance) -> bool:
        """Tell whether something in a resource failed so that it may not be acted on."""
        return any(self.standing[each.index].blocked for each in one.primitives())


def read(
    wanted: desired_state.Desired,
    expansion: Expansion,
    nodes: Sequence[Node],
    settings: options.Cluster,
    operations: operation.Reader,
) -> Situation:
    """Return the situation; enters instances that were found beyond those configured."""
    situation = Situation(expansion, nodes)
    binder = _Binder(situation, settings, operations, expansion.clones)
    recorded = sorted(nodes, key=lambda node: node.observed.place)
    members = [node for node in recorded if node.remote is None]
    silent_too = settings.fencing_enabled or settings.shutdown_lock
    heard = [node for node in members if node.online or silent_too]
    for node in itertools.chain(heard, remote.met(situation, settings, operations)):
        binder.bind_all(node)
    partial_migration.settle(situation, binder.travelled)
    devices = wanted.fencing.devices or any(one.is_fence_device for one in expansion.all)
    _manage(situation, settings, can_fence=settings.watchdog or bool(devices))
    for one in expansion.all:
        if one.is_primitive:
            _judge(situation, one, settings)
    for one, node, state in binder.unborne:
        _punish(one, situation.standing[one.index], state, node)
    _pass_over_lost(situation, fencing=settings.fencing_enabled)
    for one in expansion.all:
        if one.is_primitive and len(situation.standing[one.index].running) > 1:
            _multiply_active(situation, one)
    guest.spread(situation)
    _stop_alike(situation)
    _lift(situation)
    return situation


def _in_cloned_group(one: Instance) -> bool:
    return one.in_clone is not None and one.clone_child is not one


class _Binder:
    """Gives histories to instances, in the order in which they are recorded; for ``read`` only.

    Attributes:
        lost: numbers of the nodes that are to be fenced, by what was read up to now (measured).
        unfenced: names of the remote nodes that were not fenced since they were lost.
        unborne: failures that are remembered of clones where no instance is active any more.
    """

    def __init__(
        self,
        situation: Situation,
        settings: options.Cluster,
        operations: operation.Reader,
        clones: dict[str, resource.Clone],
    ) -> None:
        self.situation = situation
        self.settings = settings
        self.operations = operations
        self.clones = clones
        self._found: dict[str, list[Instance]] = {}
        self._quiet: dict[int, history.Facts] = {}
        self.travelled: set[str] = set()
        self.unborne: list[tuple[Instance, Node, State]] = []
        self._idle: dict[str, tuple[AgentName | None, dict[int, State]]] = {}
        """Of names that were idle on a node: the agent, and where to note it of other nodes."""
        self.lost = {node.index for node in situation.nodes if node.unclean is not None}
        if not settings.fencing_enabled:
            # They are read for their locks only.
            members = (node for node in situation.nodes if node.remote is None)
            self.lost.update(node.index for node in members if not node.online)
        self.unfenced = {
            node.name
            for node in situation.nodes
            if node.remote is not None and not node.observed.fenced
        }

    def bind_all(self, node: Node) -> None:
        """Read a node's histories as recorded; give those that say more than most to instances."""
        for found in sorted(node.observed.histories.values(), key=_RECORDED):
            agent, known = self._idle.get(found.resource, (None, None))
            if known is not None and found.agent is agent and history.is_idle(found):
                known[node.index] = history.IDLE
            elif found.operations:
                self.bind(node, found)

    def bind(self, node: Node, found: observed.ResourceHistory) -> None:
        """Read one history and give it to an instance."""
        candidates = self._candidates(found.resource)
        if not candidates:
            if found.agent is None:
                return
            candidates = [self._removed(found, found.agent)]
        first = candidates[0]
        state = self._read(first, node, found)
        plain = state is history.IDLE and not first.promotable and not _in_cloned_group(first)
        one = None if plain else self._bound(candidates, node, found.resource, state)
        if found.agent not in (None, first.definition.agent):
            self._note_foreign(one or self._named(candidates, found.resource), node, found, state)
        elif plain and found.agent is first.definition.agent:
            self._idle[found.resource] = found.agent, self.situation.known[first.history_name]
        if state.on_fail is OnFail.FENCE and not node.maintenance:
            self.lost.add(node.index)
        if one is None:
            if state.on_fail is not None:
                self.unborne.append((first, node, state))
            return
        standing = self.situation.standing[one.index]
        standing.seen_on.add(node.index)
        standing.states[node.index] = state
        standing.known_as = found.resource
        if state.active:
            standing.running.append(node.index)
            if _RANK[state.role] > _RANK[standing.role]:
                standing.role = state.role

    def _note_foreign(
        self, about: Instance, node: Node, found: observed.ResourceHistory, state: State
    ) -> None:
        """Note what another agent left under the name of a resource."""
        foreign = self.situation.foreign.setdefault(about.index, {})
        foreign[node.index] = found.resource, state

    def _named(self, candidates: list[Instance], name: str) -> Instance:
        """Return the instance that a history names, the first where it names none."""
        return next((each for each in candidates if each.name == name), candidates[0])

    def _read(self, one: Instance, node: Node, found: observed.ResourceHistory) -> State:
        """Return and note what a history says."""
        situation, name = self.situation, one.history_name
        if history.is_idle(found):
            state = history.IDLE
        else:
            state = history.read(one.definition, found, self.operations, self._facts(one, node))
            state.late = node.index in self.lost or not (node.online or node.remote)
            situation.eventful.setdefault(name, {})[node.index] = state
            if state.travelled:
                self.travelled.add(name)
        situation.known.setdefault(name, {})[node.index] = state
        return state

    def _candidates(self, name: str) -> list[Instance]:
        """Return the instances that a history may belong to; the same for every node."""
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = self._bearing(name)
        return found

    def _bearing(self, name: str) -> list[Instance]:
        expansion = self.situation.expansion
        exact = expansion.removed.get(name) or expansion.by_name.get(name)
        if exact is not None and exact.is_primitive and (exact.in_clone is None or exact.unique):
            return [exact]
        base = name.partition(":")[0]
        return [
            one
            for one in expansion.by_base.get(base, ())
            if one.is_primitive and one.in_clone is not None and not one.unique
        ]

    def _facts(self, one: Instance, node: Node) -> history.Facts:
        """Return what reading a history needs; the same for every node without failures."""
        count = self.situation.count(one, node.index)
        quiet = self._quiet.get(one.index) if count is failure.NONE else None
        if quiet is not None:
            return quiet
        timeout_ms = one.meta.failure_timeout_ms
        now = self.settings.clock.now
        facts = history.Facts(
            now=now,
            fencing=self.settings.fencing_enabled,
            promotable=one.promotable,
            anonymous=one.in_clone is not None and not one.unique,
            managed=self._trusted(one),
            contained=bool(one.container),
            failure_timeout_ms=timeout_ms,
            fail_count=count.effective(timeout_ms, now),
            last_failure=count.last,
            unfenced=one.name in self.unfenced and not one.container,
        )
        if count is failure.NONE:
            self._quiet[one.index] = facts
        return facts

    def _trusted(self, one: Instance) -> bool:
        """Tell whether a monitor that finds it stopped has found a failure, not someone's wish."""
        settings = self.settings
        if settings.maintenance or one.meta.maintenance:
            return False
        return one.meta.managed and (settings.stop_removed or not one.removed)

    def _free(self, candidates: list[Instance], node: Node) -> Instance:
        """Return the instance that an anonymous clone's history on the node belongs to."""
        standing = self.situation.standing
        own = bundle.instance_on(self.situation.expansion, candidates, node)
        if own is not None:
            return own
        if node.index in self.lost and self._makes_room(candidates[0]):
            return self._excess(candidates[0])
        found = self._fitting(candidates, node)
        if found is not None and node.index in self._runs(found):
            return found
        # No node may have two of them, so the second is one too many at once (measured).
        second = any(node.index in standing[one.index].running for one in candidates)
        return self._excess(candidates[0]) if found is None or second else found

    def _fitting(self, candidates: list[Instance], node: Node) -> Instance | None:
        """Return the instance of which something else runs on the node, or else an idle one."""
        standing = self.situation.standing
        idle = None
        for one in candidates:
            runs = self._runs(one)
            if node.index in runs and node.index not in standing[one.index].running:
                return one
            if idle is None and not runs:
                idle = one
        return idle

    def _runs(self, one: Instance) -> set[int]:
        """Return where the instance of the clone runs that a member belongs to."""
        standing = self.situation.standing
        return {
            where
            for member in one.clone_child.primitives()
            for where in standing[member.index].running
        }

    def _makes_room(self, one: Instance) -> bool:
        """Tell whether an instance on a lost node takes no other's place.

        It does not where it need not wait for fencing, unless there is just one for each node
        (measured).
        """
        clone = one.in_clone
        spare = clone is not None and clone.spread.maximum != len(self.situation.nodes)
        needed = quorum.requirement(one, self.settings)
        waits = needed in {options.Requires.FENCING, options.Requires.UNFENCING}
        return spare and not waits and not one.is_fence_device

    def _bound(
        self, candidates: list[Instance], node: Node, name: str, state: State
    ) -> Instance | None:
        """Return the instance that a history is kept with; None: none needs to know of it."""
        first = candidates[0]
        if len(candidates) == 1 and (first.in_clone is None or first.unique):
            return first
        if state.active or state.pending:
            return self._free(candidates, node)
        if state.next_role is Role.STOPPED:
            self.situation.standing[first.index].next_role = Role.STOPPED
        self._note_seen(candidates, node, name)
        return None

    def _note_seen(self, candidates: list[Instance], node: Node, name: str) -> None:
        """Note which instance a history that says "stopped" is about: as if it was active."""
        one = self._fitting(candidates, node)
        if one is not None:
            standing = self.situation.standing[one.index]
            standing.seen_on.add(node.index)
            if name == one.history_name:
                standing.known_as = name

    def _excess(self, like: Instance) -> Instance:
        clone = like.in_clone
        if clone is None:
            message = f"{like.name} is in no clone"
            raise AssertionError(message)
        child = self.situation.expansion.add_excess(self.clones[clone.name], clone)
        self._grow()
        return next(one for one in child.primitives() if one.base == like.base)

    def _removed(self, found: observed.ResourceHistory, kind: AgentName) -> Instance:
        led_to = (node.remote for node in self.situation.nodes if node.name == found.resource)
        container = next((remote.container for remote in led_to if remote is not None), "")
        one = self.situation.expansion.add_removed(found.resource, kind, container)
        self._grow()
        return one

    def _grow(self) -> None:
        self._found.clear()
        self._idle.clear()
        standing = self.situation.standing
        while len(standing) < len(self.situation.expansion.all):
            standing.append(Standing())


def _manage(situation: Situation, settings: options.Cluster, *, can_fence: bool) -> None:
    """Note what must be left alone, and why."""
    for one in situation.expansion.all:
        standing = situation.standing[one.index]
        if settings.maintenance:
            standing.managed, standing.maintenance = False, True
            standing.unmanaged_by = Reason(ReasonCode.MAINTENANCE)
        elif one.meta.maintenance:
            standing.managed, standing.maintenance = False, True
            standing.unmanaged_by = Reason(ReasonCode.MAINTENANCE, one.base, origin=one.origin)
        elif not one.meta.managed or (one.removed and not settings.stop_removed):
            standing.managed = False
            standing.unmanaged_by = Reason(ReasonCode.UNMANAGED, one.base, origin=one.origin)
        elif settings.fencing_enabled and not can_fence:
            standing.managed = False
            standing.unmanaged_by = Reason(ReasonCode.CANNOT_FENCE)
        for where in standing.running:
            if situation.nodes[where].maintenance and not settings.maintenance:
                standing.managed, standing.maintenance = False, True
                standing.unmanaged_by = Reason(ReasonCode.MAINTENANCE, situation.nodes[where].name)


def _judge(situation: Situation, one: Instance, settings: options.Cluster) -> None:
    """Draw the consequences of what failed, for the instance and for its nodes."""
    standing = situation.standing[one.index]
    for where, state in standing.states.items():
        node = situation.nodes[where]
        if settings.fencing_enabled or node.guest:
            _doubt(one, standing, state, node)
        _punish(one, standing, state, node)
        spared = state.on_fail is OnFail.BLOCK and node.unclean is not None
        counts = state.failed and not state.late and not spared
        standing.failed = standing.failed or counts
        standing.spent = standing.spent or (state.spent and not state.late and not spared)
        standing.next_role = state.next_role or standing.next_role


def _doubt(one: Instance, standing: Standing, state: State, node: Node) -> None:
    """Doubt a node that is down though something may be active there, before a failure blocks it."""
    gone = not node.online and node.unclean is None and state.on_fail is not OnFail.FENCE
    if state.active and gone and standing.managed and not node.maintenance:
        reason = Reason(ReasonCode.NODE_LOST, node.name, one.base)
        if node.remote is None or node.remote.failed:
            node.unclean = reason
        else:
            node.remote.doubt = reason


def _pass_over_lost(situation: Situation, *, fencing: bool) -> None:
    """Leave out what lost nodes have of what is active elsewhere, too, if nothing comes of it.

    Fence devices may be known in several places; without fencing no lost node is ever settled.
    """
    gone = {
        node.index
        for node in situation.nodes
        if not fencing and node.remote is None and not node.online
    }
    unclean = gone | {node.index for node in situation.nodes if node.unclean is not None}
    for one in situation.expansion.all if unclean else ():
        standing = situation.standing[one.index]
        if len(standing.running) > 1:
            lost = unclean if one.is_fence_device else gone
            sound = [where for where in standing.running if where not in lost]
            sound = sound or standing.running[:1]
            standing.lost_on = [where for where in standing.running if where not in sound]
            standing.running = sound


def _stop_alike(situation: Situation) -> None:
    """Stop every instance of an anonymous clone of which one must stay stopped after a failure.

    They cannot be told apart, so on-fail=stop is about all of them (measured).
    """
    for one in situation.expansion.all:
        alike = one.is_primitive and one.in_clone is not None and not one.unique
        if not alike or situation.standing[one.index].next_role is not Role.STOPPED:
            continue
        for each in situation.expansion.by_base[one.base]:
            situation.standing[each.index].next_role = Role.STOPPED


def _punish(one: Instance, standing: Standing, state: State, node: Node) -> None:
    """Apply the policy of the failure that decides on one node."""
    detail = "" if state.failure is None else state.failure.reason
    match state.on_fail:
        case OnFail.FENCE if node.unclean is None and not node.maintenance:
            failed_stop = state.failure is not None and state.failure.operation == "stop"
            code = ReasonCode.STOP_FAILED if failed_stop else ReasonCode.ON_FAIL_FENCE
            node.unclean = Reason(code, one.base, detail, one.origin)
        case OnFail.STANDBY:
            node.standby_on_fail = True
        case OnFail.BLOCK if state.failed and node.unclean is None:
            standing.blocked = True
            standing.managed = False
            standing.unmanaged_by = Reason(
                ReasonCode.BLOCKED_BY_FAILURE, node.name, detail, one.origin
            )
        case _:
            pass


def _blocked_with(one: Instance) -> Iterator[Instance]:
    """Return what is blocked with what is active too often: all of a group that says so itself."""
    group = one.parent
    if group is None or group.variant is not Variant.GROUP:
        return one.primitives()
    blocks = group.meta.multiple_active is options.MultipleActive.BLOCK
    return (group if blocks else one).primitives()


def _multiply_active(situation: Situation, one: Instance) -> None:
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


def _lift(situation: Situation) -> None:
    """Sum up for groups and clones what their primitives are."""
    for one in reversed(situation.expansion.all):
        if one.is_primitive:
            continue
        standing = situation.standing[one.index]
        for member in one.children:
            below = situation.standing[member.index]
            for where in below.running:
                if where not in standing.running:
                    standing.running.append(where)
            if _RANK[below.role] > _RANK[standing.role]:
                standing.role = below.role
            standing.failed = standing.failed or below.failed
            standing.spent = standing.spent or below.spent
