"""Agent parameters and operations against the agent's own meta-data."""

from __future__ import annotations

import re
from collections.abc import Iterable

from reconciler.agents import private
from reconciler.errors import position
from reconciler.manifest import attributes, secrets, tree, wording
from reconciler.manifest.scope import Scope
from reconciler.model import agent, attribute, duration, property, resource, secret  # noqa: A004 - the field's word

STANDARD_OPERATIONS = (
    "start",
    "stop",
    "monitor",
    "promote",
    "demote",
    "notify",
    "migrate_to",
    "migrate_from",
    "reload",
    "reload-agent",
    "validate-all",
    "meta-data",
)
_SERVICE_OPERATIONS = ("start", "stop", "monitor", "meta-data")
_SCRIPT = re.compile(
    r"(lsb|ocf:[A-Za-z0-9][A-Za-z0-9_.-]{0,62}):((?:/[A-Za-z0-9][A-Za-z0-9_.@-]{0,62}){1,16})"
)
_INTEGER = re.compile(r"[+-]?\d{1,18}")
_DEVICE_WORDS = {
    "pcmk_host_list": "name the nodes under hosts",
    "pcmk_host_map": "write hosts as a mapping from node to port",
    "pcmk_delay_base": "write it as meta: {delay-base: ...}",
    "pcmk_delay_max": "write it as meta: {delay-max: ...}",
}


_FENCER = "pcmk_"
"""Parameters of this kind are read by Pacemaker's fencer, and by no agent."""


def parse_agent(text: str, at: position.Position, scope: Scope) -> agent.AgentName | None:
    """Return the agent of a resource that a text names, or None with a finding."""
    found = agent.parse(text)
    if found is not None and found.standard != "stonith":
        return found
    script = _SCRIPT.fullmatch(text)
    if script is not None and ".." not in text:
        scope.findings.add(
            "agent-path",
            f"{wording.shown(text)}: an agent is named, never given as a path; only Pacemaker runs it",
            at,
        )
        standard, _, provider = script[1].partition(":")
        return agent.AgentName(standard, provider, script[2])
    standard = text.partition(":")[0]
    known = ("ocf", "systemd", "lsb", "service")
    close: tuple[str, ...] = ()
    if found is not None:
        why = "fence agents belong into fencing.devices"
    elif ".." in text or "/" in text:
        why = "an agent is named, never given as a path"
    elif standard not in known:
        why = f"there is no standard {wording.shown(standard)}"
        close = scope.findings.nearest(standard, known)
    else:
        why = "the parts of the name are missing or hold characters that they cannot"
    scope.findings.add(
        "invalid-agent",
        f"{wording.shown(text)} names no agent: {why}",
        at,
        nearest=close,
        fix="the forms are ocf:PROVIDER:TYPE, systemd:UNIT, lsb:SCRIPT and service:NAME",
    )
    return None


def metadata(name: agent.AgentName, at: position.Position, scope: Scope) -> agent.Metadata | None:
    """Return what is known of an agent; a lock file that does not know it is worth a warning."""
    found = scope.agents.get(name)
    if found is None and scope.locked and name.standard in {"ocf", "stonith"}:
        alike = {str(one): one for one in scope.agents if one.standard == name.standard}
        close = scope.findings.nearest(str(name), alike)
        scope.findings.add(
            "unknown-agent",
            f"agents.lock does not know {name}; its parameters are not checked",
            at,
            nearest=tuple(one.removeprefix("stonith:") for one in close),
            fix="" if close else "bring agents.lock up to date where the agent is installed",
        )
    return found


