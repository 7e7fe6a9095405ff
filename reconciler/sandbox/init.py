"""The first process of a node.

As root it is PID 1 of its own network, pid, mount, uts and ipc namespaces: a kill of it is a power failure,
because the kernel then kills every process of the node. Otherwise it is the subreaper of the node's process tree,
and a guard above it does what the kernel would do: when the init ends, the guard kills the rest.

It runs the executor, starts it again when it dies, reaps orphans, and does nothing else.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import sys
import time
from typing import NoReturn

from reconciler.sandbox import background, layout, namespaces, network, processes

RESTART_DELAY_FIRST_S = 0.1
RESTART_DELAY_MAX_S = 5.0
STEADY_S = 10.0
"""An executor that lived this long is started again without a longer delay."""

PRIVATE_RSCTMP = pathlib.Path("/run/resource-agents")

_PRIVATE_DIRECTORIES = (("/tmp", "1777"), ("/run", "0755"), ("/dev/shm", "1777"))  # noqa: S108  # made private here
_IGNORED = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
_CONTROL_GROUPS = "/sys/fs/cgroup"
_UMASK = 0o022  # what a node's services are used to


def run(files: layout.NodeFiles, cluster: layout.Cluster) -> NoReturn:
    """Makes the node's namespaces, detaches its first process, and stays in there for the node's whole life."""
    if cluster.namespaces:
        descriptor = os.open(network.path(cluster.namespace(files.name)), os.O_RDONLY)
        namespaces.enter(descriptor, namespaces.NEW_NET)
        namespaces.unshare(
            namespaces.NEW_MOUNT | namespaces.NEW_UTS | namespaces.NEW_IPC | namespaces.NEW_PID
        )
    record = files.init_record if cluster.namespaces else files.guard_record
    detached = background.detach(record, files.log("node"))
    try:
        if not cluster.namespaces:
            _guard(files)
        rsctmp = _furnish(files, cluster)
    except OSError as error:
        detached.failed(str(error))
    for number in _IGNORED:
        # A handler, unlike SIG_IGN, is not inherited by the programs of the node.
        signal.signal(number, lambda *_: None)
    detached.ready()
    _supervise(files, cluster, rsctmp)


def _guard(files: layout.NodeFiles) -> None:
    """Goes on in a child that is the node's init; this process ends the node when the child has ended."""
    namespaces.become_subreaper()
    go_read, go_write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(go_write)
        if not os.read(go_read, 1):
            os._exit(1)
        os.close(go_read)
        return
    identity = processes.identify(child)
    if identity is None:
        os._exit(1)
    processes.save(files.init_record, identity)
    os.write(go_write, b"g")
    # The init alone says that it is ready: every other descriptor of that pipe must be closed.
    os.closerange(3, background.DESCRIPTORS_MAX)
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    while os.waitpid(-1, 0)[0] != child:
        pass
    own = processes.identify(os.getpid())
    while own is not None and (left := processes.descendants(own)):
        for one in left:
            processes.kill(one)
    os._exit(0)


def _furnish(files: layout.NodeFiles, cluster: layout.Cluster) -> pathlib.Path:
    os.chdir("/")
    os.umask(_UMASK)
    if not cluster.namespaces:
        namespaces.become_subreaper()
        shutil.rmtree(files.rsctmp, ignore_errors=True)
        layout.make_private(files.rsctmp)
        return files.rsctmp
    socket.sethostname(files.name)
    namespaces.mount("none", "/", None, namespaces.MS_REC | namespaces.MS_PRIVATE)
    kept = _open_kept(files, cluster)
    # A mount of another namespace's file would keep that namespace alive after its node is off.
    with contextlib.suppress(OSError):
        while True:
            namespaces.detach("/run/netns")
    for directory, mode in _PRIVATE_DIRECTORIES:
        flags = namespaces.MS_NOSUID | namespaces.MS_NODEV
        namespaces.mount("tmpfs", directory, "tmpfs", flags, f"mode={mode}")
    for path, descriptor in kept:
        path.mkdir(mode=0o755, parents=True, exist_ok=True)
        flags = namespaces.MS_BIND | namespaces.MS_REC
        namespaces.mount(f"/proc/self/fd/{descriptor}", str(path), None, flags)
        os.close(descriptor)
    _mount_kernel_views()
    for directory in ("/run/lock", "/run/log"):
        pathlib.Path(directory).mkdir(mode=0o755)
    PRIVATE_RSCTMP.mkdir(mode=0o755)
    return PRIVATE_RSCTMP


