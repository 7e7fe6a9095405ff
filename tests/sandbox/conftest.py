"""Sandboxes for tests: own directory, own ports, and nothing left behind."""

import os
import pathlib
import shutil
import socket
import subprocess

import pytest

from reconciler.sandbox import bmc, cluster, layout, spec

USER, PASSWORD = "admin", "s3cret,word:#$1"


def pytest_collection_modifyitems(items):
    """Skips what this machine cannot run, with the reason; in CI nothing is skipped."""
    if os.environ.get("CI") == "true":
        return
    lacking = {"root": "; ".join(cluster.lacking())}
    lacking["real"] = "" if bmc.program() and shutil.which("ipmitool") else cluster.NO_BMC
    here = pathlib.Path(__file__).parent
    for item in items:
        if not item.path.is_relative_to(here):
            continue
        for marker, reason in lacking.items():
            if reason and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


def free_port():
    """A UDP port of the loopback interface that nobody has right now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Sandbox:
    """A specification with a way to say it in few words."""

    user, password = USER, PASSWORD

    def __init__(self, root, count, *, with_bmc=False, name="demo"):
        self.root = root
        self.spec = spec.ClusterSpec(
            name,
            root,
            tuple(
                spec.NodeSpec(
                    f"n{number}",
                    f"10.99.0.{number}",
                    bmc=spec.BmcSpec(USER, PASSWORD, free_port()) if with_bmc else None,
                )
                for number in range(1, count + 1)
            ),
        )
        self.files = layout.Files.at(root)

    def up(self):
        """Brings it up."""
        return cluster.up(self.spec)

    def node(self, name="n1"):
        """The status of one node."""
        return next(node for node in cluster.status(self.root).nodes if node.name == name)

    def ipmi(self, node, *words):
        """Runs ipmitool against the node's management controller."""
        controller = next(one for one in self.spec.nodes if one.name == node).bmc
        return subprocess.run(
            [
                *("ipmitool", "-I", "lanplus", "-C", "3", "-H", controller.address),
                *("-p", str(controller.port), "-U", USER, "-E", "-N", "2", "-R", "2", *words),
            ],
            env={"PATH": os.environ["PATH"], "IPMI_PASSWORD": PASSWORD},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture(name="free_port")
def _free_port():
    """Finds a port that is free."""
    return free_port


@pytest.fixture(name="leftovers")
def _leftovers():
    """Finds what is left of a sandbox."""
    return leftovers


@pytest.fixture
def make_sandbox(tmp_path):
    """Makes sandboxes, and takes down and checks each of them at the end."""
    made = []

    def make(count=1, **options):
        sandbox = Sandbox(tmp_path / f"sandbox{len(made)}", count, **options)
        made.append(sandbox)
        return sandbox

    yield make
    for sandbox in made:
        cluster.down(sandbox.root)
    for sandbox in made:
        assert leftovers(sandbox.root) == []


def leftovers(root):
    """Processes, network namespaces and mounts that still belong to the sandbox at `root`."""
    files = layout.Files.at(root)
    text = os.fsencode(files.root)
    found = []
    for process in pathlib.Path("/proc").iterdir():
        if process.name.isdecimal():
            try:
                if text in (process / "cmdline").read_bytes().split(b"\0"):
                    found.append(f"process {process.name}")
            except (FileNotFoundError, ProcessLookupError):
                continue
    record = files.load()
    if record is not None:
        namespaces = pathlib.Path("/run/netns")
        names = [path.name for path in namespaces.iterdir()] if namespaces.is_dir() else []
        found += [f"namespace {name}" for name in names if name.startswith(record.label)]
    mounts = pathlib.Path("/proc/self/mounts").read_text(encoding="utf-8")
    found += [line for line in mounts.splitlines() if str(files.root) in line]
    return found
