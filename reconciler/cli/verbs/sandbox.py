"""``reconcile sandbox``: run a cluster of local nodes, and break it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from reconciler.cli import group, manifests, names, params, places, sandboxes, terminal
from reconciler.cli.quit import Quit
from reconciler.errors.exit_status import ExitStatus
from reconciler.render import moment, styled, values
from reconciler.render.styled import Span, Style, span
from reconciler.sandbox import cluster, faults, power, spec
from reconciler.secrets.store import Store

T = TypeVar("T")
_UNMADE = frozenset({"secret-unavailable"})
"""What ``up`` makes where it is missing."""
_POWER: dict[power.Power, Style] = {
    power.Power.ON: Style.GOOD,
    power.Power.OFF: Style.BAD,
    power.Power.FROZEN: Style.WARNING,
    power.Power.CRASHED: Style.BAD,
}


@click.group(cls=group.VerbGroup)
def sandbox() -> None:
    """Run the nodes of the manifests on this machine, and break them.

    Each node is a real executor; as root it has a network namespace and a simulated BMC of its own.
    """


@sandbox.command()
@params.paths
def up(paths: tuple[str, ...]) -> int:
    """Start every node that the manifests connect by sandbox; mends what is broken."""
    wanted = manifests.read(paths, mute=_UNMADE).desired
    for path in sandboxes.make_secrets(wanted):
        terminal.note(f"made {path}: a random password for simulated BMCs, readable by you only")
    made = sandboxes.specification(wanted, Store())
    began = time.monotonic()

    def report(line: str) -> None:
        terminal.note(f"{moment.length(time.monotonic() - began):>6}  {line}")

    _done(lambda: cluster.up(made, report))
    _show(cluster.status(made.root))
    terminal.note(f"up in {moment.length(time.monotonic() - began)}; next: reconcile apply")
    return 0


@sandbox.command()
@params.paths
@click.option("--remove", is_flag=True, help="Delete the disks of its nodes too.")
def down(paths: tuple[str, ...], remove: bool) -> int:
    """Stop everything that the sandbox runs; the disks of its nodes stay."""
    root = _root(paths)
    end = cluster.remove if remove else cluster.down
    _done(lambda: end(root, terminal.note))
    return 0


@sandbox.command()
@params.paths
@params.output("text", "json")
def status(paths: tuple[str, ...], form: str) -> int:
    """Show the sandbox: power, executors, addresses, BMCs."""
    root = _root(paths)
    found = _done(lambda: cluster.status(root))
    if form == "json":
        terminal.output().text(values.text(_json(found)))
    else:
        _show(found)
    return 0


def _done(work: Callable[[], T]) -> T:
    try:
        return work()
    except spec.SandboxError as error:
        raise Quit(ExitStatus.ERROR, str(error)) from None


def _root(paths: tuple[str, ...]) -> Path:
    """Return the sandbox that is meant; a mistake in the manifests must not keep it running."""
    try:
        return places.sandbox(manifests.read(paths, mute=_UNMADE).desired.name)
    except Quit as invalid:
        there = places.sandboxes()
        if invalid.status != ExitStatus.INVALID_MANIFEST or len(there) != 1:
            raise
        terminal.note(
            f"the manifests cannot be read; taking the only sandbox here: {there[0].name}"
        )
        return there[0]


def _show(found: cluster.ClusterStatus) -> None:
    rows = [
        tuple(
            span(word, Style.FAINT)
            for word in ("node", "power", "executor", "address", "BMC", "namespace", "")
        )
    ]
    for one in found.nodes:
        simulated = cluster.NO_BMC not in one.missing
        own = [words for words in one.missing if words != cluster.NO_BMC]
        words = [*(("CUT OFF",) if one.cut else ()), *own]
        rows.append(
            (
                span(one.name, Style.STRONG),
                Span(one.power.value, _POWER[one.power]),
                Span("answers", Style.GOOD) if one.executor else Span("silent", Style.BAD),
                span(one.address),
                span((simulated and one.bmc) or one.power_control),
                span(one.namespace or "-", Style.FAINT),
                span(", ".join(words), Style.WARNING),
            )
        )
    screen = terminal.output()
    screen.lines(styled.table(rows, indent=0))
    everywhere = dict.fromkeys((*found.missing, *_without_bmc(found)))
    screen.lines(styled.line(span(f"note: {words}", Style.WARNING)) for words in everywhere)
    if not found.up:
        screen.lines([styled.line(span("The sandbox is down; start it: reconcile sandbox up"))])


def _without_bmc(found: cluster.ClusterStatus) -> tuple[str, ...]:
    return tuple(words for one in found.nodes for words in one.missing if words == cluster.NO_BMC)


def _json(found: cluster.ClusterStatus) -> dict[str, object]:
    return {
        "format_version": values.FORMAT_VERSION,
        "cluster": found.name,
        "root": str(found.root),
        "up": found.up,
        "namespaces": found.namespaces,
        "missing": list(found.missing),
        "nodes": [
            {
                "node": one.name,
                "power": one.power.value,
                "cut": one.cut,
                "executor": one.executor,
                "address": one.address,
                "bmc": one.bmc,
                "power_control": one.power_control,
                "namespace": one.namespace,
                "boot_id": one.boot_id,
                "missing": list(one.missing),
            }
            for one in found.nodes
        ],
    }


def _fault(name: str, work: Callable[[Path, str], None], help_text: str, done: str) -> None:
    @sandbox.command(name, help=help_text)
    @click.argument("node")
    @params.manifests
    def inject(node: str, paths: tuple[str, ...]) -> int:
        wanted = manifests.read(paths, mute=_UNMADE).desired
        names.require_node(wanted, node)
        _done(lambda: work(places.sandbox(wanted.name), node))
        terminal.note(f"{node}: {done}")
        return 0


_fault("kill", faults.kill, "Crash NODE: every process dies at once.", "crashed")
_fault("freeze", faults.freeze, "Hang NODE: every process stands still.", "frozen")
_fault("thaw", faults.thaw, "Let a frozen NODE go on.", "goes on")
_fault("cut", faults.cut, "Pull the network cable of NODE.", "cut off")
_fault("heal", faults.heal, "Plug the network cable of NODE in again.", "connected again")
