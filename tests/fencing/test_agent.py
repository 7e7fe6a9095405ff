"""The driver for fence agents, with real ones and with small ones written for a case."""

from __future__ import annotations

import asyncio
import os
import pathlib
import textwrap
import time

import pytest

from reconciler.fencing import agent, installed
from reconciler.model import fencing
from reconciler.ports import fencing as port

VERB = port.FenceVerb
FAULT = port.FenceFault
DUMMY = pathlib.Path("/usr/sbin/fence_dummy")

DESCRIPTION = """\
<?xml version="1.0" ?>
<resource-agent name="fence_case" shortdesc="A case" >
<parameters>
<parameter name="action"><content type="string" default="reboot" /></parameter>
<parameter name="ip"><content type="string" /></parameter>
<parameter name="plug"><content type="string" /></parameter>
<parameter name="password"><content type="string" /></parameter>
<parameter name="power_wait"><content type="second" /></parameter>
<parameter name="ssl"><content type="boolean" /></parameter>
<parameter name="method"><content type="select"><option value="onoff"/></content></parameter>
<parameter name="debug_file"><content type="string" /></parameter>
<parameter name="password_script"><content type="string" /></parameter>
</parameters>
<actions>
<action name="on" automatic="0"/><action name="off"/><action name="status"/>
<action name="monitor"/><action name="list"/><action name="metadata"/>
</actions>
</resource-agent>
"""


def real(program: pathlib.Path) -> None:
    """Skip where a fence agent is not installed; in CI it must be."""
    if not program.exists():
        assert os.environ.get("CI") != "true", f"{program} is missing"
        pytest.skip(f"needs {program.name} (Debian package fence-agents)")


@pytest.fixture
def case(tmp_path):
    """Return a function that writes an agent and returns a way to ask it."""
    directory = tmp_path / "agents"
    directory.mkdir(mode=0o700)

    def write(body: str, *, description: str = DESCRIPTION):
        (directory / "description").write_text(description)
        program = directory / "fence_case"
        program.write_text(
            "#!/bin/sh\nasked=$(cat)\n"
            f'case "$asked" in "action=metadata") cat {directory}/description; exit 0;; esac\n'
            f'printf "%s\\n" "$asked" > {directory}/asked\n' + textwrap.dedent(body)
        )
        program.chmod(0o700)
        driver = agent.AgentDriver(
            installed.Installed([directory]), lambda text: text.replace("c4nary", "(redacted)")
        )

        async def ask(verb=VERB.STATUS, options=None, *, deadline_s=10.0, **fields):
            device = fencing.FenceDevice("d", "fence_case", **{"hosts": ("ha-1",), **fields})
            return await driver.call(device, verb, "ha-1", options or {}, deadline_s=deadline_s)

        ask.asked = directory / "asked"
        return ask

    return write


@pytest.mark.parametrize(
    ("body", "power"),
    [
        ("echo 'Status: ON'; exit 0", fencing.PowerState.ON),
        ("exit 0", fencing.PowerState.ON),
        ("echo 'Status: OFF'; exit 2", fencing.PowerState.OFF),
        ("echo 'Status: OFF'; echo 'some warning' >&2; exit 2", fencing.PowerState.OFF),
        ("exit 2", fencing.PowerState.OFF),
        ("echo 'usage: fence_case' >&2; exit 2", fencing.PowerState.UNKNOWN),
        ("echo 'Status: ON'; exit 2", fencing.PowerState.UNKNOWN),
        ("echo 'Status: OFF'; exit 0", fencing.PowerState.UNKNOWN),
        ("echo 'Status: OFF'; exit 1", fencing.PowerState.UNKNOWN),
        ("echo 'Status: OFF'; exit 255", fencing.PowerState.UNKNOWN),
        ("echo 'Status: OFF'; kill -9 $$", fencing.PowerState.UNKNOWN),
    ],
)
async def test_power_is_known_only_where_status_and_words_agree(case, body, power):
    """Exit status 2 is off unless the agent's words cast a doubt; anything else is unknown."""
    reply = await case(body)()

    assert reply.power is power
    assert reply.ok is (power is not fencing.PowerState.UNKNOWN)


