"""Events as a person types them, turned into changes of an observation.

They take effect in a fixed order, whatever the order of the words: nodes, then what is set on them,
tickets, operations, and quorum last.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import click

from reconciler.cli import endings, names
from reconciler.cli.scene import Scene, Source
from reconciler.controller import quorum
from reconciler.frozen import frozen
from reconciler.model import constraint
from reconciler.model.observed import Observed, Presence
from reconciler.transition import event

F = TypeVar("F", bound=Callable[..., Any])
Given = Mapping[str, Any]
"""Name of an option's parameter to its values."""


@frozen
class Event:
    """Something that happens.

    Attributes:
        text: what, for people.
        apply: the observation after it.
        moves: a node comes or goes by it.
    """

    text: str
    apply: Callable[[Observed], Observed]
    moves: bool = False


_NODE_OPTIONS: Mapping[str, tuple[str, str]] = {
    "fail_node": ("--fail-node", "NODE falls silent; what ran there may still run."),
    "node_up": ("--node-up", "NODE is there and takes work."),
    "node_down": ("--node-down", "NODE has left in good order."),
    "standby": ("--standby", "NODE is put in standby."),
    "unstandby": ("--unstandby", "NODE is taken out of standby."),
    "maintenance": ("--maintenance", "NODE is put in maintenance."),
}
_TICKET_OPTIONS: Mapping[str, tuple[str, str]] = {
    "ticket_grant": ("--ticket-grant", "TICKET is granted to this site."),
    "ticket_revoke": ("--ticket-revoke", "TICKET is taken from this site."),
    "ticket_standby": ("--ticket-standby", "TICKET is put in standby."),
    "ticket_activate": ("--ticket-activate", "TICKET is taken out of standby."),
}
_ANSWERING = frozenset({Presence.ONLINE, Presence.PENDING})
_OTHER_OPTIONS = (
    (
        "--set-attribute",
        "set_attribute",
        "NODE:NAME=VALUE",
        "A transient attribute is set; without VALUE it is taken away.",
    ),
    (
        "--fail-op",
        "fail_op",
        endings.FORM,
        "The operation has ended so, before the plan is made, e.g. db:monitor:10s@n1=7, db:start@n1.",
    ),
    (
        "--will-fail",
        "will_fail",
        endings.FORM,
        "The operation ends so when the plan is run, which ends the run.",
    ),
)

_NODE_EVENTS: Mapping[str, tuple[str, Callable[[Observed, str], Observed]]] = {
    "node_up": ("{} is up", event.join),
    "node_down": ("{} has left in good order", event.leave),
    "standby": ("{} is in standby", functools.partial(event.standby, on=True)),
    "unstandby": ("{} is not in standby", functools.partial(event.standby, on=False)),
    "maintenance": ("{} is in maintenance", functools.partial(event.maintenance, on=True)),
}
_TICKET_EVENTS: Mapping[str, tuple[str, Callable[[Observed, str], Observed]]] = {
    "ticket_grant": ("ticket {} is granted", event.grant),
    "ticket_revoke": ("ticket {} is revoked", event.revoke),
    "ticket_standby": ("ticket {} is in standby", functools.partial(event.ticket_standby, on=True)),
    "ticket_activate": (
        "ticket {} is not in standby",
        functools.partial(event.ticket_standby, on=False),
    ),
}
_MOVING = frozenset({"node_up", "node_down"})


def options(function: F) -> F:
    """Add the options that inject events, all of them repeatable but for quorum."""
    decorators = [
        *(
            click.option(switch, name, multiple=True, metavar=kind, help=text)
            for kind, table in (("NODE", _NODE_OPTIONS), ("TICKET", _TICKET_OPTIONS))
            for name, (switch, text) in table.items()
        ),
        *(
            click.option(switch, name, multiple=True, metavar=form, help=text)
            for switch, name, form, text in _OTHER_OPTIONS
        ),
        click.option(
            "--quorum", type=click.Choice(["yes", "no"]), help="Whether there is quorum then."
        ),
    ]
    for decorate in reversed(decorators):
        function = decorate(function)
    return function


