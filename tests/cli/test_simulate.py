"""``reconcile simulate``: on a CIB, and on manifests with a kept observation."""

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
        (b"<cib>" + b"<a>" * 100 + b"</a>" * 100 + b"</cib>", "error[cib-too-deep]"),
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
    monkeypatch.setattr("reconciler.cib.document.MAXIMUM_CHARACTERS", 20)

    ended = reconcile("simulate", "--cib", cib())

    assert ended.status == 65
    assert "error[file-too-long]" in ended.err


STOPPED = {"operation": "monitor", "interval_ms": 0, "call": 1, "rc": 7, "status": "done"}
STARTED = {"operation": "start", "interval_ms": 0, "call": 2, "rc": 0, "status": "done"}


@pytest.fixture
def observed(tmp_path):
    """A kept observation of the manifests' cluster: p_vip on n1, everything else stopped."""

    def history(*operations: dict[str, object]) -> dict[str, object]:
        probe = {**STOPPED, "expected_rc": 7}
        return {"agent": "ocf:heartbeat:IPaddr2", "operations": [probe, *operations]}

    nodes = {
        name: {
            "presence": "online",
            "boot_id": name,
            "histories": {
                "p_vip": history(*([STARTED] if name == "n1" else [])),
                "p_vip2": history(),
            },
        }
        for name in ("n1", "n2", "n3")
    }
    body = {
        "kind": "reconciler-observation",
        "format_version": 1,
        "now": 1_700_000_000,
        "quorate": True,
        "nodes": nodes,
    }
    path = tmp_path / "seen.json"
    path.write_text(json.dumps(body))
    return path


def _final(ended) -> dict[str, dict[str, str]]:
    return json.loads(ended.out)["rounds"][-1]["final"]["placement"]


def test_manifests_with_an_observation(reconcile, manifests, observed):
    """Manifests and a kept observation give a documented object, and nothing is contacted."""
    ended = reconcile("simulate", str(manifests), "--observed", str(observed), "-o", "json")
    found = json.loads(ended.out)

    assert ended.status == 0
    assert (found["format_version"], found["source"], found["cluster"]) == (1, "observed", "trial")
    assert found["at"] == "2023-11-14T22:13:20Z"
    assert _final(ended) == {"p_vip": {"n1": "Started"}, "p_vip2": {"n1": "Started"}}
    (only,) = found["rounds"]
    assert only["initial"]["placement"] == {"p_vip": {"n1": "Started"}, "p_vip2": {}}
    assert {one["outcome"] for one in only["executed"]} == {"success"}
    assert "scores" not in only


@pytest.mark.parametrize(
    ("words", "node"),
    [
        (("--fail-node", "n1"), "n2"),
        (("--node-down", "n1"), "n2"),
        (("--standby", "n1"), "n2"),
        (("--standby", "n1", "--standby", "n2"), "n3"),
        (("--maintenance", "n1", "--standby", "n1"), "n1"),
        (("--fail-op", "p_vip:start@n1=1"), "n2"),
        (("--fail-op", "p_vip:monitor@n1=7"), "n1"),
        (("--fail-op", "p_vip:monitor:5s@n1"), "n1"),
    ],
)
def test_events(reconcile, manifests, observed, words, node):
    """Events happen before the plan is made, and decide where things are after it."""
    ended = reconcile("simulate", str(manifests), "--observed", str(observed), "-o", "json", *words)

    assert ended.status == 0
    assert set(_final(ended)["p_vip"]) == {node}
    assert len(json.loads(ended.out)["events"]) == len(words) // 2


def test_a_failed_monitor_is_recovered(reconcile, manifests, observed):
    """An operation that has failed leads to the recovery of its resource."""
    ended = reconcile(
        "simulate", str(manifests), "--observed", str(observed), "--fail-op", "p_vip:monitor@n1=7"
    )

    assert "monitor every 5s of p_vip on n1 has ended with 7" in ended.out
    assert "recover  p_vip" in ended.out