@pytest.mark.parametrize("verb", [VERB.OFF, VERB.ON, VERB.MONITOR])
async def test_success_of_a_command_says_nothing_of_the_power(case, verb):
    """Success of off is no proof of off: only status gives a power state."""
    reply = await case("echo 'Success: Powered OFF'; exit 0")(verb)

    assert reply.ok
    assert reply.power is fencing.PowerState.UNKNOWN


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Unable to connect/login to fencing device", FAULT.FAILED),
        ("Connection timed out", FAULT.TIMEOUT),
        ("[Errno 111] Connection refused", FAULT.UNREACHABLE),
        ("Name or service not known", FAULT.UNREACHABLE),
        ("Failed: The user does not have the correct privileges", FAULT.UNAUTHORIZED),
        ("Failed: You have to set login password", FAULT.UNAUTHORIZED),
        ("Failed: You have to enter plug number", FAULT.BAD_OPTION),
        ("something else", FAULT.FAILED),
        ("", FAULT.FAILED),
    ],
)
async def test_failures_are_told_apart_by_their_words(case, words, expected):
    """Agents have one exit status for all failures, so the text decides, for people only."""
    reply = await case(f"echo '{words}' >&2; exit 1")(VERB.OFF)

    assert not reply.ok
    assert reply.fault is expected
    assert words in reply.message


async def test_hanging_agent_is_killed_with_its_children(case, tmp_path):
    """At the deadline the whole process group ends, also where the agent ignores TERM."""
    ask = case(f"trap '' TERM\nsleep 600 &\necho $! > {tmp_path}/child\nsleep 600")

    reply = await ask(VERB.OFF, deadline_s=1.0)

    child = int((tmp_path / "child").read_text())
    assert reply.fault is FAULT.TIMEOUT
    assert await asyncio.to_thread(_ended, child)


def _ended(pid: int) -> bool:
    for _ in range(50):
        try:
            state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.1)
    return False


async def test_child_that_keeps_the_output_open_delays_nothing(case, tmp_path):
    """The call ends with the agent, not with what the agent left behind."""
    ask = case(f"sleep 60 &\necho $! > {tmp_path}/child\necho 'Status: OFF'; exit 2")

    reply = await asyncio.wait_for(ask(), 30)
    os.kill(int((tmp_path / "child").read_text()), 9)

    assert reply.power is fencing.PowerState.OFF


async def test_options_arrive_as_lines_with_the_plug_of_the_node(case):
    """The agent reads the action, the options and the plug that the device knows the node by."""
    ask = case("exit 0")

    await ask(VERB.ON, {"ip": "10.0.0.1", "power-wait": "5s"}, host_map={"ha-1": "outlet 3"})

    assert ask.asked.read_text().splitlines() == [
        "action=on",
        "ip=10.0.0.1",
        "power_wait=5s",
        "plug=outlet 3",
    ]


async def test_without_a_map_the_plug_is_the_name_of_the_node(case):
    """A device without a host map knows nodes by their names."""
    ask = case("exit 0")

    await ask(VERB.ON)

    assert "plug=ha-1" in ask.asked.read_text()


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ({"password": "a\nplug=other"}, {}),
        ({"password": "a\u2028b"}, {}),
        ({"password": " a"}, {}),
        ({"password": '"a"'}, {}),
        ({"ip": "127.0.0.1 -C 0 -z"}, {}),
        ({"ip": "-z"}, {}),
        ({"ip": "$(reboot)"}, {}),
        ({"unheard_of": "1"}, {}),
        ({"action": "reboot"}, {}),
        ({"nodename": "ha-2"}, {}),
        ({"debug_file": "/tmp/x"}, {}),
        ({"password_script": "/bin/sh"}, {}),
        ({"power_wait": "soon"}, {}),
        ({"ssl": "perhaps"}, {}),
        ({"method": "cycle"}, {}),
        ({"power_wait": "1", "power-wait": "2"}, {}),
        ({"plug": "1"}, {"host_map": {"ha-1": "2"}}),
        ({"plug": "1"}, {"hosts": ("ha-1", "ha-2")}),
        ({}, {"host_map": {"ha-1": "2\naction=on"}}),
        ({"a b": "1"}, {}),
        ({"password": "x" * 5000}, {}),
    ],
)
async def test_options_that_do_not_arrive_or_do_harm_are_refused(case, options, fields):
    """Injections, losses, unknown names, leaks and wrong machines: the agent is not even run."""
    ask = case("exit 0")

    reply = await ask(VERB.OFF, options, **fields)

    assert reply.fault is FAULT.BAD_OPTION
    assert not ask.asked.exists()


