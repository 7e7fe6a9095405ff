"""Off means gone, whoever switched; on means a new boot."""

import os
import pathlib
import shutil
import subprocess
import time

import pytest

from reconciler.sandbox import cluster, faults, inside, power, processes, spec

pytestmark = [pytest.mark.root]


def _eventually(condition, limit_s=20):
    give_up = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < give_up, "it did not happen"
        time.sleep(0.02)


@pytest.mark.real
def test_chassis_power_off_by_ipmi_kills_the_node_and_its_addresses(make_sandbox):
    """When ipmitool returns, no process and no address of the node exists, and its disk does."""
    sandbox = make_sandbox(2, with_bmc=True)
    sandbox.up()
    inside.run_in(sandbox.root, "n1", ["ip", "addr", "add", "10.99.0.50/24", "dev", "eth0"])
    found = power.handle(sandbox.root, "n1")
    everyone = power.everyone(found)
    (found.files.state / "kept").write_text("kept")
    assert len(everyone) >= 2
    assert inside.addresses(sandbox.root)["n1"] == ("10.99.0.1", "10.99.0.50")

    assert sandbox.ipmi("n1", "chassis", "power", "status").stdout == "Chassis Power is on\n"
    assert sandbox.ipmi("n1", "chassis", "power", "off").returncode == 0

    assert [one for one in everyone if processes.alive(one)] == []
    assert inside.addresses(sandbox.root) == {"n1": (), "n2": ("10.99.0.2",)}
    assert sandbox.ipmi("n1", "chassis", "power", "status").stdout == "Chassis Power is off\n"
    assert sandbox.node("n1").power is power.Power.OFF
    assert sandbox.node("n2").executor
    assert (found.files.state / "kept").read_text() == "kept"
    assert inside.run_in(sandbox.root, "n2", ["ping", "-c1", "-W1", "10.99.0.50"]).returncode != 0


@pytest.mark.real
def test_chassis_power_on_by_ipmi_boots_anew(make_sandbox):
    """A node that is switched on again has a new boot id, its own address, and can be reached."""
    sandbox = make_sandbox(2, with_bmc=True)
    sandbox.up()
    inside.run_in(sandbox.root, "n2", ["ping", "-c1", "-W5", "10.99.0.1"])
    before = sandbox.node("n1").boot_id
    sandbox.ipmi("n1", "chassis", "power", "off")

    assert sandbox.ipmi("n1", "chassis", "power", "on").returncode == 0

    _eventually(lambda: sandbox.node("n1").executor)
    answer = inside.hello(sandbox.files.node("n1").link_socket, 5)
    assert answer["boot_id"] == sandbox.node("n1").boot_id != before
    assert inside.run_in(sandbox.root, "n2", ["ping", "-c1", "-W5", "10.99.0.1"]).returncode == 0


@pytest.mark.real
def test_an_ipmi_power_cycle_and_a_reset_boot_anew(make_sandbox):
    """A cycle reads off for a while and then on; a reset is a new boot at once."""
    sandbox = make_sandbox(1, with_bmc=True)
    sandbox.up()
    boots = [sandbox.node().boot_id]
    for word in ("cycle", "reset"):
        assert sandbox.ipmi("n1", "chassis", "power", word).returncode == 0
        _eventually(lambda: sandbox.node().executor and sandbox.node().boot_id not in boots)
        boots.append(sandbox.node().boot_id)

    assert len(set(boots)) == 3


@pytest.mark.real
@pytest.mark.skipif(
    os.environ.get("CI") != "true" and not shutil.which("fence_ipmilan"),
    reason="fence_ipmilan is missing (package fence-agents)",
)
def test_fence_ipmilan_switches_a_node_off(make_sandbox):
    """The fence agent people use works against the simulated controller."""
    sandbox = make_sandbox(1, with_bmc=True)
    sandbox.up()
    controller = sandbox.spec.nodes[0].bmc
    options = {
        "ip": controller.address,
        "ipport": controller.port,
        "username": sandbox.user,
        "password": sandbox.password,
        "lanplus": 1,
        "cipher": 3,
        "power_wait": 0,
    }
    for action, expected in (("status", 0), ("off", 0), ("status", 2)):
        lines = "".join(
            f"{name}={value}\n" for name, value in (options | {"action": action}).items()
        )
        done = subprocess.run(
            ["fence_ipmilan"],
            input=lines.encode(),
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == expected, done.stderr

    assert sandbox.node().power is power.Power.OFF


@pytest.mark.real
def test_a_wrong_password_switches_nothing(make_sandbox):
    """The controller checks who asks."""
    sandbox = make_sandbox(1, with_bmc=True)
    sandbox.up()
    controller = sandbox.spec.nodes[0].bmc
    done = subprocess.run(
        [
            *("ipmitool", "-I", "lanplus", "-C", "3", "-H", controller.address),
            *("-p", str(controller.port), "-U", "admin", "-E", "chassis", "power", "off"),
        ],
        env={"PATH": os.environ["PATH"], "IPMI_PASSWORD": "wrong"},
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert done.returncode != 0
    assert sandbox.node().power is power.Power.ON


def test_a_frozen_node_can_be_switched_off(make_sandbox):
    """Power does not ask the operating system."""
    sandbox = make_sandbox()
    sandbox.up()
    faults.freeze(sandbox.root, "n1")

    power.power_off(sandbox.root, "n1")

    assert sandbox.node().power is power.Power.OFF
    power.power_on(sandbox.root, "n1")
    assert sandbox.node().power is power.Power.ON


def test_a_program_in_the_node_s_network_alone_dies_with_the_node(make_sandbox):
    """Nothing can keep a network namespace, and so an address, alive over a power failure."""
    sandbox = make_sandbox()
    sandbox.up()
    namespace = sandbox.node().namespace
    with subprocess.Popen(["nsenter", f"--net=/run/netns/{namespace}", "sleep", "600"]) as stayer:
        inode = pathlib.Path(f"/run/netns/{namespace}").stat().st_ino
        _eventually(lambda: len(processes.members("net", inode)) >= 3)

        power.power_off(sandbox.root, "n1")

        assert stayer.wait(timeout=10) == -9


def test_power_on_of_a_running_node_changes_nothing(make_sandbox):
    """On is a state and not an event."""
    sandbox = make_sandbox()
    before = sandbox.up().nodes[0]

    power.power_on(sandbox.root, "n1")

    assert sandbox.node() == before


def test_a_sandbox_that_is_down_cannot_be_switched_on(make_sandbox):
    """A late command does not bring a node back to life."""
    sandbox = make_sandbox()
    sandbox.up()
    cluster.down(sandbox.root)

    with pytest.raises(spec.SandboxError, match="is down"):
        power.power_on(sandbox.root, "n1")


def test_a_damaged_power_record_is_never_read_as_off(make_sandbox):
    """What cannot be read is unknown, for the library and for the controller's chassis."""
    sandbox = make_sandbox()
    sandbox.up()
    own = sandbox.files.node("n1")
    own.power.write_text("")
    processes.kill(processes.load(own.init_record))

    with pytest.raises(spec.SandboxError, match="damaged"):
        power.state(own)


def test_unknown_nodes_are_named(make_sandbox):
    """A wrong name gets the right ones."""
    sandbox = make_sandbox(2)
    sandbox.up()

    with pytest.raises(spec.SandboxError, match=r"no node 'n7'.*it has n1, n2"):
        power.power_off(sandbox.root, "n7")
