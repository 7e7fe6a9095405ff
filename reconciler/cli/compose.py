"""The composition root: the one place where adapters are made and put together.

Everything follows from the manifest: where its nodes are reached, how its devices are spoken to,
and under which name this run acts.
"""

from __future__ import annotations

import dataclasses
import getpass
import os
import pathlib
import socket
import sys
import uuid
from collections.abc import Callable

from reconciler.cli import places, terminal
from reconciler.cli.quit import Quit
from reconciler.clock import SystemClock
from reconciler.controller import capability
from reconciler.controller.context import Bounds, Context
from reconciler.errors.exit_status import ExitStatus
from reconciler.fencing import agent as fence_agent
from reconciler.fencing import installed, registry, topology
from reconciler.frozen import frozen
from reconciler.journal.file import FileJournal
from reconciler.model import attribute, node, observed, plan, score
from reconciler.model.desired import Desired
from reconciler.ports import nodes, progress
from reconciler.render import diagnostics
from reconciler.sandbox import bmc, layout
from reconciler.secrets.store import Store
from reconciler.transport import attach, unix
from reconciler.transport import registry as transport_registry

SANDBOX_AGENT = "fence_sandbox"
SANDBOX_AGENT_DIRECTORY = pathlib.Path(layout.__file__).parent
_PRUNE = "stop-removed-resources"


@frozen
class World:
    """What a verb works with.

    Attributes:
        context: the ports, for the controller.
        journal: of this cluster on this machine.
        notes: warnings about how devices are spoken to.
    """

    context: Context
    journal: FileJournal
    notes: Callable[[Desired], tuple[str, ...]]


def world(
    wanted: Desired,
    *,
    command: str,
    told: progress.Progress,
    bounds: Bounds | None = None,
) -> World:
    """Put a world together for the cluster of a manifest.

    Args:
        wanted: names the cluster, and where its nodes are.
        command: the verb, for whoever meets the lease of this run.
        told: hears of progress.
        bounds: limits other than the usual ones.

    Raises:
        Quit: part of what is wanted cannot be run; why has been shown.
    """
    refused = tuple(capability.missing(wanted))
    if refused:
        terminal.error().lines(diagnostics.lines(refused))
        raise Quit(ExitStatus.INVALID_MANIFEST)
    clock = SystemClock()
    store = Store()
    journal = FileJournal(places.journal(wanted.name), redact=store.redact)
    drivers = _drivers(store, wanted)
    # Shared, so that an edited manifest resets neither the limits nor the locks.
    memory = topology.Memory()

    def fencer(current: Desired) -> topology.Topology:
        return topology.Topology(current.fencing, drivers, store, clock, memory=memory)

    def notes(current: Desired) -> tuple[str, ...]:
        found = ((one.name, drivers.note(one)) for one in current.fencing.devices)
        return tuple(f"{name}: {note}" for name, note in found if note)

    context = Context(
        transport=_transport(wanted, clock),
        fencers=fencer,
        secrets=store,
        journal=journal,
        clock=clock,
        progress=told,
        identity=identity(command, clock.now()),
        schedule=scheduled,
        bounds=bounds or Bounds(),
    )
    return World(context, journal, notes)


def scheduled(wanted: Desired, seen: observed.Observed) -> plan.Plan:
    """Plan; the scheduler is imported when it is needed."""
    from reconciler.scheduler import pipeline

    return pipeline.schedule(wanted, seen)


def identity(command: str, now: float) -> nodes.LeaseHolder:
    """Return who this run is."""
    return nodes.LeaseHolder(
        id=str(uuid.uuid4()),
        host=socket.gethostname(),
        user=_user(),
        pid=os.getpid(),
        command=f"reconcile {command}",
        since=now,
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        # A container may run under a number that has no name.
        return str(os.geteuid())


def pruning(wanted: Desired) -> Desired:
    """Return the manifest with what is no longer in it stopped, whatever its properties say."""
    block = attribute.AttributeSet({_PRUNE: "true"}, score=score.INFINITY)
    return dataclasses.replace(wanted, properties=(block, *wanted.properties))


def _transport(wanted: Desired, clock: SystemClock) -> nodes.Transport:
    files = layout.Files.at(places.sandbox(wanted.name))

    def socket_of(target: node.Node) -> pathlib.Path:
        return files.node(target.name).link_socket

    def attached(target: node.Node) -> list[str]:
        state = places.state() / "node" / target.name
        program = [sys.executable, "-m", "reconciler.executor", "attach"]
        return [*program, "--state-dir", str(state), "--node", target.name]

    return transport_registry.Registry(
        {
            "sandbox": unix.UnixTransport(socket_of, clock),
            "local": attach.AttachTransport(attached, clock),
        }
    )


def _drivers(store: Store, wanted: Desired) -> registry.Registry:
    root = places.sandbox(wanted.name)
    agents = installed.Installed((*installed.DIRECTORIES, SANDBOX_AGENT_DIRECTORY))
    own = fence_agent.AgentDriver(
        agents, store.redact, program=SANDBOX_AGENT, given={"root": str(root)}
    )
    overrides: dict[str, registry.Driver] = {SANDBOX_AGENT: own}
    if bmc.program() is None:
        # Without a BMC simulator the sandbox's own agent stands in for the BMCs of its nodes.
        from reconciler.cli import sandboxes

        overrides.update(dict.fromkeys(sandboxes.simulated(wanted), own))
    return registry.Registry(store.redact, agents, overrides)
