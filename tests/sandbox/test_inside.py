"""A node is a small machine of its own."""

import subprocess

import pytest

from reconciler.sandbox import cluster, inside, power, spec

pytestmark = [pytest.mark.root]


@pytest.fixture
def pair(make_sandbox):
    """Two nodes that are up."""
    sandbox = make_sandbox(2)
    sandbox.up()
    return sandbox


def test_an_address_added_in_one_node_can_be_pinged_from_another(pair):
    """A virtual IP address is real: seen in the one node, reached from the other, gone when removed."""
    command = ["ip", "addr", "add", "10.99.0.100/24", "dev", "eth0"]
    assert inside.run_in(pair.root, "n1", command).returncode == 0

    assert inside.addresses(pair.root) == {"n1": ("10.99.0.1", "10.99.0.100"), "n2": ("10.99.0.2",)}
    assert inside.run_in(pair.root, "n2", ["ping", "-c1", "-W5", "10.99.0.100"]).returncode == 0

    inside.run_in(pair.root, "n1", ["ip", "addr", "del", "10.99.0.100/24", "dev", "eth0"])
    assert inside.run_in(pair.root, "n2", ["ping", "-c1", "-W1", "10.99.0.100"]).returncode != 0


def test_a_node_has_its_own_name_processes_and_temporary_files(pair):
    """Host name, pid 1, /tmp and /run are the node's; the sandbox's files stay visible."""
    script = "uname -n; readlink /proc/self/ns/pid; ls -A /tmp; ls /run; echo x >/tmp/mine; cat $0/n1/boot_id"
    done = inside.run_in(pair.root, "n1", ["sh", "-c", script, str(pair.root)])

    assert done.stderr == ""
    lines = done.stdout.split("\n")
    assert lines[0] == "n1"
    assert lines[1] != subprocess.check_output(["readlink", "/proc/self/ns/pid"], text=True).strip()
    assert "resource-agents" in lines
    assert lines[-2] == pair.node().boot_id
    other = inside.run_in(pair.root, "n2", ["ls", "/tmp/mine"])
    assert other.returncode != 0


def test_the_network_view_keeps_the_files_of_the_host(pair, tmp_path):
    """A client program on the host can speak to a node's network."""
    done = inside.run_in(
        pair.root, "n1", ["sh", "-c", f"ls -d {tmp_path}; ip -br addr"], view=inside.View.NETWORK
    )

    assert str(tmp_path) in done.stdout
    assert "10.99.0.1/24" in done.stdout


def test_orphans_are_reaped(pair):
    """No zombie stays in a node."""
    inside.run_in(pair.root, "n1", ["sh", "-c", "(sleep 0.05 &) ; (true &)"])
    done = inside.run_in(pair.root, "n1", ["sh", "-c", "sleep 0.5; ps -eo stat= | grep -c Z"])

    assert done.stdout == "0\n"


def test_a_program_that_does_not_end_is_killed(pair):
    """A time-out ends the program and its children, and is reported."""
    with pytest.raises(subprocess.TimeoutExpired):
        inside.run_in(pair.root, "n1", ["sh", "-c", "sleep 600"], timeout_s=0.3)

    done = inside.run_in(pair.root, "n1", ["sh", "-c", "ps -eo args= | grep -c '[s]leep 600'"])
    assert done.stdout == "0\n"


def test_nothing_runs_in_a_node_that_is_off(pair):
    """The message says what the node is."""
    power.power_off(pair.root, "n1")

    with pytest.raises(spec.SandboxError, match="node n1 is off"):
        inside.run_in(pair.root, "n1", ["true"])


def test_the_host_s_own_network_is_not_touched(make_sandbox):
    """Interfaces and addresses of the host are the same before, during and after."""

    def interfaces():
        return subprocess.check_output(["ip", "-br", "addr"], text=True)

    before = interfaces()
    sandbox = make_sandbox(2)
    sandbox.up()
    during = interfaces()
    cluster.down(sandbox.root)

    assert before == during == interfaces()
