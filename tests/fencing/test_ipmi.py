"""The built-in IPMI driver, against simulated management controllers."""

from __future__ import annotations

import asyncio
import pathlib
import socket
import threading

import pytest

from reconciler.fencing import ipmi, ipmi_worker
from reconciler.fencing.option import BadOptionError
from reconciler.model import fencing
from reconciler.ports import fencing as port

VERB = port.FenceVerb
FAULT = port.FenceFault


async def ask(device, verb, *, deadline_s=10.0, target="ha-1", **changed):
    """Ask a device whose options are all plain."""
    options = {name: str(value) for one in device.params for name, value in one.pairs.items()}
    driver = ipmi.IpmiDriver(lambda text: text)
    return await driver.call(device, verb, target, {**options, **changed}, deadline_s=deadline_s)


@pytest.mark.real
async def test_off_status_on_work_on_a_real_session(bmc):
    """The three verbs do what they say, and the message names the cipher suite in use."""
    device = bmc.device()

    before = await ask(device, VERB.STATUS)
    off = await ask(device, VERB.OFF)
    between = await ask(device, VERB.STATUS)
    on = await ask(device, VERB.ON)

    assert (before.ok, before.power) == (True, fencing.PowerState.ON)
    assert (off.ok, off.power) == (True, fencing.PowerState.UNKNOWN)
    assert between.power is fencing.PowerState.OFF
    assert on.ok
    assert bmc.power == "on"
    assert "cipher suite 3" in before.message


@pytest.mark.real
async def test_off_is_sent_even_where_the_machine_reads_off(bmc):
    """A machine in the off second of a power cycle must get the command nevertheless."""
    device = bmc.device()

    await ask(device, VERB.OFF)
    again = await ask(device, VERB.OFF)

    assert again.ok
    assert len(bmc.switched) == 2


@pytest.mark.real
@pytest.mark.parametrize(
    "changed", [{"password": "wrong"}, {"username": "nobody"}, {"hexadecimal_kg": "00ff"}]
)
async def test_wrong_credentials_are_unauthorized(bmc, changed):
    """A wrong password, user or key is told from an unreachable controller."""
    reply = await ask(bmc.device(), VERB.STATUS, **changed)

    assert not reply.ok
    assert reply.fault is FAULT.UNAUTHORIZED


@pytest.mark.real
async def test_cipher_17_is_refused_where_the_controller_agrees_to_3_only(bmc):
    """The wanted cipher suite is no wish: with a weaker one nothing is switched."""
    reply = await ask(bmc.device(), VERB.OFF, cipher="17")

    assert not reply.ok
    assert "agreed to 3" in reply.message
    assert not bmc.switched


@pytest.mark.real
async def test_nothing_on_the_port_is_unreachable(bmc):
    """A port that nobody listens on is told at once."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]

    reply = await ask(bmc.device(), VERB.STATUS, ipport=str(free))

    assert reply.fault is FAULT.UNREACHABLE


@pytest.mark.real
async def test_frozen_controller_is_a_timeout(bmc):
    """A controller that hangs ends the call at its deadline, with nothing known."""
    bmc.freeze()

    reply = await ask(bmc.device(), VERB.OFF, deadline_s=2.0)

    assert reply.fault is FAULT.TIMEOUT
    assert reply.power is fencing.PowerState.UNKNOWN


@pytest.mark.real
async def test_controller_that_freezes_after_the_greeting_is_a_timeout(bmc):
    """The worker is killed at the deadline also where pyghmi would wait for half a minute."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as relay:
        relay.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=_answer_once, args=(relay, bmc.port), daemon=True)
        thread.start()

        reply = await ask(
            bmc.device(), VERB.OFF, deadline_s=3.0, ipport=str(relay.getsockname()[1])
        )
        thread.join(10)

    assert reply.fault is FAULT.TIMEOUT
    assert not bmc.switched


