"""Rules of a CIB (Pacemaker Explained, "Rules")."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from reconciler.cib import document as documents
from reconciler.model import rule as rules

Test = rules.AttributeTest | rules.DateTest | rules.ResourceTest | rules.OperationTest | rules.Rule


def read(document: documents.Document, element: ET.Element) -> rules.Rule | None:
    """Return the rule of an element, or None where its reference leads nowhere."""
    found = document.resolved(element)
    if found is None:
        return None
    tests = [test for child in found if (test := _test(document, child)) is not None]
    word = found.get("boolean-op", "and").lower()
    return rules.Rule(
        tests=tuple(tests),
        operator=rules.BooleanOperator.OR if word == "or" else rules.BooleanOperator.AND,
        id=found.get("id", ""),
        origin=documents.origin(found),
    )


def _test(document: documents.Document, element: ET.Element) -> Test | None:
    match element.tag:
        case "rule":
            return read(document, element)
        case "expression":
            return rules.AttributeTest(
                attribute=element.get("attribute", ""),
                operation=element.get("operation", ""),
                value=element.get("value"),
                type=element.get("type", ""),
                value_source=element.get("value-source", "literal"),
            )
        case "date_expression":
            return _date(document, element)
        case "rsc_expression":
            # Without a provider only agents that have none are meant (measured).
            return rules.ResourceTest(
                element.get("class"), element.get("provider", ""), element.get("type")
            )
        case "op_expression":
            return rules.OperationTest(
                element.get("name", ""), documents.milliseconds(element.get("interval"))
            )
        case _:
            document.findings.not_carried(element, "not known in a rule")
            return None


def _date(document: documents.Document, element: ET.Element) -> rules.DateTest:
    fields: dict[str, dict[str, str]] = {"duration": {}, "date_spec": {}}
    for child in element:
        found = document.resolved(child)
        if found is not None and found.tag in fields:
            pairs = {name: value for name, value in found.items() if name != "id"}
            if found.tag == "duration" and not pairs:
                # No length at all is still a length (measured).
                pairs = {"seconds": "0"}
            fields[found.tag].update(pairs)
    return rules.DateTest(
        # The schema lets date_spec and in_range go without saying so.
        operation=element.get("operation") or ("date_spec" if fields["date_spec"] else "in_range"),
        start=element.get("start"),
        end=element.get("end"),
        duration=fields["duration"],
        spec=fields["date_spec"],
    )
