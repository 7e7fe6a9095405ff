"""A sound manifest in sections, and a way to spoil one of them."""

import pytest

from reconciler.manifest import load

SECTIONS = {
    "apiVersion": "apiVersion: reconciler/v1\n",
    "cluster": "cluster: {name: trial}\n",
    "nodes": (
        "nodes:\n  n1: {address: 10.1.0.1, connection: ssh}\n"
        "  n2: {address: 10.1.0.2, connection: ssh}\n"
    ),
    "resources": "resources:\n  a: {agent: 'ocf:x:Y'}\n  b: {agent: 'ocf:x:Y'}\n",
    "fencing": (
        "fencing:\n  devices:\n"
        "    f1: {agent: fence_x, hosts: [n1]}\n    f2: {agent: fence_x, hosts: [n2]}\n"
    ),
}
FULL = b"""\
apiVersion: reconciler/v1
cluster:
  name: vip_cluster
  properties: {stonith-enabled: true, no-quorum-policy: stop}
  membership: {token: 1500ms}
defaults:
  resources: {resource-stickiness: 100}
  operations: {timeout: 20s}
nodes:
  ha-1: {address: 192.168.0.5, connection: ssh, connection-options: {port: 2222}}
  ha-2:
    address: 192.168.0.2
    connection: ssh
    attributes: {rack: b}
    utilization: {memory: 64}
    standby: true
templates:
  address:
    agent: ocf:heartbeat:IPaddr2
    params: {cidr_netmask: 24, nic: eth0}
    operations: {monitor: {interval: 10s}, start: {timeout: 30s}}
resources:
  p_vip:
    agent: ocf:heartbeat:IPaddr2
    params: {ip: 192.168.0.200, cidr_netmask: 24}
    operations:
      monitor:
        - {interval: 2s, timeout: 20s, OCF_CHECK_LEVEL: 10}
        - {interval: 5s, role: Master, on-fail: fence}
    meta: {migration-threshold: 3, failure-timeout: 60s}
  p_vip2:
    template: address
    params: {ip: 192.168.0.201, nic: eth1}
    operations: {monitor: {interval: 10s, timeout: 9s}}
  web_fs: {agent: systemd:web-fs}
  web_httpd: {agent: "lsb:httpd"}
  web: {group: [web_fs, web_httpd], meta: {priority: 5}}
  pgsql: {agent: "ocf:heartbeat:pgsql"}
  pgsql_ha: {clone: pgsql, promotable: true, meta: {notify: true, master-max: 1}}
constraints:
  - colocation: {resource: p_vip2, with: p_vip}
  - colocation: {resource: web, with: pgsql_ha, with-role: Promoted, score: 50, id: c1}
  - order: {first: p_vip, then: p_vip2, kind: Optional, symmetrical: false}
  - order: {first: pgsql_ha, first-action: promote, then: web, then-action: start}
  - order: {sets: [{resources: [p_vip, p_vip2], sequential: false}, {resources: [web]}]}
  - colocation: {sets: [{resources: [p_vip]}, {resources: [web], role: Started}], score: 10}
  - location: {resource: p_vip, prefers: {ha-2: 100}, avoids: {ha-1: INFINITY}}
  - location:
      resources: [web, p_vip2]
      rule: {and: [{attribute: rack, operation: eq, value: b}, {or: [{attribute: x, operation: defined}]}]}
      score: -5
  - location: {pattern: "web_.*", rule: {date: {operation: date_spec, spec: {hours: 9-16}}}, score: 1}
  - ticket: {ticket: site, resource: web, loss-policy: stop}
  - order: {first: both, then: web}
tags:
  both: [p_vip, p_vip2]
fencing:
  devices:
    ipmi_ha_1:
      agent: ipmi
      params: {ip: 10.0.108.120, username: root, password: {secretRef: {env: IPMI_HA_1}}, cipher: 17}
      hosts: [ha-1]
      meta: {delay-max: 5s, priority: 3, retries: 2, timeout: 30s}
    pdu:
      agent: fence_apc
      params: {ip: 10.0.108.1}
      hosts: {ha-1: 4, ha-2: 5}
  levels:
    ha-1: [[ipmi_ha_1], [pdu]]
"""
MARK = "@@"


class Spoiled:
    """A manifest in one file whose marked place is where the finding must be."""

    def __init__(self, sections, *, agents=None):
        text = "".join({**SECTIONS, **sections}.values())
        before = text.partition(MARK)[0]
        self.line = before.count("\n") + 1
        self.column = len(before) - (before.rfind("\n") + 1) + 1
        self.marked = MARK in text
        self.text = text.replace(MARK, "", 1)
        self.loaded = load.load_texts({"m.yaml": self.text.encode()}, agents=agents)

    def find(self, code):
        """Return the findings of a code."""
        return [one for one in self.loaded.diagnostics if one.code == code]

    def codes(self):
        """Return the codes of everything found."""
        return [one.code for one in self.loaded.diagnostics]


@pytest.fixture(scope="session")
def spoil():
    """Return the function that loads the sound manifest with some sections replaced."""
    return lambda agents=None, **sections: Spoiled(sections, agents=agents)


@pytest.fixture(scope="session")
def full():
    """Return a manifest that uses most of the language."""
    return FULL
