"""The shipped IPaddr2 stands in for the packaged one: the same calls, real addresses."""

import os
import pathlib
import subprocess

import pytest

AGENT = pathlib.Path(__file__).parents[2] / "reconciler/executor/ocf/resource.d/heartbeat/IPaddr2"
PACKAGED = pathlib.Path("/usr/lib/ocf/resource.d/heartbeat/IPaddr2")
PREPARE = (
    "ip link add eth0 type veth peer name eth1; ip address add 10.99.0.1/24 dev eth0;"
    " ip link set lo up; ip link set eth0 up; ip link set eth1 up; "
)

pytestmark = [
    pytest.mark.real,
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a network namespace"),
]


def _calls(agent, actions, **params):
    """Run actions of the agent in one new network namespace; return their exit codes."""
    script = PREPARE + "".join(f"{agent} {action} 2>/dev/null; echo $?; " for action in actions)
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "OCF_ROOT": "/usr/lib/ocf",
        "OCF_RESOURCE_INSTANCE": "vip",
        "OCF_RESKEY_CRM_meta_interval": "0",
        **{f"OCF_RESKEY_{name}": value for name, value in params.items()},
    }
    done = subprocess.run(
        ["unshare", "--net", "sh", "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return [int(line) for line in done.stdout.split()]


LIFE = ["monitor", "start", "monitor", "start", "stop", "monitor", "stop"]


def test_an_address_comes_and_goes():
    """Start adds the address, stop removes it, both may be repeated."""
    assert _calls(AGENT, LIFE, ip="10.99.0.50") == [7, 0, 0, 0, 0, 7, 0]


def test_it_answers_as_the_packaged_agent_does():
    """The same life gives the same exit codes from both."""
    if not PACKAGED.exists():
        assert "CI" not in os.environ, "resource-agents must be installed in CI"
        pytest.skip("resource-agents is not installed")
    params = {"ip": "10.99.0.50", "cidr_netmask": "24"}

    assert _calls(AGENT, LIFE, **params) == _calls(PACKAGED, LIFE, **params)


@pytest.mark.parametrize("ip", ["", "10.99.0.50;id", "$(id)", "-4"])
def test_what_is_no_address_is_not_configured(ip):
    """A bad address is the agent's own fault to report, and nothing is run with it."""
    assert _calls(AGENT, ["start", "monitor"], ip=ip) == [6, 6]


def test_an_address_of_no_network_here_needs_an_interface():
    """Without a matching network the start fails, with an interface and a length it works."""
    assert _calls(AGENT, ["start"], ip="172.16.0.9") == [1]
    assert _calls(AGENT, ["start"], ip="172.16.0.9", nic="eth0", cidr_netmask="16") == [0]


def test_unknown_actions_are_unimplemented():
    """Exit code 3 for a word that the agent does not know."""
    assert _calls(AGENT, ["promote"], ip="10.99.0.50") == [3]
