"""Events: what an observation would be if something had just happened. Pure, for simulations.

Each function takes an observation and returns the one after its event. What an event means was
measured against the injections of ``crm_simulate`` (Pacemaker Administration, "Simulating Other
Commands"), but for one: a failed start counts as fatal where ``start-failure-is-fatal`` says so, as in a
running cluster, while ``crm_simulate`` counts it once.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping

from reconciler.frozen import frozen
from reconciler.model import action as actions
from reconciler.model import observed, outcome
from reconciler.model.agent import AgentName
from reconciler.model.observed import Observed, Presence
from reconciler.transition import effect


@frozen
class Operation:
    """An operation of an agent, and how it ends.

    Attributes:
        resource: the primitive; with an instance number where instances differ.
        agent: of the primitive, where it is known.
        fatal: where it fails, the resource may not run on the node any more.
    """

    resource: str
    task: actions.Task
    interval_ms: int
    node: str
    rc: int
    agent: AgentName | None = None
    fatal: bool = False

    def ends(self, step: actions.Action) -> bool:
        """Tell whether an action of a plan is this operation."""
        return (
            step.kind is actions.ActionKind.RESOURCE
            and step.task is self.task
            and step.node == self.node
            and step.interval_ms == self.interval_ms
            and self.resource in {step.resource, f"{step.resource}:{step.instance}"}
        )

    def outcome(self, expected: int) -> outcome.Outcome:
        """Return what becomes of it where ``expected`` counts as success."""
        good = self.rc == expected
        kind = outcome.OutcomeKind.SUCCESS if good else outcome.OutcomeKind.FAILURE
        return outcome.Outcome(kind, rc=self.rc)


def lose_node(seen: Observed, name: str, *, fencing: bool = True) -> Observed:
    """Let a node fall silent: whatever ran there may still run, until it is fenced.

    Args:
        seen: the observation before.
        name: the node.
        fencing: False: nobody can prove it off, and it is believed to be, as Pacemaker does.
    """
    if not fencing:
        return leave(seen, name)
    return _with_node(
        seen,
        dataclasses.replace(
            _node(seen, name), presence=Presence.UNKNOWN, unclean_reason="", shutdown=False
        ),
    )


def join(seen: Observed, name: str) -> Observed:
    """Let a node be there, and able to take work. What its history says is kept."""
    return _with_node(
        seen,
        dataclasses.replace(
            _node(seen, name),
            presence=Presence.ONLINE,
            unclean_reason="",
            shutdown=False,
            expected_up=True,
            since=seen.now,
        ),
    )


def leave(seen: Observed, name: str) -> Observed:
    """Let a node have left in good order: nothing runs there, and nothing is known of it."""
    return _with_node(
        seen,
        dataclasses.replace(
            _node(seen, name),
            presence=Presence.OFFLINE,
            boot_id="",
            attributes={},
            histories={},
            unclean_reason="",
            shutdown=False,
            expected_up=False,
            since=seen.now,
        ),
    )


def standby(seen: Observed, name: str, *, on: bool) -> Observed:
    """Put a node in standby by command, or take it out."""
    return _with_node(seen, dataclasses.replace(_node(seen, name), standby=on))


def maintenance(seen: Observed, name: str, *, on: bool) -> Observed:
    """Put a node in maintenance by command, or take it out."""
    return _with_node(seen, dataclasses.replace(_node(seen, name), maintenance=on))


def set_attribute(seen: Observed, node: str, name: str, value: str) -> Observed:
    """Set a transient attribute of a node; an empty value takes it away."""
    known = _node(seen, node).attributes
    kept = {one: text for one, text in known.items() if one != name}
    return _with_node(
        seen,
        dataclasses.replace(_node(seen, node), attributes=kept | ({name: value} if value else {})),
    )


def quorum(seen: Observed, *, held: bool) -> Observed:
    """Let the nodes that answer have quorum, or not."""
    return _told(dataclasses.replace(seen, quorate=held), f"quorum {held}")


def grant(seen: Observed, ticket: str) -> Observed:
    """Grant a ticket to this site."""
    return _with_ticket(
        seen,
        ticket,
        dataclasses.replace(
            _ticket(seen, ticket), granted=True, standby=False, last_granted=seen.now
        ),
    )


def revoke(seen: Observed, ticket: str) -> Observed:
    """Take a ticket away from this site."""
    return _with_ticket(seen, ticket, dataclasses.replace(_ticket(seen, ticket), granted=False))


def ticket_standby(seen: Observed, ticket: str, *, on: bool) -> Observed:
    """Put a ticket in standby, or take it out."""
    return _with_ticket(seen, ticket, dataclasses.replace(_ticket(seen, ticket), standby=on))


def finish(seen: Observed, operation: Operation) -> Observed:
    """Let an operation have ended just now.

    What was expected of it is what was expected last time; of a probe, that nothing runs.
    """
    probe = operation.task is actions.Task.MONITOR and not operation.interval_ms
    expected = _expected(seen, operation)
    if probe and operation.rc in _ANSWERS:
        expected = operation.rc
    step = actions.Action(
        key=f"event_{operation.resource}_{operation.task.value}_{operation.interval_ms}",
        kind=actions.ActionKind.RESOURCE,
        task=operation.task,
        resource=operation.resource,
        node=operation.node,
        agent=operation.agent,
        interval_ms=operation.interval_ms,
        expected_rc=expected,
        digests=_digests(seen, operation),
        fatal=operation.fatal,
        probe=probe,
    )
    before = _with_node(seen, _node(seen, operation.node))
    return effect.carry_out(step, before, operation.outcome(expected))


_ANSWERS = frozenset({observed.Rc.OK, observed.Rc.NOT_RUNNING, observed.Rc.PROMOTED})
"""A probe that ends so has answered its question."""


def _record(seen: Observed, operation: Operation) -> observed.OperationRecord | None:
    """Return how an operation ended last time on its node."""
    history = _node(seen, operation.node).histories.get(operation.resource)
    wanted = (operation.task.value, operation.interval_ms)
    found = [
        one
        for one in (history.operations if history else ())
        if (one.operation, one.interval_ms) == wanted
    ]
    return found[-1] if found else None


def _expected(seen: Observed, operation: Operation) -> int:
    known = _record(seen, operation)
    return observed.Rc.OK if known is None else known.expected_rc


def _digests(seen: Observed, operation: Operation) -> observed.Digests:
    known = _record(seen, operation)
    return observed.NO_DIGESTS if known is None else known.digests


def _node(seen: Observed, name: str) -> observed.ObservedNode:
    return seen.nodes.get(name) or observed.ObservedNode(name, Presence.UNSEEN, expected_up=False)


def _with_node(seen: Observed, node: observed.ObservedNode) -> Observed:
    nodes: Mapping[str, observed.ObservedNode] = {**seen.nodes, node.name: node}
    return _told(dataclasses.replace(seen, nodes=nodes), repr(node))


def _ticket(seen: Observed, name: str) -> observed.TicketState:
    return seen.tickets.get(name) or observed.TicketState(granted=False)


def _with_ticket(seen: Observed, name: str, state: observed.TicketState) -> Observed:
    tickets = {**seen.tickets, name: state}
    return _told(dataclasses.replace(seen, tickets=tickets), f"{name} {state}")


def _told(seen: Observed, event: str) -> Observed:
    """Return an observation under an id of its own."""
    identity = hashlib.sha256(f"{seen.id}\n{event}".encode()).hexdigest()[:16]
    return dataclasses.replace(seen, id=identity)
