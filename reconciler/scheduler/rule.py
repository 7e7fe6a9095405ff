"""Rules: whether a condition holds, and when it may change by itself.

Pacemaker Explained, chapter "Rules". Only this file decides what a rule means. A rule that looks
at the clock notes the next time at which its answer may differ, so that the caller knows when to
look again.
"""

from __future__ import annotations

import calendar
import datetime as dt
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reconciler.frozen import frozen
from reconciler.model import attribute, rule, secret
from reconciler.model.agent import AgentName

_NUMBER = re.compile(r"\s*[+-]?(?:(?P<hex>0[xX][0-9a-fA-F]+)|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)")
_DATE = re.compile(
    r"(\d{4})-?(?:(\d{2}|(?<=-)\d(?=-))-?(\d{2}|(?<=-)\d)|W(\d{2})-?(\d)|(\d{3}|(?<=-)\d{1,2}))"
    r"(?:[T ](\d{2}|\d(?=:)):?(\d{2}|(?<=:)\d)?(?::?(\d{2}|(?<=:)\d)(?:[.,]\d+)?)?)?"
    r"\s*(Z|[+-]\d{2}(?::?\d{2})?)?"
)
"""A date, and a time; a part between separators may have one digit. A year is none (measured)."""

_GROUP = re.compile(r"%(\d)")
_DAY = 86_400
_MOON_MONTH = 29.530588
_MOON_BEFORE_1970 = 25.43
"""Days from a new moon, or rather from where its eighth begins, to 1970 (measured)."""


class Clock:
    """The time that rules see, and the earliest next time at which an answer may change."""

    __slots__ = ("next_change", "now")

    def __init__(self, now: float) -> None:
        self.now = now
        self.next_change: float | None = None

    def wake(self, at: float) -> None:
        """Note that a decision may change at ``at``, if that is still to come."""
        if at > self.now and (self.next_change is None or at < self.next_change):
            self.next_change = at


@frozen
class Context:
    """What a rule is evaluated against; None: tests of that kind never hold.

    Attributes:
        clock: the time.
        node: attributes of a node, built-in ones (``#uname``) included.
        agent: of the resource that a default is for.
        operation: name and interval in ms of the operation that a default is for.
        params, meta: of the resource, for tests whose value comes from there.
        named: how a pattern met the resource's name; ``%1`` in names of attributes is its group.
    """

    clock: Clock
    node: Mapping[str, str] | None = None
    agent: AgentName | None = None
    operation: tuple[str, int] | None = None
    params: Mapping[str, secret.Value] | None = None
    meta: Mapping[str, secret.Value] | None = None
    named: re.Match[str] | None = None

    def attribute(self, name: str) -> str | None:
        """Return the value of a node's attribute, None where the node has none."""
        if self.named is not None and "%" in name:
            name = _GROUP.sub(self._group, name)
        return None if self.node is None else self.node.get(name)

    def _group(self, reference: re.Match[str]) -> str:
        number = int(reference[1])
        if self.named is None or number > self.named.re.groups:
            return reference[0]
        return self.named[number] or ""


def holds(one: rule.Rule, context: Context) -> bool:
    """Tell whether the rule's condition is true."""
    # Every part is looked at, so that each date notes when its answer may change.
    answers = [_test(part, context) for part in one.tests]
    return any(answers) if one.operator is rule.BooleanOperator.OR else all(answers)


def _test(part: object, context: Context) -> bool:
    match part:
        case rule.Rule():
            return holds(part, context)
        case rule.AttributeTest():
            return _attribute(part, context)
        case rule.DateTest():
            return _date(part, context.clock)
        case rule.ResourceTest():
            return _resource(part, context.agent)
        case rule.OperationTest() if context.operation is not None:
            name, interval_ms = context.operation
            return part.name == name and part.interval_ms in {None, interval_ms}
    return False


def _resource(part: rule.ResourceTest, agent: AgentName | None) -> bool:
    return agent is not None and all(
        wanted is None or wanted == found
        for wanted, found in (
            (part.standard, agent.standard),
            (part.provider, agent.provider),
            (part.kind, agent.kind),
        )
    )


def _integer(text: str) -> int | None:
    found = re.match(r"\s*([+-]?\d+)", text)
    return int(found[1]) if found else None


def _number(text: str) -> float | None:
    found = _NUMBER.match(text)
    if found is None:
        return None
    return float(int(found[0], 16)) if found["hex"] else float(found[0])


def _version(text: str) -> tuple[int, ...] | None:
    """Return the parts of a version; None: it is empty."""
    return tuple([_integer(part) or 0 for part in text.split(".")]) if text else None


_READERS: Mapping[str, Callable[[str], Any]] = {
    "integer": _integer,
    "number": _number,
    "version": _version,
    "string": str.lower,
}
"""How the values of each type are read: as far as they can be, what follows is ignored."""


def _type(part: rule.AttributeTest, values: tuple[str, str]) -> str:
    """Return the type as which values are compared; equality compares texts unless told not to."""
    if part.type or part.operation in {"eq", "ne"}:
        return part.type or "string"
    return "number" if any("." in value for value in values) else "integer"


def _compared(left: str, right: str, kind: str) -> int:
    """Return -1, 0 or 1; values that are not of the type are compared as texts."""
    read = _READERS.get(kind, str.lower)
    first, second = read(left), read(right)
    if first is None or second is None:
        first, second = left.lower(), right.lower()
    elif kind == "version":
        # Parts that are not written are 0.
        first, second = zip(*itertools.zip_longest(first, second, fillvalue=0), strict=True)
    return int(first > second) - int(first < second)


