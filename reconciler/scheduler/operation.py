"""Operations as configured: which there are, and what holds for each of their options.

Only this file resolves an operation's options: its own, then the operation defaults, then the
built-in ones, the default on-fail policies included (Pacemaker Explained, "Operations").
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.frozen import frozen
from reconciler.model import attribute, duration, property, remote, resource  # noqa: A004 - a module's name
from reconciler.model.agent import AgentName
from reconciler.model.resource import OnFail
from reconciler.model.role import Role
from reconciler.scheduler import rule

DEFAULT_TIMEOUT_MS = 20_000
_OPTIONS = frozenset(property.OPERATION.options)


@frozen
class Options:
    """Resolved options of one operation.

    Attributes:
        params: extra parameters for the agent.
        role: in which a recurring monitor runs; None: Started.
    """

    timeout_ms: int
    on_fail: OnFail | None
    start_delay_ms: int
    meta: Mapping[str, str]
    params: Mapping[str, str]
    role: Role | None


class Reader:
    """Resolves operation options; shares what many resources have in common."""

    __slots__ = ("_clock", "_conditional", "_defaults", "_plain", "_shared")

    def __init__(self, defaults: attribute.AttributeSets, clock: rule.Clock) -> None:
        self._clock = clock
        self._defaults = defaults
        self._conditional = rule.conditional(defaults)
        self._plain = {} if self._conditional else self._texts(defaults, None, ("", 0))
        self._shared: dict[tuple[str, int], Options] = {}

    def _texts(
        self, sets: attribute.AttributeSets, agent: AgentName | None, operation: tuple[str, int]
    ) -> dict[str, str]:
        context = rule.Context(self._clock, agent=agent, operation=operation)
        return {
            property.OPERATION.canonical(name): str(value)
            for name, value in rule.values(sets, context).items()
        }

    def options(
        self,
        primitive: resource.Primitive,
        name: str,
        interval_ms: int = 0,
        configured: resource.Operation | None = None,
    ) -> Options:
        """Return the options of an operation of a primitive.

        Args:
            primitive: whose operation it is.
            name: which operation.
            interval_ms: 0 for one that does not recur.
            configured: the operation as written; None: looked up.
        """
        found = configured or lookup(primitive, name, interval_ms)
        if found is None and not self._conditional:
            shared = self._shared.get((name, interval_ms))
            if shared is None:
                shared = self._shared[name, interval_ms] = _typed({}, self._plain, None)
            return shared
        defaults = (
            self._texts(self._defaults, primitive.agent, (name, interval_ms))
            if self._conditional
            else self._plain
        )
        written = (
            self._texts(found.attributes, primitive.agent, (name, interval_ms)) if found else {}
        )
        return _typed(written, defaults, found)


def lookup(primitive: resource.Primitive, name: str, interval_ms: int) -> resource.Operation | None:
    """Return the operation as written, or None."""
    for one in primitive.operations:
        if one.name == name and one.interval_ms == interval_ms and one.enabled:
            return one
    return None


def _typed(
    written: dict[str, str], defaults: dict[str, str], found: resource.Operation | None
) -> Options:
    texts = {**{k: v for k, v in defaults.items() if k in _OPTIONS}, **written}
    timeout_ms = found.timeout_ms if found else None
    if timeout_ms is None:
        timeout_ms = duration.parse_ms(texts.get("timeout", ""))
    on_fail = found.on_fail if found else None
    if on_fail is None and "on-fail" in texts:
        word = property.choice(property.OPERATION.options["on-fail"], texts["on-fail"])
        on_fail = OnFail(word) if word else None
    start_delay_ms = found.start_delay_ms if found else 0
    return Options(
        timeout_ms=DEFAULT_TIMEOUT_MS if timeout_ms is None else timeout_ms,
        on_fail=on_fail,
        start_delay_ms=start_delay_ms or duration.parse_ms(texts.get("start-delay", "")) or 0,
        meta={name: value for name, value in texts.items() if name in _OPTIONS},
        params={name: value for name, value in written.items() if name not in _OPTIONS},
        role=found.role if found else None,
    )


def resets(primitive: resource.Primitive, options: Options, name: str, interval_ms: int) -> bool:
    """Tell whether a failure means that the connection to a remote node is lost.

    Unless told otherwise: a recurring monitor or a stop of the connection, which leads to no
    container (measured).
    """
    if primitive.agent != remote.CONNECTION or options.on_fail is not None:
        return False
    return name == "stop" or (name == "monitor" and interval_ms > 0)


def policy(
    primitive: resource.Primitive,
    options: Options,
    name: str,
    *,
    fencing: bool,
    contained: bool,
) -> OnFail:
    """Return what a failure of the operation leads to.

    Args:
        primitive: whose operation it is.
        options: of the operation.
        name: start, stop, monitor, promote, demote, ...
        fencing: whether fencing is enabled.
        contained: whether it runs inside of another resource.
    """
    wanted = options.on_fail
    is_promoted_monitor = name == "monitor" and options.role is Role.PROMOTED
    if wanted is OnFail.DEMOTE and name != "promote" and not is_promoted_monitor:
        wanted = None
    if name == "demote" and wanted is None:
        # A demotion that fails counts as the promoted role's monitor does, where it says how.
        for one in primitive.operations:
            if one.name == "monitor" and one.role is Role.PROMOTED and one.on_fail and one.enabled:
                wanted = one.on_fail if one.on_fail is not OnFail.DEMOTE else None
                break
    if wanted is OnFail.FENCE and not fencing:
        return OnFail.STOP
    if wanted is OnFail.RESTART_CONTAINER and not contained:
        wanted = None
    if name == "stop" and wanted in {OnFail.STOP, OnFail.STANDBY}:
        # A stop that failed leaves nothing to stop, nor anything that could leave (measured).
        wanted = None
    if wanted is not None:
        return wanted
    return OnFail.RESTART_CONTAINER if contained else _default(primitive, name, fencing=fencing)


def _default(primitive: resource.Primitive, name: str, *, fencing: bool) -> OnFail:
    """Return what a failure leads to where nobody said."""
    if name == "stop" and primitive.agent != remote.CONNECTION:
        return OnFail.FENCE if fencing else OnFail.BLOCK
    return OnFail.RESTART
