"""Nodes as the passes see them: numbered, with what may be done on each.

Only this file decides whether a node can take resources, and whether it is unclean at first sight.
Scores are kept in lists indexed by the node's number.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from reconciler.model import desired as desired_state
from reconciler.model import node, observed
from reconciler.model import property as properties
from reconciler.model import remote as implied
from reconciler.model.reason import Reason, ReasonCode
from reconciler.scheduler import options, rule

UNDECIDED = -2
NOWHERE = -1
"""In place of the number of a node: not placed yet, and placed on none."""

_KIND_WORDS = {node.NodeKind.REMOTE: "remote", node.NodeKind.GUEST: "container"}
"""What rules see as ``#kind``; every other node is ``cluster``."""
_NO_MEMBERS = frozenset(_KIND_WORDS)


@dataclasses.dataclass(slots=True)
class Remote:
    """What is known of a node that is no member.

    Attributes:
        connects: whether the connection to it will be up.
        fading: a bundle's container that will not be up; what is inside stays assigned to it.
        container: the resource that holds a guest node; empty: it is no guest.
        failed: the connection failed, so that nobody knows what the node does.
        doubt: why it must be fenced unless the connection comes back.
    """

    connects: bool = True
    fading: bool = False
    container: str = ""
    failed: bool = False
    doubt: Reason | None = None


@dataclasses.dataclass(slots=True, eq=False)
class Node:
    """One node.

    Attributes:
        index: its number; rank: its place by name, the last tie-breaker.
        online: it answers and takes part.
        pending: it answers, but takes no work yet.
        unclean: why it must be fenced; None: it need not.
        standby_on_fail: an operation with on-fail=standby failed there.
        attributes: those that count; lasting: those of them that are configured.
        remote: what is known of its connection; None: it is a member.
        fenceable: whether it may be fenced: there is quorum, or it is there itself.
    """

    index: int
    name: str
    rank: int
    desired: node.Node
    observed: observed.ObservedNode
    attributes: dict[str, str]
    lasting: Mapping[str, str]
    online: bool
    pending: bool
    standby: bool
    maintenance: bool
    shutdown: bool
    unclean: Reason | None = None
    standby_on_fail: bool = False
    remote: Remote | None = None
    fenceable: bool = True

    def forget(self) -> None:
        """Let no attribute count that was only set while it was up."""
        for name in self.observed.attributes:
            self.attributes.pop(name, None)
            if name in self.lasting:
                self.attributes[name] = self.lasting[name]

    @property
    def takes_resources(self) -> bool:
        """Whether resources may be placed on it."""
        here = self.online if self.remote is None else self.remote.connects or self.remote.fading
        return (
            here
            and not self.pending
            and not self.standby
            and not self.standby_on_fail
            and (not self.shutdown or self.remote is not None)
            and not self.maintenance
            and (self.unclean is None or self.guest)
        )

    @property
    def guest(self) -> bool:
        """Whether a resource of the cluster holds it: recovering that makes it clean."""
        return self.remote is not None and bool(self.remote.container)

    @property
    def lost(self) -> bool:
        """Whether it has to be fenced, and is not there."""
        return self.unclean is not None and not self.online

    @property
    def answers(self) -> bool:
        """Whether it can be asked, and told, anything now."""
        return self.online and not self.pending and self.unclean is None

    @property
    def takes_part(self) -> bool:
        """Whether it is there and means to stay; of one that was never a member nobody knows.

        One that takes no work yet, or is to be fenced, is still there (measured).
        """
        unknown = self.remote is not None or self.observed.presence is observed.Presence.UNSEEN
        return unknown or (self.online and not self.shutdown)

    @property
    def stays(self) -> bool:
        """Whether it answers, and is no remote node that is left behind."""
        return self.answers and (self.remote is None or self.guest or self.remote.connects)

    @property
    def leaves(self) -> bool:
        """Whether it is to run nothing.

        Not where it is in maintenance: it is left as it is then (measured).
        """
        return (self.shutdown or self.standby or self.standby_on_fail) and not self.maintenance

    @property
    def comes(self) -> bool:
        """Whether it is there, or will be once the connection to it is up."""
        return self.online or (self.remote is not None and self.remote.connects)

    @property
    def reachable(self) -> bool:
        """Whether an action can be carried out on it."""
        return self.comes and not self.pending and (self.unclean is None or self.guest)


