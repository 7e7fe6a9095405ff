"""Binding: which instance each history on a node belongs to.

Histories of anonymous clones belong to any free one; what is not configured gets an instance of
its own, and so does what is one too many.
"""

from __future__ import annotations

import operator

from reconciler.model import observed, resource
from reconciler.model.agent import AgentName
from reconciler.model.resource import OnFail
from reconciler.model.role import Role
from reconciler.scheduler import bundle, failure, history, operation, options, quorum, remote
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.nodes import Node
from reconciler.scheduler.situation import RANK, Situation, Standing
from reconciler.scheduler.state import IDLE, State

_RECORDED = operator.attrgetter("place", "resource")


def _in_cloned_group(one: Instance) -> bool:
    return one.in_clone is not None and one.clone_child is not one


class Binder:
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
                known[node.index] = IDLE
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
        plain = state is IDLE and not first.promotable and not _in_cloned_group(first)
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
            if RANK[state.role] > RANK[standing.role]:
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
            state = IDLE
        else:
            state = history.read(one.definition, found, self.operations, self._facts(one, node))
            state.late = node.index in self.lost or not (node.online or node.remote)
            situation.eventful.setdefault(name, {})[node.index] = state
            if state.travelled:
                self.travelled.add(name)
        if not state.active and self.is_void(node):
            state = State()
        situation.known.setdefault(name, {})[node.index] = state
        return state

    def is_void(self, node: Node) -> bool:
        """Tell whether a node may have started anything since it was last heard of (measured).

        That is a guest whose connection is down where nothing is fenced.
        """
        if node.remote is None or self.settings.fencing_enabled:
            return False
        held = remote.connection(self.situation.expansion, node)
        return held is not None and not self.situation.standing[held.index].running

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
        return one.meta.managed and (settings.stop_removed or not one.orphaned)

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
        return spare and needed not in {options.Requires.FENCING, options.Requires.UNFENCING}

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
        if not state.doubted:
            self._note_seen(candidates, node, name)
        return None

    def _note_seen(self, candidates: list[Instance], node: Node, name: str) -> None:
        """Note which instance a history that says "stopped" is about: as if it was active.

        One after which the node has to be asked again is about none; nor is one of a lost node where
        an instance of a group makes room (measured).
        """
        first = candidates[0]
        if node.index in self.lost and _in_cloned_group(first) and self._makes_room(first):
            return
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