def _answer_once(relay: socket.socket, behind: int) -> None:
    relay.settimeout(10)
    packet, sender = relay.recvfrom(512)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as onward:
        onward.settimeout(10)
        onward.sendto(packet, ("127.0.0.1", behind))
        relay.sendto(onward.recv(512), sender)


@pytest.mark.real
async def test_lost_greeting_is_repeated(bmc):
    """One lost packet is a hiccup, not a dead controller."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as relay:
        relay.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=_lose_one, args=(relay, bmc.port), daemon=True)
        thread.start()
        port_number = relay.getsockname()[1]

        address = await asyncio.to_thread(ipmi_worker._greet, "127.0.0.1", port_number, 10.0)
        thread.join(10)

    assert address == "127.0.0.1"


def _lose_one(relay: socket.socket, behind: int) -> None:
    relay.settimeout(10)
    relay.recvfrom(512)
    _answer_once(relay, behind)


@pytest.mark.real
@pytest.mark.parametrize(("mode", "verb"), [("broken", VERB.OFF), ("odd", VERB.STATUS)])
async def test_chassis_errors_are_failures(bmc, mode, verb):
    """A controller that cannot switch, or gives no state, has failed; the power is unknown."""
    bmc.misbehave(mode)

    reply = await ask(bmc.device(), verb)

    assert not reply.ok
    assert reply.fault is FAULT.FAILED
    assert reply.power is fencing.PowerState.UNKNOWN


@pytest.mark.real
async def test_password_is_in_no_argument_and_no_environment(bmc):
    """While the worker runs, the password is in neither of what other users can look at."""
    bmc.freeze()
    device = bmc.device(params={"password": "c4nary-Exposed"})

    call = asyncio.create_task(ask(device, VERB.STATUS, deadline_s=2.0))
    seen = b""
    while not call.done():
        seen += await asyncio.to_thread(_worker_lines)
    reply = await call

    assert b"ipmi_worker" in seen
    assert b"c4nary" not in seen
    assert "c4nary" not in reply.message


def _worker_lines() -> bytes:
    """Return arguments and environment of every worker."""
    found = b""
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            arguments = (process / "cmdline").read_bytes()
            if b"ipmi_worker" in arguments:
                found += arguments + (process / "environ").read_bytes()
        except OSError:
            continue
    return found


@pytest.mark.parametrize(
    "changed",
    [
        {"ip": "127.0.0.1 -C 0"},
        {"ip": "-z"},
        {"ip": ""},
        {"ip": "127.0.0.1\nipport=9"},
        {"ipport": "0"},
        {"ipport": "65536"},
        {"ipport": "623 "},
        {"cipher": "0"},
        {"cipher": "1"},
        {"cipher": "17 -P"},
        {"lanplus": "0"},
        {"lanplus": "perhaps"},
        {"privlvl": "callback"},
        {"username": "a" * 17},
        {"username": ""},
        {"password": "a" * 21},
        {"password": "\u00e4" * 11},
        {"password": ""},
        {"password": "a\nb"},
        {"hexadecimal_kg": "xyz"},
        {"hexadecimal_kg": "00" * 21},
        {"login": "admin"},
        {"auth": "none"},
        {"passwd_script": "/bin/true"},
    ],
)
def test_bad_options_are_refused_without_their_values(changed):
    """Whatever could be an injection, too long, unsafe or unknown is refused, and not quoted."""
    good = {"ip": "127.0.0.1", "username": "admin", "password": "secret"}
    (value,) = changed.values()

    with pytest.raises(BadOptionError) as refused:
        ipmi.request(VERB.STATUS, {**good, **changed})

    assert len(value) < 5 or value not in str(refused.value)


def test_request_has_every_option_and_defaults():
    """Older names of options mean the same, and the port is 623 unless given."""
    body = ipmi.request(VERB.OFF, {"ipaddr": "::1", "login": "root", "passwd": "x y"})

    assert body == {
        "action": "off",
        "ip": "::1",
        "port": 623,
        "username": "root",
        "password": "x y",
        "kg": "",
        "cipher": None,
        "privilege": None,
    }


def test_driver_describes_itself_with_every_option_it_takes():
    """What is described is accepted, by its own type."""
    values = {"ipport": "1", "lanplus": "1", "cipher": "3", "privlvl": "operator"}
    described = ipmi.METADATA.described.parameters

    body = ipmi.request(VERB.STATUS, {one.name: values.get(one.name, "ab") for one in described})

    assert body["privilege"] == 3
    assert ipmi.METADATA.offers("off")
    assert [one.name for one in described if one.private] == ["password", "hexadecimal_kg"]


async def test_one_controller_for_several_nodes_is_refused():
    """A controller is that of one machine: with two hosts it would fence the wrong one."""
    device = fencing.FenceDevice("bmc", "ipmi", hosts=("ha-1", "ha-2"))

    reply = await ask(device, VERB.OFF, ip="127.0.0.1", username="a", password="b")

    assert reply.fault is FAULT.BAD_OPTION


async def test_list_is_no_action_of_a_controller():
    """What the driver cannot do it refuses."""
    device = fencing.FenceDevice("bmc", "ipmi", hosts=("ha-1",))

    reply = await ask(device, VERB.LIST, ip="127.0.0.1", username="a", password="b")

    assert reply.fault is FAULT.BAD_OPTION


@pytest.mark.parametrize(
    "line",
    [
        "",
        "nonsense",
        "[]",
        "{}",
        '{"ok": true}',
        '{"ok": true, "power": "off?", "fault": null, "message": ""}',
        '{"ok": true, "power": "off", "fault": "sunshine", "message": ""}',
        '{"ok": true, "power": ["off"], "fault": null, "message": ""}',
    ],
)
def test_odd_answers_of_the_worker_are_none(line):
    """Nothing but a complete answer is one; never is power made up."""
    assert ipmi.decode(line) is None


async def test_worker_that_dies_is_a_failure(tmp_path):
    """An interpreter that ends without an answer leaves the power unknown."""
    broken = tmp_path / "python"
    broken.write_text('#!/bin/sh\necho \'{"ok": true, "power": "off"\'\nexit 0\n')
    broken.chmod(0o700)
    driver = ipmi.IpmiDriver(lambda text: text, python=str(broken))
    device = fencing.FenceDevice("bmc", "ipmi", hosts=("ha-1",))

    reply = await driver.call(
        device,
        VERB.STATUS,
        "ha-1",
        {"ip": "127.0.0.1", "username": "a", "password": "b"},
        deadline_s=10.0,
    )

    assert not reply.ok
    assert reply.power is fencing.PowerState.UNKNOWN


def test_greeting_is_the_packet_of_the_standard():
    """Get Channel Authentication Capabilities with version 2.0 data, as ipmitool sends it."""
    assert ipmi_worker.greeting() == bytes.fromhex("0600ff07000000000000000000092018c88100388e04b5")


HEAD = "0600ff07 000000000000000000 10 81 1c 63 20 00 38"


@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        (f"{HEAD} 00 01 80 16 02 00 00 00 00 00", True),
        (f"{HEAD} 00 01 80 16 01 00 00 00 00 00", False),
        (f"{HEAD} 00 01 00 16 02 00 00 00 00 00", False),
        (f"{HEAD} c1 01 80 16 02 00 00 00 00 00", None),
        (f"{HEAD} 00 01 80 16", None),
        ("0600ff07", None),
        ("", None),
    ],
)
def test_answer_to_the_greeting_tells_rmcp_plus(packet, expected):
    """Only an answer that offers IPMI 2.0 sessions is good; an error or a torn one is none."""
    assert ipmi_worker.speaks_rmcp_plus(bytes.fromhex(packet)) is expected
