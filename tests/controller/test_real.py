"""The controller with real executors: processes, sockets, agents and the real clock."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import signal
import sys
import tempfile

import pytest

from reconciler import clock
from reconciler.controller import commands, context, loop
from reconciler.controller.result import State
from reconciler.ports import fencing, nodes
from reconciler.scheduler import pipeline
from reconciler.secrets import store
from reconciler.simulator import example
from reconciler.simulator.controllers import Diary, Memory
from reconciler.simulator.life import Life
from reconciler.simulator.world import World
from reconciler.transport import unix

pytestmark = pytest.mark.real
HANG_S = 60.0

AGENT = """#!/bin/sh
state={state}/$OCF_RESOURCE_INSTANCE
case $1 in
  start) echo start >> {state}/log; touch "$state";;
  stop) echo stop >> {state}/log; rm -f "$state";;
  monitor) [ -e "$state" ] || exit 7;;
  meta-data) echo '<resource-agent name="Dummy"/>';;
esac
exit 0
"""


class Node:
    """A node on this machine: an executor, an agent, and a boot id of its own."""

    def __init__(self, top: pathlib.Path, name: str) -> None:
        self.name = name
        self.top = top / name
        self.boots = 0
        self.process: asyncio.subprocess.Process | None = None
        provider = self.top / "agents" / "heartbeat"
        provider.mkdir(parents=True)
        for part in ("processes", "state"):
            (self.top / part).mkdir(mode=0o700)
        agent = provider / "Dummy"
        agent.write_text(AGENT.format(state=self.top / "processes"))
        agent.chmod(0o755)

    @property
    def socket(self) -> pathlib.Path:
        """Where its executor listens."""
        return self.top / "state" / "executor.sock"

    @property
    def runs(self) -> list[str]:
        """What runs there."""
        return sorted(one.name for one in (self.top / "processes").iterdir() if one.name != "log")

    async def boot(self) -> None:
        """Boot: a new boot id, nothing runs, and the executor answers."""
        self.boots += 1
        for one in (self.top / "processes").iterdir():
            one.unlink()
        (self.top / "boot").write_text(f"{self.name}-{self.boots}\n")
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "reconciler.executor", "daemon", "--foreground", "--node", self.name),
            *("--state-dir", str(self.top / "state")),
            *("--boot-id-file", str(self.top / "boot")),
            *("--agent-root", str(self.top / "agents")),
            stderr=asyncio.subprocess.DEVNULL,
        )
        for _ in range(int(HANG_S / 0.05)):
            if await self._answers():
                return
            await asyncio.sleep(0.05)
        raise TimeoutError(f"the executor of {self.name} does not answer")

    async def power_off(self) -> None:
        """Cut the power: the executor and everything that runs there end at once."""
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL)
            await self.process.wait()
        for one in (self.top / "processes").iterdir():
            one.unlink()

    def freeze(self) -> None:
        """Stop the executor as a hanging machine does; what runs there stays."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    async def _answers(self) -> bool:
        try:
            link = await unix.reached(self.socket)
        except OSError:
            return False
        await link.close()
        return True


class Switch:
    """A fence device that really switches these nodes off."""

    def __init__(self, cluster: dict[str, Node]) -> None:
        self._cluster = cluster
        self.fenced: list[str] = []

    async def fence(self, target, *, reboot, report, may_act, proven):
        """Switch off, if that is still allowed."""
        del reboot, report, proven
        if not may_act():
            return fencing.FenceResult(target, confirmed_off=False, message="not allowed")
        await self._cluster[target].power_off()
        self.fenced.append(target)
        return fencing.FenceResult(target, confirmed_off=True, device="switch")

    async def status(self, target):
        """Say nothing."""
        del target
        return ()

    async def check(self, device):
        """Say that all is well."""
        del device
        return fencing.FenceReply(ok=True)


@contextlib.asynccontextmanager
async def cluster():
    """Run three nodes, and end them whatever happens."""
    with tempfile.TemporaryDirectory(prefix="rc", dir="/tmp") as top:
        found = {name: Node(pathlib.Path(top), name) for name in example.THREE}
        try:
            await asyncio.gather(*(one.boot() for one in found.values()))
            yield found
        finally:
            await asyncio.gather(*(one.power_off() for one in found.values()))


def controller(found: dict[str, Node], switch: Switch, name: str) -> context.Context:
    """Return the context of a controller."""
    life = Life(name)
    system = clock.SystemClock()
    return context.Context(
        transport=unix.UnixTransport(lambda target: found[target.name].socket, system),
        fencers=lambda _wanted: switch,
        secrets=store.Store({}),
        journal=Memory(life),
        clock=system,
        progress=Diary(World(())),
        identity=nodes.LeaseHolder(name, "here", "root", 1, "apply", system.now()),
        schedule=pipeline.schedule,
    )


def where(found: dict[str, Node], resource: str) -> list[str]:
    """Return the nodes on which a resource runs."""
    return [name for name, one in found.items() if resource in one.runs]


async def test_real_executors_are_brought_to_the_manifest_and_survive_a_lost_node():
    """Probe, start, find nothing to do, lose a node, fence it, start elsewhere, take it back."""
    wanted = example.cluster()
    async with cluster() as found, asyncio.timeout(HANG_S):
        switch = Switch(found)

        async def run(name: str) -> object:
            held = controller(found, switch, name)
            return await loop.converge(held, wanted, deadline_s=HANG_S)

        first, again = await run("first"), await run("again")
        assert (first.state, again.state, again.actions) == (State.CONVERGED, State.CONVERGED, 0)
        assert len(where(found, "a")) == len(where(found, "b")) == 1

        victim = where(found, "a")[0]
        found[victim].freeze()
        ended = await run("second")
        assert (ended.state, ended.silent, switch.fenced) == (State.CONVERGED, (victim,), [victim])
        assert len(where(found, "a")) == 1
        assert victim not in where(found, "a")

        await found[victim].boot()
        back = await run("third")
        assert (back.state, back.silent) == (State.CONVERGED, ())
        assert len(where(found, "a")) == len(where(found, "b")) == 1


async def test_commands_reach_real_executors():
    """Standby is recorded on real nodes, survives the command, and the next run follows it."""
    wanted = example.cluster(resources=("a",), orders=())
    async with cluster() as found, asyncio.timeout(HANG_S):
        switch = Switch(found)
        await loop.converge(controller(found, switch, "one"), wanted, deadline_s=HANG_S)
        place = where(found, "a")[0]
        held = controller(found, switch, "two")
        done = await commands.standby(held, wanted, place, on=True)
        ended = await loop.converge(controller(found, switch, "x"), wanted, deadline_s=HANG_S)
        assert (done.state, ended.state) == (State.DONE, State.CONVERGED)
        assert where(found, "a") != [place]
        cleaned = await commands.cleanup(held, wanted, "a")
        assert (cleaned.state, cleaned.actions) == (State.DONE, 3)