async def test_action_that_the_agent_does_not_list_is_refused(case):
    """An agent without status cannot be asked for one, so it never confirms anything."""
    ask = case("exit 2", description=DESCRIPTION.replace('<action name="status"/>', ""))

    reply = await ask(VERB.STATUS)

    assert reply.fault is FAULT.BAD_OPTION
    assert reply.power is fencing.PowerState.UNKNOWN
    assert not ask.asked.exists()


async def test_list_that_does_not_work_is_a_failure(case):
    """Agents end with 0 and a notice where they cannot list."""
    notice = "echo 'NOTICE: List option is not working on this device yet' >&2; exit 0"

    assert not (await case(notice)(VERB.LIST)).ok
    assert (await case("echo 'ha-1,'; exit 0")(VERB.LIST)).message == "ha-1,"


async def test_secrets_are_cut_out_of_every_word(case):
    """What an agent prints of a password is redacted, also where it is cut to its end."""
    ask = case("head -c 70000 /dev/zero | tr '\\0' 'x' >&2; echo 'login c4nary c4nary' >&2; exit 1")

    reply = await ask(VERB.OFF, {"password": "c4nary"})

    assert "c4nary" not in reply.message
    assert "(redacted)" in reply.message
    assert len(reply.message) <= 600


async def test_environment_of_ours_does_not_reach_the_agent(case, monkeypatch):
    """Agents are Python programs of the system: our PYTHONPATH would break them."""
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setenv("PCMK_service", "pacemaker-fenced")

    reply = await case("env; exit 0")(VERB.LIST)

    assert "PYTHONPATH" not in reply.message
    assert "PCMK" not in reply.message


async def test_missing_and_misnamed_agents_are_not_installed(tmp_path):
    """A name is looked up in the directories only; a path is no name."""
    driver = agent.AgentDriver(installed.Installed([tmp_path]), lambda text: text)

    for name in ("fence_gone", "../fence_x", "/bin/sh", "fence_x/y", "sh"):
        device = fencing.FenceDevice("d", name, hosts=("ha-1",))
        reply = await driver.call(device, VERB.OFF, "ha-1", {}, deadline_s=5)

        assert reply.fault is FAULT.NOT_INSTALLED


@pytest.mark.real
async def test_fence_dummy_is_switched_by_its_file(tmp_path):
    """A real agent: off, status, on."""
    real(DUMMY)
    driver = agent.AgentDriver(installed.Installed(), lambda text: text)
    device = fencing.FenceDevice("d", "fence_dummy", hosts=("ha-1",))
    options = {"status_file": str(tmp_path / "power")}

    async def ask(verb):
        return await driver.call(device, verb, "ha-1", options, deadline_s=20)

    assert (await ask(VERB.ON)).ok
    assert (await ask(VERB.STATUS)).power is fencing.PowerState.ON
    assert (await ask(VERB.OFF)).ok
    assert (await ask(VERB.STATUS)).power is fencing.PowerState.OFF
    assert (await ask(VERB.MONITOR)).ok


@pytest.mark.real
async def test_fence_ipmilan_drives_a_controller_by_its_input(bmc):
    """The usual agent against the same controller that the built-in driver speaks to."""
    real(pathlib.Path("/usr/sbin/fence_ipmilan"))
    driver = agent.AgentDriver(installed.Installed(), lambda text: text)
    device = bmc.device(agent="fence_ipmilan", params={"power_wait": "0"})
    options = {name: str(value) for one in device.params for name, value in one.pairs.items()}

    async def ask(verb, **changed):
        return await driver.call(device, verb, "ha-1", {**options, **changed}, deadline_s=20)

    assert (await ask(VERB.STATUS)).power is fencing.PowerState.ON
    assert (await ask(VERB.OFF)).ok
    assert (await ask(VERB.STATUS)).power is fencing.PowerState.OFF
    assert bmc.power == "off"
    assert not (await ask(VERB.STATUS, password="wrong")).ok
    assert "argument" in driver.note(device)


async def test_other_agent_can_take_the_place(case, tmp_path):
    """A substitute program gets its own options and the name of the node."""
    ask = case("exit 0")
    driver = agent.AgentDriver(
        installed.Installed([tmp_path / "agents"]),
        lambda text: text,
        program="fence_case",
        given={"ip": "sandbox"},
    )
    device = fencing.FenceDevice("bmc", "ipmi", hosts=("ha-1",))

    reply = await driver.call(device, VERB.ON, "ha-1", {"cipher": "3"}, deadline_s=10)

    assert reply.ok
    assert ask.asked.read_text().splitlines() == ["action=on", "ip=sandbox", "plug=ha-1"]
