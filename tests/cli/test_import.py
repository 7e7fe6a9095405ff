"""``reconcile import``."""

from __future__ import annotations

import json

import pytest

from reconciler.scheduler import digest

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

_DIGEST = digest.digest({"state": "no", "api_key": "hush"})
"""Of the parameters as the CIB has them."""


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


def test_simulation_of_what_was_imported(reconcile, cib):
    """Manifests and observation of a cluster at rest lead to nothing, fence devices included."""
    text = cib.read_text()
    device = "<primitive id='f' class='stonith' type='fence_x'/></resources>"
    running = "".join(
        f"<lrm_resource id='{name}' class='{standard}' type='{kind}' provider='{provider}'>"
        f"<lrm_rsc_op id='{name}_last_0' operation='start' call-id='{call}' rc-code='0' op-status='0'"
        f" interval='0' op-digest='{digest}' transition-key='1:1:0:x'/></lrm_resource>"
        for call, (name, standard, kind, provider, digest) in enumerate(
            (
                ("db", "ocf", "Dummy", "heartbeat", _DIGEST),
                ("f", "stonith", "fence_x", "", "f2317cad3d54cec5d7d7aa7d0bf35cf8"),
            )
        )
    )
    status = (
        "<status><node_state id='1' uname='a' in_ccm='true' crmd='online' join='member'"
        f" expected='member'><lrm id='1'><lrm_resources>{running}</lrm_resources></lrm></node_state>"
        "</status>"
    )
    cib.write_text(text.replace("</resources>", device).replace("<status/>", status))
    reconcile("import", str(cib), "--out", "made", "--observed", "seen.json")

    ended = reconcile("simulate", "made", "--observed", "seen.json", "-o", "json")

    assert ended.status == 0, ended.err
    assert json.loads(ended.out)["rounds"][0]["plan"]["actions"] == []


def test_names_that_manifests_would_not_have(reconcile, cib):
    """A name that is too long is kept, and accepted by name."""
    long = "x" * 80
    cib.write_text(cib.read_text().replace('id="db"', f'id="{long}"'))

    ended = reconcile("import", str(cib))

    assert ended.status == 0
    assert f"  {long}:\n" in ended.out
    assert "invalid-name: " in ended.out


def test_values_that_no_manifest_can_hold(reconcile, cib):
    """A value with an invisible character is left out and listed."""
    cib.write_text(cib.read_text().replace('value="no"', 'value="n&#8203;o"'))

    ended = reconcile("import", str(cib))

    assert ended.status == 1
    assert "U+200B" in ended.err
