"""Fencing as a whole: topology, registry and drivers against simulated management controllers."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import time

import pytest

from reconciler.fencing import agent, installed, registry, topology
from reconciler.model import attribute, fencing, secret
from reconciler.ports import fencing as port
from reconciler.secrets import store

pytestmark = pytest.mark.real

QUICK = dataclasses.replace(topology.DEFAULT, gap_s=1.2, settle_s=4.0, status_s=3.0, backoff_s=0.2)


class Clock:
    """The real clock."""

    def now(self) -> float:
        """Return the wall clock."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


def fencer(*devices, levels=(), overrides=None, environment=None, agents=None) -> topology.Topology:
    """Return what fences ha-1 by these devices."""
    secrets = store.Store(environment or {})
    return topology.Topology(
        fencing.Fencing(devices, tuple(levels)),
        registry.Registry(secrets.redact, agents or installed.Installed(), overrides),
        secrets,
        Clock(),
        limits=QUICK,
    )


async def fence(one, *, reboot=False, may_act=lambda: True) -> port.FenceResult:
    """Fence ha-1."""
    return await one.fence("ha-1", reboot=reboot, report=lambda _: None, may_act=may_act)


async def test_honest_controller_is_proof_and_comes_back(bmc):
    """Reboot: off, proven, on again, all really done."""
    result = await fence(fencer(bmc.device()), reboot=True)

    assert result.confirmed_off
    assert result.back_on
    assert bmc.power == "on"
    assert [line[-1] for line in bmc.switched] == ["0", "1"]


@pytest.mark.parametrize("mode", ["liar", "cycle", "broken", "odd"])
async def test_dishonest_controller_is_no_proof(bmc, mode):
    """Ignored commands, an off for a moment, errors and no answers never confirm."""
    bmc.misbehave(mode)

    result = await fence(fencer(bmc.device()))

    assert not result.confirmed_off
    assert result.fault in {port.FenceFault.CONTRADICTION, port.FenceFault.FAILED}


async def test_slow_machine_is_proof_when_it_is_off(bmc):
    """A machine that takes 2 s to go off is confirmed after that, not before."""
    bmc.misbehave("slow")

    result = await fence(fencer(bmc.device()))

    assert result.confirmed_off
    assert bmc.power == "off"


async def test_liar_is_followed_by_the_next_level(bmcs):
    """The second level proves what the first only claimed."""
    liar, honest = bmcs(), bmcs()
    liar.misbehave("liar")
    levels = [fencing.FencingLevel("ha-1", 1, ("one",)), fencing.FencingLevel("ha-1", 2, ("two",))]

    result = await fence(fencer(liar.device("one"), honest.device("two"), levels=levels))

    assert result.confirmed_off
    assert result.device == "two"
    assert honest.power == "off"


async def test_frozen_controller_ends_in_bounded_time(bmc):
    """A controller that hangs fails by time-out, is tried again, and then given up."""
    bmc.freeze()

    result = await asyncio.wait_for(
        fence(fencer(bmc.device(timeout_ms=1500, retries=1))), timeout=60
    )

    assert not result.confirmed_off
    assert result.fault is port.FenceFault.TIMEOUT
    assert [step.attempt for step in result.steps] == [1, 2]


async def test_nothing_is_switched_without_permission(bmc):
    """Lost quorum or lease: the controller gets no command."""
    result = await fence(fencer(bmc.device()), may_act=lambda: False)

    assert result.fault is port.FenceFault.NOT_ALLOWED
    assert not bmc.switched


async def test_the_usual_agent_fences_too(bmc):
    """fence_ipmilan is a second driver of the same device."""
    if installed.Installed().find("fence_ipmilan") is None:
        assert os.environ.get("CI") != "true", "fence-agents are missing"
        pytest.skip("needs fence_ipmilan (Debian package fence-agents)")
    device = bmc.device(agent="fence_ipmilan", params={"power_wait": "0"}, timeout_ms=20_000)

    result = await fence(fencer(device), reboot=True)

    assert result.confirmed_off
    assert result.back_on


async def test_secret_is_in_no_word_of_the_result(tmp_path):
    """An agent that prints its password prints it for nobody."""
    tmp_path.chmod(0o700)
    program = tmp_path / "fence_chatty"
    program.write_text(
        "#!/bin/sh\nasked=$(cat)\n"
        "case $asked in action=metadata) echo '<resource-agent><parameters>"
        '<parameter name="password"/></parameters><actions><action name="off"/></actions>'
        "</resource-agent>'; exit 0;; esac\n"
        'echo "cannot: $asked" >&2\nexit 1\n'
    )
    program.chmod(0o700)
    reference = secret.SecretRef(secret.SecretSource.ENV, ("IPMI",))
    device = fencing.FenceDevice(
        "d",
        "fence_chatty",
        params=(attribute.AttributeSet({"password": reference}),),
        hosts=("ha-1",),
        retries=0,
    )
    agents = installed.Installed([tmp_path])

    result = await fence(fencer(device, agents=agents, environment={"IPMI": "c4nary-Secret"}))

    assert "cannot:" in result.message
    assert "c4nary" not in repr(result)


async def test_override_takes_the_place_of_the_built_in_driver(bmc, tmp_path):
    """A device can be driven by another agent, by its name or by that of its agent."""
    program = tmp_path / "fence_other"
    tmp_path.chmod(0o700)
    program.write_text(
        "#!/bin/sh\ncat > /dev/null\n"
        "echo '<resource-agent><actions><action name=\"monitor\"/></actions></resource-agent>'\n"
    )
    program.chmod(0o700)
    other = agent.AgentDriver(
        installed.Installed([tmp_path]), lambda text: text, program="fence_other", given={}
    )
    device = bmc.device(params={"password": "wrong"})

    assert (await fencer(device).check("bmc")).fault is port.FenceFault.UNAUTHORIZED
    assert (await fencer(device, overrides={"ipmi": other}).check("bmc")).ok
    assert (await fencer(device, overrides={"bmc": other}).check("bmc")).ok
