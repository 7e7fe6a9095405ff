"""Fence devices and levels, as desired, and what a device can be asked."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping

from reconciler.errors import position
from reconciler.frozen import frozen
from reconciler.model import attribute

BUILT_IN_IPMI = "ipmi"
"""The agent name of the built-in IPMI driver; any other is a ``fence_*`` executable."""


@frozen
class FenceDevice:
    """A device that can cut nodes off.

    Attributes:
        agent: ``ipmi`` or the name of a ``fence_*`` executable.
        params: options of the agent; secrets by reference.
        hosts: nodes that it can fence; empty: those of ``host_map``.
        host_map: node to the port or plug by which the device knows it.
        delay_base_ms, delay_max_ms: fixed and random wait before it fences, against races.
        timeout_ms: bound of one operation, including the agent's own waits.
        retries: further tries of a failed operation.
        priority: higher is tried first where no level names devices.
    """

    name: str
    agent: str
    params: attribute.AttributeSets = ()
    hosts: tuple[str, ...] = ()
    host_map: Mapping[str, str] = dataclasses.field(default_factory=dict)
    delay_base_ms: int = 0
    delay_max_ms: int = 0
    timeout_ms: int = 60_000
    retries: int = 1
    priority: int = 0
    origin: position.Position = dataclasses.field(default=position.NOWHERE, compare=False)

    @property
    def targets(self) -> tuple[str, ...]:
        """Every node that the device is for."""
        return self.hosts or tuple(self.host_map)


@frozen
class FencingLevel:
    """Devices that must all succeed for ``target``; levels are tried by rising ``index``."""

    target: str
    index: int
    devices: tuple[str, ...]
    origin: position.Position = dataclasses.field(default=position.NOWHERE, compare=False)


@frozen
class Fencing:
    """All fence devices and levels of a cluster."""

    devices: tuple[FenceDevice, ...] = ()
    levels: tuple[FencingLevel, ...] = ()

    def topology(self, target: str) -> tuple[tuple[FenceDevice, ...], ...]:
        """Return the levels for a node, first tried first, each with its devices.

        Without a configured level every device that is for the node is a level of its own, by
        priority, then name.
        """
        by_name = {device.name: device for device in self.devices}
        levels = sorted(
            (level for level in self.levels if level.target == target),
            key=lambda level: level.index,
        )
        if levels:
            return tuple(
                tuple(by_name[name] for name in level.devices if name in by_name)
                for level in levels
            )
        able = [device for device in self.devices if target in device.targets]
        return tuple((one,) for one in sorted(able, key=lambda one: (-one.priority, one.name)))


NO_FENCING = Fencing()
"""No devices at all."""


class PowerState(enum.Enum):
    """What a device says of a node's power. Anything but a clear answer is UNKNOWN."""

    ON = "on"
    OFF = "off"
    UNKNOWN = "unknown"
