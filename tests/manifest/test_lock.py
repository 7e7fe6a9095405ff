"""An agents.lock of really installed agents and the manifests that it stands beside agree."""

import pathlib
import shutil

import pytest

from reconciler.cli import main

MANIFESTS = pathlib.Path(__file__).parents[2] / "examples/vip-cluster/manifests"

pytestmark = pytest.mark.real


def test_manifests_that_are_valid_stay_valid_beside_their_lock(tmp_path, monkeypatch, capfd):
    """What the controller itself gives a fence agent, such as the action, nobody has to write."""
    for path in ("/usr/sbin/fence_ipmilan", "/usr/lib/ocf/resource.d/heartbeat/IPaddr2"):
        if not pathlib.Path(path).exists():
            pytest.skip(f"{path} is not installed")
    shutil.copytree(MANIFESTS, tmp_path / "manifests")
    monkeypatch.chdir(tmp_path)

    assert main.run(["agents", "lock"]) == 0
    assert (tmp_path / "manifests" / "agents.lock").exists()
    assert main.run(["validate"]) == 0, capfd.readouterr().err
