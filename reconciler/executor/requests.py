"""The operations of the protocol: one method each, in one table."""

from __future__ import annotations

import os
import sys
from typing import Any, Awaitable, Callable, Dict, Mapping, Optional, Tuple

from reconciler.executor import (
    PROTOCOL,
    VERSION,
    actions,
    agents,
    attributes,
    clock,
    events,
    fence,
    fields,
    lease,
    metadata,
    monitors,
    output,
    process,
    programs,
    records,
    refusal,
    request,
)
from reconciler.executor import node as shared
from reconciler.executor import operation as op

Json = Dict[str, Any]
_FENCE_OUTPUT_MAX = 16 * 1024
_ENDINGS = {
    process.TIMED_OUT: (1, "timed out"),
    process.SIGNALLED: (1, "killed by a signal"),
    process.NOT_EXECUTED: (1, "not executed"),
    process.KILLED: (1, "killed because the executor was told to end"),
}


class Peer:
    """What a connection is to the operations.

    Args:
        send: Sends it a document.
    """

    def __init__(self, send: events.Sink) -> None:
        self.send = send


class Requests:
    """Carries out requests.

    Args:
        shut_down: Ends the daemon.
    """

    def __init__(
        self,
        node: shared.Node,
        acting: actions.Actions,
        recurring: monitors.Monitors,
        runner: programs.Programs,
        shut_down: Callable[[], None],
    ) -> None:
        self._node = node
        self._actions = acting
        self._monitors = recurring
        self._programs = runner
        self._metadata = metadata.Metadata(node, runner)
        self._shut_down = shut_down
        self._holding: Optional[Tuple[Peer, str, int]] = None  # who spoke for the lease last
        self._table: Dict[str, Callable[[Peer, Json], Awaitable[Json]]] = {
            "hello": self._hello,
            "observe": self._observe,
            "act": self._act,
            "result": self._result,
            "cancel": self._cancel,
            "forget": self._forget,
            "attribute": self._attribute,
            "attributes": self._attributes,
            "record": self._record,
            "lease": self._lease,
            "subscribe": self._subscribe,
            "agents": self._agents,
            "metadata": self._xml,
            "fence": self._fence,
            "shutdown": self._shutdown,
        }

    async def carry_out(self, peer: Peer, wanted: Json) -> Json:
        """Return the result of a request.

        Raises:
            RefusedError: It is refused.
        """
        name = wanted.get("op")
        if not isinstance(name, str) or name not in self._table:
            raise refusal.RefusedError(refusal.UNKNOWN_OP, f"no operation {ascii(name)[:40]}")
        return await self._table[name](peer, wanted)

    def gone(self, peer: Peer) -> None:
        """Note that a connection has closed: a lease taken over it runs out soon."""
        self._node.events.unsubscribe(peer.send)
        if self._holding is not None and self._holding[0] is peer:
            self._node.lease.orphan(*self._holding[1:])
            self._holding = None

    async def _hello(self, _peer: Peer, _wanted: Json) -> Json:
        node = self._node
        return {
            "protocol": PROTOCOL,
            "node": node.settings.node,
            "boot_id": node.boot_id,
            "executor_id": node.executor_id,
            "version": VERSION,
            "pid": os.getpid(),
            "python": ".".join(map(str, sys.version_info[:3])),
            "agent_roots": list(node.settings.roots.ocf),
            "uid": os.geteuid(),
            "time": clock.wall(),
        }

    async def _observe(self, _peer: Peer, _wanted: Json) -> Json:
        node = self._node
        return {
            "node": node.settings.node,
            "boot_id": node.boot_id,
            "executor_id": node.executor_id,
            "generation": node.history.counter,
            "time": clock.wall(),
            "token": node.lease.token,
            "lease": node.lease.shown(),
            "resources": {name: known.document() for name, known in node.history.resources.items()},
            "recurring": self._monitors.shown(),
            "running": self._actions.shown(),
            "attributes": node.attributes.shown(),
            "records": dict(node.records.kept),
        }

    async def _act(self, _peer: Peer, wanted: Json) -> Json:
        return await self._actions.act(request.read_act(wanted))

    async def _result(self, _peer: Peer, wanted: Json) -> Json:
        return self._actions.result(fields.name_of(wanted, "action_id", "action id"))

    async def _cancel(self, _peer: Peer, wanted: Json) -> Json:
        await self._token(wanted)
        resource = fields.name_of(wanted, "resource", "resource")
        interval_ms = fields.integer(wanted, "interval_ms", 1, fields.INTERVAL_MAX_MS)
        await self._actions.cancel(
            resource, (fields.choice(wanted, "operation", op.ACTIONS), interval_ms)
        )
        return {}

    async def _forget(self, _peer: Peer, wanted: Json) -> Json:
        await self._token(wanted)
        resource = fields.name_of(wanted, "resource", "resource")
        key: Optional[op.Key] = None
        if wanted.get("operation") is not None:
            interval_ms = fields.integer(wanted, "interval_ms", 0, fields.INTERVAL_MAX_MS, 0)
            key = fields.choice(wanted, "operation", op.ACTIONS), interval_ms
        counts_only = fields.boolean(wanted, "fail_counts_only")
        return {"revision": await self._actions.forget(resource, key, counts_only=counts_only)}

    async def _attribute(self, _peer: Peer, wanted: Json) -> Json:
        if wanted.get("token") is not None:
            await self._token(wanted)
        node = self._node
        scope = fields.choice(wanted, "scope", attributes.SCOPES)
        name = fields.name_of(wanted, "name", "attribute")
        value = None if wanted.get("value") is None else fields.text(wanted, "value")
        before = node.attributes.set(scope, name, value)
        if before == value:
            return {}
        node.history.touch()
        document = "history" if scope == attributes.TRANSIENT else "attributes"
        try:
            await node.journal.commit(document)
        except refusal.RefusedError:
            if node.attributes.values(scope).get(name) == value:
                node.attributes.set(scope, name, before)
            raise
        node.changed(node.attribute_event(scope, name, value))
        return {}

    async def _attributes(self, _peer: Peer, _wanted: Json) -> Json:
        return {"node": self._node.settings.node, "attributes": self._node.attributes.shown()}

    async def _record(self, _peer: Peer, wanted: Json) -> Json:
        await self._token(wanted)
        kept = self._node.records.kept
        key, version = fields.name_of(wanted, "key", "record"), records.version_of(wanted)
        if not self._node.records.newer(key, version):
            return {}
        if key not in kept and len(kept) >= records.RECORDS_MAX:
            raise fields.bad(f"at most {records.RECORDS_MAX} records are kept")
        before = kept.get(key)
        now = {"value": records.value_of(wanted), "version": version}
        kept[key] = now
        self._node.history.touch()
        try:
            await self._node.journal.commit("records")
        except refusal.RefusedError:
            if kept.get(key) is now:
                if before is None:
                    del kept[key]
                else:
                    kept[key] = before
            raise
        self._node.changed()
        return {}

    async def _lease(self, peer: Peer, wanted: Json) -> Json:
        held = self._node.lease
        action = fields.choice(wanted, "action", ("acquire", "renew", "release"))
        holder = lease.holder_of(wanted)
        token = fields.integer(wanted, "token", 1)
        if action == "release":
            held.release(holder["id"], token)
            self._holding = None
            await self._node.journal.commit("token")
            return {"token": held.token, "remaining_ms": 0}
        ttl_ms = fields.integer(wanted, "ttl_ms", 1, lease.TTL_MAX_MS)
        if action == "acquire":
            held.acquire(holder, token, ttl_ms)
            try:
                await self._node.journal.commit("token")
            except refusal.RefusedError:
                held.drop(holder["id"], token)
                raise
        else:
            held.renew(holder["id"], token, ttl_ms)
        self._holding = peer, holder["id"], token
        return {"token": held.token, "remaining_ms": (held.shown() or {}).get("remaining_ms", 0)}

    async def _subscribe(self, peer: Peer, _wanted: Json) -> Json:
        self._node.events.subscribe(peer.send)
        return {"generation": self._node.history.counter}

    async def _agents(self, _peer: Peer, _wanted: Json) -> Json:
        return {"agents": agents.listed(self._node.settings.roots)}

    async def _xml(self, _peer: Peer, wanted: Json) -> Json:
        return {"xml": await self._metadata.xml(fields.text(wanted, "agent"))}

    async def _fence(self, _peer: Peer, wanted: Json) -> Json:
        await self._token(wanted)
        node = self._node
        if node.shutting_down:
            raise refusal.RefusedError(refusal.SHUTTING_DOWN, "the executor is ending")
        agent = agents.find(fields.text(wanted, "agent"), node.settings.roots)
        if agent.standard != agents.FENCE or agent.path is None:
            raise refusal.RefusedError(
                refusal.UNKNOWN_AGENT, f"{ascii(agent.name)[:80]} is no fence agent of this node"
            )
        options = {
            name: fields.text(wanted["options"], name) for name in fields.mapping(wanted, "options")
        }
        timeout_ms = fields.integer(wanted, "timeout_ms", 1, fields.TIMEOUT_MAX_MS)
        secrets = fence.secrets(options, fields.string_list(wanted, "secret_options"))
        program = fence.prepare(agent, options, node.surroundings)
        try:
            said = await self._programs.run(program, timeout_ms, _FENCE_OUTPUT_MAX)
        except OSError as error:
            raise refusal.RefusedError(refusal.NOT_STARTED, f"not started: {error}") from None
        rc, words = _ENDINGS.get(said.ending.kind, (said.ending.code, ""))
        return {
            "rc": rc,
            "ending": said.ending.kind,
            "stdout": output.redacted(output.shown(said.stdout), secrets),
            "stderr": output.redacted(output.shown(said.stderr), secrets) + words,
        }

    async def _shutdown(self, _peer: Peer, wanted: Json) -> Json:
        await self._token(wanted)
        self._shut_down()
        return {}

    async def _token(self, wanted: Mapping[str, Any]) -> None:
        """Refuse a stale token; make a higher one durable before anything is done with it."""
        if self._node.lease.check(fields.integer(wanted, "token")):
            await self._node.journal.commit("token")
