"""Every option that the language knows by name: cluster properties, meta-attributes, operations.

The tables say for each option its current name, older names, type, default and meaning; only this
file knows them. Pacemaker Explained, chapters "Cluster-Wide Configuration", "Resources",
"Operations", "Collective Resources" and "Fencing".
"""

from __future__ import annotations

import dataclasses
import enum
import re
from collections.abc import Mapping

from reconciler.frozen import frozen
from reconciler.model import duration
from reconciler.model import score as scores

_TRUE = frozenset({"true", "on", "yes", "y", "1"})
_FALSE = frozenset({"false", "off", "no", "n", "0"})
_INTEGER = re.compile(r"[+-]?\d{1,18}")
_PERCENTAGE = re.compile(r"\d{1,9}%?")


class Kind(enum.Enum):
    """How the text of an option is read."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    SCORE = "score"
    DURATION = "duration"
    PERCENTAGE = "percentage"
    ENUM = "enum"
    STRING = "string"


@frozen
class Option:
    """One option.

    Attributes:
        name: the current name.
        kind: how its text is read.
        default: the text that counts where nothing is written; None: it depends, see the
            description.
        description: one line for people.
        aliases: older names.
        choices: values of an ENUM, current words.
        choice_aliases: older words to current ones.
        minimum: smallest number for INTEGER and SCORE.
        internal: set by the cluster itself, not by people.
    """

    name: str
    kind: Kind
    default: str | None
    description: str
    aliases: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    choice_aliases: Mapping[str, str] = dataclasses.field(default_factory=dict)
    minimum: int | None = None
    internal: bool = False


class Table:
    """Options by name, older names included."""

    __slots__ = ("_by_name", "options", "title")

    def __init__(self, title: str, *options: Option) -> None:
        self.title = title
        self.options = {option.name: option for option in options}
        self._by_name = dict(self.options)
        for option in options:
            for alias in option.aliases:
                self._by_name[alias] = option

    def find(self, name: str) -> Option | None:
        """Return the option of that name or older name, or None."""
        return self._by_name.get(name)

    def canonical(self, name: str) -> str:
        """Return the current name; a name that is not known stays as it is."""
        found = self._by_name.get(name)
        return found.name if found else name

    def default(self, name: str) -> str | None:
        """Return the default's text; None where it depends or the name is not known."""
        found = self._by_name.get(name)
        return found.default if found else None

    def names(self) -> tuple[str, ...]:
        """Return the current names, as the table orders them."""
        return tuple(self.options)

    def merged(self, other: Table, title: str) -> Table:
        """Return a table with the options of both."""
        return Table(title, *self.options.values(), *other.options.values())


def boolean(text: str) -> bool | None:
    """Return what a word means as a boolean, or None where it is none.

    Pacemaker reads true, on, yes, y, 1 and false, off, no, n, 0, in any case; with blanks around
    it a word is none of them (measured).
    """
    word = text.lower()
    return True if word in _TRUE else False if word in _FALSE else None


def integer(text: str) -> int | None:
    """Return the whole number that a text is, or None."""
    word = text.strip()
    return int(word) if _INTEGER.fullmatch(word) else None


def leading_integer(text: str) -> int | None:
    """Return the whole number that a text begins with, or None; what follows it counts nothing.

    So Pacemaker reads numbers: 2.5 is 2, and "1 000" is 1 (measured).
    """
    found = _INTEGER.match(text.lstrip())
    return int(found[0]) if found else None


_SCORE_WORDS = {
    "INFINITY": scores.INFINITY,
    "+INFINITY": scores.INFINITY,
    "-INFINITY": -scores.INFINITY,
}
HEALTH_DEFAULTS: Mapping[str, int] = {"red": -scores.INFINITY, "yellow": 0, "green": 0}
"""What the words of node health count where no property says otherwise."""


def score(text: str, health: Mapping[str, int] | None = None) -> int | None:
    """Return the score that a text means, saturated to +-INFINITY, or None where it is none.

    Args:
        text: begins with a whole number, INFINITY, +INFINITY or -INFINITY; or a health word.
        health: what red, yellow and green count; None: these words are no scores.
    """
    word = text.strip()
    if word in _SCORE_WORDS:
        return _SCORE_WORDS[word]
    if health is not None and word.lower() in health:
        return health[word.lower()]
    number = leading_integer(word)
    if number is None:
        return None
    return max(-scores.INFINITY, min(scores.INFINITY, number))