def _attribute(part: rule.AttributeTest, context: Context) -> bool:
    if context.node is None:
        return False
    found = context.attribute(part.attribute)
    if part.operation == "defined":
        return found is not None
    if part.operation == "not_defined":
        return found is None
    # An empty value counts as none at all, an empty parameter as what it is.
    wanted: secret.Value | None = part.value or None
    if part.value_source == "param":
        wanted = (context.params or {}).get(part.value or "")
    elif part.value_source == "meta":
        wanted = (context.meta or {}).get(part.value or "")
    if found is None or wanted is None:
        return part.operation == ("eq" if found is wanted else "ne")
    text = str(wanted)
    order = _compared(found, text, _type(part, (found, text)))
    return {
        "lt": order < 0,
        "gt": order > 0,
        "lte": order <= 0,
        "gte": order >= 0,
        "eq": order == 0,
        "ne": order != 0,
    }.get(part.operation, False)


def moment(text: str) -> dt.datetime | None:
    """Return the time that an ISO 8601 text means, UTC where it names no zone, or None."""
    found = _DATE.fullmatch(text.strip())
    if not found:
        return None
    year, month, day, week, weekday, ordinal, hour, minute, second, zone = found.groups()
    try:
        if week:
            date = dt.date.fromisocalendar(int(year), int(week), int(weekday))
        elif ordinal:
            date = dt.date(int(year), 1, 1) + dt.timedelta(days=int(ordinal) - 1)
        else:
            date = dt.date(int(year), int(month), int(day))
        # The day may end as 24:00, which is the next one's beginning.
        midnight = hour == "24"
        time = dt.time(0 if midnight else int(hour or 0), int(minute or 0), int(second or 0))
        date += dt.timedelta(days=int(midnight))
    except (ValueError, OverflowError):
        return None
    offset = dt.timedelta(0)
    if zone and zone != "Z":
        digits = zone[1:].replace(":", "").ljust(4, "0")
        offset = dt.timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        offset = -offset if zone[0] == "-" else offset
    return dt.datetime.combine(date, time, dt.UTC) - offset


def _lengthened(start: dt.datetime, fields: Mapping[str, str]) -> dt.datetime:
    numbers = {name: _integer(value) or 0 for name, value in fields.items() if name != "id"}
    months = start.month - 1 + numbers.get("months", 0) + 12 * numbers.get("years", 0)
    year, month = start.year + months // 12, months % 12 + 1
    day = min(start.day, calendar.monthrange(year, month)[1])
    return start.replace(year=year, month=month, day=day) + dt.timedelta(
        weeks=numbers.get("weeks", 0),
        days=numbers.get("days", 0),
        hours=numbers.get("hours", 0),
        minutes=numbers.get("minutes", 0),
        seconds=numbers.get("seconds", 0),
    )


def _date(part: rule.DateTest, clock: Clock) -> bool:
    now = dt.datetime.fromtimestamp(clock.now, dt.UTC)
    start = moment(part.start) if part.start else None
    end = moment(part.end) if part.end else None
    if start is not None and end is None and part.duration:
        end = _lengthened(start, part.duration)
    match part.operation:
        case "gt":
            if start is not None:
                clock.wake(start.timestamp() + 1)
            return start is not None and now > start
        case "lt":
            if end is not None:
                clock.wake(end.timestamp())
            return end is not None and now < end
        case "in_range":
            if start is not None and now < start:
                clock.wake(start.timestamp())
                return False
            if end is not None:
                clock.wake(end.timestamp() + 1)
            return (start is not None or end is not None) and (end is None or now <= end)
        case "date_spec":
            clock.wake((clock.now // 60 + 1) * 60)
            return _matches(now, part.spec)
    return False


def _matches(now: dt.datetime, spec: Mapping[str, str]) -> bool:
    iso = now.isocalendar()
    facts = {
        "seconds": now.second,
        "minutes": now.minute,
        "hours": now.hour,
        "monthdays": now.day,
        "weekdays": iso.weekday,
        "yeardays": now.timetuple().tm_yday,
        "months": now.month,
        "weeks": iso.week,
        "years": now.year,
        "weekyears": iso.year,
        "moon": _moon(now),
    }
    return all(_in_range(facts[name], text) for name, text in spec.items() if name in facts)


def _moon(now: dt.datetime) -> int:
    """Return the phase of the moon, in eighths of its mean month: 0 is new, 4 is full."""
    return int((now.timestamp() // _DAY + _MOON_BEFORE_1970) % _MOON_MONTH / _MOON_MONTH * 8)


def _in_range(value: int, text: str) -> bool:
    low, dash, high = text.partition("-")
    first, last = _integer(low), _integer(high)
    if not dash:
        # What is no number at all asks for nothing (measured).
        return first in {None, value}
    return (first is None or value >= first) and (last is None or value <= last)


def values(sets: Sequence[attribute.AttributeSet], context: Context) -> dict[str, secret.Value]:
    """Return the pairs that hold now: sets of higher score first, first definition wins."""
    if not sets:
        return {}
    if len(sets) == 1 and sets[0].rule is None:
        return dict(sets[0].pairs)
    found: dict[str, secret.Value] = {}
    for one in sorted(sets, key=lambda one: -one.score):
        if one.rule is None or holds(one.rule, context):
            for name, value in one.pairs.items():
                found.setdefault(name, value)
    return found


def conditional(sets: Sequence[attribute.AttributeSet]) -> bool:
    """Tell whether any of the sets depends on a rule."""
    return any(one.rule is not None for one in sets)
