"""``reconcile simulate`` on a CIB."""

from __future__ import annotations

import io
import json
import pathlib

import pytest

CIB = """\
<cib validate-with="pacemaker-3.9" have-quorum="1" dc-uuid="1" {more}>
  <configuration>
    <crm_config>
      <cluster_property_set id="o">
        <nvpair id="o-f" name="stonith-enabled" value="false"/>
      </cluster_property_set>
    </crm_config>
    <nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>
    <resources><primitive id="p" class="ocf" provider="heartbeat" type="Dummy"/></resources>
    <constraints>
      <rsc_location id="l" rsc="p">
        <rule id="l-r" score="50">
          <date_expression id="l-d" operation="gt" start="2020-01-01"/>
          <expression id="l-e" attribute="#uname" operation="eq" value="n2"/>
        </rule>
      </rsc_location>
    </constraints>
  </configuration>
  <status>
    <node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member"/>
    <node_state id="2" uname="n2" in_ccm="true" crmd="online" join="member" expected="member"/>
  </status>
</cib>
"""


@pytest.fixture
def cib(tmp_path):
    """A file with a CIB of two nodes and one resource; its attributes can be added to."""
    path = tmp_path / "cib.xml"

    def write(more: str = "") -> str:
        path.write_text(CIB.format(more=more))
        return str(path)

    return write


def _placed(ended) -> dict[str, str]:
    return json.loads(ended.out)["final"]["placement"]["p"]


def test_json_is_a_recorded_decision(reconcile, cib):
    """A CIB's decisions are printed with every field that a recorded decision has."""
    ended = reconcile("simulate", "--cib", cib(), "-o", "json")
    found = json.loads(ended.out)

    assert ended.status == 0
    assert set(found) >= {
        *("rc", "initial", "final", "summary", "fencing_summary", "actions", "order"),
        *("executed", "scores", "promotion_scores", "pseudo"),
    }
    assert found["initial"]["placement"] == {"p": {}}
    assert ["rsc", "start", "p", "n2", 0] in found["executed"]


@pytest.mark.parametrize(
    ("more", "options", "node"),
    [
        ("", ("--at", "2019-06-01"), "n1"),
        ("", ("--at", "2021-06-01T12:00:00Z"), "n2"),
        ("", ("--at", "1559390400"), "n1"),
        ("", ("--at", "2019-200T12:00"), "n1"),
        ("", (), "n2"),
        ('execution-date="1559390400"', (), "n1"),
        ('execution-date="1559390400"', ("--at", "2021-06-01"), "n2"),
    ],
)
def test_time(reconcile, cib, more, options, node):
    """The time given counts, else that of the CIB, else that of the clock."""
    ended = reconcile("simulate", "--cib", cib(more), "-o", "json", *options)

    assert set(_placed(ended)) == {node}


def test_no_time(reconcile, cib):
    """What is no time is wrong usage."""
    ended = reconcile("simulate", "--cib", cib(), "--at", "yesterday")

    assert ended.status == 64
    assert "'yesterday' is no time" in ended.err


def test_stdin(reconcile, cib, monkeypatch):
    """A dash stands for stdin."""
    content = pathlib.Path(cib()).read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))

    ended = reconcile("simulate", "--cib", "-", "-o", "json")

    assert set(_placed(ended)) == {"n2"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            b"<cib><configuration></cib>",
            ":1:23: error[cib-not-xml]: no well-formed XML: mismatched tag\n",
        ),
        (b"<crm_mon/>", "error[cib-not-a-cib]"),
        (b"", "error[cib-not-xml]"),
        (b"\xff\xfe", "no UTF-8 text"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><cib/>', "error[cib-doctype]"),
        (b"<cib>" + b"<a>" * 100, "error[cib-too-deep]"),
    ],
)
def test_no_cib(reconcile, tmp_path, content, words):
    """What is no CIB is refused with its place in the file."""
    path = tmp_path / "odd.xml"
    path.write_bytes(content)

    ended = reconcile("simulate", "--cib", str(path))

    assert ended.status == 65
    assert ended.err.startswith(str(path))
    assert words in ended.err
    assert ended.out == ""


def test_no_file(reconcile, tmp_path):
    """A file that is not there is named."""
    ended = reconcile("simulate", "--cib", str(tmp_path / "none.xml"))

    assert ended.status == 65
    assert "none.xml: No such file" in ended.err


def test_too_long(reconcile, cib, monkeypatch):
    """A file beyond the limit is refused before it is parsed."""
    monkeypatch.setattr("reconciler.cli.cib_file._BYTES_MAX", 100)

    ended = reconcile("simulate", "--cib", cib())

    assert ended.status == 65
    assert "error[cib-too-long]" in ended.err
