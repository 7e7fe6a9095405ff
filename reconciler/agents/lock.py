"""``agents.lock``: the meta-data of the agents that are used, to be committed beside manifests.

So manifests are checked in full on a machine without the agents. The format is JSON, versioned,
sorted and without the long texts: the same agents give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.agents import markup
from reconciler.model import agent

FORMAT_VERSION = 1
Known = Mapping[agent.AgentName, agent.Metadata]
Unusable = markup.Unusable


def write(agents: Iterable[agent.Metadata]) -> str:
    """Return the text of a lock file."""
    entries = {str(one.agent): _entry(one) for one in agents}
    document = {"format_version": FORMAT_VERSION, "agents": dict(sorted(entries.items()))}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def read(text: str | bytes) -> Known | Unusable:
    """Return the agents of a lock file, or why it is unusable. Raises nothing."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as problem:
        reason = "nested too deeply" if isinstance(problem, RecursionError) else str(problem)
        return Unusable(f"it is no JSON: {reason}")
    if not isinstance(document, dict) or "format_version" not in document:
        return Unusable("it has no format_version")
    version = document["format_version"]
    if version != FORMAT_VERSION:
        return Unusable(f"its format_version is {version!r}; this build reads {FORMAT_VERSION}")
    entries = document.get("agents")
    if not isinstance(entries, dict):
        return Unusable("it has no mapping 'agents'")
    found: dict[agent.AgentName, agent.Metadata] = {}
    for name, entry in entries.items():
        parsed = agent.parse(name)
        one = _metadata(parsed, entry) if parsed and isinstance(entry, dict) else None
        if one is None:
            return Unusable(f"the entry {name!r} is damaged")
        found[one.agent] = one
    return found


_FLAGS = ("required", "unique", "reloadable", "private", "deprecated")


def _entry(one: agent.Metadata) -> dict[str, Any]:
    return _without_empty(
        {
            "version": one.version,
            "short": one.short,
            "promotable": one.promotable,
            "parameters": {
                parameter.name: _without_empty(
                    {
                        "type": parameter.type,
                        "default": parameter.default,
                        "choices": list(parameter.choices),
                        "short": parameter.short,
                        "replaced_by": parameter.replaced_by,
                        **{flag: getattr(parameter, flag) for flag in _FLAGS},
                    }
                )
                for parameter in one.parameters
            },
            "operations": [
                _without_empty(
                    {
                        "name": operation.name,
                        "timeout_ms": operation.timeout_ms,
                        "interval_ms": operation.interval_ms,
                        "role": operation.role,
                        "depth": operation.depth,
                    }
                )
                for operation in one.operations
            ],
        }
    )


def _without_empty(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in fields.items()
        if value not in (None, False, [], {}) and (value != "" or name == "default") and value != 0
    }


def _metadata(name: agent.AgentName, entry: dict[str, Any]) -> agent.Metadata | None:
    try:
        return agent.Metadata(
            agent=name,
            version=_text(entry, "version"),
            short=_text(entry, "short"),
            parameters=tuple(
                _parameter(key, fields) for key, fields in entry.get("parameters", {}).items()
            ),
            operations=tuple(_operation(fields) for fields in entry.get("operations", [])),
            promotable=_flag(entry, "promotable"),
        )
    except (TypeError, AttributeError, ValueError):
        return None


def _parameter(name: str, fields: dict[str, Any]) -> agent.Parameter:
    choices = fields.get("choices", [])
    if not isinstance(choices, list) or not all(isinstance(one, str) for one in choices):
        raise TypeError("choices")
    return agent.Parameter(
        name=name,
        type=_text(fields, "type") or "string",
        default=_text(fields, "default") if "default" in fields else None,
        choices=tuple(choices),
        short=_text(fields, "short"),
        replaced_by=_text(fields, "replaced_by"),
        required=_flag(fields, "required"),
        unique=_flag(fields, "unique"),
        reloadable=_flag(fields, "reloadable"),
        private=_flag(fields, "private"),
        deprecated=_flag(fields, "deprecated"),
    )


def _operation(fields: dict[str, Any]) -> agent.AdvisedOperation:
    return agent.AdvisedOperation(
        name=_text(fields, "name"),
        timeout_ms=_number(fields, "timeout_ms"),
        interval_ms=_number(fields, "interval_ms"),
        role=_text(fields, "role"),
        depth=_number(fields, "depth") or 0,
    )


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise TypeError(name)
    return value


def _flag(fields: dict[str, Any], name: str) -> bool:
    value = fields.get(name, False)
    if not isinstance(value, bool):
        raise TypeError(name)
    return value


def _number(fields: dict[str, Any], name: str) -> int | None:
    value = fields.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise TypeError(name)
    return value
