"""Which driver speaks to a device: ``ipmi`` is built in, ``fence_*`` is the agent of that name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from reconciler.fencing import agent, installed, ipmi
from reconciler.model import fencing
from reconciler.ports import fencing as port


class Driver(port.FenceDriver, Protocol):
    """A driver that can also say what is to be known about its use."""

    def note(self, device: fencing.FenceDevice) -> str:
        """Return a warning about how the driver works with a device; empty: none."""
        ...


class Registry:
    """The driver of all devices: hands each call to the driver of its device.

    Args:
        redact: cuts secrets out of what devices say.
        agents: the fence agents of this machine.
        overrides: drivers to use instead, by name of a device or, where there is none, of an
            agent; so a sandbox without a BMC simulator puts its own agent in the place of ``ipmi``.
    """

    def __init__(
        self,
        redact: Callable[[str], str],
        agents: installed.Installed,
        overrides: Mapping[str, Driver] | None = None,
    ) -> None:
        self._overrides = dict(overrides or {})
        self._ipmi: Driver = ipmi.IpmiDriver(redact)
        self._agents: Driver = agent.AgentDriver(agents, redact)

    async def call(
        self,
        device: fencing.FenceDevice,
        verb: port.FenceVerb,
        target: str,
        options: Mapping[str, str],
        *,
        deadline_s: float,
    ) -> port.FenceReply:
        """Ask the device; see the port."""
        driver = self._driver(device)
        return await driver.call(device, verb, target, options, deadline_s=deadline_s)

    def note(self, device: fencing.FenceDevice) -> str:
        """Return a warning about how a device's driver works; empty: none."""
        return self._driver(device).note(device)

    def _driver(self, device: fencing.FenceDevice) -> Driver:
        for name in (device.name, device.agent):
            if name in self._overrides:
                return self._overrides[name]
        return self._ipmi if device.agent == fencing.BUILT_IN_IPMI else self._agents
