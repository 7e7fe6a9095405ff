"""Rules in the words of pcs (pcs(8), "constraint location rule")."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model import rule

_Test = rule.AttributeTest | rule.DateTest | rule.ResourceTest | rule.OperationTest | rule.Rule


def words(one: rule.Rule) -> Iterator[str]:
    """Yield the words of a rule."""
    for number, test in enumerate(one.tests):
        if number:
            yield one.operator.value
        yield from _test(test)


def _test(test: _Test) -> Iterator[str]:
    match test:
        case rule.Rule():
            yield "("
            yield from words(test)
            yield ")"
        case rule.AttributeTest() if test.value is None:
            yield from (test.operation, test.attribute)
        case rule.AttributeTest():
            yield from (test.attribute, test.operation)
            if test.type:
                yield test.type
            yield test.value or ""
        case rule.DateTest():
            yield from _date(test)
        case rule.ResourceTest():
            named = (test.standard or "", test.provider or "", test.kind or "")
            yield from ("resource", ":".join(named))
        case rule.OperationTest():
            yield from ("op", test.name)
            if test.interval_ms is not None:
                yield f"interval={test.interval_ms}ms"


def _date(test: rule.DateTest) -> Iterator[str]:
    match test.operation:
        case "gt":
            yield from ("date", "gt", test.start or "")
        case "lt":
            yield from ("date", "lt", test.end or "")
        case "date_spec":
            yield "date-spec"
            yield from (f"{name}={value}" for name, value in test.spec.items())
        case _:
            yield from ("date", "in_range")
            if test.start is not None:
                yield test.start
            yield "to"
            if test.end is not None:
                yield test.end
            else:
                yield "duration"
                yield from (f"{name}={value}" for name, value in test.duration.items())
