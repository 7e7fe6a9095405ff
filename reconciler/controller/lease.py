"""The lease: one actor at a time, held on a majority of the members, with a token that only rises.

Validity is counted by the monotonic clock from before a node was asked, so it ends here before it
can end on any node that granted it. Whoever cannot renew on a majority stops acting at once, not
when the time has run out.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable

from reconciler.controller import observe, quorum, records
from reconciler.controller.context import Context
from reconciler.ports import nodes

_PAUSE_S = 0.2
_PAUSE_MAX_S = 2.0
_RAISES = 10
"""How often a token that turns out too low is raised before it is given up."""


class Lease:
    """A lease that was acquired; ``keep`` has to run for it to last."""

    def __init__(self, context: Context, peers: observe.Peers, token: int, until: float) -> None:
        self._context = context
        self._peers = peers
        self._until = until
        self._lost = ""
        self._sequence = 0
        self.token = token

    @property
    def lost(self) -> str:
        """Why it does not hold any more; empty: nothing is known to be wrong."""
        return self._lost

    def held(self) -> bool:
        """Tell whether one may act right now."""
        return not self._lost and self._context.clock.monotonic() < self._until

    def lose(self, why: str) -> None:
        """Stop acting, e.g. because a higher token was seen; the first reason is kept."""
        self._lost = self._lost or why

    def version(self) -> tuple[int, int]:
        """Return the version of the next record that is written under this lease."""
        self._sequence += 1
        return (self.token, self._sequence)

    async def keep(self, on_loss: Callable[[str], None]) -> None:
        """Renew at a third of the time to live, until it is lost; then tell, once, and return."""
        ttl = self._context.bounds.lease_ttl_s
        while not self._lost:
            await self._context.clock.sleep(ttl / 3)
            await self.renew()
        on_loss(self._lost)

    async def renew(self) -> None:
        """Renew everywhere, and take the lease on nodes that came later; lost where that fails."""
        began = self._context.clock.monotonic()
        if self._lost:
            return
        if began < self._until:
            granted = await _ask(self._context, self._peers, self.token, renew=True)
            if quorum.holds(self._peers.wanted, granted.by):
                self._until = max(self._until, began + self._context.bounds.lease_ttl_s)
                return
        self.lose("the lease could not be renewed on a majority of the nodes")

    async def spread(self, reports: records.Reports) -> None:
        """Renew at once where a node that answers does not hold this lease for long."""
        least = self._context.bounds.lease_ttl_s / 3
        for name in quorum.members(self._peers.wanted):
            report = reports.get(name)
            if report is not None and not (
                report.holder is not None
                and report.holder.id == self._context.identity.id
                and report.lease_remaining_s >= least
            ):
                await self.renew()
                return

    async def release(self) -> None:
        """Give it back wherever it is held; bounded, never raises."""
        self.lose("released")
        await _release(self._context, self._peers, self.token)


class _Answers:
    """What the nodes said to one request."""

    def __init__(self) -> None:
        self.by: set[str] = set()
        self.held: list[nodes.LeaseHeldError] = []
        self.highest = 0

    def holder(self) -> nodes.LeaseHeldError:
        """Return the refusal that names the holder with the most nodes."""
        counts = Counter(one.holder.id for one in self.held)
        return max(self.held, key=lambda one: (counts[one.holder.id], one.remaining_s))


async def acquire(
    context: Context,
    peers: observe.Peers,
    reports: records.Reports,
    *,
    wait_s: float = 0.0,
) -> Lease | None:
    """Acquire the lease on a majority; None where less than a majority answers.

    Where nobody gets a majority (several at once), everything is given back and tried again after
    a random pause. A holder whose connection is gone is waited for, since it ends within seconds.

    Args:
        context: whose identity asks.
        peers: the open connections.
        reports: the highest token is read from these.
        wait_s: how long to wait for a live holder.

    Raises:
        nodes.LeaseHeldError: somebody else holds it, after ``wait_s``.
    """
    bounds = context.bounds
    began = context.clock.monotonic()
    limit = began + wait_s
    soon = began + 2 * bounds.dying_lease_s
    highest = max((one.token for one in reports.values() if one is not None), default=0)
    raises = 0
    pause = _PAUSE_S
    while True:
        began = context.clock.monotonic()
        token = highest + 1
        granted = await _ask(context, peers, token, renew=False)
        if quorum.holds(peers.wanted, granted.by):
            return Lease(context, peers, token, began + bounds.lease_ttl_s)
        if granted.by:
            highest = token
            await _release(context, peers, token, granted.by)
        highest = max(highest, granted.highest)
        if granted.held:
            refusal = granted.holder()
            passing = refusal.remaining_s <= bounds.dying_lease_s or _split(peers, granted)
            if context.clock.monotonic() >= (max(limit, soon) if passing else limit):
                raise refusal
        elif granted.highest and raises < _RAISES:
            raises += 1
            continue
        else:
            return None
        await context.clock.sleep(pause * (0.5 + context.chance()))
        pause = min(pause * 2, _PAUSE_MAX_S)


def _split(peers: observe.Peers, granted: _Answers) -> bool:
    """Tell whether nobody has a majority, so that trying again makes sense."""
    counts = Counter(one.holder.id for one in granted.held)
    return max(counts.values()) < quorum.needed(peers.wanted)


async def _ask(context: Context, peers: observe.Peers, token: int, *, renew: bool) -> _Answers:
    """Ask every member for the lease, all at once."""
    ttl = context.bounds.lease_ttl_s
    found = _Answers()

    async def one(connection: nodes.NodeConnection) -> None:
        try:
            if renew:
                await connection.renew_lease(context.identity, token, ttl)
            else:
                await connection.acquire_lease(context.identity, token, ttl)
        except nodes.LeaseHeldError as error:
            found.held.append(error)
            found.highest = max(found.highest, error.token)
        except nodes.StaleTokenError as error:
            if renew and error.highest <= token and await _taken(context, connection, token):
                found.by.add(connection.node)
            else:
                found.highest = max(found.highest, error.highest)
        else:
            found.by.add(connection.node)

    await peers.everywhere(one, quorum.members(peers.wanted))
    return found


async def _taken(context: Context, connection: nodes.NodeConnection, token: int) -> bool:
    """Take the lease on a node that did not answer when it was acquired elsewhere."""
    try:
        await connection.acquire_lease(context.identity, token, context.bounds.lease_ttl_s)
    except (nodes.LeaseHeldError, nodes.StaleTokenError):
        return False
    return True


async def _release(
    context: Context, peers: observe.Peers, token: int, names: set[str] | None = None
) -> None:
    """Release everywhere; also when the caller is cancelled meanwhile, which then goes on."""

    async def one(connection: nodes.NodeConnection) -> None:
        with contextlib.suppress(nodes.StaleTokenError, nodes.LeaseHeldError):
            await connection.release_lease(context.identity, token)

    task = asyncio.ensure_future(peers.everywhere(one, names))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task], timeout=peers.timeout_s)
        raise
