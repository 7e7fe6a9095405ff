"""Simulated management controllers (OpenIPMI's ipmi_sim), each with a chassis that can misbehave."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import pytest

from reconciler.errors import position
from reconciler.fencing import ipmi_worker
from reconciler.model import attribute, fencing

IPMI_SIM = shutil.which("ipmi_sim")
PASSWORD = "c4nary-Secret"

LAN = """\
name "bmc"
set_working_mc 0x20
startlan 1
  addr 127.0.0.1 {port}
  priv_limit admin
  allowed_auths_callback none md2 md5 straight
  allowed_auths_user none md2 md5 straight
  allowed_auths_operator none md2 md5 straight
  allowed_auths_admin none md2 md5 straight
  guid a123456789abcdefa12345678{port:07x}
endlan
chassis_control "{chassis} 0x20"
startnow false
user 2 true "admin" "{password}" admin 10 none md2 md5 straight
"""

MACHINE = """\
mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
mc_enable 0x20
"""

# Modes: honest; liar: "set" is ignored; broken: "set" fails; slow: off takes 2 s; cycle: off, and on
# again after 1 s; odd: no power state is given.
CHASSIS = """\
#!/bin/sh
cd {directory} || exit 1
read -r mode < mode
echo "$*" >> log
case "$2 $3" in
"get power")
  [ "$mode" = odd ] && exit 1
  read -r power < power; echo "power:$power";;
"set power")
  case "$mode" in
  liar) ;;
  broken) exit 1;;
  slow) if [ "$4" = 0 ]; then (sleep 2; echo 0 > power) >/dev/null 2>&1 & else echo 1 > power; fi;;
  cycle) echo 0 > power; (sleep 1; echo 1 > power) >/dev/null 2>&1 &;;
  *) echo "$4" > power;;
  esac;;
*) echo "boot:default";;
esac
"""


@dataclasses.dataclass
class Bmc:
    """A running management controller."""

    directory: pathlib.Path
    port: int
    process: subprocess.Popen[bytes]

    def misbehave(self, mode: str) -> None:
        """Have the chassis behave otherwise from now on."""
        (self.directory / "mode").write_text(f"{mode}\n")

    @property
    def power(self) -> str:
        """Whether the machine really is on."""
        return {"1": "on", "0": "off"}[(self.directory / "power").read_text().strip()]

    @property
    def switched(self) -> list[str]:
        """The commands that would switch something, in order."""
        log = self.directory / "log"
        lines = log.read_text().splitlines() if log.exists() else []
        return [line for line in lines if " set power" in line]

    def freeze(self) -> None:
        """Stop answering, as a controller whose firmware hangs."""
        self.process.send_signal(signal.SIGSTOP)

    def device(self, name: str = "bmc", agent: str = "ipmi", **fields) -> fencing.FenceDevice:
        """Return a fence device for it; ``params`` are added to the right ones."""
        params = {
            "ip": "127.0.0.1",
            "ipport": str(self.port),
            "username": "admin",
            "password": PASSWORD,
            "lanplus": "1",
            "cipher": "3",
            **fields.pop("params", {}),
        }
        settings = {"hosts": ("ha-1",), "timeout_ms": 10_000, "retries": 0, **fields}
        return fencing.FenceDevice(
            name=name,
            agent=agent,
            params=(attribute.AttributeSet(params),),
            origin=position.NOWHERE,
            **settings,
        )


def options(device: fencing.FenceDevice) -> dict[str, str]:
    """Return the options of a device whose values are all plain."""
    return {name: str(value) for one in device.params for name, value in one.pairs.items()}


def free_port() -> int:
    """Return a UDP port of the loopback interface that nobody uses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(directory: pathlib.Path) -> Bmc:
    """Start a management controller that answers when this returns."""
    directory.mkdir()
    (directory / "state").mkdir()
    (directory / "mode").write_text("honest\n")
    (directory / "power").write_text("1\n")
    chassis = directory / "chassis"
    chassis.write_text(CHASSIS.format(directory=directory))
    chassis.chmod(0o700)
    (directory / "sim.emu").write_text(MACHINE)
    for _ in range(5):
        port = free_port()
        lan = LAN.format(port=port, chassis=chassis, password=PASSWORD)
        (directory / "lan.conf").write_text(lan)
        process = subprocess.Popen(
            [
                str(IPMI_SIM),
                "-n",
                "-c",
                "lan.conf",
                "-f",
                "sim.emu",
                "-s",
                str(directory / "state"),
            ],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        if _answers(port, process):
            return Bmc(directory, port, process)
        stop(process)
    raise AssertionError("ipmi_sim does not start")


def _answers(port: int, process: subprocess.Popen[bytes]) -> bool:
    give_up = time.monotonic() + 10
    while time.monotonic() < give_up and process.poll() is None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.settimeout(0.1)
            probe.connect(("127.0.0.1", port))
            with contextlib.suppress(OSError):
                probe.send(ipmi_worker.greeting())
                return bool(probe.recv(512))
        time.sleep(0.05)
    return False


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a controller with its chassis."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture
def bmcs(tmp_path):
    """Return a function that starts management controllers; they end with the test."""
    if IPMI_SIM is None:
        assert os.environ.get("CI") != "true", "ipmi_sim (Debian package openipmi) is missing"
        pytest.skip("needs ipmi_sim (Debian package openipmi)")
    running: list[Bmc] = []

    def begin() -> Bmc:
        running.append(start(tmp_path / f"bmc{len(running)}"))
        return running[-1]

    yield begin
    for one in running:
        stop(one.process)


@pytest.fixture
def bmc(bmcs):
    """Return a running management controller."""
    return bmcs()
