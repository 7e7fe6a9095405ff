"""Actions: the steps of a plan."""

from __future__ import annotations

import enum
import types
from collections.abc import Mapping
from typing import NamedTuple

from reconciler.errors import position
from reconciler.model import observed, secret
from reconciler.model.agent import AgentName
from reconciler.model.reason import Reason


class ActionKind(enum.Enum):
    """Who carries an action out."""

    # Members are unique, so identity will do; the hash of Enum is a function that is called often.
    __hash__ = object.__hash__

    RESOURCE = "rsc"
    """An agent on a node."""
    FENCE = "fence"
    """A fence device."""
    CLUSTER = "cluster"
    """The cluster's own bookkeeping on a node."""
    PSEUDO = "pseudo"
    """Nobody: it only joins orderings, or states what fencing has already done."""


class Task(enum.Enum):
    """What an action does; the words of operations where there is one."""

    # Members are unique, so identity will do; the hash of Enum is a function that is called often.
    __hash__ = object.__hash__

    START = "start"
    STOP = "stop"
    PROMOTE = "promote"
    DEMOTE = "demote"
    MONITOR = "monitor"
    MIGRATE_TO = "migrate_to"
    MIGRATE_FROM = "migrate_from"
    RELOAD = "reload"
    RELOAD_AGENT = "reload-agent"
    NOTIFY = "notify"
    CANCEL = "cancel"
    DELETE = "delete"
    CLEAR_FAILCOUNT = "clear_failcount"
    SHUTDOWN = "do_shutdown"
    OFF = "off"
    REBOOT = "reboot"
    ON = "on"
    NOTHING = "nothing"


_NONE: Mapping[str, str] = types.MappingProxyType({})


class Action(NamedTuple):
    """One step.

    A tuple: it is made in a fraction of the time that a frozen dataclass takes, and a plan for a
    large cluster has a hundred thousand.

    Attributes:
        key: unique in its plan and the same in every plan that holds the same step.
        kind, task: who does what.
        resource: the name under which the agent runs (history name); empty for fencing.
        node: where it is done; for fencing, who is fenced; empty for most pseudo actions.
        router: the node that does it for a remote node; empty: the node itself.
        interval_ms: above 0 for recurring monitors.
        timeout_ms: how long the agent may take.
        params, meta: the agent's environment; secrets by reference.
        expected_rc: what counts as success.
        digests: of the parameters, kept in the history to see later changes.
        fatal: a failure bans the resource from the node at once.
        probe: a monitor that only asks; failing it is no failure.
        source, target: of a migration.
        revision: history revision that the decision was taken on; None: no history.
        reason, origin: why, and by which line of the manifest.
    """

    key: str
    kind: ActionKind
    task: Task
    resource: str = ""
    instance: int | None = None
    node: str = ""
    router: str = ""
    agent: AgentName | None = None
    interval_ms: int = 0
    timeout_ms: int = 20_000
    start_delay_ms: int = 0
    params: Mapping[str, secret.Value] = _NONE
    meta: Mapping[str, str] = _NONE
    expected_rc: int = 0
    digests: observed.Digests = observed.NO_DIGESTS
    fatal: bool = False
    probe: bool = False
    source: str = ""
    target: str = ""
    revision: int | None = None
    reason: Reason | None = None
    origin: position.Position = position.NOWHERE

    @property
    def real(self) -> bool:
        """Whether somebody has to do something."""
        return self.kind is not ActionKind.PSEUDO
