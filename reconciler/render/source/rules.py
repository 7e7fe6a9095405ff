"""Rules in the words of the language: tests, and tests joined by ``and`` and ``or``."""

from __future__ import annotations

from reconciler.model import rule
from reconciler.render.source import scalars, yaml

_Test = rule.AttributeTest | rule.DateTest | rule.ResourceTest | rule.OperationTest | rule.Rule


def written(one: rule.Rule) -> yaml.Node:
    """Return a rule; a single test stands for itself.

    But not as the only alternative: such a rule also closes nodes that are away (measured).
    """
    if len(one.tests) == 1 and one.operator is rule.BooleanOperator.AND:
        return _test(one.tests[0])
    return {one.operator.value: [_test(test) for test in one.tests]}


def _test(test: _Test) -> yaml.Node:
    match test:
        case rule.Rule():
            return written(test)
        case rule.AttributeTest():
            return _attribute(test)
        case rule.DateTest():
            return {"date": _date(test)}
        case rule.ResourceTest():
            fields = (("standard", test.standard), ("provider", test.provider), ("type", test.kind))
            return {"agent": {name: text for name, text in fields if text is not None}}
        case rule.OperationTest():
            found: dict[str, yaml.Node] = {"name": test.name}
            if test.interval_ms is not None:
                found["interval"] = scalars.length(test.interval_ms)
            return {"op": found}


def _attribute(test: rule.AttributeTest) -> yaml.Node:
    found: dict[str, yaml.Node] = {"attribute": test.attribute, "operation": test.operation}
    if test.value is not None:
        found["value"] = yaml.natural(test.value)
    if test.type:
        found["type"] = test.type
    if test.value_source != "literal":
        found["value-source"] = test.value_source
    return found


def _date(test: rule.DateTest) -> yaml.Node:
    found: dict[str, yaml.Node] = {"operation": test.operation}
    ends = (("start", test.start), ("end", test.end))
    found |= {name: text for name, text in ends if text is not None}
    for name, fields in (("duration", test.duration), ("spec", test.spec)):
        if fields:
            found[name] = {field: yaml.natural(text) for field, text in fields.items()}
    return found
