"""The whole sandbox: up, down, and what there is.

`up` makes everything run that should, and takes back what it started when it fails. `down` ends everything that
was ever started, found by recorded identities, however the commands before it ended.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import os
import pathlib
import shutil
import time
from collections.abc import Callable

from reconciler.frozen import frozen
from reconciler.sandbox import bmc, faults, inside, layout, network, power, processes, spec

LOCK_DEADLINE_S = 60.0
READY_DEADLINE_S = 20.0
READY_POLL_S = 0.01
HELLO_TIMEOUT_S = 1.0

NO_ROOT = "no root: no network namespaces, so addresses are not real"
NO_IP = "ip is missing (package iproute2): no network namespaces, so addresses are not real"
NO_NSENTER = (
    "nsenter is missing (package util-linux): no network namespaces, so addresses are not real"
)
NO_REAL_ADDRESSES = "the shipped ocf:heartbeat:IPaddr2 is used, and refuses to add an address"
NO_ADDRESS_AGENT = (
    "no ocf:heartbeat:IPaddr2 in /usr/lib/ocf (package resource-agents): the shipped one stands in"
)
NO_BMC = "ipmi_sim is missing (package openipmi): no simulated BMC, power by fence_sandbox"

SYSTEM_AGENTS = pathlib.Path("/usr/lib/ocf/resource.d")
SHIPPED_AGENTS = pathlib.Path(__file__).resolve().parents[1] / "executor" / "ocf" / "resource.d"
_ADDRESS_AGENT = pathlib.Path("heartbeat", "IPaddr2")

Report = Callable[[str], None]


@frozen
class NodeStatus:
    """What there is of one node.

    Attributes:
        name: of the node.
        power: what it is doing.
        cut: whether its cable and link are cut.
        cable: whether the process of its cable is there.
        pid: of its init, or None.
        boot_id: of the present (or last) boot, or None before the first.
        executor: whether its executor answers, asked past the cable.
        namespace: name of its network namespace, or None without.
        address: with prefix length.
        bmc: `address port N` of its simulated BMC, or None.
        power_control: `ipmi_sim` where that BMC runs, else `fence_sandbox`.
        missing: what the node lacks, in words.
    """

    name: str
    power: power.Power
    cut: bool
    cable: bool
    pid: int | None
    boot_id: str | None
    executor: bool
    namespace: str | None
    address: str
    bmc: str | None
    power_control: str
    missing: tuple[str, ...]


@frozen
class ClusterStatus:
    """What there is of a sandbox.

    Attributes:
        name: of the cluster.
        root: of its files.
        up: between `up` and `down`.
        namespaces: whether its nodes have namespaces and real addresses.
        nodes: in the order of the manifest.
        missing: what the sandbox lacks, in words.
    """

    name: str
    root: pathlib.Path
    up: bool
    namespaces: bool
    nodes: tuple[NodeStatus, ...]
    missing: tuple[str, ...]


def lacking() -> tuple[str, ...]:
    """Why this process cannot give nodes namespaces; empty where it can."""
    reasons = []
    if os.geteuid() != 0:
        reasons.append(NO_ROOT)
    for program, reason in (("ip", NO_IP), ("nsenter", NO_NSENTER)):
        if shutil.which(program) is None:
            reasons.append(reason)
    return tuple(reasons)


def up(
    wanted: spec.ClusterSpec,
    report: Report = lambda _: None,
    *,
    deadline_s: float = READY_DEADLINE_S,
) -> ClusterStatus:
    """Makes every node of the sandbox run, connected and unfrozen, and its executor answer.

    Args:
        wanted: what the sandbox is made of.
        report: called with a line for each thing that was done; from several threads.
        deadline_s: how long an executor may take to answer.

    Raises:
        SandboxError: it could not be done; what this call had started is ended again.
    """
    files = layout.Files.at(wanted.root)
    files.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    layout.make_private(files.directory)
    with layout.locked(files.lock, LOCK_DEADLINE_S):
        before = files.load()
        target = _record(files, wanted)
        _require_same(before, target, files)
        files.save(target)
        undo = contextlib.ExitStack()
        if before is None or not before.up:
            undo.callback(files.save, dataclasses.replace(target, up=False))
        try:
            if target.namespaces and network.add_switch(target):
                undo.callback(network.remove, target.switch)
            _raise_nodes(files, wanted, undo, report, deadline_s)
        except BaseException:
            undo.close()
            raise
        undo.pop_all()
    return status(wanted.root)


def _record(files: layout.Files, wanted: spec.ClusterSpec) -> layout.Cluster:
    namespaces = not lacking()
    agent_roots = wanted.agent_roots
    if not namespaces and not agent_roots:
        # Without root the packaged IPaddr2 cannot even stop, and a failed stop means fencing.
        agent_roots = (SHIPPED_AGENTS, SYSTEM_AGENTS)
    return layout.Cluster(
        name=wanted.name,
        label=files.label(wanted.name),
        up=True,
        namespaces=namespaces,
        visible=tuple(str(path.resolve()) for path in wanted.visible),
        agent_roots=tuple(str(path.resolve()) for path in agent_roots),
        nodes=tuple(
            layout.NodeEntry(
                name=node.name,
                address=node.address,
                prefix=node.prefix,
                bmc=None if node.bmc is None else f"{node.bmc.address} port {node.bmc.port}",
            )
            for node in wanted.nodes
        ),
    )


def _require_same(
    before: layout.Cluster | None, target: layout.Cluster, files: layout.Files
) -> None:
    if before is not None and before.up and before != target:
        raise spec.SandboxError(
            f"the sandbox at {files.root} is up with other nodes or settings; take it down first"
        )


def _raise_nodes(
    files: layout.Files,
    wanted: spec.ClusterSpec,
    undo: contextlib.ExitStack,
    report: Report,
    deadline_s: float,
) -> None:
    stacks = {node.name: undo.enter_context(contextlib.ExitStack()) for node in wanted.nodes}
    with concurrent.futures.ThreadPoolExecutor(len(wanted.nodes)) as pool:
        futures = {
            node.name: pool.submit(_raise_node, files, node, stacks[node.name], report, deadline_s)
            for node in wanted.nodes
        }
    failures = [(name, future.exception()) for name, future in futures.items()]
    words = []
    for name, failure in failures:
        if failure is not None and not isinstance(failure, (spec.SandboxError, OSError)):
            raise failure
        if failure is not None:
            words.append(f"{name}: {failure}")
    if words:
        raise spec.SandboxError("; ".join(words))


def _raise_node(
    files: layout.Files,
    node: spec.NodeSpec,
    undo: contextlib.ExitStack,
    report: Report,
    deadline_s: float,
) -> None:
    own = files.node(node.name)
    layout.make_private(own.directory)
    with power.holding(files.root, node.name) as (found, lock):
        if own.cut.exists():
            faults.reconnect(found, lock)
            report(f"{node.name}: reconnected")
        elif not processes.alive(processes.load(own.cable_record)):
            faults.restart_cable(found, lock)
            undo.callback(_remove_cable, own)
        faults.unfreeze(found)
        if not processes.alive(processes.load(own.init_record)):
            power.start(found, lock)
            undo.callback(power.power_off, files.root, node.name)
            report(f"{node.name}: booted")
        _raise_bmc(own, node, undo, lock, report)
    _await_executor(own, deadline_s)
    report(f"{node.name}: ready")


def _raise_bmc(
    own: layout.NodeFiles,
    node: spec.NodeSpec,
    undo: contextlib.ExitStack,
    lock: int,
    report: Report,
) -> None:
    if node.bmc is None or bmc.program() is None:
        return
    if bmc.configure(own, node.bmc):
        bmc.stop(own)
    if not bmc.running(own):
        bmc.start(own, node.bmc, lock)
        undo.callback(bmc.stop, own)
        report(f"{node.name}: BMC answers at {node.bmc.address} port {node.bmc.port}")


def _await_executor(own: layout.NodeFiles, deadline_s: float) -> None:
    give_up = time.monotonic() + deadline_s
    while inside.hello(own.link_socket, HELLO_TIMEOUT_S) is None:
        if time.monotonic() > give_up:
            last = (layout.read(own.log("node")) or "").strip().rpartition("\n")[2]
            raise spec.SandboxError(
                f"its executor did not answer within {deadline_s:g} s; see {own.log('node')}"
                f" ({last[-200:]})"
            )
        time.sleep(READY_POLL_S)


def _remove_cable(own: layout.NodeFiles) -> None:
    processes.kill(processes.load(own.cable_record))
    own.cable_record.unlink(missing_ok=True)
    own.link_socket.unlink(missing_ok=True)


def down(root: pathlib.Path, report: Report = lambda _: None) -> None:
    """Ends everything the sandbox ever started; the nodes' disks stay. Nothing where nothing is left.

    Raises:
        SandboxError: something could not be ended; everything else was.
    """
    files = layout.Files.at(root)
    if files.load() is None:
        return
    with layout.locked(files.lock, LOCK_DEADLINE_S):
        cluster = dataclasses.replace(files.require(), up=False)
        if cluster.namespaces and os.geteuid() != 0:
            raise spec.SandboxError(f"the sandbox at {files.root} was made by root")
        # From here on no BMC can power a node on again.
        files.save(cluster)
        with concurrent.futures.ThreadPoolExecutor(len(cluster.nodes)) as pool:
            futures = [pool.submit(_lower_node, files, entry.name) for entry in cluster.nodes]
        words = [str(future.exception()) for future in futures if future.exception() is not None]
        if cluster.namespaces:
            network.remove(cluster.switch)
        if words:
            raise spec.SandboxError("; ".join(words))
        report(f"{cluster.name}: down")


def _lower_node(files: layout.Files, name: str) -> None:
    own = files.node(name)
    if not own.directory.exists():
        return
    bmc.stop(own)
    power.power_off(files.root, name)
    _remove_cable(own)
    own.cut.unlink(missing_ok=True)


def remove(root: pathlib.Path, report: Report = lambda _: None) -> None:
    """As `down`, and deletes the sandbox's files, the nodes' disks among them."""
    files = layout.Files.at(root)
    cluster = files.load()
    if cluster is None:
        return
    down(root, report)
    for entry in cluster.nodes:
        shutil.rmtree(files.node(entry.name).directory, ignore_errors=True)
    shutil.rmtree(files.directory, ignore_errors=True)


def status(root: pathlib.Path) -> ClusterStatus:
    """What there is of the sandbox; raises `SandboxError` where there is none."""
    files = layout.Files.at(root)
    cluster = files.require()
    with concurrent.futures.ThreadPoolExecutor(len(cluster.nodes)) as pool:
        nodes = tuple(pool.map(lambda entry: _node_status(files, cluster, entry), cluster.nodes))
    return ClusterStatus(
        name=cluster.name,
        root=files.root,
        up=cluster.up,
        namespaces=cluster.namespaces,
        nodes=nodes,
        missing=_missing(cluster),
    )


def _missing(cluster: layout.Cluster) -> tuple[str, ...]:
    if not cluster.namespaces:
        return (*(lacking() or (NO_ROOT,)), NO_REAL_ADDRESSES)
    if cluster.agent_roots or (SYSTEM_AGENTS / _ADDRESS_AGENT).exists():
        return ()
    return (NO_ADDRESS_AGENT,)


def _node_status(
    files: layout.Files, cluster: layout.Cluster, entry: layout.NodeEntry
) -> NodeStatus:
    own = files.node(entry.name)
    now = power.state(own)
    init = processes.load(own.init_record) if now in (power.Power.ON, power.Power.FROZEN) else None
    simulated = bmc.running(own)
    missing = []
    if cluster.up and entry.bmc is not None and not simulated:
        missing.append(NO_BMC if bmc.program() is None else "its simulated BMC does not run")
    cable = processes.alive(processes.load(own.cable_record))
    if cluster.up and not cable:
        missing.append("its cable does not run")
    answers = (
        now is power.Power.ON and inside.hello(own.executor_socket, HELLO_TIMEOUT_S) is not None
    )
    boot_id = layout.read(own.boot_id)
    namespace = cluster.namespace(entry.name) if cluster.namespaces else None
    return NodeStatus(
        name=entry.name,
        power=now,
        cut=own.cut.exists(),
        cable=cable,
        pid=None if init is None else init.pid,
        boot_id=None if boot_id is None else boot_id.strip(),
        executor=answers,
        namespace=namespace,
        address=f"{entry.address}/{entry.prefix}",
        bmc=entry.bmc,
        power_control=bmc.PROGRAM if simulated else "fence_sandbox",
        missing=tuple(missing),
    )
