"""Faults do what they say, and have their way back."""

import contextlib
import json
import time

import pytest

from reconciler.sandbox import faults, inside, power, processes, sockets, spec

pytestmark = [pytest.mark.root]

HELLO = b'{"id": 1, "op": "hello"}\n'


def _pings(sandbox, source, target):
    command = ["ping", "-c1", "-W1", target]
    return inside.run_in(sandbox.root, source, command).returncode == 0


def _comes_back(sandbox, source, target):
    # The kernel asks three times, a second apart, for a neighbour it lost. A packet sent after the third question
    # and before the entry expires is refused though the link is there; the next one is not.
    give_up = time.monotonic() + 20
    while not _pings(sandbox, source, target):
        if time.monotonic() > give_up:
            return False
    return True


def _answers(sandbox, timeout_s=5):
    return inside.hello(sandbox.files.node("n1").link_socket, timeout_s) is not None


def test_a_cut_cable_neither_answers_nor_resets_until_it_is_healed(make_sandbox):
    """Old connections hang while cut and are reset by the heal; new ones work then."""
    sandbox = make_sandbox(2)
    sandbox.up()
    assert _comes_back(sandbox, "n2", "10.99.0.1")
    with sockets.connect(sandbox.files.node("n1").link_socket, 5) as old:
        old.sendall(HELLO)
        assert json.loads(old.recv(65536))["ok"]

        faults.cut(sandbox.root, "n1")

        assert sandbox.node().cut
        assert sandbox.node().executor, "the node itself lives on"
        assert not _pings(sandbox, "n2", "10.99.0.1")
        old.sendall(HELLO)
        old.settimeout(0.5)
        with pytest.raises(TimeoutError):
            old.recv(65536)
        assert not _answers(sandbox, 0.5)

        faults.heal(sandbox.root, "n1")

        old.settimeout(5)
        with contextlib.suppress(ConnectionResetError):
            assert old.recv(65536) == b""
    assert _answers(sandbox)
    assert _comes_back(sandbox, "n2", "10.99.0.1")
    assert not sandbox.node().cut


def test_a_cut_lasts_over_a_power_cycle(make_sandbox):
    """A cable that is pulled stays pulled when the machine behind it boots."""
    sandbox = make_sandbox(2)
    sandbox.up()
    faults.cut(sandbox.root, "n1")

    power.power_cycle(sandbox.root, "n1")

    assert sandbox.node().cut
    assert not _pings(sandbox, "n2", "10.99.0.1")
    assert not _answers(sandbox, 0.5)
    faults.heal(sandbox.root, "n1")
    assert _comes_back(sandbox, "n2", "10.99.0.1")


def test_a_frozen_node_stands_still_and_goes_on(make_sandbox):
    """Every process of the node is stopped; after a thaw it is the same node as before."""
    sandbox = make_sandbox()
    before = sandbox.up().nodes[0]

    faults.freeze(sandbox.root, "n1")
    faults.freeze(sandbox.root, "n1")

    assert sandbox.node().power is power.Power.FROZEN
    assert not _answers(sandbox, 0.5)
    states = {
        processes._present(one).state for one in power.everyone(power.handle(sandbox.root, "n1"))
    }
    assert states == {"T"}

    faults.thaw(sandbox.root, "n1")

    assert _answers(sandbox)
    assert sandbox.node() == before


def test_a_node_that_is_off_cannot_be_frozen(make_sandbox):
    """The message says what the node is."""
    sandbox = make_sandbox()
    sandbox.up()
    power.power_off(sandbox.root, "n1")

    with pytest.raises(spec.SandboxError, match="node n1 is off"):
        faults.freeze(sandbox.root, "n1")


@pytest.mark.real
def test_a_crashed_node_is_dead_with_its_chassis_on(make_sandbox):
    """A crash leaves no process and no address, and only a fence makes the BMC say off."""
    sandbox = make_sandbox(1, with_bmc=True)
    sandbox.up()
    everyone = power.everyone(power.handle(sandbox.root, "n1"))

    faults.kill(sandbox.root, "n1")

    assert [one for one in everyone if processes.alive(one)] == []
    assert sandbox.node().power is power.Power.CRASHED
    assert inside.addresses(sandbox.root) == {"n1": ()}
    assert sandbox.ipmi("n1", "chassis", "power", "status").stdout == "Chassis Power is on\n"
    assert sandbox.ipmi("n1", "chassis", "power", "off").returncode == 0
    assert sandbox.node().power is power.Power.OFF


def test_a_killed_executor_is_started_again_in_the_same_boot(make_sandbox):
    """The node's init brings the executor back; nothing else of the node changes."""
    sandbox = make_sandbox()
    before = sandbox.up().nodes[0]
    old = faults.executor(sandbox.files.node("n1"))

    faults.kill_executor(sandbox.root, "n1")

    assert not processes.alive(old)
    give_up = time.monotonic() + 20
    while not sandbox.node().executor:
        assert time.monotonic() < give_up, "no executor came back"
        time.sleep(0.02)
    assert sandbox.node() == before
    assert faults.executor(sandbox.files.node("n1")) != old


def test_a_node_that_is_off_closes_its_connections_at_once(make_sandbox):
    """The cable of a node without power leads nowhere."""
    sandbox = make_sandbox()
    sandbox.up()
    power.power_off(sandbox.root, "n1")

    with (
        sockets.connect(sandbox.files.node("n1").link_socket, 5) as client,
        contextlib.suppress(ConnectionResetError),
    ):
        assert client.recv(1) == b""


@pytest.mark.real
def test_a_silent_bmc_does_not_answer_until_it_is_restored(make_sandbox):
    """The management network can fail by itself."""
    sandbox = make_sandbox(1, with_bmc=True)
    sandbox.up()
    faults.silence_bmc(sandbox.root, "n1")

    assert sandbox.ipmi("n1", "chassis", "power", "off").returncode != 0
    assert sandbox.node().power is power.Power.ON

    faults.restore_bmc(sandbox.root, "n1")
    assert sandbox.ipmi("n1", "chassis", "power", "status").returncode == 0


def test_a_bmc_that_is_not_there_cannot_be_silenced(make_sandbox):
    """Faults are not silently without effect."""
    sandbox = make_sandbox()
    sandbox.up()

    with pytest.raises(spec.SandboxError, match="no simulated management controller"):
        faults.silence_bmc(sandbox.root, "n1")
