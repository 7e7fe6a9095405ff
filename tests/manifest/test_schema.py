"""The published schema and reference: fresh, valid, and of one mind with the program."""

import json
import pathlib

import jsonschema
import pytest

from reconciler.manifest import codes, reader, reference, schema
from reconciler.model import property as options

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "schemas"


@pytest.fixture(scope="module")
def validator():
    """Return a validator of the published file."""
    published = json.loads((SCHEMAS / "manifest.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(published)
    return jsonschema.Draft202012Validator(published)


def problems(validator, text):
    """Return the messages of the schema for a manifest."""
    document = reader.read("f.yaml", text.encode(), codes.Findings())
    return [error.message for error in validator.iter_errors(document.root)]


def test_schema_is_fresh():
    """The published schema is what the program makes now (python tests/manifest/refresh_schema.py)."""
    assert (SCHEMAS / "manifest.schema.json").read_text("utf-8") == schema.text()


def test_reference_is_fresh():
    """The published reference is what the program makes now (python tests/manifest/refresh_schema.py)."""
    assert (SCHEMAS / "README.md").read_text("utf-8") == reference.text()


def test_generation_is_deterministic():
    """Two runs give the same bytes."""
    assert schema.text() == schema.text()


def test_good_manifests_pass(validator, spoil, full):
    """What the program accepts, the schema accepts."""
    assert problems(validator, spoil().text) == []
    assert problems(validator, full.decode()) == []


@pytest.mark.parametrize(
    "sections",
    [
        {"apiVersion": "apiVersion: v2\n"},
        {"extra": "resorces: {}\n"},
        {"nodes": "nodes: {n1: {adress: x}}\n"},
        {"nodes": "nodes: {n1: {standby: 'yes'}}\n"},
        {"nodes": "nodes: {'a;b': {}}\n"},
        {"nodes": "nodes: {n1: {connection: carrier-pigeon}}\n"},
        {"cluster": "cluster: {name: x, properties: {stonith-enabeld: true}}\n"},
        {"cluster": "cluster: {name: x, properties: {no-quorum-policy: stopp}}\n"},
        {"cluster": "cluster: {name: x, properties: {batch-limit: many}}\n"},
        {"resources": "resources: {a: {agnt: x}}\n"},
        {"resources": "resources: {a: {group: [b], clone: c}}\n"},
        {"resources": "resources: {a: {agent: x, meta: {targetrole: Started}}}\n"},
        {"resources": "resources: {a: {agent: x, params: {p: [1]}}}\n"},
        {"resources": "resources: {a: {agent: x, params: {p: {secretRef: {vault: x}}}}}\n"},
        {"resources": "resources: {a: {agent: x, operations: {start: {timout: 3}}}}\n"},
        {"extra": "constraints: [{order: {first: a}}]\n"},
        {"extra": "constraints: [{orders: {}}]\n"},
        {"extra": "constraints: [{location: {resource: a, prefers: {n1: lots}}}]\n"},
        {"extra": "constraints: [{location: {resource: a, prefers: {n1: 99999999}}}]\n"},
        {"fencing": "fencing: {devices: {f: {hosts: [n1]}}}\n"},
        {"fencing": "fencing: {levels: {n1: [f]}}\n"},
    ],
)
def test_bad_manifests_fail(validator, spoil, sections):
    """What breaks the shape, both the schema and the program refuse."""
    spoiled = spoil(**sections)

    assert problems(validator, spoiled.text)
    assert spoiled.loaded.desired is None


def test_everything_is_described():
    """Each field has a description, and each property its default where it has one."""
    made = schema.generate()
    for name, definition in made["$defs"].items():
        for field, one in definition.get("properties", {}).items():
            inner = one.get("properties", {}) or one
            assert "description" in one or inner, f"{name}.{field}"
    properties = made["$defs"]["ClusterProperties"]["properties"]
    for option in options.CLUSTER.options.values():
        assert (option.name in properties) is not option.internal
    assert properties["batch-limit"]["default"] == "0"


def test_editors_are_told_of_older_names():
    """Older names are in the schema, marked as such."""
    properties = schema.generate()["$defs"]["ClusterProperties"]["properties"]

    assert properties["stonith-enabled"]["deprecated"] is True
