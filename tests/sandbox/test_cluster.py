"""A sandbox comes up, twice and after accidents, and goes down without a trace."""

import dataclasses
import os
import signal
import stat
import subprocess
import sys

import pytest

from reconciler.sandbox import cluster, faults, inside, network, power, processes, spec

pytestmark = [pytest.mark.root]


@pytest.mark.real
def test_three_nodes_come_up_and_go_down_twice(make_sandbox, leftovers):
    """Every node runs, answers and has its address; the second round is like the first, with new boots."""
    sandbox = make_sandbox(3, with_bmc=True)
    boots = []
    for _ in range(2):
        status = sandbox.up()

        assert status.up
        assert status.missing == ()
        assert [node.power for node in status.nodes] == [power.Power.ON] * 3
        assert all(node.executor and node.cable and not node.cut for node in status.nodes)
        assert {node.power_control for node in status.nodes} == {"ipmi_sim"}
        assert inside.addresses(sandbox.root) == {
            f"n{number}": (f"10.99.0.{number}",) for number in (1, 2, 3)
        }
        boots.append({node.boot_id for node in status.nodes})

        cluster.down(sandbox.root)

        assert leftovers(sandbox.root) == []
        assert not cluster.status(sandbox.root).up
    assert len(boots[0] | boots[1]) == 6


def test_up_is_idempotent(make_sandbox):
    """A sandbox that is up stays as it is: same processes, same boots."""
    sandbox = make_sandbox(2)

    assert sandbox.up() == sandbox.up()


def test_down_is_idempotent(make_sandbox, tmp_path):
    """Taking down what is down, or never was, is nothing to do."""
    sandbox = make_sandbox()
    sandbox.up()

    cluster.down(sandbox.root)
    cluster.down(sandbox.root)
    cluster.down(tmp_path / "never")


def test_the_executor_reports_the_node_and_its_boot(make_sandbox):
    """The real executor answers through the cable, with the node's name and boot id."""
    sandbox = make_sandbox()
    node = sandbox.up().nodes[0]

    answer = inside.hello(sandbox.files.node("n1").link_socket, 5)

    assert (answer["node"], answer["boot_id"]) == ("n1", node.boot_id)


def test_two_sandboxes_have_the_same_addresses_at_once(make_sandbox):
    """Sandboxes know nothing of each other, whatever their names and addresses."""
    one, other = make_sandbox(2), make_sandbox(2)
    one.up()
    other.up()

    assert inside.addresses(one.root) == inside.addresses(other.root)
    faults.kill(one.root, "n1")
    assert one.node().power is power.Power.CRASHED
    assert other.node().power is power.Power.ON
    assert other.node().executor


@pytest.mark.real
def test_up_repairs_a_sandbox_that_is_half_dead(make_sandbox):
    """Crashed, switched off, cut, frozen nodes and lost helpers are all brought back."""
    sandbox = make_sandbox(5, with_bmc=True)
    sandbox.up()
    root = sandbox.root
    faults.kill(root, "n1")
    power.power_off(root, "n2")
    faults.cut(root, "n3")
    faults.freeze(root, "n4")
    own = sandbox.files.node("n5")
    processes.kill(processes.load(own.cable_record))
    processes.kill(processes.load(own.bmc_record))

    status = sandbox.up()

    assert [node.power for node in status.nodes] == [power.Power.ON] * 5
    assert all(node.executor and node.cable and not node.cut for node in status.nodes)
    assert {node.power_control for node in status.nodes} == {"ipmi_sim"}
    for number in range(1, 5):
        pinged = inside.run_in(root, "n5", ["ping", "-c1", "-W5", f"10.99.0.{number}"])
        assert pinged.returncode == 0


def test_an_init_killed_from_outside_leaves_nothing_of_its_node(make_sandbox, leftovers):
    """The first process of a node takes everything with it, and `down` copes."""
    sandbox = make_sandbox()
    pid = sandbox.up().nodes[0].pid
    os.kill(pid, signal.SIGKILL)

    cluster.down(sandbox.root)

    assert leftovers(sandbox.root) == []


@pytest.mark.real
def test_a_failed_up_takes_back_what_it_started(make_sandbox, leftovers):
    """A BMC port in use fails the whole command, by name, and nothing stays running."""
    sandbox = make_sandbox(2, with_bmc=True)
    taken = make_sandbox(1)
    blocker = spec.NodeSpec("n1", "10.99.0.1", bmc=sandbox.spec.nodes[1].bmc)
    cluster.up(spec.ClusterSpec("other", taken.root, (blocker,)))

    with pytest.raises(spec.SandboxError, match=r"n2: BMC address 127\.0\.0\.1 port \d+ is in use"):
        sandbox.up()

    assert leftovers(sandbox.root) == []
    assert not cluster.status(sandbox.root).up