def choice(option: Option, text: str) -> str | None:
    """Return the current word of an ENUM's value, or None where it is none of them."""
    word = option.choice_aliases.get(text, text)
    if word in option.choices:
        return word
    folded = {one.lower(): one for one in option.choices}
    folded.update({old.lower(): new for old, new in option.choice_aliases.items()})
    return folded.get(text.strip().lower())


def whole_score(text: str) -> int | None:
    """Return the score that a text is, and is nothing else; None where it is none."""
    return score(text) if text.strip() in _SCORE_WORDS or integer(text) is not None else None


Typed = bool | int | str
"""A value that was read: durations in milliseconds, percentages in per cent."""


def typed(option: Option, text: str) -> Typed | None:
    """Return the value of an option's text, or None where the text does not fit the option."""
    match option.kind:
        case Kind.BOOLEAN:
            return boolean(text)
        case Kind.INTEGER | Kind.SCORE:
            number = integer(text) if option.kind is Kind.INTEGER else whole_score(text)
            too_small = number is not None and option.minimum is not None
            return None if too_small and (number or 0) < (option.minimum or 0) else number
        case Kind.DURATION:
            return duration.parse_ms(text)
        case Kind.PERCENTAGE:
            word = text.strip()
            return int(word.removesuffix("%")) if _PERCENTAGE.fullmatch(word) else None
        case Kind.ENUM:
            return choice(option, text)
        case Kind.STRING:
            return text


_B, _I, _S, _D, _E, _T = (
    Kind.BOOLEAN,
    Kind.INTEGER,
    Kind.SCORE,
    Kind.DURATION,
    Kind.ENUM,
    Kind.STRING,
)

CLUSTER = Table(
    "cluster properties",
    Option(
        "no-quorum-policy",
        _E,
        "stop",
        "what a partition without quorum does with its resources",
        choices=("stop", "freeze", "demote", "fence", "ignore"),
        choice_aliases={"suicide": "fence"},
    ),
    Option(
        "fencing-enabled",
        _B,
        "true",
        "whether lost or failed nodes are fenced before their resources are recovered",
        aliases=("stonith-enabled", "stonith_enabled"),
    ),
    Option(
        "fencing-action",
        _E,
        "reboot",
        "what fencing does to a node",
        aliases=("stonith-action", "stonith_action"),
        choices=("reboot", "off"),
        choice_aliases={"poweroff": "off"},
    ),
    Option(
        "fencing-timeout",
        _D,
        "60s",
        "how long one fencing action may take",
        aliases=("stonith-timeout",),
    ),
    Option(
        "fencing-max-attempts",
        _I,
        "10",
        "how often fencing of one target may fail in a row before it is given up",
        aliases=("stonith-max-attempts",),
        minimum=1,
    ),
    Option(
        "fencing-watchdog-timeout",
        _T,
        "0",
        "how long to wait until a lost node's own watchdog must have reset it; 0: no such trust",
        aliases=("stonith-watchdog-timeout",),
    ),
    Option(
        "fencing-reaction",
        _E,
        "stop",
        "what a node does that learns that it was fenced itself",
        aliases=("fence-reaction",),
        choices=("stop", "panic"),
    ),
    Option(
        "concurrent-fencing",
        _B,
        "false",
        "whether several nodes may be fenced at the same time",
    ),
    Option(
        "startup-fencing",
        _B,
        "true",
        "whether nodes that nobody has seen since the cluster began are fenced",
    ),
    Option(
        "priority-fencing-delay",
        _D,
        "0",
        "head start in a fencing race for the side with the more important resources",
    ),
    Option(
        "symmetric-cluster",
        _B,
        "true",
        "whether resources may run anywhere unless a constraint says no",
        aliases=("symmetric_cluster",),
    ),
    Option("maintenance-mode", _B, "false", "leave every resource alone, and do not monitor"),
    Option("stop-all-resources", _B, "false", "stop everything"),
    Option(
        "stop-removed-resources",
        _B,
        "true",
        "stop resources that are no longer configured; manifests turn it off, see prune",
        aliases=("stop-orphan-resources", "stop_orphan_resources"),
    ),
    Option(
        "cancel-removed-actions",
        _B,
        "true",
        "cancel recurring actions that are no longer configured",
        aliases=("stop-orphan-actions", "stop_orphan_actions"),
    ),
    Option(
        "start-failure-is-fatal",
        _B,
        "true",
        "one failed start bans a resource from the node, whatever migration-threshold says",
    ),
    Option("enable-startup-probes", _B, "true", "look for running resources before starting any"),
    Option(
        "batch-limit",
        _I,
        "0",
        "how many actions run at the same time in the cluster; 0: computed from the load",
    ),
    Option(
        "migration-limit",
        _I,
        "-1",
        "how many live migrations run at the same time on a node; -1: no limit",
    ),
    Option(
        "node-action-limit",
        _I,
        "0",
        "how many actions run at the same time on a node; 0: twice its processors",
    ),
    Option("load-threshold", Kind.PERCENTAGE, "80%", "processor load that is not to be passed"),
    Option(
        "placement-strategy",
        _E,
        "default",
        "whether and how utilization decides where resources run",
        choices=("default", "utilization", "balanced", "minimal"),
    ),
    Option(
        "node-health-strategy",
        _E,
        "none",
        "how health attributes of nodes count",
        choices=("none", "migrate-on-red", "only-green", "progressive", "custom"),
    ),
    Option("node-health-base", _S, "0", "base health score with the progressive strategy"),
    Option("node-health-green", _S, "0", "score of the word green"),
    Option("node-health-yellow", _S, "0", "score of the word yellow"),
    Option("node-health-red", _S, "-INFINITY", "score of the word red"),
    Option(
        "cluster-recheck-interval",
        _D,
        "15min",
        "how often time-based rules and failure-timeout are looked at without other events",
    ),
    Option("cluster-delay", _D, "60s", "allowance for the way to another node and back"),
    Option("dc-deadtime", _D, "20s", "how long to wait for other nodes at start"),
    Option(
        "shutdown-lock",
        _B,
        "false",
        "keep resources of a node that was shut down cleanly for that node",
    ),
    Option("shutdown-lock-limit", _D, "0", "how long shutdown-lock holds; 0: for ever"),
    Option(
        "node-pending-timeout",
        _D,
        "0",
        "fence a node that joined the membership but not the cluster after this time; 0: never",
    ),
    Option("enable-acl", _B, "false", "whether access control lists count"),
    Option("cluster-ipc-limit", _I, "500", "messages that may wait for a local client"),
    Option("pe-error-series-max", _I, "-1", "scheduler inputs with errors to keep"),
    Option("pe-warn-series-max", _I, "5000", "scheduler inputs with warnings to keep"),
    Option("pe-input-series-max", _I, "4000", "other scheduler inputs to keep"),
    Option("election-timeout", _D, "2min", "when an election counts as failed"),
    Option("shutdown-escalation", _D, "20min", "how long a node may take to shut down"),
    Option("join-integration-timeout", _D, "3min", "how long a node may take to join"),
    Option("join-finalization-timeout", _D, "30min", "how long the end of a join may take"),
    Option("transition-delay", _D, "0s", "wait before a transition, so that events can gather"),
    Option(
        "remove-after-stop", _B, "false", "forget a removed resource's settings when it has stopped"
    ),
    Option("cluster-name", _T, None, "the cluster's name, for rules and agents", internal=True),
    Option("dc-version", _T, None, "version of the deciding node", internal=True),
    Option("cluster-infrastructure", _T, None, "what does the messaging", internal=True),
    Option("have-watchdog", _B, "false", "whether a watchdog was found", internal=True),
    Option("last-lrm-refresh", _T, None, "when histories were last read anew", internal=True),
)
"""Cluster properties."""

