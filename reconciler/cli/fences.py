"""What verbs tell of fencing: devices, whether they answer, and what was fenced."""

from __future__ import annotations

import asyncio

from reconciler.cli import compose, look, running
from reconciler.controller import records
from reconciler.model.desired import Desired
from reconciler.model.reason import Reason, ReasonCode
from reconciler.ports import fencing
from reconciler.render import sentences
from reconciler.render import status as view

_AT_ONCE = 16


def devices(wanted: Desired, *, check: bool) -> tuple[view.Device, ...]:
    """Return the devices of a manifest; with ``check`` each is asked whether it answers."""
    plain = tuple(view.Device(one.name, one.agent, one.targets) for one in wanted.fencing.devices)
    if not check or not plain:
        return plain
    world = compose.world(wanted, command="fence status", told=look.Silent())
    return running.to_end(lambda _: _checked(world, wanted, plain), at_once=True)


async def _checked(
    world: compose.World, wanted: Desired, plain: tuple[view.Device, ...]
) -> tuple[view.Device, ...]:
    fencer = world.context.fencers(wanted)
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(device: view.Device) -> view.Device:
        async with turns:
            reply = await fencer.check(device.name)
        return view.Device(device.name, device.agent, device.hosts, reply.ok, _words(reply))

    return tuple(await asyncio.gather(*(one(device) for device in plain)))


def _words(reply: fencing.FenceReply) -> str:
    if reply.ok:
        return ""
    fault = reply.fault.value if reply.fault else ""
    return ": ".join(part for part in (fault, reply.message) if part)


def recorded(wanted: Desired, known: records.Records) -> tuple[view.Fenced, ...]:
    """Return the last fencing of each node as the cluster's records have it, oldest first."""
    found = [(one.name, records.fence(known, one.name)) for one in wanted.nodes]
    return tuple(
        sorted(
            (
                view.Fenced(one.at, name, one.confirmed, one.device, _why(name, one.reason))
                for name, one in found
                if one.state
            ),
            key=lambda one: one.at,
        )
    )


def _why(node: str, word: str) -> str:
    """Return a recorded reason in words; a person's own words as they are."""
    known = {code.value: code for code in ReasonCode}
    if word not in known:
        return word
    return sentences.sentence(Reason(known[word], node), subject_known=node)


def lease(seen: look.Seen) -> view.Lease | None:
    """Return who acts now."""
    found = seen.lease
    if found is None:
        return None
    holder, remaining = found
    return view.Lease(holder.user, holder.host, holder.pid, holder.command, holder.since, remaining)
