"""The shipped OCF agents keep to the standard: exit codes, idempotence, meta-data, reasons."""

import os
import pathlib
import signal
import socket
import subprocess
import urllib.request
from xml.etree import ElementTree as ET

import pytest

import reconciler.executor

DIRECTORY = pathlib.Path(reconciler.executor.__file__).parent / "ocf/resource.d/reconciler"
AGENTS = ("Dummy", "Stateful", "Web")


@pytest.fixture
def free_tcp_port():
    """A TCP port of the loopback interface that nobody has right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def agent(tmp_path, free_tcp_port):
    """Runs an agent's action in an environment of its own; returns (exit code, output, reason)."""
    shims = tmp_path / "shims"
    shims.mkdir()
    for name in ("crm_master", "crm_attribute"):
        (shims / name).write_text(f'#!/bin/sh\necho "{name} $*" >>{tmp_path}/scores\n')
        (shims / name).chmod(0o755)

    def run(name, action, **parameters):
        environment = {
            "PATH": f"{shims}:/usr/sbin:/usr/bin:/sbin:/bin",
            "HA_RSCTMP": str(tmp_path / "rsctmp"),
            "OCF_RESOURCE_INSTANCE": "example",
            "OCF_RESKEY_crm_feature_set": "3.19.0",
            "OCF_RESKEY_CRM_meta_on_node": "n1",
        }
        if name == "Web":
            parameters = {"ip": "127.0.0.1", "port": free_tcp_port} | parameters
        environment |= {
            key if key.startswith("OCF_") else f"OCF_RESKEY_{key}": str(value)
            for key, value in parameters.items()
        }
        done = subprocess.run(
            [DIRECTORY / name, action],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        prefix = "ocf-exit-reason:"
        reasons = [line for line in done.stderr.splitlines() if line.startswith(prefix)]
        return done.returncode, done.stdout, " ".join(reasons).removeprefix(prefix)

    yield run
    for name in AGENTS:
        run(name, "stop")


@pytest.mark.parametrize("name", AGENTS)
def test_the_agents_are_programs_only_their_owner_may_change(name):
    """An executor that runs as root refuses agents that others could have written."""
    mode = (DIRECTORY / name).stat().st_mode

    assert mode & 0o111 == 0o111
    assert mode & 0o022 == 0


@pytest.mark.parametrize("name", AGENTS)
def test_meta_data_is_that_of_version_1_1(agent, name):
    """Every parameter and action is described, with a text in English and a time-out."""
    code, output, _ = agent(name, "meta-data")
    tree = ET.fromstring(output)  # noqa: S314  # our own program's output

    assert code == 0
    assert (tree.get("name"), tree.findtext("version")) == (name, "1.1")
    for described in [tree, *tree.iter("parameter")]:
        assert described.findtext("shortdesc").strip()
        assert described.findtext("longdesc").strip()
    for parameter in tree.iter("parameter"):
        assert parameter.get("required") in ("0", "1")
        assert parameter.get("reloadable") in ("0", "1")
        assert parameter.find("content").get("type") in ("string", "integer", "boolean")
        assert parameter.find("content").get("default") is not None
    actions = [action.get("name") for action in tree.iter("action")]
    assert {"start", "stop", "monitor", "meta-data", "validate-all"} <= set(actions)
    assert all(action.get("timeout") for action in tree.iter("action"))
    assert ("promote" in actions) is (name == "Stateful")
    assert any(one.get("reloadable") == "1" for one in tree.iter("parameter")) is (
        "reload-agent" in actions
    )


@pytest.mark.parametrize("name", AGENTS)
def test_a_life_from_probe_to_stop(agent, name):
    """Start and stop are idempotent, and monitor follows."""
    expected = {
        "monitor": [7, 0, 7],
        "validate-all": [0, 0, 0],
        "start": [0],
        "stop": [0],
    }
    seen = {action: [] for action in expected}
    for actions in (
        ("monitor", "validate-all", "start", "start"),
        ("monitor", "validate-all", "stop", "stop"),
        ("monitor", "validate-all"),
    ):
        for action in actions:
            seen[action].append(agent(name, action)[0])
    seen["start"], seen["stop"] = sorted(set(seen["start"])), sorted(set(seen["stop"]))

    assert seen == expected


@pytest.mark.parametrize("name", AGENTS)
def test_an_unknown_action_is_not_implemented(agent, name):
    """Exit code 3 and a reason, and nothing happens."""
    code, output, reason = agent(name, "dance")

    assert (code, output) == (3, "")
    assert "dance" in reason
    assert agent(name, "monitor")[0] == 7


@pytest.mark.parametrize(
    ("name", "parameters", "word"),
    [
        ("Dummy", {"delay": "soon"}, "delay"),
        ("Dummy", {"state": "relative"}, "state"),
        ("Stateful", {"promoted_score": "much"}, "promoted_score"),
        ("Stateful", {"unpromoted_score": "-"}, "unpromoted_score"),
        ("Web", {"port": "http"}, "port"),
        ("Web", {"port": "65536"}, "port"),
        ("Web", {"ip": "localhost"}, "ip"),
    ],
)
def test_a_wrong_parameter_is_a_configuration_error_that_does_not_hinder_a_stop(
    agent, name, parameters, word
):
    """Start says 6 and names the parameter; stop works all the same."""
    for action in ("start", "validate-all"):
        code, _, reason = agent(name, action, **parameters)
        assert code == 6
        assert word in reason
    assert agent(name, "stop", **parameters)[0] == 0


def test_a_dummy_fails_to_start_where_it_is_asked_to(agent):
    """`fail_start_on` names the nodes, and the failed start leaves nothing active."""
    code, _, reason = agent("Dummy", "start", fail_start_on="n7 n1")

    assert code == 1
    assert "n1" in reason
    assert agent("Dummy", "monitor")[0] == 7
    assert agent("Dummy", "start", fail_start_on="n7")[0] == 0


def test_a_journal_holds_what_was_asked_for(agent, tmp_path):
    """Each line says when, where, which resource, what and with which result; monitors are left out."""
    journal = tmp_path / "journal"
    for action in (
        "start",
        "monitor",
        "reload-agent",
        "migrate_to",
        "stop",
        "migrate_from",
        "stop",
    ):
        assert agent("Dummy", action, journal=journal)[0] == 0
    agent("Dummy", "migrate_to", journal=journal)

    assert [line.split()[1:] for line in journal.read_text().splitlines()] == [
        ["n1", "example", "start", "0"],
        ["n1", "example", "reload-agent", "0"],
        ["n1", "example", "migrate_to", "0"],
        ["n1", "example", "stop", "0"],
        ["n1", "example", "migrate_from", "0"],
        ["n1", "example", "stop", "0"],
        ["n1", "example", "migrate_to", "7"],
    ]


def test_a_stateful_resource_is_promoted_and_demoted_with_its_scores(agent, tmp_path):
    """Roles show in monitor's exit code, and each role has its promotion score."""
    codes = [
        agent("Stateful", action)[0]
        for action in (
            *("promote", "start", "monitor", "promote", "monitor", "notify"),
            *("demote", "monitor", "stop", "monitor", "demote"),
        )
    ]
    scores = [
        line.removeprefix("crm_attribute --promotion=example --lifetime=reboot ")
        for line in (tmp_path / "scores").read_text().splitlines()
    ]

    assert codes == [7, 0, 0, 0, 8, 0, 0, 0, 0, 7, 7]
    assert scores == ["--update=5", "--update=10", "--update=5", "--delete"]


def test_an_older_cluster_gets_its_scores_by_crm_master(agent, tmp_path):
    """Feature sets before 3.10 know no promotion attribute."""
    agent("Stateful", "start", OCF_RESKEY_crm_feature_set="3.9.1")

    assert (tmp_path / "scores").read_text() == "crm_master --lifetime=reboot --update=5\n"


def test_a_role_that_is_none_is_a_failure(agent, tmp_path):
    """What cannot be understood is neither running nor stopped."""
    agent("Stateful", "start")
    (tmp_path / "rsctmp" / "Stateful-example.state").write_text("Confused\n")

    code, _, reason = agent("Stateful", "monitor")

    assert code == 1
    assert "Confused" in reason


def _get(port, path="/"):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return answer.read().decode()


def test_a_web_server_answers_with_its_node(agent, free_tcp_port):
    """The page names node and resource."""
    assert agent("Web", "start")[0] == 0

    assert _get(free_tcp_port) == f"node {os.uname().nodename} resource example\n"


def test_a_web_server_serves_files(agent, free_tcp_port, tmp_path):
    """With a document root the files below it are served; a missing one is a failed start."""
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "hello.txt").write_text("hello")

    assert agent("Web", "start", root=tmp_path / "nowhere")[0] == 1
    assert agent("Web", "start", root=tmp_path / "pages")[0] == 0
    assert _get(free_tcp_port, "/hello.txt") == "hello"


def test_a_web_server_that_hangs_is_a_failure_and_can_be_stopped(agent, tmp_path):
    """A stopped process holds its port and does not answer: not running would be a lie."""
    agent("Web", "start")
    record = (tmp_path / "rsctmp" / "Web-example.json").read_text()
    pid = int(record.split(":")[1].split(",")[0])
    os.kill(pid, signal.SIGSTOP)

    assert agent("Web", "monitor")[0] == 1
    assert agent("Web", "stop")[0] == 0
    assert agent("Web", "monitor")[0] == 7
    assert (
        not pathlib.Path(f"/proc/{pid}/cmdline").exists()
        or not pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    )


def test_a_port_that_somebody_else_has_is_a_failed_start(agent, free_tcp_port):
    """That something answers at the port is not taken for our own server."""
    with socket.create_server(("127.0.0.1", free_tcp_port)):
        code, _, reason = agent("Web", "start")

    assert code == 1
    assert "cannot listen" in reason
    assert agent("Web", "monitor")[0] == 7
