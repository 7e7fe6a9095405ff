"""Rules (Pacemaker Explained, "Rules")."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree import ElementTree as ET

from reconciler.cib.writing import element
from reconciler.model import rule

_Test = rule.AttributeTest | rule.DateTest | rule.ResourceTest | rule.OperationTest | rule.Rule


def add(
    parent: ET.Element,
    one: rule.Rule,
    ids: element.Ids,
    wanted: str,
    more: Mapping[str, str | None] | None = None,
) -> None:
    """Add a rule; ``more``: attributes that it has where it stands, such as a score."""
    identity = ids.new(one.id or wanted)
    operator = one.operator.value if one.operator is rule.BooleanOperator.OR else None
    found = element.add(parent, "rule", {"id": identity, "boolean-op": operator, **(more or {})})
    for test in one.tests:
        _test(found, test, ids, identity)


def _test(parent: ET.Element, test: _Test, ids: element.Ids, base: str) -> None:
    identity = "" if isinstance(test, rule.Rule) else ids.new(f"{base}-expr")
    match test:
        case rule.Rule():
            add(parent, test, ids, f"{base}-rule")
        case rule.AttributeTest():
            literal = test.value_source == "literal"
            element.add(
                parent,
                "expression",
                {
                    "id": identity,
                    "attribute": test.attribute,
                    "operation": test.operation,
                    "value": test.value,
                    "type": test.type or None,
                    "value-source": None if literal else test.value_source,
                },
            )
        case rule.DateTest():
            _date(parent, test, ids, identity)
        case rule.ResourceTest():
            element.add(
                parent,
                "rsc_expression",
                {
                    "id": identity,
                    "class": test.standard,
                    "provider": test.provider,
                    "type": test.kind,
                },
            )
        case rule.OperationTest():
            interval = None if test.interval_ms is None else element.milliseconds(test.interval_ms)
            element.add(
                parent, "op_expression", {"id": identity, "name": test.name, "interval": interval}
            )


def _date(parent: ET.Element, test: rule.DateTest, ids: element.Ids, identity: str) -> None:
    found = element.add(
        parent,
        "date_expression",
        {"id": identity, "operation": test.operation, "start": test.start, "end": test.end},
    )
    for tag, fields in (("duration", test.duration), ("date_spec", test.spec)):
        if fields:
            element.add(found, tag, {"id": ids.new(f"{identity}-{tag}"), **fields})
