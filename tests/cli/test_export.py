"""``reconcile export``."""

from __future__ import annotations

import pytest

from reconciler.cib import read


def test_cib(reconcile, manifests):
    """Manifests become a CIB with fence devices among the resources, and no secret in it."""
    ended = reconcile("export", str(manifests))

    found = read.read(ended.out)
    assert ended.status == 0
    assert [one.name for one in found.desired.resources][:1] == ["ipmi_1"]
    assert "0123456789ab" not in ended.out
    assert "secret-not-written" in ended.err


def test_pcs(reconcile, manifests):
    """Manifests become a script that reads its secrets when it runs."""
    ended = reconcile("export", str(manifests), "--format", "pcs")

    assert ended.status == 0
    assert ended.out.startswith("#!/bin/sh\n")
    assert 'password="$(cat ' in ended.out


def test_import_and_export(reconcile, manifests, tmp_path):
    """What was exported can be imported, status included, and exported again to the same."""
    reconcile("export", str(manifests), "--out", "first.xml")
    imported = reconcile("import", "first.xml", "--out", "made", "--observed", "seen.json")
    assert imported.status == 0
    again = reconcile("export", "made", "--observed", "seen.json", "--out", "second.xml")
    assert again.status == 0

    first, second = (
        read.read((tmp_path / name).read_text(), now=1.0).desired
        for name in ("first.xml", "second.xml")
    )
    assert [one.name for one in second.resources] == [one.name for one in first.resources]
    assert second.constraints == first.constraints
    assert (tmp_path / "seen.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("words", [("--cib", "x.xml", "m"), ("--cib", "x.xml", "--observed", "y")])
def test_one_source(reconcile, words):
    """A CIB stands for everything else."""
    assert reconcile("export", *words).status == 64
