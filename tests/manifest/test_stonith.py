"""Fence devices as Pacemaker has them, and as this program's own controller has them."""

from __future__ import annotations

import pytest

from reconciler.manifest import load
from reconciler.model import constraint, resource

_TEXT = """\
apiVersion: reconciler/v1
cluster: {{name: trial}}
nodes: {{a: {{}}, b: {{}}}}
resources:
  web: {{agent: "ocf:pacemaker:Dummy"}}
  db: {{agent: "ocf:pacemaker:Dummy"}}
{resources}
fencing:
  devices:
    f1: {{agent: fence_x, hosts: [a, b], meta: {{delay-base: 3s, priority: 2}}}}
    f2: {{agent: fence_x, hosts: {{a: 1, b: 2}}, operations: {{monitor: {{interval: 60s}}}}{more}}}
{constraints}
"""


def _load(*, pacemaker, resources="", more="", constraints=""):
    text = _TEXT.format(resources=resources, more=more, constraints=constraints)
    loaded = load.load_texts({"m.yaml": text.encode()}, pacemaker=pacemaker)
    assert loaded.desired is not None, loaded.diagnostics
    return loaded


def _names(loaded):
    return [one.name for one in loaded.desired.resources]


@pytest.mark.parametrize(
    ("more", "names"),
    [
        ("", ["f1", "f2", "web", "db"]),
        (", after: web", ["f1", "web", "f2", "db"]),
        (", after: db", ["f1", "web", "db", "f2"]),
    ],
)
def test_place_among_resources(more, names):
    """For Pacemaker devices are resources: first of all, or behind the one that is named."""
    loaded = _load(pacemaker=True, more=more)

    assert _names(loaded) == names
    assert loaded.desired.fencing.devices == ()
    assert [one.name for one in loaded.fencing.devices] == ["f1", "f2"]


def test_parameters_of_the_fencer():
    """Hosts and delays become the parameters by which Pacemaker's fencer knows them."""
    first, second, *_ = _load(pacemaker=True).desired.resources

    assert dict(first.params[0].pairs) == {"pcmk_host_list": "a b", "pcmk_delay_base": "3s"}
    assert dict(first.meta[0].pairs) == {"priority": "2"}
    assert dict(second.params[0].pairs) == {"pcmk_host_map": "a:1;b:2"}
    assert second.operations[0].interval_ms == 60_000


def test_own_controller():
    """The controller has devices as devices, and no resource or constraint of theirs."""
    loaded = _load(
        pacemaker=False,
        resources="  all: {clone: f1}\n  mixed: {group: [web, f2]}",
        constraints="constraints:\n"
        "  - location: {resource: all, avoids: {a: 1}}\n"
        "  - colocation: {sets: [{resources: [f1, db, web]}]}\n"
        "  - order: {first: db, then: web}\n",
    )

    assert _names(loaded) == ["db", "mixed"]
    assert [one.name for one in resource.primitives(loaded.desired.resources[1])] == ["web"]
    sets, order = loaded.desired.constraints
    assert sets.sets[0].resources == ("db", "web")
    assert isinstance(order, constraint.Order)
    assert [one.name for one in loaded.desired.fencing.devices] == ["f1", "f2"]


def test_devices_inside():
    """A clone or group can hold devices; they are assigned there and nowhere else."""
    loaded = _load(pacemaker=True, resources="  all: {clone: f1}\n  mixed: {group: [web, f2]}")

    assert _names(loaded) == ["db", "all", "mixed"]


def test_any_host():
    """A device for any host is for every member, and Pacemaker finds out itself."""
    text = """\
apiVersion: reconciler/v1
cluster: {name: trial}
nodes: {a: {}, b: {}, far: {kind: remote}}
resources: {web: {agent: "ocf:pacemaker:Dummy"}}
fencing: {devices: {f1: {agent: fence_xvm, hosts: any}}}
"""
    loaded = load.load_texts({"m.yaml": text.encode()}, pacemaker=True)

    assert loaded.fencing.devices[0].hosts == ("a", "b")
    assert loaded.desired.resources[0].params == ()


def test_built_in_driver():
    """Pacemaker gets the agent that takes the parameters of the built-in driver, with IPMI 2.0."""
    text = """\
apiVersion: reconciler/v1
cluster: {name: trial}
nodes: {a: {}}
resources: {web: {agent: "ocf:pacemaker:Dummy"}}
fencing:
  devices:
    f: {agent: ipmi, params: {ip: 10.0.0.1, username: x, password: {secretRef: {env: P}}}, hosts: [a]}
"""
    loaded = load.load_texts({"m.yaml": text.encode()}, pacemaker=True)
    device = loaded.desired.resources[0]

    assert str(device.agent) == "stonith:fence_ipmilan"
    assert device.params[0].pairs["lanplus"] == "true"
    assert loaded.fencing.devices[0].agent == "ipmi"
