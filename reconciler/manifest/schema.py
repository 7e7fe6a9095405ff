"""The language as a JSON schema (draft 2020-12), for editors and for checks without this program.

Made from the models of ``manifest.shape`` and the tables of ``model.property``; never written by
hand. It says what a single file may look like; what names mean together only ``validate`` knows.
"""

from __future__ import annotations

import json
from typing import Any

import pydantic
import pydantic.json_schema

from reconciler.manifest import codes, merge, scalar, shape, stonith
from reconciler.model import property  # noqa: A004 - the field's word

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TEMPLATE = "#/$defs/{model}"
_MODELS: tuple[type[pydantic.BaseModel], ...] = (
    shape.Cluster,
    shape.Defaults,
    shape.Node,
    shape.Primitive,
    shape.Group,
    shape.Clone,
    shape.Bundle,
    shape.Colocation,
    shape.ColocationSets,
    shape.Order,
    shape.OrderSets,
    shape.Location,
    shape.Ticket,
    shape.Device,
    shape.Levels,
    shape.Tags,
)
_CONSTRAINTS = {
    "colocation": ("Colocation", "ColocationSets"),
    "order": ("Order", "OrderSets"),
    "location": ("Location",),
    "ticket": ("Ticket",),
}
_TABLES: dict[str, property.Table] = {
    "ClusterProperties": property.CLUSTER,
    "ResourceMeta": property.RESOURCE_META,
    "GroupMeta": property.ALL_GROUP_META,
    "Meta": property.META,
    "OperationOptions": property.OPERATION,
    "FenceMeta": stonith.META,
}
_CLOSED: tuple[tuple[str, str, str], ...] = (
    ("Cluster", "properties", "ClusterProperties"),
    ("Defaults", "resources", "Meta"),
    ("Defaults", "operations", "OperationOptions"),
    ("Primitive", "meta", "ResourceMeta"),
    ("Group", "meta", "GroupMeta"),
    ("Clone", "meta", "Meta"),
    ("Bundle", "meta", "Meta"),
    ("Device", "meta", "FenceMeta"),
)
"""Model, its field, and the table that says which names the field may hold."""
_SHARED: dict[str, Any] = {
    "Text": scalar.Text,
    "Value": scalar.Value,
    "Score": scalar.Score,
    "Role": scalar.Role,
    "Duration": scalar.Duration,
}
"""Kinds of single values that are written out once."""
_BOOLEAN_WORDS = ["true", "false", "on", "off", "yes", "no", "y", "n", "1", "0"]


def generate() -> dict[str, Any]:
    """Return the schema; the same bytes every time when written by ``text``."""
    _, made = pydantic.json_schema.models_json_schema(
        [(model, "validation") for model in _MODELS], ref_template=_TEMPLATE
    )
    shared = {name: pydantic.TypeAdapter(kind).json_schema() for name, kind in _SHARED.items()}
    definitions = {name: _plain(one, shared) for name, one in made["$defs"].items()}
    definitions.update({name: {"title": name, **one} for name, one in shared.items()})
    definitions.update({name: _table(table) for name, table in _TABLES.items()})
    definitions["OperationOptions"]["properties"]["OCF_CHECK_LEVEL"] = {
        "description": "how thorough a monitor is",
        "type": ["string", "integer"],
    }
    definitions["OperationOptions"]["properties"]["params"] = {
        "description": "parameters for this operation alone",
        "anyOf": [{"type": "object"}, {"type": "array", "items": _ref("Block")}],
    }
    definitions["Cluster"]["properties"]["accept"]["propertyNames"] = {
        "enum": sorted(codes.ACCEPTABLE)
    }
    for model, field, table in _CLOSED:
        _close(definitions[model]["properties"][field], table)
    for model in ("Primitive", "Device"):
        definitions[model]["properties"]["operations"]["additionalProperties"] = {
            "anyOf": [
                _ref("OperationOptions"),
                {"type": "array", "items": _ref("OperationOptions"), "minItems": 1},
            ]
        }
    definitions["Resource"] = {
        "title": "Resource",
        "description": "A primitive, a group of primitives, a clone of either, or a bundle.",
        "oneOf": [
            {**_ref("Primitive"), "anyOf": [{"required": ["agent"]}, {"required": ["template"]}]},
            _ref("Group"),
            _ref("Clone"),
            _ref("Bundle"),
        ],
    }
    definitions["Constraint"] = {
        "title": "Constraint",
        "description": "Where resources may run, with whom, and in which order.",
        "oneOf": [_constraint(kind, names) for kind, names in _CONSTRAINTS.items()],
    }
    return {
        "$schema": DIALECT,
        "title": "Manifest of a cluster",
        "description": "One file of a manifest; the sections of all files are merged.",
        "type": "object",
        "required": ["apiVersion"],
        "additionalProperties": False,
        "properties": _sections(),
        "$defs": dict(sorted(definitions.items())),
    }


