"""The language reference, written from the same models and tables that read manifests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pydantic

from reconciler.manifest import codes, merge, reader, scalar, schema, shape
from reconciler.model import duration, property, score  # noqa: A004 - the field's word

_HEAD = f"""\
# The manifest language

A manifest is a directory (or a file) of YAML files. Every `*.yaml` and `*.yml` below it is read,
hidden directories are not; the sections of all files are merged, and a thing defined twice is an
error. Each file begins with `apiVersion: {merge.API_VERSION}`. `manifest.schema.json` beside this
text is the same language for editors:

```yaml
# yaml-language-server: $schema=../schemas/manifest.schema.json
```

This text is generated from the program itself (`tests/manifest/refresh_schema.py`).

## YAML

A strict part of YAML 1.2: UTF-8, one document in a file, keys are texts and unique, no tags,
anchors, aliases, merge keys, directives or control characters. `true`, `false`, `null` and whole
numbers are what they look like; everything else (`no`, `on`, `0123`, `1.10`, `12:30`) is the text
that was written. Limits: {reader.MAXIMUM_BYTES // 1024} KiB for a file, 1,000 files, 16 MiB in all,
{reader.MAXIMUM_DEPTH} levels, {reader.MAXIMUM_NODES:,} values in a file.

## Values

| Kind | How it is written |
|---|---|
| text | any scalar |
| flag | `true` or `false` |
| boolean (in properties and meta) | `true on yes y 1`, `false off no n 0` |
| score | a whole number from -1000000 to 1000000, `INFINITY` or `-INFINITY` |
| duration | a number with `ms`, `s`, `min` or `h`; a bare number means seconds; ISO 8601 (`PT20S`) |
| role | `Stopped`, `Started`, `Unpromoted`, `Promoted` (older: `Slave`, `Master`) |
| secret | `{{secretRef: {{env: NAME}}}}`, `{{secretRef: {{file: /path}}}}` or `{{secretRef: {{exec: [/program, argument]}}}}` |
| pairs | a mapping from name to value; or a list of blocks `{{rule: ..., score: ..., values: {{...}}}}`, each of which holds while its rule does |

A secret never stands in a manifest: a parameter that the agent's meta-data marks private, or whose
name says that it is one (`password`, `api_key`...), takes a reference only.

Names of resources, templates, tags and devices match `{scalar.NAME_PATTERN}`, those of nodes
`{scalar.NODE_PATTERN}`.

## Sections

| Section | What it holds |
|---|---|
"""
_MODELS: tuple[tuple[str, type[pydantic.BaseModel], str], ...] = (
    ("cluster", shape.Cluster, ""),
    ("cluster.membership", shape.Membership, ""),
    ("defaults", shape.Defaults, ""),
    ("nodes.NAME", shape.Node, ""),
    ("resources.NAME, a primitive", shape.Primitive, "A template has the same fields."),
    ("resources.NAME, a group", shape.Group, ""),
    ("resources.NAME, a clone", shape.Clone, ""),
    ("resources.NAME, a bundle", shape.Bundle, ""),
    ("network of a bundle", shape.Network, ""),
    ("a port of a bundle", shape.PortMapping, ""),
    ("storage of a bundle", shape.Storage, ""),
    ("constraints: colocation", shape.Colocation, "`- colocation: {resource: a, with: b}`"),
    ("constraints: colocation of sets", shape.ColocationSets, ""),
    ("constraints: order", shape.Order, "`- order: {first: a, then: b}`"),
    ("constraints: order of sets", shape.OrderSets, ""),
    ("a resource set", shape.Set, ""),
    (
        "constraints: location",
        shape.Location,
        (
            "`- location: {resource: a, prefers: {node-1: 100}}`; exactly one of resource, "
            "resources and pattern; either prefers and avoids, or rule with score or "
            "score-attribute."
        ),
    ),
    ("one of several rules of a location", shape.ScoredRule, ""),
    ("constraints: ticket", shape.Ticket, ""),
    (
        "a rule",
        shape.Rule,
        (
            "`{attribute: rack, operation: eq, value: b}`; several tests are joined by "
            "`and: [...]` or `or: [...]`, which nest."
        ),
    ),
    ("a test of the time", shape.Date, ""),
    ("fencing.devices.NAME", shape.Device, ""),
)
_TABLES = (
    ("Cluster properties", property.CLUSTER),
    ("Meta-attributes of resources", property.RESOURCE_META),
    ("Meta-attributes of groups", property.GROUP_META),
    ("Meta-attributes of clones", property.CLONE_META),
    ("Options of operations", property.OPERATION),
    ("Meta-attributes of fence devices", property.FENCE_META),
)
_REMARKS = """\
Manifests set `stop-removed-resources: false` unless they say otherwise: a resource that is no
longer in them is left alone until it is pruned. An older name is accepted with a note.
"""


def text() -> str:
    """Return the reference as Markdown."""
    return "".join(_parts())


def _parts() -> Iterator[str]:
    yield _HEAD
    for name, section in schema.generate()["properties"].items():
        yield f"| `{name}` | {section['description']} |\n"
    yield "\n`fencing.levels` maps a node to its levels, first tried first: `ha-1: [[ipmi], [pdu_a, pdu_b]]`;"
    yield " all devices of a level must succeed. `tags` maps a name to a list of resources.\n"
    yield "\n## Fields\n"
    for title, model, remark in _MODELS:
        yield f"\n### {title}\n\n{' '.join((model.__doc__ or '').split())}"
        yield f" {remark}\n\n" if remark else "\n\n"
        yield "| Field | Default | Meaning |\n|---|---|---|\n"
        for name, field in model.model_fields.items():
            yield f"| `{field.alias or name}` | {_default(field)} | {_meaning(field)} |\n"
    yield f"\n## Options\n\n{_REMARKS}"
    for title, table in _TABLES:
        yield f"\n### {title}\n\n| Name | Type | Default | Meaning |\n|---|---|---|---|\n"
        for option in table.options.values():
            if not option.internal:
                yield _option(option)
    yield "\n## Findings\n\nEvery finding has one of these codes. Those that can be accepted become notes\n"
    yield "where `cluster: {accept: {CODE: REASON}}` says why.\n\n"
    yield "| Code | Weight | What it is about | Can be accepted |\n|---|---|---|---|\n"
    for code, (severity, words) in sorted(codes.CODES.items()):
        accepted = "yes" if code in codes.ACCEPTABLE else ""
        yield f"| `{code}` | {severity.value} | {words} | {accepted} |\n"


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if not isinstance(value, str | int) or not str(value):
        return ""
    if value == score.INFINITY:
        return "`INFINITY`"
    milliseconds = isinstance(value, int) and "as_duration" in repr(field.metadata)
    return f"`{duration.text(int(value))}`" if milliseconds else f"`{value}`"


def _meaning(field: Any) -> str:
    return str(field.description or "").replace("|", "\\|")


def _option(option: property.Option) -> str:
    older = f"; older: {', '.join(f'`{one}`' for one in option.aliases)}" if option.aliases else ""
    kind = ", ".join(option.choices) if option.choices else option.kind.value
    default = "" if option.default is None else f"`{option.default}`"
    return f"| `{option.name}` | {kind} | {default} | {option.description}{older} |\n"
