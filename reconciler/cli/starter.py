"""The first manifests that ``init`` writes; a test holds them valid."""

from __future__ import annotations

_CLUSTER = """\
# The cluster and its nodes. Three nodes on this machine: `reconcile sandbox up` runs them.
apiVersion: reconciler/v1

cluster:
  name: {name}
  properties:
    fencing-enabled: true
    no-quorum-policy: stop

defaults:
  resources: {{resource-stickiness: 100}}

nodes:
  node-1: {{address: 192.168.77.1, connection: sandbox}}
  node-2: {{address: 192.168.77.2, connection: sandbox}}
  node-3: {{address: 192.168.77.3, connection: sandbox}}
"""
_RESOURCES = """\
# What runs: an address that is always on exactly one node.
apiVersion: reconciler/v1

resources:
  vip:
    agent: ocf:heartbeat:IPaddr2
    params: {ip: 192.168.77.100, cidr_netmask: 24}
    operations:
      monitor: {interval: 5s, timeout: 20s}
    meta: {migration-threshold: 3, failure-timeout: 60s}

constraints:
  - location: {resource: vip, prefers: {node-1: 50}}
"""
_FENCING = """\
# How each node is switched off for certain. In a sandbox these BMCs are simulated, and
# `reconcile sandbox up` makes their password.
apiVersion: reconciler/v1

fencing:
  devices:
"""
_DEVICE = """\
    ipmi_{number}:
      agent: ipmi
      params:
        ip: 127.0.0.1
        ipport: {port}
        username: admin
        password: {{secretRef: {{file: {secret}}}}}
        lanplus: true
        cipher: 3
      hosts: [node-{number}]
"""
FILES = ("cluster.yaml", "resources.yaml", "fencing.yaml")
_FIRST_PORT = 6240
_SECRET = ".secrets/ipmi"  # noqa: S105 - the name of a file


def texts() -> dict[str, str]:
    """Return the starter files by name."""
    devices = "".join(
        _DEVICE.format(number=number, port=_FIRST_PORT + number, secret=_SECRET)
        for number in (1, 2, 3)
    )
    return {
        "cluster.yaml": _CLUSTER.format(name="demo"),
        "resources.yaml": _RESOURCES,
        "fencing.yaml": _FENCING + devices,
    }