def _open_kept(files: layout.NodeFiles, cluster: layout.Cluster) -> list[tuple[pathlib.Path, int]]:
    """Opens what the private directories would hide and a node cannot do without, outermost first."""
    wanted = {
        files.directory.parent,
        background.PACKAGE_PARENT,
        pathlib.Path(sys.prefix),
        pathlib.Path(sys.base_prefix),
        *map(pathlib.Path, cluster.visible),
        *map(pathlib.Path, cluster.agent_roots),
    }
    hidden = [pathlib.Path(directory) for directory, _ in _PRIVATE_DIRECTORIES]
    kept: list[pathlib.Path] = []
    for path in sorted(path.resolve() for path in wanted):
        covered = any(path.is_relative_to(outer) for outer in kept)
        if path.is_dir() and not covered and any(path.is_relative_to(top) for top in hidden):
            kept.append(path)
    return [(path, os.open(path, os.O_PATH | os.O_DIRECTORY)) for path in kept]


def _mount_kernel_views() -> None:
    flags = namespaces.MS_NOSUID | namespaces.MS_NODEV | namespaces.MS_NOEXEC
    groups: int | None = None
    with contextlib.suppress(FileNotFoundError):
        groups = os.open(_CONTROL_GROUPS, os.O_PATH | os.O_DIRECTORY)
    # Refused in some containers; the node then sees the host's network devices under /sys, nothing worse.
    with contextlib.suppress(PermissionError):
        namespaces.mount("sysfs", "/sys", "sysfs", flags)
        if groups is not None:
            source = f"/proc/self/fd/{groups}"
            bind = namespaces.MS_BIND | namespaces.MS_REC
            namespaces.mount(source, _CONTROL_GROUPS, None, bind)
    if groups is not None:
        os.close(groups)
    namespaces.mount("proc", "/proc", "proc", flags)


def executor_argv(files: layout.NodeFiles, cluster: layout.Cluster) -> list[str]:
    """The command line of a node's executor."""
    argv = [sys.executable, "-P", "-s", "-S", "-B", "-m", "reconciler.executor", "daemon"]
    argv += ["--node", files.name, "--state-dir", str(files.state)]
    argv += ["--boot-id-file", str(files.boot_id), "--foreground"]
    for directory in cluster.agent_roots:
        argv += ["--agent-root", directory]
    return argv


def _supervise(files: layout.NodeFiles, cluster: layout.Cluster, rsctmp: pathlib.Path) -> NoReturn:
    argv = executor_argv(files, cluster)
    environment = {
        **background.environment(),
        "PYTHONPATH": str(background.PACKAGE_PARENT),
        "HA_RSCTMP": str(rsctmp),
    }
    delay_s = RESTART_DELAY_FIRST_S
    while True:
        started = time.monotonic()
        _await_end(_start(argv, environment))
        if time.monotonic() - started > STEADY_S:
            delay_s = RESTART_DELAY_FIRST_S
        _reap_for(delay_s)
        delay_s = min(2 * delay_s, RESTART_DELAY_MAX_S)


def _start(argv: list[str], environment: dict[str, str]) -> int:
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        os.setsid()
        namespaces.die_with_parent(signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        try:
            os.execve(argv[0], argv, environment)  # noqa: S606  # no shell is wanted
        finally:
            os._exit(127)
    return child


def _await_end(executor: int) -> None:
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == executor:
            code = os.waitstatus_to_exitcode(status)
            print(f"the executor ended with {code}; it is started again", flush=True)  # noqa: T201  # the node's log
            return


def _reap_for(duration_s: float) -> None:
    time.sleep(duration_s)
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass
