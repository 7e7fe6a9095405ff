"""Who may act: the token that only rises, and the lease of its holder.

A request with a lower token than the highest ever seen is refused, for ever: the highest is
durable. The lease only says who may take a higher one now. Its time is boot time, so a holder
that slept through it has lost it.
"""

from __future__ import annotations

import sys
from typing import Any, Dict, Mapping, NamedTuple, Optional

from reconciler.executor import clock, fields, refusal
from reconciler.executor import store as durable

ORPHANED_MS = 2000  # what is left of a lease when its holder's connection is gone
TTL_MAX_MS = 10 * 60 * 1000
HOLDER_FIELDS = ("id", "host", "user", "pid", "command", "since")


class Held(NamedTuple):
    """A lease: its holder as it described itself, its token, and when it ends (boot time)."""

    holder: Dict[str, Any]
    token: int
    until_ms: int


class Lease:
    """The token and the lease of this node.

    Args:
        store: Where both are kept.
        boot_id: The present boot: a lease of an earlier one is void.
    """

    def __init__(self, store: durable.Store, boot_id: str) -> None:
        self._store = store
        self._boot_id = boot_id
        self.token = 0
        self._held: Optional[Held] = None

    def load(self) -> None:
        """Read what an earlier daemon saw; its lease is cut as if the connection had closed."""
        try:
            document = self._store.load()
        except durable.CorruptError as error:
            print(f"token: {error}", file=sys.stderr, flush=True)  # noqa: T201  the daemon's log
            self._store.put_aside("corrupt")
            return
        if document is None:
            return
        self.token = document["token"]
        kept = document["lease"]
        if kept is not None and document["boot_id"] == self._boot_id:
            until = min(kept["until_ms"], clock.boottime_ms() + ORPHANED_MS)
            self._held = Held(kept["holder"], kept["token"], until)

    def document(self) -> Dict[str, Any]:
        """Return the content of the token file."""
        kept = self._held
        lease = None if kept is None else kept._asdict()
        return {"token": self.token, "boot_id": self._boot_id, "lease": lease}

    def live(self) -> Optional[Held]:
        """Return the lease that is held now."""
        if self._held is not None and self._held.until_ms <= clock.boottime_ms():
            self._held = None
        return self._held

    def shown(self) -> Optional[Dict[str, Any]]:
        """Return the lease as `observe` shows it."""
        held = self.live()
        if held is None:
            return None
        remaining = held.until_ms - clock.boottime_ms()
        return {"holder": held.holder, "token": held.token, "remaining_ms": remaining}

    def check(self, token: int) -> bool:
        """Accept a token that is not lower than the highest seen; returns whether it was raised.

        Raises:
            RefusedError: It is stale.
        """
        if token < self.token:
            raise refusal.RefusedError(
                refusal.STALE_TOKEN,
                f"token {token} is lower than {self.token}, which was seen here",
                token=self.token,
            )
        raised = token > self.token
        self.token = token
        return raised

    def acquire(self, holder: Dict[str, Any], token: int, ttl_ms: int) -> None:
        """Take the lease with a token higher than every one seen.

        Raises:
            RefusedError: Somebody else holds it, or the token is not higher.
        """
        held = self.live()
        if held is not None and held.holder["id"] != holder["id"]:
            shown = self.shown() or {}
            raise refusal.RefusedError(
                refusal.LEASE_HELD,
                f"{held.holder['id']!a} holds the lease",
                holder=held.holder,
                remaining_ms=shown.get("remaining_ms", 0),
            )
        if token <= self.token:
            raise refusal.RefusedError(
                refusal.STALE_TOKEN,
                f"a new lease needs a token higher than {self.token}",
                token=self.token,
            )
        self.token = token
        self._held = Held(holder, token, clock.boottime_ms() + ttl_ms)

    def renew(self, holder_id: str, token: int, ttl_ms: int) -> None:
        """Extend the lease."""
        self._same(holder_id, token)
        assert self._held is not None  # noqa: S101  `_same` has just seen it
        self._held = self._held._replace(until_ms=clock.boottime_ms() + ttl_ms)

    def release(self, holder_id: str, token: int) -> None:
        """Give the lease back."""
        self._same(holder_id, token)
        self._held = None

    def drop(self, holder_id: str, token: int) -> None:
        """Take an acquisition back that could not be made durable; the token stays raised."""
        held = self._held
        if held is not None and (held.holder["id"], held.token) == (holder_id, token):
            self._held = None

    def orphan(self, holder_id: str, token: int) -> None:
        """Cut the lease: the connection of its holder has closed."""
        held = self.live()
        if held is not None and (held.holder["id"], held.token) == (holder_id, token):
            cut = min(held.until_ms, clock.boottime_ms() + ORPHANED_MS)
            self._held = held._replace(until_ms=cut)

    def _same(self, holder_id: str, token: int) -> None:
        self.check(token)
        held = self.live()
        if held is None or (held.holder["id"], held.token) != (holder_id, token):
            shown = self.shown()
            raise refusal.RefusedError(
                refusal.LEASE_HELD if shown else refusal.STALE_TOKEN,
                "the lease is no longer yours",
                **(shown or {"holder": None, "remaining_ms": 0}),
            )


def holder_of(request: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the holder a request describes: an id, and further words for people."""
    described = fields.mapping(request, "holder")
    fields.text(described, "id")
    for name, value in described.items():
        if name not in HOLDER_FIELDS or not isinstance(value, (str, int, float)):
            raise fields.bad(f"holder.{ascii(name)[:40]} is not a known text or number")
    return described
