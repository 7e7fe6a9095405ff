"""``reconcile import``."""

from __future__ import annotations

import json

import pytest

_CIB = """\
<cib have-quorum="1"><configuration>
<crm_config><cluster_property_set id="p">
  <nvpair id="p1" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>
<nodes><node id="1" uname="a"/></nodes>
<resources>
  <primitive id="db" class="ocf" provider="heartbeat" type="Dummy">
    <instance_attributes id="i">
      <nvpair id="i1" name="state" value="no"/><nvpair id="i2" name="api_key" value="hush"/>
    </instance_attributes></primitive>
</resources><constraints/>
{more}</configuration><status/></cib>
"""


@pytest.fixture
def cib(tmp_path, monkeypatch):
    """A CIB in a file, in an empty working directory."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "cib.xml"
    path.write_text(_CIB.format(more=""))
    return path


def test_document_on_stdout(reconcile, cib, tmp_path):
    """Without a directory there is one document on stdout, which is valid as it is."""
    ended = reconcile("import", str(cib))
    (tmp_path / "m.yaml").write_text(ended.out)

    assert ended.status == 0
    assert reconcile("validate", "m.yaml").status == 0


def test_secrets_stay_behind(reconcile, cib):
    """A secret appears nowhere; the listing names the variable that it is read from."""
    ended = reconcile("import", str(cib), "--out", "made")

    assert "hush" not in ended.out + ended.err
    assert all("hush" not in path.read_text() for path in (cib.parent / "made").iterdir())
    assert "$DB_API_KEY" in ended.err


def test_files_are_not_overwritten(reconcile, cib):
    """Manifests that are there stay, unless it is said that they shall not."""
    made = cib.parent / "made"
    reconcile("import", str(cib), "--out", "made")
    (made / "nodes.yaml").write_text("mine")

    refused = reconcile("import", str(cib), "--out", "made")
    assert refused.status == 1
    assert "nodes.yaml" in refused.err
    assert (made / "nodes.yaml").read_text() == "mine"

    assert reconcile("import", str(cib), "--out", "made", "--force").status == 0
    assert (made / "nodes.yaml").read_text() != "mine"


def test_what_cannot_be_carried(reconcile, cib):
    """What is lost is listed with its id, and the exit status says so."""
    cib.write_text(_CIB.format(more="<acls><acl_role id='reader'/></acls>"))

    ended = reconcile("import", str(cib), "-o", "json")
    found = json.loads(ended.out)

    assert ended.status == 1
    assert found["lossy"]
    assert [one["code"] for one in found["diagnostics"]][:1] == ["cib-not-carried"]


def test_no_cib(reconcile, cib):
    """What is no CIB is refused."""
    cib.write_text("<crm_mon/>")

    ended = reconcile("import", str(cib))

    assert ended.status == 65
    assert "cib-not-a-cib" in ended.err