def test_another_specification_needs_a_down_first(make_sandbox):
    """Nodes are not added to, or changed in, a sandbox that runs."""
    sandbox = make_sandbox(1)
    sandbox.up()
    more = spec.ClusterSpec(
        "demo", sandbox.root, (*sandbox.spec.nodes, spec.NodeSpec("n9", "10.99.0.9"))
    )

    with pytest.raises(spec.SandboxError, match="take it down first"):
        cluster.up(more)

    assert sandbox.node().power is power.Power.ON


def test_a_deep_directory_is_no_obstacle(make_sandbox, leftovers):
    """Socket paths longer than the kernel's limit are reached all the same."""
    sandbox = make_sandbox()
    deep = type(sandbox)(sandbox.root / ("d" * 90) / ("e f" * 30), 1)
    try:
        node = deep.up().nodes[0]
        assert len(str(deep.files.node("n1").executor_socket)) > 107
        assert node.executor
    finally:
        cluster.down(deep.root)
    assert leftovers(deep.root) == []


@pytest.mark.real
def test_everything_a_sandbox_keeps_is_private(make_sandbox):
    """Files are for their owner alone, and the BMC's password is in one of them only."""
    sandbox = make_sandbox(1, with_bmc=True)
    sandbox.up()
    own = sandbox.files.node("n1")
    secret = sandbox.password.encode()
    holders = set()
    for path in sandbox.root.rglob("*"):
        mode = path.lstat().st_mode
        assert mode & 0o077 == 0, f"{path} is open to others"
        if stat.S_ISREG(mode) and secret in path.read_bytes():
            holders.add(path)

    assert holders == {own.bmc / "lan.conf"}


UP = """
import sys, pathlib
from reconciler.sandbox import cluster, spec
cluster.up(spec.ClusterSpec("demo", pathlib.Path(sys.argv[1]), (spec.NodeSpec("n1", "10.99.0.1"),)))
"""


def test_the_sandbox_outlives_the_command_that_made_it(make_sandbox):
    """The command's output is closed when it ends, and its session's end harms no node."""
    sandbox = make_sandbox()
    done = subprocess.run(
        [sys.executable, "-c", UP, str(sandbox.root)],
        start_new_session=True,
        capture_output=True,
        timeout=60,
        check=True,
    )

    assert done.stdout + done.stderr == b""
    assert sandbox.node().executor


def test_a_command_killed_on_its_way_up_can_be_cleaned_up(make_sandbox, leftovers):
    """Whenever `up` dies, `down` finds everything it started."""
    sandbox = make_sandbox()
    for delay_s in (0.08, 0.16, 0.24, 0.32):
        with subprocess.Popen([sys.executable, "-c", UP, str(sandbox.root)]) as process:
            try:
                process.wait(delay_s)
            except subprocess.TimeoutExpired:
                process.kill()
        cluster.down(sandbox.root)

        assert leftovers(sandbox.root) == []


def test_remove_deletes_the_disks_too(make_sandbox):
    """After `remove` the directory is empty."""
    sandbox = make_sandbox()
    sandbox.up()

    cluster.remove(sandbox.root)

    assert list(sandbox.root.iterdir()) == []


def test_what_a_reboot_of_the_machine_leaves_is_cleared_away(make_sandbox, leftovers):
    """Records of another boot and files of lost namespaces hinder neither `up` nor `down`."""
    sandbox = make_sandbox()
    sandbox.up()
    cluster.down(sandbox.root)
    record = sandbox.files.require()
    stale = [network.path(record.switch), network.path(record.namespace("n1"))]
    own = sandbox.files.node("n1")
    lost = dataclasses.replace(processes.identify(os.getpid()), boot="an earlier boot")

    def reboot():
        sandbox.files.save(dataclasses.replace(record, up=True))
        own.power.write_text("on\n")
        for path in stale:
            path.touch()
        for path in (own.init_record, own.cable_record):
            processes.save(path, lost)

    reboot()
    assert sandbox.node().power is power.Power.CRASHED
    assert sandbox.up().nodes[0].executor
    cluster.down(sandbox.root)
    reboot()
    cluster.down(sandbox.root)

    assert leftovers(sandbox.root) == []
