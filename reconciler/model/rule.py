"""Rules: conditions on node attributes, resources, operations and dates.

Pacemaker Explained, chapter "Rules".
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping

from reconciler.errors import position
from reconciler.frozen import frozen


class BooleanOperator(enum.Enum):
    """How the parts of a rule are joined."""

    AND = "and"
    OR = "or"


@frozen
class AttributeTest:
    """A test of a node attribute.

    Attributes:
        attribute: its name; ``#uname``, ``#kind`` and so on are built in.
        operation: lt, gt, lte, gte, eq, ne, defined or not_defined.
        value: what it is compared with; None for defined and not_defined.
        type: string, integer, number or version; empty: string for eq and ne, else number where a
            value has a point, integer where none has.
        value_source: literal, param or meta.
    """

    attribute: str
    operation: str
    value: str | None = None
    type: str = ""
    value_source: str = "literal"


@frozen
class DateTest:
    """A test of the time; gt, lt, in_range or date_spec.

    ``start``, ``end`` are ISO 8601 texts; ``duration`` and ``spec`` hold the fields as written.
    """

    operation: str
    start: str | None = None
    end: str | None = None
    duration: Mapping[str, str] = dataclasses.field(default_factory=dict)
    spec: Mapping[str, str] = dataclasses.field(default_factory=dict)


@frozen
class ResourceTest:
    """A test of the agent of the resource that a default is for.

    None matches everything, an empty provider only agents that have none.
    """

    standard: str | None = None
    provider: str | None = None
    kind: str | None = None


@frozen
class OperationTest:
    """A test of the operation that a default is for; None matches every interval."""

    name: str
    interval_ms: int | None = None


@frozen
class Rule:
    """A condition: tests and further rules, joined by ``operator``."""

    tests: tuple[AttributeTest | DateTest | ResourceTest | OperationTest | Rule, ...]
    operator: BooleanOperator = BooleanOperator.AND
    id: str = ""
    origin: position.Position = dataclasses.field(default=position.NOWHERE, compare=False)
