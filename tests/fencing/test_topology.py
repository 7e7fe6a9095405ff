"""The rule: a node counts as fenced only when a device said so and status said off twice."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools

import pytest

from reconciler.fencing import topology
from reconciler.model import attribute, fencing, secret
from reconciler.ports import fencing as port
from reconciler.ports import secrets as secrets_port

OK = port.FenceReply(ok=True)
ON = port.FenceReply(ok=True, power=fencing.PowerState.ON)
OFF = port.FenceReply(ok=True, power=fencing.PowerState.OFF)
ODD = port.FenceReply(ok=True, power=fencing.PowerState.UNKNOWN)


def fault(kind: port.FenceFault) -> port.FenceReply:
    """Return a failed reply."""
    return port.FenceReply(ok=False, fault=kind, message=kind.value)


class SteppedClock:
    """A clock that goes on only while somebody sleeps."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        """Return the time."""
        return self.time

    def monotonic(self) -> float:
        """Return the time."""
        return self.time

    async def sleep(self, seconds: float) -> None:
        """Go on."""
        self.time += seconds
        await asyncio.sleep(0)


class Plain:
    """Secrets whose references are their own values; one of them cannot be read."""

    def resolve(self, value):
        """Return the value."""
        if isinstance(value, str):
            return value
        if value.reference == ("MISSING",):
            raise secrets_port.SecretUnavailableError("the environment variable MISSING is not set")
        return value.reference[0]

    def resolve_all(self, values):
        """Return the values."""
        return {name: self.resolve(value) for name, value in values.items()}

    def redact(self, text):
        """Return the text."""
        return text


@dataclasses.dataclass
class Scripted:
    """A driver that gives the replies written down for each device and verb; the last one stays."""

    clock: SteppedClock
    script: dict[tuple[str, str], list[port.FenceReply]]
    calls: list[tuple[str, str, float]] = dataclasses.field(default_factory=list)
    took_s: float = 0.0
    most_at_once: int = 0
    at_once: int = 0

    async def call(self, device, verb, target, options, *, deadline_s):
        """Give the next reply."""
        del target, options
        assert deadline_s > 0
        self.calls.append((device.name, verb.value, self.clock.time))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self.clock.sleep(self.took_s)
        await asyncio.sleep(0)
        self.at_once -= 1
        replies = self.script[device.name, verb.value]
        return replies.pop(0) if len(replies) > 1 else replies[0]

    def note(self, device):
        """Return nothing."""
        del device
        return ""

    def said(self, verb: str) -> list[str]:
        """Return the devices that were asked this, in order."""
        return [name for name, called, _ in self.calls if called == verb]


def device(name: str, **fields) -> fencing.FenceDevice:
    """Return a device for ha-1."""
    return fencing.FenceDevice(
        name=name, agent="fence_scripted", **{"hosts": ("ha-1",), "retries": 0, **fields}
    )


class Lab:
    """A topology over scripted devices."""

    def __init__(
        self, devices, script, *, levels=(), limits=topology.DEFAULT, draw=None, memory=None
    ) -> None:
        self.clock = SteppedClock()
        self.driver = Scripted(
            self.clock,
            {tuple(key.split(" ")): list(replies) for key, replies in script.items()},
        )
        self.steps: list[port.FenceStep] = []
        self.fencer = topology.Topology(
            fencing.Fencing(tuple(devices), tuple(levels)),
            self.driver,
            Plain(),
            self.clock,
            limits=limits,
            draw=draw or (lambda low, _: low),
            memory=memory,
        )

    async def fence(self, *, reboot=False, may_act=lambda: True, target="ha-1"):
        """Fence ha-1, or another."""
        return await self.fencer.fence(
            target, reboot=reboot, report=self.steps.append, may_act=may_act
        )


def level(index: int, *devices: str) -> fencing.FencingLevel:
    """Return a level for ha-1."""
    return fencing.FencingLevel("ha-1", index, devices)


async def test_off_confirmed_by_two_status_queries_a_second_apart_is_proof():
    """A node is confirmed off after one off and two separate off answers at least 1 s apart."""
    lab = Lab([device("a")], {"a off": [OK], "a status": [OFF]})

    result = await lab.fence()

    first, second = (at for _, verb, at in lab.driver.calls if verb == "status")
    assert result.confirmed_off
    assert result.device == "a"
    assert result.fault is None
    assert second - first >= 1.0


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([ON], port.FenceFault.CONTRADICTION),
        ([OFF, ON], port.FenceFault.CONTRADICTION),
        ([ODD], port.FenceFault.FAILED),
        ([OFF, ODD], port.FenceFault.FAILED),
        ([fault(port.FenceFault.TIMEOUT)], port.FenceFault.TIMEOUT),
        ([OFF, fault(port.FenceFault.UNREACHABLE)], port.FenceFault.UNREACHABLE),
        ([fault(port.FenceFault.BAD_OPTION)], port.FenceFault.BAD_OPTION),
        ([OFF, fault(port.FenceFault.TIMEOUT), ON], port.FenceFault.CONTRADICTION),
    ],
)
async def test_anything_but_two_off_answers_in_a_row_is_no_proof(answers, expected):
    """On, odd, failing and single answers never confirm, whatever the off command said."""
    lab = Lab([device("a")], {"a off": [OK], "a status": answers})

    result = await lab.fence()

    assert not result.confirmed_off
    assert result.fault is expected


@pytest.mark.parametrize("kind", list(port.FenceFault))
async def test_a_failed_off_is_no_proof_even_where_status_says_off(kind):
    """Without an accepted off command the status is not even asked."""
    lab = Lab([device("a")], {"a off": [fault(kind)], "a status": [OFF]})

    result = await lab.fence()

    assert not result.confirmed_off
    assert result.fault is kind
    assert not lab.driver.said("status")


async def test_slow_off_is_waited_for():
    """A device that still says on for some seconds after off is asked until it says off."""
    lab = Lab([device("a")], {"a off": [OK], "a status": [ON, ON, ON, OFF]})

    result = await lab.fence()

    assert result.confirmed_off
    assert lab.driver.said("status") == ["a"] * 5


async def test_lost_status_answer_restarts_the_count():
    """Off, no answer, off, off: the two off answers must follow each other."""
    lab = Lab(
        [device("a")],
        {"a off": [OK], "a status": [OFF, fault(port.FenceFault.TIMEOUT), OFF, OFF]},
    )

    result = await lab.fence()

    assert result.confirmed_off
    assert len(lab.driver.said("status")) == 4


async def test_contradiction_leads_to_the_next_level():
    """A level whose device lies is not success; the next level proves the node off."""
    lab = Lab(
        [device("liar"), device("pdu")],
        {"liar off": [OK], "liar status": [ON], "pdu off": [OK], "pdu status": [OFF]},
        levels=[level(1, "liar"), level(2, "pdu")],
    )

    result = await lab.fence()

    assert result.confirmed_off
    assert result.device == "pdu"
    assert {step.level for step in result.steps} == {1, 2}


async def test_every_device_of_a_level_must_be_off():
    """Two power feeds: one that stays on makes the level fail."""
    lab = Lab(
        [device("pdu_a"), device("pdu_b")],
        {"pdu_a off": [OK], "pdu_a status": [OFF], "pdu_b off": [OK], "pdu_b status": [ON]},
        levels=[level(1, "pdu_a", "pdu_b")],
    )

    result = await lab.fence()

    assert not result.confirmed_off
    assert result.fault is port.FenceFault.CONTRADICTION


async def test_all_devices_of_a_level_are_off_before_the_first_is_asked():
    """A node with two feeds is off only while both are: all off commands come first."""
    lab = Lab(
        [device("pdu_a"), device("pdu_b")],
        {"pdu_a off": [OK], "pdu_a status": [OFF], "pdu_b off": [OK], "pdu_b status": [OFF]},
        levels=[level(1, "pdu_a", "pdu_b")],
    )

    result = await lab.fence()

    assert result.confirmed_off
    assert result.device == "pdu_a, pdu_b"
    assert [verb for _, verb, _ in lab.driver.calls] == ["off"] * 2 + ["status"] * 4


async def test_level_that_names_an_unknown_device_is_never_proof():
    """A level of a device that does not exist is no level of fewer devices."""
    lab = Lab(
        [device("pdu_a")],
        {"pdu_a off": [OK], "pdu_a status": [OFF]},
        levels=[level(1, "pdu_a", "pdu_gone")],
    )

    result = await lab.fence()

    assert not result.confirmed_off
    assert result.fault is port.FenceFault.NO_DEVICE
    assert not lab.driver.calls


async def test_device_of_another_node_is_never_used():
    """A level that names a device which is not for the node fences nothing."""
    lab = Lab(
        [device("a", hosts=("ha-2",))],
        {"a off": [OK], "a status": [OFF]},
        levels=[level(1, "a")],
    )

    result = await lab.fence()

    assert not result.confirmed_off
    assert result.fault is port.FenceFault.BAD_OPTION
    assert not lab.driver.calls


async def test_no_device_is_reported():
    """A node without any device cannot be fenced, and the result says why."""
    lab = Lab([], {})

    result = await lab.fence()

    assert not result.confirmed_off
    assert result.fault is port.FenceFault.NO_DEVICE


async def test_failed_off_is_tried_again_with_growing_waits():
    """Retries are those of the device, and the wait between them grows."""
    lab = Lab(
        [device("a", retries=3)],
        {
            "a off": [fault(port.FenceFault.TIMEOUT)] * 3 + [OK],
            "a status": [OFF],
        },
    )

    result = await lab.fence()

    times = [at for _, verb, at in lab.driver.calls if verb == "off"]
    waits = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert result.confirmed_off
    assert len(times) == 4
    assert waits == sorted(waits)
    assert waits[0] < waits[-1]


@pytest.mark.parametrize(
    "kind",
    [port.FenceFault.UNAUTHORIZED, port.FenceFault.BAD_OPTION, port.FenceFault.NOT_INSTALLED],
)
async def test_faults_that_no_retry_can_heal_are_not_tried_again(kind):
    """A wrong password stays wrong: the next level is tried at once."""
    lab = Lab([device("a", retries=5)], {"a off": [fault(kind)]})

    await lab.fence()

    assert lab.driver.said("off") == ["a"]


async def test_delay_is_waited_before_the_first_switching_call():
    """The fixed delay, and the drawn part of the rest up to delay-max, come before off."""
    lab = Lab(
        [device("a", delay_base_ms=2000, delay_max_ms=5000)],
        {"a off": [OK], "a status": [OFF]},
        draw=lambda low, high: (low + high) / 2,
    )
    began = lab.clock.time

    await lab.fence()

    assert lab.driver.calls[0][2] - began == pytest.approx(3.5)


async def test_nothing_is_switched_once_it_may_not_act():
    """may_act is asked right before the switching call, after the delay."""
    lab = Lab([device("a", delay_base_ms=5000)], {"a off": [OK], "a status": [OFF]})
    began = lab.clock.time

    result = await lab.fence(may_act=lambda: lab.clock.time < began + 1)

    assert not result.confirmed_off
    assert result.fault is port.FenceFault.NOT_ALLOWED
    assert not lab.driver.calls


async def test_losing_the_permission_stops_all_levels():
    """After may_act said no, neither a retry nor a further level is tried."""
    lab = Lab(
        [device("a", retries=2), device("b")],
        {"a off": [fault(port.FenceFault.FAILED)], "b off": [OK], "b status": [OFF]},
    )

    result = await lab.fence(may_act=lambda: not lab.driver.calls)

    assert result.fault is port.FenceFault.NOT_ALLOWED
    assert [call[:2] for call in lab.driver.calls] == [("a", "off")]


async def test_confirmation_goes_on_without_permission():
    """Asking for the status is no acting: a begun fencing is still proven."""
    lab = Lab([device("a")], {"a off": [OK], "a status": [OFF]})

    result = await lab.fence(may_act=lambda: not lab.driver.calls, reboot=True)

    assert result.confirmed_off
    assert not result.back_on
    assert not lab.driver.said("on")


async def test_reboot_switches_on_after_the_proof_only():
    """On comes after both status answers, and back_on only where status says on."""
    lab = Lab([device("a")], {"a off": [OK], "a status": [OFF, OFF, ON], "a on": [OK]})

    result = await lab.fence(reboot=True)

    assert result.confirmed_off
    assert result.back_on
    assert [verb for _, verb, _ in lab.driver.calls] == ["off", "status", "status", "on", "status"]


@pytest.mark.parametrize(
    ("on", "status"),
    [([fault(port.FenceFault.FAILED)], [OFF]), ([OK], [OFF]), ([OK], [OFF, OFF, ODD])],
)
async def test_failing_to_switch_on_does_not_undo_the_proof(on, status):
    """The node is fenced although it did not come back."""
    lab = Lab([device("a")], {"a off": [OK], "a status": status, "a on": on})

    result = await lab.fence(reboot=True)

    assert result.confirmed_off
    assert not result.back_on


async def test_reboot_switches_every_feed_on_again():
    """A feed that a failed level had switched off is switched on with the others."""
    lab = Lab(
        [device("pdu_a"), device("pdu_b"), device("bmc")],
        {
            "pdu_a off": [OK],
            "pdu_a on": [OK],
            "pdu_b off": [fault(port.FenceFault.FAILED)],
            "bmc off": [OK],
            "bmc on": [OK],
            "bmc status": [OFF, OFF, ON],
        },
        levels=[level(1, "pdu_a", "pdu_b"), level(2, "bmc")],
    )

    result = await lab.fence(reboot=True)

    assert result.confirmed_off
    assert result.back_on
    assert lab.driver.said("on") == ["pdu_a", "bmc"]


async def test_total_time_is_bounded():
    """However many levels and retries there are, fencing ends within the limit."""
    names = [f"d{number}" for number in range(20)]
    lab = Lab(
        [device(name, retries=9, timeout_ms=60_000) for name in names],
        {f"{name} off": [fault(port.FenceFault.TIMEOUT)] for name in names},
        limits=dataclasses.replace(topology.DEFAULT, total_s=100.0),
    )
    lab.driver.took_s = 10.0
    began = lab.clock.time

    result = await lab.fence()

    assert result.fault is port.FenceFault.TIMEOUT
    assert lab.clock.time - began <= 115


async def test_fences_of_one_node_are_limited():
    """The fourth fencing within an hour is refused, and allowed again when the hour is over."""
    lab = Lab([device("a")], {"a off": [OK], "a status": [OFF]})

    results = [await lab.fence() for _ in range(4)]
    lab.clock.time += 3600
    later = await lab.fence()

    assert [one.confirmed_off for one in results] == [True, True, True, False]
    assert results[3].fault is port.FenceFault.LIMIT
    assert lab.driver.said("off") == ["a"] * 4
    assert later.confirmed_off


async def test_limit_holds_over_a_changed_manifest():
    """Topologies that share their memory share the limit."""
    memory = topology.Memory()
    labs = [Lab([device("a")], {"a off": [OK], "a status": [OFF]}, memory=memory) for _ in range(4)]

    results = [await lab.fence() for lab in labs]

    assert [one.confirmed_off for one in results] == [True, True, True, False]


async def test_one_node_is_never_fenced_twice_at_once():
    """A second fencing of the same node begins when the first has ended."""
    lab = Lab([device("a")], {"a off": [OK], "a status": [OFF]})

    results = await asyncio.gather(lab.fence(), lab.fence())

    assert all(one.confirmed_off for one in results)
    assert [verb for _, verb, _ in lab.driver.calls] == ["off", "status", "status"] * 2


async def test_a_device_is_asked_one_thing_at_a_time():
    """Two nodes on one device: many devices have a single session only."""
    lab = Lab([device("pdu", hosts=("ha-1", "ha-2"))], {"pdu off": [OK], "pdu status": [OFF]})

    results = await asyncio.gather(lab.fence(), lab.fence(target="ha-2"))

    assert all(one.confirmed_off for one in results)
    assert lab.driver.most_at_once == 1


async def test_secret_that_cannot_be_read_is_a_failed_level():
    """A device without its password is left, and the message names the check, not more."""
    locked = attribute.AttributeSet(
        {"password": secret.SecretRef(secret.SecretSource.ENV, ("MISSING",))}
    )
    lab = Lab(
        [device("a", params=(locked,), priority=1), device("b")],
        {"b off": [OK], "b status": [OFF]},
    )

    result = await lab.fence()

    assert result.confirmed_off
    assert result.device == "b"
    assert "MISSING" in next(step.reply.message for step in result.steps if step.device == "a")


async def test_every_step_is_reported_before_and_after():
    """Progress sees each call begin and end; the result holds the ended ones in order."""
    lab = Lab([device("a")], {"a off": [OK], "a status": [OFF]})

    result = await lab.fence()

    assert [step.reply is None for step in lab.steps] == [True, False] * 3
    assert tuple(step for step in lab.steps if step.reply is not None) == result.steps


async def test_status_asks_every_device_and_switches_nothing():
    """The status of a node is that of each of its devices."""
    lab = Lab([device("a"), device("b")], {"a status": [ON], "b status": [ODD]})

    steps = await lab.fencer.status("ha-1")

    assert [(step.device, step.reply) for step in steps] == [("a", ON), ("b", ODD)]
    assert not lab.driver.said("off")


async def test_check_asks_the_monitor_action():
    """A device is checked by its monitor action; one that does not exist is reported."""
    lab = Lab([device("a")], {"a monitor": [OK]})

    assert await lab.fencer.check("a") == OK
    assert (await lab.fencer.check("b")).fault is port.FenceFault.NO_DEVICE
