"""One simulated machine with its executor: power, boot, processes, history, token and lease.

The executor keeps the promises of the real one: a token that only rises, the boot and the revision
checked before an action, one action of a resource at a time, an action id that never runs twice, and
an intent in the history before the agent runs.
"""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Any

from reconciler.model import action, observed, outcome
from reconciler.model.role import Role
from reconciler.ports import nodes
from reconciler.simulator.truth import What

if TYPE_CHECKING:
    from reconciler.simulator.world import World

ORPHANED_S = 2.0
_WAITS = 40


@dataclasses.dataclass(slots=True)
class Held:
    """A lease as one executor holds it."""

    holder: nodes.LeaseHolder
    token: int
    until: float


@dataclasses.dataclass(slots=True)
class Pending:
    """An action that an executor is running."""

    step: action.Action
    since: float
    task: asyncio.Task[outcome.Outcome]


class Machine:
    """A machine; it is up when the world begins."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.powered = True
        self.up = True
        self.frozen = False
        self.boots = 1
        self.executors = 1
        self.generation = 0
        self.token = 0
        self.calls = 0
        self.lease: Held | None = None
        self.records: dict[str, nodes.Record] = {}
        self.permanent: dict[str, str] = {}
        self.queues: set[asyncio.Queue[nodes.NodeEvent]] = set()
        self.restarted = asyncio.Event()
        self.results: dict[str, outcome.Outcome] = {}
        self._reset()

    def _reset(self) -> None:
        """Begin a boot: nothing runs, and the history is void."""
        self.active: dict[str, Role] = {}
        self.maybe: set[str] = set()
        self.histories: dict[str, observed.ResourceHistory] = {}
        self.transient: dict[str, str] = {}
        self.recurring: dict[tuple[str, str, int], action.Action] = {}
        self.pending: dict[str, Pending] = {}
        self.results.clear()

    @property
    def boot_id(self) -> str:
        """The id of the present boot."""
        return f"{self.name}-boot-{self.boots}"

    @property
    def listening(self) -> bool:
        """Whether its executor reads and answers messages."""
        return self.powered and self.up and not self.frozen

    def power_off(self, what: What = What.LOST_POWER, who: str = "", token: int = 0) -> None:
        """Cut its power: everything on it ends at once."""
        if not self.powered:
            return
        self.powered = self.up = self.frozen = False
        for one in list(self.pending.values()):
            one.task.cancel()
        self._reset()
        self.lease = None
        self.world.happen(what, self.name, who=who, token=token)

    def power_on(self, who: str = "") -> None:
        """Give it power; it answers when it has booted."""
        if self.powered:
            return
        self.powered = True
        self.boots += 1
        self.executors += 1
        self.world.happen(What.SWITCHED_ON, self.name, who=who)
        self.world.spawn(self._boot(self.boots))

    async def _boot(self, boot: int) -> None:
        await asyncio.sleep(self.world.boot_s)
        if self.powered and self.boots == boot:
            self.up = True
            self.world.stir()

    def freeze(self) -> None:
        """Stop all its processes, as a hanging kernel or SIGSTOP does; what runs stays there."""
        if self.powered:
            self.frozen = True
            self.world.happen(What.FROZE, self.name)

    def thaw(self) -> None:
        """Let everything go on where it was."""
        if self.frozen:
            self.frozen = False
            self.world.happen(What.THAWED, self.name)
            self.world.stir()

    def restart_executor(self) -> None:
        """Kill the executor's daemon; it comes back, and does not know what became of its actions.

        What an agent was doing may have been done; recurring monitors are not resumed.
        """
        if not self.listening:
            return
        self.executors += 1
        self.recurring.clear()
        lost = list(self.pending.items())
        self.pending.clear()
        for action_id, one in lost:
            one.task.cancel()
            if self.world.chance(0.5):
                self._effect(one.step)
            self._write(one.step, action_id, observed.OperationStatus.LOST, -1)
        self.world.happen(What.RESTARTED, self.name)
        self.restarted.set()
        self.restarted = asyncio.Event()

    def die(self, resource: str) -> None:
        """Let a resource's processes die; a recurring monitor finds out within its interval."""
        if self.active.pop(resource, None) is None:
            return
        self.world.happen(What.DIED, self.name, resource=resource)
        for key, step in list(self.recurring.items()):
            if key[0] == resource:
                self.world.spawn(self._monitor(key, step, self.boots))

    async def _monitor(self, key: tuple[str, str, int], step: action.Action, boot: int) -> None:
        """Run a recurring monitor once more, and tell if it says something new."""
        await asyncio.sleep(step.interval_ms / 1000)
        await self._thawed()
        if self.boots != boot or not self.powered or key not in self.recurring:
            return
        rc = self._rc(step)
        if rc != step.expected_rc:
            self._write(step, f"recurring-{self.calls}", observed.OperationStatus.DONE, rc)

    # what an executor does

    def report(self) -> nodes.NodeReport:
        """Return what the executor says of itself."""
        now = self.world.clock.monotonic()
        held = self.live_lease()
        return nodes.NodeReport(
            node=self.name,
            boot_id=self.boot_id,
            executor_id=f"{self.name}-executor-{self.executors}",
            generation=self.generation,
            token=self.token,
            holder=held.holder if held else None,
            lease_remaining_s=held.until - now if held else 0.0,
            histories=dict(self.histories),
            recurring=tuple(nodes.Recurring(*key) for key in sorted(self.recurring)),
            running=tuple(
                nodes.Running(
                    key, one.step.resource, one.step.task.value, one.step.interval_ms, one.since
                )
                for key, one in sorted(self.pending.items())
            ),
            transient=dict(self.transient),
            permanent=dict(self.permanent),
            records=dict(self.records),
        )

    def live_lease(self) -> Held | None:
        """Return the lease, unless its time has run out."""
        if self.lease is not None and self.lease.until <= self.world.clock.monotonic():
            self.lease = None
        return self.lease

    def accept(self, token: int, who: str) -> None:
        """Check a token and remember it. Raises nodes.StaleTokenError."""
        if token < self.token:
            raise nodes.StaleTokenError(self.token)
        self.token = token
        self.world.happen(What.ACCEPTED, self.name, who=who, token=token)

    def acquire(self, holder: nodes.LeaseHolder, token: int, ttl_s: float, *, renew: bool) -> None:
        """Grant or renew a lease. Raises nodes.LeaseHeldError, nodes.StaleTokenError."""
        now = self.world.clock.monotonic()
        held = self.live_lease()
        mine = held is not None and held.holder.id == holder.id
        if held is not None and not mine:
            raise nodes.LeaseHeldError(held.holder, held.until - now, held.token)
        if token < self.token or (token == self.token and not renew):
            raise nodes.StaleTokenError(self.token)
        if renew and (held is None or held.token != token):
            raise nodes.StaleTokenError(0)
        self.token = token
        self.lease = Held(holder, token, now + ttl_s)

    def release(self, holder: nodes.LeaseHolder, token: int) -> None:
        """End a lease, if it is the holder's."""
        held = self.live_lease()
        if held is not None and (held.holder.id, held.token) == (holder.id, token):
            self.lease = None

    def orphan(self, who: str) -> None:
        """Cut a lease short, because the connection of its holder has closed."""
        held = self.live_lease()
        if held is not None and held.holder.id == who:
            held.until = min(held.until, self.world.clock.monotonic() + ORPHANED_S)

    def store(self, token: int, key: str, record: nodes.Record, who: str) -> None:
        """Keep a cluster record, unless a newer one is there. Raises nodes.StaleTokenError."""
        self.accept(token, who)
        old = self.records.get(key)
        if old is None or old.version < record.version:
            self.records[key] = record
            self.generation += 1
            self.world.happen(
                What.RECORDED, self.name, who=who, token=token, detail=key, body=record.value
            )

    def set_attribute(self, name: str, value: str | None, *, permanent: bool) -> None:
        """Set or delete a node attribute, and tell."""
        held = self.permanent if permanent else self.transient
        if value is None:
            held.pop(name, None)
        else:
            held[name] = value
        self.generation += 1
        self._push(nodes.EventKind.ATTRIBUTE, name=name, value=value)

    def forget(self, token: int, resource: str, who: str) -> None:
        """Drop the history and fail counts of a resource."""
        self.accept(token, who)
        self.histories.pop(resource, None)
        self._clear_failures(resource)
        for key in [key for key in self.recurring if key[0] == resource]:
            del self.recurring[key]
        self._push(nodes.EventKind.GENERATION, generation=self.generation)

    def act(
        self, step: action.Action, action_id: str, token: int, boot_id: str, who: str
    ) -> outcome.Outcome | asyncio.Task[outcome.Outcome]:
        """Begin an action, or refuse it; the same id again gives the same result."""
        if action_id in self.results:
            return self.results[action_id]
        if action_id in self.pending:
            return self.pending[action_id].task
        refusal = self._refusal(step, token, boot_id)
        if refusal is not None:
            self.world.happen(
                What.REFUSED,
                self.name,
                resource=step.resource,
                task=step.task,
                who=who,
                token=token,
                detail=refusal.value,
            )
            return self._outcome(outcome.OutcomeKind.REFUSED, refusal=refusal)
        self.accept(token, who)
        task = self.world.spawn(self._carried_out(step, action_id, token, who))
        self.pending[action_id] = Pending(step, self.world.clock.now(), task)
        return task

    def _refusal(self, step: action.Action, token: int, boot_id: str) -> outcome.RefusalCode | None:
        if token < self.token:
            return outcome.RefusalCode.STALE_TOKEN
        if boot_id != self.boot_id:
            return outcome.RefusalCode.WRONG_BOOT
        history = self.histories.get(step.resource)
        known = history.revision if history is not None else 0
        if step.revision is not None and step.revision != known:
            return outcome.RefusalCode.REVISION_CHANGED
        if step.resource and any(
            one.step.resource == step.resource for one in self.pending.values()
        ):
            return outcome.RefusalCode.BUSY
        return None

    async def _carried_out(
        self, step: action.Action, action_id: str, token: int, who: str
    ) -> outcome.Outcome:
        """Run an agent, or do the executor's own bookkeeping; record what came of it."""
        facts: dict[str, Any] = {
            "resource": step.resource,
            "task": step.task,
            "who": who,
            "token": token,
            "interval_ms": step.interval_ms,
        }
        began = self.world.clock.now()
        bookkeeping = step.kind is action.ActionKind.CLUSTER or step.task in _BOOKKEEPING
        if bookkeeping:
            self._keep_books(step)
            self.pending.pop(action_id, None)
            result = self._outcome(outcome.OutcomeKind.SUCCESS, rc=0, revision=self._revision(step))
            self.results[action_id] = result
            return result
        self._write(step, action_id, observed.OperationStatus.PENDING, observed.Rc.UNKNOWN)
        if step.task in {action.Task.START, action.Task.MIGRATE_FROM}:
            self.maybe.add(step.resource)
        self.world.happen(What.BEGAN, self.name, **facts)
        status, rc = await self._agent(step)
        self.pending.pop(action_id, None)
        self._write(step, action_id, status, rc)
        self.world.happen(What.ENDED, self.name, rc=rc, **facts)
        if step.interval_ms:
            self.recurring[step.resource, step.task.value, step.interval_ms] = step
        kind = outcome.OutcomeKind.SUCCESS
        if status is not observed.OperationStatus.DONE:
            kind = outcome.OutcomeKind.UNKNOWN
        elif rc != step.expected_rc:
            kind = outcome.OutcomeKind.FAILURE
        result = dataclasses.replace(
            self._outcome(kind, rc=rc, revision=self._revision(step)), began_at=began
        )
        self.results[action_id] = result
        return result

    async def _agent(self, step: action.Action) -> tuple[observed.OperationStatus, int]:
        """Run the agent: it takes its time, it may fail, it may hang."""
        world = self.world
        habit = world.habit(step.resource, step.task, self.name)
        seconds = world.random.uniform(0.02, 0.2)
        if habit is not None and habit.seconds is not None:
            seconds = habit.seconds
        hangs = world.chance(world.weather.agent_hangs) and not step.probe
        if hangs or seconds * 1000 > step.timeout_ms:
            await asyncio.sleep(step.timeout_ms / 1000)
            await self._thawed()
            if world.chance(0.5):
                self._effect(step)
            return observed.OperationStatus.TIMEOUT, observed.Rc.ERROR
        await asyncio.sleep(seconds)
        await self._thawed()
        if habit is not None and habit.rc is not None:
            return observed.OperationStatus.DONE, habit.rc
        if world.chance(world.weather.agent_failure) and not step.probe:
            return observed.OperationStatus.DONE, observed.Rc.ERROR
        self._effect(step)
        return observed.OperationStatus.DONE, self._rc(step)

    async def _thawed(self) -> None:
        while self.frozen:
            await self.world.changed.wait()

    def _effect(self, step: action.Action) -> None:
        """Do what the task does to the resource's processes."""
        match step.task:
            case action.Task.START | action.Task.MIGRATE_FROM:
                self.active.setdefault(step.resource, Role.STARTED)
            case action.Task.PROMOTE:
                self.active[step.resource] = Role.PROMOTED
            case action.Task.DEMOTE if step.resource in self.active:
                self.active[step.resource] = Role.STARTED
            case action.Task.STOP | action.Task.MIGRATE_TO:
                self.active.pop(step.resource, None)
            case _:
                return

    def _rc(self, step: action.Action) -> int:
        """Return what the agent exits with when it works."""
        role = self.active.get(step.resource)
        if step.task is not action.Task.MONITOR:
            return observed.Rc.OK
        if role is None:
            return observed.Rc.NOT_RUNNING
        return observed.Rc.PROMOTED if role is Role.PROMOTED else observed.Rc.OK

    def _write(
        self, step: action.Action, action_id: str, status: observed.OperationStatus, rc: int
    ) -> None:
        """Write a history entry, with the fail count that belongs to it, and tell."""
        self.calls += 1
        now = self.world.clock.now()
        entry = observed.OperationRecord(
            operation=step.task.value,
            interval_ms=step.interval_ms,
            call=self.calls,
            rc=int(rc),
            status=status,
            expected_rc=step.expected_rc,
            changed_at=now,
            run_at=now,
            digests=step.digests,
            source=step.source,
            target=step.target,
            token=action_id,
        )
        old = self.histories.get(step.resource)
        kept = tuple(
            one
            for one in (old.operations if old else ())
            if (one.operation, one.interval_ms) != (entry.operation, entry.interval_ms)
        )
        revision = (old.revision if old else 0) + 1
        self.histories[step.resource] = observed.ResourceHistory(
            step.resource, step.agent, (*kept, entry), revision
        )
        self.generation += 1
        if status is observed.OperationStatus.PENDING:
            return
        if step.task is action.Task.STOP and rc == observed.Rc.OK:
            for key in [key for key in self.recurring if key[0] == step.resource]:
                del self.recurring[key]
            self.maybe.discard(step.resource)
        if step.task is action.Task.MONITOR and rc == observed.Rc.NOT_RUNNING:
            self.maybe.discard(step.resource)
        if (rc != step.expected_rc or status is not observed.OperationStatus.DONE) and not (
            step.probe
        ):
            self._count_failure(step)
        self._push(
            nodes.EventKind.OPERATION,
            resource=step.resource,
            revision=revision,
            operation={"action_id": action_id, "rc": int(rc)},
        )

    def _count_failure(self, step: action.Action) -> None:
        suffix = f"{step.resource}#{step.task.value}_{step.interval_ms}"
        count = self.transient.get(f"fail-count-{suffix}", "0")
        raised = "INFINITY" if step.fatal or count == "INFINITY" else str(int(count) + 1)
        self.set_attribute(f"fail-count-{suffix}", raised, permanent=False)
        now = str(int(self.world.clock.now()))
        self.set_attribute(f"last-failure-{suffix}", now, permanent=False)

    def _keep_books(self, step: action.Action) -> None:
        """Do what needs no agent."""
        match step.task:
            case action.Task.CLEAR_FAILCOUNT:
                self._clear_failures(step.resource)
            case action.Task.DELETE:
                self.histories.pop(step.resource, None)
            case action.Task.CANCEL:
                self._cancel(step)
            case _:
                pass
        self.generation += 1

    def _cancel(self, step: action.Action) -> None:
        self.recurring.pop((step.resource, "monitor", step.interval_ms), None)
        old = self.histories.get(step.resource)
        if old is not None:
            kept = tuple(one for one in old.operations if one.interval_ms != step.interval_ms)
            self.histories[step.resource] = dataclasses.replace(
                old, operations=kept, revision=old.revision + 1
            )

    def _clear_failures(self, resource: str) -> None:
        for name in list(self.transient):
            if name.startswith((f"fail-count-{resource}#", f"last-failure-{resource}#")):
                self.set_attribute(name, None, permanent=False)

    def _revision(self, step: action.Action) -> int | None:
        history = self.histories.get(step.resource)
        return history.revision if history is not None else None

    def _outcome(
        self,
        kind: outcome.OutcomeKind,
        *,
        rc: int | None = None,
        refusal: outcome.RefusalCode | None = None,
        revision: int | None = None,
    ) -> outcome.Outcome:
        now = self.world.clock.now()
        return outcome.Outcome(
            kind, rc=rc, refusal=refusal, revision=revision, began_at=now, ended_at=now
        )

    def _push(self, kind: str, **body: Any) -> None:
        for queue in self.queues:
            queue.put_nowait(nodes.NodeEvent(self.name, kind, body))


_BOOKKEEPING = frozenset(
    {
        action.Task.CANCEL,
        action.Task.DELETE,
        action.Task.CLEAR_FAILCOUNT,
        action.Task.SHUTDOWN,
    }
)
