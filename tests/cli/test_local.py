"""A node on this machine itself: its executor is started where none runs."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

import pytest

PROGRAM = pathlib.Path(sys.executable).with_name("reconcile")
MANIFEST = """apiVersion: reconciler/v1
cluster:
  name: single
  properties: {fencing-enabled: false}
nodes:
  here: {connection: local}
resources:
  job:
    agent: ocf:reconciler:Dummy
    operations: {monitor: {interval: 5s, timeout: 20s}}
"""

pytestmark = pytest.mark.real


@pytest.fixture
def place():
    """A directory with a manifest; the executor that was started there is ended."""
    with tempfile.TemporaryDirectory(prefix="rl", dir="/tmp") as top:
        folder = pathlib.Path(top)
        (folder / "manifests").mkdir()
        (folder / "manifests" / "cluster.yaml").write_text(MANIFEST)
        yield folder
        for line in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                words = line.read_bytes().decode(errors="replace").split("\0")
                if str(folder / "state/node/here") in words and "daemon" in words:
                    os.kill(int(line.parent.name), signal.SIGTERM)


def _reconcile(place, *words):
    done = subprocess.run(
        [PROGRAM, *words],
        cwd=place,
        env={**os.environ, "RECONCILE_STATE_DIR": str(place / "state")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_executor_is_started_and_outlives_the_command(place):
    """After apply the resource runs, and a later command finds the same executor's history."""
    _reconcile(place, "apply", "--yes")
    status = json.loads(_reconcile(place, "status", "-o", "json"))

    (job,) = status["resources"]
    assert (job["resource"], job["node"], job["role"]) == ("job", "here", "Started")
    assert status["converged"]