def compile_nodes(
    wanted: desired_state.Desired, seen: observed.Observed, settings: options.Cluster
) -> tuple[Node, ...]:
    """Return the nodes in the order written, those that resources make, then what was only seen."""
    known = {one.name: one for one in wanted.nodes if one.kind is not node.NodeKind.PING}
    holders: dict[str, str] = {}
    for made in implied.implied(wanted.resources):
        before = known.get(made.name) or node.Node(made.name)
        known[made.name] = dataclasses.replace(before, kind=made.kind)
        if made.kind is node.NodeKind.GUEST:
            holders[made.name] = made.resource
    for name, kind, container in _seen_only(seen):
        known.setdefault(name, node.Node(name, kind=kind))
        if container:
            holders.setdefault(name, container)
    ranks = {name: rank for rank, name in enumerate(sorted(known))}
    compiled = tuple(
        _compile(index, ranks[name], one, seen, settings)
        for index, (name, one) in enumerate(known.items())
    )
    for each in compiled if holders else ():
        if each.remote is not None:
            each.remote.container = holders.get(each.name, "")
    return compiled


def _seen_only(seen: observed.Observed) -> Iterator[tuple[str, node.NodeKind, str]]:
    """Yield the nodes that nobody wrote: name, kind, and for guests what holds them.

    Members that were seen, and whatever a member ever connected to.
    """
    led: dict[str, str] = {}
    for entry in seen.nodes.values():
        if not entry.remote:
            yield entry.name, node.NodeKind.MEMBER, ""
            for name, history in entry.histories.items():
                if history.agent == implied.CONNECTION and history.operations:
                    led[name] = history.container or led.get(name, "")
    for name, container in led.items():
        yield name, node.NodeKind.GUEST if container else node.NodeKind.REMOTE, container


def _compile(
    index: int,
    rank: int,
    one: node.Node,
    seen: observed.Observed,
    settings: options.Cluster,
) -> Node:
    found = seen.nodes.get(one.name) or observed.ObservedNode(
        one.name, observed.Presence.UNSEEN, expected_up=False
    )
    lasting = {
        name: str(value)
        for name, value in rule.values(one.attributes, rule.Context(settings.clock)).items()
    }
    # A permanent one may depend on a rule.
    standby = _flag(lasting, "standby", one.standby) if found.standby is None else found.standby
    maintenance = found.maintenance
    if maintenance is None:
        maintenance = _flag(lasting, "maintenance", one.maintenance)
    attributes = {**lasting, **found.attributes, "#uname": one.name}
    attributes["#id"] = one.id or one.name
    far = one.kind in _NO_MEMBERS
    here = found.presence in {observed.Presence.ONLINE, observed.Presence.PENDING}
    lawful = seen.quorate or settings.no_quorum_policy is options.QuorumPolicy.IGNORE
    attributes["#kind"] = _KIND_WORDS.get(one.kind, "cluster")
    attributes["#is_dc"] = "true" if seen.dc == one.name else "false"
    if settings.name:
        attributes["#cluster-name"] = settings.name
    site = attributes.get("site-name", settings.name)
    if site:
        attributes["#site-name"] = site
    return Node(
        index=index,
        name=one.name,
        rank=rank,
        desired=one,
        observed=found,
        attributes=attributes,
        lasting=lasting,
        online=here and not far,
        pending=not far and found.presence is observed.Presence.PENDING,
        standby=standby,
        maintenance=maintenance,
        shutdown=found.shutdown and not far,
        unclean=None if far else _unclean(found, settings),
        remote=Remote() if far else None,
        fenceable=far or here or lawful,
    )


def _flag(attributes: Mapping[str, str], name: str, default: bool) -> bool:
    text = attributes.get(name)
    return default if text is None else properties.boolean(text) is True


def _unclean(found: observed.ObservedNode, settings: options.Cluster) -> Reason | None:
    if found.unclean_reason:
        return Reason(ReasonCode.REQUESTED, found.name, found.unclean_reason)
    # A node that has a history has been seen, whatever else was forgotten of it.
    heard = found.presence is observed.Presence.UNSEEN and found.histories and not found.remote
    if found.presence is observed.Presence.UNKNOWN or heard:
        return Reason(ReasonCode.NODE_LOST, found.name)
    return never_seen(found, settings)


def never_seen(found: observed.ObservedNode, settings: options.Cluster) -> Reason | None:
    """Return why a node is to be fenced of which nobody heard since the cluster began."""
    may_run_unseen = settings.startup_fencing and settings.fencing_enabled
    if found.presence is observed.Presence.UNSEEN and may_run_unseen:
        return Reason(ReasonCode.NODE_UNSEEN, found.name)
    return None
