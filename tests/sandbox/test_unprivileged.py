"""Without root there are nodes without namespaces, and they say so."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

import reconciler
from reconciler.sandbox import cluster

NOBODY = 65534
PYTHON = "/usr/bin/python3"  # one that everybody may run

SCENARIO = """
import json, os, pathlib, signal, subprocess, sys, time, uuid
sys.path.insert(0, sys.argv[1])
from reconciler.sandbox import bmc, cluster, faults, inside, power, processes, sockets, spec

root, port = pathlib.Path(sys.argv[2]), int(sys.argv[3])
controller = spec.BmcSpec("admin", "secret", port) if bmc.program() else None
nodes = (spec.NodeSpec("n1", "10.99.0.1", bmc=controller), spec.NodeSpec("n2", "10.99.0.2"))
wanted = spec.ClusterSpec("demo", root, nodes)

def node(name="n1"):
    return next(one for one in cluster.status(root).nodes if one.name == name)

def ipmi(word):
    return subprocess.run(["ipmitool", "-I", "lanplus", "-C", "3", "-H", "127.0.0.1", "-p", str(port), "-U", "admin",
        "-E", "chassis", "power", word], env={"PATH": os.environ["PATH"], "IPMI_PASSWORD": "secret"},
        capture_output=True, text=True, timeout=60).stdout.strip()

said = {"uid": os.geteuid()}
status = cluster.up(wanted)
said["up"] = [[one.power.value, one.executor, one.namespace] for one in status.nodes]
said["missing"] = status.missing
said["addresses"] = inside.addresses(root)
first = node()
init = processes.load(root / "n1" / "init.json")
executor = faults.executor(power.handle(root, "n1").files)
said["executor is below init"] = executor in processes.descendants(init)
faults.freeze(root, "n1")
said["frozen"] = node().power.value
said["frozen answers"] = inside.hello(root / "n1" / "link.sock", 0.3) is not None
faults.thaw(root, "n1")
faults.cut(root, "n1")
said["cut answers"] = inside.hello(root / "n1" / "link.sock", 0.3) is not None
faults.heal(root, "n1")
said["healed answers"] = inside.hello(root / "n1" / "link.sock", 5) is not None
if controller:
    said["ipmi"] = [ipmi("status"), ipmi("off"), ipmi("status")]
else:
    power.power_off(root, "n1")
said["left"] = [one.pid for one in (init, executor) if processes.alive(one)]
said["off"] = [node().power.value, node("n2").power.value]
power.power_on(root, "n1")
while not node().executor:
    time.sleep(0.02)
said["new boot"] = node().boot_id != first.boot_id

def act(agent, operation, **params):
    with sockets.connect(root / "n1" / "link.sock", 30) as client:
        client.sendall(json.dumps({"id": 1, "op": "act", "token": 1, "action_id": str(uuid.uuid4()), "resource": "web",
            "agent": agent, "operation": operation, "interval_ms": 0, "timeout_ms": 20000, "start_delay_ms": 0,
            "params": params, "meta": {}, "expected_rc": 0, "digests": {}, "fatal": False, "probe": False,
            "migrate": None, "expect": {"boot_id": node().boot_id, "revision": None}}).encode() + b"\\n")
        return json.loads(client.makefile("rb").readline())["result"]["operation"]["rc"]

for name in ("init", "guard"):
    said["started"] = act("ocf:reconciler:Web", "start", ip="127.0.0.1", port=sys.argv[4])
    everyone = power.everyone(power.handle(root, "n1"))
    os.kill(processes.load(root / "n1" / f"{name}.json").pid, signal.SIGKILL)
    power.power_off(root, "n1")
    said[f"left without {name}"] = [one.pid for one in everyone if processes.alive(one)]
    power.power_on(root, "n1")
    while not node().executor:
        time.sleep(0.02)
    said["port is free"] = act("ocf:reconciler:Web", "monitor", ip="127.0.0.1", port=sys.argv[4]) == 7
cluster.down(root)
cluster.down(root)
print(json.dumps(said))
"""


@pytest.mark.root
@pytest.mark.skipif(
    os.environ.get("CI") != "true" and not pathlib.Path(PYTHON).exists(), reason=f"no {PYTHON}"
)
def test_a_user_without_rights_has_a_sandbox_too(free_port, leftovers):
    """Processes, faults and BMC power work for any user, and the status names what is missing."""
    home = pathlib.Path(tempfile.mkdtemp(prefix="rs-", dir="/var/tmp"))
    try:
        source = pathlib.Path(reconciler.__file__).parent
        shutil.copytree(
            source, home / "lib" / "reconciler", ignore=shutil.ignore_patterns("__pycache__")
        )
        for path in [home, *home.rglob("*")]:
            os.chown(path, NOBODY, NOBODY)
        done = subprocess.run(
            [
                *("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
                *(PYTHON, "-I", "-B", "-c", SCENARIO, str(home / "lib")),
                *(str(home / "sandbox"), str(free_port()), str(free_port())),
            ],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)

        assert said.pop("ipmi", None) in (
            None,
            ["Chassis Power is on", "Chassis Power Control: Down/Off", "Chassis Power is off"],
        )
        assert said == {
            "uid": NOBODY,
            "up": [["on", True, None]] * 2,
            "missing": [cluster.NO_ROOT, cluster.NO_REAL_ADDRESSES],
            "addresses": {"n1": [], "n2": []},
            "executor is below init": True,
            "frozen": "frozen",
            "frozen answers": False,
            "cut answers": False,
            "healed answers": True,
            "left": [],
            "off": ["off", "on"],
            "new boot": True,
            "started": 0,
            "left without init": [],
            "left without guard": [],
            "port is free": True,
        }
        assert leftovers(home / "sandbox") == []
    finally:
        if (home / "sandbox").exists():
            cluster.down(home / "sandbox")
        shutil.rmtree(home)