def check(
    known: agent.Metadata | None, what: str, scope: Scope, *, device: bool = False
) -> attributes.Check:
    """Return the check for the parameters of one agent.

    Args:
        known: the agent's meta-data; None: only secrets are looked for.
        what: the agent's name for people.
        scope: names and findings.
        device: whether the agent is a fence agent.
    """
    names = tuple(one.name for one in known.parameters) if known else ()

    def one(name: str, value: secret.Value, where: tree.Mapping) -> attributes.Pair | None:
        description = known.parameter(name) if known else None
        fencer = device and name.startswith(_FENCER) and name not in _DEVICE_WORDS
        if known is not None and description is None and not fencer:
            hint = _DEVICE_WORDS.get(name, "") if device else ""
            scope.findings.add(
                "unknown-parameter",
                f"{what} has no parameter {wording.shown(name)}",
                where.key(name),
                nearest=() if hint else scope.findings.nearest(name, names),
                fix=hint,
            )
        elif device and name in _DEVICE_WORDS:
            scope.findings.add(
                "unknown-parameter",
                f"{name} is no parameter of an agent",
                where.key(name),
                fix=_DEVICE_WORDS[name],
            )
        if not attributes.plain(name, where, "parameters", scope.findings):
            return None
        marked = description is not None and description.private
        if isinstance(value, secret.SecretRef):
            value = secrets.anchored(value, where.value(name))
            scope.references.append((value, where.value(name)))
            return (
                (name, value)
                if secrets.reference(value, where.value(name), scope.findings)
                else None
            )
        if marked or private.named(name):
            secrets.inline(name, marked, where.value(name), scope.findings)
            scope.spots.append((where.value(name), value))
            return None
        if description is not None:
            _typed(description, value, where.value(name), scope)
        return (name, value)

    return one


def _typed(description: agent.Parameter, value: str, at: position.Position, scope: Scope) -> None:
    """Report a value that does not fit the type in the meta-data."""
    kind = description.type
    word = f"{description.name}: {wording.shown(value)}"
    if description.choices and value not in description.choices:
        scope.findings.add(
            "invalid-parameter",
            f"{word} is none of {', '.join(description.choices)}",
            at,
            nearest=scope.findings.nearest(value, description.choices),
        )
    elif kind in {"integer", "numeric"} and value and not _INTEGER.fullmatch(value):
        scope.findings.add("invalid-parameter", f"{word} is no whole number", at)
    elif kind == "boolean" and value and property.boolean(value) is None:
        scope.findings.add("invalid-parameter", f"{word} is neither true nor false", at)
    elif kind in {"second", "time"} and value and not _seconds(value):
        scope.findings.add("invalid-parameter", f"{word} is no time", at)


def _seconds(value: str) -> bool:
    # some agents mean "never" by -1
    return value.startswith("-") or duration.parse_ms(value) is not None


def required(
    known: agent.Metadata | None,
    sets: Iterable[attribute.AttributeSet],
    at: position.Position,
    scope: Scope,
    ignored: Iterable[str] = (),
) -> None:
    """Report each parameter that the agent needs and nobody sets.

    A parameter that an older name replaces, or that a secret stands for, counts as set.
    """
    if known is None:
        return
    written = {name for one in sets for name in one.origins} | set(ignored)
    # an older name of a parameter counts for the current one
    for one in known.parameters:
        if one.name in written and one.replaced_by:
            written.add(one.replaced_by)
    for one in known.parameters:
        if one.required and one.name not in written and not one.deprecated:
            short = f" ({one.short})" if one.short else ""
            scope.findings.add(
                "missing-parameter",
                f"{known.agent.kind} needs the parameter {one.name}{short}",
                at,
                fix=f"add params: {{{one.name}: ...}}",
            )


def operation(
    name: str,
    of: agent.AgentName,
    known: agent.Metadata | None,
    at: position.Position,
    scope: Scope,
) -> None:
    """Report an operation that the agent does not offer."""
    if of.standard != "ocf":
        offered: tuple[str, ...] = _SERVICE_OPERATIONS
    elif known is not None and known.operations:
        offered = tuple(dict.fromkeys(one.name for one in known.operations))
    else:
        offered = STANDARD_OPERATIONS
    if name not in offered and name != "monitor":
        scope.findings.add(
            "unknown-operation",
            f"{of} has no operation {wording.shown(name)}",
            at,
            nearest=scope.findings.nearest(name, offered),
            fix="" if scope.findings.nearest(name, offered) else f"it offers: {', '.join(offered)}",
        )


def advised_timeout(
    one: resource.Operation,
    known: agent.Metadata | None,
    at: position.Position,
    scope: Scope,
) -> None:
    """Note a time-out that is written and below the one that the agent advises."""
    if known is None or one.timeout_ms is None:
        return
    advised = [
        each.timeout_ms
        for each in known.operations
        if each.name == one.name and each.timeout_ms is not None
    ]
    if advised and one.timeout_ms < min(advised):
        scope.findings.add(
            "short-timeout",
            f"{one.name}: {duration.text(one.timeout_ms)} is below the "
            f"{duration.text(min(advised))} that {known.agent.kind} advises",
            at,
        )