def chosen(given: Given, scene: Scene) -> Iterator[Event]:
    """Yield the events that were asked for, in the order in which they happen.

    Raises:
        click.UsageError: a name is not known, or a text has not the form that it must have.
    """
    yield from _nodes(given, scene)
    for text in given["set_attribute"]:
        yield _attribute(text, scene)
    for name, (words, change) in _TICKET_EVENTS.items():
        for ticket in given[name]:
            names.require("ticket", ticket, _tickets(scene))
            yield Event(words.format(ticket), functools.partial(_on, change, ticket))
    for text in given["fail_op"]:
        operation = endings.parsed("--fail-op", text, scene)
        yield Event(
            f"{endings.words(operation)} has ended with {operation.rc}",
            functools.partial(_finished, operation),
        )
    if given["quorum"] is not None:
        held = given["quorum"] == "yes"
        words = "there is quorum" if held else "there is no quorum"
        yield Event(words, functools.partial(event.quorum, held=held))


def after(happened: Sequence[Event], scene: Scene) -> Observed:
    """Return the observation after events.

    Where nodes come or go, the nodes that answer then decide about quorum, unless it is given;
    in a CIB quorum is a fact of its own, as for ``crm_simulate``.
    """
    seen = scene.observed
    for one in happened:
        seen = one.apply(seen)
        if one.moves and scene.source is not Source.CIB:
            answering = [name for name, node in seen.nodes.items() if node.presence in _ANSWERING]
            seen = event.quorum(seen, held=quorum.holds(scene.desired, answering))
    return seen


def failing(given: Given, scene: Scene) -> tuple[event.Operation, ...]:
    """Return the operations that fail when they are run. Raises click.UsageError as above."""
    return tuple(endings.parsed("--will-fail", text, scene) for text in given["will_fail"])


def _nodes(given: Given, scene: Scene) -> Iterator[Event]:
    for name, (words, change) in _NODE_EVENTS.items():
        for node in given[name]:
            _require_node(node, scene, moves=name in _MOVING)
            yield Event(words.format(node), functools.partial(_on, change, node), name in _MOVING)
    for node in given["fail_node"]:
        _require_node(node, scene, moves=True)
        lose = functools.partial(event.lose_node, fencing=scene.fencing)
        yield Event(f"{node} falls silent", functools.partial(_on, lose, node), moves=True)


def _require_node(name: str, scene: Scene, *, moves: bool) -> None:
    """Refuse a node that there is not, or that cannot come and go by itself."""
    names.require("node", name, scene.nodes)
    if moves and scene.remote(name):
        message = (
            f"{name!r} is no member: it is there while the connection to it is up;"
            f" let that fail: --fail-op {name}:monitor@NODE"
        )
        raise click.UsageError(message)


def _on(change: Callable[[Observed, str], Observed], name: str, seen: Observed) -> Observed:
    return change(seen, name)


def _finished(operation: event.Operation, seen: Observed) -> Observed:
    return event.finish(seen, operation)


def _tickets(scene: Scene) -> Iterable[str]:
    wanted = (one.ticket for one in scene.desired.constraints if isinstance(one, constraint.Ticket))
    return dict.fromkeys([*wanted, *scene.observed.tickets])


def _attribute(text: str, scene: Scene) -> Event:
    node, colon, rest = text.partition(":")
    name, sign, value = rest.partition("=")
    if not (node and colon and name and sign):
        message = f"--set-attribute {text!r} is not NODE:NAME=VALUE"
        raise click.UsageError(message)
    names.require("node", node, scene.nodes)
    words = f"{name} of {node} is {value}" if value else f"{name} of {node} is taken away"
    return Event(words, lambda seen: event.set_attribute(seen, node, name, value))