def text() -> str:
    """Return the schema as it is published."""
    return json.dumps(generate(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": _TEMPLATE.format(model=name)}


def _names(pattern: str) -> dict[str, Any]:
    return {"pattern": f"^{pattern}$"}


def _named(description: str, value: dict[str, Any], pattern: str) -> dict[str, Any]:
    return {
        "description": description,
        "type": ["object", "null"],
        "propertyNames": _names(pattern),
        "additionalProperties": value,
    }


def _sections() -> dict[str, Any]:
    return {
        "apiVersion": {
            "description": "Version of the language.",
            "const": merge.API_VERSION,
            "examples": [merge.API_VERSION],
        },
        # a section may be spread over several files, so nothing in it is required in each
        "cluster": {"description": "The cluster as a whole.", **_ref("Cluster")},
        "defaults": {"description": "Values where nothing else is said.", **_ref("Defaults")},
        "nodes": _named("Name to node.", _ref("Node"), scalar.NODE_PATTERN),
        "resources": _named("Name to resource.", _ref("Resource"), scalar.NAME_PATTERN),
        "templates": _named("Name to template.", _ref("Primitive"), scalar.NAME_PATTERN),
        "tags": {"description": "Name to the resources it stands for.", **_ref("Tags")},
        "constraints": {
            "description": "Wishes and rules between resources, and between resources and nodes.",
            "type": ["array", "null"],
            "items": _ref("Constraint"),
        },
        "fencing": {
            "description": "Devices that cut nodes off, and the order in which they are tried.",
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "devices": _named("Name to fence device.", _ref("Device"), scalar.NAME_PATTERN),
                "levels": {"description": "Node to its levels.", **_ref("Levels")},
            },
        },
    }


def _constraint(kind: str, names: tuple[str, ...]) -> dict[str, Any]:
    bodies = [_ref(name) for name in names]
    return {
        "type": "object",
        "required": [kind],
        "additionalProperties": False,
        "properties": {kind: bodies[0] if len(bodies) == 1 else {"oneOf": bodies}},
    }


def _plain(schema: Any, shared: dict[str, Any]) -> Any:
    """Return a schema that refers to shared parts, with absent optional fields instead of null."""
    if isinstance(schema, list):
        return [_plain(one, shared) for one in schema]
    if not isinstance(schema, dict):
        return schema
    for name, one in shared.items():
        if _restrictions(one) == _restrictions(schema):
            notes = {key: value for key, value in schema.items() if value != one.get(key)}
            notes.pop("title", None)
            return {**notes, **_ref(name)}
    result = {key: _plain(value, shared) for key, value in schema.items()}
    choices = result.get("anyOf")
    if isinstance(choices, list) and {"type": "null"} in choices:
        rest = [one for one in choices if one != {"type": "null"}]
        del result["anyOf"]
        result.update(rest[0] if len(rest) == 1 else {"anyOf": rest})
        if result.get("default", 0) is None:
            del result["default"]
    if isinstance(result.get("properties"), dict):
        for field in result["properties"].values():
            if isinstance(field, dict) and isinstance(field.get("title"), str):
                del field["title"]
    return result


_NOTES = frozenset({"title", "description", "default", "examples"})
"""Keywords that describe and do not restrict."""


def _restrictions(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in _NOTES}


def _close(field: dict[str, Any], table: str) -> None:
    """Let a field of pairs hold only the names of a table; also inside blocks with rules."""
    inside = {"allOf": [_ref("Block")], "properties": {"values": _ref(table)}}
    field.pop("oneOf", None)
    field.pop("anyOf", None)
    field["anyOf"] = [_ref(table), {"type": "array", "items": inside}]


def _table(table: property.Table) -> dict[str, Any]:
    return {
        "type": "object",
        "title": table.title,
        "additionalProperties": False,
        "properties": _options(table),
    }


def _options(table: property.Table) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for option in table.options.values():
        if option.internal:
            continue
        found[option.name] = _option(option)
        for alias in option.aliases:
            found[alias] = {
                **_option(option),
                "description": f"older name of {option.name}",
                "deprecated": True,
            }
    return found


def _option(option: property.Option) -> dict[str, Any]:
    kinds = property.Kind
    schema: dict[str, Any] = {"description": option.description}
    if option.default is not None:
        schema["default"] = option.default
    number: dict[str, Any] = {"type": "integer"}
    if option.minimum is not None:
        number["minimum"] = option.minimum
    match option.kind:
        case kinds.BOOLEAN:
            schema["anyOf"] = [{"type": "boolean"}, {"enum": _BOOLEAN_WORDS}, {"enum": [0, 1]}]
            if option.default is not None:
                schema["default"] = property.boolean(option.default)
        case kinds.ENUM:
            schema["enum"] = [*option.choices, *option.choice_aliases]
        case kinds.INTEGER:
            schema["anyOf"] = [number, {"type": "string", "pattern": r"^[+-]?[0-9]{1,18}$"}]
        case kinds.SCORE:
            words = ["INFINITY", "+INFINITY"] + ([] if option.minimum == 0 else ["-INFINITY"])
            schema["anyOf"] = [
                {"maximum": 1_000_000, "minimum": -1_000_000, **number},
                {"enum": words},
                {"type": "string", "pattern": r"^[+-]?[0-9]{1,7}$"},
            ]
        case kinds.DURATION:
            schema["type"] = ["string", "integer"]
            schema["examples"] = ["20s"]
        case _:
            schema["type"] = ["string", "integer", "boolean", "number"]
    return schema