def test_quorum_follows_the_nodes(reconcile, manifests, observed):
    """With two of three nodes lost there is no quorum, unless it is said that there is."""
    lost = ("--node-down", "n2", "--node-down", "n3")
    words = ("simulate", str(manifests), "--observed", str(observed), "-o", "json", *lost)

    without = reconcile(*words)
    given = reconcile(*words, "--quorum", "yes")

    assert _final(without)["p_vip"] == {}
    assert _final(given)["p_vip"] == {"n1": "Started"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--fail-node", "n4"), "no node 'n4'"),
        (("--fail-node", "n11"), "did you mean 'n1'?"),
        (("--set-attribute", "n1:x"), "is not NODE:NAME=VALUE"),
        (("--set-attribute", "n9:x=1"), "no node 'n9'"),
        (("--ticket-grant", "t"), "no ticket 't'"),
        (("--fail-op", "p_vip@n1=7"), "is not RSC:TASK[:INTERVAL]@NODE[=RC]"),
        (("--fail-op", "p_vap:stop@n1"), "did you mean 'p_vip'?"),
        (("--fail-op", "p_vip:stop@n7"), "no node 'n7'"),
        (("--fail-op", "p_vip:monitor:7s@n1"), "its intervals: 5s"),
        (("--fail-op", "p_vip:monitor:soon@n1"), "'soon' is no length of time"),
        (("--fail-op", "p_vip2:monitor@n1"), "which monitor of 'p_vip2'? Its intervals: none"),
        (("--will-fail", "p_vap:stop@n1"), "did you mean 'p_vip'?"),
        (("--converge", "0"), "0"),
        (("--cib", "x.xml"), "name no other source"),
    ],
)
def test_wrong_words(reconcile, manifests, observed, words, message):
    """What names nothing is wrong usage, with what is near or what there is."""
    ended = reconcile("simulate", str(manifests), "--observed", str(observed), *words)

    assert ended.status == 64
    assert message in ended.err


def test_time_of_an_observation(reconcile, manifests, observed):
    """A time that is given counts more than that of the observation."""
    ended = reconcile(
        "simulate", str(manifests), "--observed", str(observed), "--at", "2024-02-03T04:05:06Z"
    )

    assert "2024-02-03T04:05:06Z" in ended.out


def test_a_spoilt_observation(reconcile, manifests, observed):
    """What is no observation is refused as invalid input, with its place."""
    observed.write_text(observed.read_text().replace('"online"', '"onlin"', 1))

    ended = reconcile("simulate", str(manifests), "--observed", str(observed))

    assert ended.status == 65
    assert ended.err.startswith(f"{observed}: error[observation-wrong-value]: nodes.n1.presence")
    assert "did you mean 'online'" in ended.err


def test_no_observation(reconcile, manifests, tmp_path):
    """An observation file that is not there is named, with how to write one."""
    ended = reconcile("simulate", str(manifests), "--observed", str(tmp_path / "none.json"))

    assert ended.status == 65
    assert "status --save-observed" in ended.err


def test_a_run_shows_the_cluster_after_it(reconcile, manifests, observed):
    """With --run it is shown how the plan goes, and what is where afterwards and was before."""
    words = ("simulate", str(manifests), "--observed", str(observed), "--fail-node", "n1")
    plain = reconcile(*words)
    ended = reconcile(*words, "--run")

    assert "afterwards" not in plain.out
    assert "all as asked for" in ended.out
    assert "  n1  offline  was UNCLEAN\n" in ended.out
    assert "  p_vip   Started  n2  was n1\n" in ended.out
    assert "  p_vip2  Started  n2  was Stopped\n" in ended.out


