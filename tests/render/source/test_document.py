"""Manifests as a person would write them."""

from __future__ import annotations

import pathlib

import jsonschema
import pytest

from reconciler.cib import read
from reconciler.cli import adoption
from reconciler.manifest import codes, load, reader, schema

CIB = (pathlib.Path(__file__).parent / "cluster.xml").read_text("utf-8")
GOLDEN = pathlib.Path(__file__).parent / "golden"


@pytest.fixture(scope="module")
def adopted():
    """The cluster of this folder, read from its CIB."""
    return adoption.adopted(read.read(CIB, now=1.0))


@pytest.mark.parametrize("name", sorted(path.name for path in GOLDEN.iterdir()))
def test_golden(adopted, name):
    """Each file is written as recorded: short forms, no defaults, comments where to decide."""
    found = adopted.files()[name]

    assert found == (GOLDEN / name).read_text("utf-8")
    assert sorted(adopted.files()) == sorted(path.name for path in GOLDEN.iterdir())


def test_one_document_says_the_same(adopted):
    """All sections in one document mean what the files mean together."""
    files = {name: text.encode() for name, text in adopted.files().items()}

    together = load.load_texts(files, pacemaker=True).desired
    single = load.load_texts({"m.yaml": adopted.single().encode()}, pacemaker=True).desired

    assert together == single


def test_listing(adopted):
    """Secrets, references to nothing and notes of the cluster to itself are listed by id."""
    listed = [(one.code, one.position.file) for one in adopted.findings]

    assert listed == [
        ("cib-not-carried", "cib:acls"),
        ("cib-secret", "cib:fence-a"),
        ("cib-dangling-reference", "cib:cli-ban-gone-on-a"),
        ("cib-internal", "cib:crm_config"),
    ]


def test_schema(adopted):
    """What is written fits the schema that is published for editors."""
    validator = jsonschema.Draft202012Validator(schema.generate())

    for text in (*adopted.files().values(), adopted.single()):
        document = reader.read("m.yaml", text.encode(), codes.Findings())
        assert [error.message for error in validator.iter_errors(document.root)] == []
