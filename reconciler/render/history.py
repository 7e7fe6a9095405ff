"""The journal as people read it: one line for each event, newest last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.render import moment
from reconciler.render.styled import Line, Lines, Span, Style, line, span

Event = tuple[float, str, str, Mapping[str, object]]
"""When (seconds since 1970), the run's id, the event's word, its facts."""

_STYLES: dict[str, Style] = {
    "failed": Style.BAD,
    "failure": Style.BAD,
    "unknown": Style.BAD,
    "blocked": Style.WARNING,
    "refused": Style.WARNING,
    "fence": Style.FENCE,
    "fenced": Style.FENCE,
    "success": Style.GOOD,
    "converged": Style.GOOD,
}
_VALUE_MAX = 120


_SAID = frozenset({"action", "observation", "token", "key", "task", "resource", "node", "outcome"})
"""Facts that a line says by itself, or that only programs need."""
_ID_SHOWN = 8


def lines(events: Iterable[Event]) -> Lines:
    """Return the events as lines; a new run is set off by the start of its id."""
    result: list[Line] = []
    current = ""
    for at, run, event, body in events:
        if run != current:
            current = run
            result.append(line(span(f"run {run[:_ID_SHOWN]}", Style.STRONG)))
        rest = {
            name: value for name, value in body.items() if name not in _SAID or "task" not in body
        }
        outcome = str(body.get("outcome", ""))
        result.append(
            line(
                span(f"  {moment.rfc3339(at)}  ", Style.FAINT),
                Span(f"{event:<14}", _style(event, body)),
                _deed(body),
                Span(f"  {outcome}" if outcome else "", _style(event, body)),
                *(piece for name, value in rest.items() for piece in _fact(name, value)),
                hang=24,
            )
        )
    return tuple(result)


def _deed(body: Mapping[str, object]) -> str:
    if "task" not in body:
        return ""
    resource = f" {body['resource']}" if body.get("resource") else ""
    node = f" on {body['node']}" if resource else f" {body.get('node', '')}"
    return f"{body['task']}{resource}{node}"


def _style(event: str, body: Mapping[str, object]) -> Style:
    words = [*event.split("-"), *(str(value) for value in body.values() if isinstance(value, str))]
    return next((_STYLES[word] for word in words if word in _STYLES), Style.PLAIN)


def _fact(name: str, value: object) -> Iterable[Span]:
    if value in (None, "", [], {}, ()) or (name == "rc" and value == 0):
        return
    if isinstance(value, float) and name.endswith(("_at", "at")):
        shown = moment.rfc3339(value)
    elif isinstance(value, (list, tuple)):
        shown = ",".join(str(one) for one in value)
    else:
        shown = str(value)
    shown = shown if len(shown) <= _VALUE_MAX else shown[:_VALUE_MAX] + "..."
    yield Span("  ")
    yield span(f"{name}=", Style.FAINT)
    yield span(f'"{shown}"' if " " in shown else shown)


def as_json(events: Iterable[Event]) -> list[dict[str, object]]:
    """Return the events for programs."""
    return [
        {"at": moment.rfc3339(at), "run": run, "event": event, "body": dict(body)}
        for at, run, event, body in events
    ]