def test_what_will_fail_ends_the_run(reconcile, manifests, observed):
    """An operation that will fail fails when its action is run, and the run ends there."""
    ended = reconcile(
        *("simulate", str(manifests), "--observed", str(observed), "--run"),
        *("--fail-node", "n1", "--will-fail", "p_vip:start@n2=1"),
    )

    assert "start p_vip on n2 FAILED (rc 1), which ended the run." in ended.out
    assert "p_vip   Started  n2 (failed)  was n1\n" in ended.out


def test_it_converges(reconcile, manifests, observed):
    """With --converge plans are made and run until nothing is left, and the status is 0."""
    ended = reconcile(
        *("simulate", str(manifests), "--observed", str(observed), "--converge", "5"),
        *("--fail-node", "n1", "--will-fail", "p_vip:start@n2=1"),
    )

    assert ended.status == 0
    assert "Round 3" in ended.out
    assert "Converged: after 2 plans nothing is left to do." in ended.out
    assert "p_vip   Started  n3  was n1\n" in ended.out


def test_it_does_not_converge(reconcile, manifests, observed):
    """Where the rounds are not enough, the status is 4."""
    ended = reconcile(
        *("simulate", str(manifests), "--observed", str(observed), "--converge", "1"),
        *("--fail-node", "n1"),
    )

    assert ended.status == 4
    assert "Not converged: after 1 round there is more to do." in ended.out


def test_it_ends_blocked(reconcile, cib):
    """Where something is due that cannot be done, the status is 4 and says so."""
    ended = reconcile("simulate", "--cib", cib(), "--converge", "9", "--fail-op", "p:stop@n1")

    assert ended.status == 4
    assert "Blocked: 1 blocked, and nothing more can be done." in ended.out


def test_scores(reconcile, manifests, observed):
    """With --scores every score stands in a row: stage, resource, node, value."""
    words = ("simulate", str(manifests), "--observed", str(observed), "--scores")
    rows = [row.split() for row in reconcile(*words).out.splitlines()]
    found = json.loads(reconcile(*words, "-o", "json").out)

    assert ["primitive", "p_vip", "n1", "50", "chosen"] in rows
    assert ["primitive", "p_vip2", "n2", "-INFINITY"] in rows
    assert found["rounds"][0]["scores"]["primitive"]["p_vip"] == {"n1": 50, "n2": 0, "n3": 0}


def test_rounds_of_a_cib_are_a_list(reconcile, cib):
    """With --converge a CIB's recorded decisions are a list, one for each transition."""
    ended = reconcile("simulate", "--cib", cib(), "--converge", "4", "-o", "json")
    found = json.loads(ended.out)

    assert [bool(one["actions"]) for one in found] == [True, False]
    assert found[0]["final"]["placement"] == found[1]["initial"]["placement"]


def test_ticket_and_attribute_of_a_cib(reconcile, cib):
    """Tickets and transient attributes of a CIB can be changed, too."""
    path = pathlib.Path(cib())
    text = path.read_text()
    wanted = '<rsc_ticket id="t" rsc="p" ticket="T" loss-policy="stop"/></constraints>'
    text = text.replace("</constraints>", wanted)
    path.write_text(text.replace('attribute="#uname"', 'attribute="mark"'))
    words = ("simulate", "--cib", str(path), "-o", "json")

    revoked = reconcile(*words)
    granted = reconcile(*words, "--ticket-grant", "T")
    marked = reconcile(*words, "--ticket-grant", "T", "--set-attribute", "n2:mark=n2")

    assert _placed(revoked) == {}
    assert _placed(granted) == {"n1": "Started"}
    assert _placed(marked) == {"n2": "Started"}


def test_a_remote_node_goes_with_its_connection(reconcile, cib):
    """A remote node cannot fail by itself: it is said that its connection can."""
    path = pathlib.Path(cib())
    text = path.read_text().replace("</nodes>", '<node id="r" uname="r" type="remote"/></nodes>')
    path.write_text(text)

    ended = reconcile("simulate", "--cib", str(path), "--fail-node", "r")

    assert ended.status == 64
    assert "let that fail: --fail-op r:monitor@NODE" in ended.err