RESOURCE_META = Table(
    "meta-attributes of a resource",
    Option("priority", _S, "0", "lower ones are stopped first where not all can run"),
    Option("critical", _B, "true", "whether it may move the resources that it is placed with"),
    Option(
        "target-role",
        _E,
        "Started",
        "the highest role that it may have",
        choices=("Stopped", "Started", "Unpromoted", "Promoted"),
        choice_aliases={"Master": "Promoted", "Slave": "Unpromoted"},
    ),
    Option(
        "is-managed",
        _B,
        "true",
        "whether it may be started and stopped",
    ),
    Option("maintenance", _B, "false", "leave it alone, and do not monitor it"),
    Option(
        "resource-stickiness",
        _S,
        None,
        "how much it wants to stay where it is; 1 for clone instances, otherwise 0",
    ),
    Option(
        "requires",
        _E,
        None,
        "what it needs before it starts; fencing where that is enabled, else quorum",
        choices=("nothing", "quorum", "fencing", "unfencing"),
    ),
    Option(
        "migration-threshold",
        _S,
        "INFINITY",
        "failures on a node after which it must leave it; 0: never",
        minimum=0,
    ),
    Option("failure-timeout", _D, "0", "time after which failures are forgotten; 0: never"),
    Option(
        "multiple-active",
        _E,
        "stop_start",
        "what to do if it is found running more often than it should",
        choices=("block", "stop_only", "stop_start", "stop_unexpected"),
    ),
    Option("allow-migrate", _B, None, "whether it is moved live where its agent can do it"),
    Option("allow-unhealthy-nodes", _B, "false", "whether it may run where node health forbids"),
    Option(
        "container-attribute-target",
        _E,
        None,
        "whose attributes an agent inside a bundle sees",
        choices=("host",),
    ),
    Option("remote-node", _T, None, "the guest node that this resource makes"),
    Option("remote-addr", _T, None, "address of the guest node; its name where not given"),
    Option("remote-port", _I, "3121", "port of the guest node", minimum=1),
    Option("remote-connect-timeout", _D, "60s", "how long connecting to the guest node may take"),
    Option("remote-allow-migrate", _B, "true", "whether the guest node's connection may move"),
)
"""Meta-attributes that every resource can have."""

