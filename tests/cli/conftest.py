"""The program in this process, and manifests to run it on."""

from __future__ import annotations

import pathlib

import pytest

CLUSTER = """\
apiVersion: reconciler/v1
cluster:
  name: trial
  properties: {fencing-enabled: true}
nodes:
  n1: {address: 192.168.99.1}
  n2: {address: 192.168.99.2}
  n3: {address: 192.168.99.3}
resources:
  p_vip:
    agent: ocf:heartbeat:IPaddr2
    params: {ip: 192.168.99.100, cidr_netmask: 24}
    operations:
      monitor: {interval: 5s, timeout: 20s}
  p_vip2:
    agent: ocf:heartbeat:IPaddr2
    params: {ip: 192.168.99.101, cidr_netmask: 24}
constraints:
  - colocation: {resource: p_vip2, with: p_vip, score: INFINITY}
  - order: {first: p_vip, then: p_vip2}
  - location: {resource: p_vip, prefers: {n1: 50}}
fencing:
  devices:
"""
DEVICE = """\
    ipmi_{number}:
      agent: ipmi
      params:
        ip: 127.0.0.1
        ipport: {port}
        username: admin
        password: {{secretRef: {{file: .secrets/ipmi}}}}
      hosts: [n{number}]
"""


class Ended:
    """What the program did."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err


@pytest.fixture
def manifests(tmp_path, monkeypatch) -> pathlib.Path:
    """A directory with valid manifests below the working directory; state kept beside it."""
    directory = tmp_path / "manifests"
    directory.mkdir()
    devices = "".join(DEVICE.format(number=number, port=6300 + number) for number in (1, 2, 3))
    (directory / "cluster.yaml").write_text(CLUSTER + devices)
    (directory / ".secrets").mkdir(mode=0o700)
    secret = directory / ".secrets" / "ipmi"
    secret.write_text("0123456789ab\n")
    secret.chmod(0o600)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECONCILE_STATE_DIR", str(tmp_path / "state"))
    return directory


@pytest.fixture
def reconcile(capsys):
    """Run the program with these words."""
    from reconciler.cli import main

    def run(*words: str) -> Ended:
        capsys.readouterr()
        status = main.run(words)
        captured = capsys.readouterr()
        return Ended(int(status), captured.out, captured.err)

    return run
