"""Writing a whole CIB."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.cib import presence, read, write
from reconciler.cli import adoption
from reconciler.model import agent, attribute, desired, node, observed, resource, secret

SOURCE = pathlib.Path(__file__).parents[1] / "render" / "source" / "cluster.xml"
_DUMMY = agent.AgentName("ocf", "heartbeat", "Dummy")
_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn")), max_size=20)


def _cluster(*resources, properties=None):
    sets = (attribute.AttributeSet(properties),) if properties else ()
    return desired.Desired("c", sets, (node.Node("a", "1"), node.Node("b", "2")), resources)


def _primitive(name="r", **params):
    return resource.Primitive(name, _DUMMY, (attribute.AttributeSet(params),) if params else ())


@given(_TEXTS)
def test_values_come_back(value):
    """Whatever a value holds, it is read back as it was."""
    found = read.read(write.text(_cluster(_primitive(p=value))))

    assert attribute.always(found.desired.resources[0].params, "p") == value


def test_lines_come_back():
    """Line ends and tabs survive, too."""
    found = read.read(write.text(_cluster(_primitive(p="a\n\tb"))))

    assert attribute.always(found.desired.resources[0].params, "p") == "a\n\tb"


def test_ids_are_unique():
    """No two elements have one id, and all ids can be ids."""
    found = read.read(SOURCE.read_text("utf-8"))
    text = write.text(found.desired, found.fencing.levels)

    ids = re.findall(r'<(?!resource_ref|obj_ref)\w+[^>]* id="([^"]+)"', text)
    assert len(ids) == len(set(ids)) > 0


def test_older_names():
    """Properties have the names that Pacemaker 2 reads."""
    text = write.text(_cluster(properties={"fencing-enabled": "true", "no-quorum-policy": "fence"}))

    assert 'name="stonith-enabled" value="true"' in text
    assert 'name="no-quorum-policy" value="suicide"' in text


def test_secrets_stay_out():
    """Of a secret only the place is written."""
    reference = secret.SecretRef(secret.SecretSource.ENV, ("PW",))

    assert 'value="secretRef(env: PW)"' in write.text(_cluster(_primitive(password=reference)))


@pytest.mark.parametrize(
    ("here", "expected", "shutdown", "reason", "fencing"),
    [
        (observed.Presence.ONLINE, True, False, "", "true"),
        (observed.Presence.ONLINE, True, False, "", "false"),
        (observed.Presence.ONLINE, True, False, presence.PROCESS_LOST, "true"),
        (observed.Presence.ONLINE, False, True, "", "true"),
        (observed.Presence.PENDING, True, False, "", "true"),
        (observed.Presence.OFFLINE, False, False, "", "true"),
        (observed.Presence.OFFLINE, False, False, "", "false"),
        (observed.Presence.OFFLINE, False, True, "", "true"),
        (observed.Presence.UNKNOWN, True, False, "", "true"),
        (observed.Presence.UNKNOWN, True, False, "", "false"),
        (observed.Presence.UNSEEN, False, False, "", "true"),
    ],
)
def test_presence_comes_back(here, expected, shutdown, reason, fencing):
    """What is known of a node is judged the same after it was written."""
    one = observed.ObservedNode(
        "a", here, expected_up=expected, shutdown=shutdown, unclean_reason=reason
    )
    seen = observed.Observed(1.0, quorate=True, nodes={"a": one})
    wanted = _cluster(properties={"fencing-enabled": fencing})

    found = read.read(write.text(wanted, (), seen)).observed.nodes["a"]
    assert (found.presence, found.expected_up, found.shutdown, found.unclean_reason) == (
        here,
        expected,
        shutdown,
        reason,
    )


@pytest.mark.parametrize("lost", [True, False])
def test_lost_quorum_comes_back(lost):
    """A partition that never had quorum is not told as one that lost it, which may be fenced."""
    attributes = {read.QUORUM_LOST: "true" if lost else "false"}
    seen = observed.Observed(1.0, quorate=False, nodes={}, attributes=attributes)

    assert ("no-quorum-panic" in write.text(_cluster(), (), seen)) is lost
    assert read.read(write.text(_cluster(), (), seen)).observed.attributes == attributes


@pytest.mark.parametrize("attributes", [{}, {"shutdown": "0"}, {"shutdown": "1711111111"}])
def test_a_request_to_leave_comes_back_as_an_attribute(attributes):
    """That is where Pacemaker looks for it; one that says so already stays as it is."""
    one = observed.ObservedNode("a", observed.Presence.ONLINE, shutdown=True, attributes=attributes)
    seen = observed.Observed(1.0, quorate=True, nodes={"a": one})

    found = read.read(write.text(_cluster(), (), seen)).observed.nodes["a"]

    assert found.shutdown
    assert found.attributes == {"shutdown": attributes.get("shutdown", "0").replace("0", "1")}


def test_history_comes_back():
    """Operation records keep everything that a CIB can hold."""
    record = observed.OperationRecord(
        "monitor",
        10_000,
        7,
        8,
        observed.OperationStatus.ERROR,
        expected_rc=8,
        changed_at=5.0,
        run_at=6.0,
        exec_ms=3,
        queue_ms=2,
        reason="it broke",
        digests=observed.Digests("1", "2", "3", ("p",), ("q",)),
        source="b",
        target="a",
        token="1:2:8:x",
        id="r_last_failure_0",
    )
    history = observed.ResourceHistory("r:0", _DUMMY, (record,), locked_at=4.0)
    one = observed.ObservedNode("a", observed.Presence.ONLINE, histories={"r:0": history})
    tickets = {"t": observed.TicketState(granted=True, last_granted=3.0)}
    seen = observed.Observed(9.0, quorate=False, nodes={"a": one}, tickets=tickets, dc="a")

    found = read.read(write.text(_cluster(_primitive()), (), seen)).observed

    assert found.nodes["a"].histories == {"r:0": history}
    assert (found.now, found.quorate, found.dc, found.tickets) == (9.0, False, "a", tickets)


@pytest.mark.real
@pytest.mark.skipif(
    shutil.which("crm_verify") is None and not os.environ.get("CI"),
    reason="crm_verify is not installed",
)
def test_pacemaker_accepts_it(tmp_path):
    """Pacemaker's own check finds no error."""
    found = read.read(SOURCE.read_text("utf-8"))
    path = tmp_path / "cib.xml"
    content = adoption.adopted(found).content
    path.write_text(write.text(content.desired, content.levels))

    ended = subprocess.run(
        ["crm_verify", "-x", str(path), "-V"], capture_output=True, text=True, check=False
    )
    assert "error" not in ended.stderr
    assert ended.stdout == ""