CLONE_META = Table(
    "meta-attributes of a clone",
    Option("clone-max", _I, None, "instances in the cluster; as many as nodes", minimum=0),
    Option("clone-node-max", _I, "1", "instances on one node", minimum=0),
    Option("clone-min", _I, "0", "instances that dependents wait for", minimum=0),
    Option("notify", _B, "false", "tell the instances before and after each change"),
    Option(
        "globally-unique", _B, None, "whether instances differ; true where clone-node-max above 1"
    ),
    Option("ordered", _B, "false", "start the instances one after the other"),
    Option("interleave", _B, "false", "orders with other clones hold per node, not as a whole"),
    Option("promotable", _B, "false", "whether instances can be promoted"),
    Option(
        "promoted-max", _I, "1", "instances promoted in the cluster", ("master-max",), minimum=0
    ),
    Option(
        "promoted-node-max",
        _I,
        "1",
        "instances promoted on one node",
        ("master-node-max",),
        minimum=0,
    ),
)
"""Meta-attributes that only clones have."""

GROUP_META = Table(
    "meta-attributes of a group",
    Option("ordered", _B, "true", "start the members one after the other, stop them in reverse"),
    Option("collocated", _B, "true", "keep the members on one node"),
)
"""Meta-attributes that only groups have."""

ALL_GROUP_META = RESOURCE_META.merged(GROUP_META, "meta-attributes of a group")
"""All meta-attributes of groups."""

META = RESOURCE_META.merged(CLONE_META, "meta-attributes")
"""All meta-attributes."""

OPERATION = Table(
    "options of an operation",
    Option("interval", _D, "0", "time between two runs; 0: does not recur"),
    Option("timeout", _D, "20s", "how long one run may take"),
    Option(
        "on-fail",
        _E,
        None,
        "what a failure leads to; fence or block for stop, otherwise restart",
        choices=(
            "ignore",
            "block",
            "stop",
            "demote",
            "restart",
            "fence",
            "standby",
            "restart-container",
        ),
        choice_aliases={"nothing": "ignore"},
    ),
    Option(
        "role",
        _E,
        None,
        "the role in which a recurring monitor runs; Started and Unpromoted",
        choices=("Stopped", "Started", "Unpromoted", "Promoted"),
        choice_aliases={"Master": "Promoted", "Slave": "Unpromoted"},
    ),
    Option("enabled", _B, "true", "whether a recurring operation is scheduled"),
    Option("start-delay", _D, "0", "wait before the first run", ("start_delay",)),
    Option("interval-origin", _T, None, "date that the intervals are counted from"),
    Option("record-pending", _B, "true", "whether the intention is written to the history"),
    Option("description", _T, None, "free text"),
)
"""Options of operations."""

FENCE_META = Table(
    "meta-attributes of a fence device",
    Option("delay-base", _D, "0", "fixed wait before fencing", ("pcmk_delay_base",)),
    Option("delay-max", _D, "0", "upper limit of a random wait", ("pcmk_delay_max",)),
    Option(
        "timeout",
        _D,
        "60s",
        "how long one action may take",
        ("pcmk_reboot_timeout", "pcmk_off_timeout"),
    ),
    Option(
        "retries",
        _I,
        "1",
        "further tries after a failure",
        ("pcmk_reboot_retries", "pcmk_off_retries"),
        minimum=0,
    ),
    Option("priority", _I, "0", "higher ones are tried first where no level decides"),
)
"""Meta-attributes of fence devices."""

LEGACY: Mapping[str, str] = {
    option.name: option.aliases[0]
    for option in CLUSTER.options.values()
    if option.aliases and "_" not in option.aliases[0]
}
"""Current name of a cluster property to the one that Pacemaker 2.1 reads, where they differ."""


def canonical(name: str) -> str:
    """Return the current name of a cluster property or meta-attribute."""
    return META.canonical(CLUSTER.canonical(name))
