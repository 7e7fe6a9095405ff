"""Cluster properties and meta-attributes, typed; only this file reads their texts.

Precedence of meta-attributes: on the resource itself, explicitly on its parents, resource
defaults, built-in defaults (Pacemaker Explained, "Resource meta-attributes").
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from reconciler.frozen import frozen
from reconciler.model import attribute, duration, property, secret  # noqa: A004 - a module's name
from reconciler.model import desired as desired_state
from reconciler.model import score as scores
from reconciler.model.agent import AgentName
from reconciler.model.role import Role, parse
from reconciler.scheduler import rule


class QuorumPolicy(enum.Enum):
    """What a partition without quorum does."""

    STOP = "stop"
    FREEZE = "freeze"
    DEMOTE = "demote"
    FENCE = "fence"
    IGNORE = "ignore"


class MultipleActive(enum.Enum):
    """What happens to a resource that is active more often than it should be."""

    BLOCK = "block"
    STOP_ONLY = "stop_only"
    STOP_START = "stop_start"
    STOP_UNEXPECTED = "stop_unexpected"


class HealthStrategy(enum.Enum):
    """How health attributes of nodes count."""

    NONE = "none"
    MIGRATE_ON_RED = "migrate-on-red"
    ONLY_GREEN = "only-green"
    PROGRESSIVE = "progressive"
    CUSTOM = "custom"


class PlacementStrategy(enum.Enum):
    """Whether and how utilization decides where resources run."""

    DEFAULT = "default"
    UTILIZATION = "utilization"
    BALANCED = "balanced"
    MINIMAL = "minimal"


class Requires(enum.Enum):
    """What a resource needs before it starts."""

    NOTHING = "nothing"
    QUORUM = "quorum"
    FENCING = "fencing"
    UNFENCING = "unfencing"


@frozen
class Cluster:
    """Cluster properties, typed. Durations in milliseconds."""

    clock: rule.Clock
    name: str
    texts: Mapping[str, str]
    no_quorum_policy: QuorumPolicy
    fencing_enabled: bool
    watchdog: bool
    fencing_action: str
    startup_fencing: bool
    concurrent_fencing: bool
    symmetric: bool
    maintenance: bool
    stop_all: bool
    stop_removed: bool
    cancel_removed: bool
    remove_after_stop: bool
    start_failure_is_fatal: bool
    probes: bool
    placement_strategy: PlacementStrategy
    shutdown_lock: bool
    shutdown_lock_limit_ms: int
    health_strategy: HealthStrategy
    health_base: int
    health_words: Mapping[str, int]


def cluster(wanted: desired_state.Desired, clock: rule.Clock) -> Cluster:
    """Return the cluster properties that hold now."""
    found = {
        property.CLUSTER.canonical(name): str(value)
        for name, value in rule.values(wanted.properties, rule.Context(clock)).items()
    }
    texts = {name: text for name, text in found.items() if text}

    def flag(name: str) -> bool:
        default = property.CLUSTER.default(name) == "true"
        value = property.boolean(texts.get(name, ""))
        return default if value is None else value

    def word(name: str) -> str:
        option = property.CLUSTER.options[name]
        return property.choice(option, texts.get(name, "")) or option.default or ""

    return Cluster(
        clock=clock,
        name=texts.get("cluster-name", wanted.name),
        texts=texts,
        no_quorum_policy=QuorumPolicy(word("no-quorum-policy")),
        fencing_enabled=flag("fencing-enabled"),
        watchdog=flag("have-watchdog"),
        fencing_action=word("fencing-action"),
        startup_fencing=flag("startup-fencing"),
        concurrent_fencing=flag("concurrent-fencing"),
        symmetric=flag("symmetric-cluster"),
        maintenance=flag("maintenance-mode"),
        stop_all=flag("stop-all-resources"),
        stop_removed=flag("stop-removed-resources"),
        cancel_removed=flag("cancel-removed-actions"),
        remove_after_stop=flag("remove-after-stop"),
        start_failure_is_fatal=flag("start-failure-is-fatal"),
        probes=flag("enable-startup-probes"),
        placement_strategy=PlacementStrategy(word("placement-strategy")),
        shutdown_lock=flag("shutdown-lock"),
        shutdown_lock_limit_ms=duration.parse_ms(texts.get("shutdown-lock-limit", "0")) or 0,
        health_strategy=HealthStrategy(word("node-health-strategy")),
        health_base=_score(texts, "node-health-base", 0),
        health_words={
            color: _score(texts, f"node-health-{color}", default)
            for color, default in property.HEALTH_DEFAULTS.items()
        },
    )


def _score(texts: Mapping[str, str], name: str, default: int) -> int:
    value = property.score(texts.get(name, ""))
    return default if value is None else value


@frozen
class Meta:
    """Meta-attributes of one resource, typed. Durations in milliseconds.

    Attributes:
        texts: everything as written, for the agents' environment.
        target_role: None: as high as it can.
        stickiness: None: the default of its kind.
        requires: None: fencing where that is enabled, else quorum.
    """

    texts: Mapping[str, str]
    priority: int
    critical: bool
    target_role: Role | None
    managed: bool
    maintenance: bool
    stickiness: int | None
    requires: Requires | None
    migration_threshold: int
    failure_timeout_ms: int
    multiple_active: MultipleActive
    allow_migrate: bool | None
    allow_unhealthy: bool

    def flag(self, name: str, default: bool = False) -> bool:
        """Return a boolean option of a clone."""
        return _flag(self.texts, name, default)

    def number(self, name: str, default: int) -> int:
        """Return a whole-number option of a clone; what is no number is 0 (measured)."""
        text = self.texts.get(name)
        return default if text is None else property.leading_integer(text) or 0


class Reader:
    """Resolves meta-attributes; remembers what many resources share."""

    __slots__ = ("_cache", "_clock", "_defaults", "_plain_defaults", "_typed")

    def __init__(self, wanted: desired_state.Desired, clock: rule.Clock) -> None:
        self._clock = clock
        self._defaults = wanted.resource_defaults
        self._plain_defaults: dict[str, str] | None = None
        if not rule.conditional(self._defaults):
            self._plain_defaults = self._texts(self._defaults, None)
        self._cache: dict[tuple[tuple[str, str], ...], Meta] = {}
        self._typed: dict[int, dict[str, str]] = {}

    def _texts(self, sets: attribute.AttributeSets, agent: AgentName | None) -> dict[str, str]:
        if not sets:
            return {}
        found = rule.values(sets, rule.Context(self._clock, agent=agent))
        texts: dict[str, str] = {}
        for name, value in found.items():
            texts.setdefault(property.META.canonical(name), str(value))
        return texts

    def explicit(
        self, sets: attribute.AttributeSets, agent: AgentName | None = None
    ) -> dict[str, str]:
        """Return what is written on one resource."""
        return self._texts(sets, agent)

    def meta(
        self,
        own: attribute.AttributeSets,
        inherited: Mapping[str, str],
        agent: AgentName | None,
        *,
        removed: bool = False,
    ) -> Meta:
        """Return the meta-attributes of a resource.

        Args:
            own: its own blocks.
            inherited: what is written on its parents.
            agent: its agent, for defaults with rules; None for groups and clones.
            removed: it is no longer configured.
        """
        texts = self._texts(own, agent)
        for name, value in inherited.items():
            texts.setdefault(name, value)
        defaults = self._plain_defaults
        if defaults is None:
            defaults = self._texts(self._defaults, agent)
        for name, value in defaults.items():
            texts.setdefault(name, value)
        key = (*texts.items(), ("", str(removed)))
        found = self._cache.get(key)
        if found is None:
            found = self._cache[key] = _typed(texts)
        return found


def _flag(texts: Mapping[str, str], name: str, default: bool) -> bool:
    """Return a boolean; what is written and is no boolean is false (measured)."""
    text = texts.get(name)
    return default if text is None else property.boolean(text) is True


def _threshold(text: str | None) -> int:
    """Return how many failures are too many, 0 where none are: what is no number (measured)."""
    if text is None:
        return scores.INFINITY
    value = property.score(text) or 0
    return 1 if value < 0 else value


def _typed(texts: dict[str, str]) -> Meta:
    def number(name: str) -> int | None:
        return property.score(texts.get(name, ""))

    multiple = property.choice(
        property.RESOURCE_META.options["multiple-active"], texts.get("multiple-active", "")
    )
    requires = property.choice(
        property.RESOURCE_META.options["requires"], texts.get("requires", "")
    )
    migrate = property.boolean(texts.get("allow-migrate", ""))
    return Meta(
        texts=texts,
        priority=number("priority") or 0,
        critical=_flag(texts, "critical", True),
        target_role=_target(texts.get("target-role", "")),
        managed=_flag(texts, "is-managed", True),
        maintenance=_flag(texts, "maintenance", False),
        stickiness=number("resource-stickiness"),
        requires=Requires(requires) if requires else None,
        migration_threshold=_threshold(texts.get("migration-threshold")),
        failure_timeout_ms=_whole_seconds(texts.get("failure-timeout", "0")),
        multiple_active=MultipleActive(multiple or "stop_start"),
        allow_migrate=migrate,
        allow_unhealthy=_flag(texts, "allow-unhealthy-nodes", False),
    )


def _whole_seconds(text: str) -> int:
    """Return a duration in milliseconds without what is less than a second (measured)."""
    milliseconds = duration.loose_ms(text) or 0
    return milliseconds - milliseconds % 1_000


def _target(text: str) -> Role | None:
    role = parse(text) if text else None
    return None if role in {None, Role.STARTED, Role.UNKNOWN} else role


def plain(values: Mapping[str, secret.Value]) -> dict[str, str]:
    """Return values as texts; a secret as its reference."""
    return {name: str(value) for name, value in values.items()}
