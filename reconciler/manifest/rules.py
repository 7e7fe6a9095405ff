"""Rules: checked field by field, and lowered.

Pacemaker Explained, chapter "Rules".
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping

from reconciler.errors import position
from reconciler.manifest import codes, shape, tree, wording
from reconciler.model import rule as rules

_RANGES: dict[str, tuple[int, int]] = {
    "seconds": (0, 59),
    "minutes": (0, 59),
    "hours": (0, 23),
    "monthdays": (1, 31),
    "weekdays": (1, 7),
    "yeardays": (1, 366),
    "months": (1, 12),
    "weeks": (1, 53),
    "years": (1970, 9999),
    "weekyears": (1970, 9999),
    "moon": (0, 7),
}
"""Field of a calendar to its smallest and largest value."""
_DURATIONS = ("years", "months", "weeks", "days", "hours", "minutes", "seconds")
_RANGE = re.compile(r"(\d{1,4})(?:(-)(\d{1,4})?)?")
_OPERATORS = {"and_": rules.BooleanOperator.AND, "or_": rules.BooleanOperator.OR}
_NEEDS: dict[str, tuple[str, ...]] = {
    "gt": ("start",),
    "lt": ("end",),
    "in_range": (),
    "date_spec": ("spec",),
}


def lowered(rule: shape.Rule, where: tree.Mapping, findings: codes.Findings) -> rules.Rule:
    """Return a rule; what is wrong with it is added to the findings."""
    for field, operator in _OPERATORS.items():
        parts = getattr(rule, field)
        if parts is None:
            continue
        name = field.rstrip("_")
        if len(rule.model_fields_set) > 1:
            findings.add(
                "invalid-rule",
                f"a rule with {name} has no further fields",
                where.key(name),
                fix="write the others as items of the list",
            )
        if not parts:
            findings.add("invalid-rule", f"{name} is an empty list", where.value(name))
        items = where.sequence(name)
        tests = tuple(
            _part(part, items.mapping(index), findings) for index, part in enumerate(parts)
        )
        return rules.Rule(tests, operator, origin=where.here)
    return rules.Rule((_part(rule, where, findings),), origin=where.here)


_Test = rules.AttributeTest | rules.DateTest | rules.ResourceTest | rules.OperationTest | rules.Rule


def _part(rule: shape.Rule, where: tree.Mapping, findings: codes.Findings) -> _Test:
    if rule.and_ is not None or rule.or_ is not None:
        return lowered(rule, where, findings)
    kinds = [
        name for name in ("attribute", "date", "agent", "op") if getattr(rule, name) is not None
    ]
    if len(kinds) != 1:
        findings.add(
            "invalid-rule",
            "a test has exactly one of attribute, date, agent and op",
            where.here,
            fix="join several tests with and, or with or",
        )
    if rule.date is not None:
        return _date(rule.date, where.mapping("date"), findings)
    if rule.agent is not None:
        return rules.ResourceTest(rule.agent.standard, rule.agent.provider, rule.agent.type_)
    if rule.op is not None:
        return rules.OperationTest(rule.op.name, rule.op.interval)
    return _attribute(rule, where, findings)


def _attribute(
    rule: shape.Rule, where: tree.Mapping, findings: codes.Findings
) -> rules.AttributeTest:
    unary = rule.operation in {"defined", "not_defined"}
    if rule.operation is None:
        findings.add("invalid-rule", "a test of an attribute needs operation", where.here)
    elif unary and rule.value is not None:
        findings.add("invalid-rule", f"{rule.operation} takes no value", where.key("value"))
    elif not unary and rule.value is None:
        findings.add("invalid-rule", f"{rule.operation} needs a value", where.here)
    number = rule.type_ in {"integer", "number"} and rule.value_source in {None, "literal"}
    if number and rule.value is not None and not _is_number(rule.value, rule.type_ or ""):
        findings.add(
            "invalid-rule",
            f"value: {wording.shown(rule.value)} does not fit type {rule.type_}",
            where.value("value"),
        )
    return rules.AttributeTest(
        rule.attribute or "",
        rule.operation or "eq",
        rule.value,
        rule.type_ or "",
        rule.value_source or "literal",
    )


def _is_number(text: str, kind: str) -> bool:
    pattern = r"[+-]?\d{1,18}" if kind == "integer" else r"[+-]?\d{1,18}(\.\d{1,18})?"
    return re.fullmatch(pattern, text.strip()) is not None


def _date(date: shape.Date, where: tree.Mapping, findings: codes.Findings) -> rules.DateTest:
    for field in _NEEDS[date.operation]:
        if not getattr(date, field):
            findings.add("invalid-rule", f"{date.operation} needs {field}", where.here)
    if date.operation == "in_range" and not (date.start or date.end):
        findings.add("invalid-rule", "in_range needs start, end or both", where.here)
    if date.duration and (date.end or not date.start):
        findings.add(
            "invalid-rule", "duration needs start, and stands instead of end", where.key("duration")
        )
    start = _moment(date.start, where.value("start"), findings)
    end = _moment(date.end, where.value("end"), findings)
    if start and end and end < start:
        findings.add("invalid-rule", "the end is before the start", where.value("end"))
    _numbers(date.duration, where.mapping("duration"), findings)
    _calendar(date.spec, where.mapping("spec"), findings)
    return rules.DateTest(
        date.operation, date.start, date.end, dict(date.duration), dict(date.spec)
    )


def _moment(
    text: str | None, at: position.Position, findings: codes.Findings
) -> dt.datetime | None:
    if text is None:
        return None
    try:
        found = dt.datetime.fromisoformat(text.strip())
    except ValueError as problem:
        findings.add(
            "invalid-rule",
            f"{wording.shown(text)} is no ISO 8601 date or time: {problem}",
            at,
            fix="write it as 2026-12-24 or 2026-12-24T18:00:00Z",
        )
        return None
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def _numbers(fields: Mapping[str, str], where: tree.Mapping, findings: codes.Findings) -> None:
    for name, text in fields.items():
        if name not in _DURATIONS:
            findings.add(
                "invalid-rule",
                f"a duration has no field {wording.shown(name)}",
                where.key(name),
                nearest=findings.nearest(name, _DURATIONS),
            )
        elif not re.fullmatch(r"\d{1,9}", text):
            findings.add(
                "invalid-rule", f"{name}: {wording.shown(text)} is no number", where.value(name)
            )


def _calendar(fields: Mapping[str, str], where: tree.Mapping, findings: codes.Findings) -> None:
    for name, text in fields.items():
        limits = _RANGES.get(name)
        if limits is None:
            findings.add(
                "invalid-rule",
                f"a date_spec has no field {wording.shown(name)}",
                where.key(name),
                nearest=findings.nearest(name, _RANGES),
            )
            continue
        found = _RANGE.fullmatch(text)
        low, high = limits
        first = int(found[1]) if found else -1
        last = int(found[3]) if found and found[3] else first
        if not (found and low <= first <= last <= high):
            findings.add(
                "invalid-rule",
                f"{name}: {wording.shown(text)} is no number or range from {low} to {high}",
                where.value(name),
            )
